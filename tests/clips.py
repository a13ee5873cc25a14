"""Tiny videos made with PyAV, for tests: a textured picture that moves, coded as asked."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def pictures(count: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """uint8 RGB frames: smooth noise that drifts, and a bright square that goes its own way."""
    width, height = size
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (height // 8 + 12, width // 8 + 12, 3)).astype(np.float32)
    texture = np.kron(coarse, np.ones((8, 8, 1), np.float32))
    texture += rng.normal(0, 6, texture.shape).astype(np.float32)
    for index in range(count):
        at = (index * 2) % 40
        frame = texture[at // 2 : at // 2 + height, at : at + width].copy()
        left = (5 * index) % max(1, width - 12)
        frame[height // 3 : height // 3 + 12, left : left + 12] = 250
        yield np.clip(frame, 0, 255).astype(np.uint8)


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (96, 64),
    count: int = 24,
    fps: Fraction | int = 25,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    bitrate_bps: int | None = None,
    rotation_deg: float | None = None,
    times: Sequence[int] | None = None,
    tick: Fraction | None = None,
    format_: str | None = None,
    container_options: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    colour: tuple[int, int, int, int] | None = None,
    audio: str | None = None,
    streams: int = 1,
    gop: int | None = None,
) -> Path:
    """Encode a clip.

    Args:
        path: Where to.
        size: Width and height.
        count: Frames.
        fps: Nominal rate.
        codec: FFmpeg's encoder.
        pixel_format: As FFmpeg names it.
        options: Of the encoder.
        bitrate_bps: For an average bitrate.
        rotation_deg: Counter-clockwise, as FFmpeg's display matrix has it.
        times: Timestamps in ticks; consecutive when None.
        tick: Unit of the timestamps; 1 / fps when None.
        format_: The container; by the name when None.
        container_options: Of the muxer.
        metadata: Tags of the container.
        colour: Primaries, transfer, matrix, range.
        audio: An audio encoder, for a tone.
        streams: How many copies of the picture stream.
        gop: Most frames between keyframes.
    """
    with av.open(str(path), "w", format=format_, options=dict(container_options or {})) as container:
        container.metadata.update(metadata or {})
        outs = []
        for _ in range(streams):
            stream = container.add_stream(codec, rate=fps)
            stream.width, stream.height = size
            stream.pix_fmt = pixel_format
            context = stream.codec_context
            context.thread_type, context.thread_count = "FRAME", 1
            if gop:
                context.gop_size = gop
            if bitrate_bps:
                stream.bit_rate = bitrate_bps
            if tick:
                context.time_base = tick
            if colour:
                context.color_primaries, context.color_trc, context.colorspace, context.color_range = colour
            if rotation_deg is not None:
                stream.set_display_rotation(rotation_deg)
            stream.options = dict(options or {})
            outs.append(stream)
        sound = container.add_stream(audio, rate=48000) if audio else None
        for index, pixels in enumerate(pictures(count, size)):
            for stream in outs:
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
                frame.pts = times[index] if times else index
                frame.time_base = tick or 1 / Fraction(fps)
                container.mux(stream.encode(frame))
        for stream in outs:
            container.mux(stream.encode(None))
        if sound is not None:
            _mux_tone(container, sound, seconds=max(0.2, count / float(fps)))
    return path


def make_sound(path: Path, *, codec: str = "aac") -> Path:
    """A file with a tone and no picture."""
    with av.open(str(path), "w") as container:
        _mux_tone(container, container.add_stream(codec, rate=48000), seconds=0.3)
    return path


def _mux_tone(container, stream, *, seconds: float) -> None:
    samples = (0.2 * np.sin(np.arange(int(48000 * seconds)) * 0.06)).astype(np.float32)
    for start in range(0, len(samples), 960):
        piece = samples[start : start + 960]
        frame = av.AudioFrame.from_ndarray(np.stack([piece, piece]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
