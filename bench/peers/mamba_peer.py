"""Selective scan and Mamba block with PyTorch operations, one thread: the formulas of the Mamba paper written out, one
step of the recurrence after another, as its reference does on CPUs. One request per line on stdin, one line of JSON each
as answer, as bench/native/scan_bench.cpp and mamba_block_bench.cpp:
  scan CHANNELS STATES LENGTH    nanoseconds per element of one scan with softplus and gate
  block DIM TOKENS               milliseconds of one block, d_state 16, d_conv 4, expand 2
"""
import json
import math
import sys
import time

import torch
from torch.nn import functional


def scan(u, delta, a, b, c, d, z, bias):
    """u, delta, z [B, D, L]; a [D, N]; b, c [B, N, L]."""
    delta = functional.softplus(delta + bias[:, None])
    decay = torch.exp(torch.einsum("bdl,dn->bdln", delta, a))
    entry = torch.einsum("bdl,bnl,bdl->bdln", delta, b, u)
    state = torch.zeros(u.shape[0], u.shape[1], a.shape[1])
    outputs = []
    for t in range(u.shape[2]):
        state = decay[:, :, t] * state + entry[:, :, t]
        outputs.append(torch.einsum("bdn,bn->bd", state, c[:, :, t]))
    y = torch.stack(outputs, dim=2) + u * d[:, None]
    return y * functional.silu(z)


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return 1e3 * (time.process_time() - cpu), 1e3 * (time.perf_counter() - wall)


def uniform(*shape, low=-1.0, high=1.0):
    return low + (high - low) * torch.rand(*shape)


def scan_answer(channels, states, length):
    inputs = [uniform(1, channels, length), uniform(1, channels, length)]
    a = -torch.exp(uniform(channels, states, low=0.0, high=2.0))
    inputs += [a, uniform(1, states, length), uniform(1, states, length), uniform(channels)]
    inputs += [uniform(1, channels, length, low=-2.0, high=2.0), uniform(channels, low=-5.0, high=-2.0)]
    cpu, wall = timed(lambda: scan(*inputs))
    elements = channels * states * length
    return {"elements": elements, "cpuNs": 1e6 * cpu / elements, "wallNs": 1e6 * wall / elements}


class Block:
    def __init__(self, dim):
        self.inner, self.states, self.rank = 2 * dim, 16, math.ceil(dim / 16)
        self.in_proj = uniform(2 * self.inner, dim) / math.sqrt(dim)
        self.conv, self.conv_bias = uniform(self.inner, 1, 4) / 2, uniform(self.inner) / 10
        self.x_proj = uniform(self.rank + 2 * self.states, self.inner) / math.sqrt(self.inner)
        self.dt_proj, self.dt_bias = uniform(self.inner, self.rank) / math.sqrt(self.rank), uniform(self.inner) - 4
        self.a = -torch.exp(uniform(self.inner, self.states) + 1.5)
        self.d = torch.ones(self.inner)
        self.out_proj = uniform(dim, self.inner) / math.sqrt(self.inner)

    def __call__(self, tokens):
        x, z = (tokens @ self.in_proj.T).transpose(1, 2).chunk(2, dim=1)
        x = functional.conv1d(x, self.conv, self.conv_bias, padding=3, groups=self.inner)[..., : tokens.shape[1]]
        x = functional.silu(x)
        parts = x.transpose(1, 2) @ self.x_proj.T
        dt, b, c = parts.split([self.rank, self.states, self.states], dim=2)
        delta = (dt @ self.dt_proj.T).transpose(1, 2)
        y = scan(x, delta, self.a, b.transpose(1, 2), c.transpose(1, 2), self.d, z, self.dt_bias)
        return y.transpose(1, 2) @ self.out_proj.T


def block_answer(dim, tokens):
    block, values = Block(dim), uniform(1, tokens, dim)
    cpu, wall = timed(lambda: block(values))
    return {"cpuMs": cpu, "wallMs": wall}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    answers = {"scan": scan_answer, "block": block_answer}
    for line in sys.stdin:
        verb, *sizes = line.split()
        with torch.inference_mode():
            answer = answers[verb](*(int(size) for size in sizes))
        print(json.dumps({"torch": torch.__version__, **answer}), flush=True)


main()
