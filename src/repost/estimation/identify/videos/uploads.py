"""Videos that may have become a file: tried one after another where what a network does depends on the upload."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from repost.channel.sizes import Size
from repost.estimation.identify.size import fills_box
from repost.estimation.identify.videos.population import (
    FRAME_RATES,
    LEAST_SIDE_PX,
    MOST_SIDE_PX,
    ODD_RATE,
    SHAPES,
    SHORT_SIDE_STEPS,
    SHORT_SIDES_PX,
    same_frame_rate,
    shape_of,
    short_side_chance,
)
from repost.estimation.identify.videos.signature import VideoSignature
from repost.platforms import Profile, Rule
from repost.platforms.profile import dependent_values
from repost.platforms.values import Feature

_KINDS: Mapping[str, Mapping[Any, float]] = {
    "format": {"mp4": 0.6, "mov": 0.3, "webm": 0.04, "mkv": 0.04, "avi": 0.02},
    "codec": {"h264": 0.7, "hevc": 0.25, "vp9": 0.03, "av1": 0.01, "mpeg4": 0.01},
    "rotated": {True: 0.2, False: 0.8},
}
_BITS_PER_PIXEL_S: Mapping[Any, float] = {1.2: 0.25, 3.0: 0.25, 6.0: 0.25, 11.0: 0.25}
"""Judged as the shares in `population` are; these are quarters of uploads, from downloads to phones' own files."""


@dataclass(frozen=True, slots=True)
class VideoHypothetical:
    """An upload that may have become the file, with the chance that an upload is such a one.

    It answers what conditions and values of profiles ask, as `repost.media.video.upload.VideoUpload` does.

    Attributes:
        chance: Among uploads of the file's shape where `own_shape`, else among uploads of all common shapes.
        own_shape: Whether it has the file's shape.
    """

    width_px: int
    height_px: int
    fps: float
    duration_s: float
    chance: float
    format: str = "mp4"
    codec: str | None = "h264"
    rotated: bool = False
    bits_per_pixel_s: float = 3.0
    own_shape: bool = True
    animated: bool = False
    has_alpha: bool = False

    def feature(self, name: Feature) -> float:
        """A number that rules and values depend on."""
        width, height = self.width_px, self.height_px
        bitrate_bps = self.bits_per_pixel_s * width * height
        found = {
            "width_px": width,
            "height_px": height,
            "long_side_px": max(width, height),
            "short_side_px": min(width, height),
            "pixel_count": width * height,
            "aspect_ratio": width / height,
            "fps": self.fps,
            "duration_s": self.duration_s,
            "bitrate_bps": bitrate_bps,
            "size_bytes": bitrate_bps * self.duration_s / 8,
            "bits_per_pixel": self.bits_per_pixel_s * self.duration_s,
        }
        return found.get(name, math.nan)  # features of images: no video rule may ask for them


