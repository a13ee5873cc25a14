"""Whether a card says rightly which output is fake."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repost.metrics.auc import auc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from repost.detectors.card import DetectorCard

_Z_99 = 2.3263
"""Standard deviations above which 1 % lie."""


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """Scores that speak against a card; as a string, a warning.

    Attributes:
        card: The card; None where the scores came without one.
        auc: How often a fake scores above a real one.
        highest: What that is at most, with 99 % confidence; below one half.
        real_count: How many real ones were scored.
        fake_count: How many fakes.
    """

    card: DetectorCard | None
    auc: float
    highest: float
    real_count: int
    fake_count: int

    def __str__(self) -> str:
        found = (
            f"fakes score below real faces, AUC {self.auc:.2f} (99 %: below {self.highest:.2f}) over {self.real_count} "
            f"real and {self.fake_count} fake"
        )
        if self.card is None:
            return f'{found}. Either these are scores of "real", {_OTHERWISE}'
        evidence = " ".join(self.card.head.evidence.split())
        return (
            f"{self.card.name}: {found}; the card says that output {self.card.head.fake_index} is fake ({evidence}). "
            f"Either the card is wrong for these weights, {_OTHERWISE}"
        )


_OTHERWISE = "or the files are labelled the other way round, or this kind of fake misleads the detector"


def check_labels(card: DetectorCard | None, logits_of_real: ArrayLike, logits_of_fake: ArrayLike) -> LabelDoubt | None:
    """Ask whether scores disagree with a card's index of "fake" by more than chance.

    Args:
        card: Of the detector; None where it has none.
        logits_of_real: Scores of real media, (n,), one for each video: frames of one video are one observation.
        logits_of_fake: Scores of fakes, (m,).

    Returns:
        The doubt where the AUC is below one half with 99 % confidence; None otherwise, as always for four
            of each or fewer.

    Raises:
        UsageError: A score is NaN.

    Reference:
        Mann and Whitney 1947: where scores tell nothing the AUC has the variance (n + m + 1) / (12 n m).
    """
    real, fake = np.ravel(np.asarray(logits_of_real, np.float64)), np.ravel(np.asarray(logits_of_fake, np.float64))
    if not real.size or not fake.size:
        return None
    found = auc(fake, real)
    highest = found + _Z_99 * math.sqrt((real.size + fake.size + 1) / (12 * real.size * fake.size))
    return LabelDoubt(card, found, highest, real.size, fake.size) if highest < 0.5 else None
