"""The last table, from blocks whose samples were clipped in part.

Clipping takes every coefficient off its lattice, so that likelihoods see nothing. But what was not clipped is as the
decoder made it: with the right table, and only with it, the clipped samples can be filled in so that the block is a
decoded one. They are filled in by turns: quantise, decode, and put the decoded samples where clipped ones were.

Reference: Zakhor 1992, "Iterative procedures for reduction of blocking effects in transform image coding", for
projecting by turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repost.estimation.history.blocks import IDCT_BLOCK, cut
from repost.estimation.history.layers import WITHIN_LEVELS, LastTable
from repost.estimation.history.likelihood import QUALITIES, luma_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.estimation.history.blocks import Mask, Plane

_MOST_BLOCKS = 32
_MOST_CLIPPED = 32  # samples of a block: what is known must be more than can be chosen
_LEAST_VARIANCE = 4.0  # of the samples that are known; others prove nothing
_ROUNDS = 8
_LEAST_NONZERO = 2  # AC coefficients of a block that counts: every table gives flat blocks again
_MOST_ONES = 8  # in a table; nearly all blocks are on a lattice of ones
_MIDDLE = 128
# Of the blocks that wrong tables gave again, on strongly clipped tuning photographs: 0.02 at most.
_NATS_PER_BLOCK = float(np.log(1 / 0.02))


def clipped_table(luma: Plane, saturated: Mask, *, phase: tuple[int, int]) -> LastTable | None:
    """The table that gives most partly clipped blocks again.

    Args:
        luma: (h, w) integers 0 to 255.
        saturated: (h, w), where a channel may have been clipped.
        phase: Of the grid, (x, y) in 0..7.

    Returns:
        None where no table gives any block again.
    """
    samples, unknown = _blocks(luma, saturated, phase)
    tables = luma_tables()
    told = (tables == 1).sum(axis=1) <= _MOST_ONES
    given_again = _given_again(samples, unknown, tables[told].astype(np.float32))
    best = int(given_again.argmax())
    count = int(given_again[best])
    if not count:
        return None
    return LastTable(
        quality=int(QUALITIES[told][best]),
        steps=tuple(int(step) for step in tables[told][best]),
        gain_nats=count * _NATS_PER_BLOCK,
        count=count,
        margin_nats=float(count - np.delete(given_again, best).max()) * _NATS_PER_BLOCK,
    )


def _blocks(luma: Plane, saturated: Mask, phase: tuple[int, int]) -> tuple[Plane, Mask]:
    """The different blocks that are clipped in part, least clipped first: samples about 0, and which are not known."""
    samples, unknown = cut(luma, phase) - _MIDDLE, cut(saturated, phase)
    clipped = np.count_nonzero(unknown, axis=1)
    partly = np.flatnonzero((clipped > 0) & (clipped <= _MOST_CLIPPED))
    partly = partly[np.argsort(clipped[partly], kind="stable")]
    samples, unknown = samples[partly], unknown[partly]
    known = ~unknown
    mean = samples.mean(axis=1, where=known, keepdims=True)
    textured = np.mean((samples - mean) ** 2, axis=1, where=known) > _LEAST_VARIANCE
    samples, unknown = samples[textured], unknown[textured]
    _, first = np.unique(samples, axis=0, return_index=True)
    first = np.sort(first)[:_MOST_BLOCKS]
    return samples[first], unknown[first]


def _given_again(samples: Plane, unknown: Mask, tables: NDArray[np.float32]) -> NDArray[np.intp]:
    """How many blocks each table gives again, (tables,)."""
    steps = tables[:, None, :]
    filled = np.repeat(samples[None], len(tables), axis=0)
    multiples, decoded = np.zeros_like(filled), filled
    for _ in range(_ROUNDS):
        multiples = np.rint(filled @ IDCT_BLOCK.T / steps)
        decoded = (multiples * steps) @ IDCT_BLOCK
        filled = np.where(unknown, decoded, samples)
    off = np.abs(decoded - filled).max(axis=2)
    busy = np.count_nonzero(multiples[..., 1:], axis=2) >= _LEAST_NONZERO
    return np.count_nonzero((off <= WITHIN_LEVELS) & busy, axis=1)
