"""Frames turned, scaled and converted, as FFmpeg's filters do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from repost.channel.sizes import Size
from repost.channel.trace import Box
from repost.channel.video.failing import failing
from repost.core.errors import UnsupportedMedia
from repost.media.video.upload import VideoUpload

_QUARTER_TURNS = {90: "clock", 270: "cclock"}
"""Directions of FFmpeg's transpose filter by how far clockwise a frame is turned."""


@dataclass(frozen=True, slots=True)
class FrameFilter:
    """What happens to every frame between decoder and encoder.

    Attributes:
        size: Width and height of the result.
        kernel: One of `steps.KERNELS["video"]`, as libswscale names them.
        pixel_format: Of the result, as FFmpeg names it.
        turn_deg: How far clockwise frames are turned first.
        crop: What is kept of the turned frame: left, top, right, bottom, right and bottom exclusive; all when None.
        fps: Constant frame rate of the result, frames repeated or dropped; as they come when None.
    """

    size: Size
    kernel: str = "bicubic"
    pixel_format: str = "yuv420p"
    turn_deg: int = 0
    crop: Box | None = None
    fps: Fraction | None = None

    def over(self, stream: VideoStream) -> FilterGraph:
        """Set up the filters for the frames of a stream.

        Args:
            stream: Where the frames come from.
        """
        return FilterGraph(self, stream)

    def apply(self, frames: Iterable[VideoFrame], stream: VideoStream) -> Iterator[VideoFrame]:
        """Filter frames as they come.

        Args:
            frames: Decoded frames of the stream.
            stream: Where they come from.

        Yields:
            Frames of the new size and format.
        """
        graph = self.over(stream)
        for frame in frames:
            yield from graph.push(frame)
        yield from graph.push(None)


class FilterGraph:
    """The filters at work on one stream.

    Args:
        wanted: What they do.
        stream: Where the frames come from.
    """

    def __init__(self, wanted: FrameFilter, stream: VideoStream) -> None:
        self._graph = Graph()
        with failing("scale"):
            self._set_up(wanted, stream)

    def _set_up(self, wanted: FrameFilter, stream: VideoStream) -> None:
        graph = self._graph
        graph.threads = 1
        nodes = [_source(graph, stream)]
        if wanted.turn_deg == 180:
            nodes += [graph.add("hflip"), graph.add("vflip")]
        elif wanted.turn_deg:
            nodes.append(graph.add("transpose", _QUARTER_TURNS[wanted.turn_deg]))
        if wanted.crop is not None:
            left, top, right, bottom = wanted.crop
            nodes.append(graph.add("crop", f"{right - left}:{bottom - top}:{left}:{top}:exact=1"))
        if wanted.fps is not None:
            nodes.append(graph.add("fps", f"fps={wanted.fps.numerator}/{wanted.fps.denominator}"))
        # One filter scales and converts, as in ffmpeg's own command line; a second would resample chroma twice.
        nodes.append(graph.add("scale", f"{wanted.size[0]}:{wanted.size[1]}:flags={wanted.kernel}"))
        nodes.append(graph.add("format", wanted.pixel_format))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()

    def push(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Hand over a frame, or None after the last.

        Yields:
            The frames that are ready. Their kind (I, P, B) is cleared, so that the encoder chooses.
        """
        with failing("scale"):
            self._graph.vpush(frame)
        while True:
            with failing("scale"):
                try:
                    ready = self._graph.vpull()
                except (BlockingIOError, EOFError):
                    return
            ready.pict_type = PictureType.NONE
            yield ready


class RepeatLimit:
    """Refuses uploads whose gaps would be filled with frames for hours.

    A gap of days takes a few bytes to write. What a constant rate makes of an upload may be `MOST_FRAMES`, or
    `MOST_FRAMES_OF_ONE` times as many frames as the upload has, whichever is more.

    Args:
        upload: The video.
        fps: The constant rate its frames are brought to; nothing is refused when None.
    """

    def __init__(self, upload: VideoUpload, fps: Fraction | None) -> None:
        self._upload, self._fps = upload, fps
        self._most = max(MOST_FRAMES, MOST_FRAMES_OF_ONE * upload.facts.frame_count)
        self._first: Fraction | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Let a decoded frame pass.

        Raises:
            UnsupportedMedia: It comes too late after the first, or stays for too long.
        """
        if self._fps is None or frame.pts is None or frame.time_base is None:
            return frame
        if self._first is None:
            self._first = frame.pts * frame.time_base
        span_s = (frame.pts + frame.duration) * frame.time_base - self._first
        if span_s * self._fps > self._most:
            raise UnsupportedMedia(
                self._upload.name,
                got=f"{self._upload.facts.frame_count:,} frames over {float(span_s) / 3600:,.0f} hours",
                expected=f"at most {self._most:,} frames at {float(self._fps):g} per second",
                remedy="its times are damaged, or it stands still for too long; cut it first",
            )
        return frame


MOST_FRAMES = 100_000
"""An hour at the 25 to 30 frames per second of most videos: as many as any film clip may be made into."""
MOST_FRAMES_OF_ONE = 1000
"""Half a minute at 30 frames per second: slides stand as long, and recordings of screens have long pauses."""


def _source(graph: Graph, stream: VideoStream) -> FilterContext:
    """Where frames enter a graph.

    `Graph.add_buffer` says nothing about colours; then frames that are tagged (BT.709, say) count as being in another
    space than the graph's, and the scaler converts them to what it takes for unspecified, BT.601.
    """
    context = stream.codec_context
    return graph.add(
        "buffer",
        video_size=f"{context.width}x{context.height}",
        pix_fmt=context.pix_fmt or "",
        time_base=str(stream.time_base),
        colorspace=str(int(context.colorspace)),
        range=str(int(context.color_range)),
    )
