"""Resampling with gradients: the exact channel's pixels to the bit, and the adjoint of its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from repost.channel.resample import area_weights, box_gm_weights
from repost.channel.surrogate.pillow_weights import KERNELS, PRECISION_BITS, down_comes_first, pillow_weights
from repost.channel.surrogate.pullback import Pullback, with_pullback
from repost.core.errors import UnsupportedMedia, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array
    from torch import Tensor

    from repost.channel.sizes import Placement

    Weights: TypeAlias = csr_array[Any]

_ACROSS, _DOWN = -1, -2
"""The axes of NCHW."""

_BLOCK_PX = 32
"""Target pixels at a time: measured fastest of 16 to 128, for pictures from 128 to 4096 px."""

_BLOCK_VALUES = 1 << 22
"""Source values that a block takes in at most, unless fewer than `_LEAST_BLOCK_PX` target pixels need more."""

_LEAST_BLOCK_PX = 4


def resize(levels: Tensor, placement: Placement, *, kernel: str) -> Tensor:
    """Resample pictures as `repost.channel.resample` does, to the bit.

    The backward pass is the adjoint of the weights in float32; rounding and clipping pass gradients unchanged.

    Args:
        levels: NCHW, float32, whole numbers from 0 to 255.
        placement: The result's size and the region that fills it.
        kernel: "lanczos", "bicubic", "bilinear", "box", "area" or "box_gm".

    Returns:
        NCHW, whole numbers from 0 to 255; the pictures themselves where nothing changes.

    Raises:
        UnsupportedMedia: A kernel that is for video only.
        UsageError: Not float32 NCHW, or the region does not lie in the picture.
    """
    _check(levels, placement)
    left, top, right, bottom = placement.box
    if placement.size == (right - left, bottom - top):
        return levels[..., top:bottom, left:right]
    if kernel not in (*KERNELS, "area", "box_gm"):
        raise UnsupportedMedia(
            "the profile", got=f"kernel '{kernel}'", expected=f"one of {', '.join([*KERNELS, 'area', 'box_gm'])}",
            remedy="that kernel is for video",
        )  # fmt: skip
    plan = _plan((levels.shape[_ACROSS], levels.shape[_DOWN]), placement, kernel)
    (first_column, last_column), (first_row, last_row) = plan.used
    return with_pullback(partial(_resized, plan=plan), levels[..., first_row:last_row, first_column:last_column])


def _check(levels: Tensor, placement: Placement) -> None:
    if levels.dim() != 4 or levels.dtype != torch.float32:
        got = f"{tuple(levels.shape)} {levels.dtype}"
        raise UsageError(f"pictures to resize are {got}; expected NCHW float32 levels from 0 to 255")
    left, top, right, bottom = placement.box
    height, width = levels.shape[_DOWN], levels.shape[_ACROSS]
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise UsageError(f"the region is {placement.box}; expected one inside {width}x{height} px")


_Multiply: TypeAlias = Callable[["_Block", "Tensor", int], "Tensor"]
_Finish: TypeAlias = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How one size becomes another.

    Attributes:
        used: First and last + 1 of the source columns, and of the source rows, that have a weight.
        weights: Axis and weights, in order; an axis that stays as it is has none.
        adjoint: The same transposed and as shares of one, in reverse order.
        multiply: What sums in the order and precision of the exact channel.
        finish: What follows each pass.
        round_last: What follows the last pass too.
    """

    used: tuple[tuple[int, int], tuple[int, int]]
    weights: tuple[tuple[int, Weights], ...]
    adjoint: tuple[tuple[int, Weights], ...]
    multiply: _Multiply
    finish: _Finish
    round_last: _Finish


@lru_cache(maxsize=32)
def _plan(source: tuple[int, int], placement: Placement, kernel: str) -> _Plan:
    left, top, right, bottom = placement.box
    ends = ((left, right), (top, bottom))
    used: list[tuple[int, int]] = []
    weights: list[tuple[int, Weights]] = []
    for axis, side, target, (start, stop) in zip((_ACROSS, _DOWN), source, placement.size, ends, strict=True):
        if kernel in KERNELS:
            matrix: Weights = pillow_weights(side, target, kernel=kernel, start=start, stop=stop)
            begin, end = _span(matrix)
            matrix = matrix[:, begin:end]
        else:
            make: Any = area_weights if kernel == "area" else box_gm_weights
            (begin, end), matrix = (start, stop), make(stop - start, target)
        used.append((begin, end))
        if target != stop - start:  # at scale one every kernel is the identity
            weights.append((axis, matrix))
    if kernel in KERNELS and down_comes_first(source, placement.size):
        weights.reverse()
    share = 2.0**-PRECISION_BITS if kernel in KERNELS else 1.0
    adjoint = tuple((axis, (matrix.T * share).tocsr()) for axis, matrix in reversed(weights))
    halved = (right - left, bottom - top) == (2 * placement.size[0], 2 * placement.size[1])
    return _Plan((used[0], used[1]), tuple(weights), adjoint, *_arithmetic(kernel, halved=halved))


