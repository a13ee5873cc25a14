"""From scores to rates: thresholds by the calibration, then every condition at every threshold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from repost.metrics import auc
from repost.stamp.evaluation.layout400 import CORRUPTIONS
from repost.stamp.evaluation.marker import P_STAMPED
from repost.stamp.evaluation.quality import Quality, summarise
from repost.stamp.evaluation.results import ConditionResult, KeyCheck, Layout, LayoutRow, Rate, Threshold

PUBLISHED = "published"
RATES = (1e-2, 1e-3)
"""False-positive rates that thresholds are calibrated for."""
KEY_LEVELS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
"""p-values at which the calibration under random keys is looked at."""

Found = Mapping[str, Any]
"""What `MeasurePhotos` found of one photograph in one role."""


def thresholds_of(published: float, calibration: Sequence[Found]) -> tuple[Threshold, ...]:
    """The published threshold, and those set on unstamped photographs, all conditions pooled.

    A calibrated threshold is the least score above all but the share `RATES` of the calibration scores, so that ties
    never make the rate larger. Scores of one photograph under many conditions are no independent draws: what the rate
    is on other photographs is measured per condition, and printed beside.

    Args:
        published: The marker's own.
        calibration: Of the role "calibration".
    """
    scores = sorted((_number(score) for found in calibration for score in found["cover"].values()), reverse=True)
    finest = 1 / len(scores) if scores else 1.0
    calibrated = [
        Threshold(f"fpr {rate:.0e}".replace("e-0", "e-"), rate, _above(scores, rate), rate >= finest, finest)
        for rate in RATES
    ]
    return Threshold(PUBLISHED, P_STAMPED, published, True, finest), *(calibrated if scores else ())


def judge_conditions(
    names: Iterable[str], test: Sequence[Found], thresholds: Sequence[Threshold]
) -> Iterator[ConditionResult]:
    """Rates of every condition.

    Args:
        names: The conditions.
        test: Of the role "test".
        thresholds: Of `thresholds_of`.
    """
    for name in names:
        high, low = ([one[kind][name] for one in test if name in one[kind]] for kind in ("stamped", "cover"))
        yield ConditionResult(
            name=name,
            detected=_rates(high, thresholds),
            false_positives=_rates(low, thresholds),
            auc=auc([_number(one) for one in high], [_number(one) for one in low]) if high and low else None,
            refused=sum(one is None for one in (*high, *low)),
            left_out=len(test) - min(len(high), len(low)),
        )


def judge_negatives(negatives: Sequence[Found], thresholds: Sequence[Threshold]) -> dict[str, Rate]:
    """False positives among unstamped photographs that nothing was done to, by the threshold's name."""
    return _rates([found["cover"]["none"] for found in negatives], thresholds)


def check_keys(test: Sequence[Found], negatives: Sequence[Found]) -> tuple[KeyCheck, ...]:
    """How often p-values under random keys are small; empty where the marker has no keys."""
    unstamped = [_p_value(score) for found in (*test, *negatives) for score in found["random_key"]]
    stamped = [_p_value(score) for found in test for score in found["wrong_key"]]
    if not unstamped and not stamped:
        return ()
    return tuple(
        KeyCheck(level, *(Rate(sum(p <= level for p in values), len(values)) for values in (unstamped, stamped)))
        for level in KEY_LEVELS
    )


def judge_wrong_keys(test: Sequence[Found], published: Threshold) -> Rate:
    """Stamped photographs that another key finds."""
    return _rate([score for found in test for score in found["wrong_key"]], published)


def judge_layout(found: Sequence[tuple[str, Found]], published: Threshold) -> Layout:
    """The 400x400 table.

    Args:
        found: Photograph and what was found in the role "layout400".
        published: The threshold.
    """
    quality = summarise([(photo, Quality(**one["quality"])) for photo, one in found])
    rows = (
        LayoutRow(
            name,
            *(_rate([one[kind][name] for _, one in found], published) for kind in ("stamped", "cover")),
        )
        for name in CORRUPTIONS
    )
    return Layout(quality, tuple(rows))


def _rates(scores: Sequence[float | None], thresholds: Sequence[Threshold]) -> dict[str, Rate]:
    return {threshold.name: _rate(scores, threshold) for threshold in thresholds}


def _rate(scores: Sequence[float | None], threshold: Threshold) -> Rate:
    return Rate(sum(_number(score) >= threshold.score for score in scores), len(scores))


def _number(score: float | None) -> float:
    """A refused picture is surely not called stamped."""
    return -math.inf if score is None else score


def _p_value(score: float | None) -> float:
    return 1.0 if score is None or score <= 0 else 10.0**-score


def _above(descending: Sequence[float], rate: float) -> float:
    """The least number that at most a share of the scores reaches."""
    allowed = math.floor(rate * len(descending) + 1e-9)
    if allowed >= len(descending):
        return -math.inf
    return float(np.nextafter(descending[allowed], math.inf))
