"""What a video file is: everything its headers and packets say, without decoding more than one frame."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from repost.core.errors import TooManyPixels, UnreadableMedia
from repost.media.read import max_pixels_allowed
from repost.media.video.open import open_video, video_format


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """The sound of a video.

    Attributes:
        codec: As FFmpeg names it, such as "aac".
        bitrate_bps: As the header says, or None.
        sample_rate_hz: Samples per second.
        channels: How many.
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
        rotation_deg: How far clockwise the stored frames must be turned to be upright: 0, 90, 180 or 270.
        pixel_format: As FFmpeg names it, such as "yuv420p".
        bit_depth: Bits per sample.
        colour: How numbers stand for colours.
        sample_aspect_ratio: Width of a pixel over its height; 1 where the file does not say.
        fps: Nominal frame rate: FFmpeg's guess from the header's mean and the smallest steps.
        time_base: Unit of the picture stream's timestamps, in seconds.
        start_s: Time of the first thing in the file, which players take for 0.
        frame_count: Frames, counted by packets.
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
        count: How many.
        bits: All of them.
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
    with open_video(path, name=name) as (container, stream):
        context = stream.codec_context
        limit = max_pixels_allowed() if max_pixels is None else max_pixels
        if context.width * context.height > limit:
            raise TooManyPixels(name, pixel_count=context.width * context.height, limit=limit)
        rotation = -_first_frame(container, stream, name).rotation % 360
        packets = _scan(container, stream, name)
        stored = (context.width, context.height)
        width_px, height_px = stored[::-1] if rotation in (90, 270) else stored
        base = stream.time_base or Fraction(1)
        duration_s = float(stream.duration * base) if stream.duration else packets.duration_s
        fps = Fraction(stream.guessed_rate or stream.average_rate or 0) or Fraction(packets.count / duration_s)
        return VideoFacts(
            format=video_format(path, name=name),
            codec=context.codec.canonical_name,
            profile=context.profile,
            level=context.level if context.level > 0 else None,
            width_px=width_px,
            height_px=height_px,
            rotation_deg=rotation,
            pixel_format=context.pix_fmt or "unknown",
            bit_depth=max(part.bits for part in context.format.components) if context.format else 8,
            colour=Colour(context.color_primaries, context.color_trc, context.colorspace, context.color_range == 2),
            sample_aspect_ratio=Fraction(stream.sample_aspect_ratio or 1),
            fps=fps,
            time_base=base,
            start_s=Fraction(container.start_time or 0, av.time_base),
            frame_count=packets.count,
            duration_s=duration_s,
            bitrate_bps=stream.bit_rate or int(packets.bits / duration_s),
            bitrate_from="header" if stream.bit_rate else "packets",
            variable_frame_rate=packets.variable,
            size_bytes=path.stat().st_size,
            audio=_audio(container),
        )


def _first_frame(container: InputContainer, stream: VideoStream, name: str) -> VideoFrame:
    for frame in container.decode(stream):
        return frame
    raise UnreadableMedia(name, reason="it holds no frame that can be decoded")


def _scan(container: InputContainer, stream: VideoStream, name: str) -> Packets:
    times, bits, last = array("q"), 0, 0
    container.seek(0)
    for packet in container.demux(stream):
        if packet.size:
            bits += 8 * packet.size
            last = packet.duration or last
            if packet.pts is not None:
                times.append(packet.pts)
    if not len(times):
        return _untimed(container, stream, bits, name)
    ordered = sorted(times)
    steps = [after - before for before, after in pairwise(ordered)]
    base = stream.time_base or Fraction(1)
    duration_s = float((ordered[-1] - ordered[0] + (last or (min(steps) if steps else 1))) * base)
    # Timestamps are rounded to the time base, so that steps of one rate may differ by one unit.
    return Packets(len(times), bits, duration_s, bool(steps) and max(steps) - min(steps) > 1)


def _untimed(container: InputContainer, stream: VideoStream, bits: int, name: str) -> Packets:
    """A raw stream has no clock: its frames last as long as its headers (or FFmpeg's default) say."""
    container.seek(0)
    count = sum(1 for packet in container.demux(stream) if packet.size)
    rate = stream.guessed_rate or stream.average_rate
    if not count or not rate:
        raise UnreadableMedia(name, reason="it holds no frames with a time")
    return Packets(count, bits, float(count / rate), False)


def _audio(container: InputContainer) -> AudioFacts | None:
    for stream in container.streams.audio:
        context = stream.codec_context
        return AudioFacts(context.codec.canonical_name, stream.bit_rate or None, context.sample_rate, context.channels)
    return None
