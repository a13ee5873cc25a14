"""What an evaluation finds: computed data, plain enough to be written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from repost.metrics.intervals import clopper_pearson, upper_bound
from repost.stamp.evaluation.quality import QualityOfAll


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many.

    Attributes:
        hits: Those that count.
        count: All.
    """

    hits: int
    count: int

    @property
    def share(self) -> float:
        """0 to 1; NaN of none."""
        return self.hits / self.count if self.count else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Clopper and Pearson."""
        return clopper_pearson(self.hits, self.count)

    @property
    def bound(self) -> float:
        """What the share is at most: one-sided, 95 %."""
        return upper_bound(self.hits, self.count)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score from which a picture is called stamped.

    Attributes:
        name: "published", "fpr 1e-2" or "fpr 1e-3".
        nominal_fpr: The false-positive rate it is meant for.
        score: The threshold.
        resolved: Whether the calibration scores were enough for that rate. Where not, the threshold lies above all
            of them, and no lower rate than `finest_fpr` is shown. The published one needs none.
        finest_fpr: One over the number of calibration scores.
    """

    name: str
    nominal_fpr: float
    score: float
    resolved: bool
    finest_fpr: float


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One condition.

    Attributes:
        name: Of the condition.
        detected: Stamped photographs found, by the threshold's name.
        false_positives: The same photographs unstamped, through the same changes.
        auc: Area under the ROC curve; None where there is nothing to compare.
        refused: Scores the scanner would not give; they count as not stamped.
        left_out: Photographs the condition could not be carried out on.
    """

    name: str
    detected: Mapping[str, Rate]
    false_positives: Mapping[str, Rate]
    auc: float | None
    refused: int
    left_out: int


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """How often a p-value under a random key was at most a number; it should be no more often than that number.

    Attributes:
        p: The number.
        unstamped: Of (unstamped photograph, random key).
        stamped: Of (photograph stamped with one key, another key).
    """

    p: float
    unstamped: Rate
    stamped: Rate


@dataclass(frozen=True, slots=True)
class LayoutRow:
    """A corruption of the 400x400 table.

    Attributes:
        corruption: Its name.
        detected: Stamped photographs found at the published threshold.
        false_positives: Unstamped ones.
    """

    corruption: str
    detected: Rate
    false_positives: Rate

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the shares found among stamped and passed over among unstamped, 0 to 1."""
        return (self.detected.share + 1 - self.false_positives.share) / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """The 400x400 table."""

    quality: QualityOfAll | None
    rows: tuple[LayoutRow, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was found of one marker.

    Attributes:
        marker: Its name.
        identity: What decides its results.
        settings_digest: SHA-256 of settings and split; the same where the same was measured.
        seed: Of the draws.
        photos: Photographs of each part.
        dropped: Photographs left out, by "part: reason".
        failed: Photographs that could not be measured, with the reason.
        missing: Conditions that could not be carried out here, with what they lack.
        thresholds: The published one, and those of the calibration.
        conditions: In the order of the table.
        negatives: False positives among the test negatives, by the threshold's name.
        keys: Empty where the marker has no keys.
        wrong_key: Stamped photographs found with another key than theirs, at the published threshold.
        quality: Of the stamped test photographs; None without any.
        layout: The 400x400 table.
    """

    marker: str
    identity: str
    settings_digest: str
    seed: int
    photos: Mapping[str, int]
    dropped: Mapping[str, int]
    failed: Mapping[str, str]
    missing: Mapping[str, str]
    thresholds: tuple[Threshold, ...]
    conditions: tuple[ConditionResult, ...]
    negatives: Mapping[str, Rate]
    keys: tuple[KeyCheck, ...]
    wrong_key: Rate
    quality: QualityOfAll | None
    layout: Layout

    def condition(self, name: str) -> ConditionResult:
        """The result of one condition.

        Raises:
            KeyError: It was not measured.
        """
        return {one.name: one for one in self.conditions}[name]

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with the share and its 95 % interval beside every count."""
        return _with_shares(asdict(self))


def _with_shares(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Add what a `Rate` tells to every pair of counts."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {str(name): _with_shares(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if set(found) == {"hits", "count"}:
            rate = Rate(found["hits"], found["count"])
            found |= {"share": rate.share if rate.count else None, "low": rate.interval[0], "high": rate.interval[1]}
        return found
    if isinstance(value, list | tuple):
        return [_with_shares(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return value
