"""What slope rounding gets in the backward pass; the forward pass always rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

if TYPE_CHECKING:
    from torch import Tensor

Gradient: TypeAlias = Literal["identity", "cubic", "zero_bin"]
"""The slope of rounding: "identity" (1), "cubic" or "zero_bin"; see `slope`."""


def slope(values: Tensor, rounded: Tensor, *, gradient: Gradient) -> Tensor:
    """The stand-in for the derivative of rounding, which is zero nearly everywhere.

    Args:
        values: What was rounded, in quantiser steps.
        rounded: The whole numbers it became, same shape.
        gradient: "identity" is 1 everywhere. "cubic" is 3 d^2 with d = values - rounded, the derivative of
            rounded + d^3, which meets the true derivative at the middle of a bin (Shin and Song, "JPEG-resistant
            adversarial images", 2017). "zero_bin" is cubic where a value became zero and identity elsewhere: a
            coefficient that the quantiser removes then passes little, one that it keeps passes all.

    Returns:
        What the incoming gradient is to be multiplied by, same shape and type as `values`.
    """
    if gradient == "identity":
        return torch.ones_like(values)
    distance = values - rounded
    cubic = distance.mul_(distance).mul_(3)
    if gradient == "cubic":
        return cubic
    kept = rounded.abs().clamp_(max=1)  # 0 in the zero bin, else 1: arithmetic is faster than a mask
    return cubic.mul_(1 - kept).add_(kept)
