"""What every public call of the differentiable channel checks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repost.core.errors import InvalidPixels, UsageError

EXPECTED = "a floating-point tensor (n, 3, height, width) of RGB in [0, 1] with at least one pixel"


def check_pixels(pixels: object, *, expected: str = EXPECTED) -> None:
    """Refuse what is no batch of pictures.

    Args:
        pixels: What was given.
        expected: How the error puts what should have been.

    Raises:
        InvalidPixels: Not a floating-point NCHW tensor of three channels with numbers in [0, 1].
    """
    if not isinstance(pixels, Tensor):
        raise InvalidPixels(got=f"the type {type(pixels).__name__}", expected=expected)
    shape = tuple(pixels.shape)
    if pixels.ndim != 4 or pixels.shape[1] != 3 or 0 in shape or not pixels.is_floating_point():
        raise InvalidPixels(got=f"{str(pixels.dtype).removeprefix('torch.')} {shape}", expected=expected)
    least, most = (limit.item() for limit in torch.aminmax(pixels.detach()))
    if not (least >= 0 and most <= 1):  # false for NaN too
        numbers = "NaN" if least != least else f"numbers from {least:.4g} to {most:.4g}"  # noqa: PLR0124
        raise InvalidPixels(got=f"{shape} with {numbers}", expected=f"{expected}; clamp or divide by 255 first")


def check_choice(name: str, got: str, allowed: tuple[str, ...]) -> None:
    """Refuse an argument that is none of those allowed."""
    if got not in allowed:
        raise UsageError(f"got {name}={got!r}, expected one of {', '.join(allowed)}")


def check_device(network: nn.Module | None, pixels: Tensor) -> None:
    """Refuse pixels that are on another device than a network's weights.

    Raises:
        UsageError: They are.
    """
    weights = None if network is None else next(network.parameters(), None)
    if weights is not None and weights.device != pixels.device:
        raise UsageError(
            f"got pixels on {pixels.device} for a residual on {weights.device}, expected one device; "
            f"move the channel with .to('{pixels.device}')"
        )
