"""Larger slides made of kept ones: region tokens of several slides, laid out side by side.

The stages before the kept point look back inside regions only and carry little forward across a border, so that a
mosaic of their results is nearly the result of a mosaic of pixels, at no cost. Mosaics show the later stages slides of
many sizes and many combinations of clusters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

# rows and columns of slides, and how often each layout is drawn
LAYOUTS = (((1, 1), 0.6), ((1, 2), 0.12), ((2, 1), 0.12), ((2, 2), 0.12), ((3, 3), 0.04))
KINDS = 2


@dataclass(frozen=True)
class Piece:
    """One kept slide: tokens in scan order, and the kind of every token in raster order (rows, columns)."""

    tokens: torch.Tensor
    kinds: torch.Tensor
    shown: frozenset[int]  # kinds of clusters


@dataclass
class Store:
    """The last `most` pieces, by the kinds that they show."""

    most: int
    pieces: list[Piece] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        del self.pieces[: -self.most]

    def choose(self, count: int, random: np.random.Generator) -> list[Piece]:
        """Pieces of one mosaic whose grade is 0, 1 or 2 with equal chances where the store allows it."""

        def some(*shown: int) -> list[Piece]:
            return [p for p in self.pieces if p.shown == frozenset(shown)]

        def draw(pieces: list[Piece], number: int) -> list[Piece]:
            return [pieces[i] for i in random.integers(len(pieces), size=number)]

        empty, single, both = some(), [some(k) for k in range(KINDS)], some(*range(KINDS))
        if count == 1 or not (empty and both and all(single)):
            return draw(self.pieces, count)
        grade, kind = int(random.integers(3)), int(random.integers(KINDS))
        shown: list[Piece] = []
        if grade == 1:
            shown = draw(single[kind], int(random.integers(1, 3)))
        elif grade == 2:
            shown = draw(both, 1) if random.random() < 0.5 else draw(single[0], 1) + draw(single[1], 1)
        chosen = shown + draw(empty, count - len(shown))
        return [chosen[i] for i in random.permutation(count)]


def snake(rows: int, columns: int) -> list[tuple[int, int]]:
    return [(r, c if r % 2 == 0 else columns - 1 - c) for r in range(rows) for c in range(columns)]


def assemble(pieces: list[Piece], rows: int, columns: int, region_tokens: int
             ) -> tuple[torch.Tensor, torch.Tensor, int]:
    """rows x columns square pieces as one slide with its regions in snake order: (tokens, kinds, grade)."""
    side = int(round((pieces[0].tokens.shape[0] // region_tokens) ** 0.5))  # regions
    index = {place: i for i, place in enumerate(snake(side, side))}
    regions = [p.tokens.view(side * side, region_tokens, -1) for p in pieces]
    tokens = torch.cat([regions[r // side * columns + c // side][index[r % side, c % side]]
                        for r, c in snake(rows * side, columns * side)])
    kinds = torch.cat([torch.cat([pieces[r * columns + c].kinds for c in range(columns)], 1) for r in range(rows)])
    return tokens, kinds, len(frozenset[int]().union(*(p.shown for p in pieces)))


def draw_layout(random: np.random.Generator) -> tuple[int, int]:
    lot = random.random()
    for layout, share in LAYOUTS:
        lot -= share
        if lot < 0:
            return layout
    return LAYOUTS[0][0]
