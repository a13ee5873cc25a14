"""Pictures and clips with a face in them: the astronaut of scikit-image, placed, scaled and moved."""

from pathlib import Path

import av
import numpy as np
import skimage.data
from PIL import Image

FACE = (177, 66, 266, 155)
"""Where dlib with upsample 1 sees the face in the astronaut, left, top, right and bottom."""


def astronaut() -> np.ndarray:
    """uint8 RGB, 512 x 512."""
    return skimage.data.astronaut()


def portrait() -> np.ndarray:
    """The upper middle of it, 256 x 256; the face begins 96 px further left."""
    return astronaut()[:256, 96:352].copy()


def scene(size, *places) -> np.ndarray:
    """A grey picture with faces.

    Args:
        size: Width and height.
        places: (left, top, side) of the head in each, where the face is half of `side`.
    """
    canvas = np.full((size[1], size[0], 3), 110, np.uint8)
    head = Image.fromarray(astronaut()[20:200, 132:312])
    for left, top, side in places:
        pixels = np.asarray(head.resize((side, side), Image.Resampling.LANCZOS))
        x1, y1 = max(0, left), max(0, top)
        part = pixels[y1 - top : size[1] - top, x1 - left : size[0] - left]
        canvas[y1 : y1 + part.shape[0], x1 : x1 + part.shape[1]] = part
    return canvas


def write_faces(path: Path, pictures, *, rotation_deg=None, options=None, index_first=False) -> Path:
    """Encode RGB pictures with x264, nearly without loss."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if index_first else {}) as container:
        stream = None
        for index, pixels in enumerate(pictures):
            if stream is None:
                stream = container.add_stream("libx264", rate=25)
                stream.width, stream.height, stream.pix_fmt = pixels.shape[1], pixels.shape[0], "yuv420p"
                stream.options = {"crf": "10", "preset": "veryfast", "threads": "1"} | (options or {})
                if rotation_deg is not None:
                    stream.set_display_rotation(rotation_deg)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
