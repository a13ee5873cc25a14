"""A plain differentiable JPEG after Shin and Song, "JPEG-resistant adversarial images" (2017), to compare with.

Float YCbCr (JFIF), chroma averaged over 2x2, one matrix for the DCT of a block, quotients rounded as round(x) +
(x - round(x))^3 in both directions of the graph, chroma repeated, clipped. Nothing else is rounded; both sides must be
multiples of 16. Tables are those of libjpeg, rounded to whole numbers, which agrees better with libjpeg than the
unrounded ones of the paper's figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from repost.media.jpeg_tables import ijg_tables

MULTIPLE_PX = 16
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def diffjpeg(pixels: Tensor, qualities: Sequence[int]) -> Tensor:
    """JPEG 4:2:0 of RGB pixels (n, 3, height, width) in [0, 1], at one quality for each picture."""
    tables = torch.tensor([ijg_tables(quality) for quality in qualities], dtype=pixels.dtype, device=pixels.device)
    luma, *chroma = _mixed(pixels * 255, _TO_YCC).unbind(1)
    height, width = luma.shape[1:]
    luma = _compressed(luma - 128, tables[:, 0])
    half = functional.avg_pool2d(torch.stack(chroma, 1), 2)
    both = _compressed(half.transpose(0, 1).flatten(0, 1), tables[:, 1].repeat(2, 1))
    both = both.view(2, -1, height // 2, width // 2).transpose(0, 1)
    both = functional.interpolate(both, scale_factor=2.0, mode="nearest")
    rgb = _mixed(torch.cat((luma.unsqueeze(1) + 128, both), 1), _TO_RGB)
    return rgb.clamp(0, 255) / 255


def _compressed(plane: Tensor, tables: Tensor) -> Tensor:
    """A plane (n, height, width) through the coefficients of its blocks; tables (n, 64)."""
    count, height, width = plane.shape
    blocks = plane.view(count, height // 8, 8, width // 8, 8).permute(0, 1, 3, 2, 4).reshape(count, -1, 64)
    matrix = _dct(plane)
    steps = tables.unsqueeze(1)
    blocks = (_rounded(blocks @ matrix.T / steps) * steps) @ matrix
    return blocks.view(count, height // 8, width // 8, 8, 8).permute(0, 1, 3, 2, 4).reshape(plane.shape)


def _rounded(values: Tensor) -> Tensor:
    whole = values.round()
    return whole + (values - whole) ** 3


def _dct(like: Tensor) -> Tensor:
    """The orthonormal DCT of 8x8 samples as one matrix of 64x64."""
    place = torch.arange(8, dtype=torch.float64)
    line = torch.cos((2 * place + 1) * place.unsqueeze(1) * (math.pi / 16)) / 2
    line[0] /= math.sqrt(2)
    return torch.kron(line, line).to(device=like.device, dtype=like.dtype)


def _mixed(planes: Tensor, weights: Sequence[Sequence[float]]) -> Tensor:
    matrix = torch.tensor(weights, dtype=planes.dtype, device=planes.device)
    return torch.einsum("rc,nchw->nrhw", matrix, planes)
