"""What a JPEG does to one plane: 8x8 DCT, quantisation and back, to the bit, with gradients.

The "islow" transform of libjpeg, which every decoder and encoder in use defaults to, is a product with one integer
matrix and a rounded shift in each direction. Its products are exact in float64, so that two small matrix products give
libjpeg's integers on any device, several times faster than its steps would one by one.

Sources:
    jfdctint.c and jidctint.c of libjpeg: 13 fraction bits, 2 more between the passes; jcdctmgr.c: quotients are rounded
    half away from zero. The matrix below is what their butterflies multiply out to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from repost.channel.surrogate.pullback import Pullback, with_pullback
from repost.channel.surrogate.quantiser import Gradient, slope
from repost.channel.surrogate.rounding import descaled

Quantiser: TypeAlias = Literal["libjpeg", "half_even"]

# sqrt(8) x the orthonormal DCT with 13 fraction bits. Entries that should be equal differ by one unit, since each comes
# from other sums of rounded constants.
_ISLOW = (
    (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363),
    (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
    (9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633),
    (8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437),
    (4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433),
    (2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260),
)
_DCT = tuple(
    tuple(math.cos((2 * sample + 1) * frequency * math.pi / 16) / (2 if frequency else 2**1.5) for sample in range(8))
    for frequency in range(8)
)
_SAMPLES_AT_A_TIME = 1 << 16
_CONST_BITS = 13
_PASS1_BITS = 2
_NOISE_DIGITS = 6
"""Decimals of a float coefficient that are kept before it is rounded, as in `repost.channel.half_even`."""


def quantised(plane: Tensor, tables: Tensor, *, quantiser: Quantiser = "libjpeg", gradient: Gradient) -> Tensor:
    """A plane as it comes back from a JPEG.

    Args:
        plane: Shape (n, height, width), whole levels 0-255, both sides multiples of 8.
        tables: Quantisation tables, natural order, shape (n, 8, 8), whole numbers.
        quantiser: As in `repost.platforms.steps.EncodeJpeg`.
        gradient: What the backward pass takes for the slope of the rounding.

    Returns:
        Whole levels, clipped to 0-255; the gradient passes where levels were clipped.
    """
    return with_pullback(partial(_round_trip, tables=tables, quantiser=quantiser, gradient=gradient), plane)


def as_quantised(plane: Tensor, steps: Tensor, *, gradient: Gradient) -> Tensor:
    """A plane as it is, with the gradient of one that was quantised with a single step: for values that are known.

    Args:
        plane: Shape (n, height, width), both sides multiples of 8.
        steps: The step of each plane, in units of its samples under an orthonormal DCT, shape (n,), above 0.
        gradient: What the backward pass takes for the slope of the rounding.
    """
    return with_pullback(partial(_unchanged, steps=steps, gradient=gradient), plane)


def _unchanged(plane: Tensor, *, steps: Tensor, gradient: Gradient) -> tuple[Tensor, Pullback]:
    slopes = None
    if gradient != "identity":
        exact = _orthonormal(plane).div_(steps.view(-1, 1, 1))
        slopes = slope(exact, exact.round(), gradient=gradient)
    return plane.clone(), partial(_through_coefficients, slopes=slopes)


def _round_trip(plane: Tensor, *, tables: Tensor, quantiser: Quantiser, gradient: Gradient) -> tuple[Tensor, Pullback]:
    result = torch.empty_like(plane)
    slopes = None if gradient == "identity" else torch.empty_like(plane)
    for pictures, rows in _parts(plane):
        part = plane[pictures, rows]
        steps = _tiled(tables[pictures], plane.shape[2])
        exact, whole = _QUANTISERS[quantiser](part, steps)
        if slopes is not None:
            slopes[pictures, rows] = slope(exact, whole, gradient=gradient).view(part.shape)
        result[pictures, rows] = _inverse_dct(whole.mul_(steps).view(part.shape))
    return result, partial(_through_coefficients, slopes=slopes)


def _parts(plane: Tensor) -> Iterator[tuple[slice, slice]]:
    """Pictures and rows to treat at a time; all on a GPU.

    On a CPU so few that what is made on the way stays in the cache, and is not mapped anew for every step: that takes
    a third of the time otherwise.
    """
    count, height, width = plane.shape
    most_rows = max(1, _SAMPLES_AT_A_TIME // (8 * width)) * 8 if not plane.is_cuda else count * height
    pictures_each, rows_each = max(1, most_rows // height), min(most_rows, height)
    for first in range(0, count, pictures_each):
        for top in range(0, height, rows_each):
            yield slice(first, first + pictures_each), slice(top, top + rows_each)


def _libjpeg(plane: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Coefficients in quantiser steps, before and after rounding half away from zero."""
    exact = _runs(_forward_dct(plane)).div_(8 * steps)
    return exact, torch.copysign(exact.abs().add_(0.5).floor_(), exact)  # torch's trunc is ten times slower


