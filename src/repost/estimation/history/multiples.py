"""How likely the multiples of a last step are under every earlier step.

A finer earlier step leaves but small bumps in the histogram of multiples, which a density of a slightly other shape
explains as well. So as little as possible is left open about the density. Blocks are told apart by what goes on at
neighbouring frequencies. In each class a coefficient is normal, and its deviation log-normal: typically another one in
every class, but equally spread in all. What is open is found by maximum likelihood under each hypothesis.

Reference: Wainwright and Simoncelli 2000, "Scale mixtures of Gaussians and the statistics of natural images".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.estimation.history.likelihood import LARGEST_STEP, ROUNDING_VARIANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.estimation.history.likelihood import Reals

SPREADS = np.arange(0.1, 1.4, 0.2)
"""Of the logarithm of the deviation, that are tried."""

_LARGEST = 160  # larger coefficients are left out
_MOST_MULTIPLES = 40  # and so are larger multiples: fine last steps show coarser earlier ones soon enough
_STRAY_SHARE = 0.02  # coefficients that say nothing of the first layer: of clipped blocks, of blocks pasted later
_LOG_DEVIATIONS = np.arange(np.log(0.3), np.log(80), 0.2)  # of the normal distributions that are mixed
_LOG_TYPICAL = np.arange(np.log(0.3), np.log(60), 0.2)  # what is tried for a class; `peak` finds what lies between
_TINY = 1e-12
_CLASS_EDGES = (0.33, 0.6, 0.8, 0.92)  # by share of the blocks; activity is skewed
_REACH = 2.0  # in frequencies, by which the weight of a neighbour falls to 1 / e
_LEAST_MEAN = 0.5  # so that frequencies where nearly all is 0 do not count most


@dataclass(frozen=True, slots=True, eq=False)
class StepFits:
    """How well every earlier step explains the multiples of one frequency.

    Attributes:
        likelihood: Log-likelihood, (1 + steps, len(SPREADS)); row 0 is without an earlier step.
        attainable: Log-likelihood of a density that fits the counts exactly.
        freedom: How many counts there are more than parameters are fitted.
    """

    likelihood: Reals
    attainable: float
    freedom: int


def activity_of(sizes: NDArray[np.number[Any]]) -> Reals:
    """How much goes on around every frequency of every block, leaving out the frequency itself and DC.

    Args:
        sizes: (n, 64) of the coefficients, in natural order.

    Returns:
        (n, 64) sums over the other frequencies, each relative to its mean over the blocks.
    """
    limited = np.minimum(sizes, _LARGEST).astype(np.float64)
    mean = limited.sum(axis=0) / max(len(limited), 1)
    return limited / (mean + _LEAST_MEAN) @ _nearness()


def fit_steps(
    sizes: NDArray[np.integer], activity: Reals, earlier: NDArray[np.int64], *, step: int, rounded: bool
) -> StepFits:
    """Fit the multiples of one frequency without and with an earlier step.

    Args:
        sizes: (n,) of the multiples.
        activity: (n,) around this frequency.
        earlier: (m,) steps.
        step: The last one.
        rounded: Whether the multiples were read off rounded pixels, which makes those of step 1 uncertain.

    Returns:
        The fits, for none and each of `earlier`.
    """
    chances = _chances(step, rounded and step == 1)[np.concatenate([[0], earlier])]
    bins = min(chances.shape[2], int(sizes.max()) + 1)
    classes = np.searchsorted(np.quantile(activity, _CLASS_EDGES), activity)
    class_count = len(_CLASS_EDGES) + 1
    used = sizes < bins
    counts = np.bincount(classes[used] * bins + sizes[used], minlength=class_count * bins).reshape(class_count, bins)
    found = np.log(np.matmul(_mixtures(), chances[:, :, :bins])) @ counts.T.astype(np.float32)
    by_class = found.reshape(len(chances), len(SPREADS), len(_LOG_TYPICAL), class_count)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    fitted = 2  # of a class: how many blocks there are, and the typical deviation
    return StepFits(
        likelihood=peak(by_class.transpose(0, 1, 3, 2)).sum(axis=-1),
        attainable=float((counts * np.log(np.where(counts > 0, shares, 1))).sum()),
        freedom=int(np.maximum(np.count_nonzero(counts, axis=1) - fitted, 0).sum()) - 1,
    )


def peak(values: NDArray[np.floating[Any]]) -> Reals:
    """The maximum along the last axis, which holds a smooth function at even distances.

    Args:
        values: (..., 3 or more).

    Returns:
        The top of the parabola through the largest value and its neighbours; at either end the value there.
    """
    values = values.astype(np.float64)
    middle = np.clip(values.argmax(axis=-1), 1, values.shape[-1] - 2)[..., None]
    left, top, right = (np.take_along_axis(values, middle + k, axis=-1)[..., 0] for k in (-1, 0, 1))
    inside = (top >= left) & (top >= right)
    bend = np.maximum(2 * top - left - right, _TINY)
    return np.where(inside, top + (right - left) ** 2 / (8 * bend), np.maximum(left, right))


@lru_cache(maxsize=1)
def _nearness() -> Reals:
    rows, columns = np.divmod(np.arange(64), 8)
    distance = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    weights = np.exp(-distance / _REACH)
    np.fill_diagonal(weights, 0)
    weights[0] = 0
    return weights


@lru_cache(maxsize=1)
def _mixtures() -> NDArray[np.float32]:
    """Weights of the normal distributions, (spreads x typical deviations, deviations)."""
    off = (_LOG_DEVIATIONS - _LOG_TYPICAL[:, None]) / SPREADS[:, None, None]
    weights = np.exp(-(off**2) / 2)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights.reshape(-1, len(_LOG_DEVIATIONS)).astype(np.float32)


@lru_cache(maxsize=256)
def _chances(step: int, uncertain: bool) -> NDArray[np.float32]:
    """The chance of every multiple of a last step, for every deviation and every earlier step.

    Returns:
        (1 + steps, deviations, multiples): entry 0 is without an earlier layer, entry q with one of step q.
    """
    edges = step * (np.arange(min(max(2, _LARGEST // step + 1), _MOST_MULTIPLES)) + 0.5)[:, None]
    noise = np.sqrt(ROUNDING_VARIANCE * (2 if uncertain else 1))
    earlier = np.arange(1, LARGEST_STEP + 1)
    nearest = np.rint(edges / earlier)
    normal = normal_below((edges - earlier * nearest) / noise)
    below = np.where(nearest > 0, normal, 2 * normal - 1)  # multiple 0 is folded: the size of a coefficient counts
    found = np.empty((len(_LOG_DEVIATIONS), len(edges), 1 + LARGEST_STEP))
    for row, deviation in zip(found, np.exp(_LOG_DEVIATIONS), strict=True):
        # Up to the edge lie all multiples below the nearest one, and a part of that one.
        lower = np.where(nearest > 0, _within(earlier * (nearest - 0.5), deviation), 0)
        upper = _within(earlier * (nearest + 0.5), deviation)
        row[:, 0] = _within(edges[:, 0], deviation)
        row[:, 1:] = lower + (upper - lower) * below
    found = np.maximum(np.diff(found, axis=1, prepend=0), 0)
    found = (1 - _STRAY_SHARE) * found + _STRAY_SHARE * found[..., :1] + _TINY
    return np.ascontiguousarray(found.transpose(2, 0, 1), dtype=np.float32)


def _within(size: NDArray[np.floating[Any]], deviation: float) -> Reals:
    """The chance that a normal value is no larger than a size."""
    return 2 * normal_below(size / deviation) - 1


def normal_below(values: NDArray[np.floating[Any]]) -> Reals:
    """The chance that a standard normal value is no larger, for each value."""
    from scipy import special  # a quarter of a second to import, which reading tables alone need not wait for

    library: Any = special
    return library.ndtr(values.astype(np.float64))
