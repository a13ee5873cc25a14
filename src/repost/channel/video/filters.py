"""Frames turned, scaled and converted, as FFmpeg's filters do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.filter import Graph
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from repost.channel.sizes import Size

_FLAGS = {
    "lanczos": "lanczos",
    "bicubic": "bicubic",
    "bilinear": "bilinear",
    "area": "area",
    "bicublin": "bicublin",
    "spline": "spline",
}
"""Kernels of profiles as libswscale names them."""

_QUARTER_TURNS = {90: "clock", 270: "cclock"}
"""Directions of FFmpeg's transpose filter by how far clockwise a frame is turned."""


@dataclass(frozen=True, slots=True)
class FrameFilter:
    """What happens to every frame between decoder and encoder.

    Attributes:
        size: Width and height of the result.
        kernel: Resampling filter.
        pixel_format: Of the result, as FFmpeg names it.
        turn_deg: How far clockwise frames are turned first.
        fps: Constant frame rate of the result, frames repeated or dropped; as they come when None.
    """

    size: Size
    kernel: str = "bicubic"
    pixel_format: str = "yuv420p"
    turn_deg: int = 0
    fps: Fraction | None = None

    def apply(self, frames: Iterable[VideoFrame], stream: VideoStream) -> Iterator[VideoFrame]:
        """Filter frames as they come.

        Args:
            frames: Decoded frames of the stream.
            stream: Where they come from.

        Yields:
            Frames of the new size and format. Their kind (I, P, B) is cleared, so that the encoder chooses.
        """
        graph = self._graph(stream)
        for frame in frames:
            graph.vpush(frame)
            yield from _ready(graph)
        graph.vpush(None)
        yield from _ready(graph)

    def _graph(self, stream: VideoStream) -> Graph:
        graph = Graph()
        graph.threads = 1
        nodes = [graph.add_buffer(template=stream)]
        if self.turn_deg == 180:
            nodes += [graph.add("hflip"), graph.add("vflip")]
        elif self.turn_deg:
            nodes.append(graph.add("transpose", _QUARTER_TURNS[self.turn_deg]))
        if self.fps is not None:
            nodes.append(graph.add("fps", f"fps={self.fps.numerator}/{self.fps.denominator}"))
        # One filter scales and converts, as in ffmpeg's own command line; a second would resample chroma twice.
        nodes.append(graph.add("scale", f"{self.size[0]}:{self.size[1]}:flags={_FLAGS[self.kernel]}"))
        nodes.append(graph.add("format", self.pixel_format))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        frame.pict_type = PictureType.NONE
        yield frame
