"""Torch functions around the C++ files of this folder: RMSNorm, matrix products and the inside of a Mamba mixer, with
their gradients.

The C++ files are built on first use into a cache folder with the compiler at hand (CXX, default c++).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).resolve().parent
FLAGS = ["-std=c++17", "-Ofast", "-march=native", "-mprefer-vector-width=512", "-shared", "-fPIC"]


def build() -> ctypes.CDLL:
    """The library made of the C++ files; made again when these or the flags change."""
    content = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.?pp")))
    key = hashlib.sha256(content + " ".join(FLAGS).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("HISTOJET_TRAIN_CACHE", tempfile.gettempdir()))
    library = folder / f"histojet-scan-ops-{os.getuid()}-{key}.so"
    if not library.exists():
        part = library.with_suffix(f".{os.getpid()}.part")
        compiler, sources = os.environ.get("CXX", "c++"), sorted(FOLDER.glob("*.cpp"))
        subprocess.run([compiler, *FLAGS, *sources, "-o", str(part)], check=True)
        part.replace(library)
    return ctypes.CDLL(str(library))


LIBRARY = build()
CHUNK = LIBRARY.scan_chunk()
TAPS = 4


class ScanShape(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int64)
        for name in ("segments", "steps", "channels", "states", "z_row", "bc_row", "reverse", "accumulate")
    ]


class ScanTensors(ctypes.Structure):
    _fields_ = [(n, ctypes.c_void_p) for n in ("u", "delta", "z", "b", "c", "a", "d", "bias", "states", "out")]


class ScanGradients(ctypes.Structure):
    _fields_ = [(n, ctypes.c_void_p) for n in ("out", "u", "delta", "z", "b", "c", "a", "d", "bias")]


class ConvShape(ctypes.Structure):
    _fields_ = [(n, ctypes.c_int64) for n in ("segments", "steps", "channels", "x_row", "reverse", "accumulate")]


def address(tensor: torch.Tensor, offset: int = 0) -> ctypes.c_void_p:
    """Where a float32 or float64 tensor begins, `offset` elements further."""
    return ctypes.c_void_p(tensor.data_ptr() + offset * tensor.element_size())


def product(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor, accumulate: bool = False) -> torch.Tensor:
    """out (+)= a @ b for float32 matrices of any strides; `out` is dense along its columns."""
    sizes = (a.shape[0], b.shape[1], a.shape[1])
    LIBRARY.product(*(ctypes.c_int64(n) for n in sizes), address(a), *(ctypes.c_int64(n) for n in a.stride()),
                    address(b), *(ctypes.c_int64(n) for n in b.stride()), address(out), ctypes.c_int64(out.stride(0)),
                    ctypes.c_int64(int(accumulate)))
    return out


class Linear(torch.autograd.Function):
    """x @ weight.t() over the last axis: faster than torch's where a million rows have few columns."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        rows = x.contiguous().view(-1, x.shape[-1])
        ctx.save_for_backward(rows, weight)
        out = product(rows, weight.t(), rows.new_empty(rows.shape[0], weight.shape[0]))
        return out.view(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        g = gradients[0].contiguous().view(rows.shape[0], -1)
        gx = product(g, weight, torch.empty_like(rows)) if ctx.needs_input_grad[0] else None
        gweight = product(g.t(), rows, torch.empty_like(weight))
        return None if gx is None else gx.view(*gradients[0].shape[:-1], -1), gweight


class RmsNorm(torch.autograd.Function):
    """x * weight / sqrt(mean(x^2) + eps) over the last axis."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        x = x.contiguous()
        width = x.shape[-1]
        rows = x.numel() // width
        y, scale = torch.empty_like(x), x.new_empty(rows)
        LIBRARY.rms_forward(ctypes.c_int64(rows), ctypes.c_int64(width), ctypes.c_float(eps), address(x),
                            address(weight), address(y), address(scale))
        ctx.save_for_backward(x, weight, scale)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        gy = gradients[0].contiguous()
        gx, gweight = torch.empty_like(x), torch.zeros_like(weight)
        LIBRARY.rms_backward(ctypes.c_int64(scale.numel()), ctypes.c_int64(x.shape[-1]), address(x), address(weight),
                             address(scale), address(gy), address(gx), address(gweight))
        return gx, gweight, None


class Direction:
    """One direction of a mixer: its weights, and what the backward pass needs of the forward one."""

    def __init__(self, weights: tuple[torch.Tensor, ...], run: int, reverse: bool, accumulate: bool) -> None:
        self.weights = weights
        self.run, self.reverse, self.accumulate = run, int(reverse), int(accumulate)
        self.rank = weights[3].shape[1]

    def shapes(self, xz: torch.Tensor) -> tuple[ConvShape, ScanShape]:
        batch, steps, double = xz.shape
        width, states = double // 2, self.weights[5].shape[1]
        segments = batch * (steps // self.run)
        conv = ConvShape(segments, self.run, width, double, self.reverse, self.accumulate)
        bc_row = self.rank + 2 * states
        scan = ScanShape(segments, self.run, width, states, double, bc_row, self.reverse, self.accumulate)
        return conv, scan

    def tensors(self, xz: torch.Tensor, out: torch.Tensor, kept: list[torch.Tensor]) -> ScanTensors:
        u, projected, delta, rates, states = kept
        width, count = u.shape[1], rates.shape[1]
        d, bias = self.weights[6], self.weights[4]
        return ScanTensors(address(u), address(delta), address(xz, width), address(projected, self.rank),
                           address(projected, self.rank + count), address(rates), address(d), address(bias),
                           address(states), address(out))

    def forward(self, xz: torch.Tensor, out: torch.Tensor) -> list[torch.Tensor]:
        """Writes or adds the direction's result to `out`; returns what backward() wants."""
        conv_weight, conv_bias, x_weight, dt_weight, _, a_log, _ = self.weights
        if conv_weight.shape[-1] != TAPS:
            raise ValueError(f"d_conv must be {TAPS}, got {conv_weight.shape[-1]}")
        conv, scan = self.shapes(xz)
        rows, width = xz.shape[0] * xz.shape[1], xz.shape[2] // 2
        u = xz.new_empty(rows, width)
        LIBRARY.conv_forward(ctypes.byref(conv), address(xz), address(conv_weight), address(conv_bias), address(u))
        projected = product(u, x_weight.t(), xz.new_empty(rows, x_weight.shape[0]))
        delta = product(projected[:, : self.rank], dt_weight.t(), torch.empty_like(u))
        padded = -(-width // 16) * 16
        states = xz.new_empty(scan.segments * -(-self.run // CHUNK) * scan.states * padded)
        kept = [u, projected, delta, -torch.exp(a_log), states]
        tensors = self.tensors(xz, out, kept)
        if LIBRARY.scan_forward(ctypes.byref(scan), ctypes.byref(tensors)) != 0:
            raise ValueError(f"d_state must be 4, 8 or 16, got {scan.states}")
        return kept

    def backward(self, xz: torch.Tensor, gout: torch.Tensor, gxz: torch.Tensor, kept: list[torch.Tensor]
                 ) -> list[torch.Tensor]:
        """Writes or adds to gxz; returns the gradients of the weights."""
        u, projected, _, rates, _ = kept
        conv_weight, conv_bias, x_weight, dt_weight, bias, _, d = self.weights
        conv, scan = self.shapes(xz)
        width, rank = u.shape[1], self.rank
        gu, gdelta, gprojected = torch.empty_like(u), torch.empty_like(u), torch.zeros_like(projected)
        ga, gd, gbias = (torch.zeros(t.shape, dtype=torch.float64) for t in (rates, d, bias))
        tensors = self.tensors(xz, gout, kept)
        grads = ScanGradients(address(gout), address(gu), address(gdelta), address(gxz, width),
                              address(gprojected, rank), address(gprojected, rank + scan.states), address(ga),
                              address(gd), address(gbias))
        LIBRARY.scan_backward(ctypes.byref(scan), ctypes.byref(tensors), ctypes.byref(grads))
        product(gdelta, dt_weight, gprojected[:, :rank])
        gdt_weight = product(gdelta.t(), projected[:, :rank], torch.empty_like(dt_weight))
        product(gprojected, x_weight, gu, accumulate=True)
        gx_weight = product(gprojected.t(), u, torch.empty_like(x_weight))
        gconv_weight, gconv_bias = torch.zeros_like(conv_weight), torch.zeros_like(conv_bias)
        LIBRARY.conv_backward(ctypes.byref(conv), address(xz), address(conv_weight), address(conv_bias), address(gu),
                              address(gxz), address(gconv_weight), address(gconv_bias))
        return [gconv_weight, gconv_bias, gx_weight, gdt_weight, gbias.float(), (ga * rates).float(), gd.float()]


class Inside(torch.autograd.Function):
    """A mixer between its two projections: convolution, SiLU, x_proj, dt_proj, selective scan and gate.

    xz: (batch, steps, 2E), x in the first half and z in the second. The sequences are cut into runs that know nothing
    of each other: `run` steps forward and, with a second set of weights, `run_back` steps backward. A set:
    conv1d.weight, conv1d.bias, x_proj.weight, dt_proj.weight, dt_proj.bias, A_log, D. Returns (batch, steps, E), the
    directions' sum.
    """

    @staticmethod
    def directions(run: int, run_back: int, weights: tuple[torch.Tensor, ...]) -> list[Direction]:
        found = [Direction(weights[:7], run, False, False)]
        if len(weights) > 7:
            found.append(Direction(weights[7:], run_back, True, True))
        return found

    @staticmethod
    def forward(ctx: Any, xz: torch.Tensor, run: int, run_back: int, *weights: torch.Tensor) -> torch.Tensor:
        out = xz.new_empty(xz.shape[0], xz.shape[1], xz.shape[2] // 2)
        kept = [t for way in Inside.directions(run, run_back, weights) for t in way.forward(xz, out)]
        ctx.runs, ctx.count = (run, run_back), len(weights)
        ctx.save_for_backward(xz, *weights, *kept)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        xz, *rest = ctx.saved_tensors
        weights, kept = tuple(rest[: ctx.count]), rest[ctx.count :]
        gout, gxz = gradients[0].contiguous(), torch.empty_like(xz)
        found: list[torch.Tensor] = []
        for i, way in enumerate(Inside.directions(*ctx.runs, weights)):
            found += way.backward(xz, gout, gxz, kept[5 * i : 5 * i + 5])
        return gxz, None, None, *found
