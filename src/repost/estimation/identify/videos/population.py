"""What videos look like before any network touches them, and after software nobody has described.

These shares are judgements, rounded; none was fitted to files that measure the result. What decides between networks is
what a network fixes (one size rule, one group length, one rate law), against which everything here is spread thin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from repost.channel.sizes import Size
from repost.estimation.identify.videos.aspects import (
    Aspects,
    content_bell,
    either,
    group_chance,
    one_of,
    run_chance,
    sound_rate_chance,
)
from repost.estimation.identify.videos.levels import needed_level
from repost.estimation.identify.videos.signature import VideoSignature

SHORT_SIDES_PX: Mapping[int, float] = {
    1080: 0.38, 720: 0.2, 2160: 0.08, 480: 0.08, 360: 0.04, 540: 0.03, 576: 0.02, 1440: 0.02, 240: 0.01, 640: 0.01,
    512: 0.01, 1024: 0.005, 1920: 0.005,
}  # fmt: skip
"""Short sides that many videos share. The rest is spread evenly over the logarithm of the range below."""
LEAST_SIDE_PX, MOST_SIDE_PX = 64, 4320

SHAPES: Mapping[tuple[int, int], float] = {(16, 9): 0.75, (4, 3): 0.1, (1, 1): 0.05}
"""Long and short side of common shapes; each also stands upright."""

FRAME_RATES: Mapping[float, float] = {
    30.0: 0.36, 30000 / 1001: 0.2, 25.0: 0.15, 24.0: 0.04, 24000 / 1001: 0.06, 60.0: 0.08, 60000 / 1001: 0.04,
    50.0: 0.03, 20.0: 0.01, 15.0: 0.01,
}  # fmt: skip
ODD_RATE = 0.02
"""Density of one frame rate that is none of those, as of phones whose frames last differently long."""
SAME_FRAME_RATE = 2e-4
"""Rates within this are one; 30 and 30000/1001 are a thousandth apart."""

SHORT_SIDE_STEPS = 24
"""How finely uncommon sides are tried."""

_LEVELS, _PROFILES, _HEADERS, _FORMATS, _CODECS = 20, 12, 60, 6, 12
"""How many other values each trait may have, for those that no origin names."""
_QPS = range(10, 46)
"""Initial QP that are tried for what has no habit."""


@dataclass(frozen=True, slots=True)
class VideoOrigin:
    """A kind of program that writes videos. The shares of each trait add up to less than one; others share the rest.

    Attributes:
        share: Among the origins of its population.
        formats: Of containers.
        codecs: Of standard and pixel format.
        profiles: Of H.264 profiles.
        needed_level: How many have the level that size and frame rate need, and no higher one.
        groups: Of (most frames between keyframes, whether that distance is fixed); one in seconds is a float.
        b_frames: Of the most B-frames in a row.
        headers: Of (references, chroma offset) of H.264.
        qps: Of the initial QP.
        message: How many keep the encoder's message about itself.
        rate: Bits per pixel and second in the middle, and the spread of its natural logarithm.
        sounds: Of the sound's codec; "none" for silent files.
        sound_bps: Of its bitrates.
        turned: How many leave it to the player to turn them.
    """

    share: float
    formats: Mapping[object, float] = field(hash=False)
    codecs: Mapping[object, float] = field(hash=False)
    profiles: Mapping[object, float] = field(hash=False)
    needed_level: float
    groups: Mapping[tuple[float, bool], float] = field(hash=False)
    b_frames: Mapping[int, float] = field(hash=False)
    headers: Mapping[object, float] = field(hash=False)
    qps: Mapping[int, float] = field(hash=False)
    message: float
    rate: tuple[float, float]
    sounds: Mapping[object, float] = field(hash=False)
    sound_bps: Mapping[int, float] = field(hash=False)
    turned: float

    def aspects(self, signature: VideoSignature) -> Aspects:
        """The chance of each trait of a file."""
        facts, found = signature.facts, signature.structure
        h264 = found.codec == "h264"
        middle, spread = self.rate
        return {
            "format": one_of(facts.format, self.formats, others=_FORMATS),
            "codec": one_of((found.codec, found.pixel_format), self.codecs, others=_CODECS),
            "profile": one_of(found.profile, self.profiles, others=_PROFILES) if h264 else 1.0,
            "level": level_chance(signature, needed=self.needed_level),
            "group": self._group(signature),
            "b_frames": sum(share * run_chance(found.b_frames, most) for most, share in self.b_frames.items()),
            "headers": one_of((found.references, signature.chroma_qp_offset), self.headers, others=_HEADERS)
            if h264 else 1.0,
            "qp": self.qp_chance(found.initial_qp),
            "rate": content_bell(signature.bits_per_pixel_s / middle, spread),
            "message": either(signature.message, chance=self.message),
            "sound": self.sound_chance(signature),
            "turn": either(facts.rotated, chance=self.turned),
        }  # fmt: skip

    def chance(self, signature: VideoSignature) -> float:
        """Density of everything but size and frame rate."""
        return math.prod(self.aspects(signature).values())

    def qp_chance(self, qp: int | None) -> float:
        """The chance of an initial QP; 1 where there is none."""
        if qp is None:
            return 1.0
        return self.qps.get(qp, 0.0) + (1 - sum(self.qps.values())) / len(_QPS) * (1.0 if qp in _QPS else 0.1)

    def sound_chance(self, signature: VideoSignature) -> float:
        """Density of the sound, its absence included."""
        audio = signature.facts.audio
        if audio is None:
            return self.sounds.get("none", 0.0)
        codec = one_of(audio.codec, self.sounds, others=_CODECS)
        return codec * sound_rate_chance(audio.bitrate_bps, self.sound_bps.items())

    def _group(self, signature: VideoSignature) -> float:
        named = sum(
            share * group_chance(signature, _frames(length, signature.fps), fixed=fixed)
            for (length, fixed), share in self.groups.items()
        )
        longest = max((*signature.keyframe_gaps, signature.tail_frames))
        return named + (1 - sum(self.groups.values())) / (2 * longest)


def _frames(length: float, fps: float) -> int:
    return max(1, round(length * fps)) if isinstance(length, float) else length


def level_chance(signature: VideoSignature, *, needed: float) -> float:
    """The chance of the level; 1 where the standard is not H.264.

    Args:
        signature: Of the file.
        needed: How many have the lowest level that will do.
    """
    found = signature.structure
    if found.codec != "h264" or found.level is None:
        return 1.0
    lowest = needed_level(
        signature.facts.stored_size, fps=signature.fps, references=found.references or 1, b_frames=found.b_frames
    )
    return needed if found.level == lowest else (1 - needed) / _LEVELS


PHONE = VideoOrigin(
    share=0.55, formats={"mp4": 0.6, "mov": 0.38},
    codecs={("h264", "yuv420p"): 0.55, ("hevc", "yuv420p"): 0.25, ("h264", "yuvj420p"): 0.1,
            ("hevc", "yuv420p10le"): 0.08},
    profiles={"High": 0.75, "Baseline": 0.05, "Constrained Baseline": 0.1, "Main": 0.08}, needed_level=0.5,
    groups={(1.0, True): 0.6, (0.5, True): 0.1, (2.0, True): 0.1, (15, True): 0.03, (12, True): 0.03},
    b_frames={0: 0.75, 1: 0.1, 2: 0.13}, headers={(1, 0): 0.6, (2, 0): 0.12, (4, 0): 0.05}, qps={26: 0.7},
    message=0.002, rate=(8.0, 0.6), sounds={"none": 0.08, "aac": 0.88}, turned=0.4,
    sound_bps={96_000: 0.2, 128_000: 0.25, 192_000: 0.2, 256_000: 0.25},
)  # fmt: skip
"""A phone's or camera's own file: hardware encoders, high rates, keyframes every second, no B-frames."""

PROGRAM = VideoOrigin(
    share=0.45, formats={"mp4": 0.8, "mkv": 0.06, "mov": 0.06, "webm": 0.05},
    codecs={("h264", "yuv420p"): 0.8, ("hevc", "yuv420p"): 0.06, ("vp9", "yuv420p"): 0.04, ("h264", "yuv444p"): 0.03},
    profiles={"High": 0.8, "Main": 0.08, "Constrained Baseline": 0.06, "High 4:4:4 Predictive": 0.02},
    needed_level=0.8, groups={(250, False): 0.6, (12, False): 0.04, (1.0, False): 0.05, (2.0, False): 0.08},
    b_frames={0: 0.15, 2: 0.15, 3: 0.6, 8: 0.05},
    headers={(3, -2): 0.45, (1, 0): 0.2, (2, -2): 0.05, (5, -2): 0.06, (16, -2): 0.04, (2, 0): 0.04},
    qps={23: 0.3, 26: 0.25, 18: 0.08, 20: 0.06, 28: 0.05}, message=0.75, rate=(3.0, 1.0),
    sounds={"none": 0.25, "aac": 0.65, "opus": 0.03}, sound_bps={128_000: 0.5, 192_000: 0.15, 96_000: 0.1}, turned=0.01,
)  # fmt: skip
"""Written by an editor, a screen recorder or FFmpeg: mostly x264 with its defaults, which says so in the stream."""

UNKNOWN_NETWORK = VideoOrigin(
    share=1.0, formats={"mp4": 0.93, "webm": 0.05},
    codecs={("h264", "yuv420p"): 0.8, ("vp9", "yuv420p"): 0.07, ("hevc", "yuv420p"): 0.06, ("av1", "yuv420p"): 0.04},
    profiles={"High": 0.5, "Main": 0.25, "Constrained Baseline": 0.15, "Baseline": 0.05}, needed_level=0.5,
    groups={(1.0, True): 0.08, (2.0, True): 0.2, (4.0, True): 0.06, (5.0, True): 0.08, (2.0, False): 0.08,
            (4.0, False): 0.05, (5.0, False): 0.07, (10.0, False): 0.04, (250, False): 0.15, (90, False): 0.03},
    b_frames={0: 0.25, 1: 0.08, 2: 0.27, 3: 0.32, 8: 0.03},
    headers={(1, 0): 0.25, (2, 0): 0.08, (2, -2): 0.12, (3, -2): 0.2, (5, -2): 0.05, (4, -2): 0.03},
    qps={26: 0.3, 23: 0.08, 28: 0.05}, message=0.2, rate=(1.3, 0.9),
    sounds={"none": 0.15, "aac": 0.78, "opus": 0.05}, turned=0.02,
    sound_bps={64_000: 0.15, 96_000: 0.15, 128_000: 0.4},
)  # fmt: skip
"""A network or program of which there is no profile, or a known one that has changed since."""

UPLOADS = (PHONE, PROGRAM)


def short_side_chance(side_px: int) -> float:
    """Density of one exact short side among uploads."""
    inside = min(max(side_px, LEAST_SIDE_PX), MOST_SIDE_PX)
    rest = (1 - sum(SHORT_SIDES_PX.values())) / (inside * math.log(MOST_SIDE_PX / LEAST_SIDE_PX))
    return SHORT_SIDES_PX.get(side_px, 0.0) + rest


def shape_of(size: Size) -> tuple[int, int]:
    """The common shape that a size has, width before height; the size itself where it has none."""
    long_px, short_px = max(size), min(size)
    for wide, high in SHAPES:
        if abs(long_px - short_px * wide / high) < 2:  # video sides are even
            return (wide, high) if size[0] >= size[1] else (high, wide)
    return size


def shape_chance(size: Size) -> float:
    """Density of the long side and of standing or lying, given the short side."""
    shape = shape_of(size)
    either_way = 1.0 if size[0] == size[1] else 0.5
    common = SHAPES.get((max(shape), min(shape)), 0.0)
    return either_way * (common + (1 - sum(SHAPES.values())) / min(size))


def frame_rate_chance(fps: float) -> float:
    """Density of one exact frame rate among uploads."""
    return next((share for rate, share in FRAME_RATES.items() if same_frame_rate(rate, fps)), ODD_RATE)


def same_frame_rate(one: float, other: float) -> bool:
    """Whether two frame rates are one."""
    return abs(one / other - 1) <= SAME_FRAME_RATE
