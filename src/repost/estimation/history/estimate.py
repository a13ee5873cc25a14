"""The compression history of one file: what its container says, and what its contents give away."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.core.errors import UnsupportedMedia
from repost.estimation.history.blind import SMALLEST_SIDE_PX, Layer, estimate_blind, hidden_layer
from repost.estimation.history.blocks import BLOCK_PX, cut
from repost.media.jpeg import exact_quality
from repost.media.jpeg_tables import nearest_quality
from repost.media.read import decode, open_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.jpeg import JpegStructure

_MOST_BLOCKS = 16_384
_PLENTY_CLEAN = 60  # blocks; with fewer, the least saturated ones are asked too
_KNOWN_SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was done to a file, last first.

    Attributes:
        format: The container, one of `repost.media.sniff.IMAGE_FORMATS`.
        layers: JPEG compressions, outermost first.
        compressed: Whether there is any; lossy compression of other kinds, as in WebP, is not looked for.
        grid_phase_px: Where the blocks lie in the pixels of a file that is no JPEG; see `BlindEstimate`.
        doubt: Why earlier layers could not be looked for, in words; None where they were.
    """

    format: str
    layers: tuple[Layer, ...]
    compressed: bool
    grid_phase_px: tuple[int, int] | None = None
    doubt: str | None = None


def estimate_history(data: bytes, *, name: str = "the file", max_pixels: int | None = None) -> History:
    """Estimate the compression history of a file.

    Args:
        data: The file: JPEG, PNG, WebP or any other image repost reads.
        name: What to call it in errors.
        max_pixels: Limit on width x height; the limit in force when None.

    Returns:
        Of a JPEG its own tables and an earlier layer below them; of others what their pixels show.

    Raises:
        MediaError: It is no image, damaged, too large, or no JPEG and smaller than 16 px.

    Convention:
        A JPEG's earlier layer is sought in its coefficients, which are exact where pixels are rounded and clipped.
        Pixels are taken as stored: colours below transparency count, orientation is not applied.
    """
    image, facts = open_image(data, name=name, max_pixels=max_pixels)
    picture = decode(image, name=name)  # a damaged file is an error, not a guess
    if facts.jpeg is not None:
        return _history_of_jpeg(data, facts.jpeg, np.asarray(picture.image))
    width_px, height_px = picture.size
    if min(width_px, height_px) < SMALLEST_SIDE_PX:
        least = f"at least {SMALLEST_SIDE_PX} px on both sides"
        remedy = "a history needs blocks of 8 px to show"
        raise UnsupportedMedia(name, got=f"{width_px}x{height_px} px", expected=least, remedy=remedy)
    opaque = "L" if picture.image.mode in ("L", "LA") else "RGB"
    found = estimate_blind(np.asarray(picture.image.convert(opaque)))
    return History(
        format=facts.format, layers=found.layers, compressed=found.compressed, grid_phase_px=found.grid_phase_px
    )


def table_layers(data: bytes, *, name: str = "the file", max_pixels: int | None = None) -> tuple[Layer, ...]:
    """What the file's own tables tell, without decoding it.

    Args:
        data: The file.
        name: What to call it in errors.
        max_pixels: Limit on width x height; the limit in force when None.

    Returns:
        The outer layer of a JPEG; nothing for other files.

    Raises:
        MediaError: It is no image, its header is damaged, or it is too large.
    """
    _, facts = open_image(data, name=name, max_pixels=max_pixels)
    return () if facts.jpeg is None else (table_layer(facts.jpeg),)


def table_layer(structure: JpegStructure) -> Layer:
    """The layer that a JPEG's own tables tell of.

    Args:
        structure: A parsed JPEG.

    Returns:
        Its quality, the nearest one where the tables are no IJG tables.
    """
    luma = structure.table_of(0)
    quality = exact_quality(structure)
    return Layer(
        quality=nearest_quality(luma, component="luma")[0] if quality is None else quality,
        table_exact=quality is not None,
        subsampling=structure.subsampling if structure.subsampling in _KNOWN_SUBSAMPLINGS else None,
        source="tables",
        table=luma,
    )


def _history_of_jpeg(data: bytes, structure: JpegStructure, pixels: NDArray[np.uint8]) -> History:
    outer = table_layer(structure)
    told = structure.color_model in ("ycbcr", "grey")
    luma = _luma_multiples(data) if told else None
    if luma is None:
        why = "its coefficients cannot be read" if told else "its components are not luma and chroma"
        doubt = f"{why}, so earlier layers could not be looked for"
        return History(format="jpeg", layers=(outer,), compressed=True, doubt=doubt)
    inner = hidden_layer(_telling(luma, pixels), structure.table_of(0), rounded=False)
    return History(format="jpeg", layers=(outer, *inner), compressed=True)


def _luma_multiples(data: bytes) -> NDArray[np.int16] | None:
    """Quantised luma coefficients, (block rows, block columns, 64)."""
    import jpeglib  # pyright: ignore[reportMissingTypeStubs]

    library: Any = jpeglib
    with tempfile.TemporaryDirectory(prefix="repost-") as folder:  # jpeglib reads paths only
        path = Path(folder) / "file.jpg"
        path.write_bytes(data)
        try:
            luma: NDArray[np.int16] = np.array(library.read_dct(str(path)).Y)
        except Exception:  # noqa: BLE001 - what Pillow decodes and jpeglib does not is rare, and no fault of the file
            return None
    return luma.reshape(*luma.shape[:2], 64)


def _telling(luma: NDArray[np.int16], pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The different textured blocks, (n, 64): whole ones without saturated pixels, or the least saturated ones.

    What is saturated now was clipped when the earlier layer was decoded, which took it off that layer's lattice.
    """
    saturated = ((pixels == 0) | (pixels == 255)).reshape(*pixels.shape[:2], -1).any(axis=2)
    rows, columns = (side // BLOCK_PX for side in saturated.shape)
    whole = luma[:rows, :columns].reshape(-1, 64)
    textured = np.flatnonzero((whole[:, 1:] != 0).any(axis=1))
    stains = np.count_nonzero(cut(saturated, (0, 0))[textured], axis=1)
    enough = max(_PLENTY_CLEAN, np.count_nonzero(stains == 0))
    blocks = whole[np.sort(textured[np.argsort(stains, kind="stable")[:enough]])]
    if len(blocks) > _MOST_BLOCKS:
        blocks = blocks[np.linspace(0, len(blocks) - 1, _MOST_BLOCKS).astype(np.intp)]
    return np.unique(blocks, axis=0).astype(np.int64)
