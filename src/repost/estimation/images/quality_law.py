"""The quality behind many pairs: one number, a distribution, or one that depends on the upload."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.special import gammaln, logsumexp

from repost.estimation.images.finding import PairFinding
from repost.estimation.images.schema import NUMBERS
from repost.estimation.rules.group import usual_limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

Plain: TypeAlias = "int | dict[str, Any]"
"""A `Value` as plain data: a number, a choice, or by feature."""

Interval: TypeAlias = tuple[float, float]

_FEWEST = 2
"""Pairs of one quality on each side of a limit: of a single odd one every feature could be the reason."""
_ODDS = 5
"""How many times likelier a dependence must be than none. In simulated networks 3 still saw some where there was none,
and 10 missed most of those that ten pairs can show."""
_DEEPEST = 4


def quality_law(findings: Sequence[PairFinding]) -> Plain | None:
    """The law of the quality of some pairs.

    Args:
        findings: Treated by one rule.

    Returns:
        A number where all agree; by a feature of the upload where that is clearly the likelier reason for what was seen
        (Bayesian evidence over all limits and features); else the qualities with the shares seen. None where no pair
        shows a quality.
    """
    shown = [finding for finding in findings if finding.treatment.quality is not None]
    return _law(_agreed(shown), _DEEPEST) if shown else None


def intervals(law: Plain | None, findings: Sequence[PairFinding], path: str) -> Iterator[tuple[str, str, Interval]]:
    """Where the limits of a law may lie.

    Args:
        law: From `quality_law`.
        findings: What it was learned from.
        path: Of the quality in a profile.

    Yields:
        Path of each limit, the feature, and the values of it seen last below and first above.
    """
    if not isinstance(law, dict) or "by" not in law:
        return
    rest = [finding for finding in findings if finding.treatment.quality is not None]
    for index, band in enumerate(law["bands"]):
        below = [finding for finding in rest if _number(finding, law["by"]) < band["under"]]
        rest = [finding for finding in rest if _number(finding, law["by"]) >= band["under"]]
        ends = max(_number(one, law["by"]) for one in below), min(_number(one, law["by"]) for one in rest)
        yield f"{path}.bands.{index}.under", law["by"], ends
        yield from intervals(band["value"], below, f"{path}.bands.{index}.value")
    yield from intervals(law["otherwise"], rest, f"{path}.otherwise")


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
    """The likeliest limit, where that the qualities depend on one is likelier than that they do not."""
    kinds = sorted({_quality(finding) for finding in findings})
    table = np.zeros((len(findings), len(kinds)))
    table[np.arange(len(findings)), [kinds.index(_quality(finding)) for finding in findings]] = 1
    found: list[tuple[float, int, str, float]] = []
    evidence: list[float] = []
    for rank, feature in enumerate(NUMBERS):
        values = np.array([_number(finding, feature) for finding in findings])
        order = np.argsort(values, kind="stable")
        ranked = values[order]
        below = np.flatnonzero(np.diff(ranked) > 0) + 1
        under = np.cumsum(table[order], axis=0)[below - 1]
        over = table.sum(axis=0) - under
        enough = (under.max(axis=1, initial=0) >= _FEWEST) & (over.max(axis=1, initial=0) >= _FEWEST)
        if not enough.any():
            continue
        split = _log_evidence(under) + _log_evidence(over) + _log_prior(ranked, below)
        split[~enough] = -np.inf
        evidence.append(float(logsumexp(split)))
        at = int(np.argmax(split))
        low, high = float(ranked[below[at] - 1]), float(ranked[below[at]])
        found.append((float(split[at]), -rank, feature, usual_limit(feature, low, high, at_low=False)))
    if not found or logsumexp(evidence) < float(_log_evidence(table.sum(axis=0)[None])[0]) + math.log(_ODDS):
        return None
    _, _, feature, number = max(found)
    return feature, number


def _log_prior(ranked: NDArray[np.float64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-probability of each limit before any quality is seen.

    Every feature is as likely. A limit of it may lie between any two uploads, and likelier where they lie far apart: a
    limit that is no limit of the feature that decides seldom has a wide gap.
    """
    width = np.diff(np.log1p(ranked))[below - 1]
    return np.log((1 / below.size + width / width.sum()) / (2 * len(NUMBERS)))


def _log_evidence(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-probability of the qualities of some pairs under one law: as likely one number as shares, any as likely."""
    total, kinds = counts.sum(axis=1), counts.shape[1]
    factorials: NDArray[np.float64] = gammaln(counts + 1).sum(axis=1)  # pyright: ignore[reportUnknownVariableType]
    drawn = np.array([math.lgamma(kinds) - math.lgamma(one + kinds) for one in total]) + factorials
    constant = np.where((counts > 0).sum(axis=1) == 1, -math.log(kinds), -np.inf)
    return np.logaddexp(drawn, constant) - math.log(2)


def _quality(finding: PairFinding) -> int:
    assert finding.treatment.quality is not None, "asked only of pairs that show one"
    return finding.treatment.quality


def _number(finding: PairFinding, feature: str) -> float:
    return float(getattr(finding.features, feature))
