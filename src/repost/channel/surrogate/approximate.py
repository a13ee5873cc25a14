"""An approximation, with gradients, of what WebP, AVIF and HEIF do to a picture.

Approximate on purpose: prediction, adaptive blocks and loop filters are left out. What is kept is the colour space, the
chroma subsampling, and a cosine transform whose coefficients are rounded to multiples of one step a plane, chosen so
that the distortion is the real codec's. benchmarks/approximations.py measures how near that comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from repost.channel.surrogate.chroma import FACTORS, Subsampling
from repost.channel.surrogate.pullback import Pullback, unchanged, with_pullback
from repost.channel.surrogate.quantiser import Gradient, slope
from repost.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Codec: TypeAlias = Literal["webp", "avif", "heif"]
"""Codecs that are approximated."""

QUALITIES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)
"""The qualities that steps were measured at; between them the logarithm of the step is linear in the quality."""


@dataclass(frozen=True, slots=True)
class _Coding:
    """How a codec's files are written and read by the exact channel.

    Attributes:
        limited_range: Luma from 16 to 235 and chroma from 16 to 240, instead of 0 to 255.
        smooth_chroma: The decoder interpolates chroma linearly, instead of repeating it.
        block_px: Side of the transform.
        luma_steps: Quantiser step in luma levels at each of `QUALITIES`.
        chroma_steps: The same for chroma.
    """

    limited_range: bool
    smooth_chroma: bool
    block_px: int
    luma_steps: tuple[float, ...]
    chroma_steps: tuple[float, ...]


# Range and chroma: the combination nearest to the real codec at quality 100. Block: the nearest of 4, 8 and 16 px.
# Steps: benchmarks/approximations.py --calibrate, seven photographs of scikit-image and scikit-learn, Pillow 13.0.0
# (libwebp, libavif) and pillow-heif 1.8.1, at the default efforts and 4:2:0.
_CODINGS: dict[str, _Coding] = {
    "webp": _Coding(
        limited_range=True,
        smooth_chroma=True,
        block_px=4,
        luma_steps=(58.1, 39.2, 30.9, 25.5, 21.3, 18.4, 16.2, 14.2, 10.5, 5.63, 3.39, 1.87),
        chroma_steps=(38.4, 28.0, 24.0, 20.1, 17.7, 14.9, 13.5, 12.0, 9.09, 4.65, 2.79, 1.87),
    ),
    "avif": _Coding(
        limited_range=False,
        smooth_chroma=True,
        block_px=8,
        luma_steps=(115.0, 91.6, 68.3, 50.4, 36.5, 24.0, 16.3, 10.6, 7.55, 4.05, 2.47, 0.581),
        chroma_steps=(59.2, 47.3, 35.6, 28.3, 20.4, 14.5, 10.4, 7.68, 5.37, 4.15, 3.06, 1.36),
    ),
    "heif": _Coding(
        limited_range=False,
        smooth_chroma=False,
        block_px=8,
        luma_steps=(155.0, 103.0, 59.8, 32.6, 18.1, 10.0, 5.47, 2.86, 1.4, 0.809, 0.669, 0.669),
        chroma_steps=(75.3, 49.7, 35.7, 27.6, 17.5, 10.4, 5.82, 3.33, 1.77, 1.03, 0.86, 0.86),
    ),
}

_KEPT_FROM = 2 / 3
"""A coefficient becomes the next multiple of the step from here on, in steps: encoders favour the smaller one because
it costs fewer bits. Plain rounding at an equal distortion is 0.1 to 1.2 dB farther from the real files."""


def approximate(
    levels: Tensor,
    *,
    codec: Codec,
    quality: Tensor,
    subsampling: Subsampling = "4:2:0",
    gradient: Gradient = "identity",
) -> Tensor:
    """Distort pictures about as a codec would.

    Args:
        levels: NCHW, float32, RGB levels from 0 to 255.
        codec: "webp", "avif" or "heif"; lossy.
        quality: One number for each picture, 1 to 100 on the codec's own scale.
        subsampling: WebP has 4:2:0 only.
        gradient: The slope of the quantiser; all other rounding and clipping passes gradients unchanged.

    Returns:
        NCHW, whole numbers from 0 to 255.

    Raises:
        UsageError: Not float32 RGB, a quality that is missing or outside 1 to 100, or a subsampling WebP lacks.
    """
    if quality.shape != levels.shape[:1] or not bool(((quality >= 1) & (quality <= 100)).all()):
        raise UsageError(f"quality is {quality}; expected one number from 1 to 100 for each of {len(levels)} pictures")
    coding = _coding(codec)
    quality = quality.to(levels.device)
    steps = _interpolated(coding.luma_steps, quality), _interpolated(coding.chroma_steps, quality)
    return requantise(levels, steps, codec=codec, subsampling=subsampling, gradient=gradient)


def requantise(
    levels: Tensor,
    steps: tuple[Tensor, Tensor],
    *,
    codec: Codec,
    subsampling: Subsampling = "4:2:0",
    gradient: Gradient = "identity",
) -> Tensor:
    """Distort pictures with given quantiser steps; what `approximate` does once it has looked them up.

    Args:
        levels: NCHW, float32, RGB levels from 0 to 255.
        steps: Luma and chroma steps in levels, one of each for each picture, above 0.
        codec: "webp", "avif" or "heif".
        subsampling: WebP has 4:2:0 only.
        gradient: The slope of the quantiser.

    Returns:
        NCHW, whole numbers from 0 to 255.

    Raises:
        UsageError: Not float32 RGB, or a subsampling WebP lacks.
    """
    if levels.dim() != 4 or levels.shape[1] != 3 or levels.dtype != torch.float32:
        got = f"{tuple(levels.shape)} {levels.dtype}"
        raise UsageError(f"pictures are {got}; expected N x 3 x height x width, float32 levels from 0 to 255")
    if codec == "webp" and subsampling != "4:2:0":
        raise UsageError(f"subsampling is {subsampling}; expected 4:2:0, the only one of lossy WebP")
    coding = _coding(codec)
    across, down = FACTORS[subsampling]
    height, width = levels.shape[2:]
    with torch.autocast(levels.device.type, enabled=False):
        planes = _mixed(levels, _mixing(coding.limited_range, levels.device))
        luma, chroma = _whole(planes[:, :1]), planes[:, 1:]
        chroma = _whole(_halved(_halved(chroma, -1, times=across), -2, times=down))
        luma = _quantised(luma, steps[0], block_px=coding.block_px, gradient=gradient)
        chroma = _quantised(chroma, steps[1], block_px=coding.block_px, gradient=gradient)
        for axis, times in ((-2, down), (-1, across)):
            if times == 2:
                chroma = _doubled(chroma, axis, smooth=coding.smooth_chroma)
        planes = torch.cat([luma, chroma[..., :height, :width]], dim=1)
        return _whole(_mixed(planes, _mixing(coding.limited_range, levels.device, back=True)))


def _coding(codec: str) -> _Coding:
    if codec not in _CODINGS:
        raise UsageError(f"codec is '{codec}'; expected one of {', '.join(_CODINGS)}")
    return _CODINGS[codec]


def _interpolated(steps: tuple[float, ...], quality: Tensor) -> Tensor:
    knots = torch.tensor(QUALITIES, dtype=torch.float32, device=quality.device)
    logarithms = torch.tensor(steps, dtype=torch.float32, device=quality.device).log()
    above = torch.bucketize(quality.float(), knots).clamp_(1, len(QUALITIES) - 1)
    share = (quality - knots[above - 1]) / (knots[above] - knots[above - 1])
    return torch.lerp(logarithms[above - 1], logarithms[above], share.float()).exp()


@cache
def _mixing(limited_range: bool, device: torch.device, *, back: bool = False) -> tuple[Tensor, Tensor]:
    """Matrix and offset from RGB to YCbCr of BT.601, or back."""
    red, green, blue = 0.299, 0.587, 0.114
    matrix = np.array([
        [red, green, blue],
        [-red / (2 - 2 * blue), -green / (2 - 2 * blue), 0.5],
        [0.5, -green / (2 - 2 * red), -blue / (2 - 2 * red)],
    ])  # fmt: skip
    offset = np.array([[16.0 if limited_range else 0.0], [128.0], [128.0]])
    if limited_range:
        matrix *= np.array([[219.0], [224.0], [224.0]]) / 255
    if back:
        matrix = np.linalg.inv(matrix)
        offset = -matrix @ offset
    found, shift = (torch.as_tensor(values, dtype=torch.float32, device=device) for values in (matrix, offset))
    return found, shift.view(3, 1, 1)


def _mixed(planes: Tensor, mixing: tuple[Tensor, Tensor]) -> Tensor:
    matrix, offset = mixing
    return (matrix @ planes.flatten(2)).view(planes.shape) + offset


def _halved(plane: Tensor, axis: int, *, times: int) -> Tensor:
    """Means of neighbours; an odd last sample counts twice."""
    if times == 1:
        return plane
    even = _padded(plane, axis, 2).movedim(axis, -1)
    return ((even[..., ::2] + even[..., 1::2]) / 2).movedim(-1, axis)


def _doubled(plane: Tensor, axis: int, *, smooth: bool) -> Tensor:
    """Every sample twice, or 3/4 of it and 1/4 of the neighbour on that side."""
    side = plane.shape[axis]
    earlier, later = plane, plane
    if smooth:
        first, last = plane.narrow(axis, 0, 1), plane.narrow(axis, side - 1, 1)
        earlier = 0.75 * plane + 0.25 * torch.cat([first, plane.narrow(axis, 0, side - 1)], dim=axis)
        later = 0.75 * plane + 0.25 * torch.cat([plane.narrow(axis, 1, side - 1), last], dim=axis)
    axis += plane.dim()
    return torch.stack([earlier, later], dim=axis + 1).flatten(axis, axis + 1)


def _padded(plane: Tensor, axis: int, multiple: int) -> Tensor:
    """The last row or column repeated; unlike torch's padding, its gradient does not depend on the order of threads."""
    side = plane.shape[axis]
    missing = -side % multiple
    if missing == 0:
        return plane
    last = plane.narrow(axis, side - 1, 1)
    return torch.cat([plane, *[last] * missing], dim=axis)


