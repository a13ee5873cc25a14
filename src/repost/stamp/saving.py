"""Write a stamped picture in the format its file came in, with what travels beside the pixels.

Everything is encoded by `channel.encode`; here is only decided how. The stamp is in the luma and smooth: a pattern of a
few levels at some ten to forty cycles along the short side. So chroma may be as coarse as it was, while luma must be
fine enough that the pattern is not rounded away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from repost.channel.encode import Attachments, encode
from repost.media.jpeg import JpegStructure
from repost.media.jpeg_segments import SegmentKind
from repost.media.jpeg_tables import ijg_tables
from repost.media.metadata import keep_metadata, riff_chunks
from repost.media.picture import Picture
from repost.media.sniff import EXTENSIONS
from repost.media.upload import Upload
from repost.platforms.steps import (
    EncodeAvif,
    EncodeHeif,
    EncodeJpeg,
    EncodePng,
    EncodeWebp,
    ImageEncode,
    QuantTables,
)

JPEG_QUALITY = 95
"""For JPEGs whose tables cannot be used again: those of RGB and CMYK files."""
COARSEST_JPEG_QUALITY = 75
"""Luma is never quantised more coarsely than libjpeg does at this quality. The pixels of a JPEG lie on its quantiser's
lattice, and a pattern of less than half a step is rounded away where they are quantised by the same table again: by
tables of quality 30 most of the evidence is lost, by those of 75 hardly any. Finer tables than these would make files
larger, and what they save besides is lost where a network compresses the file next."""
WEBP_QUALITY = 90
HEIF_QUALITY = 80
AVIF_QUALITY = 80
"""On the codecs' own scales, for lossy files: none of them says what it was written with. All are above what cameras
and networks use, and the 4:2:0 chroma that is usual in the three formats costs the stamp nothing."""

_Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]
_SUBSAMPLINGS: dict[str, _Subsampling] = {"4:4:4": "4:4:4", "4:2:2": "4:2:2", "4:2:0": "4:2:0"}
_JPEG_SEGMENTS: tuple[SegmentKind, ...] = ("jfif", "exif", "xmp", "icc", "iptc", "comment", "other")
"""All but content credentials, which are signed for the pixels that were there, and the index of further pictures."""
_FURTHEST_ENTRY = 255
"""What a baseline JPEG's tables hold."""
_SIXTEEN = 16
_BIT_DEPTH_AT = 24
"""Where a PNG's first chunk says its bits per sample (PNG specification, IHDR)."""


@dataclass(frozen=True, slots=True)
class Saving:
    """How a stamped picture will be written.

    Attributes:
        format: Of the file, one of `sniff.IMAGE_FORMATS`.
        step: The codec and its settings.
        quality: On the codec's own scale; without effect where the step has tables or is lossless.
        notes: What the file loses besides, in words; empty for most.
    """

    format: str
    step: ImageEncode
    quality: int
    notes: tuple[str, ...] = ()

    @property
    def extension(self) -> str:
        """Of the file, without a dot."""
        return EXTENSIONS[self.format]


def saving_like(upload: Upload) -> Saving:
    """Decide how to write what becomes of a file.

    JPEG: the input's own tables and chroma subsampling, so that chroma, which the stamp leaves alone, comes out nearly
    as it was, and the file is about as large as before; luma at least as fine as `COARSEST_JPEG_QUALITY`. CMYK and RGB
    files have no tables for luma: they become `JPEG_QUALITY` with 4:4:4 chroma. PNG and lossless WebP stay lossless.
    GIF, BMP and TIFF, which repost does not write, become PNG, which holds their pixels without loss.

    Args:
        upload: The file.

    Returns:
        The codec, its settings, and what is lost on the way.
    """
    format_, notes = upload.facts.format, list(_losses(upload))
    if format_ == "jpeg" and upload.facts.jpeg is not None:
        return Saving("jpeg", _jpeg_like(upload.facts.jpeg), JPEG_QUALITY, tuple(notes))
    if format_ == "webp":
        lossless = b"VP8L" in riff_chunks(upload.data)
        step = EncodeWebp(op="encode", codec="webp", quality=WEBP_QUALITY, lossless=lossless)
        return Saving("webp", step, WEBP_QUALITY, tuple(notes))
    if format_ == "heif":
        return Saving("heif", EncodeHeif(op="encode", codec="heif", quality=HEIF_QUALITY), HEIF_QUALITY, tuple(notes))
    if format_ == "avif":
        return Saving("avif", EncodeAvif(op="encode", codec="avif", quality=AVIF_QUALITY), AVIF_QUALITY, tuple(notes))
    if format_ != "png":
        notes.append(f"{format_.upper()} is not written here, so it became PNG")
    return Saving("png", EncodePng(op="encode", codec="png"), 100, tuple(notes))


def save_like(upload: Upload, picture: Picture, saving: Saving) -> bytes:
    """Write a picture as another file's successor.

    Args:
        upload: The file it was made of.
        picture: Its pixels as they are now; EXIF (with the orientation: pixels are not turned), ICC and XMP go along.
        saving: Of `saving_like`.

    Returns:
        The file. Of a JPEG, IPTC, comments and maker's segments go along too.

    Raises:
        EncodeFailed: The codec refused.
        MissingExtra: HEIF without pillow-heif.
    """
    if saving.format != "jpeg":
        attachments = Attachments(icc=picture.icc, exif=picture.exif, xmp=picture.xmp)
        return encode(picture, saving.step, quality=saving.quality, attachments=attachments)
    data = encode(picture, saving.step, quality=saving.quality, attachments=Attachments())
    # The profile of CMYK is used up where its numbers became sRGB.
    kept: list[SegmentKind] = [kind for kind in _JPEG_SEGMENTS if kind != "icc" or picture.icc is not None]
    return keep_metadata(data, keep=kept, source=upload.data, name=upload.name)


def _jpeg_like(own: JpegStructure) -> EncodeJpeg:
    progressive = own.process == "progressive"
    if own.color_model not in ("ycbcr", "grey"):
        return EncodeJpeg(op="encode", codec="jpeg", quality=JPEG_QUALITY, subsampling="4:4:4", progressive=progressive)
    finest, _ = ijg_tables(COARSEST_JPEG_QUALITY)
    luma = tuple(min(mine, fine) for mine, fine in zip(own.table_of(0), finest, strict=True))
    chroma = luma
    if own.color_model == "ycbcr":
        both = zip(own.table_of(1), own.table_of(2), strict=True)
        chroma = tuple(min(blue, red, _FURTHEST_ENTRY) for blue, red in both)
    return EncodeJpeg(
        op="encode",
        codec="jpeg",
        tables=QuantTables(luma=luma, chroma=chroma),
        subsampling=_SUBSAMPLINGS.get(own.subsampling, "4:4:4"),
        progressive=progressive,
        optimize_huffman=True,  # smaller at no loss; cameras leave it out to save time
    )


def _losses(upload: Upload) -> list[str]:
    facts, found = upload.facts, list[str]()
    is_deep_png = facts.format == "png" and upload.data[_BIT_DEPTH_AT] == _SIXTEEN
    if is_deep_png or facts.mode.startswith("I"):
        found.append("16-bit samples became 8-bit")
    if facts.mode == "CMYK":
        found.append("CMYK became sRGB")
    if facts.mode in ("P", "PA"):
        found.append("the palette became full colour")
    if "c2pa" in facts.metadata:
        found.append("content credentials were left out: they are signed for the pixels that were there")
    if facts.jpeg is not None and facts.jpeg.metadata.mpf:
        found.append("further pictures in the file (a gain map, a preview) were left out")
    return found
