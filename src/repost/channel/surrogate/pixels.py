"""What a batch of pictures must be, and the way to 8-bit arrays and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from repost.core.errors import InvalidPixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repost.media.picture import Rgb8

EXPECTED = "float32 (n, 3, height, width) RGB in [0, 1] with at least one pixel"


def check_pixels(pixels: Tensor) -> None:
    """Refuse what is no batch of pictures.

    Raises:
        InvalidPixels: Not a floating-point NCHW tensor of three channels with numbers in [0, 1].
    """
    shape = tuple(pixels.shape)
    if pixels.ndim != 4 or pixels.shape[1] != 3 or 0 in shape or not pixels.is_floating_point():
        raise InvalidPixels(got=f"{str(pixels.dtype).removeprefix('torch.')} {shape}", expected=EXPECTED)
    least, most = (limit.item() for limit in torch.aminmax(pixels.detach()))
    if not (least >= 0 and most <= 1):  # false for NaN too
        numbers = "NaN" if least != least else f"numbers from {least:.4g} to {most:.4g}"  # noqa: PLR0124
        raise InvalidPixels(got=f"{shape} with {numbers}", expected=f"{EXPECTED}; clamp or divide by 255 first")


def rgb8_of(levels: Tensor) -> list[Rgb8]:
    """Every picture of a batch of whole levels as a uint8 HWC array of its own."""
    pictures = levels.detach().permute(0, 2, 3, 1).to(torch.uint8).contiguous().cpu().numpy()
    return list(pictures)


def levels_of(pictures: Sequence[Rgb8], *, like: Tensor) -> Tensor:
    """Arrays of one size as whole levels, with another tensor's type and device."""
    import numpy as np

    stacked = torch.from_numpy(np.stack(pictures))
    return stacked.permute(0, 3, 1, 2).to(device=like.device, dtype=like.dtype).contiguous()
