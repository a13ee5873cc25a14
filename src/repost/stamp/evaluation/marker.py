"""What is evaluated: anything that stamps a picture and scores one. Others' watermarks go the same way as ours."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from repost.core.errors import UsageError

if TYPE_CHECKING:
    from repost.media.picture import Rgb8
    from repost.stamp import StampModel

P_STAMPED = 1e-3
"""The false-positive rate for which a marker publishes its threshold."""

_LEAST_P = 1e-300  # so that a p-value that underflowed still has a logarithm


class Marker(Protocol):
    """A stamp with its scanner. It is pickled once for each worker process, so it loads what is heavy when first used.

    Attributes:
        name: What tables call it.
        identity: Everything that decides what it does, as a stable string: versions, weights, a digest of the key.
            Where it changes, everything is measured again.
        threshold: The score from which its maker calls a picture stamped, at a false-positive rate of `P_STAMPED`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def identity(self) -> str: ...  # noqa: D102

    @property
    def threshold(self) -> float: ...  # noqa: D102

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """A stamped copy.

        Args:
            pixels: uint8, HWC, RGB.

        Returns:
            The same form and size: what is written to a file.
        """
        ...

    def score(self, pixels: Rgb8) -> float:
        """How surely a picture is stamped.

        Args:
            pixels: uint8, HWC, RGB, of any size.

        Returns:
            The higher the surer; finite.

        Raises:
            RepostError: The scanner refuses the picture, such as one that is too small. That counts as not stamped.
        """
        ...


@runtime_checkable
class KeyedMarker(Protocol):
    """A marker with keys, whose score is -log10 of the probability of as good a match under a random key."""

    def with_key(self, key: str) -> Marker:
        """The same marker under another key."""
        ...


@dataclass(frozen=True, slots=True)
class StampMarker:
    """A model of ours.

    Attributes:
        model: Its name, such as "rs_aug".
        key: The key; the published one when None.
        strength: Of the stamp; 1 is what the model was made for.
    """

    model: str = "rs_aug"
    key: str | None = None
    strength: float = 1.0

    @property
    def name(self) -> str:
        """The model's version, with the strength where that is not 1."""
        return _loaded(self.model).version + ("" if self.strength == 1 else f" x{self.strength:g}")

    @property
    def identity(self) -> str:
        """Version of the model, digest of the key, strength."""
        key = "published" if self.key is None else hashlib.sha256(self.key.encode()).hexdigest()[:16]
        return f"{_loaded(self.model).version} key {key} strength {self.strength:g}"

    @property
    def threshold(self) -> float:
        """-log10 of the model's p-value for "stamped"."""
        return -math.log10(_loaded(self.model).p_stamped)

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """Stamp a picture; see `repost.stamp.stamp`."""
        from repost.stamp import stamp

        return stamp(pixels, self.key, strength=self.strength, model=_loaded(self.model))

    def score(self, pixels: Rgb8) -> float:
        """-log10 of the p-value; see `repost.stamp.scan`."""
        from repost.stamp import scan

        return -math.log10(max(scan(pixels, self.key, model=_loaded(self.model)).p_value, _LEAST_P))

    def facts(self) -> dict[str, str]:
        """What the model says of its training, for the card."""
        return {}

    def with_key(self, key: str) -> StampMarker:
        """The same model under another key."""
        return StampMarker(self.model, key, self.strength)


@dataclass(frozen=True, slots=True)
class Helped:
    """A marker that is told the original size of what it scores, to which the picture is resized (bicubic).

    Many watermarks need that; a scanner that finds a picture on a network has no way to know.

    Attributes:
        marker: Who is helped.
        size_px: The original width and height; None until `knowing` sets it.
    """

    marker: Marker
    size_px: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The marker's name, and that it was helped."""
        return f"{self.marker.name} (helped)"

    @property
    def identity(self) -> str:
        """The marker's, and that it was helped."""
        return f"{self.marker.identity}, helped"

    @property
    def threshold(self) -> float:
        """The marker's."""
        return self.marker.threshold

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """As the marker does."""
        return self.marker.stamp(pixels)

    def knowing(self, width_px: int, height_px: int) -> Helped:
        """The same, for pictures that were once of this size."""
        return Helped(self.marker, (width_px, height_px))

    def score(self, pixels: Rgb8) -> float:
        """The marker's score of the picture at its original size.

        Raises:
            UsageError: The size was not given.
        """
        if self.size_px is None:
            raise UsageError("got a picture without its original size, expected knowing(width, height) first")
        if pixels.shape[1::-1] == self.size_px:
            return self.marker.score(pixels)
        return self.marker.score(np.asarray(Image.fromarray(pixels).resize(self.size_px, Image.Resampling.BICUBIC)))


def scanner_for(marker: Marker, width_px: int, height_px: int) -> Marker:
    """The marker that scores the copies of one picture: it knows the picture's size where it is to be helped."""
    return marker.knowing(width_px, height_px) if isinstance(marker, Helped) else marker


@lru_cache(maxsize=4)
def _loaded(model: str) -> StampModel:
    from repost.stamp import load_model

    return load_model(model)
