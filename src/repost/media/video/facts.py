"""What a video file is: everything its headers and packets say, without decoding more than one frame."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from repost.core.errors import UnreadableMedia
from repost.media.video.open import open_video, video_format

_FINEST_RATE = 1001
"""Largest denominator of a frame rate that has to be worked out; 30000/1001 is the finest that is in use."""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """The sound of a video.

    Attributes:
        codec: As FFmpeg names it, such as "aac".
        bitrate_bps: As the header says, or None.
        sample_rate_hz: Samples per second; 0 where the codec is unknown.
        channels: How many; 0 where the codec is unknown.
    """

    codec: str
    bitrate_bps: int | None
    sample_rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class Colour:
    """How numbers stand for colours, by FFmpeg's (ITU-T H.273) numbers; 2 means unspecified.

    Attributes:
        primaries: 1 is BT.709, 9 BT.2020.
        transfer: 1 is BT.709, 16 PQ, 18 HLG.
        matrix: 1 is BT.709, 5 and 6 BT.601, 9 BT.2020.
        full_range: Whether luma uses 0-255 and not 16-235.
    """

    primaries: int
    transfer: int
    matrix: int
    full_range: bool

    @property
    def hdr(self) -> bool:
        """Whether the transfer function is one of high dynamic range (PQ or HLG)."""
        return self.transfer in (16, 18)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video file says of itself.

    Attributes:
        format: One of `sniff.VIDEO_FORMATS`.
        codec: Of the picture stream, as FFmpeg names it: "h264", "hevc", "vp9", "av1", "mpeg4", ...
        profile: Of the codec, as FFmpeg names it, such as "High" or "Constrained Baseline".
        level: Of the codec, as the stream stores it (40 means 4.0 in H.264); None where there is none.
        width_px: Of the upright picture.
        height_px: Of the upright picture.
        rotation_deg: How far clockwise the stored frames must be turned to be upright, to the nearest of 0, 90, 180
            and 270.
        pixel_format: As FFmpeg names it, such as "yuv420p".
        bit_depth: Bits per sample.
        colour: How numbers stand for colours.
        sample_aspect_ratio: Width of a pixel over its height; 1 where the file does not say.
        fps: Nominal frame rate: FFmpeg's guess from the header's mean and the smallest steps.
        time_base: Unit of the picture stream's timestamps, in seconds.
        start_s: Time of the first thing in the file, which players take for 0.
        frame_count: Frames that are shown, counted by packets.
        duration_s: Of the picture stream.
        bitrate_bps: Of the picture stream, whole: the header's where it has one, else bits over duration.
        bitrate_from: "header" or "packets".
        variable_frame_rate: Whether frames last differently long, beyond the rounding of timestamps.
        size_bytes: Of the file.
        audio: The first sound stream, or None.
    """

    format: str
    codec: str
    profile: str | None
    level: int | None
    width_px: int
    height_px: int
    rotation_deg: int
    pixel_format: str
    bit_depth: int
    colour: Colour
    sample_aspect_ratio: Fraction
    fps: Fraction
    time_base: Fraction
    start_s: Fraction
    frame_count: int
    duration_s: float
    bitrate_bps: int
    bitrate_from: str
    variable_frame_rate: bool
    size_bytes: int
    audio: AudioFacts | None

    animated = False
    has_alpha = False

    @property
    def rotated(self) -> bool:
        """Whether stored frames must be turned to be upright."""
        return self.rotation_deg != 0

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as coded, before turning."""
        turned = self.rotation_deg in (90, 270)
        return (self.height_px, self.width_px) if turned else (self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class Packets:
    """What the packets of a picture stream add up to.

    Attributes:
        count: How many are shown.
        bits: All of them, hidden ones too.
        duration_s: From the first to the end of the last.
        variable: Whether the steps between frames differ by more than the rounding of timestamps.
    """

    count: int
    bits: int
    duration_s: float
    variable: bool


def read_video_facts(path: Path, *, name: str | None = None, max_pixels: int | None = None) -> VideoFacts:
    """Read what a video is. Packets are read to the end, one frame is decoded.

    Args:
        path: The file.
        name: What it is called in errors; the path when None.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        Its facts.

    Raises:
        InputNotFound: There is no such file.
        TooManyPixels: A frame is over the limit.
        MediaError: It is no video, damaged, empty, or has sound only.
    """
    name = name or str(path)
    with open_video(path, name=name, max_pixels=max_pixels) as (container, stream):
        context = stream.codec_context
        packets, first = _scan(container, stream, name)
        size_bytes = path.stat().st_size
        if (end := end_of_frames(container, stream)) > size_bytes:
            raise UnreadableMedia(name, reason=f"it is cut off: {end:,} bytes expected, {size_bytes:,} there")
        rotation = rotation_of(first)
        stored = (context.width, context.height)
        width_px, height_px = stored[::-1] if rotation in (90, 270) else stored
        base = stream.time_base or Fraction(1)
        duration_s = max(0.0, float((stream.duration or 0) * base)) or packets.duration_s
        fps = Fraction(stream.guessed_rate or stream.average_rate or 0)
        return VideoFacts(
            format=video_format(path, name=name),
            codec=context.codec.canonical_name,
            profile=context.profile,
            level=context.level if context.level >= 0 else None,
            width_px=width_px,
            height_px=height_px,
            rotation_deg=rotation,
            pixel_format=context.pix_fmt or "unknown",
            bit_depth=max(part.bits for part in context.format.components) if context.format else 8,
            colour=Colour(context.color_primaries, context.color_trc, context.colorspace, context.color_range == 2),
            sample_aspect_ratio=Fraction(stream.sample_aspect_ratio or 1),
            fps=fps if fps > 0 else Fraction(packets.count / duration_s).limit_denominator(_FINEST_RATE),
            time_base=base,
            start_s=Fraction(container.start_time or 0, av.time_base),
            frame_count=packets.count,
            duration_s=duration_s,
            bitrate_bps=stream.bit_rate or int(packets.bits / duration_s),
            bitrate_from="header" if stream.bit_rate else "packets",
            variable_frame_rate=packets.variable,
            size_bytes=size_bytes,
            audio=_audio(container),
        )


def _scan(container: InputContainer, stream: VideoStream, name: str) -> tuple[Packets, VideoFrame]:
    """Read all packets, and decode until the first frame comes out."""
    times, count, bits, last = array("q"), 0, 0, 0
    first: VideoFrame | None = None
    for packet in container.demux(stream):
        bits += 8 * packet.size
        if packet.size and not packet.is_discard:  # an edit list hides frames that others are predicted from
            count += 1
            last = packet.duration or last
            if packet.pts is not None:
                times.append(packet.pts)
        if first is None:
            first = next(iter(packet.decode()), None)
    if first is None:
        raise UnreadableMedia(name, reason="it holds no frame that can be decoded")
    base = stream.time_base or Fraction(1)
    ordered = sorted(times)
    steps = [after - before for before, after in pairwise(ordered)]
    length = ordered[-1] - ordered[0] + (last or min(steps, default=0)) if ordered else 0
    if length > 0:
        # Timestamps are rounded to the time base, so that steps of one rate may differ by one unit.
        return Packets(count, bits, float(length * base), bool(steps) and max(steps) - min(steps) > 1), first
    # A raw stream has no clock: its frames last as long as its headers (or FFmpeg's default) say.
    rate = stream.guessed_rate or stream.average_rate
    if not rate or rate < 0:
        raise UnreadableMedia(name, reason="its frames have no times")
    return Packets(count, bits, float(count / rate), False), first


def end_of_frames(container: InputContainer, stream: VideoStream) -> int:
    """Where the last frame ends by the file's own index; 0 where the index does not tell, as outside MP4.

    Args:
        container: An open file, whose packets have been read.
        stream: Its pictures.
    """
    if "mov" not in container.format.name:  # FFmpeg's name of the demuxer of both
        return 0
    return max((entry.pos + entry.size for entry in stream.index_entries), default=0)


def rotation_of(frame: VideoFrame) -> int:
    """How far clockwise a stored frame must be turned to be upright: 0, 90, 180 or 270 degrees.

    Args:
        frame: As decoded.

    Convention:
        FFmpeg counts the other way round.
    """
    return round(-frame.rotation / 90) % 4 * 90


def _audio(container: InputContainer) -> AudioFacts | None:
    for stream in container.streams.audio:
        context: Any = stream.codec_context  # its stubs leave out that there may be none
        if context is None:
            return AudioFacts("unknown", None, 0, 0)
        return AudioFacts(context.codec.canonical_name, stream.bit_rate or None, context.sample_rate, context.channels)
    return None
