"""Reading training tiles and deriving the targets.

A tile file is a header of four little-endian uint32 (magic 0x48544a54, number of tiles N, side, version 1) followed
by N records: side*side*3 bytes RGB, then side*side uint16 instance labels (0 = background). `make_tiles` writes it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

MAGIC = 0x48544A54


@dataclass(frozen=True)
class TileFile:
    """A memory-mapped tile file."""

    rgb: np.ndarray  # (N, side, side, 3) uint8
    labels: np.ndarray  # (N, side, side) uint16

    @property
    def count(self) -> int:
        return self.rgb.shape[0]


def open_tiles(path: Path) -> TileFile:
    """Maps the file; raises ValueError if the header does not fit the size."""
    header = np.fromfile(path, "<u4", 4)
    if header.size != 4 or int(header[0]) != MAGIC or int(header[3]) != 1:
        raise ValueError(f"{path}: expected a tile file of version 1, got header {header.tolist()}")
    count, side = int(header[1]), int(header[2])
    record = np.dtype([("rgb", "u1", (side, side, 3)), ("labels", "<u2", (side, side))])
    if path.stat().st_size != 16 + count * record.itemsize:
        raise ValueError(f"{path}: expected {16 + count * record.itemsize} bytes, got {path.stat().st_size}")
    data = np.memmap(path, record, "r", 16, (count,))
    return TileFile(data["rgb"], data["labels"])


def make_tiles(tool: Path, out: Path, count: int, side_px: int, seed: int) -> Path:
    """Runs the scene generator; the file appears under its final name only when complete."""
    part = out.with_suffix(".part")
    command = [str(tool), str(part), "--tiles", str(count), "--size", str(side_px), "--seed", str(seed)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    part.rename(out)
    return out


@dataclass
class Targets:
    """What the network shall say about one tile. All arrays have the side of the tile."""

    mask: np.ndarray  # uint8, 1 = nucleus
    maps: np.ndarray  # (2, side, side) float32: horizontal, vertical position in the nucleus, -1..1, 0 outside
    weight: np.ndarray  # float32 >= 1, raised where two nuclei are close
    known: np.ndarray  # float32, 0 inside nuclei cut by the border of the tile (their position map is unknown)


def derive_targets(labels: np.ndarray, gap_weight: float = 3.0) -> Targets:
    """Position maps run linearly from -1 to 1 across the bounding box of each nucleus, as in HoverFast."""
    labels = labels.astype(np.int32)
    side = labels.shape[0]
    count = int(labels.max())
    maps = np.zeros((2, side, side), np.float32)
    cut = np.zeros(count + 1, bool)
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        rows, columns = box
        cut[index] = rows.start == 0 or columns.start == 0 or rows.stop == side or columns.stop == side
        inside = labels[box] == index
        height, width = inside.shape
        maps[0][box][inside] = np.broadcast_to(np.linspace(-1, 1, width, dtype=np.float32), inside.shape)[inside]
        maps[1][box][inside] = np.broadcast_to(np.linspace(-1, 1, height, dtype=np.float32)[:, None], inside.shape)[
            inside
        ]
    highest = ndimage.maximum_filter(labels, 7)
    lowest = ndimage.minimum_filter(np.where(labels == 0, 1 << 30, labels), 7)
    contact = (highest != lowest) & (highest > 0)
    return Targets(
        mask=(labels > 0).astype(np.uint8),
        maps=maps,
        weight=np.where(contact, np.float32(gap_weight), np.float32(1)),
        known=np.where(cut[labels], np.float32(0), np.float32(1)),
    )
