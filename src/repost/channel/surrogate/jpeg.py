"""A JPEG round trip inside the graph: libjpeg's own integers forward, an honest gradient backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from repost.channel.surrogate.blocks import Quantiser, quantised
from repost.channel.surrogate.chroma import Subsampling, Upsampling, downsample, padded, upsample
from repost.channel.surrogate.colour import rgb_to_ycc, ycc_to_rgb
from repost.channel.surrogate.quantiser import Gradient
from repost.media.jpeg_tables import Table, ijg_tables


@dataclass(frozen=True, slots=True)
class JpegTables:
    """Quantisation tables of every picture of a batch.

    Attributes:
        luma: Whole numbers from 1, natural order, shape (n, 8, 8).
        chroma: The same for Cb and Cr.
    """

    luma: Tensor
    chroma: Tensor

    @classmethod
    def of(cls, pairs: Sequence[tuple[Table, Table]], *, device: torch.device) -> JpegTables:
        """Stack (luma, chroma) tables, 64 whole numbers each in natural order, one pair for each picture."""
        stacked = torch.tensor(pairs, dtype=torch.float32, device=device).view(-1, 2, 8, 8)
        return cls(stacked[:, 0], stacked[:, 1])

    @classmethod
    def of_qualities(cls, qualities: Sequence[int], *, device: torch.device) -> JpegTables:
        """The tables libjpeg uses for IJG qualities 1-100, one for each picture."""
        return cls.of([ijg_tables(quality) for quality in qualities], device=device)


def jpeg_levels(
    levels: Tensor,
    tables: JpegTables,
    *,
    subsampling: Subsampling = "4:2:0",
    quantiser: Quantiser = "libjpeg",
    upsampling: Upsampling = "triangle",
    gradient: Gradient = "zero_bin",
) -> Tensor:
    """What a decoder shows after libjpeg wrote a picture.

    Args:
        levels: RGB, shape (n, 3, height, width), float32, whole levels 0-255; any size.
        tables: For each picture.
        subsampling: Of the chroma.
        quantiser: As in `repost.platforms.steps.EncodeJpeg`.
        upsampling: How the decoder enlarges chroma.
        gradient: What the backward pass takes for the slope of rounding coefficients; see `quantiser.slope`. All
            other steps are linear but for rounding to whole levels and clipping, which the gradient passes.

    Returns:
        Whole levels of the same shape, equal to libjpeg's "islow" encoder and decoder to the bit.
    """
    height, width = levels.shape[2:]
    luma, blueness, redness = rgb_to_ycc(levels).unbind(1)
    whole_blocks = padded(luma, rows=-height % 8, columns=-width % 8)
    luma = quantised(whole_blocks, tables.luma, quantiser=quantiser, gradient=gradient)[:, :height, :width]
    both = downsample(torch.cat((blueness, redness)), subsampling)
    both = quantised(both, tables.chroma.repeat(2, 1, 1), quantiser=quantiser, gradient=gradient)
    both = upsample(both, subsampling, size=(height, width), upsampling=upsampling)
    return ycc_to_rgb(luma, *both.chunk(2))
