"""Small moving scenes, and files of them."""

import struct
from fractions import Fraction

import av
import numpy as np
from PIL import Image


def scene(seed, times_s, *, size=(96, 64), backdrop=None):
    """Frames (height, width) of blobs on a random backdrop; the same seed and time give the same picture."""
    width, height = size
    rng = np.random.default_rng(seed if backdrop is None else backdrop)
    coarse = Image.fromarray(rng.integers(40, 216, (5, 7), np.uint8))
    still = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).astype(float)
    rng = np.random.default_rng(seed)
    phases, speeds = rng.uniform(0, 6.28, (4, 2)), rng.uniform(1.0, 3.0, (4, 2))
    y, x = np.mgrid[:height, :width] / (height, width)[0]
    for time_s in times_s:
        frame = still.copy()
        for index, (phase, speed) in enumerate(zip(phases, speeds, strict=True)):
            centre = 0.5 + 0.45 * np.sin(phase + speed * time_s)
            blob = np.exp(-((x - centre[0] * width / height) ** 2 + (y - centre[1]) ** 2) / 0.02)
            frame += (90 if index % 2 else -90) * blob
        yield np.clip(frame, 0, 255).astype(np.uint8)


def write_video(path, frames, *, fps=25, crf=20, codec="libx264", gop=50):
    """Encode grey frames."""
    with av.open(str(path), "w") as container:
        stream = None
        for frame in frames:
            if stream is None:
                options = {"crf": str(crf), "preset": "veryfast"} if codec == "libx264" else {}
                stream = container.add_stream(codec, Fraction(fps), options=options)
                stream.height, stream.width = frame.shape
                stream.pix_fmt, stream.gop_size = "yuv420p", gop
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "gray").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def times(start_s, end_s, fps=25):
    return np.arange(round(start_s * fps), round(end_s * fps)) / fps


def turn_by_flag(path, clockwise_deg):
    """Write a rotation into the track header of an MP4, as phones do."""
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[clockwise_deg]
    data = bytearray(path.read_bytes())
    # ISO 14496-12: the matrix of a version 0 track header stands 44 bytes after its name; 16.16 and 2.30 fixed point.
    at = data.index(b"tkhd") + 44
    a, b, c, d = (value * 65536 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
