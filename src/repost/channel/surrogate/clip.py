"""The way from frames in memory to an uploaded video, and from a served video back to frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from repost.channel.video.encoder import Clock, configure
from repost.channel.video.failing import failing
from repost.channel.video.settings import Crf, EncoderSettings
from repost.core.errors import OutputUnwritable
from repost.media.read import NO_LIMIT
from repost.media.video.facts import Colour, read_video_facts
from repost.media.video.frames import QP_COUNT, frame_coding
from repost.media.video.open import open_video
from repost.media.video.upload import VideoUpload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repost.media.picture import Rgb8

_BT709 = Colour(primaries=1, transfer=1, matrix=1, full_range=False)
"""Of the upload, in the numbers of ITU-T H.273: what players take high-definition video for."""


@dataclass(frozen=True, slots=True)
class ServedClip:
    """What came back.

    Attributes:
        codec: The standard, as FFmpeg names it.
        pictures: RGB frames in the order they are shown.
        times_s: When each is shown, from 0.
        qps: Mean quantisation parameter of each frame on H.264's scale of 8 bits; None where the decoder does not tell
            or the standard has another scale.
    """

    codec: str
    pictures: tuple[Rgb8, ...]
    times_s: tuple[Fraction, ...]
    qps: tuple[float | None, ...]


def write_upload(path: Path, pictures: Sequence[Rgb8], *, fps: Fraction) -> VideoUpload:
    """Write frames as a video that a person might upload, losing nothing but chroma samples.

    Args:
        path: The file to write, an MP4.
        pictures: RGB frames of one size, at least one.
        fps: Frames per second.

    Returns:
        The upload.

    Raises:
        EncodeFailed: x264 refused the size or the frame rate.
        OutputUnwritable: The file cannot be written.

    Convention:
        H.264 of x264 at QP 0 without sound. RGB becomes BT.709 of limited range, and 4:2:0 where both sides are even;
        4:2:0 cannot hold odd sides, such frames keep their chroma (4:4:4). Libswscale converts.
    """
    height, width = pictures[0].shape[:2]
    pixel_format = "yuv444p" if height % 2 or width % 2 else "yuv420p"
    # Lossless at every preset, so that only the time matters. CRF 0 is x264's QP 0.
    settings = EncoderSettings(rate=Crf(0), preset="ultrafast", pixel_format=pixel_format)
    clock = Clock(fps, 1 / fps)
    try:
        with av.open(f"file:{path}", "w", format="mp4") as opened:
            target: Any = opened  # its stubs leave half of the types open
            with failing(settings.encoder):
                stream = target.add_stream(settings.encoder, rate=fps)
                configure(stream.codec_context, settings, size=(width, height), clock=clock, colour=_BT709)
            stream.time_base = clock.tick
            for frame in (*_stored(pictures, pixel_format, clock), None):
                with failing(settings.encoder):
                    packets = stream.encode(frame)
                target.mux(packets)
    except FFmpegError as error:
        raise OutputUnwritable(path.name, reason=(error.strerror or str(error)).lower()) from error
    return VideoUpload(path, name="the clip", max_pixels=NO_LIMIT)


def _stored(pictures: Sequence[Rgb8], pixel_format: str, clock: Clock) -> Iterator[VideoFrame]:
    for index, picture in enumerate(pictures):
        frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(
            format=pixel_format, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = index, clock.tick
        yield frame


def read_served(path: Path) -> ServedClip:
    """Decode a video to what a viewer sees, and read how each frame was quantised.

    Args:
        path: The file.

    Raises:
        MediaError: It is damaged.

    Convention:
        Libswscale converts to RGB by the matrix and range the stream names, as for the frames that `repost emulate`
        writes; from 8-bit 4:2:0 the ffmpeg program does the same, from other formats it enlarges chroma otherwise.
    """
    pictures: list[Rgb8] = []
    times: list[Fraction] = []
    qps: list[float | None] = []
    name = "the served file"
    facts = read_video_facts(path, name=name, max_pixels=NO_LIMIT)
    with open_video(path, name=name, max_pixels=NO_LIMIT) as (container, stream):
        stream.thread_type = "SLICE"  # as in `read_stream_coding`: frame threads spoil the quantisation parameters
        stream.codec_context.options |= {"export_side_data": "venc_params"}
        for frame in container.decode(stream):
            assert frame.pts is not None, "files of the channel have a clock"
            assert frame.time_base is not None, "files of the channel have a clock"
            picture: Any = frame.to_ndarray(format="rgb24")
            pictures.append(picture)
            times.append(frame.pts * frame.time_base - facts.start_s)
            qps.append(_mean_qp(frame))
    return ServedClip(facts.codec, tuple(pictures), tuple(times), tuple(qps))


def _mean_qp(frame: VideoFrame) -> float | None:
    histogram = frame_coding(frame).qp_histogram
    if len(histogram) != QP_COUNT or not histogram.any():  # VP9 counts indices of its own
        return None
    return float(histogram @ np.arange(QP_COUNT) / histogram.sum())
