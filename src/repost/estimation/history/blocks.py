"""From pixels to DCT coefficients: the luma a decoder had, cut into blocks at any grid phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane: TypeAlias = NDArray[np.float32]
    Mask: TypeAlias = NDArray[np.bool_]
    _Item = TypeVar("_Item", bound=np.generic)

BLOCK_PX = 8
PHASES = tuple((x_px, y_px) for y_px in range(BLOCK_PX) for x_px in range(BLOCK_PX))
"""Every grid phase: how far right of and below the first pixel the first whole block begins."""

_FEW_STAINS = 12  # saturated samples in a block that still helps; clipping more shrinks the coefficients
_FEWEST_BLOCKS = 24  # with fewer the least saturated ones are taken, however many samples that is
_LARGEST_SAMPLE = 255
_MIDDLE = 128  # T.81 A.3.1: samples are shifted to signed before the DCT


def _dct_matrix() -> NDArray[np.float32]:
    """The orthonormal 8-point DCT-II; rows are frequencies. T.81 A.3.3."""
    k = np.arange(BLOCK_PX)
    matrix = 0.5 * np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16)
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


DCT = _dct_matrix()
IDCT_BLOCK = np.kron(DCT, DCT).astype(np.float32)
"""A row of 64 coefficients times this is a row of 64 samples: the inverse of an orthonormal transform is its transpose,
and coefficients stand on the left."""


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """What of the pixels the estimate looks at.

    Attributes:
        luma: (h, w) float32 holding integers 0 to 255.
        saturated: (h, w) bool, where a channel is 0 or 255: the decoder may have clipped there.
        chroma: Cb and Cr, likewise; None for a grey picture.
        channels: Red, green and blue as they are; none of a grey picture.
    """

    luma: Plane
    saturated: Mask
    chroma: tuple[Plane, Plane] | None
    channels: tuple[Plane, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Textured blocks at one grid phase, every one different from the others.

    Attributes:
        clean: (n, 64) float32 coefficients in natural order, of blocks where nothing is saturated.
        stained: (m, 64), of those where little is: the decoder may have clipped, which moves them off the lattice.
        lent: (k, 64), of one unsaturated channel in blocks where another is saturated, so that luma is lost.
        flat_count: Blocks of one value, which were left out.
        repeated_share: Share of the textured blocks that were left out because another is equal.
    """

    clean: Plane
    stained: Plane
    lent: Plane
    flat_count: int
    repeated_share: float

    @property
    def count(self) -> int:
        """How many blocks there are of all kinds."""
        return len(self.clean) + len(self.stained) + len(self.lent)


def planes_of(pixels: NDArray[np.uint8]) -> Planes:
    """Luma and chroma as the decoder had them before it made RGB.

    Args:
        pixels: uint8, HWC RGB or HW grey.

    Convention:
        BT.601 full range, rounded to integers. libjpeg adds integers to an integer luma, so that rounding undoes its
        conversion exactly wherever no channel was clipped: the weights of the three rounding errors add up to 1.
    """
    saturated = (pixels == 0) | (pixels == 255)
    if pixels.ndim == 2:
        return Planes(pixels.astype(np.float32), saturated, None)
    red, green, blue = (pixels[..., channel].astype(np.float32) for channel in range(3))
    luma = np.rint(np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue)
    cb = np.rint((blue - luma) * np.float32(0.5 / (1 - 0.114)))
    cr = np.rint((red - luma) * np.float32(0.5 / (1 - 0.299)))
    grey = bool(np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 1], pixels[..., 2]))
    chroma, channels = (None, ()) if grey else ((_shifted(cb), _shifted(cr)), (red, green, blue))
    return Planes(luma, saturated.any(axis=2), chroma, channels)


def _shifted(chroma: Plane) -> Plane:
    """Colours no JPEG has round to just outside."""
    return np.clip(chroma + np.float32(_MIDDLE), 0, 255).astype(np.float32)


