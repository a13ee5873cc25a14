"""Chances of single traits of a coded stream, as any encoder with given settings leaves them.

Chances are of exact values, densities of rates per unit of their natural logarithm, so that those of different origins
can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from repost.estimation.identify.likelihood import RARE
from repost.estimation.identify.videos.signature import VideoSignature

Aspect: TypeAlias = Literal[
    "format", "codec", "profile", "level", "group", "b_frames", "headers", "qp", "rate", "message", "sound", "turn"
]
"""A trait that a profile or an origin has a chance for: container; standard and pixel format; profile; level; distances
of keyframes; B-frames in a row; references and chroma offset of H.264 headers; their initial QP; bits per pixel and
second; the encoder's message; sound; rotation left to the player."""

Aspects: TypeAlias = dict[Aspect, float]

_CUT_FULL = 0.7
"""How often a video that is long enough has a group of the full length where scenes may start one earlier."""

_RUN_FULL = 0.75
"""How often the most B-frames allowed are used somewhere. x264 decides by content; noisy clips have shorter runs."""

_ODD_CONTENT, _ODD_SPREAD = 0.15, 2.0
"""How many clips are far from usual, as noise and stills are, and how far their rates spread in natural logarithms."""

_SOUND_KEPT = 0.7
"""How often the header's bitrate is near the one asked for; silence and mono take less."""
_SOUND_SPREAD = 0.06
_SOUND_BPS, _SOUND_BROAD = 96_000, 1.0
"""Where the bitrates of all sounds lie, and how far they spread, in natural logarithms."""


def either(yes: bool, *, chance: float = 1 - RARE) -> float:
    """The chance of what was found, where something is so with a chance."""
    return chance if yes else 1 - chance


def bell(ratio: float, spread: float) -> float:
    """Density of a logarithm that spreads like a Gaussian.

    Args:
        ratio: The number over the one it spreads around.
        spread: Standard deviation of its natural logarithm.
    """
    if ratio <= 0:
        return 0.0
    return math.exp(-((math.log(ratio) / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))


def content_bell(ratio: float, spread: float) -> float:
    """Density of a rate that depends on what is shown: like `bell`, with room for noise and for stills."""
    return (1 - _ODD_CONTENT) * bell(ratio, spread) + _ODD_CONTENT * bell(ratio, _ODD_SPREAD)


def group_chance(signature: VideoSignature, length: int, *, fixed: bool) -> float:
    """The chance of the keyframes found.

    Args:
        signature: Of the file.
        length: Most frames from one keyframe to the next.
        fixed: Whether they come at exactly that distance.
    """
    gaps, tail = signature.keyframe_gaps, signature.tail_frames
    if max((*gaps, tail)) > length:
        return RARE / 100
    if fixed:
        return 1 - RARE if all(gap == length for gap in gaps) else RARE / 100
    if not gaps:
        return _CUT_FULL
    if signature.facts.frame_count <= length:
        return (1 - _CUT_FULL) / length
    return _CUT_FULL if max(gaps) == length else (1 - _CUT_FULL) / length


def run_chance(longest: int, most: int) -> float:
    """The chance of the longest run of B-frames found, where `most` may follow each other."""
    if longest > most:
        return RARE / 10
    if most == 0:
        return 1 - RARE
    return _RUN_FULL if longest == most else (1 - _RUN_FULL) / most


def sound_rate_chance(bitrate_bps: int | None, nominal_bps: Iterable[tuple[float, float]]) -> float:
    """Density of a bitrate of sound; 1 where the header tells none.

    Args:
        bitrate_bps: As the header says.
        nominal_bps: Bitrates asked for, with their chances.
    """
    if bitrate_bps is None:
        return 1.0
    near = sum(chance * bell(bitrate_bps / asked, _SOUND_SPREAD) for asked, chance in nominal_bps)
    return _SOUND_KEPT * near + (1 - _SOUND_KEPT) * bell(bitrate_bps / _SOUND_BPS, _SOUND_BROAD)


def one_of(found: object, known: Mapping[object, float], *, others: int) -> float:
    """The chance of a value, where those not known share what is left.

    Args:
        found: The value.
        known: Chances of values; they add up to less than one.
        others: How many others there are.
    """
    rest = max(1 - sum(known.values()), RARE) / others
    return known.get(found, 0.0) + (rest if found not in known else 0.0)
