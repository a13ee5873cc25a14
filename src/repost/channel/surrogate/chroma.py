"""Libjpeg's chroma subsampling and its two ways back, with gradients.

Convention:
    Samples are whole levels 0-255, exact in float32. Subsampled chroma is sited between the luma samples (JFIF).

Sources:
    jcsample.c (`h2v1_downsample`, `h2v2_downsample`), jcprepct.c (edges), jdsample.c (`h2v1_fancy_upsample`,
    `h2v2_fancy_upsample`, and plain repetition where a plane is at most two samples wide).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from repost.channel.surrogate.pullback import Pullback, with_pullback

Subsampling: TypeAlias = Literal["4:4:4", "4:2:2", "4:2:0"]
Upsampling: TypeAlias = Literal["triangle", "replicate"]

FACTORS: dict[Subsampling, tuple[int, int]] = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}
"""Luma samples per chroma sample, across and down."""

_LEAST_TRIANGLE_WIDTH = 3
"""jdsample.c repeats samples in planes that are narrower."""


def downsample(plane: Tensor, subsampling: Subsampling) -> Tensor:
    """Chroma as libjpeg stores it, its edges repeated up to whole blocks.

    Args:
        plane: Shape (n, height, width), whole levels.
        subsampling: How much is kept.

    Returns:
        Whole levels; both sides multiples of 8. What lies beyond the picture is as libjpeg fills it: columns are
        repeated before downsampling, rows after it.
    """
    across, down = FACTORS[subsampling]
    height, width = plane.shape[1:]
    plane = padded(plane, rows=-height % down, columns=-width % (8 * across))
    if across == 2:
        plane = with_pullback(_means_of_two if down == 1 else _means_of_four, plane)
    return padded(plane, rows=-plane.shape[1] % 8, columns=0)


def upsample(plane: Tensor, subsampling: Subsampling, *, size: tuple[int, int], upsampling: Upsampling) -> Tensor:
    """Chroma at the size of the luma, as libjpeg decodes it.

    Args:
        plane: Shape (n, rows, columns), whole levels; may be padded.
        subsampling: How it was stored.
        size: Height and width of the picture.
        upsampling: "triangle" is libjpeg's default, "replicate" repeats samples.

    Returns:
        Shape (n, height, width), whole levels.
    """
    across, down = FACTORS[subsampling]
    height, width = size
    plane = plane[:, : -(-height // down), : -(-width // across)]
    if across == 1:
        return plane
    if upsampling == "replicate" or plane.shape[2] < _LEAST_TRIANGLE_WIDTH:
        return _repeated(plane, down)[:, :height, :width]
    return with_pullback(_twice_as_wide if down == 1 else _twice_as_large, plane)[:, :height, :width]


def padded(plane: Tensor, *, rows: int, columns: int) -> Tensor:
    """A plane with its last row and column repeated."""
    if not (rows or columns):
        return plane
    return functional.pad(plane.unsqueeze(1), (0, columns, 0, rows), mode="replicate").squeeze(1)


def _means_of_two(plane: Tensor) -> tuple[Tensor, Pullback]:
    sums = _sums_of_two(plane)
    means = torch.floor_(sums.add_(_alternating(sums)).mul_(0.5))
    return means, lambda gradient: (_repeated(gradient * 0.5, 1),)


def _means_of_four(plane: Tensor) -> tuple[Tensor, Pullback]:
    count, height, width = plane.shape
    rows = plane.view(count, height // 2, 2, width)
    sums = _sums_of_two(rows[:, :, 0] + rows[:, :, 1])
    means = torch.floor_(sums.add_(_alternating(sums) + 1).mul_(0.25))
    return means, lambda gradient: (_repeated(gradient * 0.25, 2),)


def _sums_of_two(plane: Tensor) -> Tensor:
    return plane[..., 0::2] + plane[..., 1::2]


def _alternating(sums: Tensor) -> Tensor:
    """0, 1, 0, 1, ... along the row: a bias with which rounding does not drift."""
    return torch.arange(sums.shape[2], device=sums.device, dtype=sums.dtype) % 2


def _twice_as_wide(plane: Tensor) -> tuple[Tensor, Pullback]:
    """Each sample is three parts of the nearest and one part of the next nearest."""
    wide = _mixed(plane, 2, first=1, second=2)
    return torch.floor_(wide.mul_(1 / 4)), lambda gradient: (_gathered(gradient, 2),)


def _twice_as_large(plane: Tensor) -> tuple[Tensor, Pullback]:
    """The same in both directions, rounded once."""
    large = _mixed(_mixed(plane, 1, first=0, second=0), 2, first=8, second=7)
    return torch.floor_(large.mul_(1 / 16)), lambda gradient: (_gathered(_gathered(gradient, 2), 1),)


def _mixed(plane: Tensor, dim: int, *, first: int, second: int) -> Tensor:
    """Between each sample and its neighbours, 3 x the sample + the neighbour + a bias; at an edge the sample itself."""
    length = plane.shape[dim]
    shape = [*plane.shape[: dim + 1], 2, *plane.shape[dim + 1 :]]
    both = plane.new_empty(shape)
    for side, bias, start, edge in ((0, first, 1, 0), (1, second, 0, length - 1)):
        half = both.select(dim + 1, side)
        torch.mul(plane, 3, out=half)
        half.narrow(dim, start, length - 1).add_(plane.narrow(dim, 1 - start, length - 1))
        half.narrow(dim, edge, 1).add_(plane.narrow(dim, edge, 1))
        if bias:
            half.add_(bias)
    return both.flatten(dim, dim + 1)


def _repeated(plane: Tensor, down: int) -> Tensor:
    larger = functional.interpolate(plane.unsqueeze(1), scale_factor=(float(down), 2.0), mode="nearest")
    return larger.squeeze(1)


def _gathered(gradient: Tensor, dim: int) -> Tensor:
    """The transpose of enlarging in one direction: what each source sample gave to the samples around it."""
    shape = list(gradient.shape)
    shape[dim : dim + 1] = [shape[dim] // 2, 2]
    first, second = gradient.reshape(shape).unbind(dim + 1)
    length = first.shape[dim]
    result = (first + second).mul_(0.75)
    for half, source, target, edge in ((first, 1, 0, 0), (second, 0, 1, length - 1)):
        result.narrow(dim, target, length - 1).add_(half.narrow(dim, source, length - 1), alpha=0.25)
        result.narrow(dim, edge, 1).add_(half.narrow(dim, edge, 1), alpha=0.25)
    return result
