"""Libjpeg's RGB <-> YCbCr in its own fixed-point arithmetic, with gradients.

Convention:
    BT.601, full range (JFIF): planes hold whole levels 0-255, chroma centred on 128. Everything fits the 24 bits of a
    float32 exactly, so that float arithmetic gives libjpeg's integers.

Sources:
    jccolor.c (`rgb_ycc_convert`) and jdcolor.c (`ycc_rgb_convert`) of libjpeg: 16 fraction bits, constants rounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from repost.channel.surrogate.pullback import Pullback, with_pullback

_FRACTION = 2.0**-16

# jccolor.c: FIX(0.29900), FIX(0.58700), ... with 16 fraction bits.
_TO_YCC = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))

# jccolor.c rounds luma half up; chroma has its centre added and one less, so that 0.5 does not overflow 255.
_YCC_OFFSETS = (32768, 128 * 65536 + 32767, 128 * 65536 + 32767)

# jdcolor.c: FIX(1.40200), FIX(0.34414), FIX(0.71414), FIX(1.77200), by Cb and Cr less 128; half a level is added.
_FROM_CHROMA = ((0, 91881), (-22554, -46802), (116130, 0))
_RGB_OFFSETS = tuple(32768 - 128 * (by_cb + by_cr) for by_cb, by_cr in _FROM_CHROMA)


def rgb_to_ycc(rgb: Tensor) -> Tensor:
    """Libjpeg's colour conversion before compressing.

    Args:
        rgb: Shape (n, 3, height, width), whole levels 0-255.

    Returns:
        Luma, Cb and Cr as channels, whole levels 0-255. The gradient is that of the matrix.
    """
    return with_pullback(_ycc, rgb)


def ycc_to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """Libjpeg's colour conversion after decompressing.

    Args:
        luma: Shape (n, height, width), whole levels 0-255.
        chroma: Cb and Cr, shape (n, 2, height, width).

    Returns:
        Shape (n, 3, height, width), whole levels, clipped to 0-255. The gradient is that of the matrix; it passes
        where levels were clipped too, so that an optimiser can leave the limit.
    """
    return with_pullback(_rgb, luma, chroma)


def _ycc(rgb: Tensor) -> tuple[Tensor, Pullback]:
    def pullback(gradient: Tensor) -> tuple[Tensor]:
        weights = gradient.new_tensor(_TO_YCC).mul_(_FRACTION)
        return (_by_pixel(weights.T, gradient),)

    return torch.floor_(_fixed_point(_TO_YCC, _YCC_OFFSETS, rgb)), pullback


def _rgb(luma: Tensor, chroma: Tensor) -> tuple[Tensor, Pullback]:
    def pullback(gradient: Tensor) -> tuple[Tensor, Tensor]:
        weights = gradient.new_tensor(_FROM_CHROMA).mul_(_FRACTION)
        both = _by_pixel(torch.cat((weights.new_ones((3, 1)), weights), 1).T, gradient)
        return both[:, 0], both[:, 1:]

    coloured = torch.floor_(_fixed_point(_FROM_CHROMA, _RGB_OFFSETS, chroma))
    return coloured.add_(luma.unsqueeze(1)).clamp_(0, 255), pullback


def _fixed_point(matrix: Sequence[Sequence[int]], offsets: Sequence[int], planes: Tensor) -> Tensor:
    """A matrix with 16 fraction bits times each pixel, not yet rounded; exact, since a power of two scales it."""
    # A GPU may be told to multiply float32 with the 10 fraction bits of TF32, but never float64.
    exact = planes.double() if planes.is_cuda else planes
    weights, bias = (exact.new_tensor(numbers).mul_(_FRACTION) for numbers in (matrix, offsets))
    flat = exact.reshape(*planes.shape[:2], -1)
    mixed = torch.baddbmm(bias.view(1, -1, 1), weights.expand(len(planes), -1, -1), flat)
    return mixed.to(planes.dtype).view(len(planes), len(matrix), *planes.shape[2:])


def _by_pixel(matrix: Tensor, planes: Tensor) -> Tensor:
    mixed = torch.matmul(matrix, planes.reshape(*planes.shape[:2], -1))
    return mixed.view(len(planes), len(matrix), *planes.shape[2:])
