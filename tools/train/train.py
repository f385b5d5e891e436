"""Trains the default nuclei network on synthetic H&E tiles. See README.md for the command lines."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F

from checkpoint import read_safetensors, write_safetensors
from feeder import FeedConfig, Feeder
from model import DEFAULT_CONFIG, HoverFast


def soft_dice(probability: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    both = (probability * mask).sum((1, 2))
    total = probability.sum((1, 2)) + mask.sum((1, 2))
    return (1 - (2 * both + 32) / (total + 32)).mean()


def gradient_kernels(device: torch.device) -> torch.Tensor:
    """Two 5x5 kernels x / (x^2 + y^2): the derivative along x for the first map, along y for the second."""
    r = torch.arange(-2, 3, dtype=torch.float32, device=device)
    y, x = torch.meshgrid(r, r, indexing="ij")
    kernel = x / (x * x + y * y + 1e-12)
    return torch.stack([kernel, kernel.T])[:, None]


def losses(
    logits: torch.Tensor, maps: torch.Tensor, batch: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, dict[str, float]]:
    """Weighted cross entropy + soft Dice for the mask, squared error of the maps and of their slopes."""
    mask, true_maps, weight, known = batch
    inside = mask.float()
    entropy = (F.cross_entropy(logits, mask.long(), reduction="none") * weight).sum() / weight.sum()
    overlap = soft_dice(logits.softmax(1)[:, 1], inside)
    focus = (0.25 + 0.75 * inside) * weight * known
    square = ((maps - true_maps) ** 2 * focus[:, None]).sum() / (2 * focus.sum() + 1)
    kernels = gradient_kernels(maps.device)
    slope = F.conv2d(maps - true_maps, kernels, padding=2, groups=2)
    # Slopes count in the inner part only: across the rim the true maps jump, which the squared error covers.
    core = inside * known
    slopes = (slope**2 * core[:, None]).sum() / (2 * core.sum() + 1)
    total = entropy + overlap + 2.0 * square + 0.5 * slopes
    parts = {"ce": entropy, "dice": overlap, "hv": square, "slope": slopes}
    return total, {name: float(value.detach()) for name, value in parts.items()}


class Average:
    """Exponential moving average of the parameters and of the statistics of the batch normalisation."""

    def __init__(self, model: torch.nn.Module, decay: float = 0.998) -> None:
        self.decay = decay
        self.steps = 0
        self.values = {k: v.detach().clone() for k, v in model.state_dict().items() if v.is_floating_point()}

    @torch.no_grad()
    def update(self, model: torch.nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        state = model.state_dict()
        names = list(self.values)
        torch._foreach_lerp_([self.values[n] for n in names], [state[n] for n in names], 1 - decay)


def export(path: Path, average: Average, config: dict[str, object], summary: str, shift: float) -> None:
    """Writes the averaged weights as safetensors with the hyper-parameters as metadata."""
    tensors = {name: value.float().cpu().numpy().copy() for name, value in average.values.items()}
    tensors["last.bias"][1] += shift
    metadata = {name: str(value) for name, value in config.items()}
    metadata |= {
        "mpp": "0.25",
        "format": "pt",
        "name": "hoverfast-synthetic",
        "licence": "Apache-2.0",
        "training": f"{summary}; nucleus logit shifted by {shift:g}",
    }
    write_safetensors(path, tensors, metadata)


def load_weights(model: HoverFast, path: Path) -> None:
    tensors, _ = read_safetensors(path)
    missing, extra = model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()}, strict=False)
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lacking or extra:
        raise ValueError(f"{path}: missing {lacking[:3]}, unexpected {extra[:3]}")


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--tool", type=Path, help="the make_tiles program; without it all *.tiles files of --work are used")
    p.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    p.add_argument("--work", type=Path, default=Path("out/training"), help="folder for tiles and the resume file")
    p.add_argument("--minutes", type=float, help="length of the schedule in training time")
    p.add_argument("--steps", type=int, help="length of the schedule in steps (independent of the machine)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--final-lr", type=float, default=0.01, help="last learning rate as a fraction of --lr")
    p.add_argument("--batch", type=int, default=8, help="crops per step, over all processes")
    p.add_argument("--processes", type=int, default=2, help="data-parallel processes (CPU); 1 on a GPU")
    p.add_argument("--crop", type=int, default=256)
    p.add_argument("--tile", type=int, default=384, help="side of the synthetic tiles in pixels")
    p.add_argument("--reuse", type=float, default=6.0, help="crops drawn per tile")
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--threads", type=int, default=1, help="threads of each process")
    p.add_argument("--init", type=Path, help="weights to start from")
    p.add_argument("--resume", action="store_true", help="continue the run in --work")
    p.add_argument("--shift", type=float, default=0.0, help="added to the nucleus logit in --out; see README.md")
    p.add_argument("--save-every", type=float, default=4.0, help="minutes between saves")
    p.add_argument("--depth", type=int, default=DEFAULT_CONFIG["depth"])
    p.add_argument("--wf", type=int, default=DEFAULT_CONFIG["wf"])
    p.add_argument("--conv-block", default=DEFAULT_CONFIG["conv_block"])
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = p.parse_args()
    if args.device != "cpu":
        args.processes = 1
    if (args.minutes is None) == (args.steps is None):
        p.error("give one of --minutes and --steps")
    return args


class Trainer:
    """Model, optimiser and average of one run, with the time and the steps it has had."""

    def __init__(self, args: argparse.Namespace, rank: int) -> None:
        self.args = args
        self.rank = rank
        self.config = DEFAULT_CONFIG | {"depth": args.depth, "wf": args.wf, "conv_block": args.conv_block}
        torch.manual_seed(args.seed)
        self.device = torch.device(args.device)
        self.model = HoverFast(**self.config).to(self.device, memory_format=torch.channels_last)
        if args.init:
            load_weights(self.model, args.init)
        decay, plain = [], []
        for name, value in self.model.named_parameters():
            (decay if value.ndim > 1 else plain).append(value)
        groups = [{"params": decay, "weight_decay": 1e-4}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=args.lr)
        self.average = Average(self.model)
        self.step, self.seconds, self.chunks = 0, 0.0, 0
        self.resume_file = args.work / "resume.pt"
        if args.resume:
            self.restore()

    def restore(self) -> None:
        state = torch.load(self.resume_file, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.values = state["average"]
        self.average.steps = self.step = state["step"]
        self.seconds, self.chunks = state["seconds"], state["chunks"]

    def save(self, chunks: int) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.values,
            "step": self.step,
            "seconds": self.seconds,
            "chunks": chunks,
        }
        part = self.resume_file.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.resume_file)
        tiles = chunks * FeedConfig.chunk_tiles * self.args.processes
        summary = (
            f"synthetic H&E only; {self.step} steps of {self.args.batch} crops of {self.args.crop} px, "
            f"{tiles} tiles of {self.args.tile} px, {self.seconds / 60:.0f} min "
            f"on {self.device.type}, seed {self.args.seed}"
        )
        export(self.args.out, self.average, self.config, summary, self.args.shift)

    def progress(self) -> float:
        if self.args.steps:
            return self.step / self.args.steps
        return self.seconds / (60 * self.args.minutes)

    def set_rate(self) -> float:
        done = min(1.0, self.progress())
        low = self.args.final_lr
        factor = min(1.0, (self.step + 1) / 150) * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.args.lr * factor
        return self.args.lr * factor

    @torch.no_grad()
    def share_gradients(self) -> None:
        """Replaces the gradients by their mean over all processes."""
        if self.args.processes == 1:
            return
        gradients = [p.grad for p in self.model.parameters()]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.args.processes
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient))

    def agree_on_time(self) -> None:
        """All processes follow the clock of the first one, so that they stop at the same step."""
        if self.args.processes > 1:
            clock = torch.tensor([self.seconds], dtype=torch.float64)
            dist.broadcast(clock, 0)
            self.seconds = float(clock)

    def train_step(self, arrays: tuple) -> dict[str, float]:
        rgb, mask, maps, weight, known = (torch.from_numpy(a).to(self.device) for a in arrays)
        x = (rgb.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits, found = self.model(x)
        total, parts = losses(logits.float(), found.float(), (mask, maps.float(), weight.float(), known.float()))
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.share_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self.average.update(self.model)
        return parts | {"total": float(total.detach())}


def feed_of(args: argparse.Namespace, rank: int) -> FeedConfig:
    return FeedConfig(
        tool=args.tool,
        folder=args.work / f"tiles{rank}",
        seed=args.seed * 100 + rank,
        tile_px=args.tile,
        reuse=args.reuse,
        batch=args.batch // args.processes,
        crop_px=args.crop,
        workers=args.workers,
    )


def report(trainer: Trainer, means: dict[str, float], rate: float, waited: float) -> None:
    text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
    print(f"step {trainer.step} {trainer.seconds / 60:.1f} min wait {waited:.0f}s lr {rate:.1e} {text}", flush=True)


def loop(trainer: Trainer, feeder: Feeder) -> None:
    """Steps until the schedule is over; the first process reports and saves."""
    means: dict[str, float] = {}
    arrays = feeder.next() if trainer.progress() < 1 else None
    saved, waited = trainer.seconds, 0.0
    while trainer.progress() < 1:
        begin = time.monotonic()
        rate = trainer.set_rate()
        for name, value in trainer.train_step(arrays).items():
            means[name] = 0.97 * means.get(name, value) + 0.03 * value
        waiting = time.monotonic()
        arrays = feeder.next()
        waited += time.monotonic() - waiting
        trainer.step += 1
        trainer.seconds += time.monotonic() - begin
        trainer.agree_on_time()
        if trainer.rank == 0 and trainer.step % 20 == 0:
            report(trainer, means, rate, waited)
        if trainer.rank == 0 and trainer.seconds - saved > 60 * trainer.args.save_every:
            saved = trainer.seconds
            trainer.save(feeder.made)
    if trainer.rank == 0:
        trainer.save(feeder.made)


def run(rank: int, args: argparse.Namespace) -> None:
    """One of the data-parallel processes."""
    torch.set_num_threads(args.threads)
    if args.processes > 1:
        meeting = f"file://{args.work.resolve()}/rendezvous"
        dist.init_process_group("gloo", meeting, rank=rank, world_size=args.processes)
    trainer = Trainer(args, rank)
    feeder = Feeder(feed_of(args, rank), trainer.chunks)
    trainer.model.train()
    try:
        loop(trainer, feeder)
    finally:
        feeder.close()


def main() -> None:
    args = parse()
    args.work.mkdir(parents=True, exist_ok=True)
    (args.work / "rendezvous").unlink(missing_ok=True)
    if args.processes == 1:
        run(0, args)
    else:
        mp.spawn(run, (args,), args.processes)


if __name__ == "__main__":
    main()