def cut(plane: NDArray[_Item], phase: tuple[int, int]) -> NDArray[_Item]:
    """The whole blocks of a plane at a grid phase, one row of 64 samples each."""
    x_px, y_px = phase
    rows, columns = ((side - start) // BLOCK_PX for side, start in zip(plane.shape, (y_px, x_px), strict=True))
    region = plane[y_px : y_px + BLOCK_PX * rows, x_px : x_px + BLOCK_PX * columns]
    return region.reshape(rows, BLOCK_PX, columns, BLOCK_PX).transpose(0, 2, 1, 3).reshape(-1, BLOCK_PX**2)


def blocks_of(
    plane: Plane, saturated: Mask, *, phase: tuple[int, int], most: int, channels: tuple[Plane, ...] = ()
) -> Blocks:
    """The coefficients of the blocks that can tell something.

    Args:
        plane: (h, w) integers 0 to 255, luma or chroma.
        saturated: (h, w), where the decoder may have clipped.
        phase: Of the grid, (x, y) in 0..7.
        most: How many of either kind to keep, evenly spread over the picture.
        channels: Red, green and blue, to take a saturated block from one that is not saturated there.

    Convention:
        Equal blocks count once: a drawn picture repeats itself, and repetition is no evidence of a lattice.
    """
    samples = cut(plane, phase)
    stains = np.count_nonzero(cut(saturated, phase), axis=1)
    lent = np.zeros(len(samples), dtype=np.bool_)
    for channel in channels[:1] + channels[:0:-1]:  # green last: it is nearest to luma
        whole = cut(channel, phase)
        sound = (stains > 0) & ((whole > 0) & (whole < _LARGEST_SAMPLE)).all(axis=1)
        samples = np.where(sound[:, None], whole, samples)
        lent |= sound
    textured = (samples != samples[:, :1]).any(axis=1)
    clean = np.flatnonzero(textured & (stains == 0))
    stained = np.flatnonzero(textured & (stains > 0) & ~lent)
    stained = stained[np.argsort(stains[stained], kind="stable")]
    enough = max(_FEWEST_BLOCKS - len(clean), np.count_nonzero(stains[stained] <= _FEW_STAINS))
    chosen = [_spread(samples[which], most) for which in (clean, stained[:enough], np.flatnonzero(textured & lent))]
    kinds = [_distinct(kind) for kind in chosen]
    chosen_count, kept_count = (sum(len(kind) for kind in group) for group in (chosen, kinds))
    return Blocks(
        clean=_coefficients(kinds[0]),
        stained=_coefficients(kinds[1]),
        lent=_coefficients(kinds[2]),
        flat_count=int(len(samples) - np.count_nonzero(textured)),
        repeated_share=1 - kept_count / max(chosen_count, 1),
    )


def _spread(samples: Plane, most: int) -> Plane:
    if len(samples) <= most:
        return samples
    return samples[np.linspace(0, len(samples) - 1, most).astype(np.intp)]


def _distinct(samples: Plane) -> Plane:
    if not len(samples):
        return samples
    packed = np.ascontiguousarray(samples.astype(np.uint8)).view("V64").ravel()
    _, first = np.unique(packed, return_index=True)
    return samples[np.sort(first)]


def _coefficients(samples: Plane) -> Plane:
    return ((samples - np.float32(_MIDDLE)) @ IDCT_BLOCK.T).astype(np.float32, copy=False)


def sliding_coefficients(tile: Plane) -> Plane:
    """The DCT of the block at every position.

    Args:
        tile: (h, w).

    Returns:
        (h - 7, w - 7, 8, 8): position, then vertical and horizontal frequency.
    """
    height, width = (side - BLOCK_PX + 1 for side in tile.shape)
    across = np.zeros((tile.shape[0], width, BLOCK_PX), dtype=np.float32)
    for k in range(BLOCK_PX):
        across += tile[:, k : k + width, None] * DCT[:, k]
    found = np.zeros((BLOCK_PX, height, width, BLOCK_PX), dtype=np.float32)
    for frequency in range(BLOCK_PX):
        for k in range(BLOCK_PX):
            found[frequency] += across[k : k + height] * DCT[frequency, k]
    return found.transpose(1, 2, 0, 3)
