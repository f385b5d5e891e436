"""Pixel-Mamba (`pixel-mamba/1`) in torch: the parts that this folder trains and the fixtures check.

Keys and configuration are those that the package reads. Token tensors are (batch, tokens, channels) in scan order.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ops import Inside, Linear, RmsNorm

EPS = 1e-5
Config = dict[str, Any]


def curve(order: str, side: int) -> list[tuple[int, int]]:
    """(row, column) of the tokens of a square of side x side tokens, in scan order."""
    if order == "raster":
        return [(i // side, i % side) for i in range(side * side)]
    if order == "snake":
        return [(r, c if r % 2 == 0 else side - 1 - c) for r in range(side) for c in range(side)]
    if order == "zorder":
        bits = range(side.bit_length() - 1)
        row = [sum((i >> (2 * b + 1) & 1) << b for b in bits) for i in range(side * side)]
        column = [sum((i >> (2 * b) & 1) << b for b in bits) for i in range(side * side)]
        return list(zip(row, column))
    if order == "hilbert":
        return [hilbert(side, i) for i in range(side * side)]
    raise ValueError(f"unknown pixel_order {order!r}")


def hilbert(side: int, index: int) -> tuple[int, int]:
    x = y = 0
    s, t = 1, index
    while s < side:
        rx = 1 & (t // 2)
        ry = 1 & (t ^ rx)
        if ry == 0:
            if rx == 1:
                x, y = s - 1 - x, s - 1 - y
            x, y = y, x
        x, y = x + s * rx, y + s * ry
        t //= 4
        s *= 2
    return y, x


@lru_cache(maxsize=256)
def token_order(rows: int, columns: int, side: int, region_order: str, pixel_order: str) -> torch.Tensor:
    """Raster index of the i-th token on a grid of rows x columns tokens whose regions hold side x side tokens."""
    inner = torch.tensor([r * columns + c for r, c in curve(pixel_order, side)])
    corners = []
    for r in range(rows // side):
        line = list(range(columns // side))
        if region_order == "snake" and r % 2 == 1:
            line.reverse()
        corners += [r * side * columns + c * side for c in line]
    return (torch.tensor(corners)[:, None] + inner[None]).reshape(-1)


@lru_cache(maxsize=256)
def children(rows: int, columns: int, side: int, region_order: str, pixel_order: str) -> torch.Tensor:
    """For every token after a 2x2 merge its four children as positions in the finer sequence: (tokens, 4), in the
    order (0,0), (1,0), (0,1), (1,1). `rows` and `columns` count finer tokens."""
    fine = token_order(rows, columns, side, region_order, pixel_order)
    place = torch.empty_like(fine)
    place[fine] = torch.arange(fine.numel())
    coarse = token_order(rows // 2, columns // 2, side // 2, region_order, pixel_order)
    r, c = 2 * (coarse // (columns // 2)), 2 * (coarse % (columns // 2))
    return torch.stack([place[(r + dr) * columns + c + dc] for dr, dc in ((0, 0), (1, 0), (0, 1), (1, 1))], 1)


class Mixer(nn.Module):
    """Mamba block; `bidirectional` none or v2."""

    def __init__(self, stage: Config) -> None:
        super().__init__()
        dim = stage["dim"]
        self.width = stage["expand"] * dim
        rank = math.ceil(dim / 16) if stage["dt_rank"] == "auto" else stage["dt_rank"]
        self.both = {"none": False, "v2": True}[stage["bidirectional"]]
        self.halve = self.both and stage["divide_out"]
        self.region = stage["backward_scope"] == "region"
        self.in_proj = nn.Linear(dim, 2 * self.width, bias=False)
        self.out_proj = nn.Linear(self.width, dim, bias=False)
        for suffix in ("", "_b") if self.both else ("",):
            self.add_direction(suffix, rank, stage["d_state"], stage["d_conv"])

    def add_direction(self, suffix: str, rank: int, states: int, taps: int) -> None:
        width = self.width
        setattr(self, f"conv1d{suffix}", nn.Conv1d(width, width, taps, groups=width))
        setattr(self, f"x_proj{suffix}", nn.Linear(width, rank + 2 * states, bias=False))
        projection = nn.Linear(rank, width)
        nn.init.uniform_(projection.weight, -(rank**-0.5), rank**-0.5)
        dt = torch.exp(torch.rand(width) * (math.log(0.1) - math.log(1e-3)) + math.log(1e-3))
        with torch.no_grad():
            projection.bias.copy_(dt + torch.log(-torch.expm1(-dt)))
        setattr(self, f"dt_proj{suffix}", projection)
        rates = torch.log(torch.arange(1, states + 1, dtype=torch.float32)).repeat(width, 1)
        setattr(self, "A_b_log" if suffix else "A_log", nn.Parameter(rates))
        setattr(self, "D_b" if suffix else "D", nn.Parameter(torch.ones(width)))

    def weights(self, suffix: str) -> list[torch.Tensor]:
        conv, x_proj, dt_proj = (getattr(self, f"{name}{suffix}") for name in ("conv1d", "x_proj", "dt_proj"))
        scan = [self.A_b_log, self.D_b] if suffix else [self.A_log, self.D]
        return [conv.weight, conv.bias, x_proj.weight, dt_proj.weight, dt_proj.bias, *scan]

    def forward(self, h: torch.Tensor, region_tokens: int, local_only: bool) -> torch.Tensor:
        xz = Linear.apply(h, self.in_proj.weight)
        run = region_tokens if local_only else h.shape[1]
        run_back = region_tokens if local_only or self.region else h.shape[1]
        y = Inside.apply(xz, run, run_back, *self.weights(""), *(self.weights("_b") if self.both else []))
        weight = self.out_proj.weight
        return Linear.apply(y, weight / 2 if self.halve else weight)


class Norm(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return RmsNorm.apply(x, self.weight, EPS)


class Block(nn.Module):
    def __init__(self, stage: Config) -> None:
        super().__init__()
        self.norm = Norm(stage["dim"])
        self.mixer = Mixer(stage)

    def forward(self, h: torch.Tensor, region_tokens: int, local_only: bool) -> torch.Tensor:
        return h + self.mixer(self.norm(h), region_tokens, local_only)


class Merge(nn.Module):
    def __init__(self, kind: str, dim: int, to: int) -> None:
        super().__init__()
        self.concatenates = {"concat2x2": True, "average2x2": False}[kind]
        if self.concatenates:
            self.norm = nn.LayerNorm(4 * dim, eps=EPS)
        self.reduction = nn.Linear(4 * dim if self.concatenates else dim, to, bias=False)

    def forward(self, four: torch.Tensor) -> torch.Tensor:
        """four: (batch, tokens, 4, channels)."""
        if self.concatenates:
            return Linear.apply(self.norm(four.flatten(2)), self.reduction.weight)
        return Linear.apply(four.mean(2), self.reduction.weight)


class Stage(nn.Module):
    def __init__(self, stage: Config, merge: str, to: int | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(stage) for _ in range(stage["depth"]))
        if to is not None:
            self.merge = Merge(merge, stage["dim"], to)


class Stem(nn.Module):
    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(3 * patch * patch, dim)


class AttentionPool(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.attn = nn.Sequential(nn.Linear(dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))


class PixelMamba(nn.Module):
    """The network of a configuration. With `local_only` no state crosses the border of a region in either direction:
    the baseline, which is no configuration of the package."""

    def __init__(self, config: Config, local_only: bool = False, attention_hidden: int = 0) -> None:
        super().__init__()
        self.config = config
        self.local_only = local_only
        serial, stages = config["serialization"], config["stages"]
        self.region_size = serial["region_size"]
        self.orders = (serial["region_order"], serial["pixel_order"])
        self.patch = config.get("stem", {}).get("patch", 1)
        if self.region_size < self.patch << (len(stages) - 1):
            raise ValueError("tokens larger than a region are not trained here")
        self.stem = Stem(self.patch, stages[0]["dim"])
        following = [s["dim"] for s in stages[1:]] + [None]
        self.stages = nn.ModuleList(Stage(s, config["merge"], to) for s, to in zip(stages, following))
        self.norm_f = Norm(stages[-1]["dim"])
        if config["pool"] == "attention":
            self.pool = AttentionPool(stages[-1]["dim"], attention_hidden)
        self.head = nn.Linear(stages[-1]["dim"], config["head"]["outputs"])

    def tokens(self, image: torch.Tensor) -> torch.Tensor:
        """(batch, 3, H, W), normalised, both sides multiples of the region size -> (batch, tokens, 3 patch^2)."""
        batch, _, height, width = image.shape
        p = self.patch
        rows, columns = height // p, width // p
        x = image.view(batch, 3, rows, p, columns, p).permute(0, 2, 4, 3, 5, 1).reshape(batch, rows * columns, -1)
        return x[:, token_order(rows, columns, self.region_size // p, *self.orders)]

    def merge_children(self, h: torch.Tensor, rows: int, columns: int, side: int) -> torch.Tensor:
        if self.orders[1] == "zorder":
            return h.view(h.shape[0], -1, 4, h.shape[2])[:, :, [0, 2, 1, 3]]
        index = children(rows, columns, side, *self.orders)
        return h[:, index.reshape(-1)].view(h.shape[0], -1, 4, h.shape[2])

    def run_stages(self, h: torch.Tensor, height: int, width: int, first: int, end: int
                   ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Stages `first` to `end` - 1 of a padded image: (what follows the last one's merge, tokens after the blocks
        of every stage)."""
        taps = []
        for index in range(first, end):
            stage, token = self.stages[index], self.patch << index
            side = self.region_size // token
            for block in stage.blocks:
                h = block(h, side * side, self.local_only)
            taps.append(h)
            if hasattr(stage, "merge"):
                h = stage.merge(self.merge_children(h, height // token, width // token, side))
        return h, taps

    def stem_of(self, padded: torch.Tensor) -> torch.Tensor:
        return self.stem.proj(self.tokens(padded))

    def real_tokens(self, height: int, width: int, padded_height: int, padded_width: int) -> torch.Tensor:
        """Which tokens of the last stage hold a pixel of the image itself."""
        token = self.patch << (len(self.stages) - 1)
        rows, columns = padded_height // token, padded_width // token
        raster = (torch.arange(rows) * token < height)[:, None] & (torch.arange(columns) * token < width)[None]
        return raster.reshape(-1)[token_order(rows, columns, self.region_size // token, *self.orders)]

    def pad(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[2:]
        size = self.region_size
        value = torch.tensor(self.config["serialization"]["pad_value"], dtype=torch.float32)
        out = value[None, :, None, None].repeat(image.shape[0], 1, -(-height // size) * size, -(-width // size) * size)
        out[:, :, :height, :width] = image
        return out

    def pooled(self, h: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        h = self.norm_f(h[:, real] if not bool(real.all()) else h)
        kind = self.config["pool"]
        if kind == "mean":
            return h.mean(1)
        if kind == "last":
            return h[:, -1]
        if kind == "attention":
            return (self.pool.attn(h).softmax(1) * h).sum(1)
        raise ValueError(f"pool {kind!r} is not trained here")

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """(logits, taps of the stages, pooled features) of normalised images (batch, 3, H, W)."""
        padded = self.pad(image)
        _, taps = self.run_stages(self.stem_of(padded), *padded.shape[2:], 0, len(self.stages))
        pooled = self.pooled(taps[-1], self.real_tokens(*image.shape[2:], *padded.shape[2:]))
        return self.head(pooled), taps, pooled


def probabilities(config: Config, logits: torch.Tensor) -> torch.Tensor:
    """Of the classes, for the heads classification and ordinal."""
    if config["head"]["type"] == "classification":
        return logits.softmax(-1)
    above = logits.sigmoid()
    return torch.cat([1 - above[..., :1], above[..., :-1] - above[..., 1:], above[..., -1:]], -1)


def loss_of(config: Config, logits: torch.Tensor, grades: torch.Tensor) -> torch.Tensor:
    if config["head"]["type"] == "classification":
        return F.cross_entropy(logits, grades)
    above = (grades[:, None] > torch.arange(logits.shape[1])[None]).float()
    return F.binary_cross_entropy_with_logits(logits, above)