def _arithmetic(kernel: str, *, halved: bool) -> tuple[_Multiply, _Finish, _Finish]:
    """How `repost.channel.resample` sums and rounds; see its `_weighted` for the two kernels Pillow lacks."""
    if kernel in KERNELS:
        return _product, _fixed_point, _as_it_is
    if kernel == "box_gm":
        return _sum_in_order, _half_up, _as_it_is
    return _sum_in_order, _as_it_is, _half_up if halved else torch.round


def _span(matrix: Weights) -> tuple[int, int]:
    return int(matrix.indices.min()), int(matrix.indices.max()) + 1


def _resized(levels: Tensor, *, plan: _Plan) -> tuple[Tensor, Pullback]:
    for axis, weights in plan.weights:
        levels = _in_blocks(weights, levels, axis=axis, multiply=plan.multiply, finish=plan.finish)

    def pullback(gradient: Tensor) -> tuple[Tensor]:
        for axis, weights in plan.adjoint:
            gradient = _in_blocks(weights, gradient, axis=axis, multiply=_float32_product, finish=_as_it_is)
        return (gradient,)

    return plan.round_last(levels).clamp_(0, 255), pullback


@dataclass(frozen=True, slots=True)
class _Block:
    """The weights of a few target pixels.

    Attributes:
        target: How many target pixels.
        first: Their first source pixel.
        last: The one after their last.
        row: Target pixel of each weight, from 0; ascending.
        column: Source pixel of each weight, from 0 for `first`; ascending within a row.
        weight: The weights.
    """

    target: int
    first: int
    last: int
    row: NDArray[np.int64]
    column: NDArray[np.int32]
    weight: NDArray[Any]


def _cut(weights: Weights, start: int, stop: int) -> _Block | None:
    """Some rows; None where they hold no weight. SciPy's own slicing takes longer than a small picture."""
    ends = weights.indptr[start : stop + 1]
    column, weight = weights.indices[ends[0] : ends[-1]], weights.data[ends[0] : ends[-1]]
    if not len(column):
        return None
    first, last = int(column.min()), int(column.max()) + 1
    row = np.repeat(np.arange(stop - start), np.diff(ends))
    return _Block(stop - start, first, last, row, column - first, weight)


def _in_blocks(weights: Weights, values: Tensor, *, axis: int, multiply: _Multiply, finish: _Finish) -> Tensor:
    """Weights times values along an axis, a block of target pixels and the source pixels they need at a time.

    So no matrix of source x target pixels is built, and what is in float64 stays small.
    """
    target, source = weights.shape
    shape = list(values.shape)
    shape[axis] = target
    result = values.new_zeros(shape)
    fitting = _BLOCK_VALUES * target // max(1, values.numel() // source * max(source, target))
    height = max(_LEAST_BLOCK_PX, min(_BLOCK_PX, fitting))
    with torch.autocast(values.device.type, enabled=False):
        for start in range(0, target, height):
            block = _cut(weights, start, min(start + height, target))
            if block is None:  # an adjoint's, of source pixels that weigh nothing
                continue
            band = values.narrow(axis, block.first, block.last - block.first)
            result.narrow(axis, start, block.target).copy_(finish(multiply(block, band, axis)))
    return result


def _product(block: _Block, band: Tensor, axis: int) -> Tensor:
    """In float64, where products and sums of whole numbers below 2^53 are exact in any order."""
    return _matmul(block, band.double(), axis)


def _float32_product(block: _Block, band: Tensor, axis: int) -> Tensor:
    return _matmul(block, band.float(), axis)


def _matmul(block: _Block, band: Tensor, axis: int) -> Tensor:
    dense = np.zeros((block.target, block.last - block.first), block.weight.dtype)
    dense[block.row, block.column] = block.weight
    weights = torch.as_tensor(dense).to(band)
    return band @ weights.T if axis == _ACROSS else weights @ band


def _sum_in_order(block: _Block, band: Tensor, axis: int) -> Tensor:
    """From the first source pixel to the last, in the weights' own precision, as SciPy sums.

    Shares such as 1/6 are not exact, so that the order decides how a tie rounds.
    """
    counts = np.bincount(block.row, minlength=block.target)
    before = np.cumsum(counts) - counts
    tap = np.arange(len(block.row)) - before[block.row]
    index = np.zeros((int(counts.max()), block.target), np.int64)
    share = np.zeros(index.shape, block.weight.dtype)
    index[tap, block.row], share[tap, block.row] = block.column, block.weight
    indices, shares = torch.as_tensor(index).to(band.device), torch.as_tensor(share).to(band.device)
    if axis == _DOWN:
        shares = shares.unsqueeze(-1)
    total = band.new_zeros((), dtype=shares.dtype)
    for pixels, weight in zip(indices, shares, strict=True):
        total = total + band.index_select(axis, pixels).to(shares.dtype) * weight
    return total


def _fixed_point(sums: Tensor) -> Tensor:
    """Round sums of whole numbers half up and clip them, as Pillow does between the passes."""
    return sums.add_(1 << (PRECISION_BITS - 1)).mul_(2.0**-PRECISION_BITS).floor_().clamp_(0, 255)


def _half_up(values: Tensor) -> Tensor:
    return (values + 0.5).floor_()


def _as_it_is(values: Tensor) -> Tensor:
    return values
