"""Pairs cut to one size, as tensors, for training and for judging."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from repost.core.errors import InvalidPixels, UsageError
from repost.core.seeding import derive_random
from repost.pairs.dataset import Pair, PairedDataset

GRID_PX = 16
"""Crops start at multiples of it, the largest block that 4:2:0 has, so that the tile's grid stays where it was."""


class CropPair(NamedTuple):
    """A piece of a picture as it was uploaded and as it came back: float32 CHW RGB in [0, 1]."""

    original: Tensor
    transmitted: Tensor


class Crops:
    """Square pieces of the pairs of a data set.

    An item depends on the data, the seed, the epoch and the index alone.

    Args:
        pairs: Without a transform; the two pictures of a pair have one size.
        size_px: Side of the crops, a multiple of 16.
        seed: Of their places; None takes the middle of every picture, in every epoch.

    Raises:
        UsageError: `size_px` is no multiple of 16, or there are no pairs.
    """

    def __init__(self, pairs: PairedDataset, *, size_px: int, seed: int | None) -> None:
        if size_px < GRID_PX or size_px % GRID_PX:
            raise UsageError(f"got crops of {size_px} px, expected a multiple of {GRID_PX}")
        if not len(pairs):
            raise UsageError(f"got no pairs in the split '{pairs.settings.split}', expected at least one")
        self._pairs, self._size_px, self._seed = pairs, size_px, seed

    def __len__(self) -> int:
        return len(self._pairs)

    def set_epoch(self, epoch: int) -> None:
        """Cut other places from now on."""
        self._pairs.set_epoch(epoch)

    def __getitem__(self, index: int) -> CropPair:
        """Cut a pair.

        Raises:
            InvalidPixels: The two pictures differ in size, or are smaller than the crops.
        """
        pair: Pair = self._pairs[index]
        name = self._pairs.records[index].source_id
        if pair.original.shape != pair.transmitted.shape:
            sizes = " and ".join(f"{one.shape[1]}x{one.shape[0]} px" for one in (pair.original, pair.transmitted))
            raise InvalidPixels(
                got=f"the pair {name} of {sizes}",
                expected='two pictures of one size; load pairs of resized sheets with size="original"',
            )
        height, width = pair.original.shape[:2]
        if min(height, width) < self._size_px:
            raise InvalidPixels(
                got=f"the pair {name} of {width}x{height} px",
                expected=f"at least {self._size_px} px a side; choose smaller crops",
            )
        top, left = self._place(index, height), self._place(-index - 1, width)
        rows, columns = slice(top, top + self._size_px), slice(left, left + self._size_px)
        return CropPair(*(_planes(one[rows, columns]) for one in (pair.original, pair.transmitted)))

    def _place(self, number: int, length: int) -> int:
        steps = (length - self._size_px) // GRID_PX
        if self._seed is None:
            return steps // 2 * GRID_PX
        return GRID_PX * derive_random(self._seed, "crop", str(self._pairs.epoch), str(number)).randint(0, steps)


def _planes(pixels: np.ndarray) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float().div_(255)
