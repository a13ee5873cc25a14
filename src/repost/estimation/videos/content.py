"""Whether two videos show the same, before anything is learned from the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repost.estimation.videos.thumbnails import SIDE_PX, Thumbnails, Window, read_thumbnails
from repost.media.video.facts import VideoFacts, read_video_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_CORRELATION = 0.8
"""Half way, rounded, between the least alike of 9 clips served at CRF 40 and 360 lines (0.994) and the most alike of
their 72 pairs with other clips (0.65); of 9 clips held out: 0.994 and 0.36 (benchmarks/video_content.py)."""
LEAST_MOTION = 0.4
"""Likewise, between the same clips (0.84; 0.47 for the stillest of them at CRF 45 and 144 lines) and other takes of one
scene (0.31); held out: 0.96 and 0.19."""
MOST_DIFFERENCE_S, MOST_DIFFERENCE_SHARE = 1.0, 0.03
"""Durations may differ by this much, whichever is more: networks cut at keyframes, and sound may outlast pictures."""

_ANCHORS = 12
"""Frames that are compared, spread over what both videos have."""
_SLACK_S = 0.5
"""How far beyond the difference of durations the same picture is looked for: edit lists, encoder delay, frame rates."""
_SIDE_PX = 32
"""Frames are compared at this size: large enough to tell pictures apart, small enough for strong compression."""
_FLAT_LEVELS = 1.0
"""A frame whose luma deviates less is flat: it shows nothing that could be compared."""
_STILL_LEVELS = 0.5
"""Where luma deviates less from the mean picture, what moves is no more than coding noise."""
_BLACK_LEVEL = 24
"""Luma (0-255) up to which a row or column is a black bar: twice what ringing of CRF 28 leaves beside a picture."""
_NOISE = 1e-4
"""A correlation must be better by so much to move the pictures in time: in a still one, all offsets are as good."""


@dataclass(frozen=True, slots=True)
class ContentCheck:
    """Whether two videos show the same.

    A face that was swapped or an inserted caption changes too little of the whole frame to be noticed: an original and
    its deepfake pass. Told apart are other scenes, other people, and other takes of one scene where something moves.

    Attributes:
        same: Whether they pass for one video before and after sharing.
        correlation: Mean Pearson correlation of the luma of frames at 32x32, at the best offset; None where nothing
            could be compared.
        motion_correlation: The same of what changes from frame to frame; None where too little moves.
        duration_ratio: Duration of the shared video over the original's.
        offset_s: Time in the original minus time in the shared video of the same picture.
        reason: In words.
    """

    same: bool
    correlation: float | None
    motion_correlation: float | None
    duration_ratio: float
    offset_s: float
    reason: str


def compare_content(original: Path, shared: Path, *, max_pixels: int | None = None) -> ContentCheck:
    """Compare what two videos show: their durations, and some frames at low resolution, aligned in time.

    Compression, scaling (also without keeping the shape), rotation flags, black bars, another frame rate, and a start
    or end that was cut within the tolerance of durations do not matter.

    Args:
        original: The video that was uploaded.
        shared: The video that came back.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        The finding. Some seconds around a dozen points in time are decoded, and only their thumbnails are kept.

    Raises:
        InputNotFound: One of the two does not exist.
        MediaError: One of the two is no video, or damaged.
    """
    facts = read_video_facts(original, max_pixels=max_pixels), read_video_facts(shared, max_pixels=max_pixels)
    ratio = facts[1].duration_s / facts[0].duration_s
    difference_s = facts[0].duration_s - facts[1].duration_s
    most_s = max(MOST_DIFFERENCE_S, MOST_DIFFERENCE_SHARE * facts[0].duration_s)
    if abs(difference_s) > most_s:
        durations = f"{facts[0].duration_s:.1f} s and {facts[1].duration_s:.1f} s"
        reason = f"durations differ: {durations}, expected at most {most_s:.1f} s between them"
        return ContentCheck(False, None, None, ratio, 0.0, reason)
    best = best_alignment(original, shared, facts, max_pixels=max_pixels)
    if best is None:
        return ContentCheck(False, None, None, ratio, 0.0, "nothing to compare: the frames are flat")
    same, reason = _judged(best)
    return ContentCheck(same, best.correlation, best.motion, ratio, best.offset_s, reason)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How alike two videos are at one offset in time.

    Attributes:
        correlation: Mean Pearson correlation of the luma of frames at 32x32.
        motion: The same of what differs from the mean picture; None where too little does.
        offset_s: Time in the original minus time in the shared video.
    """

    correlation: float
    motion: float | None
    offset_s: float


def _judged(best: Alignment) -> tuple[bool, str]:
    found = f"correlation {best.correlation:.3f}"
    if best.correlation < LEAST_CORRELATION:
        return False, f"other pictures: {found}, expected {LEAST_CORRELATION:g} or more"
    if best.motion is None:
        return True, f"the same still picture: {found}; too little moves to tell takes of one scene apart"
    found += f", of what moves {best.motion:.3f}"
    if best.motion < LEAST_MOTION:
        return False, f"the same scene, but other movements: {found}, expected {LEAST_MOTION:g} or more"
    return True, f"the same: {found}; small changes, such as a swapped face, would not show"


