"""Compare a served video with its upload, frame by frame, without holding either."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from av.video.frame import VideoFrame

from repost.channel.compare import Fidelity, Metric
from repost.channel.video.filters import FrameFilter
from repost.media.video.facts import VideoFacts, read_video_facts
from repost.media.video.frames import luma_of
from repost.media.video.open import open_video
from repost.media.video.upload import VideoUpload
from repost.metrics import ssim

if TYPE_CHECKING:
    from numpy.typing import NDArray

SSIM_EVERY = 10
"""Structural similarity is taken of every tenth frame: neighbours are alike, and it costs more than an encode."""


def compare_videos(
    upload: VideoUpload,
    served: Path,
    *,
    kernel: str = "bicubic",
    metrics: Sequence[Metric] = ("psnr",),
    most_frames: int | None = None,
) -> Fidelity:
    """How far a served video is from its upload.

    Args:
        upload: The video as uploaded; it is turned upright.
        served: The file that came back, of any size and frame rate.
        kernel: What the upload is brought to the served size with.
        metrics: What to measure, of "psnr" and "ssim".
        most_frames: Stop after so many served frames; all when None.

    Returns:
        `psnr_db` of luma, of the mean squared error over all frames, None where all are equal; `ssim`, the mean over
        every tenth frame's luma; and `identical`.

    Raises:
        MediaError: One of the two is damaged.
    """
    errors: list[float] = []
    similarities: list[float] = []
    for index, (before, after) in enumerate(aligned_frames(upload, served, kernel=kernel)):
        if most_frames is not None and index >= most_frames:
            break
        first, second = luma_of(before), luma_of(after)
        errors.append(float(np.mean(np.square(first.astype(np.int16) - second, dtype=np.int32))))
        if "ssim" in metrics and index % SSIM_EVERY == 0:
            similarities.append(ssim(_as_rgb(first), _as_rgb(second)))
    mean = float(np.mean(errors)) if errors else math.nan
    found: Fidelity = {}
    if "psnr" in metrics:
        found["psnr_db"] = 10 * math.log10(255**2 / mean) if mean > 0 else None
    if "ssim" in metrics:
        found["ssim"] = float(np.mean(similarities)) if similarities else None
    found["identical"] = mean == 0
    return found


def _as_rgb(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.broadcast_to(luma[..., None], (*luma.shape, 3))


def aligned_frames(upload: VideoUpload, served: Path, *, kernel: str) -> Iterator[tuple[VideoFrame, VideoFrame]]:
    """Served frames, each with the frame of the upload that was shown at that time.

    Args:
        upload: The video as uploaded.
        served: The file that came back.
        kernel: What the upload is brought to the served size with.

    Yields:
        Frame of the upload, turned, scaled and converted to 8-bit 4:2:0; and the served frame in the same format.

    Raises:
        MediaError: One of the two is damaged.
    """
    limit = upload.max_pixels
    facts = read_video_facts(served, max_pixels=limit)
    plain = FrameFilter((facts.width_px, facts.height_px), turn_deg=facts.rotation_deg)
    brought = FrameFilter((facts.width_px, facts.height_px), kernel=kernel, turn_deg=upload.facts.rotation_deg)
    originals = _timed(_filtered(upload.path, brought, limit), upload.facts)
    current = next(originals, None)
    upcoming = next(originals, None)
    for time, frame in _timed(_filtered(served, plain, limit), facts):
        while upcoming is not None and current is not None and abs(upcoming[0] - time) <= abs(current[0] - time):
            current, upcoming = upcoming, next(originals, None)
        if current is None:
            return
        yield current[1], frame


def _filtered(path: Path, wanted: FrameFilter, max_pixels: int | None) -> Iterator[VideoFrame]:
    with open_video(path, name=str(path), max_pixels=max_pixels) as (container, stream):
        stream.thread_type = "AUTO"
        yield from wanted.apply(container.decode(stream), stream)


def _timed(frames: Iterator[VideoFrame], facts: VideoFacts) -> Iterator[tuple[Fraction, VideoFrame]]:
    for index, frame in enumerate(frames):
        base = frame.time_base or Fraction(1)
        # Raw streams have no clock: their frames follow each other at the nominal rate.
        yield (frame.pts * base - facts.start_s if frame.pts is not None else index / facts.fps), frame
