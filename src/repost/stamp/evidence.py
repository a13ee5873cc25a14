"""One piece of evidence out of that of many frames, however the frames depend on each other."""

from __future__ import annotations

import math
from collections.abc import Iterable

from repost.core.errors import UsageError


def pool_scores(scores: Iterable[float]) -> float:
    """The evidence of several frames together: the score of their mean e-value.

    Frames of one video show the same scene, so their evidence moves together, and nobody knows how. Ways that multiply
    it (products of e-values, Fisher's and Stouffer's of p-values) take frames for independent: a scene that looks a
    little like a key would be counted as many times as it is shown. The mean is right whatever they have in common.

    Args:
        scores: Of each frame, log10 of its e-value (`scan.ScanResult.score`), in any order; -inf for none at all.

    Returns:
        log10 of the mean e-value: never above the highest score that went in, and at most log10(n) below it. So frames
        that all show a stamp say what each of them does, and one stamped frame among a hundred costs two decades.

    Raises:
        UsageError: There is none, or one is not a number.

    Reference: A score is log10 of E with E >= 0 and expectation at most 1 where there is no stamp. Expectations add up
        however the E depend on each other, so that of their mean is at most 1 as well, and P(mean >= 1/a) <= a by
        Markov's inequality. Vovk and Wang, E-values: calibration, combination and applications, Annals of Statistics 49
        (2021), show that the mean essentially dominates every other symmetric way that is as general (section 3).
    """
    given = list(scores)
    if not given:
        raise UsageError("got no score, expected at least one; scan at least one frame")
    if any(math.isnan(score) or score == math.inf for score in given):
        raise UsageError("got a score that is no number, expected those of scans")
    highest = max(given)
    if highest == -math.inf:
        return highest
    return highest + math.log10(math.fsum(10 ** (score - highest) for score in given) / len(given))
