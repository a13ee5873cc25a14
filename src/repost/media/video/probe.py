"""Everything a video tells an analyst: headers, coding, and what encoders and muxers wrote about themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from av.container import InputContainer

from repost.media.video.facts import VideoFacts, read_video_facts
from repost.media.video.frames import VP9_QP_COUNT, StreamCoding, read_stream_coding
from repost.media.video.headers import H264Headers, read_h264_headers
from repost.media.video.open import open_video
from repost.media.video.presets import preset_of_settings, presets_like

_LONGEST_PATTERN = 40
"""Frame kinds that are shown of the first group, which is often longer."""


@dataclass(frozen=True, slots=True)
class StreamTags:
    """One stream of a file, of any kind.

    Attributes:
        kind: "video", "audio", "data", "subtitle", "attachment" or "unknown".
        codec: As FFmpeg names it, or "unknown".
        tags: What the container says of it, such as handler_name and language.
    """

    kind: str
    codec: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VideoExamination:
    """All that was found out about a video.

    Attributes:
        facts: What headers and packets say.
        headers: Parameter sets, of H.264.
        coding: How frames were coded: all of them, or the first alone.
        whole: Whether `coding` is of all frames.
        tags: Of the container.
        streams: All streams of the file.
    """

    facts: VideoFacts
    headers: H264Headers | None
    coding: StreamCoding
    whole: bool
    tags: Mapping[str, str]
    streams: tuple[StreamTags, ...]

    def presets(self) -> tuple[tuple[str, ...], str | None]:
        """Presets of x264 that agree with the video, and what tells them: "settings" or "headers"."""
        settings = self.coding.settings
        if settings is not None:
            named = preset_of_settings(settings)
            return ((named,), "settings") if named else ((), None)
        if self.headers is None:
            return (), None
        like = presets_like(self.headers, longest_b_run=self.coding.longest_b_run if self.whole else None)
        return like, "headers" if like else None


def examine_video(
    path: Path,
    *,
    quick: bool = False,
    max_pixels: int | None = None,
    on_frame: Callable[[int, int], None] | None = None,
) -> VideoExamination:
    """Find out what a video is and how it was coded.

    Args:
        path: The file.
        quick: Read headers and packets, and decode the first frame alone.
        max_pixels: Limit on width x height of a frame; the limit in force when None.
        on_frame: Called after each decoded frame with how many are done and how many there are.

    Returns:
        What was found.

    Raises:
        InputNotFound: There is no such file.
        MediaError: It is no video, damaged, or too large.
    """
    facts = read_video_facts(path, max_pixels=max_pixels)
    with open_video(path, name=str(path), max_pixels=max_pixels) as (container, _):
        tags, streams = dict(container.metadata), _streams(container)
    coding = read_stream_coding(
        path,
        most_frames=1 if quick else None,
        max_pixels=max_pixels,
        on_frame=None if on_frame is None else lambda done: on_frame(done, facts.frame_count),
    )
    headers = read_h264_headers(path, max_pixels=max_pixels)
    return VideoExamination(facts, headers, coding, not quick, tags, streams)


def probe_video(path: Path, *, quick: bool = False, max_pixels: int | None = None) -> dict[str, object]:
    """What a video is, as JSON values; see `examine_video` and `examination_values`."""
    return examination_values(examine_video(path, quick=quick, max_pixels=max_pixels))


def examination_values(found: VideoExamination) -> dict[str, object]:
    """What was found out about a video, as JSON values; docs/cli.md describes the keys.

    Args:
        found: From `examine_video`.
    """
    facts, headers, settings = found.facts, found.headers, found.coding.settings
    presets, told_by = found.presets()
    stored_width_px, stored_height_px = facts.stored_size
    return {
        "format": facts.format,
        "codec": facts.codec,
        "profile": facts.profile,
        "level": level_name(facts.codec, facts.level),
        "width_px": facts.width_px,
        "height_px": facts.height_px,
        "stored_width_px": stored_width_px,
        "stored_height_px": stored_height_px,
        "rotation_deg": facts.rotation_deg,
        "sample_aspect_ratio": str(facts.sample_aspect_ratio),
        "pixel_format": facts.pixel_format,
        "bit_depth": facts.bit_depth,
        "colour": {**asdict(facts.colour), "hdr": facts.colour.hdr},
        "fps": float(facts.fps),
        "fps_exact": str(facts.fps),
        "variable_frame_rate": facts.variable_frame_rate,
        "frame_count": facts.frame_count,
        "duration_s": facts.duration_s,
        "start_s": float(facts.start_s),
        "bitrate_bps": facts.bitrate_bps,
        "bitrate_from": facts.bitrate_from,
        "size_bytes": facts.size_bytes,
        "audio": None if facts.audio is None else asdict(facts.audio),
        "h264": None if headers is None else asdict(headers),
        "settings": None if settings is None else dict(settings),
        "x264_presets": list(presets),
        "x264_presets_from": told_by,
        "coding": _coding_values(found.coding) if found.whole else None,
        "tags": dict(found.tags),
        "streams": [{"kind": one.kind, "codec": one.codec, "tags": dict(one.tags)} for one in found.streams],
    }


def level_name(codec: str, level: int | None) -> str | None:
    """A level as its standard writes it, such as "4.0" or "1b".

    Args:
        codec: As FFmpeg names it.
        level: As the stream stores it.
    """
    if level is None:
        return None
    if codec == "h264":
        return "1b" if level == 9 else f"{level // 10}.{level % 10}"
    if codec == "hevc":
        return f"{level / 30:.1f}"
    if codec == "av1":
        return f"{2 + level // 4}.{level % 4}"
    return str(level)


def shown_pattern(coding: StreamCoding) -> str:
    """Kinds of the frames of the first group, such as "IBBPBBP"; cut with an ellipsis where it is long."""
    start, end = [*(coding.keyframes or (0,)), len(coding.kinds)][:2]
    group = coding.kinds[start:end]
    return group if len(group) <= _LONGEST_PATTERN else f"{group[:_LONGEST_PATTERN]}…"


def _coding_values(coding: StreamCoding) -> dict[str, object]:
    gaps = coding.keyframe_gaps
    return {
        "frame_kinds": dict(sorted(Counter(coding.kinds).items())),
        "pattern": shown_pattern(coding),
        "longest_b_run": coding.longest_b_run,
        "keyframe_count": len(coding.keyframes),
        "keyframe_gap_frames": {"least": min(gaps), "most": max(gaps), "fixed": _fixed(gaps)} if gaps else None,
        "qp": _qp_values(coding),
    }


def _fixed(gaps: tuple[int, ...]) -> bool:
    return len(gaps) > 1 and min(gaps) == max(gaps)


def _qp_values(coding: StreamCoding) -> dict[str, object] | None:
    counts, mean = coding.qp_histogram, coding.mean_qp()
    if mean is None:
        return None
    used = [index for index, count in enumerate(counts) if count]
    spread = math.sqrt(sum(int(counts[index]) * (index - mean) ** 2 for index in used) / int(counts.sum()))
    return {
        "scale": "0-255" if len(counts) == VP9_QP_COUNT else "0-63",
        "mean": round(mean, 3),
        "deviation": round(spread, 3),
        "least": used[0],
        "most": used[-1],
        "mean_by_kind": {kind: round(coding.mean_qp(kind) or 0.0, 3) for kind in sorted(coding.qp_by_kind)},
    }


def _streams(container: InputContainer) -> tuple[StreamTags, ...]:
    found: list[StreamTags] = []
    for stream in container.streams:
        context: Any = stream.codec_context  # none where FFmpeg has no decoder, which its stubs leave out
        codec = "unknown" if context is None else str(context.codec.canonical_name)
        found.append(StreamTags(stream.type, codec, dict(stream.metadata)))
    return tuple(found)
