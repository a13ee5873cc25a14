"""Stamp a video frame by frame, and look for a stamp in one with the evidence of many frames.

The stamp is the same amount added to red, green and blue, which is an amount added to luma and to nothing else. So only
the luma plane is touched, and frames are never converted to RGB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from av.video.frame import VideoFrame

from repost.channel.video.plan import Plan, plan_video
from repost.channel.video.write import OnFrame, told_as_part, write_video
from repost.core.errors import UnsupportedMedia
from repost.media.read import NO_LIMIT
from repost.media.video.frames import luma_of
from repost.media.video.upload import VideoUpload
from repost.platforms.profile import Profile
from repost.stamp.embed import Shift, shift_of, stamp
from repost.stamp.evidence import pool_scores
from repost.stamp.grid import cell_means, grid_over
from repost.stamp.grid import luma_of as unit_luma_of
from repost.stamp.model import DEFAULT_MODEL, StampModel, load_model
from repost.stamp.scan import Estimates, ScanResult, estimates_of, find_key, mean_estimates, result_of
from repost.stamp.search import Match
from repost.stamp.still import StampSettings, check_size, errors_naming, refuse_stamped

if TYPE_CHECKING:
    from numpy.typing import NDArray

H264_CRF = 18
"""Where x264's output is commonly taken for its input: the stamp's few levels outlast it."""
VP9_CRF = 24
"""Of about the same fidelity, on VP9's own scale of 0 to 63."""

MOST_FRAMES_SCANNED = 32
"""Of neighbouring frames the mean hardly gains; 32 estimates of a wide video take 75 MB."""
_FRAMES_SCANNED_BEFORE = 8
"""Enough to see that a whole clip is stamped already."""

_SHARE_OF_STAMPING = 0.8
"""Of the work; the rest is the scan of what was written."""

