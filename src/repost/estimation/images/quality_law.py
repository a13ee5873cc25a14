"""The quality behind many pairs: one number, a distribution, or one that depends on the upload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.stats import chi2

from repost.estimation.images.finding import PairFinding
from repost.estimation.images.rules import usual_limit
from repost.estimation.images.split import NUMBERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Plain: TypeAlias = "int | dict[str, Any]"
"""A `Value` as plain data: a number, a choice, or by feature."""

_FEWEST = 4
"""Pairs on each side of a limit, below which a difference in quality is taken for chance without a test."""
_CHANCE = 0.001
"""Chance, over all limits and features tried, of seeing a dependence where there is none."""
_DEEPEST = 4


def quality_law(findings: Sequence[PairFinding]) -> Plain | None:
    """The law of the quality of some pairs.

    Args:
        findings: Treated by one rule.

    Returns:
        A number where all agree; by a feature of the upload where that tells qualities apart beyond chance (likelihood
        ratio test, corrected for all limits and features tried); else the qualities with the shares seen. None where
        no pair shows a quality.
    """
    shown = [finding for finding in findings if finding.treatment.quality is not None]
    return _law(_agreed(shown), _DEEPEST) if shown else None


def _agreed(findings: Sequence[PairFinding]) -> list[PairFinding]:
    """Where several qualities give a pair's picture, the one that most other pairs can agree with."""
    votes = Counter(quality for finding in findings for quality in finding.qualities or (_quality(finding),))

    def best(finding: PairFinding) -> int:
        own = finding.qualities or (_quality(finding),)
        return max(own, key=lambda quality: (votes[quality], quality % 5 == 0, -quality))

    return [
        finding.model_copy(update={"treatment": finding.treatment.but(quality=best(finding))}) for finding in findings
    ]


def _law(findings: Sequence[PairFinding], depth: int) -> Plain:
    counts = Counter(_quality(finding) for finding in findings)
    if len(counts) == 1:
        return next(iter(counts))
    limit = _best_limit(findings) if depth else None
    if limit is None:
        ordered = sorted(counts)
        return {"choice": ordered, "weights": [round(counts[quality] / len(findings), 4) for quality in ordered]}
    feature, number = limit
    below = _law([one for one in findings if _number(one, feature) < number], depth - 1)
    above = _law([one for one in findings if _number(one, feature) >= number], depth - 1)
    return _by(feature, number, below, above)


def _by(feature: str, number: float, below: Plain, above: Plain) -> Plain:
    """One value by feature; parts that depend on the same feature become bands of it."""
    bands = [{"under": number, "value": below}]
    if isinstance(below, dict) and below.get("by") == feature:
        bands = [*below["bands"], {"under": number, "value": below["otherwise"]}]
    if isinstance(above, dict) and above.get("by") == feature:
        return {"by": feature, "bands": [*bands, *above["bands"]], "otherwise": above["otherwise"]}
    return {"by": feature, "bands": bands, "otherwise": above}


def _best_limit(findings: Sequence[PairFinding]) -> tuple[str, float] | None:
    qualities = [_quality(finding) for finding in findings]
    kinds = sorted(set(qualities))
    table = np.zeros((len(findings), len(kinds)))
    table[np.arange(len(findings)), [kinds.index(quality) for quality in qualities]] = 1
    found: list[tuple[float, int, str, float]] = []
    tried = 0
    for rank, feature in enumerate(NUMBERS):
        values = np.array([_number(finding, feature) for finding in findings])
        order = np.argsort(values, kind="stable")
        ranked = values[order]
        below = np.flatnonzero(np.diff(ranked) > 0) + 1
        below = below[(below >= _FEWEST) & (below <= len(values) - _FEWEST)]
        tried += below.size
        if below.size:
            gains = _gains(table[order], below)
            at = int(np.argmax(gains))
            low, high = float(ranked[below[at] - 1]), float(ranked[below[at]])
            found.append((float(gains[at]), -rank, feature, usual_limit(feature, low, high, at_low=False)))
    if not found:
        return None
    gain, _, feature, number = max(found)
    chance = tried * float(chi2.sf(2 * gain, df=len(kinds) - 1))
    return (feature, number) if chance < _CHANCE else None


def _gains(table: NDArray[np.float64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-likelihood gained by two distributions instead of one, for each limit."""
    under = np.cumsum(table, axis=0)[below - 1]
    whole = table.sum(axis=0)
    return _log_likelihood(under) + _log_likelihood(whole - under) - _log_likelihood(whole[None])


def _log_likelihood(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum(axis=1)
    each = counts * np.log(np.maximum(counts, 1))  # 0 log 0 is 0
    return each.sum(axis=1) - total * np.log(np.maximum(total, 1))


def _quality(finding: PairFinding) -> int:
    assert finding.treatment.quality is not None, "asked only of pairs that show one"
    return finding.treatment.quality


def _number(finding: PairFinding, feature: str) -> float:
    return float(getattr(finding.features, feature))
