"""Write pictures with the codecs networks use.

Everything here is deterministic: one thread per encode, no dates, no library-version strings in the output.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from PIL import Image, PngImagePlugin, features

from repost.channel.half_even import encode_half_even
from repost.channel.transcode import rewrite_scans
from repost.core.errors import EncodeFailed
from repost.core.extras import require
from repost.media.jpeg_tables import Table, ijg_tables
from repost.media.metadata import insert_metadata
from repost.media.picture import Picture
from repost.platforms import Profile
from repost.platforms.steps import ClientSave, EncodeAvif, EncodeHeif, EncodeJpeg, EncodePng, EncodeWebp, ImageEncode


@dataclass(frozen=True, slots=True)
class Attachments:
    """Metadata to write into the file."""

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    def for_pillow(self) -> dict[str, bytes]:
        """As keyword arguments of Pillow's save, absent ones left out."""
        exif = b"Exif\x00\x00" + self.exif if self.exif else None  # Pillow writes JPEG's block as it is given
        wanted = {"icc_profile": self.icc, "exif": exif, "xmp": self.xmp}
        return {name: content for name, content in wanted.items() if content}


def encode(picture: Picture, step: ImageEncode, *, quality: int, attachments: Attachments) -> bytes:
    """Write a picture.

    Args:
        picture: What to write; JPEG has no alpha, so it is laid on white there.
        step: The codec and its settings.
        quality: The drawn quality, 1-100; unused where the step has verbatim tables or is lossless.
        attachments: Metadata to embed.

    Returns:
        The file.

    Raises:
        EncodeFailed: The codec refused, most often because the picture is too large for the format.
        MissingExtra: HEIF without pillow-heif.
    """
    try:
        if isinstance(step, EncodeJpeg):
            return _jpeg(picture.flattened(), step, quality, attachments)
        if isinstance(step, EncodeWebp):
            return _webp(picture, step, quality, attachments)
        if isinstance(step, EncodeAvif):
            return _avif(picture, step, quality, attachments)
        if isinstance(step, EncodeHeif):
            return _heif(picture, step, quality, attachments)
        return _png(picture, step, attachments)
    except (OSError, ValueError, RuntimeError, SystemError) as error:
        size = f"{picture.size[0]}x{picture.size[1]}"
        raise EncodeFailed(step.codec, reason=f"{error} (picture of {size} px)") from error


@lru_cache(maxsize=1)
def encoder_versions() -> dict[str, str]:
    """Versions of everything that decides encoded bytes; part of the key under which finished work is recognised."""
    found: dict[str, str] = {}
    for package in _DECIDING_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    for feature in ("libjpeg_turbo", "webp", "avif", "littlecms2", "zlib"):
        built_in: str | None = features.version(feature) if features.check(feature) else None
        found[feature] = built_in or "absent"
    return found


_DECIDING_PACKAGES = ("av", "pillow", "pillow-heif", "jpeglib", "mozjpeg-lossless-optimization", "numpy", "scipy")
"""Packages whose version can change served bytes; their wheels fix the versions of FFmpeg, x264, libheif, x265
and libjpeg."""


def require_encoders(profiles: Iterable[Profile]) -> None:
    """Fail early where a profile needs an encoder that is not installed.

    Raises:
        MissingExtra: A profile writes HEIF and pillow-heif is not installed.
    """
    for profile in profiles:
        for _, rule in profile.rules_for("image"):
            written = (step.encode if isinstance(step, ClientSave) else step for step in rule.steps)
            if any(isinstance(step, EncodeHeif) for step in written):
                require("pillow_heif", extra="heif")


def _save(image: Image.Image, format_: str, **settings: Any) -> bytes:  # noqa: ANN401 - Pillow's own settings
    buffer = io.BytesIO()
    image.save(buffer, format_, **settings)
    return buffer.getvalue()


def _jpeg(picture: Picture, step: EncodeJpeg, quality: int, attachments: Attachments) -> bytes:
    if step.quantiser == "half_even":
        data = encode_half_even(picture.image, step, tables=_tables(step, quality))
        return insert_metadata(data, exif=attachments.exif, icc=attachments.icc, xmp=attachments.xmp)
    settings: dict[str, Any] = {"quality": quality, "subsampling": step.subsampling}
    if step.tables is not None:
        settings = {"qtables": [list(step.tables.luma), list(step.tables.chroma)], "subsampling": step.subsampling}
    embedded = attachments.for_pillow()
    try:
        return _save(
            picture.image, "JPEG", progressive=step.progressive, optimize=step.optimize_huffman, **settings, **embedded
        )
    except OSError:
        if not (step.progressive or step.optimize_huffman):
            raise
    # Pillow's output buffer is too small for noise at the finest tables unless it may stream baseline scans.
    data = rewrite_scans(_save(picture.image, "JPEG", **settings), progressive=step.progressive)
    return insert_metadata(data, exif=attachments.exif, icc=attachments.icc, xmp=attachments.xmp)


def _tables(step: EncodeJpeg, quality: int) -> tuple[Table, Table]:
    if step.tables is not None:
        return step.tables.luma, step.tables.chroma
    return ijg_tables(quality)


def _webp(picture: Picture, step: EncodeWebp, quality: int, attachments: Attachments) -> bytes:
    image = _with_mode(picture.image, opaque="RGB", transparent="RGBA")
    return _save(image, "WEBP", quality=quality, lossless=step.lossless, method=step.effort, **attachments.for_pillow())


def _avif(picture: Picture, step: EncodeAvif, quality: int, attachments: Attachments) -> bytes:
    image = _with_mode(picture.image, opaque="RGB", transparent="RGBA")
    return _save(
        image,
        "AVIF",
        quality=quality,
        subsampling=step.subsampling,
        speed=10 - step.effort,
        max_threads=1,
        **attachments.for_pillow(),
    )


def _heif(picture: Picture, step: EncodeHeif, quality: int, attachments: Attachments) -> bytes:
    require("pillow_heif", extra="heif").register_heif_opener()
    image = _with_mode(picture.image, opaque="RGB", transparent="RGBA")
    chroma = step.subsampling.replace(":", "")
    # A copy is a bare image: from an opened file pillow-heif would take EXIF and XMP that are to be stripped.
    return _save(image.copy(), "HEIF", quality=quality, chroma=chroma, **attachments.for_pillow())


def _png(picture: Picture, step: EncodePng, attachments: Attachments) -> bytes:
    image = picture.image
    if step.palette_colours is not None:
        transparent = image.mode in ("LA", "RGBA")
        method = Image.Quantize.FASTOCTREE if transparent else Image.Quantize.MEDIANCUT
        image = _with_mode(image, opaque="RGB", transparent="RGBA").quantize(step.palette_colours, method=method)
    settings: dict[str, Any] = attachments.for_pillow()
    if xmp := settings.pop("xmp", None):
        settings["pnginfo"] = PngImagePlugin.PngInfo()
        settings["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return _save(image, "PNG", **settings)


def _with_mode(image: Image.Image, *, opaque: str, transparent: str) -> Image.Image:
    wanted = transparent if image.mode in ("LA", "RGBA") else opaque
    return image if image.mode == wanted else image.convert(wanted)