def best_alignment(
    original: Path, shared: Path, facts: tuple[VideoFacts, VideoFacts], *, max_pixels: int | None = None
) -> Alignment | None:
    """Align two videos in time by what they show, whatever their durations.

    Args:
        original: The video that was uploaded.
        shared: The video that came back.
        facts: Of the two; what both last is compared.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        The best alignment; None where nothing can be compared.

    Raises:
        MediaError: One of the two is damaged.
    """
    common_s = min(facts[0].duration_s, facts[1].duration_s)
    moments = [common_s * (index + 0.5) / _ANCHORS for index in range(_ANCHORS)]
    theirs = read_thumbnails(shared, facts[1], windows=[Window(one, one) for one in moments], max_pixels=max_pixels)
    # Cut at the end, or at the start: between the two nothing is looked for, which bounds what is decoded.
    around = sorted({0.0, facts[0].duration_s - facts[1].duration_s}, key=abs)
    windows = [
        Window(time + offset - _SLACK_S, time + offset + _SLACK_S) for time in theirs.times_s for offset in around
    ]
    ours = read_thumbnails(original, facts[0], windows=windows, max_pixels=max_pixels)
    step_s = float(1 / facts[0].fps)
    reach = round(_SLACK_S / step_s)
    steps = sorted(range(-reach, reach + 1), key=abs)
    offsets = [offset + step_s * step for offset in around for step in steps]
    found = [_align(ours, theirs, offsets=offsets, uncovered=uncovered) for uncovered in (False, True)]
    return max((one for one in found if one), key=lambda one: one.correlation, default=None)


def _align(ours: Thumbnails, theirs: Thumbnails, *, offsets: Sequence[float], uncovered: bool) -> Alignment | None:
    """The best of some offsets, the first of equals; with black bars, or without (`uncovered`)."""
    ours_seen, theirs_seen = _reduced(ours.luma, uncovered), _reduced(theirs.luma, uncovered)
    best: tuple[float, float] | None = None
    for offset_s in offsets:
        correlation = _correlation(ours_seen[_nearest(ours.times_s, theirs.times_s + offset_s)], theirs_seen)
        if correlation is not None and (best is None or correlation > best[0] + _NOISE):
            best = correlation, offset_s
    if best is None:
        return None
    matched = ours_seen[_nearest(ours.times_s, theirs.times_s + best[1])]
    return Alignment(best[0], _motion_correlation(matched, theirs_seen), best[1])


def _nearest(times_s: NDArray[np.float64], wanted_s: NDArray[np.float64]) -> NDArray[np.int64]:
    after = np.clip(np.searchsorted(times_s, wanted_s), 1, max(1, len(times_s) - 1))
    after = np.minimum(after, len(times_s) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(wanted_s - times_s[before] <= times_s[after] - wanted_s, before, after)


def _correlation(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float | None:
    """Mean Pearson correlation of frames, those left out that are flat in both; None where all are."""
    shown = (ours.std(axis=1) > _FLAT_LEVELS) | (theirs.std(axis=1) > _FLAT_LEVELS)
    if not shown.any():
        return None
    first, second = _standardised(ours[shown]), _standardised(theirs[shown])
    return float((first * second).mean(axis=1).mean())


def _standardised(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = pictures - pictures.mean(axis=1, keepdims=True)
    # Noise in a flat picture must not count as a picture.
    return centred / np.maximum(pictures.std(axis=1, keepdims=True), _FLAT_LEVELS)


def _motion_correlation(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float | None:
    """Pearson correlation of what differs from the mean picture; None where next to nothing does."""
    first, second = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    if max(first.std(), second.std()) < _STILL_LEVELS:
        return None
    return float((first * second).mean() / max(float(first.std() * second.std()), _STILL_LEVELS**2))


def _reduced(luma: NDArray[np.uint8], uncovered: bool) -> NDArray[np.float32]:
    """Frames at 32x32, float32 (n, 1024), averaged by area."""
    rows, columns = _lit(luma.max(axis=(0, 2))), _lit(luma.max(axis=(0, 1)))
    if not uncovered:
        rows = columns = (0, luma.shape[1])
    small = _area_weights(rows) @ luma.astype(np.float32) @ _area_weights(columns).T
    return small.reshape(len(luma), -1).astype(np.float32)


def _lit(brightest: NDArray[np.uint8]) -> tuple[int, int]:
    """From the first to the last row (or column) that is not black in every frame."""
    lit = np.flatnonzero(brightest > _BLACK_LEVEL)
    return (int(lit[0]), int(lit[-1]) + 1) if len(lit) else (0, len(brightest))


def _area_weights(span: tuple[int, int]) -> NDArray[np.float32]:
    edges = np.linspace(*span, _SIDE_PX + 1)
    cells = np.arange(SIDE_PX)
    covered = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return (np.maximum(covered, 0) / (edges[1] - edges[0])).astype(np.float32)
