"""Where a file should end by what it says itself, to notice one that was cut off."""

from __future__ import annotations

from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from repost.media.video.facts import end_of_frames

_HEAD_BYTES = 4096
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
"""Identifiers of Matroska's header and of the element that holds everything else (RFC 9559, 5.1)."""


def cut_off(path: Path, container: InputContainer, stream: VideoStream) -> str | None:
    """Why a file is known to be cut off.

    Args:
        path: The file.
        container: The same, opened, whose packets have been read.
        stream: Its pictures.

    Returns:
        The reason with both sizes; None where nothing is missing, or where the file does not say how long it is.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        expected = max(end_of_frames(container, stream), _end_in_head(file.read(_HEAD_BYTES)))
    return f"it is cut off: {expected:,} bytes expected, {size_bytes:,} there" if expected > size_bytes else None


def _end_in_head(head: bytes) -> int:
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little")
    if head[:4] != _EBML:
        return 0
    at, size = _sized(head, 4)
    at += size
    if head[at : at + 4] != _SEGMENT:
        return 0
    at, size = _sized(head, at + 4)
    return at + size


def _sized(head: bytes, at: int) -> tuple[int, int]:
    """Where the content of an element begins, and its size: 0 where that is unknown, as in a stream (RFC 8794, 4)."""
    first = head[at] if at < len(head) else 0
    length = 9 - first.bit_length()
    value = int.from_bytes(head[at : at + length], "big") & ((1 << 7 * length) - 1)
    return at + length, 0 if value == (1 << 7 * length) - 1 else value
