"""Reads the graded slides that make_graded_slides writes, and makes batches of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

MAGIC = 0x48544753
MEAN = (0.72, 0.54, 0.66)
STD = (0.18, 0.22, 0.18)


@dataclass(frozen=True)
class Slides:
    """All slides of one file; pixels stay on disk until they are used."""

    images: np.ndarray  # (slides, size, size, 3) uint8
    grades: np.ndarray
    clusters: np.ndarray  # (slides, 4, 4): x, y, radius, kind; radius 0: none

    @property
    def size(self) -> int:
        return int(self.images.shape[1])

    @staticmethod
    def read(path: Path) -> Slides:
        magic, count, size, version = np.fromfile(path, "<u4", 4)
        if magic != MAGIC or version != 1:
            raise ValueError(f"{path}: expected graded slides of version 1")
        record = np.dtype([("grade", "<u4"), ("count", "<u4"), ("clusters", "<f4", (4, 4)), ("seed", "<u8"),
                           ("image", "u1", (int(size), int(size), 3))])
        records = np.memmap(path, record, "r", 16, (int(count),))
        clusters = np.array(records["clusters"])
        clusters[np.arange(4)[None] >= records["count"][:, None], 2] = 0
        return Slides(records["image"], np.array(records["grade"], np.int64), clusters)


def kind_map(clusters: np.ndarray, size: int, token: int) -> np.ndarray:
    """Per token of `token` pixels: 0 no cluster at its centre, else the cluster's kind + 1."""
    centres = (np.arange(size // token) + 0.5) * token
    out = np.zeros((size // token, size // token), np.int64)
    for x, y, radius, kind in clusters:
        inside = (centres[None] - x) ** 2 + (centres[:, None] - y) ** 2 < radius**2
        out[inside] = int(kind) + 1
    return out


def turned(array: np.ndarray, turn: int) -> np.ndarray:
    """One of the eight symmetries of the square, of the first two axes."""
    if turn & 4:
        array = array.swapaxes(0, 1)
    if turn & 2:
        array = array[::-1]
    return array[:, ::-1] if turn & 1 else array


def recoloured(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Other gains, gammas and a little noise, for pixels in 0..1."""
    image = image ** random.uniform(0.85, 1.18, 3).astype(np.float32)
    image = image * random.uniform(0.92, 1.04, 3).astype(np.float32)
    noise = random.standard_normal(image.shape, np.float32) * np.float32(random.uniform(0, 0.02))
    return np.clip(image + noise, 0, 1)


def normalised(images: np.ndarray) -> torch.Tensor:
    """(batch, H, W, 3) in 0..1 -> (batch, 3, H, W), as the network takes it."""
    values = (images - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32))


def visible_shares(clusters: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """How much of every cluster's disc lies in a square window; 0 for none."""
    line = (np.arange(11) - 5) / 5
    u, v = (a.ravel() for a in np.meshgrid(line, line))
    disc = u**2 + v**2 <= 1
    x = clusters[:, 0, None] + clusters[:, 2, None] * u[None, disc] - left
    y = clusters[:, 1, None] + clusters[:, 2, None] * v[None, disc] - top
    share = ((x >= 0) & (x < side) & (y >= 0) & (y < side)).mean(1)
    return np.where(clusters[:, 2] > 0, share, 0)


def grade_of(kinds: np.ndarray) -> int:
    return len(np.unique(kinds))


@dataclass(frozen=True)
class Batch:
    images: torch.Tensor  # (batch, 3, side, side), normalised
    grades: torch.Tensor
    sure: torch.Tensor  # 0 where a cluster at the border leaves the grade open
    kinds: torch.Tensor  # (batch, side / token, side / token)


def window(clusters: np.ndarray, size: int, side: int, random: np.random.Generator) -> tuple[int, int]:
    """Corner of a random window; most windows of slides with clusters show one of them, or what lies between two."""
    room = size - side
    alive = clusters[clusters[:, 2] > 0]
    if room == 0 or len(alive) == 0 or random.random() < 0.25:
        return int(random.integers(room + 1)), int(random.integers(room + 1))
    chosen = alive[random.permutation(len(alive))[:2]]
    centre = chosen[:, :2].mean(0) if random.random() < 0.5 else chosen[0, :2]
    corner = centre - side / 2 + random.uniform(-side / 3, side / 3, 2)
    left, top = np.clip(np.rint(corner), 0, room).astype(int)
    return int(left), int(top)


def one_of(slides: Slides, i: int, side: int, token: int, random: np.random.Generator
           ) -> tuple[np.ndarray, int, bool, np.ndarray]:
    """A window of slide i, turned and recoloured: (pixels, grade, whether the grade is sure, kind map)."""
    clusters = slides.clusters[i]
    left, top = window(clusters, slides.size, side, random)
    shares = visible_shares(clusters, left, top, side)
    grade = grade_of(clusters[shares >= 0.5, 3])
    sure = grade == grade_of(clusters[shares > 0.05, 3])
    image = slides.images[i, top : top + side, left : left + side].astype(np.float32) / 255
    kinds = kind_map(clusters - np.array([left, top, 0, 0], np.float32), side, token)
    turn = int(random.integers(8))
    return recoloured(turned(image, turn), random), grade, sure, np.ascontiguousarray(turned(kinds, turn))


def random_batch(slides: list[Slides], count: int, side: int, token: int, random: np.random.Generator) -> Batch:
    """Windows of `count` random slides."""
    chosen = [slides[random.integers(len(slides))] for _ in range(count)]
    images, grades, sure, kinds = zip(*(one_of(s, int(random.integers(len(s.grades))), side, token, random)
                                        for s in chosen))
    return Batch(normalised(np.stack(images)), torch.tensor(grades), torch.tensor(sure, dtype=torch.float32),
                 torch.from_numpy(np.stack(kinds)))
