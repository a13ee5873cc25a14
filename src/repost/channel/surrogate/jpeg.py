"""A JPEG round trip inside the graph: libjpeg's own integers forward, an honest gradient backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from repost.channel.surrogate.arguments import check_choice, check_pixels
from repost.channel.surrogate.blocks import Quantiser, quantised
from repost.channel.surrogate.chroma import Subsampling, Upsampling, downsample, padded, upsample
from repost.channel.surrogate.colour import rgb_to_ycc, ycc_to_rgb
from repost.channel.surrogate.quantiser import Gradient
from repost.channel.surrogate.rounding import to_levels
from repost.core.errors import UsageError
from repost.media.jpeg_tables import Table, ijg_tables

T = TypeVar("T")

_LARGEST_ENTRY = 65535
"""Of a table with 16 bits an entry; ITU-T T.81, B.2.4.1."""


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
    planes = rgb_to_ycc(levels)
    luma = padded(planes[:, 0], rows=-height % 8, columns=-width % 8)
    luma = quantised(luma, tables.luma, quantiser=quantiser, gradient=gradient)[:, :height, :width]
    chroma = downsample(planes[:, 1:].flatten(0, 1), subsampling)
    of_both = tables.chroma.repeat_interleave(2, dim=0)
    chroma = quantised(chroma, of_both, quantiser=quantiser, gradient=gradient)
    chroma = upsample(chroma, subsampling, size=(height, width), upsampling=upsampling)
    return ycc_to_rgb(luma, chroma.view(-1, 2, height, width))


def jpeg(
    pixels: Tensor,
    quality: int | Sequence[int] | Tensor | None = None,
    *,
    tables: Sequence[tuple[Table, Table]] | None = None,
    subsampling: Subsampling = "4:2:0",
    gradient: Gradient = "zero_bin",
) -> Tensor:
    """Save pictures as JPEG and open them again, with gradients.

    Args:
        pixels: RGB, shape (n, 3, height, width), floating point in [0, 1], any size; rounded to 8 bits first.
        quality: IJG quality 1-100, one number or one for each picture; or give `tables`.
        tables: A (luma, chroma) pair of quantisation tables for each picture, or one pair for all, such as
            [(luma, chroma)]: 64 whole numbers 1-65535 each, natural order.
        subsampling: Of the chroma: "4:2:0", "4:2:2" or "4:4:4".
        gradient: Slope of the quantiser's rounding: "zero_bin", "identity" or "cubic"; see `quantiser.slope`.

    Returns:
        Same shape, type and device; the values are what libjpeg gives, to the bit.

    Raises:
        InvalidPixels: Anything else than such a batch.
        UsageError: Qualities or tables out of range, too many or too few, or on another device.
    """
    check_pixels(pixels)
    check_choice("subsampling", subsampling, get_args(Subsampling))
    check_choice("gradient", gradient, get_args(Gradient))
    if (quality is None) == (tables is None):
        raise UsageError("give either quality or tables")
    count = len(pixels)
    if tables is not None:
        chosen = JpegTables.of(_for_each(_checked(tables), count, "tables"), device=pixels.device)
    else:
        assert quality is not None
        chosen = JpegTables.of_qualities(_qualities(quality, pixels), device=pixels.device)
    levels = jpeg_levels(to_levels(pixels.float()), chosen, subsampling=subsampling, gradient=gradient)
    return (levels / 255).to(pixels.dtype)


def _qualities(quality: int | Sequence[int] | Tensor, pixels: Tensor) -> Sequence[int]:
    if isinstance(quality, Tensor):
        if quality.device != pixels.device:
            raise UsageError(
                f"got qualities on {quality.device} for pixels on {pixels.device}, expected one device; move them first"
            )
        given = [float(one) for one in quality.flatten()]
    else:
        given = [float(one) for one in np.ravel(quality)]
    for one in given:
        if not one.is_integer():  # nor are NaN and infinity
            raise UsageError(f"got quality {one:g}, expected whole numbers 1-100")
    return _for_each([int(one) for one in given], len(pixels), "qualities")


def _checked(tables: Sequence[tuple[Table, Table]]) -> list[tuple[Table, Table]]:
    """Tables as tuples of Python's whole numbers, whatever sequences they came in."""
    try:
        pairs = [tuple(tuple(float(entry) for entry in table) for table in pair) for pair in tables]
    except (TypeError, ValueError) as error:
        raise UsageError(
            "got tables of another form, expected a sequence of (luma, chroma) pairs of 64 whole numbers each, such as "
            "[(luma, chroma)]"
        ) from error
    found: list[tuple[Table, Table]] = []
    for pair in pairs:
        if len(pair) != 2:
            raise UsageError(f"got {len(pair)} tables for one picture, expected two: luma, chroma")
        for table in pair:
            if len(table) != 64:
                raise UsageError(f"got a table of {len(table)} entries, expected 64")
            for entry in table:
                if not (entry.is_integer() and 1 <= entry <= _LARGEST_ENTRY):
                    raise UsageError(f"got {entry:g} in a table, expected whole numbers from 1 to {_LARGEST_ENTRY}")
        luma, chroma = (tuple(int(entry) for entry in table) for table in pair)
        found.append((luma, chroma))
    return found


def _for_each(given: Sequence[T], count: int, what: str) -> Sequence[T]:
    if len(given) not in (1, count):
        raise UsageError(f"got {len(given)} {what} for {count} pictures, expected one for each, or one for all")
    return list(given) * (count if len(given) == 1 else 1)
