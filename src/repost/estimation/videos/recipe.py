"""How an upload is encoded again, except for the rate factor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

from av.video.frame import VideoFrame

from repost.channel.sizes import Size
from repost.channel.video.encoder import Clock, Encoder, Slots
from repost.channel.video.filters import FrameFilter, RepeatLimit
from repost.channel.video.settings import EncoderSettings, RateControl
from repost.core.heap import fresh_memory
from repost.media.video.upload import VideoUpload


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an upload is encoded, except for the rate factor.

    Attributes:
        size: Width and height of the result.
        settings: Of the encoder; its rate is replaced.
        kernel: Resampling filter.
        fps: Constant frame rate of the result, frames repeated or dropped; as they come when None, on a clock that
            ticks at the upload's nominal rate. That is what ffmpeg 9 does for an MP4; ffmpeg 5.1 repeats and drops
            frames, though not always those that FFmpeg's filter for a constant rate does.
    """

    size: Size
    settings: EncoderSettings
    kernel: str = "bicubic"
    fps: Fraction | None = None

    def clock(self, upload: VideoUpload) -> Clock:
        """The clock of the result: it ticks once a frame, whatever the upload's unit, as in the ffmpeg program."""
        fps = self.fps or upload.facts.fps
        return Clock(fps, 1 / fps)

    def frames(self, upload: VideoUpload, *, most: int | None = None) -> Iterator[VideoFrame]:
        """Decode and filter an upload, and give its frames their times.

        Args:
            upload: The video.
            most: Stop after so many; None gives all.

        Yields:
            Frames ready for an encoder. Encoders do not change them, so that one frame may go to several.

        Raises:
            MediaError: The upload is damaged; perhaps only after some frames.
        """
        facts = upload.facts
        filtered = FrameFilter(
            self.size, self.kernel, self.settings.pixel_format, turn_deg=facts.rotation_deg, fps=self.fps
        )
        slots = Slots(self.clock(upload), start=facts.start_s)
        with upload.open() as (container, stream):
            # One thread costs the least CPU time; who has many uploads has other work for the other cores.
            stream.codec_context.thread_count = 1
            decoded = map(RepeatLimit(upload, self.fps), container.decode(stream))
            frames = filtered.apply(decoded, stream)
            yield from islice((frame for frame in frames if slots.place(frame)), most)

    def encoder(self, upload: VideoUpload, rate: RateControl) -> Encoder:
        """An encoder for these frames.

        Raises:
            EncodeFailed: The encoder refuses its settings; perhaps only with the first frame.
        """
        fresh_memory()  # x264's output must not depend on what this process did before
        return Encoder(replace(self.settings, rate=rate), size=self.size, clock=self.clock(upload))
