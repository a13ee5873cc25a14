"""Find the rate factor that gives a wanted fidelity to the upload."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.frame import VideoFrame

from repost.channel.video.encoder import Clock, Encoder
from repost.channel.video.failing import failing
from repost.channel.video.plan import Plan
from repost.channel.video.settings import Crf, EncoderSettings
from repost.channel.video.write import OnFrame, filtered_frames, told_as_part
from repost.core.heap import fresh_memory
from repost.media.video.frames import luma_of
from repost.media.video.upload import VideoUpload

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE_DB = 0.05
"""A twentieth of the smallest difference that people notice, and a sixth of what an emulation may miss by."""
_SLOPE_DB = -0.55
"""Decibels of one step of CRF: where a search starts from, before two points give its own."""
_MOST_ENCODES = 8
MOST_PASSES = _MOST_ENCODES + 1
"""Of a whole emulation, the one that writes the file included."""
_SCALES = {"libx264": (51.0, 3), "libx265": (51.0, 3)}
_OTHER_SCALE = (63.0, 0)
"""The highest rate factor of an encoder, and how many decimals it heeds: libvpx and SVT-AV1 take whole numbers only."""
_DECODERS = {"av1": "libdav1d"}
"""FFmpeg's decoder where it has another name than the standard; its own of AV1 needs hardware."""


@dataclass(frozen=True, slots=True)
class Matched:
    """What a search for a fidelity found.

    Attributes:
        settings: With the rate factor found.
        psnr_db: The fidelity it gives; infinite where frames are equal.
        encodes: How many were made.
        reached: Whether that is within `TOLERANCE_DB` of what was wanted.
    """

    settings: EncoderSettings
    psnr_db: float
    encodes: int
    reached: bool


def match_psnr(
    upload: VideoUpload,
    plan: Plan,
    settings: EncoderSettings,
    *,
    psnr_db: float,
    on_frame: OnFrame | None = None,
) -> Matched:
    """Find the fractional CRF at which the served frames are as far from the upload as wanted.

    Args:
        upload: The video.
        plan: What happens to its frames before they are encoded.
        settings: How they are encoded; the rate is replaced.
        psnr_db: Wanted PSNR of luma, of the mean squared error over all frames.
        on_frame: Told how far the work is. How many encodes it takes is not known: each counts as one of the most there
            may be and one more, which writes the file.

    Returns:
        The best rate factor found.

    Raises:
        EncodeFailed: The encoder refused its settings.
        UnreadableMedia: The upload is damaged.
    """
    fresh_memory()  # else what this process did before would decide, by a hair, which rate factor is found
    low = 0.0
    high, decimals = _SCALES.get(settings.encoder, _OTHER_SCALE)
    crf = round(settings.rate.crf if isinstance(settings.rate, Crf) else high / 2, decimals)
    tried: dict[float, float] = {}
    while True:
        share = len(tried) / MOST_PASSES, (len(tried) + 1) / MOST_PASSES
        tell = told_as_part(on_frame, *share, frame_count=upload.facts.frame_count)
        tried[crf] = measure_psnr(upload, plan, replace(settings, rate=Crf(crf)), on_frame=tell)
        best = min(tried, key=lambda one: abs(tried[one] - psnr_db))
        if abs(tried[best] - psnr_db) <= TOLERANCE_DB or len(tried) == _MOST_ENCODES:
            break
        low, high = (max(low, crf), high) if tried[crf] > psnr_db else (low, min(high, crf))
        step = _next(tried, psnr_db, best)
        crf = round(min(max(step, low), high), decimals)
        if crf in tried:
            crf = round((low + high) / 2, decimals)
        if crf in tried:
            break
    found = replace(settings, rate=Crf(best))
    return Matched(found, tried[best], len(tried), abs(tried[best] - psnr_db) <= TOLERANCE_DB)


def _next(tried: dict[float, float], psnr_db: float, best: float) -> float:
    slope = _SLOPE_DB
    if len(tried) > 1:
        other = min((one for one in tried if one != best), key=lambda one: abs(tried[one] - psnr_db))
        measured = (tried[other] - tried[best]) / (other - best)
        slope = min(measured, _SLOPE_DB / 4)
    return best + (psnr_db - tried[best]) / slope


def measure_psnr(
    upload: VideoUpload, plan: Plan, settings: EncoderSettings, *, on_frame: OnFrame | None = None
) -> float:
    """The fidelity of an encode to the frames it was given.

    Frames wait for their decoded likeness; an encoder holds back no more than its lookahead, so memory is bounded.

    Args:
        upload: The video.
        plan: What happens to its frames before they are encoded.
        settings: How they are encoded.
        on_frame: Told how many frames of the upload are done.

    Returns:
        PSNR of luma in dB, of the mean squared error over all frames; infinite where frames are equal.

    Raises:
        EncodeFailed: The encoder refused its settings.
        UnreadableMedia: The upload is damaged.
    """
    clock = Clock.of(upload.facts, fps=plan.filter.fps)
    encoder = Encoder(settings, size=plan.filter.size, clock=clock)
    decoder: Any = av.CodecContext.create(_DECODERS.get(encoder.codec, encoder.codec), "r")
    waiting: deque[VideoFrame] = deque()
    errors: list[float] = []

    def compare(packets: list[Any]) -> None:
        for packet in packets:
            if not decoder.is_open:
                decoder.extradata = encoder.headers
            with failing(decoder.name):
                decoded = decoder.decode(packet)
            errors.extend(_squared_error(waiting.popleft(), frame) for frame in decoded)

    encode: Callable[[VideoFrame | None], list[Any]] = encoder.encode
    for frame in filtered_frames(upload, plan, clock, on_frame=on_frame):
        waiting.append(frame)
        compare(encode(frame))
    compare(encode(None))
    with failing(decoder.name):
        left = decoder.decode(None)
    errors.extend(_squared_error(waiting.popleft(), frame) for frame in left)
    mean = float(np.mean(errors))
    return math.inf if mean == 0 else 10 * math.log10(255**2 / mean)


def _squared_error(before: VideoFrame, after: VideoFrame) -> float:
    difference = _luma8(before).astype(np.int16) - _luma8(after)
    return float(np.mean(np.square(difference, dtype=np.int32)))


def _luma8(frame: VideoFrame) -> NDArray[np.uint8]:
    """Luma on the scale of 8 bits, on which profiles state fidelity, whatever the depth that is encoded."""
    return luma_of(frame if frame.format.components[0].bits == _EIGHT else frame.reformat(format="yuv420p"))


_EIGHT = 8
