"""What networks do, side by side: qualities, change against size, and size rules, for any set of pairs.

These are figure 1 and table 1 of the DF-RAP data set's description, measured instead of drawn once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student_t

from repost.estimation.images.finding import PairFinding
from repost.estimation.images.schema import SCHEMA
from repost.estimation.rules.group import group
from repost.estimation.rules.size_law import law_in_words
from repost.estimation.rules.split import law_of

_MOST_SIZES = 16
"""Sizes shown one by one; more are put into as many classes of equal ratio."""


@dataclass(frozen=True, slots=True)
class QualityShare:
    """How often a network serves a quality.

    Attributes:
        platform: The network.
        quality: IJG quality of the luma table, the nearest where none is exact; None for files kept as they were and
            for other formats than JPEG.
        count: Pairs.
        share: Of the platform's pairs, 0 to 1.
    """

    platform: str
    quality: int | None
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class ChangeAtSize:
    """How much pixel values change at a size.

    Attributes:
        platform: The network.
        long_side_px: Of the uploads; the geometric middle of a class of sizes.
        count: Pairs.
        mean_change: Mean absolute difference of 8-bit values between upload and served picture, at the served size.
        low: Lower end of the 95 % interval of that mean (Student's t over pairs); the mean itself for one pair.
        high: Upper end.
    """

    platform: str
    long_side_px: int
    count: int
    mean_change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SizeRule:
    """One size rule of a network.

    Attributes:
        platform: The network.
        uploads: Which uploads it takes, in words.
        rule: What it does, in words.
        count: Pairs.
        resized: Pairs whose size changed.
    """

    platform: str
    uploads: str
    rule: str
    count: int
    resized: int


@dataclass(frozen=True, slots=True)
class Investigation:
    """What networks do, side by side."""

    qualities: tuple[QualityShare, ...]
    changes: tuple[ChangeAtSize, ...]
    size_rules: tuple[SizeRule, ...]


def investigate(findings: Mapping[str, Sequence[PairFinding]]) -> Investigation:
    """Compare networks.

    Args:
        findings: Findings by name of the network, at least one each.

    Returns:
        Quality shares, change against size, and size rules, sorted by network.
    """
    platforms = sorted(findings)
    return Investigation(
        tuple(share for name in platforms for share in _qualities(name, findings[name])),
        tuple(change for name in platforms for change in _changes(name, findings[name])),
        tuple(rule for name in platforms for rule in _size_rules(name, findings[name])),
    )


def _qualities(platform: str, findings: Sequence[PairFinding]) -> Iterator[QualityShare]:
    counts = Counter(one.nearest_quality if one.treatment.kind == "encode" else None for one in findings)
    for quality in sorted(counts, key=lambda found: (found is None, found or 0)):
        yield QualityShare(platform, quality, counts[quality], counts[quality] / len(findings))


def _changes(platform: str, findings: Sequence[PairFinding]) -> Iterator[ChangeAtSize]:
    classes: dict[int, list[float]] = defaultdict(list)
    name_of = _size_classes([one.features.long_side_px for one in findings])
    for one in findings:
        classes[name_of[one.features.long_side_px]].append(one.change)
    for side in sorted(classes):
        mean, half = _mean_and_half_width(classes[side])
        yield ChangeAtSize(platform, side, len(classes[side]), mean, max(0.0, mean - half), mean + half)


def _size_classes(sides: Sequence[int]) -> dict[int, int]:
    """The class each side length belongs to, named by its middle."""
    kinds = sorted(set(sides))
    if len(kinds) <= _MOST_SIZES:
        return {side: side for side in kinds}
    ratio = (kinds[-1] / kinds[0]) ** (1 / _MOST_SIZES)
    places = {side: min(_MOST_SIZES - 1, int(math.log(side / kinds[0]) / math.log(ratio))) for side in kinds}
    return {side: round(kinds[0] * ratio ** (place + 0.5)) for side, place in places.items()}


def _mean_and_half_width(values: Sequence[float]) -> tuple[float, float]:
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return mean, 0.0
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    return mean, float(student_t.ppf(0.975, count - 1)) * spread / math.sqrt(count)


def _size_rules(platform: str, findings: Sequence[PairFinding]) -> Iterator[SizeRule]:
    for part in group(findings, SCHEMA):
        law, _ = law_of(part.findings, SCHEMA)
        said = law_in_words(law) if law is not None else "size kept"
        yield SizeRule(platform, part.name, said, len(part.findings), sum(one.resized for one in part.findings))
