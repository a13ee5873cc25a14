"""Find settings that leave no trace in a header by carrying them out and comparing what they give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.channel.image import emulate_image
from repost.core.errors import EncodeFailed
from repost.estimation.images.finding import Treatment
from repost.media.picture import Picture
from repost.media.upload import Upload
from repost.platforms.profile import Profile
from repost.platforms.steps import Kernel, Resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8

KERNELS: tuple[Kernel, ...] = ("lanczos", "bicubic", "area", "box_gm", "bilinear", "box")
"""Every kernel for pictures, the most usual first."""

_ALIKE: tuple[Kernel, ...] = ("area", "box_gm", "box")
"""Kernels that give the same picture at some ratios of sizes."""

_CLEARLY_BETTER_DB = 0.3
"""A setting counts as found where the next best falls this far behind, if none is exact; below that it is unknown."""
_TELLING_PIXELS = 1 << 16
_TELLING_LEVELS = 8.0
"""Pixels, and standard deviation in 8-bit levels, from which a picture that is exact is no coincidence."""

Region = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One treatment, carried out and compared.

    Attributes:
        treatment: What was carried out.
        exact_share: Share of compared pixels that are equal.
        psnr_db: Against the served picture; inf where all are equal.
        size_bytes: Of the file made.
        differs: bool, HW: the pixels that are not equal.
    """

    treatment: Treatment
    exact_share: float
    psnr_db: float
    size_bytes: int
    differs: NDArray[np.bool_] = field(repr=False)

    @property
    def exact(self) -> bool:
        """Whether every compared pixel is equal."""
        return self.exact_share == 1.0


class Workbench:
    """An upload and what was served for it; treatments are tried here. The upload is decoded once.

    Args:
        upload: The upload.
        served: What came back.
        left_out: Region of the upright served picture that is not compared.
    """

    def __init__(self, upload: Upload, served: Picture, *, left_out: Region | None = None) -> None:
        self.upload, self.left_out = upload, left_out
        self.target: Rgb8 = served.rgb8()
        self._stored_size = served.size
        self._known: dict[Treatment, Attempt | None] = {}

    @cached_property
    def telling(self) -> bool:
        """Whether no other setting than the true one would give the served picture: it is large and not flat."""
        sample = self.target[::4, ::4]
        large = self.target.shape[0] * self.target.shape[1] >= _TELLING_PIXELS
        return large and float(sample.std(axis=(0, 1)).max()) >= _TELLING_LEVELS

    @cached_property
    def colourful(self) -> bool:
        """Whether its colours would show how chroma was upsampled."""
        sample = self.target[::4, ::4].astype(np.int16)
        return float((sample[..., 0] - sample[..., 2]).std()) >= _TELLING_LEVELS

    def attempt(self, treatment: Treatment) -> Attempt | None:
        """Carry out a treatment.

        Args:
            treatment: With a quality or tables; a resize goes to the served size.

        Returns:
            How it compares; None where a codec refuses it.
        """
        if treatment not in self._known:
            self._known[treatment] = self._carry_out(treatment)
        return self._known[treatment]

    def _carry_out(self, treatment: Treatment) -> Attempt | None:
        profile = single_rule_profile(treatment.steps(self._resize(treatment)))
        try:
            emulated = emulate_image(self.upload, profile, seed=0)
        except EncodeFailed:
            return None
        pixels = emulated.pixels
        if pixels.shape != self.target.shape:
            return None
        share, psnr, differs = _compare(pixels, self.target, self.left_out)
        return Attempt(treatment, share, psnr, len(emulated.data), differs)

    def _resize(self, treatment: Treatment) -> Resize | None:
        """The step that makes the served size out of any size; it does nothing where the size is the same."""
        if treatment.kind != "encode":
            return None
        width, height = self._stored_size
        return Resize(
            op="resize",
            fit="cover" if treatment.cropped else "stretch",
            width_px=width,
            height_px=height,
            kernel=treatment.kernel or "lanczos",
            upscale=True,
        )


def single_rule_profile(steps: Sequence[Any]) -> Profile:
    """A profile of one rule that does these steps to every picture."""
    return Profile.model_validate(
        {
            "platform": "attempt",
            "observed": "2000",
            "summary": "one attempt",
            "evidence": [{"kind": "inferred", "source": "an attempt"}],
            "rules": [{"media": "image", "name": "attempt", "steps": steps}],
        }
    )


