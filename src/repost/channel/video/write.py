"""Write the served video: one streaming pass from upload to file, two where the encoder wants statistics."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError, PatchWelcomeError
from av.video.frame import VideoFrame

from repost.channel.video.audio import Sound, not_held
from repost.channel.video.encoder import Clock, Encoder, Slots, configure
from repost.channel.video.failing import failing
from repost.channel.video.filters import RepeatLimit
from repost.channel.video.lookahead import Lookahead
from repost.channel.video.plan import Plan
from repost.channel.video.settings import Abr, EncoderSettings
from repost.core.errors import EncodeFailed, OutputUnwritable, UnsupportedMedia
from repost.core.files import atomic_path
from repost.core.heap import fresh_memory
from repost.media.video.facts import VideoFacts
from repost.media.video.open import reading
from repost.media.video.upload import VideoUpload

OnFrame = Callable[[int], None]
"""Called with the number of frames handled so far."""
Alter = Callable[[VideoFrame], VideoFrame]
"""Gives another frame of the same size, format and time; decoders still refer to the one that it is given."""


def told_as_part(on_frame: OnFrame | None, start: float, end: float, *, frame_count: int) -> OnFrame | None:
    """Tell of one of several passes over a video as a part of the work.

    Args:
        on_frame: Who is told of the whole, in frames of the upload.
        start: What share of the work is done when the pass begins, 0 to 1.
        end: What share when it ends.
        frame_count: Frames of the upload.

    Returns:
        Who is told of the frames of the pass.
    """
    if on_frame is None:
        return None
    return lambda count: on_frame(int(start * frame_count + (end - start) * min(count, frame_count)))


_SEI_FILTERS = {"libx264": "filter_units=remove_types=6", "libx265": "filter_units=remove_types=39|40"}
"""NAL unit types of supplemental enhancement information: 6 in H.264, 39 and 40 in HEVC."""


def write_video(
    upload: VideoUpload,
    plan: Plan,
    settings: EncoderSettings,
    out: Path,
    *,
    alter: Alter | None = None,
    on_frame: OnFrame | None = None,
) -> None:
    """Encode a video by a plan. Memory does not grow with its length.

    Args:
        upload: The video.
        plan: What happens to it.
        settings: How it is encoded.
        out: The file to write; it appears when it is whole.
        alter: Changes every frame before it is encoded, in the order they are shown; rate control must be of one pass.
        on_frame: Told how far the work is.

    Raises:
        EncodeFailed: An encoder refused its settings.
        OutputUnwritable: The file cannot be written.
        UnreadableMedia: The upload is damaged; nothing is left at `out`.
        UnsupportedMedia: Its gaps would have to be filled for too long, or the container cannot hold its sound.
    """
    fresh_memory()
    job = _Job(upload, plan, settings, out, Clock.of(upload.facts, fps=plan.filter.fps), alter)
    tell = partial(told_as_part, on_frame, frame_count=upload.facts.frame_count)
    with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
        stats = Path(scratch) / "stats" if job.passes == 2 else None
        if stats is not None:
            job.gather(stats, tell(0, 1 / 2))
        with atomic_path(out) as part:
            job.write(part, stats, tell(0 if stats is None else 1 / 2, 1))


def filtered_frames(
    upload: VideoUpload, plan: Plan, clock: Clock, *, on_frame: OnFrame | None = None
) -> Iterator[VideoFrame]:
    """The frames that an encoder gets, on its clock.

    Args:
        upload: The video.
        plan: What happens to it.
        clock: Of the encode.
        on_frame: Told how many frames of the upload are done.

    Yields:
        Frames of the served size and format.

    Raises:
        UnreadableMedia: The upload is damaged.
        UnsupportedMedia: Its gaps would have to be filled for too long.
    """
    slots = Slots(clock, start=upload.facts.start_s)
    with upload.open() as (container, stream):
        stream.thread_type = "AUTO"
        graph, passed = plan.filter.over(stream), RepeatLimit(upload, plan.filter.fps)
        for count, frame in enumerate(container.decode(stream), 1):
            yield from filter(slots.place, graph.push(passed(frame)))
            if on_frame is not None:
                on_frame(count)
        yield from filter(slots.place, graph.push(None))


@dataclass(frozen=True, slots=True)
class _Job:
    """One video on its way into a file."""

    upload: VideoUpload
    plan: Plan
    settings: EncoderSettings
    out: Path
    clock: Clock
    alter: Alter | None = None

    @property
    def passes(self) -> int:
        rate = self.settings.rate
        return rate.passes if isinstance(rate, Abr) else 1

    def gather(self, stats: Path, on_frame: OnFrame | None) -> None:
        """The first of two passes, of which only the encoder's statistics are kept."""
        encoder = Encoder(self.settings, size=self.plan.filter.size, clock=self.clock, stats=(1, stats))
        for frame in filtered_frames(self.upload, self.plan, self.clock, on_frame=on_frame):
            encoder.encode(frame)
        encoder.encode(None)

    def write(self, part: Path, stats: Path | None, on_frame: OnFrame | None) -> None:
        """The pass that writes the file."""
        facts = self.upload.facts
        slots = Slots(self.clock, start=facts.start_s)
        with (
            self.upload.open() as (source, stream),
            _new_file(part, self) as target,
        ):
            writer = _PictureWriter(target, self, stats)
            sound = Sound(source, target, self.plan.audio, start=facts.start_s, name=self.upload.name)
            graph = self.plan.filter.over(stream)
            passed = RepeatLimit(self.upload, self.plan.filter.fps)
            stream.thread_type = "AUTO"
            streams = [stream] if sound.stream is None else [stream, sound.stream]
            count = 0
            for item in _decoded(source, streams, stream, self.upload.name):
                if not isinstance(item, VideoFrame):
                    sound.take(item)
                    continue
                count += 1
                writer.write(self._altered(filter(slots.place, graph.push(passed(item)))))
                if on_frame is not None:
                    on_frame(count)
            writer.write(self._altered(filter(slots.place, graph.push(None))))
            writer.finish()
            sound.finish()

    def _altered(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        return frames if self.alter is None else map(self.alter, frames)


def _decoded(source: Any, streams: list[Any], pictures: Any, name: str) -> Iterator[Any]:  # noqa: ANN401 - PyAV's stubs
    """Frames of the pictures and packets of the sound, as they lie in the file."""
    with reading(name):
        for packet in source.demux(streams):
            if packet.stream is pictures:
                yield from packet.decode()
            else:
                yield packet


class _PictureWriter:
    """The picture stream of the served file."""

    def __init__(self, target: Any, job: _Job, stats: Path | None) -> None:  # noqa: ANN401 - PyAV's stubs
        settings, plan, facts = job.settings, job.plan, job.upload.facts
        self._target, self._encoder, self._lookahead = target, settings.encoder, Lookahead(settings)
        with failing(settings.encoder):
            stream: Any = target.add_stream(settings.encoder, rate=job.clock.fps)
            configure(
                stream.codec_context,
                settings,
                size=plan.filter.size,
                clock=job.clock,
                colour=facts.colour,
                stats=None if stats is None else (2, stats),
            )
        stream.time_base = job.clock.tick
        shape = pixel_shape(facts, plan)
        if shape != 1:
            stream.codec_context.sample_aspect_ratio = shape
        if plan.keep_rotation:
            stream.set_display_rotation(-facts.rotation_deg)
        self._stream = stream
        strip = None if settings.message else _SEI_FILTERS.get(settings.encoder)
        self._strip: Any = BitStreamFilterContext(strip, stream) if strip else None

    def write(self, frames: Iterator[VideoFrame]) -> None:
        for frame in frames:
            self._mux(frame)

    def finish(self) -> None:
        self._mux(None)
        if self._strip is not None:
            self._target.mux(self._strip.filter(None))

    def _mux(self, frame: VideoFrame | None) -> None:
        with failing(self._encoder):
            packets = self._lookahead.encode(self._stream.encode, frame)
        for packet in packets:
            self._target.mux(self._strip.filter(packet) if self._strip is not None else packet)


def pixel_shape(facts: VideoFacts, plan: Plan) -> Fraction:
    """Width over height of a served pixel, so that a player shows the picture in the upload's shape.

    Scaling that keeps the aspect ratio up to the rounding of sides leaves pixels as they are.
    """
    turned = plan.filter.turn_deg in (90, 270)
    before = facts.stored_size[::-1] if turned else facts.stored_size
    own = 1 / facts.sample_aspect_ratio if turned else facts.sample_aspect_ratio
    if plan.filter.crop is not None:
        left, top, right, bottom = plan.filter.crop
        before = (right - left, bottom - top)
    after = plan.filter.size
    stretched = Fraction(before[0] * after[1], before[1] * after[0])
    return own if abs(float(stretched) - 1) < _ROUNDING else own * stretched


_ROUNDING = 0.02


@contextmanager
def _new_file(part: Path, job: _Job) -> Generator[Any]:  # PyAV's stubs leave half of the type open
    wanted = job.plan.container
    options = {"movflags": "faststart"} if wanted.format == "mp4" and wanted.faststart else {}
    target = None
    try:
        target = av.open(f"file:{part}", "w", format=wanted.format, options=options)
        yield target
        target.close()
    except FFmpegError as error:
        if isinstance(error, PatchWelcomeError):  # what its muxer of MP4 says of steps beyond 32 bits
            raise UnsupportedMedia(
                job.upload.name,
                got=f"times {job.upload.facts.duration_s / 3600:,.0f} hours apart",
                expected=f"steps between frames that {wanted.format} holds",
                remedy="its times are damaged, or it stands still for too long; cut it first",
            ) from error
        reason = (error.strerror or str(error)).lower()
        if error.errno != errno.EINVAL:
            raise OutputUnwritable(job.out.name, reason=reason) from error
        # The encoders have had their say: what is left to find invalid is that the container should hold such streams.
        if job.plan.audio.action == "copy" and (audio := job.upload.facts.audio) is not None:
            raise not_held(job.upload.name, audio.codec, container=wanted.format) from error
        raise EncodeFailed(wanted.format, reason=reason) from error
