"""Small pictures of some moments of a video, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from repost.core.errors import UnreadableMedia
from repost.media.video.facts import VideoFacts
from repost.media.video.frames import luma_of
from repost.media.video.open import open_video

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

SIDE_PX = 128
"""Thumbnails are this wide and high, whatever the shape of the video."""

_SEEKABLE = ("mp4", "mov", "mkv", "webm")
"""Containers with an index that leads to a keyframe at or before a time; others are decoded through."""
_WORTH_SEEKING_S = 10.0
"""A gap that is longer than most groups of pictures: across shorter ones, seeking would decode no less."""


@dataclass(frozen=True, slots=True)
class Window:
    """Moments from `start_s` to `end_s`, both included, counted from the video's first frame."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """Small upright pictures.

    Attributes:
        times_s: When each is shown, counted from the video's first frame; rising.
        luma: uint8 (n, SIDE_PX, SIDE_PX), averaged by area.
    """

    times_s: NDArray[np.float64]
    luma: NDArray[np.uint8]


def read_thumbnails(
    path: Path, facts: VideoFacts, *, windows: Sequence[Window], max_pixels: int | None = None
) -> Thumbnails:
    """Decode the frames in some windows of time, and the one that is shown when each begins.

    Args:
        path: A video.
        facts: Of that video.
        windows: Moments that are wanted, in any order; they may overlap.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        Thumbnails of these frames; nothing else is kept.

    Raises:
        MediaError: The video is damaged.
    """
    times: list[float] = []
    small: list[NDArray[np.uint8]] = []
    for time_s, frame in _frames_in(path, facts, _united(windows), max_pixels):
        times.append(float(time_s))
        small.append(np.rot90(_small(frame), -facts.rotation_deg // 90))
    return Thumbnails(np.array(times), np.array(small))


def _united(windows: Sequence[Window]) -> list[Window]:
    found: list[Window] = []
    for window in sorted(windows, key=lambda one: one.start_s):
        if found and window.start_s <= found[-1].end_s:
            found[-1] = Window(found[-1].start_s, max(found[-1].end_s, window.end_s))
        else:
            found.append(window)
    return found


_Timed: TypeAlias = "tuple[float, VideoFrame]"


def _frames_in(path: Path, facts: VideoFacts, windows: Sequence[Window], max_pixels: int | None) -> Iterator[_Timed]:
    """Frames of disjoint windows in rising order, with their times."""
    with open_video(path, name=str(path), max_pixels=max_pixels) as (container, stream):
        stream.thread_type = "AUTO"
        decoded = container.decode(stream)
        first = next(decoded, None)
        if first is None:
            raise UnreadableMedia(str(path), reason="it holds no frame that can be decoded")
        start_s = _time_of(first, 0, facts)
        frames = chain([(0.0, first)], _timed(decoded, facts, start_s))
        at_s, before = 0.0, None
        for window in windows:
            if facts.format in _SEEKABLE and window.start_s - at_s > _WORTH_SEEKING_S:
                wanted = Fraction(window.start_s + start_s) / facts.time_base
                container.seek(int(wanted), stream=stream)  # to the keyframe at or before it
                frames, before = _timed(container.decode(stream), facts, start_s), None
            for at_s, frame in frames:
                if at_s < window.start_s:
                    before = (at_s, frame)
                    continue
                if before is not None and at_s > window.start_s:
                    yield before
                before = None
                if at_s > window.end_s:
                    frames = chain([(at_s, frame)], frames)
                    break
                yield at_s, frame
        if before is not None:
            yield before


def _timed(frames: Iterable[VideoFrame], facts: VideoFacts, start_s: float) -> Iterator[_Timed]:
    for index, frame in enumerate(frames, start=1):
        yield _time_of(frame, index, facts) - start_s, frame


def _time_of(frame: VideoFrame, index: int, facts: VideoFacts) -> float:
    """Raw streams have no clock; they are never sought in, so that counting does."""
    return float(index / facts.fps if frame.pts is None else frame.pts * facts.time_base)


def _small(frame: VideoFrame) -> NDArray[np.uint8]:
    small = frame.reformat(width=SIDE_PX, height=SIDE_PX, format="gray", interpolation="AREA")
    return luma_of(small).copy()
