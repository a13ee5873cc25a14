"""An evaluation from rows of scores: labels, splits, calibration, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repost.core.errors import UsageError
from repost.detectors.calibration import Calibration, Fit, fit_scores
from repost.detectors.evaluation.measure import Measures, measure
from repost.detectors.evaluation.results import Evaluation
from repost.detectors.evaluation.scores import Scored, choose, join
from repost.detectors.evaluation.splits import check_share, choose_share, choose_split
from repost.detectors.labels import check_labels

if TYPE_CHECKING:
    from repost.detectors.calibration import Level
    from repost.detectors.card import DetectorCard
    from repost.detectors.evaluation.labels import Key, LabelFile
    from repost.detectors.evaluation.scores import ScoreRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Which videos are for what.

    Attributes:
        test: What is measured: a name among the labels or a file of pairs; None for all that do not calibrate.
        calibration: What a calibration is learned from, the same way; None for no calibration.
        calibration_share: Instead of that a share of the videos; None for none.
        error_rate: How often verdicts may be wrong.
    """

    test: str | None = None
    calibration: str | None = None
    calibration_share: float | None = None
    error_rate: float = 0.05

    def __post_init__(self) -> None:
        if self.calibration is not None and self.calibration_share is not None:
            raise UsageError("got a calibration split and a calibration share, expected one of the two")
        if not 0 < self.error_rate < 1:
            raise UsageError(f"got an error rate of {self.error_rate:g}, expected more than 0 and less than 1")
        if self.calibration_share is not None:
            check_share(self.calibration_share)

    def check(self, labels: LabelFile | None) -> None:
        """Refuse splits that are not there, before hours of scoring.

        Args:
            labels: Of the files; None where they follow from where files lie, which names no split.

        Raises:
            InputNotFound: A file of pairs is not there.
            UsageError: It is no list of pairs, or no label has a split of that name.
        """
        for name in filter(None, (self.test, self.calibration)):
            choose_split(name, labels.labels.values() if labels else ())

    @property
    def calibrates(self) -> bool:
        """Whether a calibration is learned."""
        return self.calibration is not None or self.calibration_share is not None


@dataclass(frozen=True, slots=True)
class ScoredBy:
    """Whose scores they are.

    Attributes:
        name: Of the detector's card, or where the scores came from.
        weights_sha256: Of its file of weights, where that is known.
        warnings: What is known already that a reader must know.
        card: Of the detector; None where it has none.
    """

    name: str
    weights_sha256: str | None = None
    warnings: Sequence[str] = ()
    card: DetectorCard | None = None


def evaluate(
    rows: Iterable[ScoreRow], labels: LabelFile | None, scorer: ScoredBy, *, splits: Splits, measures: Measures
) -> Evaluation:
    """Measure how good a detector is.

    Args:
        rows: Its scores.
        labels: Of their files; None where they follow from where files lie.
        scorer: Whose they are.
        splits: What is measured, and what is calibrated with; the two share no video.
        measures: How; a calibration that is learned here takes the place of the one in it.

    Raises:
        InputNotFound: A file of pairs is not there.
        UsageError: No score has a label or belongs to the split, a split is not there, the two splits share videos, or
            nothing can be learned from the calibration.
        InvalidLabels: Labels clash.
    """
    joined = join(rows, labels)
    if not joined.scored:
        raise UsageError(_nothing(joined.failed, joined.unlabelled))
    test, held, outside = _split(joined.scored, splits, seed=measures.seed)
    warnings = list(scorer.warnings)
    if held:
        learned = _calibrate(held, scorer, splits)
        measures = replace(measures, calibration=learned)
        warnings += _too_few(learned)
    results = tuple(measure(test, measures))
    return Evaluation(
        detector=scorer.name,
        settings={
            "threshold": measures.threshold,
            "seed": measures.seed,
            "resamples": measures.resamples,
            "split": splits.test,
            "calibration_split": splits.calibration,
            "calibration_share": splits.calibration_share,
            "weights_sha256": scorer.weights_sha256,
        },
        results=results,
        failed=joined.failed,
        unlabelled=joined.unlabelled,
        unscored=joined.unscored,
        outside=outside,
        warnings=(*warnings, *_upside_down(test, scorer)),
        calibration=measures.calibration,
    )


