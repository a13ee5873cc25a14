"""The way from a batch of whole levels to 8-bit arrays and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repost.media.picture import Rgb8


def rgb8_of(levels: Tensor) -> list[Rgb8]:
    """Every picture of a batch of whole levels as a uint8 HWC array of its own."""
    pictures = levels.detach().permute(0, 2, 3, 1).to(torch.uint8).contiguous().cpu().numpy()
    return list(pictures)


def levels_of(pictures: Sequence[Rgb8], *, like: Tensor) -> Tensor:
    """Arrays of one size as whole levels, with another tensor's type and device."""
    stacked = torch.as_tensor(np.stack(pictures))
    return stacked.permute(0, 3, 1, 2).to(device=like.device, dtype=like.dtype).contiguous()
