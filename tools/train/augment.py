"""Random changes that make synthetic tiles cover the looks of real slides.

Everything is deterministic in the numpy Generator that is passed in. Images are float32 RGB in [0, 1].
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

# Absorbance directions of haematoxylin, eosin and a residual (Ruifrok and Johnston 2001), one per row.
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], np.float32)


@dataclass
class Sample:
    """A crop with its targets; arrays as in tiles.Targets."""

    rgb: np.ndarray
    mask: np.ndarray
    maps: np.ndarray
    weight: np.ndarray
    known: np.ndarray


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def low_frequency(rng: np.random.Generator, side_px: int, cells: int) -> np.ndarray:
    """Smooth noise with standard deviation of about 1."""
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((side_px, side_px), Image.BICUBIC))


def jitter_stains(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Separates the stains, changes their amounts and colours, and mixes them again."""
    density = -np.log(np.maximum(rgb, 1 / 255.0))
    amounts = density.reshape(-1, 3) @ np.linalg.inv(unit_rows(STAINS))
    gain = np.exp(rng.normal(0, [0.28, 0.38, 0.3])).astype(np.float32)
    offset = rng.normal(0, [0.02, 0.03, 0.01]).astype(np.float32)
    strength = rng.choice([0.04, 0.10, 0.16])
    mixing = unit_rows(np.maximum(unit_rows(STAINS) + rng.normal(0, strength, (3, 3)), 0.0)).astype(np.float32)
    amounts = amounts * gain + offset
    if rng.random() < 0.3:
        # Patches of purple or pink haze: cytoplasm and stroma come close to the colour of pale nuclei.
        field = low_frequency(rng, rgb.shape[0], int(rng.integers(4, 24))).reshape(-1, 1)
        amounts[:, :2] += np.maximum(field, 0) * rng.uniform(0, [0.22, 0.3]).astype(np.float32)
    return np.exp(-np.maximum(amounts @ mixing, 0)).reshape(rgb.shape).astype(np.float32)


