"""What an evaluation of a detector finds: computed data, plain enough to be written as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repost.detectors.calibration import Calibration, Level
from repost.detectors.evaluation.scores import Route

if TYPE_CHECKING:
    from repost.metrics import Roc

ALL_METHODS = "all"

STATISTICS = (
    "auc",
    "eer",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "false_positive_rate",
    "true_positive_rate",
    "tpr_at_fpr_1",
    "tpr_at_fpr_10",
)
"""Of scores at one level; the last two are shares of fakes found while 1 % and 10 % of real ones are called fake."""

DROPS = ("auc_drop", "balanced_accuracy_drop")
"""What sharing costs: clean minus shared, on the videos that there are both ways."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval over videos.

    Attributes:
        value: The number.
        low: Lower end; None where there is no interval.
        high: Upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How often each verdict was given to files of one kind; shares, each video counted alike."""

    fake: float
    real: float
    unsure: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of some scores.

    Attributes:
        level: Frames (an image is one), or videos by the mean over their frames.
        method: Of the fakes, "all" for all of them together; they are told from the real ones of the same data set.
        platform: The network; "" of files as they were.
        route: Clean, emulated here, or really shared.
        real_videos: How many.
        fake_videos: How many.
        real_scores: How many; at level "video" as many as videos.
        fake_scores: How many.
        estimates: By name, of `STATISTICS` and `DROPS`; a name is missing where it is not defined.
        undefined: Why something is missing, in words; "" where nothing is.
        paired_videos: On how many videos the drops were measured; 0 where there are none.
        verdicts: By kind, "real" and "fake"; empty without a calibration.
        curve: The ROC; None where there is one kind only.
    """

    level: Level
    method: str
    platform: str
    route: Route
    real_videos: int
    fake_videos: int
    real_scores: int
    fake_scores: int
    estimates: Mapping[str, Estimate]
    undefined: str
    paired_videos: int
    verdicts: Mapping[str, Verdicts]
    curve: Roc | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values: every number in a field of its own, `NAME`, `NAME_low` and `NAME_high`, None where missing."""
        row: dict[str, Any] = {
            "level": self.level,
            "method": self.method,
            "platform": self.platform,
            "route": self.route,
            "real_videos": self.real_videos,
            "fake_videos": self.fake_videos,
            "real_scores": self.real_scores,
            "fake_scores": self.fake_scores,
        }
        for name in (*STATISTICS, *DROPS):
            found = self.estimates.get(name)
            row |= {
                name: found and found.value,
                f"{name}_low": found and found.low,
                f"{name}_high": found and found.high,
            }
        row["paired_videos"] = self.paired_videos
        for kind in ("real", "fake"):
            told = self.verdicts.get(kind)
            row |= {
                f"{kind}_called_{verdict}": told and getattr(told, verdict) for verdict in ("fake", "real", "unsure")
            }
        return row | {"undefined": self.undefined}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was found of one detector.

    Attributes:
        detector: Name of its card, or where its scores came from.
        settings: What decides the numbers: threshold, seed, resamples, split, in JSON values.
        results: In the order of the table.
        failed: Why there is no score, by file (and frame and platform).
        unlabelled: Files with a score and no label.
        unscored: Files with a label and no score.
        outside: How many scores belong to none of the splits asked for.
        warnings: What a reader must know before the numbers.
        calibration: The one that was used for verdicts, or learned; None without any.
    """

    detector: str
    settings: Mapping[str, Any]
    results: tuple[Result, ...]
    failed: Mapping[str, str]
    unlabelled: tuple[str, ...]
    unscored: tuple[str, ...]
    outside: int
    warnings: tuple[str, ...]
    calibration: Calibration | None

    def rows(self) -> Iterator[dict[str, Any]]:
        """JSON objects: one of `"kind": "result"` for each result, one of `"kind": "summary"` last."""
        for result in self.results:
            yield {"kind": "result", "detector": self.detector, **result.to_dict()}
        yield {"kind": "summary", **self.summary()}

    def summary(self) -> dict[str, Any]:
        """Everything but the results, in JSON values."""
        return {
            "detector": self.detector,
            "settings": dict(self.settings),
            "failed": dict(self.failed),
            "unlabelled": list(self.unlabelled),
            "unscored": list(self.unscored),
            "outside_the_split": self.outside,
            "warnings": list(self.warnings),
            "calibration": self.calibration and self.calibration.model_dump(),
        }
