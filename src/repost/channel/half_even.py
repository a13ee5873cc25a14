"""A JPEG encoder with the quantiser found in Facebook's files of 2022.

Coefficients are half-even(round(DCT) / q): the forward DCT in floating point, rounded to integers, divided by the
table and rounded half to even, where libjpeg rounds half away from zero after an integer DCT. Colour conversion,
chroma downsampling and what fills the last blocks are libjpeg's. A DCT that is half-way between two integers, as one of
eight sums of a block is, rounds half to even too, whatever the last bits of the floating point say.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

from repost.channel.transcode import rewrite_scans
from repost.platforms.steps import EncodeJpeg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane: TypeAlias = NDArray[np.int32]
    Blocks: TypeAlias = NDArray[np.int16]
    Table: TypeAlias = tuple[int, ...]

_FACTORS = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}
_SCALE_BITS = 16
_NOISE_DIGITS = 6
"""Decimals of a coefficient that are not floating-point noise."""


def encode_half_even(image: Image.Image, step: EncodeJpeg, *, tables: tuple[Table, Table]) -> bytes:
    """Write a JPEG with the half-even quantiser.

    Args:
        image: Mode L or RGB.
        step: Subsampling and scan settings.
        tables: Luma and chroma quantisation, 64 entries each in natural order.

    Returns:
        The file, without metadata.
    """
    luma_table, chroma_table = (np.array(table, dtype=np.int32).reshape(8, 8) for table in tables)
    across, down = _FACTORS[step.subsampling] if image.mode == "RGB" else (1, 1)
    planes = _ycc_planes(np.asarray(image).astype(np.int32)) if image.mode == "RGB" else [_grey(image)]
    height, width = planes[0].shape
    coefficients = [_cropped(_quantised(_pad(planes[0], 8, 8), luma_table), height, width)]
    for plane in planes[1:]:
        smaller = _downsampled(_pad(plane, down, 8 * across), across, down)
        blocks = _quantised(_pad(smaller, 8, 8), chroma_table)
        coefficients.append(_cropped(blocks, -(-height // down), -(-width // across)))
    data = _write(coefficients, (luma_table, chroma_table), width_px=width, height_px=height)
    return rewrite_scans(data, progressive=step.progressive) if step.progressive or step.optimize_huffman else data


def _ycc_planes(rgb: Plane) -> list[Plane]:
    """Libjpeg's fixed-point BT.601 full-range conversion (jccolor.c)."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    half = 1 << (_SCALE_BITS - 1)
    centre = (128 << _SCALE_BITS) + half - 1
    luma = _fix(0.299) * red + _fix(0.587) * green + _fix(0.114) * blue + half
    blueness = -_fix(0.168735892) * red - _fix(0.331264108) * green + _fix(0.5) * blue + centre
    redness = _fix(0.5) * red - _fix(0.418687589) * green - _fix(0.081312411) * blue + centre
    return [plane >> _SCALE_BITS for plane in (luma, blueness, redness)]


def _fix(constant: float) -> int:
    return int(constant * (1 << _SCALE_BITS) + 0.5)


def _grey(image: Image.Image) -> Plane:
    return np.asarray(image).astype(np.int32)


def _pad(plane: Plane, rows: int, columns: int) -> Plane:
    """Repeat the last row and column up to multiples; libjpeg fills columns before downsampling and rows after it."""
    height, width = plane.shape
    return np.pad(plane, ((0, -height % rows), (0, -width % columns)), mode="edge")


def _downsampled(plane: Plane, across: int, down: int) -> Plane:
    """Libjpeg's chroma downsampling: block sums with a bias that alternates along the row (jcsample.c)."""
    if (across, down) == (1, 1):
        return plane
    height, width = plane.shape
    sums: Plane = plane.reshape(height // down, down, width // across, across).sum(axis=(1, 3))
    column: Plane = np.arange(sums.shape[1], dtype=np.int32) % 2
    if down == 2:
        return (sums + 1 + column) >> 2
    return (sums + column) >> 1


def _quantised(plane: Plane, table: Plane) -> Blocks:
    """Quantised coefficients, shape (block rows, block columns, 8, 8)."""
    from scipy.fft import dctn  # a quarter of a second to import, for a quantiser few profiles use

    height, width = plane.shape
    blocks = (plane - 128).reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3).astype(np.float64)
    transformed: NDArray[np.float64] = dctn(blocks, axes=(2, 3), norm="ortho")  # pyright: ignore[reportAssignmentType]
    return np.rint(np.rint(transformed.round(_NOISE_DIGITS)) / table).astype(np.int16)


def _cropped(blocks: Blocks, height: int, width: int) -> Blocks:
    """The blocks that hold samples; libjpeg makes up the rest of the last MCUs itself."""
    return blocks[: -(-height // 8), : -(-width // 8)]


def _write(coefficients: list[Blocks], tables: tuple[Plane, Plane], *, width_px: int, height_px: int) -> bytes:
    """Entropy-code coefficients with libjpeg, baseline."""
    import jpeglib  # pyright: ignore[reportMissingTypeStubs]

    library: Any = jpeglib
    quantisation = np.stack(tables if len(coefficients) == 3 else tables[:1]).astype(np.uint16)
    numbers = [0, 1, 1] if len(coefficients) == 3 else [0]
    jpeg: Any = library.from_dct(*coefficients, qt=quantisation, quant_tbl_no=numbers)
    jpeg.height, jpeg.width = height_px, width_px
    with tempfile.TemporaryDirectory(prefix="repost-") as folder:  # jpeglib writes paths only
        path = Path(folder) / "served.jpg"
        jpeg.write_dct(str(path))
        return path.read_bytes()
