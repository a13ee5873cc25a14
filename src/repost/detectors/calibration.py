"""What a score means: a probability, and "fake" or "real" only where few of the other kind get such a score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repost.core.errors import InputNotFound, UsageError
from repost.core.files import write_atomic
from repost.platforms.faults import faults_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Level = Literal["frame", "video"]
Verdict = Literal["fake", "real", "unsure"]


class Fit(BaseModel):
    """What scores of frames, or mean scores of videos, mean.

    Attributes:
        slope: Of the logit; the probability of fake is the sigmoid of slope x logit + intercept (Platt 1999), where
            real and fake are equally likely beforehand.
        intercept: Beside it.
        fake_from: The least logit called fake; None where there were too few real videos to tell.
        real_up_to: The greatest logit called real; None where there were too few fake videos. What lies between is
            unsure.
        real_videos: How many it was learned from.
        fake_videos: How many it was learned from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    slope: float = Field(gt=0)
    intercept: float
    fake_from: float | None
    real_up_to: float | None
    real_videos: int = Field(ge=1)
    fake_videos: int = Field(ge=1)

    def p_fake(self, logit: float) -> float:
        """The probability of fake, 0 to 1."""
        return sigmoid(self.slope * logit + self.intercept)

    def verdict(self, logit: float) -> Verdict:
        """What a score is called."""
        if self.fake_from is not None and logit >= self.fake_from:
            return "fake"
        return "real" if self.real_up_to is not None and logit <= self.real_up_to else "unsure"


class Calibration(BaseModel):
    """What the scores of one detector mean; a JSON file.

    Attributes:
        schema_version: Of this format.
        detector: Name of its card.
        weights_sha256: Of the file of weights; None where the scores came without it.
        error_rate: At most how often a new real video is called fake, and a new fake one real, on data like that it was
            learned from.
        frame: For scores of single frames and images.
        video: For means over the frames of a video.
        learned_from: In words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    schema_version: Literal[1] = 1
    detector: str
    weights_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    error_rate: float = Field(gt=0, lt=1)
    frame: Fit
    video: Fit
    learned_from: str

    def fit(self, level: Level) -> Fit:
        """What scores of a level mean."""
        return self.frame if level == "frame" else self.video

    def check(self, detector: str, weights_sha256: str | None) -> None:
        """Refuse to be used for scores of something else.

        Raises:
            UsageError: It was learned from another detector, or from other weights.
        """
        ours, theirs = self.weights_sha256, weights_sha256
        if self.detector != detector or (ours is not None and theirs is not None and ours != theirs):
            raise UsageError(
                f"got a calibration of {self.detector}{_short(ours)}, expected one of {detector}{_short(theirs)}; "
                "make one with `repost evaluate detector --calibration-split`"
            )


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a score says.

    Attributes:
        p_fake: Probability of fake; without a calibration the plain sigmoid of the logit, which is no more than the
            network's own opinion.
        verdict: None without a calibration.
    """

    p_fake: float
    verdict: Verdict | None


def opinion(logit: float, level: Level, calibration: Calibration | None) -> Opinion:
    """What a score says.

    Args:
        logit: log P(fake) / P(real).
        level: Whether it is of a frame or image, or the mean over a video.
        calibration: Of the detector.
    """
    if calibration is None:
        return Opinion(sigmoid(logit), None)
    fit = calibration.fit(level)
    return Opinion(fit.p_fake(logit), fit.verdict(logit))


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), for any finite number."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    rising = math.exp(logit)
    return rising / (1 + rising)


def load_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        InputNotFound: There is no such file.
        UsageError: It is none; every fault is named.
    """
    if not path.is_file():
        raise InputNotFound(path)
    data = path.read_bytes()
    try:
        return Calibration.model_validate_json(data)
    except ValidationError as error:
        parsed: Any = {}
        faults = "; ".join(f"{name or 'file'}: {said}" for name, said in faults_of(error, parsed, model=Calibration))
        raise UsageError(f"'{path}' is no calibration of a detector: {faults}") from error


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration; its folder exists."""
    write_atomic(path, calibration.model_dump_json(indent=2).encode() + b"\n")


