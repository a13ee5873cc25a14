"""What a person hands to a network: a file, or pixels that stand for one."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from repost.core.errors import InvalidPixels, UsageError
from repost.media.jpeg_decode import decode_replicated
from repost.media.metadata import insert_metadata
from repost.media.picture import Picture, busyness, from_rgb8
from repost.media.read import ImageFacts, decode, open_image, read_file

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

    Source: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | Rgb8"

_UPLOAD_AS = re.compile(r"png|jpeg:(100|[1-9]\d?)")


def check_upload_as(upload_as: str) -> None:
    """Refuse what pixels cannot be taken for.

    Raises:
        UsageError: It is neither "png" nor "jpeg:" with a quality from 1 to 100.
    """
    if not _UPLOAD_AS.fullmatch(upload_as):
        raise UsageError(f"got upload_as='{upload_as}', expected 'png' or 'jpeg:1' to 'jpeg:100'")


class Upload:
    """An image on its way to a network, decoded at most once however many networks it goes to.

    Attributes:
        name: What it is called in errors and traces.
        facts: What its header says.
    """

    def __init__(self, data: bytes, *, name: str, max_pixels: int | None = None) -> None:
        self.name = name
        self._data: bytes | None = data
        self._opened, self.facts = open_image(data, name=name, max_pixels=max_pixels)

    @classmethod
    def of(cls, source: Source, *, upload_as: str = "png", max_pixels: int | None = None) -> Upload:
        """Make an upload of whatever a caller has.

        Args:
            source: A path, a file's bytes, a PIL image, or uint8 HWC RGB pixels.
            upload_as: What pixels without a file are taken for: "png", or "jpeg:95" to save them so first.
            max_pixels: Limit on width x height of a file; the limit in force when None.

        Raises:
            InputNotFound: There is no such file.
            UsageError: `upload_as` is neither.
            InvalidPixels: An array that is not uint8 HWC RGB.
            MediaError: The file is not an image, damaged, or too large; see `open_image`.
        """
        check_upload_as(upload_as)
        if isinstance(source, str | os.PathLike):
            return cls(read_file(Path(source)), name=str(source), max_pixels=max_pixels)
        if isinstance(source, bytes | bytearray | memoryview):
            return cls(bytes(source), name="upload", max_pixels=max_pixels)
        if not (isinstance(source, Image.Image) or hasattr(source, "dtype")):
            raise UsageError(f"got {type(source).__name__}, expected a path, bytes, a PIL image or a uint8 RGB array")
        picture = _of_pil(source) if isinstance(source, Image.Image) else from_rgb8(source)
        if upload_as != "png":
            return cls(_as_jpeg(picture, int(upload_as.removeprefix("jpeg:"))), name="upload")
        return _PixelUpload(picture)

    @property
    def data(self) -> bytes:
        """The file."""
        assert self._data is not None
        return self._data

    @cached_property
    def picture(self) -> Picture:
        """The decoded picture, with libjpeg's default chroma upsampling."""
        return decode(self._opened, name=self.name)

    @cached_property
    def replicated_picture(self) -> Picture:
        """The picture decoded by repeating chroma samples; the same as `picture` for all but subsampled JPEG."""
        pixels = decode_replicated(self.data) if self.facts.format == "jpeg" else None
        return self.picture if pixels is None else self.picture.with_image(pixels)

    def remember(self, picture: Picture, key: Hashable, make: Callable[[Picture], Picture]) -> Picture:
        """The result of an operation on a picture, made once and kept as long as the upload.

        Args:
            picture: What is operated on.
            key: Names the operation with all its parameters.
            make: The operation; it depends on the picture and the key alone.
        """
        known = self._made.get((id(picture), key))
        if known is None:
            known = self._made[id(picture), key] = (picture, make(picture))  # kept, so that its id stays its own
        return known[1]

    @cached_property
    def _made(self) -> dict[tuple[int, Hashable], tuple[Picture, Picture]]:
        return {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, on which random draws depend."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Size of the file."""
        return self.facts.size_bytes

    def feature(self, name: str) -> float:
        """A number that rules and values depend on; see `repost.platforms.values.Feature`."""
        return _FEATURES[name](self)

    @cached_property
    def _busyness(self) -> float:
        return busyness(self.picture.image)


class _PixelUpload(Upload):
    """Pixels standing for a lossless PNG; the file is only made when something asks for it."""

    def __init__(self, picture: Picture) -> None:
        self.name = "upload"
        self._data = None
        self.picture = picture
        upright_size = picture.size if picture.orientation < 5 else picture.size[::-1]
        carried = {"exif": picture.exif, "xmp": picture.xmp, "icc": picture.icc}
        self.facts = ImageFacts(
            format="png",
            width_px=upright_size[0],
            height_px=upright_size[1],
            size_bytes=0,
            mode=picture.image.mode,
            orientation=picture.orientation,
            animated=False,
            has_alpha=picture.image.mode in ("LA", "RGBA"),
            metadata=frozenset(kind for kind, content in carried.items() if content),
        )

    @property
    def data(self) -> bytes:
        """The PNG, made with zlib's default effort."""
        if self._data is None:
            buffer = io.BytesIO()
            self.picture.image.save(buffer, "PNG", icc_profile=self.picture.icc, exif=self.picture.exif or b"")
            self._data = buffer.getvalue()
        return self._data

    @property
    def size_bytes(self) -> int:
        """Size of the PNG."""
        return len(self.data)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pixels: the PNG's bytes would depend on the zlib version."""
        image = self.picture.image
        head = f"{image.mode} {image.width}x{image.height}\n".encode()
        return hashlib.sha256(head + image.tobytes()).hexdigest()


def _of_pil(image: Image.Image) -> Picture:
    if 0 in image.size:
        raise InvalidPixels(got=f"{image.width}x{image.height} px")
    return decode(image, name="the image", borrowed=True)


def _as_jpeg(picture: Picture, quality: int) -> bytes:
    """Chroma 4:4:4, so that the stand-in loses as little as its quality allows; the metadata goes along."""
    buffer = io.BytesIO()
    picture.flattened().image.save(buffer, "JPEG", quality=quality, subsampling="4:4:4")
    return insert_metadata(buffer.getvalue(), exif=picture.exif, icc=picture.icc, xmp=picture.xmp)


_FEATURES: dict[str, Callable[[Upload], float]] = {
    "width_px": lambda upload: upload.facts.width_px,
    "height_px": lambda upload: upload.facts.height_px,
    "long_side_px": lambda upload: max(upload.facts.width_px, upload.facts.height_px),
    "short_side_px": lambda upload: min(upload.facts.width_px, upload.facts.height_px),
    "pixel_count": lambda upload: upload.facts.width_px * upload.facts.height_px,
    "aspect_ratio": lambda upload: upload.facts.width_px / upload.facts.height_px,
    "size_bytes": lambda upload: upload.size_bytes,
    "bits_per_pixel": lambda upload: 8 * upload.size_bytes / (upload.facts.width_px * upload.facts.height_px),
    "busyness": lambda upload: upload._busyness,  # pyright: ignore[reportPrivateUsage]
}
