"""Supplies training batches: a thread makes tile files, worker processes turn them into augmented crops."""

from __future__ import annotations

import multiprocessing as mp
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augment import augment
from tiles import derive_targets, make_tiles, open_tiles


@dataclass(frozen=True)
class FeedConfig:
    """How tiles are made and used. `reuse` is how often a tile is drawn on average before the next one is made."""

    tool: Path | None
    folder: Path
    seed: int
    tile_px: int = 384
    chunk_tiles: int = 48
    pool_chunks: int = 12
    reuse: float = 6.0
    batch: int = 8
    crop_px: int = 256
    workers: int = 1


Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Pool:
    """The tiles of the latest chunks with their targets, in memory."""

    def __init__(self, chunks: int) -> None:
        self.chunks: deque[list[tuple[np.ndarray, dict[str, np.ndarray]]]] = deque(maxlen=chunks)

    def add(self, path: Path) -> None:
        file = open_tiles(path)
        items = []
        for index in range(file.count):
            targets = derive_targets(file.labels[index])
            arrays = {
                "mask": targets.mask,
                "maps": targets.maps.astype(np.float16),
                "weight": targets.weight.astype(np.uint8),
                "known": targets.known.astype(np.uint8),
            }
            items.append((np.array(file.rgb[index]), arrays))
        self.chunks.append(items)

    def batch(self, size: int, crop_px: int, rng: np.random.Generator) -> Batch:
        samples = []
        for _ in range(size):
            chunk = self.chunks[int(rng.integers(len(self.chunks)))]
            rgb, targets = chunk[int(rng.integers(len(chunk)))]
            samples.append(augment(rgb, targets, crop_px, rng))
        rgb = np.stack([np.clip(s.rgb * 255 + 0.5, 0, 255).astype(np.uint8) for s in samples])
        return (
            rgb,
            np.stack([s.mask for s in samples]),
            np.stack([s.maps for s in samples]),
            np.stack([s.weight for s in samples]),
            np.stack([s.known for s in samples]),
        )


def work(config: FeedConfig, number: int, inbox: mp.Queue, outbox: mp.Queue) -> None:
    """Body of a worker process: takes new tile files when there are any, else makes batches."""
    rng = np.random.default_rng([config.seed, number])
    pool = Pool(config.pool_chunks)
    while True:
        try:
            path = inbox.get(block=not pool.chunks)
            if path is None:
                return
            pool.add(path)
        except queue.Empty:
            outbox.put(pool.batch(config.batch, config.crop_px, rng))


class Feeder:
    """Starts the workers and the tile maker; `next()` returns a batch. Call `close()` at the end."""

    def __init__(self, config: FeedConfig, first_chunk: int = 0) -> None:
        self.config = config
        self.made = first_chunk
        self.drawn = 0
        self.stop = threading.Event()
        config.folder.mkdir(parents=True, exist_ok=True)
        context = mp.get_context("spawn")
        self.inboxes = [context.Queue() for _ in range(config.workers)]
        self.outbox = context.Queue(maxsize=4 * config.workers)
        self.processes = [
            context.Process(target=work, args=(config, first_chunk * 100 + i, box, self.outbox), daemon=True)
            for i, box in enumerate(self.inboxes)
        ]
        for process in self.processes:
            process.start()
        self.maker = threading.Thread(target=self.make, daemon=True)
        self.maker.start()

    def make(self) -> None:
        """Keeps the number of tiles in step with the number of crops drawn; deletes files that are no longer used."""
        config = self.config
        if config.tool is None:
            for path in sorted(config.folder.glob("*.tiles")):
                self.hand_out(path)
            return
        files: deque[Path] = deque()
        first = self.made
        while not self.stop.is_set():
            wanted = first + 3 + int(self.drawn / (config.reuse * config.chunk_tiles))
            if self.made >= wanted:
                time.sleep(0.2)
                continue
            path = config.folder / f"chunk_{self.made:05d}.tiles"
            seed = config.seed * 1_000_000 + self.made * config.chunk_tiles
            make_tiles(config.tool, path, config.chunk_tiles, config.tile_px, seed)
            self.made += 1
            self.hand_out(path)
            files.append(path)
            if len(files) > 4:
                files.popleft().unlink(missing_ok=True)

    def hand_out(self, path: Path) -> None:
        for box in self.inboxes:
            box.put(path)

    def next(self) -> Batch:
        self.drawn += self.config.batch
        while True:
            try:
                return self.outbox.get(timeout=5)
            except queue.Empty:
                if not any(process.is_alive() for process in self.processes):
                    raise RuntimeError("the worker processes ended early; see their messages above") from None
                if self.config.tool is not None and not self.maker.is_alive():
                    raise RuntimeError("making tiles failed; see the message above") from None

    def close(self) -> None:
        self.stop.set()
        for process in self.processes:
            process.terminate()
