"""Token merging with PyTorch operations, one thread: the steps of the published procedure written out anew. One request
per line on stdin, one line of JSON each as answer, as bench/native/merging_bench.cpp:
  bipartite BATCH TOKENS METRIC_CHANNELS CHANNELS R MODE ROUNDS     MODE: mean or weighted
"""
import json
import sys
import time

import numpy
import torch


def numbers(shape, seed):
    x = numpy.arange(int(numpy.prod(shape)), dtype=numpy.uint32) + numpy.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    x = (x ^ x >> numpy.uint32(16)) * numpy.uint32(0x7FEB352D)
    x = (x ^ x >> numpy.uint32(15)) * numpy.uint32(0x846CA68B)
    x = (x ^ x >> numpy.uint32(16)) >> numpy.uint32(8)
    return torch.from_numpy((x.astype(numpy.float32) / 16777216 - 0.5).reshape(shape))


class Matching:
    """Even tokens find their most similar odd one; the r most similar pairs merge. Token 0 stays."""

    def __init__(self, metric, r):
        unit = metric / metric.norm(dim=-1, keepdim=True)
        scores = unit[:, ::2, :] @ unit[:, 1::2, :].transpose(1, 2)
        scores[:, 0, :] = float("-inf")
        best, partner = scores.max(dim=-1)
        order = best.argsort(dim=-1, descending=True)
        self.kept = order[:, r:].sort(dim=-1).values
        self.sources = order[:, :r]
        self.targets = partner.gather(1, self.sources)

    def merge(self, x, how):
        even, odd = x[:, ::2, :], x[:, 1::2, :]
        wide = lambda index: index.unsqueeze(-1).expand(-1, -1, x.shape[-1])
        kept = even.gather(1, wide(self.kept))
        merged = odd.scatter_reduce(1, wide(self.targets), even.gather(1, wide(self.sources)), reduce=how)
        return torch.cat([kept, merged], dim=1)

    def checksum(self, tokens):
        total = 0
        for kept, sources, targets in zip(self.kept.numpy(), self.sources.numpy(), self.targets.numpy()):
            owner = numpy.zeros(tokens, dtype=numpy.int64)
            owner[2 * kept] = numpy.arange(len(kept))
            owner[1::2] = len(kept) + numpy.arange(tokens // 2)
            owner[2 * sources] = len(kept) + targets
            total += int((owner * (numpy.arange(tokens) % 97 + 1)).sum())
        return total


def step(metric, x, size, r, mode):
    matching = Matching(metric, r)
    if mode == "mean":
        return matching.merge(x, "mean")
    total = matching.merge(size, "sum")
    return matching.merge(x * size, "sum") / total


def times(rounds, work):
    work()
    wall, cpu = [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        wall.append(1e3 * (time.perf_counter() - start))
    cpu = 1e3 * (time.process_time() - cpu) / rounds
    return {"cpuMs": cpu, "wallMs": sorted(wall)[rounds // 2], "bestMs": min(wall)}


def main():
    torch.set_num_threads(1)
    for line in sys.stdin:
        verb, *words = line.split()
        if verb != "bipartite":
            raise ValueError("unknown request " + line)
        batch, tokens, metric_channels, channels, r = (int(word) for word in words[:5])
        mode, rounds = words[5], int(words[6])
        metric = numbers((batch, tokens, metric_channels), 1)
        x = numbers((batch, tokens, channels), 2)
        size = torch.ones(batch, tokens, 1)
        r = min(r, (tokens - 1) // 2)
        with torch.inference_mode():
            answer = {
                "torch": torch.__version__,
                "checksum": Matching(metric, r).checksum(tokens),
                "step": times(rounds, lambda: step(metric, x, size, r, mode)),
                "matching": times(rounds, lambda: Matching(metric, r)),
            }
        print(json.dumps(answer), flush=True)


main()