def compare_pictures(made: Rgb8, target: Rgb8, *, left_out: Region | None = None) -> tuple[float, float | None]:
    """Share of equal pixels, and PSNR in dB (None where all are equal), outside a region."""
    found = _compare(made, target, left_out)
    return found[0], None if math.isinf(found[1]) else found[1]


def _compare(made: Rgb8, target: Rgb8, left_out: Region | None) -> tuple[float, float, NDArray[np.bool_]]:
    """Share of equal pixels, PSNR in dB, and the pixels that differ (inside the region too)."""
    change = np.abs(made.astype(np.int16) - target)
    differs: NDArray[np.bool_] = (change != 0).any(axis=2)  # pyright: ignore[reportAssignmentType]
    count, error = differs.size, float(np.square(change, dtype=np.int32).sum(dtype=np.int64))
    different = int(np.count_nonzero(differs))
    if left_out is not None:
        left, top, right, bottom = left_out
        inside = (slice(top, bottom), slice(left, right))
        count -= (right - left) * (bottom - top)
        error -= float(np.square(change[inside], dtype=np.int32).sum(dtype=np.int64))
        different -= int(np.count_nonzero(differs[inside]))
    share = 1 - different / count if count else 1.0
    psnr = 10 * math.log10(255**2 * 3 * count / error) if error > 0 and count else math.inf
    return share, psnr, differs


def search(bench: Workbench, start: Treatment, choices: Sequence[tuple[str, Sequence[Any]]]) -> Attempt | None:
    """Find settings, and which of them can be told.

    Args:
        bench: The pair.
        start: What the headers say.
        choices: (setting, values to try) for every setting that is open, the most telling first.

    Returns:
        The best attempt; its treatment has None for every open setting that could not be told. None where no attempt
        could be carried out.
    """
    best = climb(bench, start, choices)
    return None if best is None else _only_what_is_told(bench, best, choices)


def climb(bench: Workbench, start: Treatment, choices: Sequence[tuple[str, Sequence[Any]]]) -> Attempt | None:
    """Try settings one after the other, keeping the best of each, until a picture is exact or nothing gets better.

    Args:
        bench: The pair.
        start: What the headers say.
        choices: (setting, values to try) for every setting that is open, the most telling first.

    Returns:
        The best attempt, told or not; None where no attempt could be carried out.
    """
    best = bench.attempt(start.but(**{name: values[0] for name, values in choices}))
    if best is None:
        return None
    for _ in range(2):  # settings interact a little: the second round starts from the first one's finds
        before = best
        for name, values in choices:
            if best.exact:
                break
            best = max((*_tries(bench, best, name, values), best), key=_rank)
        if best is before or best.exact:
            break
    return best


def _rank(attempt: Attempt) -> tuple[float, float]:
    return attempt.psnr_db, attempt.exact_share


def _tries(bench: Workbench, best: Attempt, name: str, values: Sequence[Any]) -> Iterator[Attempt]:
    for value in values:
        if value != getattr(best.treatment, name):
            found = bench.attempt(best.treatment.but(**{name: value}))
            if found is not None:
                yield found
                if found.exact:
                    return


def _only_what_is_told(bench: Workbench, best: Attempt, choices: Sequence[tuple[str, Sequence[Any]]]) -> Attempt:
    """Set settings to None where another value does as well: flat pictures tell nothing of kernels."""
    if best.exact and bench.telling:
        choices = list(_doubtful(bench, best, choices))
    untold = [
        name
        for name, values in choices
        if any(
            other.exact if best.exact else best.psnr_db - other.psnr_db < _CLEARLY_BETTER_DB
            for other in _tries(bench, best, name, values)
        )
    ]
    if not untold:
        return best
    treatment = best.treatment.but(**dict.fromkeys(untold))
    return Attempt(treatment, best.exact_share, best.psnr_db, best.size_bytes, best.differs)


def _doubtful(
    bench: Workbench, best: Attempt, choices: Sequence[tuple[str, Sequence[Any]]]
) -> Iterator[tuple[str, Sequence[Any]]]:
    """The settings of which another value may do as well although the picture is telling."""
    for name, values in choices:
        if name == "kernel" and best.treatment.kernel in _ALIKE:
            yield name, _ALIKE
        elif name == "upsampling" and not bench.colourful:
            yield name, values
