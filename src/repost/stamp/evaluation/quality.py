"""How far a stamped photograph is from the photograph: on average, and where it is worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from repost.metrics import psnr_db, ssim

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8

BLOCK_PX = 32
"""Side of the blocks of which the worst is named: small enough for a ripple, large enough for one PSNR."""

_PEAK = 255
_PSNR_OF_EQUAL_DB = 100.0  # stands for infinity, which JSON lacks, and for all that is as good as equal


@dataclass(frozen=True, slots=True)
class Quality:
    """One stamped photograph against the photograph, both 8-bit.

    Attributes:
        psnr_db: Over all pixels and channels; 100 for equal pictures.
        ssim: As `repost.metrics.ssim`.
        largest_change: Of any value, 0 to 255.
        worst_block_psnr_db: Of the 32x32 block that differs most; 100 for equal pictures.
    """

    psnr_db: float
    ssim: float
    largest_change: int
    worst_block_psnr_db: float


@dataclass(frozen=True, slots=True)
class QualityOfAll:
    """Mean and worst over photographs; `mean` averages decibels as they are.

    Attributes:
        count: Photographs.
        mean: Of each number.
        worst: Of each number: least PSNR, SSIM and block PSNR, greatest change.
        worst_photo: Which photograph has the least PSNR of a block.
    """

    count: int
    mean: dict[str, float]
    worst: dict[str, float]
    worst_photo: str


def quality_of(cover: Rgb8, stamped: Rgb8) -> Quality:
    """Compare a photograph with its stamped copy.

    Args:
        cover: uint8, HWC, RGB.
        stamped: The same form and size, as saved.

    Raises:
        InvalidPixels: One is not uint8 HWC RGB.
        UsageError: The sizes differ.
    """
    whole_db = psnr_db(cover, stamped)
    change = np.abs(np.subtract(cover, stamped, dtype=np.int16))
    return Quality(
        psnr_db=min(whole_db, _PSNR_OF_EQUAL_DB),
        ssim=ssim(cover, stamped),
        largest_change=int(change.max()),
        worst_block_psnr_db=_worst_block_psnr_db(change),
    )


def summarise(of_photos: Sequence[tuple[str, Quality]]) -> QualityOfAll | None:
    """Mean and worst.

    Args:
        of_photos: Name and quality of each photograph.

    Returns:
        None where there are none.
    """
    if not of_photos:
        return None
    rows = [asdict(quality) for _, quality in of_photos]
    columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
    return QualityOfAll(
        count=len(rows),
        mean={name: math.fsum(column) / len(column) for name, column in columns.items()},
        worst={name: (max if name == "largest_change" else min)(column) for name, column in columns.items()},
        worst_photo=min(of_photos, key=lambda entry: (entry[1].worst_block_psnr_db, entry[0]))[0],
    )


def _worst_block_psnr_db(change: NDArray[np.int16]) -> float:
    """The least PSNR of a block; blocks begin at the top left, the last along a side ends at the edge."""
    squared = np.square(change, dtype=np.int32).sum(axis=2, dtype=np.int64)
    rows, columns = (_starts(length) for length in squared.shape)
    sums = np.zeros((squared.shape[0] + 1, squared.shape[1] + 1), np.int64)
    sums[1:, 1:] = squared.cumsum(axis=0).cumsum(axis=1)
    height_px, width_px = (min(BLOCK_PX, length) for length in squared.shape)
    below, right = rows + height_px, columns + width_px
    blocks = sums[np.ix_(below, right)] - sums[np.ix_(rows, right)]
    blocks += sums[np.ix_(rows, columns)] - sums[np.ix_(below, columns)]
    worst = int(blocks.max())
    if not worst:
        return _PSNR_OF_EQUAL_DB
    return min(10 * math.log10(_PEAK**2 * 3 * height_px * width_px / worst), _PSNR_OF_EQUAL_DB)


def _starts(length_px: int) -> NDArray[np.intp]:
    last = max(0, length_px - BLOCK_PX)
    return np.unique(np.append(np.arange(0, last + 1, BLOCK_PX), last))