_HELD_SOUND = {
    "mp4": ("aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"),
    "webm": ("opus", "vorbis"),
}
"""What each container can take as it is."""
_OTHER_SOUND: dict[str, dict[str, object]] = {
    "mp4": {"action": "encode", "codec": "aac", "bitrate_bps": 192_000},
    "webm": {"action": "encode", "codec": "opus", "bitrate_bps": 160_000},
}
_PICTURES: dict[str, dict[str, object]] = {
    "mp4": {"codec": "h264", "preset": "medium", "rate": {"mode": "crf", "crf": H264_CRF}},
    "webm": {"codec": "vp9", "preset": "4", "rate": {"mode": "crf", "crf": VP9_CRF}},
}
_EIGHT_BIT_LUMA = ("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "nv12", "gray")
_BLACK, _WHITE = 16, 235
"""Of luma in the usual, limited range (ITU-R BT.601)."""
_FULL_RANGE = 2
"""AVCOL_RANGE_JPEG of FFmpeg's libavutil."""


@dataclass(frozen=True, slots=True)
class StampingPlan:
    """How a stamped video will be written.

    Attributes:
        format: "mp4" or "webm"; also the file's extension.
        encode: The channel's plan: nothing is scaled, turned or given other times.
        notes: What changes besides, in words.
    """

    format: Literal["mp4", "webm"]
    encode: Plan
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StampedClip:
    """What was written.

    Attributes:
        check: What a scan of the written file finds.
        frames: How many frames that scan looked at.
        notes: What changed besides, and whether it may have been stamped before, in words.
    """

    check: ScanResult
    frames: int
    notes: tuple[str, ...]


def plan_stamping(upload: VideoUpload) -> StampingPlan:
    """Decide how to write a stamped video.

    WebM stays WebM (VP9), everything else becomes MP4 (H.264), in 8-bit 4:2:0, which every network and player takes.
    The quality is constant and so high that the file is often larger than it was: what is saved here is lost to the
    stamp. Times, rotation and the shape of pixels stay; the first sound stream is copied where the container holds it.

    Args:
        upload: The video.

    Returns:
        The container, the channel's plan, and what changes.

    Raises:
        UnsupportedMedia: It is of high dynamic range, or too small.
    """
    facts = upload.facts
    with errors_naming(upload.name):
        check_size(facts.width_px, facts.height_px)
    if facts.colour.hdr:
        raise UnsupportedMedia(
            upload.name,
            got="a video of high dynamic range (PQ or HLG)",
            expected="standard dynamic range",
            remedy="map its tones first, such as with ffmpeg's zscale and tonemap",
        )
    format_: Literal["mp4", "webm"] = "webm" if facts.format == "webm" else "mp4"
    sound: dict[str, object] = {"action": "copy"}
    if facts.audio is not None and facts.audio.codec not in _HELD_SOUND[format_]:
        sound = _OTHER_SOUND[format_]
    plan = plan_video(upload, _profile(format_, sound), seed=0)
    return StampingPlan(format_, plan, tuple(_changes(upload, plan, sound, format_)))


def _profile(format_: str, sound: dict[str, object]) -> Profile:
    """The stamp's own way through the channel, said as networks' ways are."""
    steps = [
        {"op": "encode", "gop_s": 4, **_PICTURES[format_]},
        {"op": "audio", **sound},
        {"op": "container", "format": format_},
    ]
    return Profile.model_validate(
        {
            "platform": "stamp",
            "observed": "2026",
            "summary": "what a stamped video is written with",
            "evidence": [{"kind": "inferred", "source": "repost itself"}],
            "rules": [{"media": "video", "name": "every video", "steps": steps}],
        }
    )


def _changes(upload: VideoUpload, plan: Plan, sound: dict[str, object], format_: str) -> Iterator[str]:
    facts = upload.facts
    codec = str(_PICTURES[format_]["codec"])
    if facts.codec != codec:
        yield f"{facts.codec} became {codec}"
    if facts.format != format_:
        yield f"{facts.format} became {format_}"
    if facts.bit_depth > 8:
        yield f"{facts.bit_depth}-bit samples became 8-bit"
    if plan.filter.size != facts.stored_size:
        yield f"{facts.stored_size[0]}x{facts.stored_size[1]} px became {plan.filter.size[0]}x{plan.filter.size[1]}"
    if sound["action"] == "encode" and facts.audio is not None:
        yield f"{facts.audio.codec} sound became {sound['codec']}"


def stamp_video(
    upload: VideoUpload,
    plan: StampingPlan,
    out: Path,
    *,
    settings: StampSettings,
    on_frame: OnFrame | None = None,
) -> StampedClip:
    """Stamp every frame of a video. Memory does not grow with its length.

    All frames carry the same shift of the key's pattern, so that it stands still: a pattern that jumps would be seen to
    flicker, and would be averaged away by encoders, which predict each frame from others.

    Args:
        upload: The video.
        plan: Of `plan_stamping`.
        out: The file to write; it appears when it is whole.
        settings: Key and strength.
        on_frame: Told how far the work is, in frames of the upload.

    Returns:
        What is found in the written file.

    Raises:
        AlreadyStamped: It carries this stamp, or the default key's, and `again` is off.
        EncodeFailed: An encoder refused its settings.
        OutputUnwritable: The file cannot be written.
        UnreadableMedia: The upload is damaged; nothing is left at `out`.
    """
    notes = list(plan.notes)
    if not settings.again:
        notes += _refuse_stamped_frames(upload, settings)
    assert plan.encode.settings is not None, "the profile encodes"
    part = partial(told_as_part, on_frame, frame_count=upload.facts.frame_count)
    write_video(
        upload,
        plan.encode,
        plan.encode.settings,
        out,
        alter=_Stamper(settings, name=upload.name),
        on_frame=part(0, _SHARE_OF_STAMPING),
    )
    written = VideoUpload(out, name=upload.name, max_pixels=NO_LIMIT)
    told = part(_SHARE_OF_STAMPING, 1)
    check, frames = scan_video(written, settings.key, on_frame=told, model=settings.model)
    return StampedClip(check, frames, tuple(notes))


class _Stamper:
    """Stamps frames, all with the shift that the first one's content gives."""

    def __init__(self, settings: StampSettings, *, name: str) -> None:
        self._settings, self._name = settings, name
        self._shift: Shift | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        pixels = np.array(frame.to_ndarray(), np.uint8)  # decoders still refer to the frame's own
        luma = pixels[: frame.height]
        full = frame.color_range == _FULL_RANGE
        seen = luma.copy() if full else _widened()[luma]
        key = self._settings.key
        if self._shift is None:
            self._shift = shift_of(cell_means(unit_luma_of(seen), grid_over(*seen.shape)), key)
        with errors_naming(self._name):
            model = load_model(self._settings.model)
            stamped = stamp(seen, key, strength=self._settings.strength, shift=self._shift, model=model)
        moved = stamped.astype(np.float32) - seen
        low, high = 0, 255
        if not full:
            moved *= (_WHITE - _BLACK) / 255
            low, high = np.minimum(luma, _BLACK), np.maximum(luma, _WHITE)
        pixels[: frame.height] = np.clip(np.rint(luma + moved), low, high).astype(np.uint8)
        altered = VideoFrame.from_ndarray(pixels, format=frame.format.name)
        altered.pts, altered.time_base = frame.pts, frame.time_base
        altered.colorspace, altered.color_range = frame.colorspace, frame.color_range
        return altered


def scan_video(
    upload: VideoUpload, key: str | None = None, *, on_frame: OnFrame | None = None, model: str = DEFAULT_MODEL
) -> tuple[ScanResult, int]:
    """Look for a stamp in a video.

    Args:
        upload: The video.
        key: Whose stamp; the published default when None.
        on_frame: Told how many frames are decoded.
        model: Name or folder of the model; see `model.load_model`.

    Returns:
        Verdict, score and p-value of the evidence pooled over frames (`pool_scores`) and of their mean, the view of
        what shows the stamp best, and how many frames were looked at: at most `MOST_FRAMES_SCANNED`, evenly over the
        video.

    Raises:
        MediaError: It is damaged, or too small.
    """
    with errors_naming(upload.name):
        loaded = load_model(model)
        lumas = _lumas(upload, most=MOST_FRAMES_SCANNED, on_frame=on_frame)
        frames = [estimates_of(luma, model=loaded) for luma in lumas]
    return _pooled(frames, key, loaded), len(frames)


def _refuse_stamped_frames(upload: VideoUpload, settings: StampSettings) -> Iterator[str]:
    """Refuse a clip that carries a stamp of a key that is looked for; see `refuse_stamped`."""
    with errors_naming(upload.name):
        model = load_model(settings.model)
        estimates = [estimates_of(luma, model=model) for luma in _lumas(upload, most=_FRAMES_SCANNED_BEFORE)]
    for whose, key in settings.keys_looked_for:
        found = _pooled(estimates, key, model)
        yield from refuse_stamped(found, name=upload.name, whose=whose)


def _lumas(upload: VideoUpload, *, most: int, on_frame: OnFrame | None = None) -> Iterator[NDArray[np.uint8]]:
    """Luma of some frames, evenly over a video, as `_luma_as_seen` gives it."""
    chosen = set(np.linspace(0, upload.facts.frame_count - 1, most).round().astype(int).tolist())
    with upload.open() as (container, stream):
        stream.thread_type = "AUTO"
        for index, frame in enumerate(container.decode(stream)):
            if index in chosen:
                yield _luma_as_seen(frame)
            if on_frame is not None:
                on_frame(index + 1)


def _pooled(frames: Sequence[Estimates], key: str | None, model: StampModel) -> ScanResult:
    """Evidence of the frames one by one, and of their mean, each with half of the weight."""
    alone = [find_key(frame, key, model=model) for frame in frames]
    together = find_key(mean_estimates(frames), key, model=model)
    score = pool_scores([pool_scores(found.score for found in alone), together.score])
    best = max((*alone, together), key=lambda found: found.score)
    return result_of(Match(score * math.log(10), math.nan, best.view), model)


def _luma_as_seen(frame: VideoFrame) -> NDArray[np.uint8]:
    """Luma from 0 for black to 255 for white, uint8 (height, width)."""
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    if frame.format.name not in _EIGHT_BIT_LUMA:
        frame = frame.reformat(format="yuv420p")
    luma = luma_of(frame)
    return luma.copy() if full else _widened()[luma]


@lru_cache(maxsize=1)
def _widened() -> NDArray[np.uint8]:
    """Full-range luma by limited-range luma, uint8 (256,)."""
    levels = (np.arange(256) - _BLACK) * (255 / (_WHITE - _BLACK))
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
