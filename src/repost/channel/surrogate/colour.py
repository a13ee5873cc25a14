"""Libjpeg's RGB <-> YCbCr in its own fixed-point arithmetic, with gradients.

Convention:
    BT.601, full range (JFIF): planes hold whole levels 0-255, chroma centred on 128. Everything fits the 24 bits of a
    float32 exactly, so that float arithmetic gives libjpeg's integers.

Sources:
    jccolor.c (`rgb_ycc_convert`) and jdcolor.c (`ycc_rgb_convert`) of libjpeg: 16 fraction bits, constants rounded.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repost.channel.surrogate.pullback import Pullback, with_pullback

_BITS = 16
_HALF = 32768.0

# jccolor.c: FIX(0.29900), FIX(0.58700), ... with 16 fraction bits.
_TO_YCC = ((19595.0, 38470.0, 7471.0), (-11059.0, -21709.0, 32768.0), (32768.0, -27439.0, -5329.0))

# jccolor.c rounds luma half up; chroma has its centre added and one less, so that 0.5 does not overflow 255.
_YCC_OFFSETS = (32768.0, 128.0 * 65536 + 32767, 128.0 * 65536 + 32767)

# jdcolor.c: FIX(1.40200), FIX(0.34414), FIX(0.71414), FIX(1.77200).
_RED_BY_CR, _GREEN_BY_CB, _GREEN_BY_CR, _BLUE_BY_CB = 91881.0, -22554.0, -46802.0, 116130.0


def rgb_to_ycc(rgb: Tensor) -> Tensor:
    """Libjpeg's colour conversion before compressing.

    Args:
        rgb: Shape (n, 3, height, width), whole levels 0-255.

    Returns:
        Luma, Cb and Cr as channels, whole levels 0-255. The gradient is that of the matrix.
    """
    return with_pullback(_ycc, rgb)


def ycc_to_rgb(luma: Tensor, blueness: Tensor, redness: Tensor) -> Tensor:
    """Libjpeg's colour conversion after decompressing.

    Args:
        luma: Shape (n, height, width), whole levels 0-255.
        blueness: Cb, of the same shape.
        redness: Cr, of the same shape.

    Returns:
        Shape (n, 3, height, width), whole levels, clipped to 0-255. The gradient is that of the matrix; it passes
        where levels were clipped too, so that an optimiser can leave the limit.
    """
    return with_pullback(_rgb, luma, blueness, redness)


def _ycc(rgb: Tensor) -> tuple[Tensor, Pullback]:
    weights = rgb.new_tensor(_TO_YCC)

    def pullback(gradient: Tensor) -> tuple[Tensor]:
        pulled = torch.matmul(weights.T * 2.0**-_BITS, gradient.reshape(*gradient.shape[:2], -1))
        return (pulled.view(gradient.shape),)

    scaled = torch.empty_like(rgb)
    # Sum by sum and not as a matrix product, which a GPU may be told to do with the 10 fraction bits of TF32.
    for channel, (weights_of_channel, offset) in enumerate(zip(_TO_YCC, _YCC_OFFSETS, strict=True)):
        torch.mul(rgb[:, 0], weights_of_channel[0], out=scaled[:, channel]).add_(offset)
        scaled[:, channel].add_(rgb[:, 1], alpha=weights_of_channel[1]).add_(rgb[:, 2], alpha=weights_of_channel[2])
    return torch.floor_(scaled.mul_(2.0**-_BITS)), pullback


def _rgb(luma: Tensor, blueness: Tensor, redness: Tensor) -> tuple[Tensor, Pullback]:
    rgb = luma.new_empty((luma.shape[0], 3, *luma.shape[1:]))
    blue_offset, red_offset = blueness - 128, redness - 128
    torch.mul(red_offset, _RED_BY_CR, out=rgb[:, 0])
    torch.mul(blue_offset, _GREEN_BY_CB, out=rgb[:, 1]).add_(red_offset, alpha=_GREEN_BY_CR)
    torch.mul(blue_offset, _BLUE_BY_CB, out=rgb[:, 2])
    return torch.floor_(rgb.add_(_HALF).mul_(2.0**-_BITS)).add_(luma.unsqueeze(1)).clamp_(0, 255), _ycc_gradients


def _ycc_gradients(gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    red, green, blue = (gradient * 2.0**-_BITS).unbind(1)
    to_blueness = torch.add(green * _GREEN_BY_CB, blue, alpha=_BLUE_BY_CB)
    to_redness = torch.add(green * _GREEN_BY_CR, red, alpha=_RED_BY_CR)
    return gradient.sum(1), to_blueness, to_redness
