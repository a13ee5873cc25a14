"""True against false positives over all thresholds (ROC), and what is read off that curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """How many positives and negatives lie at or above each threshold.

    Attributes:
        thresholds: float64 (k,), descending: infinity, at which nothing is counted yet, then every distinct score. A
            score of +infinity comes as a second infinity, since it is counted from its own threshold on.
        true_positives: float64 (k,), the weight of positives whose score is at least the threshold, from 0 to all.
        false_positives: float64 (k,), the same of negatives.
    """

    thresholds: NDArray[np.float64]
    true_positives: NDArray[np.float64]
    false_positives: NDArray[np.float64]

    @property
    def true_positive_rate(self) -> NDArray[np.float64]:
        """Share of positives at or above each threshold, (k,), 0 to 1."""
        return self.true_positives / self.true_positives[-1]

    @property
    def false_positive_rate(self) -> NDArray[np.float64]:
        """Share of negatives at or above each threshold, (k,), 0 to 1."""
        return self.false_positives / self.false_positives[-1]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scores sorted once, so that the curves of many weightings of them, as a bootstrap needs, cost one pass each.

    Attributes:
        order: int64 (n,), the scores' places from the highest to the lowest.
        ends: int64 (k,), of each distinct score the last place in that order.
        thresholds: float64 (k,), the distinct scores, descending.
        positive: bool (n,), in the order in which the scores were given.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    positive: NDArray[np.bool_]

    @classmethod
    def of(cls, scores: ArrayLike, positive: ArrayLike) -> Ranking:
        """Sort scores.

        Args:
            scores: (n,), higher for positives; infinities are allowed.
            positive: bool (n,).

        Raises:
            UsageError: There are no positives or no negatives, a score is NaN, or the lengths differ.
        """
        values, marks = np.ravel(np.asarray(scores, np.float64)), np.ravel(np.asarray(positive, np.bool_))
        if values.size != marks.size:
            raise UsageError(f"got {values.size} scores and {marks.size} labels, expected as many of each")
        if marks.all() or not marks.any() or np.isnan(values).any():
            raise UsageError(
                f"got {marks.sum()} positives and {marks.size - marks.sum()} negatives, "
                "expected at least one of each and none of them NaN"
            )
        order = np.argsort(-values, kind="stable")
        descending = values[order]
        ends = np.append(np.flatnonzero(descending[1:] != descending[:-1]), values.size - 1)
        return cls(order, ends, descending[ends], marks)

    def roc(self, weights: ArrayLike | None = None) -> Roc:
        """The curve.

        Args:
            weights: (n,), 0 or more, how often each score counts, in the order they were given; once when None. Both
                kinds need some weight.
        """
        counts = np.ones(self.positive.size) if weights is None else np.asarray(weights, np.float64)
        counts, positive = counts[self.order], self.positive[self.order]
        hits = np.cumsum(counts * positive)[self.ends]
        return Roc(
            np.append(np.inf, self.thresholds),
            np.append(0.0, hits),
            np.append(0.0, np.cumsum(counts)[self.ends] - hits),
        )


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a threshold decides.

    Attributes:
        true_positive_rate: Share of positives called positive.
        false_positive_rate: Share of negatives called positive.
        accuracy: Share of all that is called what it is.
        balanced_accuracy: Mean of the shares of positives and of negatives that are called what they are; it does not
            depend on how many there are of each.
    """

    true_positive_rate: float
    false_positive_rate: float
    accuracy: float
    balanced_accuracy: float


def roc(positives: ArrayLike, negatives: ArrayLike) -> Roc:
    """The curve of true over false positives.

    Args:
        positives: Scores of those that should be high, (n,); infinities are allowed.
        negatives: Scores of those that should be low, (m,).

    Returns:
        A point for infinity and for each distinct score, none left out, as scikit-learn's
        `roc_curve(drop_intermediate=False)`.

    Raises:
        UsageError: There are no positives or no negatives, or a score is NaN.
    """
    high, low = np.ravel(np.asarray(positives, np.float64)), np.ravel(np.asarray(negatives, np.float64))
    return Ranking.of(np.append(high, low), np.arange(high.size + low.size) < high.size).roc()


def area_under(curve: Roc) -> float:
    """The area under a curve by trapezoids: `auc` of its scores."""
    steps, heights = np.diff(curve.false_positives), curve.true_positives
    area = float(steps @ (heights[1:] + heights[:-1])) / 2
    return area / float(curve.true_positives[-1] * curve.false_positives[-1])


def equal_error_rate(curve: Roc) -> float:
    """The rate at which as many negatives are called positive as positives negative, interpolated.

    Returns:
        0 to 1. Where the curve, its points joined by straight lines, meets the line from (0, 1) to (1, 0): the x with
        TPR(x) = 1 - x. Along the curve FPR + TPR never falls, so that there is exactly one such point, found without a
        search; `scipy.optimize.brentq` on the joined points finds the same.
    """
    false = curve.false_positive_rate
    return float(np.interp(1.0, false + curve.true_positive_rate, false))


def average_precision(curve: Roc) -> float:
    """The mean precision over recall.

    Returns:
        The sum of (R_n - R_(n-1)) P_n over distinct scores, without interpolation, as scikit-learn's
        `average_precision_score`. Unlike the area under the ROC it depends on the share of positives.
    """
    hits, called = curve.true_positives[1:], curve.true_positives[1:] + curve.false_positives[1:]
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    return float(np.diff(curve.true_positive_rate) @ precision)


def true_positive_rate_at(curve: Roc, *, false_positive_rate: float) -> float:
    """The most positives a threshold finds while it calls at most a given share of negatives positive.

    Args:
        curve: The curve.
        false_positive_rate: The share, 0 to 1.

    Returns:
        0 to 1, of the thresholds there are: nothing is interpolated.
    """
    allowed = curve.false_positive_rate <= false_positive_rate
    return float(curve.true_positive_rate[allowed][-1])


def decisions_at(curve: Roc, threshold: float) -> Decisions:
    """What calling positive from a threshold on decides.

    Args:
        curve: The curve.
        threshold: A score that equals it is called positive.
    """
    place = int(np.count_nonzero(curve.thresholds >= threshold)) - 1
    hits, alarms = float(curve.true_positives[place]), float(curve.false_positives[place])
    positives, negatives = float(curve.true_positives[-1]), float(curve.false_positives[-1])
    found, wrong = hits / positives, alarms / negatives
    accuracy = (hits + negatives - alarms) / (positives + negatives)
    return Decisions(found, wrong, accuracy, (found + 1 - wrong) / 2)
