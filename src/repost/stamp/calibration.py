"""Which scores pictures without a stamp reach: measured, beside the bound that holds for every picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError
from repost.media.upload import Upload
from repost.metrics.intervals import upper_bound
from repost.stamp.embed import LEAST_PX, stamp
from repost.stamp.model import ModelFacts, NullScore, StampModel
from repost.stamp.scan import estimates_of, find_key

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

RATES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 5e-4)
STAMPED_RATE, UNCERTAIN_RATE = 5e-4, 1e-2
"""What may be called stamped, and uncertain. The first is half of one in a thousand, so that one in a thousand holds in
every condition and not just on the average."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores of pictures under keys that have nothing to do with them.

    Attributes:
        scores: Sorted.
        photos: How many pictures.
        keys: How many keys each.
    """

    scores: tuple[float, ...]
    photos: int
    keys: int

    def score_at(self, rate: float) -> float | None:
        """The least score that pictures reach no more often than a rate, with 95 % confidence.

        Args:
            rate: Such as 1e-3.

        Returns:
            A score, rounded up to a hundredth; None where there are too few scores to say so.
        """
        n = len(self.scores)
        for above in range(n):  # how many reach it
            if upper_bound(above, n) > rate:
                return None if above == 0 else float(np.ceil(100 * self.scores[n - above] + 1e-6) / 100)
        return self.scores[0]

    def __add__(self, other: Calibration) -> Calibration:
        """What was found on further photographs with as many keys."""
        return Calibration(tuple(sorted((*self.scores, *other.scores))), self.photos + other.photos, self.keys)

    def apply(self, facts: ModelFacts) -> ModelFacts:
        """Put thresholds into a model's facts.

        Args:
            facts: Of the model that was calibrated.

        Returns:
            The same with thresholds and measured rates.

        Raises:
            UsageError: There are too few scores.
        """
        measured = [(rate, self.score_at(rate)) for rate in RATES]
        told = tuple(NullScore(rate=rate, score=score) for rate, score in measured if score is not None)
        if len(told) < len(RATES):
            raise UsageError(
                f"got {len(self.scores)} scores, expected enough to tell a rate of {RATES[-1]}: about "
                f"{round(4 / RATES[-1])}; give more photographs or keys"
            )
        by_rate = {one.rate: one.score for one in told}
        text = (
            f"{len(self.scores)} scores of {self.photos} photographs under {self.keys} random keys each, "
            "half of them with another key's stamp; "
            "rates are upper bounds of 95 % one-sided confidence"
        )
        return facts.model_copy(
            update={
                "stamped_score": by_rate[STAMPED_RATE],
                "uncertain_score": by_rate[UNCERTAIN_RATE],
                "null_scores": told,
                "calibration": text,
            }
        )


def calibrate(model: StampModel, photos: Sequence[Path], *, keys: int = 120) -> Iterator[Calibration]:
    """Scan photographs under many keys: without a stamp, and with that of another key, which is as good as none.

    Under a random key the null of every single view is the same for all pictures (see `null`). How the views of a
    picture depend on each other is its own, and decides how careful the mixture is: so take many pictures, and many
    keys. For the pictures at hand keys are independent draws, and the bounds hold: hits of unlike chances scatter less
    than those of one (Hoeffding, Annals of Mathematical Statistics 27, 1956).

    Args:
        model: To be calibrated.
        photos: That were used for nothing else.
        keys: Random keys for each, half of them for the photograph with another key's stamp.

    Yields:
        After each photograph what is known so far.

    Raises:
        MediaError: A file is no sound image.
        UsageError: There are no photographs.
    """
    if not photos:
        raise UsageError("got no photographs to calibrate with, expected at least one")
    scores: list[float] = []
    for number, path in enumerate(photos, 1):
        upload = Upload.of(path)
        plain = upload.picture.rgb8()
        for number_of_keys, pixels in ((keys - keys // 2, plain), (keys // 2, _stamped(plain, upload.digest, model))):
            estimates = estimates_of(pixels, model=model)
            drawn = (f"calibration {upload.digest} {pixels is plain} {key}" for key in range(number_of_keys))
            scores += [find_key(estimates, key, model=model).score for key in drawn]
        yield Calibration(tuple(sorted(scores)), number, keys)


def _stamped(pixels: Rgb8, digest: str, model: StampModel) -> Rgb8:
    """With the stamp of a key that is not scanned for; as it is, if it is too small for one."""
    if min(pixels.shape[:2]) < LEAST_PX:
        return pixels.copy()
    return stamp(pixels, f"another key than those for {digest}", model=model)
