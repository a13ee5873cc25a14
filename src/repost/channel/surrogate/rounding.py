"""Rounding to whole 8-bit levels."""

from __future__ import annotations

import torch
from torch import Tensor

from repost.channel.surrogate.pullback import Pullback, with_pullback


def to_levels(pixels: Tensor) -> Tensor:
    """Pixels in [0, 1] as whole 8-bit levels 0-255, half to even; the gradient is that of a multiplication by 255."""
    return with_pullback(_levels, pixels)


def descaled(scaled: Tensor, bits: int) -> Tensor:
    """Shift fixed-point numbers right, rounding half up, in place: libjpeg's DESCALE on whole-numbered floats."""
    return torch.floor_(scaled.mul_(2.0**-bits).add_(0.5))


def _levels(pixels: Tensor) -> tuple[Tensor, Pullback]:
    return (pixels * 255).round_().clamp_(0, 255), lambda gradient: (gradient * 255,)
