"""Photographs to learn a stamp from, cut into squares."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from repost.core.errors import UsageError
from repost.core.seeding import derive_random
from repost.media.upload import Upload

_LARGEST_SHORT_SIDE_PX = 720  # of what is kept in memory: crops are never as fine as that
_CROPS_A_PHOTO = 8
_MOST_KEPT = 600


class Photos:
    """Square pieces of photographs, at random places and sizes, mirrored by chance.

    An item depends on the photographs, the seed, the epoch and the index alone. Up to 600 photographs are decoded once
    and kept, at most 720 pixels on the short side: about 2 MB each.

    Args:
        paths: Of photographs.
        size_px: Side of the pieces.
        seed: Of places and sizes; None takes the largest square in the middle, the same in every epoch.

    Raises:
        UsageError: There are none.
    """

    def __init__(self, paths: Sequence[Path], *, size_px: int = 320, seed: int | None = 0) -> None:
        if not paths:
            raise UsageError("got no photographs, expected at least one")
        self.paths, self.size_px, self._seed = tuple(paths), size_px, seed
        self._epoch = 0
        self._kept: dict[int, Image.Image] = {}

    def __len__(self) -> int:
        return len(self.paths) * (1 if self._seed is None else _CROPS_A_PHOTO)

    def set_epoch(self, epoch: int) -> None:
        """Cut other places from now on."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> Tensor:
        """One piece.

        Args:
            index: From 0.

        Returns:
            uint8 (3, size_px, size_px) RGB.

        Raises:
            MediaError: The file is no sound image.
        """
        image = self._photo(index % len(self.paths))
        side = min(image.size)
        left, top, mirrored = (image.width - side) // 2, (image.height - side) // 2, False
        if self._seed is not None:
            rng = derive_random(self._seed, "stamp photo", str(self._epoch), str(index))
            least = min(side, round(0.8 * self.size_px))
            side = round(math.exp(rng.uniform(math.log(least), math.log(side))))
            left, top = rng.randint(0, image.width - side), rng.randint(0, image.height - side)
            mirrored = rng.random() < 0.5
        box = (left, top, left + side, top + side)
        kernel = Image.Resampling.LANCZOS if side > self.size_px else Image.Resampling.BICUBIC
        pixels = np.asarray(image.resize((self.size_px, self.size_px), kernel, box=box))
        return torch.as_tensor(np.ascontiguousarray((pixels[:, ::-1] if mirrored else pixels).transpose(2, 0, 1)))

    def name(self, index: int) -> str:
        """The file of an item."""
        return self.paths[index % len(self.paths)].name

    def fingerprint(self) -> str:
        """Of the names and sizes of the files: sixteen hexadecimal digits."""
        listed = sorted(f"{path.name} {path.stat().st_size if path.is_file() else 0}" for path in self.paths)
        return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:16]

    def _photo(self, index: int) -> Image.Image:
        if index not in self._kept:
            image = Image.fromarray(Upload.of(self.paths[index]).picture.rgb8())
            if min(image.size) > _LARGEST_SHORT_SIDE_PX:
                share = _LARGEST_SHORT_SIDE_PX / min(image.size)
                image = image.resize([max(1, round(share * side)) for side in image.size], Image.Resampling.LANCZOS)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[index] = image
        return self._kept[index]
