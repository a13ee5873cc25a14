"""Conditions on an upload: which rule of a profile applies to it."""

from __future__ import annotations

from itertools import product
from typing import Literal, Protocol, TypeAlias

from pydantic import Field, model_validator

from repost.platforms.values import Data, Feature, Features, Finite

Format: TypeAlias = Literal[
    "jpeg", "png", "webp", "gif", "heif", "avif", "tiff", "bmp", "mp4", "mov", "webm", "mkv", "avi", "h264"
]
Orientation: TypeAlias = Literal["portrait", "landscape", "square"]
Codec: TypeAlias = Literal["h264", "hevc", "vp9", "av1", "mpeg4"]

Kind: TypeAlias = Literal["animated", "has_alpha", "rotated"]


class Range(Data):
    """Limits on one number; every limit given must hold."""

    over: Finite | None = None
    at_least: Finite | None = None
    under: Finite | None = None
    at_most: Finite | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Range:
        if not self.model_fields_set:
            raise ValueError("an empty range; give over, at_least, under or at_most")
        return self

    @model_validator(mode="after")
    def _something_holds(self) -> Range:
        for low, high in product(("over", "at_least"), ("under", "at_most")):
            least, most = getattr(self, low), getattr(self, high)
            if least is None or most is None:
                continue
            if least > most or (least == most and (low, high) != ("at_least", "at_most")):
                raise ValueError(f"{low} {least:g} and {high} {most:g} leave no number, so no upload would match")
        return self

    def holds(self, number: float) -> bool:
        """Whether a number is inside every limit."""
        return (
            (self.over is None or number > self.over)
            and (self.at_least is None or number >= self.at_least)
            and (self.under is None or number < self.under)
            and (self.at_most is None or number <= self.at_most)
        )


class Facts(Protocol):
    """What conditions may ask of an upload besides numbers."""

    @property
    def format(self) -> str:
        """Container, by content."""
        ...

    @property
    def animated(self) -> bool:
        """Whether an image has several frames."""
        ...

    @property
    def has_alpha(self) -> bool:
        """Whether an image has transparency."""
        ...

    @property
    def rotated(self) -> bool:
        """Whether the stored pixels must be turned to be upright."""
        ...

    @property
    def codec(self) -> str | None:
        """Of the video stream; None for images."""
        ...


class When(Data):
    """All conditions of a rule; those given must all hold, and none given always holds.

    Attributes:
        format: Containers of the upload, by content and not by file name.
        animated: Whether the image has more than one frame.
        has_alpha: Whether the image has transparency.
        rotated: Whether EXIF (or the video container) says that the pixels must be turned to be upright.
        orientation: Of the upright picture.
        codec: Of the video stream.
    """

    format: tuple[Format, ...] | None = Field(default=None, min_length=1)
    animated: bool | None = None
    has_alpha: bool | None = None
    rotated: bool | None = None
    orientation: Orientation | None = None
    codec: tuple[Codec, ...] | None = Field(default=None, min_length=1)
    width_px: Range | None = None
    height_px: Range | None = None
    long_side_px: Range | None = None
    short_side_px: Range | None = None
    pixel_count: Range | None = None
    aspect_ratio: Range | None = None
    size_bytes: Range | None = None
    bits_per_pixel: Range | None = None
    busyness: Range | None = None
    fps: Range | None = None
    duration_s: Range | None = None
    bitrate_bps: Range | None = None

    @property
    def always(self) -> bool:
        """Whether every upload of the medium matches."""
        return not self.given

    @property
    def given(self) -> frozenset[str]:
        """Names of the conditions that are set."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name) is not None)

    def matches(self, facts: Facts, features: Features) -> bool:
        """Whether an upload meets every condition.

        Args:
            facts: Format and kind of the upload.
            features: Looks up its numbers; only those a condition names are asked for, cheap ones first.
        """
        if self.format is not None and facts.format not in self.format:
            return False
        if self.codec is not None and facts.codec not in self.codec:
            return False
        kinds: tuple[Kind, ...] = ("animated", "has_alpha", "rotated")
        if any(getattr(self, kind) not in (None, getattr(facts, kind)) for kind in kinds):
            return False
        if self.orientation is not None and self.orientation != _orientation(features("aspect_ratio")):
            return False
        ranges: list[tuple[Feature, Range | None]] = [(name, getattr(self, name)) for name in RANGED]
        return all(limits.holds(features(name)) for name, limits in ranges if limits is not None)


RANGED: tuple[Feature, ...] = (
    "width_px", "height_px", "long_side_px", "short_side_px", "pixel_count", "aspect_ratio",
    "fps", "duration_s", "size_bytes", "bitrate_bps", "bits_per_pixel", "busyness",
)  # fmt: skip
"""Conditions that are ranges, the ones that need no decoding or encoding first."""

IMAGE_ONLY = frozenset({"animated", "has_alpha", "busyness"})
VIDEO_ONLY = frozenset({"codec", "fps", "duration_s", "bitrate_bps"})


def _orientation(aspect_ratio: float) -> Orientation:
    if aspect_ratio == 1:
        return "square"
    return "landscape" if aspect_ratio > 1 else "portrait"
