"""What image files look like before any network touches them, and after software nobody has described.

These shares are judgements about photographs that people upload, rounded, and none was fitted to files that measure
the result; `benchmarks/identify.py` shows how well the probabilities made from them hold. Only their order of
magnitude matters: what decides between networks is what a network fixes (one quality, one size), against which
everything here is spread thin.

Convention: every density is for one file's exact values, so that densities of different origins can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from repost.estimation.identify.signature import JpegCoding, Signature, Trace

OTHER_TABLES = 1e-3
"""Density of one particular pair of tables that is no IJG quality: some thousand different ones are in use by cameras
and editors. The same for every origin, so it weighs only against profiles that hold verbatim tables."""

GREY = 0.03
"""Share of greyscale among JPEG, whoever writes them; another value changes nothing between origins."""

ODD_SUBSAMPLING = 0.005
"""Share of each chroma subsampling not listed for an origin."""

FORMATS: Mapping[str, float] = {
    "jpeg": 0.78, "png": 0.12, "heif": 0.05, "webp": 0.03, "gif": 0.005, "avif": 0.005, "tiff": 0.005, "bmp": 0.005,
}  # fmt: skip
"""Share of each format among uploads."""

SERVED_FORMATS: Mapping[str, float] = FORMATS | {"jpeg": 0.75, "webp": 0.08, "heif": 0.03}
"""The same among files of an unknown network or program."""

COMMON_QUALITIES: Mapping[int, float] = {75: 0.2, 80: 0.15, 85: 0.15, 90: 0.2, 92: 0.1, 95: 0.15, 100: 0.05}
"""Qualities programs have as their defaults (75 libjpeg and Pillow, 92 browsers and ImageMagick, 95 OpenCV) and
people's round numbers."""

COMMON_SIDES_PX = (
    # cameras and phones
    2592, 3000, 3024, 3264, 3456, 3648, 3840, 4000, 4032, 4160, 4288, 4608, 4624, 4896, 4928, 5184, 5472, 5760, 6000,
    6016, 6240, 6720, 8000, 8192,
    # screens, and limits of networks and programs
    320, 400, 480, 500, 512, 600, 604, 612, 640, 700, 720, 736, 750, 768, 800, 900, 960, 1000, 1024, 1080, 1200, 1280,
    1334, 1366, 1440, 1500, 1600, 1920, 2000, 2048, 2340, 2400, 2436, 2556, 2560, 3120, 4096,
)  # fmt: skip
"""Long sides that many files share: sensors, screens, and the limits of networks whether known here or not."""

COMMON_SIDES_SHARE = 0.65
LEAST_SIDE_PX, MOST_SIDE_PX = 32, 12_000
"""Sides outside the common ones are spread evenly over the logarithm of this range."""

COMMON_SHAPES: tuple[tuple[int, int], ...] = ((3, 2), (4, 3), (16, 9), (1, 1), (5, 4))
"""Width and height of common shapes; each also stands upright."""
COMMON_SHAPES_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Origin:
    """A kind of program that writes files.

    Attributes:
        share: Among the origins of its population.
        ijg: How many of its JPEG have tables of an IJG quality.
        qualities: Chance of each common quality among those; the rest is spread over `spread`.
        spread: Lowest and highest quality of the rest.
        subsampling: Chance of each chroma subsampling.
        progressive: How many JPEG are progressive.
        optimized: How many of the others have Huffman tables of their own.
        carries: How often files carry each kind of thing besides the picture; 0.01 where not named.
    """

    share: float
    ijg: float
    qualities: Mapping[int, float] = field(hash=False)
    spread: tuple[int, int]
    subsampling: Mapping[str, float] = field(hash=False)
    progressive: float
    optimized: float
    carries: Mapping[Trace, float] = field(hash=False)

    def table_chance(self, coding: JpegCoding) -> float:
        """Density of these quantisation tables."""
        return self.quality_chance(coding.quality)

    def quality_chance(self, quality: int | None) -> float:
        """Density of one IJG quality, or of one pair of tables that is none."""
        if quality is None:
            return (1 - self.ijg) * OTHER_TABLES
        least, most = self.spread
        rest = 1 - sum(self.qualities.values())
        even = rest / (most - least + 1) if least <= quality <= most else 0.0
        return self.ijg * max(self.qualities.get(quality, 0.0) + even, 1e-4)

    def subsampling_chance(self, subsampling: str) -> float:
        """Chance of a chroma subsampling."""
        return subsampling_chance(subsampling, self.subsampling)

    def scan_chance(self, coding: JpegCoding) -> float:
        """Chance of the scan type and of the Huffman tables."""
        if coding.progressive:
            return self.progressive
        huffman = {True: self.optimized, False: 1 - self.optimized, None: 1.0}[coding.optimized_huffman]
        return (1 - self.progressive) * huffman

    def carry_chance(self, trace: Trace) -> float:
        """How often its files carry one kind of thing."""
        return self.carries.get(trace, 0.01)


def subsampling_chance(subsampling: str, known: Mapping[str, float]) -> float:
    """Chance of a chroma subsampling, with room for greyscale and odd ones; `known` adds up to one."""
    if subsampling == "grey":
        return GREY
    return (1 - GREY) * max(known.get(subsampling, 0.0), ODD_SUBSAMPLING)


