"""Everything in one command: slides, the network and its local-only baseline, their figures, the weights file.

  python run.py --tool out/train/make_graded_slides --work out/pixel-mamba --out weights/new.safetensors

What exists in the work folder is not made again, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))

from checkpoint import read_safetensors, write_safetensors
from evaluate import evaluate, load
from slides import Slides

HERE = Path(__file__).resolve().parent
CHUNKS, CHUNK_SLIDES = 8, 150
FIRST_SEED, TEST_SEED = 1000, 900000
# Freed memory stays with the process: tensors of many megabytes come and go in every step.
MEMORY = {"MALLOC_MMAP_THRESHOLD_": "8000000000", "MALLOC_TRIM_THRESHOLD_": "16000000000",
          "MALLOC_TOP_PAD_": "268435456", "OPENBLAS_NUM_THREADS": "1"}
# name, --size, --scale, --seed, slides: drawn at 1, 0.5 and 0.25 um/px, and four times the area
TESTS = (
    ("test-1um", 256, 2, TEST_SEED, 300),
    ("test-half-um", 256, 4, TEST_SEED + 1, 90),
    ("test-large", 512, 2, TEST_SEED + 2, 30),
    ("test-quarter", 256, 8, TEST_SEED + 3, 18),
)


def make(tool: Path, path: Path, slides: int, seed: int, scale: int, size: int = 256) -> None:
    if not path.exists():
        numbers = {"--slides": slides, "--seed": seed, "--scale": scale, "--size": size}
        subprocess.run([tool, path, *(str(word) for pair in numbers.items() for word in pair)], check=True)


def make_slides(tool: Path, folder: Path) -> None:
    """Every third chunk is drawn at half the pixel size and reduced more."""
    folder.mkdir(parents=True, exist_ok=True)
    for c in range(CHUNKS):
        make(tool, folder / f"train-{c:03d}.bin", CHUNK_SLIDES, FIRST_SEED + c, 4 if c % 3 == 2 else 2)
    for name, size, scale, seed, slides in TESTS:
        make(tool, folder / f"{name}.bin", slides, seed, scale, size)


def train(work: Path, name: str, minutes: float, extra: list[str]) -> subprocess.Popen[bytes]:
    out = work / f"{name}.safetensors"
    resume = ["--resume"] if out.with_suffix(".state").exists() else []
    command = [sys.executable, HERE / "train.py", "--slides", work / "slides", "--out", out, "--minutes", str(minutes),
               *resume, *extra]
    return subprocess.Popen(command, env=os.environ | MEMORY, stdout=(work / f"{name}.log").open("ab"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", type=Path, required=True, help="the program make_graded_slides")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60, help="of training; both networks train side by side")
    parser.add_argument("--publish-only", action="store_true", help="measure and write what is trained already")
    args = parser.parse_args()
    make_slides(args.tool.resolve(), args.work / "slides")
    if args.publish_only:
        publish(args.work, args.out)
        return
    runs = [train(args.work, "global", args.minutes, []), train(args.work, "local", args.minutes, ["--local-only"])]
    if any(process.wait() != 0 for process in runs):
        sys.exit("training failed; see the .log files in the work folder")
    publish(args.work, args.out)


def publish(work: Path, out: Path) -> None:
    """Measures both networks and writes the weights with the figures."""
    torch.set_num_threads(1)
    notes: dict[str, str] = {}
    for network in ("global", "local"):
        model = load(work / f"{network}.safetensors", network == "local")
        for name, *_ in TESTS:
            score = evaluate(model, Slides.read(work / "slides" / f"{name}.bin"))
            notes[f"{network} {name}"] = score.text()
            print(f"{network} on {name}: {score.text()}", flush=True)
    tensors, trained = read_safetensors(work / "global.safetensors")
    config = json.loads(trained["config"])
    metadata = {
        "config": trained["config"],
        "mpp": f"{config['input']['mpp']:g}",
        "labels": ", ".join(config["head"]["labels"]),
        "name": "pixel-mamba-synthetic",
        "licence": "Apache-2.0",
        "training": f"{trained['steps']} steps, {trained['minutes']} minutes; synthetic slides only",
        "evaluation": json.dumps(notes),
    }
    write_safetensors(out, tensors, metadata)


if __name__ == "__main__":
    main()
