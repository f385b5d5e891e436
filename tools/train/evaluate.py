"""Measures a network on unseen synthetic tiles and draws outlines on any image.

Scores: Dice of the mask and panoptic quality (match at IoU > 0.5) after the HoVer-Net post-processing, averaged over
tiles as in the published metric code, and panoptic quality pooled over all nuclei.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.segmentation import find_boundaries

from checkpoint import read_safetensors
from model import HoverFast
from postprocess import dice, instances_of, panoptic, panoptic_quality
from tiles import derive_targets, make_tiles, open_tiles

MARGIN_PX = 64


def load_model(path: Path) -> HoverFast:
    """The network of a safetensors file, in evaluation mode."""
    tensors, metadata = read_safetensors(path)
    flags = {name: metadata[name] == "True" for name in ("padding", "batch_norm")}
    sizes = {name: int(metadata[name]) for name in ("n_classes", "in_channels", "depth", "wf")}
    words = {name: metadata[name] for name in ("up_mode", "conv_block")}
    model = HoverFast(**flags, **sizes, **words)
    model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()}, strict=False)
    return model.eval().to(memory_format=torch.channels_last)


@torch.no_grad()
def predict(model: HoverFast, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(nucleus probability, position maps) of a whole image; the border is padded by reflection."""
    height, width = rgb.shape[:2]
    step = 2 ** (len(model.down_path) - 1)
    margin = min(MARGIN_PX, height - 1, width - 1) // step * step
    bottom, right = margin + -height % step, margin + -width % step
    padded = np.pad(rgb, ((margin, bottom), (margin, right), (0, 0)), "reflect")
    x = torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255
    logits, maps = model(x.contiguous(memory_format=torch.channels_last))
    inner = np.s_[margin : margin + height, margin : margin + width]
    return logits.float().softmax(1)[0, 1].numpy()[inner], maps.float()[0].numpy()[(slice(None), *inner)]


def outline(rgb: np.ndarray, instances: np.ndarray, colour: tuple[int, int, int], zoom: int) -> np.ndarray:
    """The image enlarged, with a line of one pixel around every instance."""
    big = np.asarray(Image.fromarray(rgb).resize((rgb.shape[1] * zoom, rgb.shape[0] * zoom), Image.BICUBIC)).copy()
    big[find_boundaries(instances.repeat(zoom, 0).repeat(zoom, 1), mode="inner")] = colour
    return big


def score_tiles(model: HoverFast | None, path: Path, pictures: Path | None, limit: int) -> dict[str, float]:
    """Scores over a tile file; without a model the targets themselves are post-processed (the upper bound)."""
    file = open_tiles(path)
    rows, total = [], np.zeros(4)
    for index in range(min(limit, file.count)):
        rgb, truth = np.array(file.rgb[index]), file.labels[index].astype(np.int32)
        if model is None:
            targets = derive_targets(truth)
            probability, maps = targets.mask.astype(np.float32), targets.maps
        else:
            probability, maps = predict(model, rgb)
        found = instances_of(probability, maps)
        counts = panoptic(truth, found)
        total += counts
        rows.append((dice(truth, found), *panoptic_quality(*counts)))
        if pictures and index < 6:
            both = [outline(rgb, truth, (255, 255, 0), 2), outline(rgb, found, (0, 255, 0), 2)]
            Image.fromarray(np.hstack(both)).save(pictures / f"tile_{index:02d}.png")
    mean = np.mean(rows, 0)
    pooled = panoptic_quality(int(total[0]), int(total[1]), int(total[2]), float(total[3]))
    return {
        "tiles": len(rows),
        "nuclei": int(total[0] + total[2]),
        "dice": round(float(mean[0]), 4),
        "pq": round(float(mean[1]), 4),
        "dq": round(float(mean[2]), 4),
        "sq": round(float(mean[3]), 4),
        "pooled_pq": round(pooled[0], 4),
        "pooled_dq": round(pooled[1], 4),
        "false_positives": int(total[1]),
        "false_negatives": int(total[2]),
    }


def open_image(spec: str) -> np.ndarray:
    """RGB of `path[@scale][:left,top,width,height]`; the box is in pixels of the file, the scale applies after it."""
    path, _, box = spec.partition(":")
    path, _, scale = path.partition("@")
    image = Image.open(path).convert("RGB")
    if box:
        left, top, width, height = (int(v) for v in box.split(","))
        image = image.crop((left, top, left + width, top + height))
    if scale:
        factor = float(scale)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.BICUBIC)
    return np.array(image)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--weights", type=Path, help="safetensors file; without it the targets are scored")
    p.add_argument("--tiles", type=Path, help="tile file to score")
    p.add_argument("--tool", type=Path, help="make_tiles, to make --tiles if it does not exist")
    p.add_argument("--count", type=int, default=50)
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--seed", type=int, default=900_000_000, help="first seed of the unseen tiles")
    p.add_argument("--image", action="append", default=[], help="path[@scale][:left,top,width,height]")
    p.add_argument("--zoom", type=int, default=2, help="enlargement of the pictures")
    p.add_argument("--pictures", type=Path, help="folder for pictures")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    model = load_model(args.weights) if args.weights else None
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    if args.tiles:
        if not args.tiles.exists() and args.tool:
            make_tiles(args.tool, args.tiles, args.count, args.size, args.seed)
        print(json.dumps(score_tiles(model, args.tiles, args.pictures, args.count)))
    for number, spec in enumerate(args.image):
        rgb = open_image(spec)
        found = instances_of(*predict(model, rgb))
        print(json.dumps({"image": spec, "nuclei": int(len(np.unique(found)) - 1)}))
        if args.pictures:
            Image.fromarray(outline(rgb, found, (0, 255, 0), args.zoom)).save(args.pictures / f"image_{number:02d}.png")


if __name__ == "__main__":
    main()
