"""Checks of the training code: parity with the reference data of the network's definition, gradients of the scan.

  python check.py [--fixtures FOLDER]     FOLDER holds pixel_mamba_*.safetensors; without it only gradients are checked
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).resolve().parents[1]))

from checkpoint import read_safetensors
from mosaic import Piece, assemble
from network import PixelMamba, token_order
from ops import Inside, Linear, RmsNorm


def check_fixture(path: Path) -> float:
    """Largest difference, relative to the tolerance 2e-5 max|y| + 2e-6, of logits, features and all taps."""
    tensors, metadata = read_safetensors(path)
    tensors = {name: torch.from_numpy(value.copy()) for name, value in tensors.items()}
    weights = {name[8:]: value for name, value in tensors.items() if name.startswith("weights.")}
    hidden = weights["pool.attn.0.bias"].numel() if "pool.attn.0.bias" in weights else 0
    model = PixelMamba(json.loads(metadata["config"]), attention_hidden=hidden)
    model.load_state_dict(weights)
    with torch.no_grad():
        logits, taps, pooled = model(tensors["image"][None])
    found = {"logits": logits[0], "tap.features": pooled[0]}
    found |= {f"tap.stage{i}": tap[0] for i, tap in enumerate(taps)}
    worst = 0.0
    for name, value in found.items():
        tolerance = 2e-5 * float(tensors[name].abs().max()) + 2e-6
        worst = max(worst, float((value - tensors[name]).abs().max()) / tolerance)
    return worst


def plain_direction(xz: torch.Tensor, run: int, reverse: bool, *weights: torch.Tensor) -> torch.Tensor:
    """One direction of Inside step by step in torch."""
    conv_weight, conv_bias, x_weight, dt_weight, dt_bias, a_log, d = weights
    batch, steps, double = xz.shape
    width, states, rank = double // 2, a_log.shape[1], dt_weight.shape[1]
    runs = xz.reshape(-1, run, double)
    if reverse:
        runs = runs.flip(1)
    x, z = runs[..., :width], runs[..., width:]
    padded = F.pad(x.transpose(1, 2), (conv_weight.shape[-1] - 1, 0))
    u = F.silu(F.conv1d(padded, conv_weight, conv_bias, groups=width)).transpose(1, 2)
    dt, b, c = (u @ x_weight.t()).split([rank, states, states], -1)
    dt = F.softplus(dt @ dt_weight.t() + dt_bias)
    h = x.new_zeros(x.shape[0], width, states)
    rows = []
    for t in range(run):
        decay = torch.exp(dt[:, t, :, None] * -torch.exp(a_log))
        h = decay * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
        rows.append((h * c[:, t, None]).sum(-1) + d * u[:, t])
    y = torch.stack(rows, 1) * F.silu(z)
    return (y.flip(1) if reverse else y).reshape(batch, steps, width)


def plain_inside(xz: torch.Tensor, run: int, run_back: int, *weights: torch.Tensor) -> torch.Tensor:
    return plain_direction(xz, run, False, *weights[:7]) + plain_direction(xz, run_back, True, *weights[7:])


def random_weights(width: int, states: int, rank: int, generator: torch.Generator) -> list[torch.Tensor]:
    shapes = [(width, 1, 4), (width,), (rank + 2 * states, width), (width, rank), (width,), (width, states), (width,)]
    weights = [torch.randn(shape, generator=generator) * 0.5 for shape in shapes]
    weights[4] -= 2
    return weights


def difference(results: list[list[torch.Tensor]]) -> float:
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(*results))


def check_inside(width: int, states: int, run: int, run_back: int) -> float:
    """Largest relative difference of the result and of all gradients from torch's own in float64."""
    generator = torch.Generator().manual_seed(width * 1000 + states)
    xz = torch.randn(2, run, 2 * width, generator=generator)
    weights = [t for _ in range(2) for t in random_weights(width, states, 2, generator)]
    out_gradient = torch.randn(2, run, width, generator=generator)
    results = []
    for function, dtype in ((Inside.apply, torch.float32), (plain_inside, torch.float64)):
        leaves = [t.detach().to(dtype, copy=True).requires_grad_() for t in (xz, *weights)]
        out = function(leaves[0], run, run_back, *leaves[1:])
        out.backward(out_gradient.to(dtype))
        results.append([out.detach(), *(leaf.grad for leaf in leaves)])
    return difference(results)


def check_linear(rows: int, width: int, to: int) -> float:
    generator = torch.Generator().manual_seed(rows)
    x, weight, gradient = (torch.randn(s, generator=generator) for s in ((rows, width), (to, width), (rows, to)))
    results = []
    for dtype in (torch.float32, torch.float64):
        a, w = (t.detach().to(dtype, copy=True).requires_grad_() for t in (x, weight))
        y = Linear.apply(a, w) if dtype == torch.float32 else a @ w.t()
        y.backward(gradient.to(dtype))
        results.append([y.detach(), a.grad, w.grad])
    return difference(results)


def check_rms() -> float:
    generator = torch.Generator().manual_seed(5)
    x, weight, gradient = (torch.randn(s, generator=generator) for s in ((7, 9, 24), (24,), (7, 9, 24)))
    results = []
    for dtype in (torch.float32, torch.float64):
        a, w = x.to(dtype, copy=True).requires_grad_(), weight.to(dtype, copy=True).requires_grad_()
        y = RmsNorm.apply(a, w, 1e-5) if dtype == torch.float32 else a * (a.square().mean(-1, True) + 1e-5).rsqrt() * w
        y.backward(gradient.to(dtype))
        results.append([y.detach(), a.grad, w.grad])
    return difference(results)


def check_mosaic(rows: int, columns: int) -> bool:
    """Tokens that know their place must come in the order of the whole slide."""
    side, region = 32, 8
    pieces = []
    for r in range(rows):
        for c in range(columns):
            u, v = torch.meshgrid(torch.arange(side) + r * side, torch.arange(side) + c * side, indexing="ij")
            raster = u * columns * side + v
            tokens = raster.reshape(-1)[token_order(side, side, region, "snake", "zorder")]
            pieces.append(Piece(tokens[:, None], raster, frozenset()))
    tokens, kinds, _ = assemble(pieces, rows, columns, region**2)
    order = token_order(rows * side, columns * side, region, "snake", "zorder")
    return bool((tokens[:, 0] == order).all()) and bool((kinds.reshape(-1)[order] == order).all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixtures", type=Path)
    args = parser.parse_args()
    good = True
    checks = {f"mixer, {w} channels, {n} states, runs of {run} and {back}": check_inside(w, n, run, back)
              for w, n, run, back in ((16, 4, 74, 37), (24, 8, 64, 64), (32, 16, 45, 9), (9, 8, 15, 5))}
    checks |= {f"product {shape}": check_linear(*shape) for shape in ((1000, 16, 9), (777, 40, 33), (5, 3, 64))}
    checks["RMSNorm"] = check_rms()
    for name, error in checks.items():
        good &= error < 2e-5
        print(f"{name}: results and gradients within {error:.1e}")
    for layout in ((1, 1), (1, 2), (3, 2)):
        right = check_mosaic(*layout)
        good &= right
        print(f"mosaic {layout}: {'right' if right else 'wrong'}")
    for path in sorted(args.fixtures.glob("pixel_mamba_*.safetensors")) if args.fixtures else []:
        error = check_fixture(path)
        good &= error < 1
        print(f"{path.name}: {error:.2f} of the tolerance")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
