"""The signature of a file: everything in its header that a network may have left there.

A signature is read from a file, or made from facts written down elsewhere. No pixel is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from PIL import Image

from repost.media.jpeg import JpegStructure, Process
from repost.media.jpeg_tables import Table, nearest_quality
from repost.media.read import ImageFacts, open_image

Trace: TypeAlias = Literal["exif", "orientation", "xmp", "icc", "plain_icc", "c2pa", "iptc", "comment", "jfif", "mpf"]
"""What a file carries besides its picture. "orientation" is EXIF that holds nothing but that tag, "exif" any other;
"plain_icc" is a colour profile under PLAIN_ICC_BYTES, "icc" a larger one; "iptc" is any APP13 segment."""

ORIENTATION_TAG = 0x0112  # Exif 2.3, table 4
PLAIN_ICC_BYTES = 1000
"""Bare sRGB profiles are smaller (Little CMS: about 590 to 660 bytes), those of cameras and editors larger: Apple's
Display P3 excepted (548 bytes), which therefore counts as plain."""


@dataclass(frozen=True, slots=True)
class JpegCoding:
    """How a JPEG's coefficients were quantised and sent.

    Attributes:
        luma: Luma quantisation table in natural order.
        chroma: Chroma table; None for greyscale.
        subsampling: As `JpegStructure.subsampling`: "4:2:0", "4:4:4", "grey", ...
        process: "baseline", "extended" or "progressive".
        optimized_huffman: Whether a Huffman table differs from the standard's defaults; None where it is not known.
    """

    luma: Table
    chroma: Table | None
    subsampling: str
    process: Process
    optimized_huffman: bool | None

    @property
    def quality(self) -> int | None:
        """The IJG quality, 1 to 100, that has exactly these tables; None when there is none."""
        quality, distance = nearest_quality(self.luma, component="luma")
        if distance or (self.chroma and nearest_quality(self.chroma, component="chroma") != (quality, 0)):
            return None
        return quality

    @property
    def nearest(self) -> int:
        """The IJG quality, 1 to 100, whose luma table is nearest."""
        return nearest_quality(self.luma, component="luma")[0]

    @property
    def progressive(self) -> bool:
        """Whether its scans are progressive."""
        return self.process == "progressive"


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a file without decoding it.

    Attributes:
        format: One of `repost.media.sniff.IMAGE_FORMATS`.
        width_px: Of the upright picture.
        height_px: Of the upright picture.
        size_bytes: Of the file.
        carries: Everything it carries besides its picture.
        coding: How it was coded, where it is a JPEG.
        lossless: Of a WebP, whether it is lossless; None for others.
        rotated: Whether EXIF says that its pixels must be turned.
        animated: Whether it has several frames.
        has_alpha: Whether it has transparency.
        fbmd: Whether its APP13 segment holds the "FBMD" mark; None where it is not known.
        codec: None; videos have one.
    """

    format: str
    width_px: int
    height_px: int
    size_bytes: int
    carries: frozenset[Trace] = frozenset()
    coding: JpegCoding | None = None
    lossless: bool | None = None
    rotated: bool = False
    animated: bool = False
    has_alpha: bool = False
    fbmd: bool | None = False
    codec: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        return self.width_px, self.height_px

    @property
    def long_side_px(self) -> int:
        """The longer side."""
        return max(self.size)


def read_signature(data: bytes, *, name: str = "the file", max_pixels: int | None = None) -> Signature:
    """Read the signature of an image file.

    Args:
        data: The whole file.
        name: What to call it in errors.
        max_pixels: Limit on width x height; the limit in force when None.

    Returns:
        Its signature.

    Raises:
        MediaError: It is no image, damaged before its image data, or too large; see `open_image`.
        MissingExtra: It is HEIC and pillow-heif is not installed.
    """
    image, facts = open_image(data, name=name, max_pixels=max_pixels)
    icc: bytes | None = image.info.get("icc_profile")
    exif: bytes | None = image.info.get("exif")
    return Signature(
        format=facts.format,
        width_px=facts.width_px,
        height_px=facts.height_px,
        size_bytes=facts.size_bytes,
        carries=frozenset(_carried(facts, icc=icc, exif=exif)),
        coding=_coding(facts.jpeg) if facts.jpeg else None,
        lossless=data[12:16] == b"VP8L" or b"VP8L" in data[12:64] if facts.format == "webp" else None,
        rotated=facts.rotated,
        animated=facts.animated,
        has_alpha=facts.has_alpha,
        fbmd=facts.jpeg is not None and facts.jpeg.metadata.fbmd,
    )


def _coding(structure: JpegStructure) -> JpegCoding:
    several = len(structure.components) >= 3
    return JpegCoding(
        luma=structure.table_of(0),
        chroma=structure.table_of(1) if several else None,
        subsampling=structure.subsampling,
        process=structure.process,
        optimized_huffman=structure.optimized_huffman,
    )


def _carried(facts: ImageFacts, *, icc: bytes | None, exif: bytes | None) -> Iterable[Trace]:
    if "exif" in facts.metadata:
        yield "orientation" if exif and _only_orientation(exif) else "exif"
    if "icc" in facts.metadata:
        yield "plain_icc" if icc and len(icc) < PLAIN_ICC_BYTES else "icc"
    if "xmp" in facts.metadata:
        yield "xmp"
    if "c2pa" in facts.metadata:
        yield "c2pa"
    if facts.jpeg is None:
        return
    found = facts.jpeg.metadata
    segments: tuple[tuple[bool, Trace], ...] = (
        (found.iptc, "iptc"),
        (bool(found.comments), "comment"),
        (found.jfif, "jfif"),
        (found.mpf, "mpf"),
    )
    for present, trace in segments:
        if present:
            yield trace


def _only_orientation(exif: bytes) -> bool:
    """Whether an EXIF block holds no tag but the orientation; damaged blocks hold something else."""
    tags = Image.Exif()
    try:
        tags.load(exif)
    except Exception:  # noqa: BLE001 - Pillow raises many kinds on damaged EXIF
        return False
    return set(tags) == {ORIENTATION_TAG}
