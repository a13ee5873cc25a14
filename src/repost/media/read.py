"""Open images safely: format by content, a limit on pixels before decoding, every failure a clear error."""

from __future__ import annotations

import io
import os
import sys
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from repost.core.errors import InputNotFound, NotMedia, TooManyPixels, UnreadableMedia, UnsupportedMedia, UsageError
from repost.core.extras import require
from repost.media.colour import to_srgb
from repost.media.jpeg import JpegStructure, parse_jpeg
from repost.media.metadata import find_c2pa, orientation_of
from repost.media.picture import Picture, to_eight_bits
from repost.media.sniff import IMAGE_FORMATS, describe, sniff

MAX_PIXELS_VARIABLE = "REPOST_MAX_PIXELS"
DEFAULT_MAX_PIXELS = 178_956_970
"""Pillow's own threshold for refusing a decompression bomb: 512 MiB of RGB."""

NO_LIMIT = sys.maxsize
"""For files written here: the upload was let in already."""

MOST_SCANS = 100
"""Encoders write up to about 20; every scan of a hostile file costs a pass over the whole picture."""

_ANIMATED_FORMATS = ("gif", "webp", "png", "avif")
_open_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a file's header says, without decoding the pixels.

    Attributes:
        format: One of `sniff.IMAGE_FORMATS`.
        width_px: Of the upright picture.
        height_px: Of the upright picture.
        size_bytes: Of the file.
        mode: Pillow's mode as stored.
        orientation: EXIF orientation 1-8.
        animated: Whether it has several frames to be shown in turn.
        has_alpha: Whether it has transparency.
        metadata: Which of "exif", "xmp", "icc" and "c2pa" it carries.
        codec: None; videos have one.
        jpeg: How it was coded, where it is a JPEG.
    """

    format: str
    width_px: int
    height_px: int
    size_bytes: int
    mode: str
    orientation: int
    animated: bool
    has_alpha: bool
    metadata: frozenset[str]
    codec: str | None = None
    jpeg: JpegStructure | None = None

    @property
    def rotated(self) -> bool:
        """Whether the stored pixels must be turned to be upright."""
        return self.orientation != 1


def max_pixels_allowed() -> int:
    """The pixel limit in force: $REPOST_MAX_PIXELS, or DEFAULT_MAX_PIXELS.

    Raises:
        UsageError: The variable holds no whole number of 1 or more.
    """
    found = os.environ.get(MAX_PIXELS_VARIABLE) or str(DEFAULT_MAX_PIXELS)
    if not found.isdecimal() or int(found) < 1:
        raise UsageError(f"got {MAX_PIXELS_VARIABLE}={found!r}, expected a whole number of pixels such as 200000000")
    return int(found)


def open_image(data: bytes, *, name: str, max_pixels: int | None = None) -> tuple[Image.Image, ImageFacts]:
    """Read an image's header.

    Args:
        data: The file.
        name: What to call it in errors.
        max_pixels: Limit on width x height; the limit in force when None.

    Returns:
        The opened image, not decoded yet, and its facts.

    Raises:
        NotMedia: The content is no image.
        UnsupportedMedia: It is a video, or a kind of image repost does not take.
        UnreadableMedia: The header is damaged, or the file is empty.
        TooManyPixels: It would decode to more than the limit.
        MissingExtra: It is HEIC and pillow-heif is not installed.
    """
    if not data:
        raise UnreadableMedia(name, reason="the file is empty")
    found = sniff(data[:64])
    if found is None:
        raise NotMedia(name, got=describe(data[:64]))
    if found not in IMAGE_FORMATS:
        raise UnsupportedMedia(name, got=f"a {found} video", expected="an image", remedy="give images here")
    if found == "heif":
        require("pillow_heif", extra="heif").register_heif_opener()
    image = _open_without_warning(data, name)
    pixel_count = image.width * image.height
    limit = max_pixels_allowed() if max_pixels is None else max_pixels
    if pixel_count > limit:
        raise TooManyPixels(name, pixel_count=pixel_count, limit=limit)
    return image, _facts(image, data, found, name)


def read_file(path: Path) -> bytes:
    """The bytes of a file, and of nothing else: opening a pipe would wait for ever.

    Raises:
        InputNotFound: There is no file at that path; a folder, a pipe or a device is none.
    """
    if not path.is_file():
        raise InputNotFound(path)
    return path.read_bytes()


def decode(image: Image.Image, *, name: str, borrowed: bool = False) -> Picture:
    """Decode an opened image.

    Args:
        image: From `open_image`, or anybody's; its first frame is decoded.
        name: What to call it in errors.
        borrowed: Whether the image is somebody else's, and must not be changed or shared.

    Returns:
        Eight-bit pixels with the metadata.

    Raises:
        UnreadableMedia: The data is damaged or truncated.
        UnsupportedMedia: A floating-point image, which no network takes.
    """
    if image.mode == "F":
        raise UnsupportedMedia(
            name, got="a floating-point image", expected="8 or 16 bits", remedy="save it as an 8-bit PNG first"
        )
    try:
        image.load()
        pixels, icc = _eight_bits_and_profile(image)
    except Exception as error:
        raise UnreadableMedia(name, reason=_reason(error)) from error
    orientation, exif, xmp = _orientation(image), _exif(image), _xmp(image.info)
    if borrowed and pixels is image:
        pixels = image.copy()
    pixels.info = {}  # or Pillow would write comments, profiles and the like into files of its own accord
    return Picture(pixels, orientation=orientation, icc=icc, exif=exif, xmp=xmp)


def read_picture(data: bytes, *, name: str = "image", max_pixels: int | None = None) -> Picture:
    """Decode an image file; raises what `open_image` and `decode` raise."""
    image, _ = open_image(data, name=name, max_pixels=max_pixels)
    return decode(image, name=name)


def _eight_bits_and_profile(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """Pixels and the profile they refer to; CMYK becomes sRGB by its own profile, which is used up by that."""
    icc: bytes | None = image.info.get("icc_profile") or None
    if image.mode != "CMYK":
        return to_eight_bits(image), icc
    return (icc and to_srgb(image, icc)) or to_eight_bits(image), None


def _open_without_warning(data: bytes, name: str) -> Image.Image:
    """Open with Pillow's process-wide bomb check set aside, because ours follows and is configurable.

    Its warnings of damaged EXIF are silenced: such pictures are sound, and their EXIF counts as absent.
    """
    with _open_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(data))
        except Exception as error:
            raise UnreadableMedia(name, reason=_reason(error)) from error
        finally:
            Image.MAX_IMAGE_PIXELS = pillow_limit


def _facts(image: Image.Image, data: bytes, format_: str, name: str) -> ImageFacts:
    try:
        orientation = _orientation(image)
        animated = format_ in _ANIMATED_FORMATS and getattr(image, "n_frames", 1) > 1
        carried = {"exif": _exif(image), "xmp": _xmp(image.info), "icc": image.info.get("icc_profile")}
    except Exception as error:
        raise UnreadableMedia(name, reason=_reason(error)) from error
    width_px, height_px = image.size if orientation < 5 else (image.height, image.width)
    metadata = {kind for kind, content in carried.items() if content}
    jpeg = parse_jpeg(data, name=name) if format_ == "jpeg" else None
    if jpeg and jpeg.scan_count > MOST_SCANS:
        raise UnreadableMedia(name, reason=f"it has {jpeg.scan_count} scans, which would take minutes to decode")
    if jpeg.metadata.c2pa if jpeg else find_c2pa(data, format_):
        metadata.add("c2pa")
    return ImageFacts(
        format=format_,
        width_px=width_px,
        height_px=height_px,
        size_bytes=len(data),
        mode=image.mode,
        orientation=orientation,
        animated=animated,
        has_alpha=image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info,
        metadata=frozenset(metadata),
        jpeg=jpeg,
    )


def _orientation(image: Image.Image) -> int:
    """EXIF orientation still to be applied; Pillow turns TIFF by itself when it decodes, and XMP is not asked."""
    exif = _exif(image)
    return 1 if image.format == "TIFF" or exif is None else orientation_of(exif)


def _exif(image: Image.Image) -> bytes | None:
    raw: bytes | None = image.info.get("exif")
    return raw.removeprefix(b"Exif\x00\x00") or None if raw else None


def _xmp(info: dict[Any, Any]) -> bytes | None:
    found: bytes | str | None = info.get("xmp") or info.get("XML:com.adobe.xmp")
    return found.encode() if isinstance(found, str) else found or None


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "the header is damaged" if "cannot identify image file" in text else text
