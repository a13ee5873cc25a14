"""From labelled scores to numbers: by level, method and platform, with intervals over videos and what sharing costs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError
from repost.detectors.calibration import Calibration, Level
from repost.detectors.evaluation.labels import Key
from repost.detectors.evaluation.results import ALL_METHODS, DROPS, Estimate, Result, Verdicts
from repost.detectors.evaluation.scores import Route, Scored
from repost.metrics.bootstrap import draw_groups, percentile_interval, why_undefined
from repost.metrics.roc import (
    Ranking,
    Roc,
    area_under,
    average_precision,
    decisions_at,
    equal_error_rate,
    true_positive_rate_at,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS: tuple[Level, ...] = ("video", "frame")
_Numbers = Mapping[str, float]
_OF_A_CURVE: Mapping[str, Callable[[Roc], float]] = {
    "auc": area_under,
    "eer": equal_error_rate,
    "average_precision": average_precision,
    "tpr_at_fpr_1": lambda curve: true_positive_rate_at(curve, false_positive_rate=0.01),
    "tpr_at_fpr_10": lambda curve: true_positive_rate_at(curve, false_positive_rate=0.1),
}


@dataclass(frozen=True, slots=True)
class Measures:
    """How scores are measured.

    Attributes:
        threshold: The logit from which a file is called fake, for accuracy and rates.
        seed: Of the draws.
        resamples: How often videos are drawn again; 0 gives no intervals.
        calibration: For verdicts; None measures none.
    """

    threshold: float = 0.0
    seed: int = 0
    resamples: int = 1000
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise UsageError(f"got a threshold of {self.threshold}, expected a finite logit")


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Scores of one level, method and platform.

    Attributes:
        scores: float64 (n,).
        fake: bool (n,).
        video: int64 (n,), the place of each one's video in `keys`.
        keys: Of the videos, sorted.
        fakes: bool (videos,).
    """

    scores: NDArray[np.float64]
    fake: NDArray[np.bool_]
    video: NDArray[np.int64]
    keys: tuple[Key, ...]
    fakes: NDArray[np.bool_]
    ranking: Ranking | None = field(repr=False)

    @classmethod
    def of(cls, scored: Sequence[Scored], level: Level) -> _Sample:
        """Gather scores; at level "video" their means over frames."""
        keys = sorted({one.label.key for one in scored})
        place = {key: index for index, key in enumerate(keys)}
        scores = np.array([one.logit_fake for one in scored])
        video = np.array([place[one.label.key] for one in scored], np.int64)
        fakes = np.zeros(len(keys), np.bool_)
        fakes[video] = [one.label.fake for one in scored]
        if level == "video":
            scores = np.bincount(video, scores) / np.bincount(video)
            video = np.arange(len(keys))
        fake = fakes[video]
        both = bool(fake.any() and not fake.all())
        return cls(scores, fake, video, tuple(keys), fakes, Ranking.of(scores, fake) if both else None)

    def numbers(self, threshold: float, weights: NDArray[np.float64] | None = None) -> _Numbers:
        """Every statistic that is defined, each score counted as often as its weight says."""
        if self.ranking is not None:
            curve = self.ranking.roc(weights)
            found = {name: statistic(curve) for name, statistic in _OF_A_CURVE.items()}
            decided = decisions_at(curve, threshold)
            return found | {
                "accuracy": decided.accuracy,
                "balanced_accuracy": decided.balanced_accuracy,
                "false_positive_rate": decided.false_positive_rate,
                "true_positive_rate": decided.true_positive_rate,
            }
        called = float(np.average(self.scores >= threshold, weights=weights))
        if self.fake.all():
            return {"accuracy": called, "true_positive_rate": called}
        return {"accuracy": 1 - called, "false_positive_rate": called}

    def draws(self, asked: Measures) -> dict[str, list[float]]:
        """Every statistic in every draw of videos; the same videos are drawn for samples of the same videos."""
        found: dict[str, list[float]] = defaultdict(list)
        if self.no_interval is not None:
            return found
        for drawn in draw_groups(self.fakes, seed=asked.seed, resamples=asked.resamples):
            for name, value in self.numbers(asked.threshold, drawn[self.video].astype(np.float64)).items():
                found[name].append(value)
        return found

    @property
    def no_interval(self) -> str | None:
        """Why there are no intervals."""
        return why_undefined(int(self.fakes.sum()), int((~self.fakes).sum()))


