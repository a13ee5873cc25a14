"""Put a stamp on a picture."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError
from repost.stamp.gain import needed_gain
from repost.stamp.grid import add_residual, cell_means, check_pixels, grid_over, luma_of
from repost.stamp.key import direction_of, key_bytes
from repost.stamp.model import StampModel, load_model
from repost.stamp.tile import TILE_CELLS, lattice, lay, tile_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PX = 160
"""The short side that a picture must have to be stamped."""

LEAST_STRENGTH, MOST_STRENGTH = 0.25, 2.0

Shift = tuple[int, int]


def stamp(
    pixels: NDArray[np.uint8],
    key: str | None = None,
    *,
    strength: float = 1.0,
    shift: Shift | None = None,
    model: StampModel | None = None,
) -> NDArray[np.uint8]:
    """Stamp a picture invisibly.

    The same residual is added to R, G and B, so that only brightness changes. It is made on a grid of 96 cells on the
    short side, follows what the picture hides, and is as weak as the picture allows (see `gain`): at strength 1 no
    value changes by more than 8 levels.

    Args:
        pixels: uint8 HWC RGB, or HW grey; at least 160 pixels on the short side. Rounding is to the nearest level.
        key: Whose stamp; see `key.key_bytes`. None is the default key, with which anyone can scan.
        strength: 0.25 to 2, multiplies the residual.
        shift: Cells by which the key's tile is moved down and right; None takes them from content and key, so that
            many photos stamped with one key do not add up to the tile. The frames of a clip share one.
        model: A loaded model; None is the released one.

    Returns:
        New pixels of the same shape.

    Raises:
        InvalidPixels: Another type or shape.
        PictureTooSmall: Below 160 pixels.
        InvalidKey: See `key.key_bytes`.
        UsageError: The strength is out of range.
    """
    check_pixels(pixels, least_px=LEAST_PX)
    check_strength(strength)
    model = model or load_model()
    tile = tile_of(direction_of(key, lattice().dimensions))
    grid = grid_over(*pixels.shape[:2])
    luma = luma_of(pixels)
    mean = cell_means(luma, grid)
    deviation = np.sqrt(np.maximum(cell_means(np.square(luma), grid) - np.square(mean), 0))
    carrier = lay(tile, mean.shape, shift=shift_of(mean, key) if shift is None else shift)
    residual = model.residual(mean, deviation, carrier)
    gain = needed_gain(luma, mean, residual, carrier, model)
    return add_residual(pixels, residual * np.float32(gain * strength), grid)


def check_strength(strength: float) -> None:
    """Refuse what is no strength.

    Args:
        strength: Times the residual.

    Raises:
        UsageError: It is out of range.
    """
    if not LEAST_STRENGTH <= strength <= MOST_STRENGTH:  # NaN is not either
        raise UsageError(
            f"got strength={strength}, expected {LEAST_STRENGTH} to {MOST_STRENGTH}; 1 is what was measured"
        )


def shift_of(mean: NDArray[np.float32], key: str | None) -> Shift:
    """Where the tile begins on a picture: anywhere, decided by content and key.

    Args:
        mean: float32 (rows, columns), luma of the cells in [0, 1].
        key: See `key.key_bytes`.

    Returns:
        Cells down and to the right, each 0 to 63.
    """
    hashed = hashlib.sha256(b"repost stamp, shift, 1\0" + key_bytes(key) + b"\0")
    hashed.update(np.rint(mean * 255).astype(np.uint8).tobytes())
    down, across = hashed.digest()[:2]
    return down % TILE_CELLS, across % TILE_CELLS