def _split(
    scored: Sequence[Scored], splits: Splits, *, seed: int
) -> tuple[tuple[Scored, ...], tuple[Scored, ...], int]:
    """What is measured, what calibrates, and how many scores are neither."""
    labels = [one.label for one in scored]
    held: tuple[Scored, ...] = ()
    if splits.calibration is not None:
        held = choose(scored, choose_split(splits.calibration, labels))
    elif splits.calibration_share is not None:
        held = choose(scored, choose_share(labels, splits.calibration_share, seed=seed))
    if splits.calibrates and not held:
        raise UsageError(f"got no scored video of the calibration split '{splits.calibration}', expected some")
    kept = {one.label.key for one in held}
    if splits.test is None:
        test = tuple(one for one in scored if one.label.key not in kept)
    else:
        test = choose(scored, choose_split(splits.test, labels))
        if both := sorted({" / ".join(filter(None, one.label.key)) for one in test if one.label.key in kept}):
            raise UsageError(f"got {len(both)} videos that are measured and calibrated with: {', '.join(both[:5])}")
    if not test:
        left = "the calibration" if splits.test is None else f"the split '{splits.test}'"
        raise UsageError(f"got no scored video to measure after {left} was chosen, expected at least one")
    return test, held, len(scored) - len(test) - len(held)


def _calibrate(held: Sequence[Scored], scorer: ScoredBy, splits: Splits) -> Calibration:
    clean = [one for one in held if one.route == "clean"]
    if not clean:
        raise UsageError("got shared files only to calibrate with, expected files as they were")
    videos = {one.label.key for one in clean}
    return Calibration(
        detector=scorer.name,
        weights_sha256=scorer.weights_sha256,
        error_rate=splits.error_rate,
        frame=_fit(clean, "frame", splits.error_rate),
        video=_fit(clean, "video", splits.error_rate),
        learned_from=f"{len(clean)} scores of {len(videos)} videos, unshared",
    )


def _fit(scored: Sequence[Scored], level: Level, error_rate: float) -> Fit:
    logits: list[float] = []
    fakes: list[bool] = []
    videos: list[int] = []
    for number, some in enumerate(_by_video(scored)):
        scores = [one.logit_fake for one in some]
        scores = [sum(scores) / len(scores)] if level == "video" else scores
        logits += scores
        fakes += [some[0].label.fake] * len(scores)
        videos += [number] * len(scores)
    return fit_scores(logits, fakes, videos, error_rate=error_rate)


def _too_few(calibration: Calibration) -> Iterator[str]:
    fit, rate = calibration.video, calibration.error_rate
    for kind, limit, count in (("fake", fit.fake_from, fit.real_videos), ("real", fit.real_up_to, fit.fake_videos)):
        if limit is None:
            other = "real" if kind == "fake" else "fake"
            yield (
                f"nothing will be called {kind}: an error rate of {rate:g} takes {round(1 / rate) - 1} {other} videos "
                f"to calibrate with, and there are {count}"
            )


def _upside_down(test: Iterable[Scored], scorer: ScoredBy) -> Iterator[str]:
    """A warning where fakes score below real ones, beyond chance."""
    means: dict[bool, list[float]] = {False: [], True: []}
    for some in _by_video(one for one in test if one.route == "clean"):
        means[some[0].label.fake].append(sum(one.logit_fake for one in some) / len(some))
    if doubt := check_labels(scorer.card, means[False], means[True]):
        yield str(doubt)


def _by_video(scored: Iterable[Scored]) -> list[list[Scored]]:
    found: dict[Key, list[Scored]] = {}
    for one in scored:
        found.setdefault(one.label.key, []).append(one)
    return list(found.values())


def _nothing(failed: object, unlabelled: Sequence[str]) -> str:
    if unlabelled:
        shown = ", ".join(unlabelled[:3])
        return (
            f"got no label for any of {len(unlabelled)} files ({shown}, ...), expected --labels FILE, folders named "
            "real and fake, or FaceForensics++'s folders"
        )
    return "got no score of any file, expected at least one; every file failed" if failed else "got no rows"