def jitter_colours(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain and gamma per channel, contrast, saturation, a small rotation of the hue."""
    if rng.random() < 0.7:
        rgb = rgb * rng.uniform(0.85, 1.08, 3).astype(np.float32)
    if rng.random() < 0.5:
        rgb = np.power(np.clip(rgb, 1e-4, 1), np.float32(np.exp(rng.normal(0, 0.25))))
    if rng.random() < 0.5:
        mean = rgb.mean()
        rgb = (rgb - mean) * np.float32(rng.uniform(0.65, 1.35)) + mean + np.float32(rng.normal(0, 0.04))
    if rng.random() < 0.5:
        grey = rgb.mean(2, keepdims=True)
        rgb = grey + (rgb - grey) * np.float32(rng.uniform(0.2, 1.5))
    if rng.random() < 0.4:
        rgb = rotate_hue(rgb, rng.normal(0, 0.25))
    return rgb


def rotate_hue(rgb: np.ndarray, angle: float) -> np.ndarray:
    """Rotation about the grey axis, angle in radians."""
    c, s, third = np.cos(angle), np.sin(angle), 1 / 3.0
    a, b = third * (1 - c), np.sqrt(third) * s
    matrix = np.array([[c + a, a - b, a + b], [a + b, c + a, a - b], [a - b, a + b, c + a]], np.float32)
    return rgb @ matrix.T


def change_sharpness(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Defocus, resampling from a coarser level, or the sharpening that scanners apply."""
    kind = rng.random()
    side = rgb.shape[0]
    if kind < 0.45:
        sigma = rng.uniform(0.5, 2.0)
        rgb = ndimage.gaussian_filter(rgb, (sigma, sigma, 0), truncate=3)
    elif kind < 0.65:
        factor = rng.uniform(1.2, 2.4)
        small = max(8, round(side / factor))
        rgb = resize(resize(rgb, small, Image.BOX if factor > 1.7 else Image.BILINEAR), side, Image.BICUBIC)
    if rng.random() < 0.4:
        sigma = rng.uniform(0.8, 2.0)
        blurred = ndimage.gaussian_filter(rgb, (sigma, sigma, 0), truncate=3)
        rgb = rgb + np.float32(rng.uniform(0.3, 1.5)) * (rgb - blurred)
    return rgb


def soften_regions(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Parts of the field out of focus or veiled, as where the section is thick: nuclei there stay nuclei."""
    side = rgb.shape[0]
    amount = np.clip(low_frequency(rng, side, int(rng.integers(3, 9))) + rng.uniform(-0.5, 0.5), 0, 1)[..., None]
    if rng.random() < 0.5:
        sigma = rng.uniform(1.5, 3.0)
        return rgb + amount * (ndimage.gaussian_filter(rgb, (sigma, sigma, 0), truncate=2.5) - rgb)
    veil = resize(resize(rgb, max(4, side // int(rng.integers(12, 40))), Image.BOX), side, Image.BICUBIC)
    return rgb + np.float32(rng.uniform(0.25, 0.6)) * amount * (veil - rgb)


def resize(rgb: np.ndarray, side_px: int, method: int) -> np.ndarray:
    image = Image.fromarray(np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8))
    return np.asarray(image.resize((side_px, side_px), method), np.float32) / 255


def add_texture(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uneven staining, grain, and sometimes a featureless patch (ink, fold, bubble)."""
    side = rgb.shape[0]
    if rng.random() < 0.35:
        field = low_frequency(rng, side, int(rng.integers(3, 14)))
        rgb = rgb * (1 + np.float32(rng.uniform(0.02, 0.10)) * field)[..., None]
    if rng.random() < 0.4:
        field = low_frequency(rng, side, int(rng.integers(24, 100)))
        tint = rng.uniform(0.3, 1.0, 3).astype(np.float32)
        rgb = rgb + np.float32(rng.uniform(0.01, 0.08)) * field[..., None] * tint
    if rng.random() < 0.5:
        sigma = np.float32(rng.uniform(0.004, 0.035))
        shape = rgb.shape if rng.random() < 0.5 else (*rgb.shape[:2], 1)
        noise = rng.standard_normal(shape, dtype=np.float32)
        if rng.random() < 0.4:
            noise = 2 * ndimage.uniform_filter(noise, (2, 2, 0))
        rgb = rgb + sigma * noise
    return rgb


def recompress(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG at a quality that scanners use, or below."""
    stream = io.BytesIO()
    image = Image.fromarray(np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8))
    image.save(stream, "JPEG", quality=int(rng.integers(30, 92)), subsampling=int(rng.choice([0, 2])))
    return np.asarray(Image.open(stream), np.float32) / 255


def grey_patch(sample: Sample, rng: np.random.Generator) -> None:
    """Covers a rectangle with one colour; what lies under it is no nucleus any more."""
    side = sample.rgb.shape[0]
    height, width = rng.integers(12, side // 3, 2)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    area = np.s_[top : top + height, left : left + width]
    tone = rng.uniform(0.05, 1.0) + rng.uniform(-0.15, 0.15, 3)
    sample.rgb[area] = np.clip(tone, 0, 1)
    sample.mask[area] = 0
    sample.maps[(slice(None), *area)] = 0
    # Nuclei cut by the patch keep their old position map, which the network cannot see: leave the rim unweighted.
    rim = np.s_[max(0, top - 16) : top + height + 16, max(0, left - 16) : left + width + 16]
    sample.known[rim] = 0
    sample.known[area] = 1


def cover(sample: Sample, alpha: np.ndarray, colour: np.ndarray) -> None:
    """Paints colour over the image; nuclei that it hides are no targets, those beside it keep unweighted maps."""
    sample.rgb = sample.rgb * (1 - alpha[..., None]) + colour * alpha[..., None]
    hidden = alpha > 0.5
    sample.mask = np.where(hidden, 0, sample.mask)
    sample.maps = np.where(hidden, 0, sample.maps)
    near = ndimage.uniform_filter(alpha, 25) > 0.01
    sample.known = np.where(hidden | ~near, sample.known, 0)


def spill(sample: Sample, rng: np.random.Generator) -> None:
    """Blots of marking ink or pigment with ragged, more or less soft edges."""
    side = sample.rgb.shape[0]
    field = low_frequency(rng, side, int(rng.integers(4, 13))) + 0.25 * low_frequency(rng, side, 48)
    level = np.quantile(field, 1 - rng.uniform(0.01, 0.12))
    alpha = np.clip((field - level) * rng.uniform(2, 20), 0, 1) * rng.uniform(0.6, 1)
    tones = np.array([[0.02, 0.35, 0.36], [0.05, 0.05, 0.07], [0.35, 0.2, 0.08], [0.1, 0.4, 0.3]])
    tone = np.clip(tones[rng.integers(4)] + rng.normal(0, 0.06, 3), 0, 1)
    grain = 1 + 0.25 * low_frequency(rng, side, 64)[..., None]
    cover(sample, alpha.astype(np.float32), (tone * grain).astype(np.float32))


def lamellae(sample: Sample, rng: np.random.Generator) -> None:
    """A region of long dark wavy bands as in keratin: dark, elongated, and without nuclei."""
    side = sample.rgb.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    across = x * np.sin(angle) + y * np.cos(angle) + rng.uniform(4, 14) * low_frequency(rng, side, 5)
    across += rng.uniform(0, 3) * low_frequency(rng, side, 18)
    bands = np.sin(2 * np.pi * across / rng.uniform(7, 30)) + rng.uniform(-0.6, 0.8)
    bands = np.clip(bands * rng.uniform(1, 5), 0, 1) * rng.uniform(0.6, 1)
    region = low_frequency(rng, side, 3) + 0.1 * low_frequency(rng, side, 20)
    inside = np.clip((region - np.quantile(region, 1 - rng.uniform(0.1, 0.5))) * 8, 0, 1)
    tones = np.array([[0.32, 0.10, 0.20], [0.40, 0.12, 0.18], [0.3, 0.16, 0.14], [0.5, 0.2, 0.32]])
    tone = np.clip(tones[rng.integers(4)] + rng.normal(0, 0.05, 3), 0, 1)
    ground = np.array([0.93, 0.9, 0.93]) if rng.random() < 0.4 else np.clip(tone + rng.uniform(0.1, 0.3), 0, 1)
    colour = ground + (tone - ground) * bands[..., None]
    cover(sample, inside.astype(np.float32), colour.astype(np.float32))


def crop_scaled(
    rgb: np.ndarray, labels_like: dict[str, np.ndarray], out_px: int, rng: np.random.Generator, low: float, high: float
) -> Sample:
    """Cuts a random square and resamples it to out_px; the factor is log-uniform in [low, high]."""
    side = rgb.shape[0]
    factor = float(np.exp(rng.uniform(np.log(max(low, out_px / side)), np.log(high))))
    span = min(side, max(16, round(out_px / factor)))
    top, left = (int(v) for v in rng.integers(0, side - span + 1, 2))
    area = np.s_[top : top + span, left : left + span]
    method = Image.BICUBIC if rng.random() < 0.5 else Image.BILINEAR
    image = np.asarray(Image.fromarray(np.ascontiguousarray(rgb[area])).resize((out_px, out_px), method), np.float32)
    nearest = ((np.arange(out_px) + 0.5) * span / out_px).astype(np.int64)
    pick = np.ix_(nearest, nearest)
    maps = np.stack([plane[area][pick] for plane in labels_like["maps"]])
    return Sample(
        rgb=image / 255,
        mask=labels_like["mask"][area][pick],
        maps=maps,
        weight=labels_like["weight"][area][pick],
        known=labels_like["known"][area][pick].copy(),
    )


def turn(sample: Sample, rng: np.random.Generator) -> Sample:
    """One of the eight symmetries of the square; the position maps change sign and place accordingly."""
    planes = {"rgb": sample.rgb, "mask": sample.mask, "weight": sample.weight, "known": sample.known}
    horizontal, vertical = sample.maps
    if rng.random() < 0.5:
        planes = {name: plane[:, ::-1] for name, plane in planes.items()}
        horizontal, vertical = -horizontal[:, ::-1], vertical[:, ::-1]
    if rng.random() < 0.5:
        planes = {name: plane[::-1] for name, plane in planes.items()}
        horizontal, vertical = horizontal[::-1], -vertical[::-1]
    if rng.random() < 0.5:
        planes = {name: plane.swapaxes(0, 1) for name, plane in planes.items()}
        horizontal, vertical = vertical.T, horizontal.T
    return Sample(maps=np.stack([horizontal, vertical]), **planes)


def change_look(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All changes of colour, sharpness and noise in the order in which stain, optics and scanner cause them."""
    if rng.random() < 0.85:
        rgb = jitter_stains(rgb, rng)
    rgb = np.clip(jitter_colours(rgb, rng), 0, 1)
    if rng.random() < 0.4:
        rgb = soften_regions(rgb, rng)
    rgb = change_sharpness(rgb, rng)
    rgb = np.clip(add_texture(rgb, rng), 0, 1)
    if rng.random() < 0.4:
        rgb = recompress(rgb, rng)
    return rgb.astype(np.float32)


def augment(
    rgb: np.ndarray, targets: dict[str, np.ndarray], out_px: int, rng: np.random.Generator
) -> Sample:
    """One training sample from one tile."""
    sample = turn(crop_scaled(rgb, targets, out_px, rng, 0.8, 1.25), rng)
    if rng.random() < 0.08:
        (spill if rng.random() < 0.55 else lamellae)(sample, rng)
    sample.rgb = change_look(np.ascontiguousarray(sample.rgb), rng)
    if rng.random() < 0.06:
        for name in ("mask", "known"):
            setattr(sample, name, np.ascontiguousarray(getattr(sample, name)))
        grey_patch(sample, rng)
    # Nuclei at the rim of the crop are seen in part; the inner part of the crop teaches their position maps.
    rim = 8
    sample.known = sample.known.copy()
    sample.known[:rim] = sample.known[-rim:] = 0
    sample.known[:, :rim] = sample.known[:, -rim:] = 0
    return sample
