"""Between a picture's pixels and the coarse grid on which a stamp is made and looked for.

A grid has square cells, a given number of them on the picture's short side. The long side is covered by whole cells, a
multiple of four of them; where they reach beyond the picture, its last pixels are repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from repost.core.errors import InvalidPixels, PictureTooSmall

if TYPE_CHECKING:
    from numpy.typing import NDArray

STAMP_CELLS = 96
"""Cells on the short side of a picture that is stamped."""

_MULTIPLE = 4  # the networks halve the grid twice
_EXPECTED = (
    "a numpy array of uint8, (height, width, 3) RGB or (height, width) grey; "
    "of finite floats in [0, 1]: np.rint(255 * pixels).astype(np.uint8)"
)
_ROWS_AT_ONCE = 512  # a residual of a 50-megapixel picture would take 200 MB at once


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the cells of a grid are on a picture.

    Attributes:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        cell_px: Side of a cell, pixels; rarely whole.
        rows: Cells from top to bottom.
        columns: Cells from left to right.
    """

    height: int
    width: int
    cell_px: float
    rows: int
    columns: int


def grid_over(height: int, width: int, *, short_cells: int = STAMP_CELLS) -> Grid:
    """Lay a grid over a picture.

    Args:
        height: Pixels.
        width: Pixels.
        short_cells: Cells on the short side, a multiple of four.

    Returns:
        The grid.
    """
    cell_px = min(height, width) / short_cells
    rows, columns = (_MULTIPLE * int(np.ceil(side / cell_px / _MULTIPLE - 1e-6)) for side in (height, width))
    return Grid(height, width, cell_px, rows, columns)


def luma_of(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rec. 601 luma, as JPEG has it.

    Args:
        pixels: uint8 HWC RGB, or HW grey.

    Returns:
        float32 HW in [0, 1], of whole 8-bit levels.
    """
    grey = pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))
    return np.multiply(grey, np.float32(1 / 255), dtype=np.float32)


def cell_means(plane: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """The mean of every cell, over the pixels whose middles are in it.

    Args:
        plane: float32 HW.
        grid: Laid over it.

    Returns:
        float32 (rows, columns).
    """
    down, across = grid.rows * grid.cell_px, grid.columns * grid.cell_px
    missing = (max(0, int(np.ceil(down)) - grid.height), max(0, int(np.ceil(across)) - grid.width))
    if any(missing):
        plane = np.pad(plane, ((0, missing[0]), (0, missing[1])), mode="edge")
    kernel = Image.Resampling.BOX if grid.cell_px >= 1 else Image.Resampling.BILINEAR
    image = Image.fromarray(plane)
    return np.asarray(image.resize((grid.columns, grid.rows), kernel, box=(0, 0, across, down)))


def add_residual(pixels: NDArray[np.uint8], residual: NDArray[np.float32], grid: Grid) -> NDArray[np.uint8]:
    """Add a residual of the grid to every channel, bicubic between the cells, rounded to 8 bits.

    Args:
        pixels: uint8 HWC RGB, or HW grey.
        residual: float32 (rows, columns), 8-bit levels.
        grid: Laid over the picture.

    Returns:
        New pixels of the same shape.
    """
    stamped, image = np.empty_like(pixels), Image.fromarray(residual)
    bound = float(np.abs(residual).max())
    across = grid.width / grid.cell_px
    for top in range(0, grid.height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, grid.height)
        box = (0, top / grid.cell_px, across, bottom / grid.cell_px)
        band = np.asarray(image.resize((grid.width, bottom - top), Image.Resampling.BICUBIC, box=box))
        band = np.rint(np.clip(band, -bound, bound)).astype(np.int16)  # bicubic would overshoot the bound
        moved = pixels[top:bottom] + (band if pixels.ndim == 2 else band[..., None])
        stamped[top:bottom] = np.clip(moved, 0, 255)
    return stamped


def check_pixels(pixels: NDArray[np.uint8], *, least_px: int) -> None:
    """Refuse what is no picture of 8 bits, or too small.

    Args:
        pixels: What was handed over.
        least_px: What the short side must have, pixels.

    Raises:
        InvalidPixels: Another type or shape.
        PictureTooSmall: The short side is shorter.
    """
    if not isinstance(pixels, np.ndarray):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise InvalidPixels(got=type(pixels).__name__, expected=_EXPECTED)
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise InvalidPixels(got=f"{pixels.dtype} and shape {pixels.shape}", expected=_EXPECTED)
    height, width = pixels.shape[:2]
    if min(height, width) < least_px:
        raise PictureTooSmall(width, height, least_px=least_px)
