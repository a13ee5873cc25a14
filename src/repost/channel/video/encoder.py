"""One encode: frames in, packets out, on a clock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from repost.channel.sizes import Size
from repost.channel.video.failing import failing
from repost.channel.video.lookahead import Lookahead
from repost.channel.video.settings import ENCODERS, Abr, EncoderSettings
from repost.media.video.facts import Colour, VideoFacts


@dataclass(frozen=True, slots=True)
class Clock:
    """What times frames are given.

    Attributes:
        fps: Nominal frame rate, which rate control works with.
        tick: Unit of timestamps: 1 / fps, or the upload's own unit where its frame rate varies.
    """

    fps: Fraction
    tick: Fraction

    @classmethod
    def of(cls, facts: VideoFacts, *, fps: Fraction | None = None) -> Clock:
        """The clock of a video, or of one made to run at a constant rate.

        Args:
            facts: The upload.
            fps: A constant rate that its frames are given; its own when None.
        """
        if fps is not None:
            return cls(fps, 1 / fps)
        if facts.variable_frame_rate:
            return cls(facts.fps, facts.time_base)
        return cls(facts.fps, 1 / facts.fps)


class Slots:
    """Gives frames their times on a clock.

    A frame goes to the nearest free tick. One that comes more than 1.6 ticks before the next free one is dropped:
    ffmpeg's own rule for formats that allow a variable frame rate (video_sync_process in ffmpeg_enc.c).

    Args:
        clock: The clock.
        start: What time, in seconds, becomes 0.
    """

    def __init__(self, clock: Clock, *, start: Fraction = Fraction(0)) -> None:
        self._clock, self._start = clock, start
        self._next = 0

    def place(self, frame: VideoFrame) -> bool:
        """Give a frame its time; False where it is dropped."""
        assert frame.time_base is not None, "decoded frames have a unit of time"
        if frame.pts is None:
            slot = self._next
        else:
            wanted = (frame.pts * Fraction(frame.time_base) - self._start) / self._clock.tick
            if wanted <= self._next - _LATEST:
                return False
            slot = max(self._next, round(wanted))
        frame.pts, frame.time_base = slot, self._clock.tick
        self._next = slot + 1
        return True


_LATEST = Fraction(8, 5)
_SVT_ERRORS = "1"
"""SVT_LOG_ERROR of its svt_log.h."""


class Encoder:
    """An encode in progress, outside any file.

    Args:
        settings: How.
        size: Width and height of the frames.
        clock: Of their timestamps.
        stats: As in `configure`.
    """

    def __init__(
        self, settings: EncoderSettings, *, size: Size, clock: Clock, stats: tuple[int, Path] | None = None
    ) -> None:
        self._settings = settings
        context = av.CodecContext.create(settings.encoder, "w")
        assert isinstance(context, VideoCodecContext), "only video encoders are named in settings"
        self._context, self._lookahead = context, Lookahead(settings)
        self._context.flags |= Flags.global_header  # as in an MP4, whose headers stand outside the stream
        with failing(settings.encoder):
            configure(self._context, settings, size=size, clock=clock, stats=stats)

    def encode(self, frame: VideoFrame | None) -> list[Packet[Any]]:
        """Hand over a frame, or None after the last.

        Raises:
            EncodeFailed: The encoder refused its settings or the frame.
        """
        context: Any = self._context  # its stubs do not say what a packet belongs to
        with failing(self._settings.encoder):
            return self._lookahead.encode(context.encode, frame)

    @property
    def codec(self) -> str:
        """The standard it writes, as FFmpeg names it."""
        return self._context.codec.canonical_name

    @property
    def headers(self) -> bytes:
        """What decoders need beside the packets; there once the first packet is."""
        return self._context.extradata or b""


@cache
def can_encode(encoder: str) -> bool:
    """Whether an encoder works here: FFmpeg may know it while its library or hardware is absent.

    Args:
        encoder: FFmpeg's name of it.
    """
    if encoder in ENCODERS.values():
        return True
    try:
        context: Any = av.CodecContext.create(encoder, "w")
        context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
        context.time_base = Fraction(1, 25)
        context.open()
    except (FFmpegError, ValueError):
        return False
    return True


def configure(
    context: VideoCodecContext,
    settings: EncoderSettings,
    *,
    size: Size,
    clock: Clock,
    colour: Colour | None = None,
    stats: tuple[int, Path] | None = None,
) -> None:
    """Prepare an encoder, before its first frame.

    Args:
        context: The encoder.
        settings: How.
        size: Width and height of the frames.
        clock: Of their timestamps.
        colour: What the stream says about its colours; nothing when None.
        stats: The pass (1 or 2) of a two-pass encode and the file its statistics go through.
    """
    if settings.encoder == "libsvtav1":
        # It prints its settings to stderr at every start, and heeds neither FFmpeg's log level nor an option.
        os.environ.setdefault("SVT_LOG", _SVT_ERRORS)
    context.width, context.height = size
    context.pix_fmt = settings.pixel_format
    context.time_base, context.framerate = clock.tick, clock.fps
    # PyAV's own default, slices, costs 3 to 5 % of bitrate and is not what the ffmpeg program does.
    context.thread_type, context.thread_count = "FRAME", settings.threads
    if colour is not None:
        context.color_primaries, context.color_trc, context.colorspace = (
            colour.primaries,
            colour.transfer,
            colour.matrix,
        )
        context.color_range = 2 if colour.full_range else 1
    options = dict(settings.options())
    if stats is not None:
        context.flags |= Flags.pass1 if stats[0] == 1 else Flags.pass2
        _say_where_statistics_go(options, stats[1], encoder=settings.encoder)
    if isinstance(settings.rate, Abr):
        context.bit_rate = settings.rate.bitrate_bps
    context.options = options


def _say_where_statistics_go(options: dict[str, str], stats: Path, *, encoder: str) -> None:
    if encoder != "libx265":
        options["stats"] = str(stats)
        return
    # FFmpeg's option does not reach x265, which would write x265_2pass.log into the current folder. Its parameters are
    # parted by colons (av_dict_parse_string), which a backslash escapes as it does itself and quotes.
    escaped = "".join(f"\\{letter}" if letter in "\\':= " else letter for letter in str(stats))
    options["x265-params"] += f":stats={escaped}"
