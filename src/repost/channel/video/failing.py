"""FFmpeg's failures while it works on frames, as errors of repost."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from av.error import FFmpegError

from repost.core.errors import EncodeFailed


@contextmanager
def failing(codec: str) -> Generator[None]:
    """Turn an encoder's or filter's failures into `EncodeFailed`.

    Args:
        codec: FFmpeg's name of it.

    Raises:
        EncodeFailed: It failed in the block.
    """
    try:
        yield
    except (FFmpegError, ValueError) as error:  # PyAV says ValueError of names that FFmpeg does not know
        raise EncodeFailed(codec, reason=getattr(error, "strerror", None) or str(error)) from error
