"""Accuracy and confusion matrix of trained weights on graded slides.

  python evaluate.py --weights FILE [--local-only] SLIDES.bin ...
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))

from checkpoint import read_safetensors
from network import PixelMamba, probabilities
from slides import Slides, normalised


@dataclass(frozen=True)
class Score:
    confusion: np.ndarray  # rows: true grade, columns: predicted

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.confusion) / self.confusion.sum())

    def text(self) -> str:
        rows = "; ".join(f"grade {i}: {' '.join(str(n) for n in row)}" for i, row in enumerate(self.confusion))
        return f"accuracy {self.accuracy:.3f} of {int(self.confusion.sum())}; {rows}"


def load(path: Path, local_only: bool) -> PixelMamba:
    tensors, metadata = read_safetensors(path)
    model = PixelMamba(json.loads(metadata["config"]), local_only)
    model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()})
    return model.eval()


@torch.no_grad()
def evaluate(model: PixelMamba, slides: Slides, batch: int = 4) -> Score:
    confusion = np.zeros((3, 3), np.int64)
    for first in range(0, len(slides.grades), batch):
        images = slides.images[first : first + batch].astype(np.float32) / 255
        logits, _, _ = model(normalised(images))
        chosen = probabilities(model.config, logits).argmax(1).numpy()
        np.add.at(confusion, (slides.grades[first : first + batch], chosen), 1)
    return Score(confusion)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slides", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--local-only", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load(args.weights, args.local_only)
    for path in args.slides:
        print(f"{path.name}: {evaluate(model, Slides.read(path)).text()}", flush=True)


if __name__ == "__main__":
    main()
