"""An earlier quantisation at the same grid phase, below the last one.

The first quantisation put every coefficient on its own lattice; the second moved each to the nearest multiple of the
second step. So some multiples hold none and others too many, in a pattern that the pair of steps fixes. Every earlier
step is weighed by the chance it gives the multiples that are there, against the chance without it.

Reference: Lukáš and Fridrich 2003, "Estimation of primary quantization matrix in double compressed JPEG images".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.estimation.history.likelihood import (
    LARGEST_STEP,
    QUALITIES,
    ROUNDING_VARIANCE,
    luma_tables,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from repost.estimation.history.layers import PartTable
    from repost.estimation.history.likelihood import Reals

_LARGEST = 160  # larger coefficients are left out
_STRAY_SHARE = 0.02  # coefficients that say nothing of the first layer: of clipped blocks, of blocks pasted later
_WIDTHS = (0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0)  # deviations of the normal distributions that are mixed
_FIRST_ROUNDS = 60  # of expectation maximisation, for the distribution without an earlier layer
_ROUNDS = 20  # for every earlier step, from there
_TINY = 1e-12
_STRAY_DC_SHARE = 0.05
_DC_DEVIATION = 0.5  # more than other frequencies have: in a nearly even block all samples are rounded the same way
_FEWEST_NONZERO = 6  # a frequency with fewer multiples other than 0 is not asked
# Set on photographs that were compressed once (the tuning sources of benchmarks/blind.py).
_LEAST_GAIN_NATS = 17.0
# On photographs compressed twice by IJG tables at most 82; with one step of the first table changed by 2: 95 and more.
_OTHER_STEP_NATS = 90.0


@dataclass(frozen=True, slots=True)
class HiddenTable:
    """The luma table of an earlier layer.

    Attributes:
        quality: IJG quality, the likeliest.
        steps: Its table, with None where another step is clearly likelier: then it is no IJG table.
        gain_nats: Log-likelihood over there being no earlier layer.
        margin_nats: Log-likelihood over the next best quality.
    """

    quality: int
    steps: PartTable
    gain_nats: float
    margin_nats: float


def hidden_table(multiples: NDArray[np.integer], steps: Sequence[int], *, rounded: bool) -> HiddenTable | None:
    """The earlier table at the same grid phase.

    Args:
        multiples: (n, 64) quantised coefficients of the last layer in natural order.
        steps: Its 64 steps.
        rounded: Whether the multiples were read off rounded pixels, which makes those of step 1 uncertain.

    Returns:
        None where there is no sign of one.
    """
    tables = luma_tables()
    gains = np.zeros(tables.T.shape)
    sizes = np.abs(multiples)
    for frequency in range(64):
        earlier, which = np.unique(tables[:, frequency], return_inverse=True)
        step = int(steps[frequency])
        if frequency == 0:
            gains[0] = _dc_gain(sizes[:, 0], step, earlier)[which]
        else:
            gains[frequency] = _gain(sizes[:, frequency], step, earlier, rounded=rounded)[which]
    total = gains.sum(axis=0)
    total[(tables == np.asarray(steps)).all(axis=1)] = 0
    best = int(total.argmax())
    margin_nats = float(total[best] - np.delete(total, best).max())
    if total[best] < _LEAST_GAIN_NATS:
        return None
    lost = gains.max(axis=1) - gains[:, best]
    lost[0] = 0
    pairs = zip(tables[best], lost < _OTHER_STEP_NATS, strict=True)
    steps_told = tuple(int(step) if fits else None for step, fits in pairs)
    return HiddenTable(int(QUALITIES[best]), steps_told, float(total[best]), margin_nats)


def _gain(sizes: NDArray[np.integer], step: int, earlier: NDArray[np.int64], *, rounded: bool) -> Reals:
    """Log-likelihood of one frequency's multiples under every earlier step, over none."""
    chances = _chances(step, rounded)
    counts = np.bincount(sizes[sizes < chances.shape[2]]).astype(np.float64)
    if counts[1:].sum() < _FEWEST_NONZERO:
        return np.zeros(len(earlier))
    total = _fitted(counts, chances[np.concatenate([[0], earlier]), :, : len(counts)])
    return total[1:] - total[0]


