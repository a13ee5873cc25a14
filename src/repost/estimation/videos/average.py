"""The average bitrate a video was encoded for, and how: by encoding the upload again and comparing frame by frame.

What a file takes is not what was asked for: a first pass knows nothing of what comes, and clips of a few seconds miss
their target by several percent even in two. So the target is the one whose encode takes as much as the served file.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from repost.channel.video.encoder import Encoder
from repost.channel.video.settings import Abr, EncoderSettings
from repost.core.heap import fresh_memory
from repost.estimation.videos.finding import AverageFit
from repost.estimation.videos.recipe import Recipe
from repost.media.video.upload import VideoUpload

BUFFERS: tuple[tuple[float, float] | None, ...] = (None, (1.5, 2.0), (1.0, 1.0))
"""Peak and buffer over the average bitrate that are tried: none, what is advised for the web, constant bitrate."""

LONGEST_S = 60.0
"""Longer uploads are not encoded again this often: the shorter ones of a network tell as much."""

_NEAR = 0.003
"""How near to the served bitrate an encode for a target must come, not to be repeated for a better one."""


def fit_averages(
    upload: VideoUpload, served: VideoUpload, *, recipe: Recipe, presets: Sequence[str], passes: int
) -> tuple[AverageFit, ...]:
    """Encode an upload for the served file's average bitrate in every likely way.

    Presets are tried without a buffer, then buffers with the preset that came nearest.

    Args:
        upload: The original.
        served: What came back.
        recipe: How it was made, as far as is known; the rate is replaced.
        presets: Presets of x264 that may have been; the recipe's where there are none.
        passes: 1 or 2.

    Returns:
        What was tried, the nearest first.

    Raises:
        MediaError: One of the two is damaged.
        EncodeFailed: The encoder refused its settings or a frame.
    """
    wanted = _sizes_of(served)
    pixels = math.prod(recipe.size)
    start_bps, buffer = wanted.bitrate_bps, BUFFERS[0]
    found: list[AverageFit] = []
    for preset in presets or (recipe.settings.preset or "medium",):
        start = _rate(start_bps, buffer, passes)
        found.append(_fit(upload, wanted, _with_preset(recipe, preset), start))
        start_bps = pixels * found[-1].bits_per_pixel_s  # of the same clip, so it is near
    best = min(found, key=lambda fit: fit.distance)
    for buffer in BUFFERS[1:]:
        start = _rate(pixels * best.bits_per_pixel_s, buffer, passes)
        found.append(_fit(upload, wanted, _with_preset(recipe, best.preset), start, buffer))
    return tuple(sorted(found, key=lambda fit: fit.distance))


def _with_preset(recipe: Recipe, preset: str) -> Recipe:
    return replace(recipe, settings=replace(recipe.settings, preset=preset))


@dataclass(frozen=True, slots=True)
class _Sizes:
    bytes_: tuple[int, ...]
    duration_s: float

    @property
    def bitrate_bps(self) -> float:
        return 8 * sum(self.bytes_) / self.duration_s


def _fit(
    upload: VideoUpload, wanted: _Sizes, recipe: Recipe, rate: Abr, buffer: tuple[float, float] | None = None
) -> AverageFit:
    """The target, from a first guess, whose encode takes as much as the served file."""
    sizes = _encoded_sizes(upload, recipe, rate, duration_s=wanted.duration_s)
    miss = sizes.bitrate_bps / wanted.bitrate_bps
    if abs(miss - 1) > _NEAR:
        rate = _rate(rate.bitrate_bps / miss, buffer, rate.passes)
        sizes = _encoded_sizes(upload, recipe, rate, duration_s=wanted.duration_s)
        miss = sizes.bitrate_bps / wanted.bitrate_bps
    return AverageFit(
        preset=recipe.settings.preset or "medium",
        passes=1 if rate.passes == 1 else 2,
        vbv=buffer,
        bits_per_pixel_s=rate.bitrate_bps / miss / math.prod(recipe.size),
        distance=round(_distance(sizes.bytes_, wanted.bytes_), 4),
    )


def _rate(target_bps: float, buffer: tuple[float, float] | None, passes: int) -> Abr:
    if buffer is None:
        return Abr(round(target_bps), passes=passes)
    return Abr(round(target_bps), round(buffer[0] * target_bps), round(buffer[1] * target_bps), passes)


def _distance(first: Sequence[int], second: Sequence[int]) -> float:
    """By how much sizes of corresponding frames differ: mean of the logarithm's absolute difference."""
    count = min(len(first), len(second))
    logs = [np.log(np.maximum(1, sizes[:count])) for sizes in (first, second)]
    return float(np.abs(logs[0] - logs[1]).mean())


def _sizes_of(served: VideoUpload) -> _Sizes:
    with served.open() as (container, stream):
        found = [(packet.pts or 0, packet.size) for packet in container.demux(stream) if packet.size]
    return _Sizes(tuple(size for _, size in sorted(found)), served.facts.duration_s)


def _encoded_sizes(upload: VideoUpload, recipe: Recipe, rate: Abr, *, duration_s: float) -> _Sizes:
    settings = replace(recipe.settings, rate=rate)
    with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
        stats = Path(scratch) / "stats"
        passes = (None,) if rate.passes == 1 else ((1, stats), (2, stats))
        found: list[tuple[int, int]] = []
        for stage in passes:
            found = list(_encoded(upload, recipe, settings, stage))
    return _Sizes(tuple(size for _, size in sorted(found)), duration_s)


def _encoded(
    upload: VideoUpload, recipe: Recipe, settings: EncoderSettings, stats: tuple[int, Path] | None
) -> Iterator[tuple[int, int]]:
    """Time and size of every packet."""
    fresh_memory()
    encoder = Encoder(settings, size=recipe.size, clock=recipe.clock(upload), stats=stats)
    for frame in chain(recipe.frames(upload), [None]):
        for packet in encoder.encode(frame):
            yield packet.pts or 0, packet.size
