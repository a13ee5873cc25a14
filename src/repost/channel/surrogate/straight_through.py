"""Exact values in the forward pass, a stand-in's gradient in the backward pass."""

from __future__ import annotations

from torch import Tensor

from repost.channel.surrogate.pullback import Pullback, unchanged, with_pullback
from repost.core.errors import UsageError


def straight_through(surrogate: Tensor, real: Tensor) -> Tensor:
    """A tensor with one tensor's values and another's gradient.

    Written as surrogate + (real - surrogate).detach() it would round twice; here the values are those of `real` to the
    bit.

    Args:
        surrogate: What the gradient flows into.
        real: The values; no gradient flows into them. Same shape, type and device as `surrogate`.

    Returns:
        A copy of `real` that hands its gradient to `surrogate` unchanged.

    Raises:
        UsageError: The tensors differ in shape, type or device.
    """
    got, expected = (_about(tensor) for tensor in (real, surrogate))
    if got != expected:
        raise UsageError(f"the real values are {got}; expected {expected}, as the surrogate's; convert them first")

    def values(_: Tensor) -> tuple[Tensor, Pullback]:
        return real.detach().clone(), unchanged

    return with_pullback(values, surrogate)


def _about(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
