"""How sure a mean or a ratio is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Interval: TypeAlias = tuple[float, float]
Numbers: TypeAlias = NDArray[np.float64]

_DRAWS = 2000


def over_runs(values: Sequence[float] | Numbers) -> Interval:
    """95 % interval of the mean of a few independent runs (Student's t)."""
    runs = np.asarray(values, np.float64)
    if len(runs) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf(0.975, len(runs) - 1) * runs.std(ddof=1) / np.sqrt(len(runs))
    return float(runs.mean() - half), float(runs.mean() + half)


def bootstrap(count: int, statistic: Callable[[NDArray[np.int64]], Numbers], *, seed: int = 0) -> Interval:
    """95 % percentile bootstrap interval.

    Args:
        count: How many things there are to draw from.
        statistic: The number of interest for each row of indices of things.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    found = statistic(rng.integers(0, count, (_DRAWS, count)))
    low, high = np.percentile(found, [2.5, 97.5], method="nearest")  # interpolating fails beside infinity
    return float(low), float(high)
