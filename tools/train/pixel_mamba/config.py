"""The configuration that is trained here: one of `pixel-mamba/1`."""

from __future__ import annotations

import math

from network import Config
from slides import MEAN, STD

MPP = 2.0
LABELS = ["grade 0", "grade 1", "grade 2"]
AUXILIARY_STAGE = 3  # its tokens (8 px) learn which cluster they lie in


def stage(dim: int, d_state: int, depth: int, scope: str) -> Config:
    return {
        "dim": dim,
        "depth": depth,
        "d_state": d_state,
        "d_conv": 4,
        "expand": 2,
        "dt_rank": math.ceil(dim / 16),
        "bidirectional": "v2",
        "backward_scope": scope,
        "divide_out": True,
    }


def make_config() -> Config:
    white = [round((1 - m) / s, 6) for m, s in zip(MEAN, STD)]
    return {
        "format": "pixel-mamba/1",
        "in_channels": 3,
        "input": {"mpp": MPP, "mean": list(MEAN), "std": list(STD), "tissue_mask": "none"},
        "serialization": {"region_size": 64, "region_order": "snake", "pixel_order": "zorder", "pad_value": white},
        "stem": {"patch": 1},
        "stages": [
            stage(8, 4, 1, "region"),
            stage(16, 4, 1, "region"),
            stage(24, 8, 1, "region"),
            stage(32, 8, 1, "global"),
            stage(48, 16, 2, "global"),
            stage(64, 16, 2, "global"),
        ],
        "merge": "concat2x2",
        "pool": "mean",
        "head": {"type": "ordinal", "outputs": 2, "labels": LABELS},
    }