def _quantised(plane: Tensor, step: Tensor, *, block_px: int, gradient: Gradient) -> Tensor:
    """Coefficients of every block rounded to multiples of the step, and back to whole levels."""
    height, width = plane.shape[2:]
    cosines = _cosines(block_px, plane.device)
    step = step.to(plane).view(-1, 1, 1, 1)
    values = _in_blocks(_padded(_padded(plane, -1, block_px), -2, block_px) - 128, cosines) / step
    decoded = _in_blocks(step * _with_slope(values, gradient), cosines.T)
    return _whole(decoded[..., :height, :width] + 128)


def _in_blocks(plane: Tensor, matrix: Tensor) -> Tensor:
    """Matrix x block x transposed matrix for every block, in place of the block: no block is copied out."""
    count, channels, height, width = plane.shape
    side = len(matrix)
    across = plane.reshape(count, channels, height, width // side, side) @ matrix.T
    return (matrix @ across.reshape(count, channels, height // side, side, width)).reshape(plane.shape)


@cache
def _cosines(side: int, device: torch.device) -> Tensor:
    """The orthonormal DCT-II; a row for each frequency."""
    sample = torch.arange(side, dtype=torch.float64)
    matrix = torch.cos(math.pi / side * (sample + 0.5) * sample[:, None]) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix.float().to(device)


def _with_slope(values: Tensor, gradient: Gradient) -> Tensor:
    return with_pullback(partial(_favouring_small, gradient=gradient), values)


def _favouring_small(values: Tensor, *, gradient: Gradient) -> tuple[Tensor, Pullback]:
    rounded = (values.abs() + (1 - _KEPT_FROM)).floor_().copysign_(values)
    if gradient == "identity":
        return rounded, unchanged
    slopes = slope(values, rounded, gradient=gradient)
    return rounded, lambda incoming: (incoming * slopes,)


def _whole(levels: Tensor) -> Tensor:
    """Whole levels that a byte can hold; gradients pass unchanged."""
    return with_pullback(_nearest_byte, levels)


def _nearest_byte(levels: Tensor) -> tuple[Tensor, Pullback]:
    return (levels + 0.5).floor_().clamp_(0, 255), unchanged
