"""How the frames of a video were coded, and the frames themselves, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from av.container import InputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from repost.media.video.facts import rotation_of
from repost.media.video.headers import parse_encoder_settings
from repost.media.video.open import open_video

if TYPE_CHECKING:
    from numpy.typing import NDArray

QP_COUNT = 64
"""Length of histograms of H.264, whose QP goes to 51, and of MPEG-4, where FFmpeg gives twice the quantiser, to 62."""
VP9_QP_COUNT = 256
"""Length of histograms of VP9, on its own scale of quantiser indices."""

_BLOCK = np.dtype([("x", "<i4"), ("y", "<i4"), ("width", "<i4"), ("height", "<i4"), ("delta_qp", "<i4")])
"""AVVideoBlockParams of FFmpeg's libavutil/video_enc_params.h, which has been the same since it came in 2020."""
_TYPE_OFFSET = 24
"""Where AVVideoEncParams keeps its type and, 4 bytes on, the frame's QP: after a 4-byte count, padding and two sizes of
8 bytes."""
_VP9, _H264 = 0, 1
"""AVVideoEncParamsType."""


@dataclass(frozen=True, slots=True)
class FrameCoding:
    """How one frame was coded.

    Attributes:
        kind: "I", "P", "B", or "?".
        keyframe: Whether decoding can start here.
        qp_histogram: Blocks by quantisation parameter, int64 (QP_COUNT,) or (VP9_QP_COUNT,); empty where the decoder
            does not tell. Those of H.264 are on the scale of 8 bits whatever the depth, negative ones counted as 0.
    """

    kind: str
    keyframe: bool
    qp_histogram: NDArray[np.int64]


@dataclass(frozen=True)
class StreamCoding:
    """How all frames of a stream were coded, in the order they are shown.

    Attributes:
        kinds: One letter for each frame: "I", "P", "B" or "?".
        keyframes: Indices of the frames where decoding can start.
        qp_by_kind: Blocks by quantisation parameter, as in `FrameCoding`, for each kind of frame.
        settings: What x264 or x265 wrote about themselves, or None.
        sizes_bytes: Of the packet of each frame; None where it has no timestamp to be known by.
    """

    kinds: str
    keyframes: tuple[int, ...]
    qp_by_kind: Mapping[str, NDArray[np.int64]]
    settings: Mapping[str, str] | None = None
    sizes_bytes: tuple[int | None, ...] = ()

    @cached_property
    def qp_histogram(self) -> NDArray[np.int64]:
        """Blocks by quantisation parameter, over all frames."""
        return sum(
            self.qp_by_kind.values(), np.zeros(max(map(len, self.qp_by_kind.values()), default=QP_COUNT), np.int64)
        )

    def mean_qp(self, kind: str | None = None) -> float | None:
        """Mean quantisation parameter of the blocks of one kind of frame, or of all; None where none is known."""
        counts = self.qp_histogram if kind is None else self.qp_by_kind.get(kind, np.zeros(0))
        total = counts.sum()
        return float(counts @ np.arange(len(counts)) / total) if total else None

    @property
    def longest_b_run(self) -> int:
        """Most B-frames in a row."""
        return max((len(run) for run in re.findall("B+", self.kinds)), default=0)

    @property
    def keyframe_gaps(self) -> tuple[int, ...]:
        """Frames from each keyframe to the next."""
        return tuple(after - before for before, after in pairwise(self.keyframes))

    @property
    def last_group_frames(self) -> int:
        """Frames from the last keyframe to the end."""
        return len(self.kinds) - (self.keyframes[-1] if self.keyframes else 0)


def decode_frames(
    path: Path, *, name: str | None = None, threads: int = 0, max_pixels: int | None = None
) -> Iterator[VideoFrame]:
    """Decode a video, one frame at a time.

    Args:
        path: The file.
        name: What it is called in errors; the path when None.
        threads: Decoder threads; 0 leaves it to FFmpeg. The frames do not depend on it.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Yields:
        Frames as stored (not turned), in the order they are shown, with their timestamps.

    Raises:
        MediaError: It is no video, damaged or empty; perhaps only after some frames.
    """
    with open_video(path, name=name or str(path), max_pixels=max_pixels) as (container, stream):
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield from container.decode(stream)


