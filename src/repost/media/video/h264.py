"""Parameter sets of H.264 (ITU-T H.264, clause 7.3.2), read bit by bit."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

_Bytes = TypeVar("_Bytes", bytes, memoryview)
_START_CODE = re.compile(b"\0\0\1")
_SEQUENCE, _PICTURE = 7, 8
"""Types of network abstraction layer units that hold parameter sets (table 7-1)."""

_SLICES = frozenset({1, 2, 3, 4, 5})
"""Types of units that hold coded pictures (table 7-1)."""

_CHROMA_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose sequence parameter sets say the chroma format (clause 7.3.2.1.1)."""
_EXTENDED_ASPECT = 255
_LONGEST_GOLOMB = 32
_SHORTEST_RECORD_BYTES = 6
_LONGEST_SET_BYTES = 4096
"""Far more than a parameter set with every scaling list takes; a hostile file could claim megabytes."""


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A sequence parameter set.

    Attributes:
        id: seq_parameter_set_id.
        level_idc: 10 times the level.
        chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        hypothetical_decoder: nal_hrd_parameters_present_flag.
    """

    id: int
    level_idc: int
    chroma_format_idc: int
    hypothetical_decoder: bool


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A picture parameter set; names are those of the standard, shortened.

    Attributes:
        sequence_id: Of the sequence parameter set it goes with.
        cabac: entropy_coding_mode_flag.
        references: num_ref_idx_l0_default_active_minus1 + 1.
        weighted_p: weighted_pred_flag.
        weighted_b: weighted_bipred_idc.
        initial_qp: 26 + pic_init_qp_minus26.
        chroma_qp_offset: chroma_qp_index_offset.
        transform_8x8: transform_8x8_mode_flag, 0 where it is left out.
    """

    sequence_id: int
    cabac: bool
    references: int
    weighted_p: bool
    weighted_b: int
    initial_qp: int
    chroma_qp_offset: int
    transform_8x8: bool


def find_parameter_sets(header: bytes, packet: bytes) -> tuple[SequenceSet, PictureSet] | None:
    """The first picture parameter set whose sequence parameter set is there too.

    Args:
        header: What the container keeps outside the stream: an "avcC" record (ISO/IEC 14496-15), an Annex B stream, or
            nothing.
        packet: The first one.

    Returns:
        Both, or None where there are none that can be read.
    """
    sequences: dict[int, SequenceSet] = {}
    pictures: list[PictureSet] = []
    for unit in _units(header, packet):
        kind, payload = unit[:1], unit[1:_LONGEST_SET_BYTES]
        with contextlib.suppress(_UnreadableError):
            if kind and kind[0] & 31 == _SEQUENCE:
                found = _sequence(_Bits(payload))
                sequences.setdefault(found.id, found)
            elif kind and kind[0] & 31 == _PICTURE:
                pictures.append(_picture(_Bits(payload)))
    return next(
        ((sequences[picture.sequence_id], picture) for picture in pictures if picture.sequence_id in sequences), None
    )


def picture_units(header: bytes, packet: bytes) -> bytes:
    """The coded picture of a packet: its slices, without parameter sets, messages and the framing of the container.

    Args:
        header: What the container keeps outside the stream: an "avcC" record, an Annex B stream, or nothing.
        packet: Any packet of the stream.

    Returns:
        The slices, the same bytes in whatever container; empty where there are none.
    """
    framed = header[:1] == b"\1" and len(header) > _SHORTEST_RECORD_BYTES
    units = units_of_packet(packet, (header[4] & 3) + 1) if framed else _units_of_stream(packet)
    # Units never end with a zero (clause 7.4.1); one in front of a start code belongs to the code.
    return b"".join(unit.rstrip(b"\0") for unit in units if unit and unit[0] & 31 in _SLICES)


def _units(header: bytes, packet: bytes) -> Iterator[bytes]:
    if header[:1] == b"\1" and len(header) > _SHORTEST_RECORD_BYTES:
        yield from _units_of_record(header)
        yield from units_of_packet(packet, (header[4] & 3) + 1)
    else:
        yield from _units_of_stream(header)
        yield from _units_of_stream(packet)


