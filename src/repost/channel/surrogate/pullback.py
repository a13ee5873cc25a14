"""Operations with whole-numbered results and gradients of our own, written as one function each.

Such a function returns its value and a pullback: what turns the gradient of the value into those of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Pullback: TypeAlias = Callable[[Tensor], tuple[Tensor, ...]]
"""From the gradient of a value to the gradients of the tensors it was made of, in their order."""


class _Pulled(Function):
    # torch calls both with the context by position; its own declaration is narrower.
    @staticmethod
    def forward(ctx: Any, function: Callable[..., tuple[Tensor, Pullback]], *tensors: Tensor) -> Tensor:  # noqa: ANN401
        # Whole numbers need all their bits: mixed precision ends here.
        with torch.autocast(tensors[0].device.type, enabled=False):
            value, ctx.pullback = function(*tensors)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:  # noqa: ANN401  # pyright: ignore[reportIncompatibleMethodOverride]
        with torch.autocast(grad_outputs[0].device.type, enabled=False):
            return None, *ctx.pullback(*grad_outputs)


def with_pullback(function: Callable[..., tuple[Tensor, Pullback]], *tensors: Tensor) -> Tensor:
    """Call a function whose gradient is its own pullback.

    Args:
        function: Takes the tensors; returns a new tensor and its pullback. It runs without recording, so that it may
            work in place on what it made.
        tensors: Its arguments.

    Returns:
        The value, as part of the graph. It can be differentiated once.
    """
    pulled: Any = _Pulled
    return pulled.apply(function, *tensors)


def unchanged(gradient: Tensor) -> tuple[Tensor]:
    """The pullback of what only rounds or clips: the gradient passes."""
    return (gradient,)