def measure(scored: Iterable[Scored], asked: Measures) -> Iterator[Result]:
    """Measure labelled scores.

    Args:
        scored: Scores; those as they were and those of every platform.
        asked: How.

    Yields:
        Videos first, then frames; each all methods together and then one by one; each as they were first, and then by
        platform.
    """
    by_way: dict[tuple[str, Route], list[Scored]] = defaultdict(list)
    for one in scored:
        by_way[one.platform, one.route].append(one)
    ways = sorted(by_way, key=lambda way: (way[1] != "clean", way))
    makers = _makers(one for some in by_way.values() for one in some)
    for level in LEVELS:
        for maker in makers:
            clean = _made_by(maker, by_way.get(("", "clean"), []))
            for way in ways:
                chosen = _made_by(maker, by_way[way])
                if chosen:
                    before = clean if way[1] != "clean" else []
                    yield _result(chosen, before, _Asked(asked, level, maker.name))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Whose fakes are told from real ones.

    Attributes:
        name: For the table.
        dataset: Its data set; None for all fakes.
        method: Its method; None for all fakes.
    """

    name: str
    dataset: str | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    measures: Measures
    level: Level
    method: str


def _makers(scored: Iterable[Scored]) -> list[_Maker]:
    """All together, and each method where there are several; with its data set where there are several of these."""
    found = sorted({(one.label.dataset, one.label.method) for one in scored if one.label.fake})
    several = len({dataset for dataset, _ in found}) > 1
    each = [_Maker(f"{dataset}: {method}" if several else method, dataset, method) for dataset, method in found]
    return [_Maker(ALL_METHODS), *(each if len(each) > 1 else [])]


def _made_by(maker: _Maker, scored: Sequence[Scored]) -> list[Scored]:
    """Fakes of a method and the real ones of its data set, or all real ones where it has none; all for all methods."""
    if maker.method is None:
        return list(scored)
    fakes = [one for one in scored if one.label.fake and (one.label.dataset, one.label.method) == _of(maker)]
    reals = [one for one in scored if not one.label.fake]
    return [*fakes, *([one for one in reals if one.label.dataset == maker.dataset] or reals)] if fakes else []


def _of(maker: _Maker) -> tuple[str | None, str | None]:
    return maker.dataset, maker.method


def _result(scored: Sequence[Scored], clean: Sequence[Scored], asked: _Asked) -> Result:
    sample = _Sample.of(scored, asked.level)
    estimates = _estimates(sample, asked.measures)
    paired = sorted({one.label.key for one in scored} & {one.label.key for one in clean})
    if paired:
        before, after = (_Sample.of(_only(paired, some), asked.level) for some in (clean, scored))
        estimates |= _drops(before, after, asked.measures)
    return Result(
        level=asked.level,
        method=asked.method,
        platform=scored[0].platform,
        route=scored[0].route,
        real_videos=int((~sample.fakes).sum()),
        fake_videos=int(sample.fakes.sum()),
        real_scores=int((~sample.fake).sum()),
        fake_scores=int(sample.fake.sum()),
        estimates=estimates,
        undefined=_undefined(sample, asked.measures),
        paired_videos=len(paired),
        verdicts=_verdicts(sample, asked),
        curve=sample.ranking.roc() if sample.ranking else None,
    )


def _only(keys: Iterable[Key], scored: Iterable[Scored]) -> list[Scored]:
    wanted = set(keys)
    return [one for one in scored if one.label.key in wanted]


def _estimates(sample: _Sample, asked: Measures) -> dict[str, Estimate]:
    draws = sample.draws(asked)
    return {name: _estimate(value, draws.get(name, [])) for name, value in sample.numbers(asked.threshold).items()}


def _drops(before: _Sample, after: _Sample, asked: Measures) -> dict[str, Estimate]:
    """What is lost between two samples of the same videos."""
    values = [sample.numbers(asked.threshold) for sample in (before, after)]
    draws = [sample.draws(asked) for sample in (before, after)]
    found: dict[str, Estimate] = {}
    for name in DROPS:
        of = name.removesuffix("_drop")
        if of in values[0]:
            differences = [high - low for high, low in zip(*(some.get(of, []) for some in draws), strict=True)]
            found[name] = _estimate(values[0][of] - values[1][of], differences)
    return found


def _estimate(value: float, draws: Sequence[float]) -> Estimate:
    if not draws:
        return Estimate(value)
    interval = percentile_interval(draws)
    return Estimate(value, interval.low, interval.high)


def _undefined(sample: _Sample, asked: Measures) -> str:
    told: list[str] = []
    if sample.ranking is None:
        there, lacking = ("fake", "real") if sample.fake.all() else ("real", "fake")
        told.append(f"no AUC, EER and average precision: all are {there}, none is {lacking}")
    if asked.resamples and sample.no_interval:
        told.append(sample.no_interval)
    return "; ".join(told)


def _verdicts(sample: _Sample, asked: _Asked) -> dict[str, Verdicts]:
    if asked.measures.calibration is None:
        return {}
    fit = asked.measures.calibration.fit(asked.level)
    given = np.array([fit.verdict(float(score)) for score in sample.scores])
    shares = 1 / np.bincount(sample.video)[sample.video]
    found: dict[str, Verdicts] = {}
    for kind, marks in (("real", ~sample.fake), ("fake", sample.fake)):
        if marks.any():
            weights = shares[marks] / shares[marks].sum()
            found[kind] = Verdicts(*(float(weights @ (given[marks] == word)) for word in ("fake", "real", "unsure")))
    return found
