"""How well a score tells two kinds apart, whatever the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def auc(positives: ArrayLike, negatives: ArrayLike) -> float:
    """Area under the curve of true positives over false positives (ROC).

    Args:
        positives: Scores of those that should be high, (n,); infinities are allowed.
        negatives: Scores of those that should be low, (m,).

    Returns:
        The probability that a positive scores above a negative, ties counted as half: 0 to 1, .5 for chance.

    Raises:
        UsageError: There are no positives or no negatives, or a score is NaN.

    Reference:
        Mann and Whitney 1947: the statistic U over n m.
    """
    high, low = np.ravel(np.asarray(positives, np.float64)), np.ravel(np.asarray(negatives, np.float64))
    if not high.size or not low.size or np.isnan(high).any() or np.isnan(low).any():
        raise UsageError(
            f"got {high.size} positives and {low.size} negatives, expected at least one of each and none of them NaN"
        )
    ordered = np.sort(low)
    below, not_above = np.searchsorted(ordered, high, side="left"), np.searchsorted(ordered, high, side="right")
    return float((below.sum() + not_above.sum()) / 2 / (high.size * low.size))