class VideoUploads:
    """Uploads that may have become one file; each set is made once however many profiles ask for it.

    Args:
        signature: Of the file.
    """

    def __init__(self, signature: VideoSignature) -> None:
        self.signature = signature
        facts = signature.facts
        self.itself = VideoHypothetical(
            *signature.size, fps=signature.fps, duration_s=facts.duration_s, chance=1.0, format=facts.format,
            codec=facts.codec, rotated=facts.rotated, bits_per_pixel_s=signature.bits_per_pixel_s,
        )  # fmt: skip
        self._made: dict[frozenset[str], list[VideoHypothetical]] = {}

    def matching(self, profile: Profile) -> list[tuple[int, Rule, list[VideoHypothetical]]]:
        """The video rules of a profile, each with the uploads that follow it.

        Returns:
            (index of the rule, rule, uploads). Over all rules, the chances of uploads of the file's own shape add up
            to one but for odd frame rates that are not the file's, and those of the others too where the profile fills
            a box.
        """
        rules = profile.rules_for("video")
        found: dict[int, list[VideoHypothetical]] = {index: [] for index, _ in rules}
        for upload in self._of(_asked(rule for _, rule in rules)):
            found[followed(profile, upload)].append(upload)
        return [(index, rule, found[index]) for index, rule in rules]

    def _of(self, asked: frozenset[str]) -> list[VideoHypothetical]:
        if asked not in self._made:
            uploads = [
                VideoHypothetical(
                    *size, fps=fps, duration_s=self.signature.facts.duration_s, chance=chance * share, own_shape=own
                )
                for size, chance, own in self._sizes(boxed="box" in asked)
                for fps, share in self._frame_rates()
            ]
            self._made[asked] = _expanded(uploads, asked)
        return self._made[asked]

    def _frame_rates(self) -> Iterator[tuple[float, float]]:
        own = self.signature.fps
        if not any(same_frame_rate(own, fps) for fps in FRAME_RATES):
            yield own, ODD_RATE
        yield from FRAME_RATES.items()

    def _sizes(self, *, boxed: bool) -> Iterator[tuple[Size, float, bool]]:
        """Sizes of the file's shape, one exactly the file's; of common shapes too where boxes are filled."""
        own = self.signature.size
        exact = short_side_chance(min(own))
        yield own, exact, True
        others = [(size, chance) for size, chance in _scaled(shape_of(own)) if min(size) != min(own)]
        rest = (1 - exact) / sum(chance for _, chance in others)
        yield from ((size, chance * rest, True) for size, chance in others)
        if boxed:
            lying = {shape: share / sum(SHAPES.values()) / 2 for shape, share in SHAPES.items()}
            shapes = [*lying.items(), *(((high, wide), share) for (wide, high), share in lying.items())]
            for shape, share in shapes:
                yield from ((size, chance * share, False) for size, chance in _scaled(shape))


def followed(profile: Profile, upload: VideoHypothetical) -> int:
    """The index of the first video rule whose conditions an upload meets."""
    return next(index for index, rule in profile.rules_for("video") if rule.when.matches(upload, upload.feature))


def _scaled(shape: Size) -> Iterator[tuple[Size, float]]:
    """A shape in every size that is tried, with its chance."""
    wide, high = shape
    ratio = (MOST_SIDE_PX / LEAST_SIDE_PX) ** (1 / SHORT_SIDE_STEPS)
    even = (1 - sum(SHORT_SIDES_PX.values())) / SHORT_SIDE_STEPS
    uncommon = {2 * round(LEAST_SIDE_PX * ratio ** (step + 0.5) / 2): even for step in range(SHORT_SIDE_STEPS)}
    for side_px, chance in (uncommon | dict(SHORT_SIDES_PX)).items():
        scale = side_px / min(wide, high)
        yield (2 * max(1, round(wide * scale / 2)), 2 * max(1, round(high * scale / 2))), chance


def _expanded(uploads: Iterable[VideoHypothetical], asked: frozenset[str]) -> list[VideoHypothetical]:
    """Each upload once for every kind that a profile distinguishes."""
    kinds = {name: shares for name, shares in _KINDS.items() if name in asked}
    if asked & {"bitrate_bps", "size_bytes", "bits_per_pixel"}:
        kinds["bits_per_pixel_s"] = _BITS_PER_PIXEL_S
    found = list(uploads)
    for name, shares in kinds.items():
        found = [
            replace(upload, **{name: kind}, chance=upload.chance * share)
            for upload, (kind, share) in product(found, shares.items())
        ]
    return found


_EXPANDABLE = frozenset({"format", "codec", "rotated", "bitrate_bps", "size_bytes", "bits_per_pixel", "box"})


def _asked(rules: Iterable[Rule]) -> frozenset[str]:
    """What rules ask of an upload, beyond its size and frame rate; "box" where one is filled."""
    asked: set[str] = set()
    for rule in rules:
        asked |= rule.when.given | {value.by for _, value in dependent_values(rule.steps, "steps")}
        if fills_box(rule):
            asked.add("box")
    return frozenset(asked & _EXPANDABLE)