CAMERA = Origin(
    share=0.55, ijg=0.4, qualities={95: 0.2}, spread=(80, 100),
    subsampling={"4:2:0": 0.5, "4:2:2": 0.38, "4:4:4": 0.12}, progressive=0.01, optimized=0.3,
    carries={"exif": 0.95, "orientation": 0.002, "xmp": 0.25, "icc": 0.05, "plain_icc": 0.3, "mpf": 0.3, "jfif": 0.4},
)  # fmt: skip
"""A camera's or phone's own file."""

EDITOR = Origin(
    share=0.15, ijg=0.4, qualities={90: 0.15, 92: 0.1, 95: 0.15, 100: 0.15}, spread=(60, 100),
    subsampling={"4:2:0": 0.35, "4:2:2": 0.1, "4:4:4": 0.55}, progressive=0.15, optimized=0.7,
    carries={"exif": 0.6, "orientation": 0.005, "xmp": 0.55, "icc": 0.3, "plain_icc": 0.25, "iptc": 0.5, "jfif": 0.7,
             "c2pa": 0.02, "comment": 0.05},
)  # fmt: skip
"""Saved by a person in a program for photographs."""

SOFTWARE = Origin(
    share=0.3, ijg=0.92, qualities={quality: 0.7 * share for quality, share in COMMON_QUALITIES.items()},
    spread=(40, 100), subsampling={"4:2:0": 0.75, "4:2:2": 0.03, "4:4:4": 0.22}, progressive=0.2, optimized=0.35,
    carries={"exif": 0.12, "orientation": 0.005, "xmp": 0.05, "icc": 0.03, "plain_icc": 0.08, "iptc": 0.03,
             "jfif": 0.93, "comment": 0.06, "c2pa": 0.01},
)  # fmt: skip
"""Written by a library or a web site: screenshots, downloads, pictures sent on."""

UNKNOWN_NETWORK = Origin(
    share=1.0, ijg=0.9, qualities={quality: 0.5 * share for quality, share in COMMON_QUALITIES.items()},
    spread=(50, 100), subsampling={"4:2:0": 0.85, "4:2:2": 0.02, "4:4:4": 0.13}, progressive=0.45, optimized=0.4,
    carries={"exif": 0.05, "orientation": 0.01, "xmp": 0.03, "icc": 0.03, "plain_icc": 0.12, "iptc": 0.05,
             "jfif": 0.93, "comment": 0.03, "c2pa": 0.02},
)  # fmt: skip
"""A network or program of which there is no profile, or a known one that has changed since."""

UPLOADS = (CAMERA, EDITOR, SOFTWARE)

SCREENSHOTS = Origin(
    share=1.0, ijg=1.0, qualities={}, spread=(1, 100), subsampling={}, progressive=0.0, optimized=0.0,
    carries={"exif": 0.15, "xmp": 0.15, "icc": 0.05, "plain_icc": 0.15},
)  # fmt: skip
"""Files without JPEG coding: PNG, WebP and others; HEIF comes from phones and is a camera's."""


def origins_of(format_: str) -> tuple[Origin, ...]:
    """The kinds of programs that write uploads of a format; their shares add up to one."""
    if format_ == "jpeg":
        return UPLOADS
    return (CAMERA_HEIF,) if format_ == "heif" else (SCREENSHOTS,)


CAMERA_HEIF = Origin(
    share=1.0, ijg=1.0, qualities={}, spread=(1, 100), subsampling={}, progressive=0.0, optimized=0.0,
    carries={"exif": 0.95, "xmp": 0.4, "plain_icc": 0.6, "icc": 0.02},
)  # fmt: skip


def side_chance(side_px: int) -> float:
    """Density of one exact long side among uploads."""
    common = COMMON_SIDES_SHARE / len(COMMON_SIDES_PX) if side_px in _COMMON else 0.0
    inside = min(max(side_px, LEAST_SIDE_PX), MOST_SIDE_PX)
    return common + (1 - COMMON_SIDES_SHARE) / (inside * math.log(MOST_SIDE_PX / LEAST_SIDE_PX))


_COMMON = frozenset(COMMON_SIDES_PX)


def shape_chance(signature: Signature) -> float:
    """Density of the short side and of standing or lying, given the long side."""
    width, height = signature.size
    long_px, short_px = max(width, height), min(width, height)
    common = sum(
        1 for wide, high in COMMON_SHAPES if abs(short_px - long_px * high / wide) <= 0.5 + 1e-9
    ) * COMMON_SHAPES_SHARE / len(COMMON_SHAPES)  # fmt: skip
    either_way = 1.0 if width == height else 0.5
    return either_way * (min(common, COMMON_SHAPES_SHARE) + (1 - COMMON_SHAPES_SHARE) / long_px)


SIDE_STEPS = 60
"""How finely uncommon long sides are tried; limits of networks are common ones."""


@lru_cache(maxsize=1)
def sides() -> tuple[tuple[int, float], ...]:
    """Long sides of uploads to try, each with its chance; they add up to one."""
    ratio = (MOST_SIDE_PX / LEAST_SIDE_PX) ** (1 / SIDE_STEPS)
    even = (1 - COMMON_SIDES_SHARE) / SIDE_STEPS
    uncommon = [(round(LEAST_SIDE_PX * ratio ** (step + 0.5)), even) for step in range(SIDE_STEPS)]
    common = [(side_px, COMMON_SIDES_SHARE / len(COMMON_SIDES_PX)) for side_px in COMMON_SIDES_PX]
    return tuple(sorted(uncommon + common))