def fit_scores(logits: ArrayLike, fake: ArrayLike, videos: ArrayLike, *, error_rate: float) -> Fit:
    """Learn what scores mean.

    Args:
        logits: (n,), finite.
        fake: bool (n,).
        videos: int (n,), which video each is of; one video is of one kind. Each video counts alike, however many
            frames it has, and so do the two kinds.
        error_rate: How often the verdict may be wrong for a new video of either kind, above 0 and below 1.

    Raises:
        UsageError: There is one kind only, or higher scores do not mean fake.

    Convention:
        Probabilities: Platt's fit with his targets, (N + 1) / (N + 2) and 1 / (N + 2) of N videos of the kind.
        Verdicts: `fake_from` is the least threshold with (n s + 1) / (n + 1) at most the error rate, n the number of
            real videos and s the mean over them of the share of frames at or above the threshold: a new video takes
            part as if all its frames were above, so that on exchangeable videos the rate holds on average however few
            there are (split conformal prediction, one class at a time). It takes 1 / error_rate - 1 videos of a kind.
    """
    scores, kinds = np.asarray(logits, np.float64), np.asarray(fake, np.bool_)
    if kinds.all() or not kinds.any():
        got = f"got {int(kinds.sum())} fake and {int((~kinds).sum())} real scores to calibrate with"
        raise UsageError(f"{got}, expected both kinds; take more videos")
    _, video, frames = np.unique(np.asarray(videos), return_inverse=True, return_counts=True)
    shares = 1 / frames[video]
    real_videos, fake_videos = (round(float(shares[kinds == kind].sum())) for kind in (False, True))
    slope, intercept = _platt(scores, kinds, shares)
    fake_from = _least_above(scores[~kinds], shares[~kinds], real_videos, error_rate)
    mirrored = _least_above(-scores[kinds], shares[kinds], fake_videos, error_rate)
    real_up_to = None if mirrored is None else -mirrored
    if fake_from is not None and real_up_to is not None and fake_from <= real_up_to:
        # Both verdicts would be allowed in between: the probability decides.
        fake_from = min(max(-intercept / slope, fake_from), real_up_to)
        real_up_to = math.nextafter(fake_from, -math.inf)
    return Fit(
        slope=slope,
        intercept=intercept,
        fake_from=fake_from,
        real_up_to=real_up_to,
        real_videos=real_videos,
        fake_videos=fake_videos,
    )


def _platt(scores: NDArray[np.float64], fake: NDArray[np.bool_], shares: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of the logistic curve that is likeliest."""
    from scipy.optimize import minimize

    fake_share: NDArray[np.float64] = fake.astype(np.float64)
    counts: NDArray[np.float64] = fake_share * shares[fake].sum() + (1 - fake_share) * shares[~fake].sum()
    weights, targets = shares / counts, (fake_share * counts + 1) / (counts + 2)
    middle, spread = float(scores.mean()), float(scores.std())
    if not spread:
        raise UsageError("got scores that are all alike, which nothing can be learned from; is the detector sound?")
    scaled = (scores - middle) / spread

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = line[0] * scaled + line[1]
        missed = weights * ((1 + np.tanh(logits / 2)) / 2 - targets)
        return float(weights @ (np.logaddexp(0, logits) - targets * logits)), np.array([missed @ scaled, missed.sum()])

    line: NDArray[np.float64] = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-10}).x
    slope = float(line[0]) / spread
    if slope <= 0:
        raise UsageError(
            f"got scores that are lower for fakes than for real ones (a slope of {slope:.2g}), expected them higher; "
            "are the labels of the card (head.fake_index) or of the files the wrong way round?"
        )
    return slope, float(line[1]) - slope * middle


def _least_above(
    scores: NDArray[np.float64], shares: NDArray[np.float64], videos: int, error_rate: float
) -> float | None:
    """The least threshold that few enough of a kind reach; None where there are too few to say so of any."""
    order = np.argsort(-scores)
    descending, reached = scores[order], np.cumsum(shares[order])
    allowed = error_rate * (videos + 1) - 1 + 1e-9
    if allowed < 0:
        return None
    places = np.flatnonzero(reached > allowed)  # the first score that too many reach is the last one too low
    return float(np.nextafter(descending[places[0]], np.inf)) if places.size else None


def _short(sha256: str | None) -> str:
    return f" (weights {sha256[:12]})" if sha256 else ""
