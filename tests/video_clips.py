"""Clips a few dozen frames long, made in the tests."""

from fractions import Fraction

import av
import numpy as np


def moving_frames(count, *, size=(128, 96), seed=1, speed=2.0, noise=3.0, sharp=True):
    """Frames of a textured picture that moves, turns brighter and has grain, as planar YUV 4:2:0 arrays."""
    rng = np.random.default_rng(seed)
    width, height = size
    texture = rng.normal(128, 40, (height * 2, width * 2))
    if not sharp:
        texture = (texture + np.roll(texture, 1, 0) + np.roll(texture, 1, 1) + np.roll(texture, 2, 1)) / 4
    for index in range(count):
        shift = int(index * speed)
        luma = np.roll(texture, (shift, -2 * shift), (0, 1))[:height, :width] + rng.normal(0, noise, (height, width))
        chroma = np.roll(texture, shift, 1)[height:, width:]
        blue, red = chroma[: height // 2, : width // 2] / 2 + 64, chroma[-(height // 2) :, : width // 2] / 2 + 60
        planes = np.concatenate([luma.ravel(), blue.ravel(), red.ravel()])
        yield planes.clip(16, 235).astype(np.uint8).reshape(height * 3 // 2, width)


def swaying_frames(count, *, size=(200, 120), seed=1):
    """Frames of a smooth picture that sways, a part of it otherwise: motion that keeps x264's lookahead busy."""
    rng = np.random.default_rng(seed)
    width, height = size
    texture = rng.normal(128, 40, (height * 2, width * 2))
    for _ in range(3):
        texture = sum(np.roll(texture, shift, (0, 1)) for shift in ((0, 0), (1, 0), (0, 1), (-1, 0))) / 4
    texture = (texture - texture.mean()) * 30 / texture.std() + 128
    top, bottom, left, right = height // 3, height // 2, width // 4, width // 2
    for index in range(count):
        right_px, down_px = int(12 * np.sin(index / 5)), int(9 * np.sin(index / 7 + 1) * np.sin(index / 11))
        luma = np.roll(texture, (down_px, right_px), (0, 1))[:height, :width].copy()
        part = np.roll(texture, (2 * right_px, 3 * down_px), (0, 1))
        luma[top:bottom, left:right] = part[: bottom - top, : right - left]
        luma += rng.normal(0, 1.5, luma.shape)
        planes = np.concatenate([luma.ravel(), np.full(height * width // 2, 128.0)])
        yield planes.clip(16, 235).astype(np.uint8).reshape(height * 3 // 2, width)


def write_clip(path, frames, *, fps=25, times=None, options=None, encoder="libx264", colour=None):
    """Encode YUV 4:2:0 arrays into an MP4.

    Args:
        times: Of the frames, in units of 1/90000 s, where their rate varies.
        colour: ITU-T H.273 number of the primaries, transfer and matrix the stream is tagged with.
    """
    with av.open(str(path), "w", format="mp4") as container:
        stream, context = None, None
        for index, array in enumerate(frames):
            if stream is None:
                stream = container.add_stream(encoder, rate=Fraction(fps))
                context = stream.codec_context
                stream.width, stream.height, stream.pix_fmt = array.shape[1], array.shape[0] * 2 // 3, "yuv420p"
                context.thread_type, context.thread_count = "FRAME", 1
                context.time_base = Fraction(1, 90000) if times else 1 / Fraction(fps)
                context.options = {"crf": "12"} if options is None else options
                if colour is not None:
                    context.color_primaries = context.color_trc = context.colorspace = colour
                    context.color_range = 1
            frame = av.VideoFrame.from_ndarray(array, format="yuv420p")
            frame.pts, frame.time_base = times[index] if times else index, context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
