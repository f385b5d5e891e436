"""Trains one network on graded synthetic slides. See README.md; run.py does everything in one go."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[1]))

from checkpoint import read_safetensors, write_safetensors
from config import AUXILIARY_STAGE, make_config
from mosaic import Piece, Store, assemble, draw_layout
from network import PixelMamba, loss_of, token_order
from slides import Batch, Slides, random_batch

# (end as a share of the schedule, what its steps choose from: side of the windows, windows per step). Small windows
# teach what clusters look like.
# CACHED: mosaics of whole slides, but only the stages from AUXILIARY_STAGE on learn, from kept results of the ones
# before.
CACHED = 0
SCHEDULE = (
    (0.15, ((64, 16),)),
    (0.40, ((128, 6),)),
    (0.62, ((CACHED, 16),)),
    (1.0, ((128, 6), (256, 3))),
)
TOKEN = 2**AUXILIARY_STAGE
KEPT_SLIDES, FEWEST_KEPT = 500, 60
NEW_SHARE = 0.5  # of the steps that add a slide to the kept ones


class Average:
    """Exponential moving average of the parameters."""

    def __init__(self, model: nn.Module, decay: float = 0.995) -> None:
        self.decay, self.steps = decay, 0
        self.values = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            self.values[name].lerp_(value, 1 - decay)


class Trainer:
    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.args = args
        self.config = make_config()
        self.model = PixelMamba(self.config, args.local_only)
        self.auxiliary = nn.Linear(self.config["stages"][AUXILIARY_STAGE]["dim"], 3)
        if args.init:
            tensors, _ = read_safetensors(args.init)
            self.model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()})
        decayed, free = [], []
        for name, value in self.model.named_parameters():
            plain = value.ndim < 2 or name.endswith(("A_log", "A_b_log"))
            (free if plain else decayed).append(value)
        groups = [{"params": decayed, "weight_decay": 0.01},
                  {"params": [*free, *self.auxiliary.parameters()], "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98))
        self.average = Average(self.model)
        self.seconds, self.step = 0.0, 0
        self.kept = Store(KEPT_SLIDES)
        if args.resume:
            self.restore()

    def state_path(self) -> Path:
        return self.args.out.with_suffix(".state")

    def restore(self) -> None:
        state = torch.load(self.state_path())
        self.model.load_state_dict(state["model"])
        self.auxiliary.load_state_dict(state["auxiliary"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.values, self.average.steps = state["average"], state["step"]
        self.seconds, self.step = state["seconds"], state["step"]

    def save(self) -> None:
        torch.save({"model": self.model.state_dict(), "auxiliary": self.auxiliary.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "average": self.average.values,
                    "seconds": self.seconds, "step": self.step}, self.state_path())
        tensors = {name: value.numpy() for name, value in self.average.values.items()}
        notes = {"config": json.dumps(self.config), "steps": str(self.step), "minutes": f"{self.seconds / 60:.1f}"}
        write_safetensors(self.args.out, tensors, notes)

    def progress(self) -> float:
        if self.args.steps:
            return min(1.0, self.step / self.args.steps)
        return min(1.0, self.seconds / (60 * self.args.minutes))

    @torch.no_grad()
    def keep(self, slides: list[Slides], random: np.random.Generator, count: int) -> None:
        """Adds turned and recoloured slides as the stages before AUXILIARY_STAGE leave them."""
        batch = random_batch(slides, count, slides[0].size, TOKEN, random)
        model, size = self.model, batch.images.shape[2:]
        h, _ = model.run_stages(model.stem_of(batch.images), *size, 0, AUXILIARY_STAGE)
        for tokens, kinds in zip(h, batch.kinds):
            shown = frozenset(int(k) - 1 for k in kinds.unique() if k > 0)
            self.kept.add(Piece(tokens.clone(), kinds, shown))

    def kept_losses(self, slides: list[Slides], count: int, random: np.random.Generator
                    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if len(self.kept.pieces) < FEWEST_KEPT:
            self.keep(slides, random, FEWEST_KEPT)
        elif random.random() < NEW_SHARE:
            self.keep(slides, random, 1)
        rows, columns = draw_layout(random)
        count = max(2, count // (rows * columns))
        region = (self.config["serialization"]["region_size"] // TOKEN) ** 2
        made = [assemble(self.kept.choose(rows * columns, random), rows, columns, region) for _ in range(count)]
        tokens, kinds, grades = zip(*made)
        batch = Batch(torch.empty(0), torch.tensor(grades), torch.ones(count), torch.stack(kinds))
        height, width = rows * slides[0].size, columns * slides[0].size
        model = self.model
        _, taps = model.run_stages(torch.stack(tokens), height, width, AUXILIARY_STAGE, len(model.stages))
        pooled = model.pooled(taps[-1], model.real_tokens(height, width, height, width))
        return self.losses(batch, model.head(pooled), taps[0])

    def losses(self, batch: Batch, logits: torch.Tensor, tokens: torch.Tensor
               ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(loss of the grades, loss of the tokens, share of right grades)."""
        rows, columns = batch.kinds.shape[1:]
        region = self.config["serialization"]["region_size"] // TOKEN
        order = token_order(rows, columns, region, *self.model.orders)
        kinds = batch.kinds.flatten(1)[:, order]
        weight = torch.tensor([1.0, 6.0, 6.0])
        local = F.cross_entropy(self.auxiliary(tokens).flatten(0, 1), kinds.flatten(), weight)
        losses = [loss_of(self.config, logits[i : i + 1], batch.grades[i : i + 1]) for i in range(len(logits))]
        sure = batch.sure
        whole = (torch.stack(losses) * sure).sum() / sure.sum().clamp(min=1)
        right = (((logits > 0).sum(1) == batch.grades).float() * sure).sum() / sure.sum().clamp(min=1)
        return whole, local, right

    def set_rate(self) -> float:
        rate = self.args.rate * (0.5 + 0.5 * math.cos(math.pi * self.progress())) * min(1.0, (self.step + 1) / 60)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def train_step(self, slides: list[Slides], random: np.random.Generator) -> dict[str, float]:
        begin = time.monotonic()
        self.set_rate()
        choices = next(choices for end, choices in SCHEDULE if self.progress() < end or end >= 1)
        side, count = choices[random.integers(len(choices))]
        if side == CACHED:
            whole, local, right = self.kept_losses(slides, count, random)
        else:
            batch = random_batch(slides, count, side, TOKEN, random)
            logits, taps, _ = self.model(batch.images)
            whole, local, right = self.losses(batch, logits, taps[AUXILIARY_STAGE])
        self.optimizer.zero_grad()
        (whole + local).backward()
        parameters = [*self.model.parameters(), *self.auxiliary.parameters()]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimizer.step()
        self.average.update(self.model)
        self.step += 1
        self.seconds += time.monotonic() - begin
        return {"grade": float(whole.detach()), "token": float(local.detach()), "right": float(right)}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", type=Path, required=True, help="folder of train-*.bin; new files are picked up")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--steps", type=int, help="instead of --minutes")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--local-only", action="store_true", help="the baseline: no state crosses a region's border")
    parser.add_argument("--init", type=Path, help="start from these weights")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = parse()
    torch.set_num_threads(1)
    trainer = Trainer(args)
    random = np.random.default_rng([args.seed, trainer.step])
    files: list[Path] = []
    slides: list[Slides] = []
    means: dict[str, float] = {}
    saved = trainer.seconds
    while trainer.progress() < 1:
        if trainer.step % 100 == 0 or not slides:
            files = sorted(args.slides.glob("train-*.bin"))
            slides = [Slides.read(path) for path in files]
        for name, value in trainer.train_step(slides, random).items():
            means[name] = 0.97 * means.get(name, value) + 0.03 * value
        if trainer.step % 25 == 0:
            text = " ".join(f"{name} {value:.3f}" for name, value in means.items())
            print(f"step {trainer.step} {trainer.seconds / 60:.1f} min files {len(files)} {text}", flush=True)
        if trainer.seconds - saved > 120:
            saved = trainer.seconds
            trainer.save()
    trainer.save()


if __name__ == "__main__":
    main()