def read_stream_coding(
    path: Path,
    *,
    name: str | None = None,
    most_frames: int | None = None,
    max_pixels: int | None = None,
    on_frame: Callable[[int], None] | None = None,
) -> StreamCoding:
    """Read how the frames of a video were coded, by decoding it.

    Args:
        path: The file.
        name: What it is called in errors; the path when None.
        most_frames: Stop after so many; None reads all.
        max_pixels: Limit on width x height of a frame; the limit in force when None.
        on_frame: Called after each frame with how many there are so far.

    Returns:
        Frame kinds, keyframes, quantisation parameters (H.264 per block, VP9 per frame, HEVC and AV1 none) and the
        encoder's own settings where it left them.

    Raises:
        MediaError: It is no video, damaged or empty.
    """
    kinds: list[str] = []
    keyframes: list[int] = []
    sizes: list[int | None] = []
    by_kind: dict[str, NDArray[np.int64]] = {}
    settings: Mapping[str, str] | None = None
    packet_bytes: dict[int, int] = {}
    with open_video(path, name=name or str(path), max_pixels=max_pixels) as (container, stream):
        # Frame threads overwrite the table of quantisation parameters while it is exported: it changes from run to run.
        stream.thread_type = "SLICE"
        stream.codec_context.options |= {"export_side_data": "venc_params"}
        for frame in _decoded(container, stream, packet_bytes):
            coding = frame_coding(frame)
            if coding.keyframe:
                keyframes.append(len(kinds))
            kinds.append(coding.kind)
            sizes.append(None if frame.pts is None else packet_bytes.pop(frame.pts, None))
            if len(coding.qp_histogram):
                by_kind[coding.kind] = by_kind.get(coding.kind, 0) + coding.qp_histogram
            settings = settings or _settings_of(frame)
            if on_frame is not None:
                on_frame(len(kinds))
            if most_frames is not None and len(kinds) >= most_frames:
                break
    return StreamCoding("".join(kinds), tuple(keyframes), by_kind, settings, tuple(sizes))


def _decoded(container: InputContainer, stream: VideoStream, packet_bytes: dict[int, int]) -> Iterator[VideoFrame]:
    """Decode, and note the size of each packet under its timestamp, which its frame will have too."""
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            packet_bytes[packet.pts] = packet.size
        yield from packet.decode()


def frame_coding(frame: VideoFrame) -> FrameCoding:
    """How a decoded frame was coded.

    Args:
        frame: Of a decoder that was opened with `export_side_data=venc_params`; else no QP is known.

    Returns:
        Its kind, and the quantisation parameters of its blocks.
    """
    kind = PictureType(frame.pict_type).name
    histogram = np.zeros(0, np.int64)
    for data in _side_data(frame, "VIDEO_ENC_PARAMS"):
        histogram = _qp_histogram(data, extra_bits=frame.format.components[0].bits - 8)
    return FrameCoding(kind if kind in ("I", "P", "B") else "?", bool(frame.key_frame), histogram)


def _qp_histogram(params: bytes, *, extra_bits: int) -> NDArray[np.int64]:
    count = int(np.frombuffer(params, "<u4", 1)[0])
    offset, block_bytes = (int(number) for number in np.frombuffer(params, "<u8", 2, 8))
    codec, base = (int(number) for number in np.frombuffer(params, "<i4", 2, _TYPE_OFFSET))
    bins = VP9_QP_COUNT if codec == _VP9 else QP_COUNT
    if count and block_bytes == _BLOCK.itemsize:
        found = base + np.frombuffer(params, _BLOCK, count, offset)["delta_qp"]
    else:
        found = np.array([base])
    if codec == _H264:
        # FFmpeg counts from the lowest QP of the depth (QP' of the standard), which is -6 for every bit beyond 8.
        found = found - 6 * extra_bits
    return np.bincount(np.clip(found, 0, bins - 1), minlength=bins)


def _settings_of(frame: VideoFrame) -> Mapping[str, str] | None:
    return next(filter(None, map(parse_encoder_settings, _side_data(frame, "SEI_UNREGISTERED"))), None)


def _side_data(frame: VideoFrame, kind: str) -> Iterator[bytes]:
    found: Any = frame.side_data  # a sequence too, which its stubs do not tell
    return (bytes(data) for data in found if data.type.name == kind)


def upright_rgb8(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame as a viewer shows it.

    Args:
        frame: As decoded.

    Returns:
        uint8 HWC RGB, turned as the display matrix says, by FFmpeg's own conversion with its defaults.
    """
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    # numpy turns the other way round, and a turned view would make every later read slow.
    return np.ascontiguousarray(np.rot90(pixels, -rotation_of(frame) // 90))


def luma_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """The luma plane of an 8-bit planar frame.

    Args:
        frame: A frame in a planar YUV or grey format of 8 bits.

    Returns:
        uint8 (height, width), a view into the frame.
    """
    return plane_of(frame, 0)


def plane_of(frame: VideoFrame, index: int) -> NDArray[np.uint8]:
    """One plane of an 8-bit planar frame.

    Args:
        frame: A frame in a planar YUV or grey format of 8 bits.
        index: 0 for luma, 1 and 2 for chroma.

    Returns:
        uint8 (height, width) of the plane, a view into the frame.
    """
    plane: Any = frame.planes[index]  # it has the buffer protocol, which its stubs do not tell
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
