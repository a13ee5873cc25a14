"""How the chroma of a decoded JPEG was subsampled.

Full chroma was quantised on the luma's own grid, and shows that lattice. Halved chroma was interpolated by the decoder:
libjpeg's triangle filter makes samples (3a + b) / 4 and (3a + c) / 4 of neighbours, whose third difference across every
other position is zero but for rounding; a decoder that repeats samples makes equal pairs. Both lie at known positions,
because the luma's grid phase is known.

Source: libjpeg's h2v1_fancy_upsample and h2v2_fancy_upsample (jdsample.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from repost.estimation.history.blocks import BLOCK_PX, blocks_of
from repost.estimation.history.likelihood import chroma_tables, score_steps, total_of

if TYPE_CHECKING:
    from repost.estimation.history.blocks import Mask, Plane, Planes

Subsampling: TypeAlias = Literal["4:4:4", "4:2:2", "4:2:0", "4:4:0"]

_NAMES: dict[tuple[bool, bool], Subsampling] = {(True, True): "4:2:0", (True, False): "4:2:2", (False, True): "4:4:0"}
_LEAST_GAIN_NATS = 25.0
_MOST_BLOCKS = 1000
_FEWEST_DIFFERENCES = 300
_FLOOR = (
    2.8  # energy of a third difference by rounding alone: 1.7 for 4:2:0, up to 3.7 for 4:2:2, whose errors correlate
)
_ROOM = 1.5  # times the floor
_CLEARLY_MORE = 1.6
_REPEATED_ENERGY = 0.1  # of a first difference in a pair of repeated samples, which is 0 but for clipping


def subsampling_of(planes: Planes, *, phase: tuple[int, int]) -> Subsampling | None:
    """The subsampling of the chroma, or None for grey pictures and where it cannot be told.

    Args:
        planes: Of the picture.
        phase: Of the luma's grid, (x, y) in 0..7.
    """
    if planes.chroma is None:
        return None
    if max(_lattice_gain(plane, planes, phase) for plane in planes.chroma) >= _LEAST_GAIN_NATS:
        return "4:4:4"
    usable = ~planes.saturated
    across = _halved(planes.chroma, usable, phase[0])
    down = _halved(tuple(plane.T for plane in planes.chroma), usable.T, phase[1])
    return None if across is None or down is None else _NAMES.get((across, down))


def _lattice_gain(plane: Plane, planes: Planes, phase: tuple[int, int]) -> float:
    blocks = blocks_of(plane, planes.saturated, phase=phase, most=_MOST_BLOCKS)
    return float(total_of(score_steps(blocks.clean).gain, chroma_tables()).max())


def _halved(planes: tuple[Plane, ...], usable: Mask, phase_px: int) -> bool | None:
    """Whether rows were interpolated from half as many samples; None where too little happens in them to tell."""
    # Inside a block of 8 samples the pairs are (0, 1), (2, 3), ...; a difference of four starting at 1 or 3 has a pair
    # at its centre. Differences across the edge of a block are left out, because blocking would decide.
    inside = _energy(planes, usable, [phase_px + start for start in (1, 3)], 3)
    between = _energy(planes, usable, [phase_px + start for start in (0, 2, 4)], 3)
    if inside is None or between is None:
        return None
    if inside > _FLOOR * _ROOM:
        pair = _energy(planes, usable, [phase_px + start for start in (0, 2, 4, 6)], 1)
        return pair is not None and pair < _REPEATED_ENERGY
    return True if between > inside * _CLEARLY_MORE else None


def _energy(planes: tuple[Plane, ...], usable: Mask, starts: list[int], order: int) -> float | None:
    """Mean square of the differences of an order that start at these places of every block."""
    squares: list[Plane] = []
    for plane in planes:
        for start in starts:
            width = (plane.shape[1] - start - order - 1) // BLOCK_PX * BLOCK_PX + 1
            columns = [slice(start + k, start + k + max(width, 0), BLOCK_PX) for k in range(order + 1)]
            known: Mask = np.all([usable[:, column] for column in columns], axis=0)
            difference = np.zeros(known.shape, dtype=np.float32)
            for weight, column in zip(_BINOMIAL[order], columns, strict=True):
                difference += weight * plane[:, column]
            squares.append(difference[known] ** 2)
    values = np.concatenate(squares)
    return float(values.mean()) if len(values) >= _FEWEST_DIFFERENCES else None


_BINOMIAL = {1: (-1, 1), 3: (-1, 3, -3, 1)}