def _units_of_record(record: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (31, 255):
        count = record[at] & mask if at < len(record) else 0
        at += 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            yield record[at + 2 : at + 2 + size]
            at += 2 + size


def units_of_packet(packet: _Bytes, length_bytes: int) -> Iterator[_Bytes]:
    """The units of a packet as MP4 and Matroska frame them, each behind its length (ISO/IEC 14496-15).

    Args:
        packet: Of H.264, or of HEVC, which is framed alike.
        length_bytes: Of a length.

    Yields:
        The units, with their headers.
    """
    at = 0
    while at + length_bytes < len(packet):
        size = int.from_bytes(packet[at : at + length_bytes], "big")
        at += length_bytes
        yield packet[at : at + size]
        at += size


def _units_of_stream(stream: bytes) -> Iterator[bytes]:
    starts = list(_START_CODE.finditer(stream))
    ends = [following.start() for following in starts[1:]] + [len(stream)]
    return (stream[found.end() : end] for found, end in zip(starts, ends, strict=False))


class _UnreadableError(Exception):
    """The bits end too soon or mean nothing."""


class _Bits:
    """Reads the bits of a unit, its emulation prevention taken out (clause 7.3.1)."""

    def __init__(self, unit: bytes) -> None:
        payload = unit.replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in payload)
        self._at = 0

    def unsigned(self, count: int) -> int:
        """u(count)."""
        if self._at + count > len(self._bits):
            raise _UnreadableError
        self._at += count
        return int(self._bits[self._at - count : self._at] or "0", 2)

    def flag(self) -> bool:
        """u(1)."""
        return bool(self.unsigned(1))

    def golomb(self) -> int:
        """ue(v)."""
        zeros = self._bits.find("1", self._at) - self._at
        if not 0 <= zeros <= _LONGEST_GOLOMB:
            raise _UnreadableError
        self._at += zeros
        return self.unsigned(zeros + 1) - 1

    def signed_golomb(self) -> int:
        """se(v)."""
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def skip_golombs(self, count: int) -> None:
        """Pass over as many ue(v) or se(v)."""
        for _ in range(count):
            self.golomb()

    def more(self) -> bool:
        """more_rbsp_data(): whether anything stands before the stop bit."""
        return self._at < self._bits.rfind("1")


def _sequence(bits: _Bits) -> SequenceSet:
    profile = bits.unsigned(8)
    bits.unsigned(8)  # constraint flags
    level = bits.unsigned(8)
    identity = bits.golomb()
    chroma = _chroma_format(bits) if profile in _CHROMA_PROFILES else 1
    bits.golomb()  # log2_max_frame_num_minus4
    order = bits.golomb()
    if order == 0:
        bits.golomb()  # log2_max_pic_order_cnt_lsb_minus4
    elif order == 1:
        bits.flag()  # delta_pic_order_always_zero_flag
        bits.skip_golombs(2)  # offset_for_non_ref_pic, offset_for_top_to_bottom_field
        bits.skip_golombs(bits.golomb())  # offset_for_ref_frame
    bits.golomb()  # max_num_ref_frames
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    bits.skip_golombs(2)  # pic_width_in_mbs_minus1, pic_height_in_map_units_minus1
    if not bits.flag():  # frame_mbs_only_flag
        bits.flag()  # mb_adaptive_frame_field_flag
    bits.flag()  # direct_8x8_inference_flag
    if bits.flag():  # frame_cropping_flag
        bits.skip_golombs(4)
    return SequenceSet(identity, level, chroma, bits.flag() and _hypothetical_decoder(bits))


def _chroma_format(bits: _Bits) -> int:
    chroma = bits.golomb()
    if chroma == 3:
        bits.flag()  # separate_colour_plane_flag
    bits.skip_golombs(2)  # bit_depth_luma_minus8, bit_depth_chroma_minus8
    bits.flag()  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling_list(bits: _Bits, count: int) -> None:
    last = following = 8
    for _ in range(count):
        if following:
            following = (last + bits.signed_golomb()) % 256
        last = following or last


def _hypothetical_decoder(bits: _Bits) -> bool:
    """Whether the usability information (annex E.1.1), read up to there, has parameters of the NAL HRD."""
    if bits.flag() and bits.unsigned(8) == _EXTENDED_ASPECT:  # aspect_ratio_info
        bits.unsigned(32)
    if bits.flag():  # overscan_info
        bits.flag()
    if bits.flag():  # video_signal_type
        bits.unsigned(4)
        if bits.flag():  # colour_description
            bits.unsigned(24)
    if bits.flag():  # chroma_loc_info
        bits.skip_golombs(2)
    if bits.flag():  # timing_info
        bits.unsigned(65)
    return bits.flag()


def _picture(bits: _Bits) -> PictureSet:
    bits.golomb()  # pic_parameter_set_id
    sequence = bits.golomb()
    cabac = bits.flag()
    bits.flag()  # bottom_field_pic_order_in_frame_present_flag
    if bits.golomb():  # num_slice_groups_minus1
        raise _UnreadableError  # slice groups: only the Extended and Baseline profiles, and FFmpeg does not decode them
    references = bits.golomb() + 1
    bits.golomb()  # num_ref_idx_l1_default_active_minus1
    weighted_p = bits.flag()
    weighted_b = bits.unsigned(2)
    initial = 26 + bits.signed_golomb()
    bits.signed_golomb()  # pic_init_qs_minus26
    chroma = bits.signed_golomb()
    bits.unsigned(3)  # deblocking control, constrained intra prediction, redundant pictures
    return PictureSet(sequence, cabac, references, weighted_p, weighted_b, initial, chroma, bits.more() and bits.flag())
