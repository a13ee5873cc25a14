"""What the packets of a stream are to each other: where decoding can start, and which nothing else depends on."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

from repost.media.video.h264 import units_of_packet


class Role(Enum):
    """What a packet is to others.

    Attributes:
        ENTRY: A picture at which decoding can start: everything shown after it is decoded to the bit without anything
            before it.
        DISPOSABLE: A picture that no other is predicted from.
        NEEDED: Any other.
        OPAQUE: Nothing can be said; the whole stream has to be decoded in order.
    """

    ENTRY = "entry"
    DISPOSABLE = "disposable"
    NEEDED = "needed"
    OPAQUE = "opaque"


def role_reader(stream: VideoStream) -> Callable[[Packet[VideoStream]], Role]:
    """How the packets of a stream are told apart.

    Args:
        stream: Of an open file.

    Returns:
        A function of a packet, which does not decode. Of H.264 and HEVC in MP4 or Matroska it reads the headers of the
        units, of codecs without prediction between frames every packet is an entry, of others all are opaque.

    Convention:
        An entry is an IDR picture, or a CRA picture of HEVC, whose trailing pictures refer to nothing before it (ITU-T
        H.265, 3.30). The recovery points of H.264's open groups are none, although containers mark them: a decoder
        may need pictures from before them. Disposable is a picture of H.264 with nal_ref_idc 0 (ITU-T H.264, 7.4.1).
    """
    context = stream.codec_context
    header = context.extradata or b""
    name = context.codec.canonical_name
    if context.codec.intra_only:
        return lambda packet: Role.ENTRY if packet.is_keyframe else Role.OPAQUE
    for codec, at, role in (("h264", 4, _role_in_h264), ("hevc", 21, _role_in_hevc)):
        if name == codec and header[:1] == b"\1" and len(header) > at:
            return _Reader((header[at] & 3) + 1, role)
    return lambda _: Role.OPAQUE


class _Reader:
    def __init__(self, length_bytes: int, role: Callable[[list[tuple[int, bool]]], Role]) -> None:
        self._length_bytes, self._role = length_bytes, role

    def __call__(self, packet: Packet[VideoStream]) -> Role:
        if packet.has_sidedata("new_extradata"):
            return Role.OPAQUE  # other parameter sets from here on
        buffer: Any = packet  # it has the buffer protocol, which its stubs do not tell
        units = units_of_packet(memoryview(buffer), self._length_bytes)
        return self._role([(unit[0], unit[0] & 0x60 == 0) for unit in units if len(unit)])


_H264_SLICE, _H264_IDR = 1, 5
_H264_BESIDE = frozenset({6, 9, 12})
"""Messages, delimiters and filler (table 7-1): a picture is the same without them."""
_H264_SETS = frozenset({7, 8, 13, 15})
_HEVC_IDR_AND_CRA = frozenset({19, 20, 21})
_HEVC_LAST_PLAIN = 9
"""RASL_R, the last type of pictures that are no entry (ITU-T H.265, table 7-1)."""
_HEVC_BESIDE = frozenset({35, 38, 39, 40, 62, 63})
"""Delimiters, filler, messages, and the unspecified types that Dolby Vision uses."""
_HEVC_SETS = frozenset({32, 33, 34})


def _role_in_h264(units: list[tuple[int, bool]]) -> Role:
    kinds = {first & 31 for first, _ in units}
    pictures = kinds - _H264_BESIDE
    if pictures - _H264_SETS == {_H264_IDR}:
        return Role.ENTRY
    if pictures != {_H264_SLICE}:
        return Role.OPAQUE  # sets that come with any picture, data partitions, further layers
    return Role.DISPOSABLE if all(free for first, free in units if first & 31 == _H264_SLICE) else Role.NEEDED


def _role_in_hevc(units: list[tuple[int, bool]]) -> Role:
    kinds = {first >> 1 & 63 for first, _ in units}
    pictures = kinds - _HEVC_BESIDE
    entries = pictures - _HEVC_SETS
    if entries and entries <= _HEVC_IDR_AND_CRA:
        return Role.ENTRY
    # What is opaque makes decoders start anew: spliced streams (BLA pictures), ends of sequences, other parameter sets.
    return Role.NEEDED if pictures and max(pictures) <= _HEVC_LAST_PLAIN else Role.OPAQUE
