"""How an H.264 stream was set up: its parameter sets, and the settings that x264 and x265 write into their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repost.media.video.h264 import find_parameter_sets, picture_units
from repost.media.video.open import open_video

_SETTINGS = re.compile(rb"x26[45] [^\0]*")
_SETTING = re.compile(r"([\w-]+)=(\S+)")
_FLAG = re.compile(r"(?<!\S)(no-)?([a-z][\w-]*)(?!\S)")


@dataclass(frozen=True, slots=True)
class H264Headers:
    """The first parameter sets of a stream, by the names of ITU-T H.264.

    Attributes:
        level_idc: 10 times the level.
        cabac: Entropy coding is CABAC and not CAVLC.
        references: Default size of list 0, num_ref_idx_l0_default_active: x264's `ref`. max_num_ref_frames is no
            measure of it, since a pyramid of B-frames raises it to 4.
        initial_qp: pic_init_qp of the picture parameter set. x264 writes its whole CRF there, or 26 for a first pass at
            an average bitrate (libx264's `ABR ? 26 : qp_constant`). With more than 8 bits lower numbers, down to -12
            with 10 bits, are in use too.
        chroma_qp_offset: chroma_qp_index_offset; x264 lowers it by its psychovisual settings, and raises it by 6 for
            4:4:4.
        transform_8x8: Whether 8x8 transforms are allowed.
        weighted_p: Whether P-frames are weighted.
        weighted_b: weighted_bipred_idc: 0 none, 1 explicit, 2 implicit.
        hypothetical_decoder: Whether NAL HRD parameters are present, as they are where a buffer is signalled.
        chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    """

    level_idc: int
    cabac: bool
    references: int
    initial_qp: int
    chroma_qp_offset: int
    transform_8x8: bool
    weighted_p: bool
    weighted_b: int
    hypothetical_decoder: bool
    chroma_format_idc: int = 1


def read_h264_headers(path: Path, *, name: str | None = None, max_pixels: int | None = None) -> H264Headers | None:
    """Read the parameter sets of an H.264 stream, without decoding it.

    Args:
        path: The file.
        name: What it is called in errors; the path when None.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        Its headers, or None where the stream is not H.264 or carries no parameter sets.

    Raises:
        MediaError: It is no video, damaged or empty.
    """
    with open_video(path, name=name or str(path), max_pixels=max_pixels) as (container, stream):
        context = stream.codec_context
        if context.codec.canonical_name != "h264":
            return None
        packet = next((packet for packet in container.demux(stream) if packet.size), None)
        # MP4 keeps parameter sets in its own header; streams without one repeat them before every keyframe.
        found = find_parameter_sets(context.extradata or b"", bytes(packet) if packet else b"")
    if found is None:
        return None
    sequence, picture = found
    return H264Headers(
        level_idc=sequence.level_idc,
        cabac=picture.cabac,
        references=picture.references,
        initial_qp=picture.initial_qp,
        chroma_qp_offset=picture.chroma_qp_offset,
        transform_8x8=picture.transform_8x8,
        weighted_p=picture.weighted_p,
        weighted_b=picture.weighted_b,
        hypothetical_decoder=sequence.hypothetical_decoder,
        chroma_format_idc=sequence.chroma_format_idc,
    )


def read_h264_pictures(path: Path, *, name: str | None = None, max_pixels: int | None = None) -> Iterator[bytes]:
    """Read the coded pictures of an H.264 stream, without decoding them.

    Args:
        path: The file.
        name: What it is called in errors; the path when None.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Yields:
        The slices of each packet, in the order they lie in the file; see `h264.picture_units`.

    Raises:
        MediaError: It is no video, damaged or empty; perhaps only after some packets.
    """
    with open_video(path, name=name or str(path), max_pixels=max_pixels) as (container, stream):
        header = stream.codec_context.extradata or b""
        for packet in container.demux(stream):
            if packet.size:
                yield picture_units(header, bytes(packet))


def parse_encoder_settings(message: bytes) -> Mapping[str, str] | None:
    """The settings that x264 or x265 left in a user data message.

    Args:
        message: Payload of an unregistered SEI message.

    Returns:
        "encoder" ("x264 - core 165 ...") and every option by its name; None where the message is something else.
        x265 writes switches as words: `wpp` becomes "1", `no-sao` makes "sao" "0".

    Example:
        >>> dict(parse_encoder_settings(b"x264 - core 165 - options: cabac=1 ref=3 crf=23.0"))
        {'encoder': 'x264 - core 165', 'cabac': '1', 'ref': '3', 'crf': '23.0'}
    """
    found = _SETTINGS.search(message)
    if not found:
        return None
    text = found[0].decode("ascii", "replace")
    head, mark, options = text.partition("options: ")
    if not mark:
        return None
    switches = {name: "0" if no else "1" for no, name in _FLAG.findall(options) if "=" not in name}
    return {"encoder": head.partition(" - H.26")[0].strip(" -"), **switches, **dict(_SETTING.findall(options))}
