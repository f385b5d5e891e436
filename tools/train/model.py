"""HoverFast's network: a U-Net with one encoder and two decoders (nucleus logits and distance maps).

The module names match the published HoverFast code, so a state dict of this class loads there and the other way
round. Inputs are RGB in [0, 1], shape (batch, 3, height, width); both sides should be multiples of 2^(depth-1).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

DEFAULT_CONFIG: dict[str, object] = {
    "n_classes": 2,
    "in_channels": 3,
    "padding": True,
    "depth": 4,
    "wf": 4,
    "up_mode": "upconv",
    "batch_norm": True,
    "conv_block": "unet",
}


class UNetConvBlock(nn.Module):
    """Two convolutions of one kernel size, each with optional batch normalisation and a ReLU."""

    def __init__(self, in_size: int, out_size: int, padding: bool, batch_norm: bool, kernel_size: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (in_size, out_size):
            layers.append(nn.Conv2d(channels, out_size, kernel_size, padding=kernel_size // 2 if padding else 0))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out_size))
            layers.append(nn.ReLU())
        self.block = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x)


class MSUNetConvBlock(nn.Module):
    """A 3x3 and a 7x7 branch on the same input, joined by a 1x1 convolution without activation."""

    def __init__(self, in_size: int, out_size: int, padding: bool, batch_norm: bool) -> None:
        super().__init__()
        self.conv_3 = UNetConvBlock(in_size, out_size, padding, batch_norm, 3)
        self.conv_7 = UNetConvBlock(in_size, out_size, padding, batch_norm, 7)
        self.conv = nn.Conv2d(2 * out_size, out_size, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(torch.cat([self.conv_3(x), self.conv_7(x)], 1))


def make_block(name: str, in_size: int, out_size: int, padding: bool, batch_norm: bool) -> nn.Module:
    """The convolution block called `name`: "unet" or "msunet"."""
    if name == "unet":
        return UNetConvBlock(in_size, out_size, padding, batch_norm)
    if name == "msunet":
        return MSUNetConvBlock(in_size, out_size, padding, batch_norm)
    raise ValueError(f"conv_block must be 'unet' or 'msunet', not {name!r}")


class UNetUpBlock(nn.Module):
    """Doubles the resolution, appends the centre-cropped skip and convolves."""

    def __init__(
        self, in_size: int, out_size: int, up_mode: str, padding: bool, batch_norm: bool, conv_block: str
    ) -> None:
        super().__init__()
        if up_mode == "upconv":
            self.up: nn.Module = nn.ConvTranspose2d(in_size, out_size, 2, stride=2)
        elif up_mode == "upsample":
            self.up = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(in_size, out_size, 1)
            )
        else:
            raise ValueError(f"up_mode must be 'upconv' or 'upsample', not {up_mode!r}")
        self.conv_block = make_block(conv_block, in_size, out_size, padding, batch_norm)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        up = self.up(x)
        top = (skip.shape[2] - up.shape[2]) // 2
        left = (skip.shape[3] - up.shape[3]) // 2
        crop = skip[:, :, top : top + up.shape[2], left : left + up.shape[3]]
        return self.conv_block(torch.cat([up, crop.to(up.dtype)], 1))


class HoverFast(nn.Module):
    """The whole network; `forward` returns (logits, maps), two channels each (maps: horizontal, vertical)."""

    def __init__(
        self,
        n_classes: int = 2,
        in_channels: int = 3,
        padding: bool = True,
        depth: int = 4,
        wf: int = 4,
        up_mode: str = "upconv",
        batch_norm: bool = True,
        conv_block: str = "unet",
    ) -> None:
        super().__init__()
        widths = [2 ** (wf + level) for level in range(depth)]
        inputs = [in_channels, *widths[:-1]]
        self.down_path = nn.ModuleList(
            make_block(conv_block, i, o, padding, batch_norm) for i, o in zip(inputs, widths)
        )

        def decoder() -> nn.ModuleList:
            return nn.ModuleList(
                UNetUpBlock(widths[level + 1], widths[level], up_mode, padding, batch_norm, conv_block)
                for level in reversed(range(depth - 1))
            )

        self.up_path = decoder()
        self.last = nn.Conv2d(widths[0], n_classes, 1)
        self.up_path_m = decoder()
        self.last_m = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        skips: list[torch.Tensor] = []
        for block in self.down_path[:-1]:
            x = block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.down_path[-1](x)
        logits, maps = x, x
        for up, up_m, skip in zip(self.up_path, self.up_path_m, reversed(skips)):
            logits = up(logits, skip)
            maps = up_m(maps, skip)
        return self.last(logits), self.last_m(maps)
