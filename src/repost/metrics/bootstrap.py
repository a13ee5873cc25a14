"""Intervals by drawing whole groups again: frames of one video are no independent draws, videos are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_GROUPS = 2
"""Of each kind: one group drawn again and again is always itself, which would look like certainty."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a number lies.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def why_undefined(positive_groups: int, negative_groups: int, *, what: str = "videos") -> str | None:
    """Why there is no bootstrap interval; None where there is one.

    Args:
        positive_groups: How many groups of positives.
        negative_groups: How many of negatives.
        what: What a group is, in the plural.
    """
    counts = [count for count in (positive_groups, negative_groups) if count]
    if counts and min(counts) >= LEAST_GROUPS:
        return None
    return (
        f"no intervals: got {positive_groups} positive and {negative_groups} negative {what}, "
        f"expected at least {LEAST_GROUPS} of a kind to draw from"
    )


def draw_groups(positive: ArrayLike, *, seed: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Draw groups with replacement, as many positive and as many negative ones as there are.

    Args:
        positive: bool (g,), of each group; all may be of one kind.
        seed: Decides the draws.
        resamples: How many times.

    Yields:
        int64 (g,): how often each group was drawn. No kind is missing from a draw, so that curves always exist.

    Raises:
        UsageError: There is a single group of a kind, or none at all; `why_undefined` says so beforehand.
    """
    marks = np.ravel(np.asarray(positive, np.bool_))
    if reason := why_undefined(int(marks.sum()), int((~marks).sum()), what="groups"):
        raise UsageError(reason)
    generator = np.random.default_rng(seed)
    kinds = [places for places in (np.flatnonzero(marks), np.flatnonzero(~marks)) if places.size]
    for _ in range(resamples):
        drawn = np.zeros(marks.size, np.int64)
        for places in kinds:
            drawn[places] = generator.multinomial(places.size, np.full(places.size, 1 / places.size))
        yield drawn


def percentile_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """The percentile interval of what was found in all draws (Efron 1979).

    Args:
        values: One for each draw, at least one.
        confidence: How much of them lies inside, 0 to 1.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.asarray(values, np.float64), [tail, 1 - tail])
    return Interval(float(low), float(high))
