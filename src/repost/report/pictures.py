"""Pictures of a share for people to look at: the upload as served, the served picture, and their difference."""

from __future__ import annotations

import hashlib
import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from repost.channel.compare import reference, was_cropped
from repost.channel.image import Emulated
from repost.core.files import write_atomic
from repost.media.upload import Upload
from repost.report.shares import Pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8

GAIN = 8
"""How many times differences are amplified."""
LEFT_OUT_GREY = 96
"""The level at which regions without a comparison are drawn in difference pictures."""
LONGEST_PREVIEW_PX = 1200
_LONGEST_PNG_PX = 320
_PREVIEW_QUALITY = {"before": 95, "after": 95, "difference": 85}


def difference_picture(before: Rgb8, after: Rgb8, *, mask: NDArray[np.bool_] | None = None, gain: int = GAIN) -> Rgb8:
    """What changed, made visible.

    Args:
        before: uint8, HWC, RGB.
        after: uint8, HWC, RGB, of the same size.
        mask: bool, (height, width); True where nothing is claimed, as under a watermark.
        gain: How many times the difference is amplified.

    Returns:
        uint8, HWC, RGB: min(255, gain x |after - before|) in each channel, so black is unchanged; LEFT_OUT_GREY under
        the mask.
    """
    changed = np.abs(np.subtract(after, before, dtype=np.int16))
    amplified = np.minimum(changed * gain, 255).astype(np.uint8)
    if mask is not None:
        amplified[mask] = LEFT_OUT_GREY
    return amplified


def reduced_by_maximum(pixels: Rgb8, factor: int) -> Rgb8:
    """A picture made smaller so that no single bright pixel is lost.

    Args:
        pixels: uint8, HWC, RGB.
        factor: How many pixels, across and down, become one.

    Returns:
        uint8, HWC, RGB: the maximum of each block in each channel; blocks at the right and bottom edge may be partial.
    """
    if factor == 1:
        return pixels
    height, width, channels = pixels.shape
    padded = np.pad(pixels, ((0, -height % factor), (0, -width % factor), (0, 0)))
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, channels)
    return blocks.max(axis=(1, 3))


def draw_pictures(
    upload: Upload, emulated: Emulated, *, upload_path: str, folder: Path, name: str, platform: str
) -> Pictures:
    """Write the previews of one share.

    The difference is taken at the full served size and then reduced by maximum; the other two are reduced with
    Lanczos. Previews are at most LONGEST_PREVIEW_PX wide and high: PNG where tiny, else JPEG, 4:4:4, at quality 95 (85
    for the difference, whose noise takes much room).

    Args:
        upload: What was uploaded.
        emulated: What is served.
        upload_path: The uploaded file as a path from the page.
        folder: The page's folder; the previews go to FOLDER/previews.
        name: What the photograph is called; any text. Platforms that serve the same size share its preview.
        platform: What the platform is called; any text.

    Returns:
        Their paths from the page.

    Raises:
        OSError: They cannot be written.
    """
    after = emulated.pixels
    height_px, width_px = after.shape[:2]
    cropped = was_cropped(emulated.trace)
    before = reference(upload.picture.rgb8(), (width_px, height_px), cropped=cropped)
    difference = difference_picture(before, after, mask=emulated.mask)
    factor = math.ceil(max(width_px, height_px) / LONGEST_PREVIEW_PX)
    size = (math.ceil(width_px / factor), math.ceil(height_px / factor))
    drawn = {
        "after": Image.fromarray(after).resize(size, Image.Resampling.LANCZOS),
        "difference": Image.fromarray(reduced_by_maximum(difference, factor)),
    }
    (folder / "previews").mkdir(parents=True, exist_ok=True)
    stem = file_name_of(f"{name}.{platform}")
    paths = {kind: _write(image, folder, stem, kind) for kind, image in drawn.items()}
    shown = Image.fromarray(before).resize(size, Image.Resampling.LANCZOS)
    shape = f"{width_px}x{height_px}{'-cropped' if cropped else ''}"
    before_path = _write(shown, folder, f"{file_name_of(name)}.{shape}", "before")
    return Pictures(
        upload=upload_path, before=before_path, **paths, width_px=size[0], height_px=size[1], reduced=factor
    )


def file_name_of(text: str) -> str:
    """A file name for any text, safe on every system and in a URL, and unlike that of any other text.

    Args:
        text: Such as a path, or a name from outside.

    Returns:
        The text where it is harmless; else what is harmless in it, with a hash of the whole.
    """
    harmless = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip(".-")[:80]
    if harmless and harmless == text:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{harmless}-{digest[:8]}".lstrip("-")


def _write(image: Image.Image, folder: Path, stem: str, kind: str) -> str:
    buffer = io.BytesIO()
    tiny = max(image.size) <= _LONGEST_PNG_PX
    if tiny:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=_PREVIEW_QUALITY[kind], subsampling="4:4:4")
    path = f"previews/{stem}.{kind}.{'png' if tiny else 'jpg'}"
    write_atomic(folder / path, buffer.getvalue())
    return path
