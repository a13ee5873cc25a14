"""What is evaluated: anything that stamps a picture and scores one. Others' watermarks go the same way as ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np
from PIL import Image

from repost.core.errors import UsageError

if TYPE_CHECKING:
    from repost.media.picture import Rgb8
    from repost.stamp import StampModel

P_STAMPED = 1e-3
"""The false-positive rate for which a marker publishes its threshold."""


class Marker(Protocol):
    """A stamp with its scanner. It is pickled once for each worker process, and loads what is heavy when first used."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def identity(self) -> str:
        """Everything that decides what it does, as a stable string: versions, weights, a digest of the key.

        Where it changes, everything is measured again.
        """
        ...

    @property
    def threshold(self) -> float:
        """The score from which its maker calls a picture stamped, at a false-positive rate of `P_STAMPED`."""
        ...

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
    """A marker with keys, whose score is at most -log10 of the probability of such a match under a random key."""

    def scores_under(self, pixels: Rgb8, keys: Sequence[str]) -> list[float]:
        """The scores of a picture under other keys than the marker's own.

        Args:
            pixels: uint8, HWC, RGB.
            keys: The keys.

        Returns:
            A score for each.

        Raises:
            RepostError: The scanner refuses the picture.
        """
        ...


@dataclass(frozen=True, slots=True)
class StampMarker:
    """A model of ours.

    Attributes:
        model: Its name, such as "rs_aug", or its folder.
        key: The key; the published one when None.
        strength: Of the stamp; 1 is what the model was made for.
    """

    model: str = "rs_aug"
    key: str | None = None
    strength: float = 1.0

    @property
    def name(self) -> str:
        """The model's version, with the strength where that is not 1."""
        return self._loaded.version + ("" if self.strength == 1 else f" x{self.strength:g}")

    @property
    def identity(self) -> str:
        """Version and weights of the model, digest of the code, fingerprint of the key, strength."""
        from repost.stamp.key import key_fingerprint

        facts = self._loaded.facts
        weights = f"{facts.embedder_sha256[:12]} {facts.extractor_sha256[:12]}, cap {facts.cap_levels:g}"
        key = "published" if self.key is None else key_fingerprint(self.key)
        code = _code_digest()[:12]
        return f"{self._loaded.version}, weights {weights}, code {code}, key {key}, strength {self.strength:g}"

    @property
    def threshold(self) -> float:
        """The score from which the model says "stamped"."""
        return self._loaded.facts.stamped_score

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """Stamp a picture; see `repost.stamp.stamp`."""
        from repost.stamp import stamp

        return stamp(pixels, self.key, strength=self.strength, model=self._loaded)

    def score(self, pixels: Rgb8) -> float:
        """Decades of evidence; see `repost.stamp.scan`."""
        from repost.stamp import scan

        return scan(pixels, self.key, model=self._loaded).score

    def scores_under(self, pixels: Rgb8, keys: Sequence[str]) -> list[float]:
        """Decades of evidence for other keys; the networks look at the picture once."""
        from repost.stamp import estimates_of, find_key

        estimates = estimates_of(pixels, model=self._loaded)
        return [find_key(estimates, key, model=self._loaded).score for key in keys]

    def facts(self) -> dict[str, str]:
        """What the model says of its training and its thresholds, for the card."""
        facts = self._loaded.facts
        told = {"cap": f"{facts.cap_levels:g} levels", "thresholds": facts.calibration}
        return told | {name.replace("_", " "): _in_a_line(value) for name, value in facts.training.items()}

    @property
    def _loaded(self) -> StampModel:
        from repost.stamp import load_model

        return load_model(self.model)  # the same object in the same process


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


_STAMPING_CODE = (
    "embed",
    "gain",
    "grid",
    "jpeg",
    "key",
    "model",
    "null",
    "scan",
    "search",
    "spectrum",
    "tile",
    "views",
)


@cache
def _code_digest() -> str:
    """SHA-256 of the code that stamps and scans pixels: a change of it does not always change the version."""
    digest = hashlib.sha256()
    for name in _STAMPING_CODE:
        path = Path(__file__).parents[1] / f"{name}.py"
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _in_a_line(value: object) -> str:
    """JSON values in words."""
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, object]", value)
        return "; ".join(f"{name} {_in_a_line(part)}" for name, part in parts.items())
    if isinstance(value, list | tuple):
        return ", ".join(_in_a_line(part) for part in cast("Sequence[object]", value))
    return str(value)
