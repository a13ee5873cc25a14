"""The signature of a video: everything in its headers and frames that a network may have left there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repost.channel.sizes import Size
from repost.estimation.videos.finding import Structure
from repost.estimation.videos.structure import structure_of
from repost.media.video.facts import VideoFacts, read_video_facts
from repost.media.video.frames import StreamCoding, read_stream_coding
from repost.media.video.headers import read_h264_headers
from repost.media.video.presets import subsampled_offset


@dataclass(frozen=True, slots=True)
class VideoSignature:
    """What is known of a video without the upload it was made from.

    Attributes:
        facts: What its headers and packets say.
        structure: How it was coded.
        chroma_qp_offset: Of the headers, as 4:2:0 would have it; None where it is not H.264.
        keyframe_gaps: Frames from each keyframe to the next.
        tail_frames: Frames from the last keyframe to the end.
    """

    facts: VideoFacts
    structure: Structure
    chroma_qp_offset: int | None
    keyframe_gaps: tuple[int, ...]
    tail_frames: int

    @property
    def size(self) -> Size:
        """Width and height in pixels, upright."""
        return self.facts.width_px, self.facts.height_px

    @property
    def fps(self) -> float:
        """Nominal frame rate."""
        return float(self.facts.fps)

    @property
    def bits_per_pixel_s(self) -> float:
        """Bitrate over width x height."""
        return self.facts.bitrate_bps / (self.facts.width_px * self.facts.height_px)

    @property
    def message(self) -> bool:
        """Whether the encoder's message about itself is in the stream."""
        return self.structure.encoder is not None


def read_video_signature(path: Path, *, name: str | None = None, max_pixels: int | None = None) -> VideoSignature:
    """Read the signature of a video. Every frame is decoded once.

    Args:
        path: The file.
        name: What to call it in errors; the path when None.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        Its signature.

    Raises:
        InputNotFound: There is no such file.
        MediaError: It is no video, damaged, or too large.
    """
    facts = read_video_facts(path, name=name, max_pixels=max_pixels)
    headers = read_h264_headers(path, name=name, max_pixels=max_pixels)
    coding = read_stream_coding(path, name=name, max_pixels=max_pixels)
    return VideoSignature(
        facts=facts,
        structure=_seen(structure_of(facts, headers, coding), coding),
        chroma_qp_offset=None if headers is None else subsampled_offset(headers),
        keyframe_gaps=coding.keyframe_gaps,
        tail_frames=len(coding.kinds) - (coding.keyframes[-1] if coding.keyframes else 0),
    )


def _seen(structure: Structure, coding: StreamCoding) -> Structure:
    """The structure with what the frames show in place of limits that the encoder's message names."""
    return structure.model_copy(
        update={"b_frames": coding.longest_b_run, "longest_gop": max(coding.keyframe_gaps, default=None)}
    )