def _half_even(plane: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """The same with a float DCT that is rounded first, and half to even."""
    # Half-way cases are only told from noise with more bits than a float32 has.
    whole_dct = _orthonormal(plane.double().sub_(128)).round_(decimals=_NOISE_DIGITS).round_()
    exact = _runs(whole_dct.to(plane.dtype)).div_(steps)
    return exact, exact.round()


_QUANTISERS: dict[Quantiser, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "libjpeg": _libjpeg,
    "half_even": _half_even,
}


def _through_coefficients(gradient: Tensor, *, slopes: Tensor | None) -> tuple[Tensor]:
    """A gradient weighted coefficient by coefficient; the DCT and its inverse cancel where every slope is 1."""
    if slopes is None:
        return (gradient,)
    return (_orthonormal_inverse(_orthonormal(gradient).mul_(slopes.view(gradient.shape))),)


def _forward_dct(plane: Tensor) -> Tensor:
    """8 x the DCT of each block, as whole numbers."""
    # Sums of 8 samples stay below 2^24, which float32 holds; those of the second pass do not.
    rows = descaled(_by_rows(plane - 128, _islow(plane).T), _CONST_BITS - _PASS1_BITS)
    columns = _by_columns(rows.double(), _islow(rows.double()))
    return descaled(columns, _CONST_BITS + _PASS1_BITS).to(plane.dtype)


def _inverse_dct(coefficients: Tensor) -> Tensor:
    exact = coefficients.double()
    columns = descaled(_by_columns(exact, _islow(exact).T), _CONST_BITS - _PASS1_BITS)
    samples = descaled(_by_rows(columns, _islow(columns)), _CONST_BITS + _PASS1_BITS + 3)
    return samples.to(coefficients.dtype).add_(128).clamp_(0, 255)


def _orthonormal(plane: Tensor) -> Tensor:
    matrix = _dct_matrix(plane)
    return _by_columns(_by_rows(plane, matrix.T), matrix)


def _orthonormal_inverse(coefficients: Tensor) -> Tensor:
    matrix = _dct_matrix(coefficients)
    return _by_rows(_by_columns(coefficients, matrix.T), matrix)


def _by_rows(plane: Tensor, matrix: Tensor) -> Tensor:
    """Multiply every run of eight samples along a row."""
    return torch.mm(plane.reshape(-1, 8), matrix).view(plane.shape)


def _by_columns(plane: Tensor, matrix: Tensor) -> Tensor:
    """Multiply every run of eight samples along a column."""
    return torch.matmul(matrix, _runs(plane)).view(plane.shape)


def _runs(plane: Tensor) -> Tensor:
    """A plane with its rows in groups of eight: (n, rows / 8, 8, width)."""
    count, height, width = plane.shape
    return plane.view(count, height // 8, 8, width)


def _tiled(tables: Tensor, width: int) -> Tensor:
    """Tables repeated along the rows of a plane seen as `_runs`."""
    return tables.repeat(1, 1, width // 8).unsqueeze(1)


def _islow(like: Tensor) -> Tensor:
    return _constant(_ISLOW, like.dtype, like.device)


def _dct_matrix(like: Tensor) -> Tensor:
    """The orthonormal DCT-II of eight samples."""
    return _constant(_DCT, like.dtype, like.device)


@cache
def _constant(rows: tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A matrix, copied to a device once."""
    return torch.tensor(rows, dtype=dtype, device=device)
