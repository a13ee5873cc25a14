"""Open videos safely: format by content, every failure of FFmpeg a clear error."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from repost.core.errors import InputNotFound, NotMedia, TooManyPixels, UnreadableMedia, UnsupportedMedia
from repost.media.read import max_pixels_allowed
from repost.media.sniff import IMAGE_FORMATS, VIDEO_FORMATS, describe, sniff

_DEMUXERS = {"mp4": "mov", "mov": "mov", "webm": "matroska", "mkv": "matroska", "avi": "avi", "h264": "h264"}
"""FFmpeg's demuxer for each format. Only these are offered a file: playlists and concat scripts, which make FFmpeg read
other files, are never guessed at."""

_PROTOCOL = "file"
"""The only protocol FFmpeg may use, for the file itself and for whatever it refers to."""

_MOST_PIXELS = 2**31 - 1
"""The highest limit that FFmpeg's max_pixels takes."""

_ROW_STEP_PX = 64
"""STRIDE_ALIGN of FFmpeg's libavcodec, at its largest."""


def video_format(path: Path, *, name: str) -> str:
    """The container of a video file, by its content.

    Args:
        path: The file.
        name: What it is called in errors.

    Returns:
        One of `sniff.VIDEO_FORMATS`.

    Raises:
        InputNotFound: There is no such file.
        UnreadableMedia: It cannot be read, or is empty.
        UnsupportedMedia: It is an image.
        NotMedia: It is neither image nor video.
    """
    if not path.is_file():
        raise InputNotFound(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise UnreadableMedia(name, reason=error.strerror or str(error)) from error
    if not head:
        raise UnreadableMedia(name, reason="the file is empty")
    found = sniff(head)
    if found in VIDEO_FORMATS:
        return found
    if found in IMAGE_FORMATS:
        raise UnsupportedMedia(name, got=f"a {found} image", expected="a video", remedy="images go with images")
    raise NotMedia(name, got=describe(head))


@contextmanager
def open_video(
    path: Path, *, name: str, max_pixels: int | None = None
) -> Generator[tuple[InputContainer, VideoStream]]:
    """Open a video file and its picture stream.

    Args:
        path: The file.
        name: What it is called in errors.
        max_pixels: Limit on width x height of a frame; the limit in force when None. The decoder holds frames that come
            later to it too.

    Yields:
        The container, and its first video stream that is no cover picture.

    Raises:
        InputNotFound: There is no such file.
        UnreadableMedia: It is damaged, truncated or empty; also for damage that is found while the block decodes.
        UnsupportedMedia: It is an image, holds no moving pictures, or needs a decoder that is not there.
        TooManyPixels: Its frames are over the limit.
        NotMedia: It is neither image nor video.
    """
    demuxer = _DEMUXERS[video_format(path, name=name)]
    limit = min(max_pixels_allowed() if max_pixels is None else max_pixels, _MOST_PIXELS)
    options = {"max_pixels": str(limit), "protocol_whitelist": _PROTOCOL}
    # Without the prefix FFmpeg would take a name such as "concat:a|b" or "pipe:0" for something else to read.
    address = f"{_PROTOCOL}:{path}"
    # Tags are in whatever encoding they were written in: one that is not UTF-8 must not fail the video.
    with reading(name), av.open(address, format=demuxer, options=options, metadata_errors="replace") as container:
        stream = _picture_stream(container, name)
        context = stream.codec_context
        if (pixel_count := context.width * context.height) > limit:
            raise TooManyPixels(name, pixel_count=pixel_count, limit=limit)
        # FFmpeg counts rows rounded up to its alignment.
        aligned = -(-context.width // _ROW_STEP_PX) * _ROW_STEP_PX * context.height
        context.options = {"max_pixels": str(min(max(limit, aligned), _MOST_PIXELS))}
        yield container, stream


def _picture_stream(container: InputContainer, name: str) -> VideoStream:
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams}) or ["nothing"]
        raise UnsupportedMedia(
            name, got=f"a file with {', '.join(kinds)} only", expected="a video", remedy="choose another file"
        )
    context: Any = streams[0].codec_context  # its stubs leave out that there may be none
    if context is None:
        raise UnsupportedMedia(
            name, got="an unknown video codec", expected="one that FFmpeg decodes", remedy="convert the video first"
        )
    return streams[0]


@contextmanager
def reading(name: str) -> Generator[None]:
    """Turn FFmpeg's failures into `UnreadableMedia`.

    Args:
        name: What the file is called in errors.

    Raises:
        UnreadableMedia: FFmpeg failed in the block.
    """
    try:
        yield
    except FFmpegError as error:
        raise UnreadableMedia(name, reason=(error.strerror or str(error)).lower()) from error


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)
