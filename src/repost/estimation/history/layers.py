"""The last table that blocks were quantised by.

A table must not only make the coefficients likely, it must give the pixels again: a block of a decoded JPEG, quantised
by its own table and transformed back, is the same block to within half a level. Below a fine last table a coarser
earlier one often explains more of the coefficients, but it cannot do that.

Reference: Fridrich, Goljan and Du 2001, "Steganalysis based on JPEG compatibility".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from repost.estimation.history.blocks import IDCT_BLOCK
from repost.estimation.history.likelihood import LENT, QUALITIES, STAINED, luma_tables, score_steps, total_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.estimation.history.blocks import Blocks
    from repost.estimation.history.likelihood import Reals, StepScores

    Tables: TypeAlias = NDArray[np.int64]

PartTable: TypeAlias = tuple[int | None, ...]
"""64 steps in natural order; None where the picture does not show the step."""

WITHIN_LEVELS = 0.55
"""How far a sample may lie from the decoded one: rounding gives 0.5, libjpeg's inverse DCT a little more."""

_PLENTY_CLEAN = 60  # blocks; with fewer, saturated ones are asked too
_LENT_WEIGHT = 0.5  # chosen beside 0.3 of the stained; the doubt below matters more
_STAINED_WEIGHT = 0.3  # clipping errs to one side: it shrinks coefficients, and so steps
_NEAR_BEST = (
    0.4  # by this part less than the largest gain; likelihood also counts how well empty frequencies' noise fits
)
_JUDGED_BLOCKS = 64  # for the exact test; the standard error of the share is then at most 0.06
_FEWEST_JUDGED = 8
# By how many steps of 1 a table has: those cannot be read off safely from rounded pixels, which spoils the exact test.
# Measured at qualities 50 to 95: 0.42 and more of the blocks; at 96 to 98: 0.07 and more; wrong tables: 0.03 and less.
_REPRODUCED_SHARES = ((8, 0.3), (23, 0.05), (64, 0.0))

_CLEARLY_MORE = 0.25  # of the blocks another table must give again than the IJG table does
_BEYOND = 1 << 14  # larger than any coefficient
_LARGEST_MARGIN_NATS = 1e6  # where no other table is possible at all
_SURE_NATS = 4.0  # by which a step must be likelier than any other, to be given


@dataclass(frozen=True, slots=True)
class LastTable:
    """The luma table blocks were last quantised by.

    Attributes:
        quality: IJG quality, None where the table is no IJG table.
        steps: The table; of an IJG table all of it, of others what can be told.
        gain_nats: Log-likelihood over a smooth density, of the coefficients that are not quantised to 0.
        count: How many coefficients those are.
        margin_nats: Log-likelihood over the next best quality, or of another table over the best quality.
    """

    quality: int | None
    steps: PartTable
    gain_nats: float
    count: int
    margin_nats: float


def last_table(blocks: Blocks) -> LastTable:
    """The table that makes the coefficients most likely, of those that give the pixels again.

    Args:
        blocks: At one phase.
    """
    clean = scores = score_steps(blocks.clean)
    tables = luma_tables()
    if len(blocks.clean) < _PLENTY_CLEAN:
        for more in _weaker_scores(blocks):
            if total_of(more.gain, tables).max() > 0:  # what shows no lattice may have lost it, and refutes nothing
                scores += more
    gain = np.where(_reproduces(blocks, tables), total_of(scores.gain, tables), -np.inf)
    near = gain >= gain.max() - _NEAR_BEST * abs(gain.max())
    likelihood = np.where(near, total_of(scores.likelihood, tables), -np.inf)
    best = int(likelihood.argmax())
    other = _other_table(blocks, clean, tables[best])
    if other is not None:
        return other
    return LastTable(
        quality=int(QUALITIES[best]),
        steps=tuple(int(step) for step in tables[best]),
        gain_nats=float(gain[best]),
        count=int(total_of(scores.counts, tables[best])),
        margin_nats=float(min(likelihood[best] - np.delete(likelihood, best).max(), _LARGEST_MARGIN_NATS)),
    )


def _weaker_scores(blocks: Blocks) -> tuple[StepScores, ...]:
    """Of the blocks where something is saturated."""
    return (
        score_steps(blocks.stained, STAINED).weighted(_STAINED_WEIGHT).doubted(),
        score_steps(blocks.lent, LENT).weighted(_LENT_WEIGHT).doubted(),
    )


def reproduced_share(coefficients: NDArray[np.float32], tables: Tables) -> Reals:
    """The share of blocks that each table gives again.

    Args:
        coefficients: (n, 64) of blocks where nothing is saturated.
        tables: (m, 64).

    Returns:
        (m,) in 0..1, over the blocks with most texture, which say most.
    """
    busiest = np.argsort(-np.abs(coefficients[:, 1:]).sum(axis=1))[:_JUDGED_BLOCKS]
    steps = tables[:, None, :].astype(np.float32)
    off = np.rint(coefficients[busiest] / steps) * steps - coefficients[busiest]
    worst = np.abs(off.reshape(-1, 64) @ IDCT_BLOCK).reshape(len(tables), -1, 64).max(axis=2)
    return (worst <= WITHIN_LEVELS).mean(axis=1)


def _reproduces(blocks: Blocks, tables: Tables) -> NDArray[np.bool_]:
    if len(blocks.clean) < _FEWEST_JUDGED:
        return np.ones(len(tables), dtype=np.bool_)
    ones = (tables == 1).sum(axis=1)
    needed = np.select([ones <= most for most, _ in _REPRODUCED_SHARES], [share for _, share in _REPRODUCED_SHARES])
    return reproduced_share(blocks.clean, tables) >= needed


def _other_table(blocks: Blocks, scores: StepScores, table: NDArray[np.int64]) -> LastTable | None:
    """The likeliest step of every frequency, where these give the pixels again and the IJG table does not."""
    if len(blocks.clean) < _FEWEST_JUDGED:
        return None
    rows = np.arange(64)
    steps = scores.likelihood.argmax(axis=1) + 1
    best, gain = scores.likelihood[rows, steps - 1], scores.gain[rows, steps - 1]
    all_zero = np.where(gain > 0, steps, _BEYOND)  # what shows no step is taken as quantised to 0
    here, there = reproduced_share(blocks.clean, np.stack([all_zero, table]))
    if here < _REPRODUCED_SHARES[0][1] or here < there + _CLEARLY_MORE:
        return None
    others = scores.likelihood.copy()
    others[rows, steps - 1] = -np.inf
    sure = (best - others.max(axis=1) > _SURE_NATS) & (gain > 0)
    return LastTable(
        quality=None,
        steps=tuple(int(step) if known else None for step, known in zip(steps, sure, strict=True)),
        gain_nats=float(gain[sure].sum()),
        count=int(scores.counts[rows, steps - 1][sure].sum()),
        margin_nats=float(best.sum() - total_of(scores.likelihood, table)),
    )