def _dc_gain(sizes: NDArray[np.integer], step: int, earlier: NDArray[np.int64]) -> Reals:
    """The same for DC, whose density is smooth: a multiple is as likely as there are earlier multiples in its bin."""
    values, counts = np.unique(sizes, return_counts=True)
    low, high = (_multiples_below(step * (values[:, None] + half), earlier) for half in (-0.5, 0.5))
    share = (high - low) * earlier / step
    return counts.astype(np.float64) @ np.log((1 - _STRAY_DC_SHARE) * share + _STRAY_DC_SHARE)


def _multiples_below(edges: NDArray[np.floating[Any]], earlier: NDArray[np.int64]) -> Reals:
    nearest = np.rint(edges / earlier)
    return nearest + _normal((edges - earlier * nearest) / _DC_DEVIATION)


def _fitted(counts: Reals, chances: Reals) -> Reals:
    """Log-likelihood of counts under mixtures of distributions, with the weights that suit each hypothesis best.

    Args:
        counts: (bins,).
        chances: (hypotheses, widths, bins); the first hypothesis is that of no earlier layer.

    Returns:
        (hypotheses,).
    """
    even = np.full((1, len(_WIDTHS)), 1 / len(_WIDTHS))
    start = _improved(even, counts, chances[:1], rounds=_FIRST_ROUNDS)
    weights = _improved(np.repeat(start, len(chances), axis=0), counts, chances, rounds=_ROUNDS)
    return np.log(_mixed(weights, chances)) @ counts


def _improved(weights: Reals, counts: Reals, chances: Reals, *, rounds: int) -> Reals:
    """Weights (hypotheses, widths) after some rounds of expectation maximisation."""
    for _ in range(rounds):
        needed = (counts / counts.sum()) / _mixed(weights, chances)
        weights = weights * np.matmul(chances, needed[:, :, None])[:, :, 0]
    return weights


def _mixed(weights: Reals, chances: Reals) -> Reals:
    """The mixtures, (hypotheses, bins)."""
    return np.matmul(weights[:, None, :], chances)[:, 0, :]


@lru_cache(maxsize=256)
def _chances(step: int, rounded: bool) -> Reals:
    """The chance of every multiple of a last step, for every width and every earlier step.

    Returns:
        (1 + steps, widths, multiples): entry 0 is without an earlier layer, entry q with one of step q.
    """
    edges = step * (np.arange(max(2, _LARGEST // step + 1)) + 0.5)[:, None]
    deviation = np.sqrt(ROUNDING_VARIANCE * (2 if rounded and step == 1 else 1))
    earlier = np.arange(1, LARGEST_STEP + 1)
    nearest = np.rint(edges / earlier)
    normal = _normal((edges - earlier * nearest) / deviation)
    below = np.where(nearest > 0, normal, 2 * normal - 1)  # multiple 0 is folded: the size of a coefficient counts
    found = np.empty((len(_WIDTHS), len(edges), 1 + LARGEST_STEP))
    for row, width in zip(found, _WIDTHS, strict=True):
        # Up to the edge lie all multiples below the nearest one, and a part of that one.
        lower = np.where(nearest > 0, _within(earlier * (nearest - 0.5), width), 0)
        upper = _within(earlier * (nearest + 0.5), width)
        row[:, 0] = _within(edges[:, 0], width)
        row[:, 1:] = lower + (upper - lower) * below
    found = np.maximum(np.diff(found, axis=1, prepend=0), 0)
    return np.ascontiguousarray(((1 - _STRAY_SHARE) * found + _STRAY_SHARE * found[..., :1] + _TINY).transpose(2, 0, 1))


def _within(size: NDArray[np.floating[Any]], deviation: float) -> Reals:
    """The chance that a normal value is no larger than a size."""
    return 2 * _normal(size / deviation) - 1


def _normal(values: NDArray[np.floating[Any]]) -> Reals:
    """The chance that a standard normal value is no larger."""
    from scipy import special  # a quarter of a second to import, which reading tables alone need not wait for

    library: Any = special
    return library.ndtr(values.astype(np.float64))
