"""What was asked of the released stamp, and whether it holds: gates must, goals are tried for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

from repost.report.stamp_words import small_rate_in_words
from repost.stamp.evaluation.results import ConditionResult, Evaluation
from tables import print_table


@dataclass(frozen=True)
class Gate:
    """One number that was asked for.

    Attributes:
        what: It is of.
        asked: In words.
        found: In words.
        missed_by: By how much it is missed; 0 or less where it holds.
        goal: Whether it was only tried for.
    """

    what: str
    asked: str
    found: str
    missed_by: float
    goal: bool = False

    @property
    def verdict(self) -> str:
        """Met, or missed and by how much."""
        return "met" if self.missed_by <= 0 else f"MISSED by {self.missed_by:.3g}{' (goal)' if self.goal else ''}"


_SURVIVAL = (
    (("none", "jpeg92", "jpeg85", "jpeg71", "jpeg50", "resize.5"), 0.995, False),
    (("share:*",), 0.995, False),
    (("share2:*",), 0.995, False),
    (("crop.7", "rotation10", "warp.1", "chain"), 0.95, False),
    (("crop.7", "rotation10", "warp.1", "chain"), 0.98, True),
    (("rotation30", "crop.5", "mix", "hflip"), 0.95, True),
)
"""Conditions, the share that is to be found at the 1e-3 operating point, and whether that is a goal."""
MOST_FALSE_POSITIVES = 1
MOST_IN_A_CONDITION = 5e-3
MOST_MS = 60
TIMES_FASTER = 20


def gates(
    found: Evaluation, *, sight: Mapping[str, float] | str, speed_ms: float | None, ratio: float | None
) -> Iterator[Gate]:
    """Everything that was asked of the released model.

    Args:
        found: Its evaluation; conditions that were not measured are passed over.
        sight: What `stamp_sight.butteraugli` says.
        speed_ms: To stamp and scan one megapixel on one core; None where it was not measured.
        ratio: How many times as long rivaGan takes; None where it was not measured.
    """
    yield from _invisible(found)
    if isinstance(sight, Mapping):
        for limit, goal in ((3.0, False), (1.6, True)):
            yield _most("Butteraugli, median", sight["median"], limit, goal=goal)
    for patterns, share, goal in _SURVIVAL:
        yield from _survives(found.conditions, patterns, share, goal=goal)
    negatives = found.negatives["published"]
    if negatives.count:
        told = small_rate_in_words(negatives)
        missed_by = negatives.hits - MOST_FALSE_POSITIVES
        yield Gate("test negatives wrongly found", f"<= {MOST_FALSE_POSITIVES} of 3000", told, missed_by)
    if found.conditions:
        worst = max(found.conditions, key=lambda one: one.false_positives["published"].share)
        rate = worst.false_positives["published"]
        told, missed_by = f"{worst.name}: {small_rate_in_words(rate)}", rate.share - MOST_IN_A_CONDITION
        yield Gate("wrongly found, worst condition", f"<= {MOST_IN_A_CONDITION:g}", told, missed_by)
    if speed_ms is not None:
        yield _most("ms to stamp and scan 1 megapixel, one core", speed_ms, MOST_MS)
    if ratio is not None:
        yield _least("times faster than rivaGan", ratio, TIMES_FASTER)


def print_gates(listed: Iterable[Gate]) -> None:
    """Print them with their verdicts."""
    print_table(["", "asked", "found", ""], [[gate.what, gate.asked, gate.found, gate.verdict] for gate in listed])


def _invisible(found: Evaluation) -> Iterator[Gate]:
    quality = found.quality
    if quality is None:
        return
    yield _least("PSNR, mean, dB", quality.mean["psnr_db"], 42)
    yield _least("PSNR, worst, dB", quality.worst["psnr_db"], 39)
    yield _least("SSIM, mean", quality.mean["ssim"], 0.990)
    yield _most("largest change", quality.worst["largest_change"], 8)


def _survives(
    conditions: Iterable[ConditionResult], patterns: Iterable[str], share: float, *, goal: bool
) -> Iterator[Gate]:
    """One gate for each condition; of networks one for all, which names the worst."""
    for pattern in patterns:
        fitting = [one for one in conditions if fnmatch(one.name, pattern) and one.detected["published"].count]
        if not fitting:
            continue
        worst = min(fitting, key=lambda one: one.detected["published"].share)
        rate = worst.detected["published"]
        of_all = f" (worst of {len(fitting)}: {worst.name})" if len(fitting) > 1 else ""
        found = f"{rate.share:.4f}, {rate.hits} of {rate.count}"
        yield Gate(f"found after {pattern}{of_all}", f">= {share}", found, share - rate.share, goal)


def _least(what: str, value: float, limit: float, *, goal: bool = False) -> Gate:
    return Gate(what, f">= {limit:g}", f"{value:.4g}", limit - value, goal)


def _most(what: str, value: float, limit: float, *, goal: bool = False) -> Gate:
    return Gate(what, f"<= {limit:g}", f"{value:.4g}", value - limit, goal)
