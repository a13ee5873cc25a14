"""What the headers of a pair say: how the served file was written, and what became of the upload's metadata."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from repost.core.errors import UnsupportedMedia
from repost.estimation.images.finding import Treatment
from repost.media.jpeg import JpegStructure, exact_quality
from repost.media.jpeg_tables import Table, nearest_quality
from repost.media.picture import Picture
from repost.media.read import ImageFacts

_ORIENTATION_TAG = 0x0112
_EXPRESSIBLE = ("4:4:4", "4:2:2", "4:2:0")


def written_as(data: bytes, facts: ImageFacts, *, name: str) -> Treatment:
    """How a served file was written, as far as its header says.

    Args:
        data: The served file.
        facts: Of it.
        name: What to call it in errors.

    Returns:
        An "encode" treatment without the settings that leave no trace in a header.

    Raises:
        UnsupportedMedia: A kind of file that profiles cannot express.
    """
    if facts.jpeg is not None:
        return _written_jpeg(facts.jpeg, name)
    if facts.format == "webp":
        return Treatment(kind="encode", codec="webp", lossless=b"VP8L" in data[12:64])
    if facts.format == "png":
        with Image.open(io.BytesIO(data)) as image:
            colours = len(image.getcolors(256) or ()) if image.mode == "P" else 0
        return Treatment(kind="encode", codec="png", palette_colours=max(colours, 2) if colours else None)
    if facts.format in ("avif", "heif"):
        return Treatment.model_validate({"kind": "encode", "codec": facts.format})
    raise UnsupportedMedia(
        name, got=facts.format, expected="JPEG, WebP, AVIF, HEIF or PNG", remedy="profiles cannot say how it is written"
    )


def _written_jpeg(structure: JpegStructure, name: str) -> Treatment:
    grey = structure.color_model == "grey"
    if structure.color_model not in ("grey", "ycbcr"):
        raise UnsupportedMedia(
            name, got=f"a JPEG of colour model {structure.color_model}", expected="YCbCr or grey",
            remedy="profiles cannot say how it is written",
        )  # fmt: skip
    subsampling = None if grey else structure.subsampling
    if subsampling is not None and subsampling not in _EXPRESSIBLE:
        raise UnsupportedMedia(
            name, got=f"chroma subsampling {subsampling}", expected=f"one of {', '.join(_EXPRESSIBLE)}",
            remedy="profiles cannot say how it is written",
        )  # fmt: skip
    quality = exact_quality(structure)
    luma = structure.table_of(0)
    tables = None if quality else {"luma": luma, "chroma": luma if grey else structure.table_of(1)}
    progressive = structure.process == "progressive"
    return Treatment.model_validate(
        {
            "kind": "encode",
            "codec": "jpeg",
            "quality": quality,
            "tables": tables,
            "subsampling": subsampling,
            "progressive": progressive,
            "optimize_huffman": None if progressive else structure.optimized_huffman,
        }
    )


def luma_quality(structure: JpegStructure) -> tuple[int, int]:
    """The IJG quality nearest to a JPEG's luma table, and the sum of absolute differences to it."""
    table: Table = structure.table_of(0)
    return nearest_quality(table, component="luma")


def fates(upload: Picture, served: Picture, *, uploaded: ImageFacts, came_back: ImageFacts) -> dict[str, Any]:
    """What became of each kind of metadata.

    Args:
        upload: With its metadata.
        served: With its metadata.
        uploaded: Facts of the uploaded file.
        came_back: Facts of the served file.

    Returns:
        A value for "exif", "xmp", "icc" and "c2pa"; None for what the upload did not carry and nobody added.
    """
    found: dict[str, Any] = {
        kind: ("keep" if kind in came_back.metadata else "strip") if kind in uploaded.metadata else None
        for kind in ("xmp", "c2pa")
    }
    found["exif"] = _exif_fate(upload.exif, served.exif)
    if served.icc is None:
        found["icc"] = "strip" if upload.icc else None
    else:
        found["icc"] = "keep" if served.icc == upload.icc else "srgb"
    return found


def _exif_fate(before: bytes | None, after: bytes | None) -> str | None:
    if before is None:
        return None
    if after is None:
        return "strip"
    kept, had = _tags(after), _tags(before)
    if kept <= {_ORIENTATION_TAG}:
        return "orientation" if had - {_ORIENTATION_TAG} else None
    return "keep"


def _tags(exif: bytes) -> set[int]:
    found = Image.Exif()
    found.load(exif)
    return set(found)
