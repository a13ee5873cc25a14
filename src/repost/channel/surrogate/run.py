"""Carry out what was planned, step by step, on pictures that go the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from repost.channel.encode import Attachments, encode
from repost.channel.surrogate.approximate import approximate
from repost.channel.surrogate.jpeg import JpegTables, jpeg_levels
from repost.channel.surrogate.pixels import levels_of, rgb8_of
from repost.channel.surrogate.plan import Drawn, Plan
from repost.channel.surrogate.quantiser import Gradient
from repost.channel.surrogate.resize import resize
from repost.channel.surrogate.straight_through import straight_through
from repost.media.jpeg_tables import ijg_tables
from repost.media.picture import from_rgb8
from repost.media.read import NO_LIMIT, read_picture
from repost.platforms import steps

if TYPE_CHECKING:
    from repost.media.picture import Rgb8


@dataclass(frozen=True, slots=True)
class How:
    """How steps are carried out.

    Attributes:
        exact: Whether real codecs run in the forward pass.
        gradient: Slope of the quantiser's rounding.
    """

    exact: bool
    gradient: Gradient


def run_plans(levels: Tensor, plans: Sequence[Plan], *, how: How) -> Tensor:
    """Do to a batch what its plans say.

    Args:
        levels: Shape (n, 3, height, width), float32, whole levels.
        plans: One for each picture, all of the same `way`.
        how: How.

    Returns:
        Whole levels, at the size the plans end with.
    """
    with torch.autocast(levels.device.type, enabled=False):  # whole levels need all their bits
        for drawn in zip(*(plan.steps for plan in plans), strict=True):
            levels = STEPS[drawn[0].step.op](levels, drawn, how)
    return levels


def save_first(levels: Tensor, quality: int, *, how: How) -> Tensor:
    """The JPEG that pixels are saved as before they are shared, chroma 4:4:4; see `Upload.of`."""
    step = steps.EncodeJpeg(op="encode", codec="jpeg", quality=quality, subsampling="4:4:4")
    return _encode(levels, [Drawn(step, quality=quality)] * len(levels), how)


def _nothing(levels: Tensor, drawn: Sequence[Drawn], how: How) -> Tensor:
    """Steps that change a file and not its pixels, or that upright sRGB pixels have nothing for."""
    del drawn, how
    return levels


def _resize(levels: Tensor, drawn: Sequence[Drawn], how: How) -> Tensor:
    del how
    step, placement = drawn[0].step, drawn[0].placement
    assert isinstance(step, steps.Resize)
    assert placement is not None, "resizes are planned with a placement"
    return resize(levels, placement, kernel=step.kernel)


def _encode(levels: Tensor, drawn: Sequence[Drawn], how: How) -> Tensor:
    step = drawn[0].step
    written = step.encode if isinstance(step, steps.ClientSave) else step
    qualities = [one.quality or 100 for one in drawn]
    surrogate = _written(levels, written, qualities, how.gradient)
    return straight_through(surrogate, _really_written(levels, written, qualities)) if how.exact else surrogate


def _written(levels: Tensor, step: steps.Step, qualities: Sequence[int], gradient: Gradient) -> Tensor:
    if isinstance(step, steps.EncodeJpeg):
        own = (step.tables.luma, step.tables.chroma) if step.tables else None
        tables = JpegTables.of([own or ijg_tables(quality) for quality in qualities], device=levels.device)
        return jpeg_levels(levels, tables, subsampling=step.subsampling, quantiser=step.quantiser, gradient=gradient)
    if isinstance(step, steps.EncodePng) or (isinstance(step, steps.EncodeWebp) and step.lossless):
        return levels
    assert isinstance(step, steps.EncodeWebp | steps.EncodeAvif | steps.EncodeHeif), step
    return approximate(
        levels,
        codec=step.codec,
        quality=torch.tensor(qualities, device=levels.device),
        subsampling="4:2:0" if isinstance(step, steps.EncodeWebp) else step.subsampling,
        gradient=gradient,
    )


def _really_written(levels: Tensor, step: steps.Step, qualities: Sequence[int]) -> Tensor:
    """What the real codec makes of each picture; codecs leave Python's lock, so that threads use every core."""
    assert isinstance(step, steps.IMAGE_ENCODES), step

    def round_trip(pixels: Rgb8, quality: int) -> Rgb8:
        data = encode(from_rgb8(pixels), step, quality=quality, attachments=Attachments())
        return read_picture(data, name="a picture of the batch", max_pixels=NO_LIMIT).rgb8()

    with ThreadPoolExecutor() as threads:
        pictures = list(threads.map(round_trip, rgb8_of(levels), qualities))
    return levels_of(pictures, like=levels)


STEPS: dict[str, Callable[[Tensor, Sequence[Drawn], How], Tensor]] = {
    "decode": _nothing,
    "orient": _nothing,
    "colour": _nothing,
    "resize": _resize,
    "overlay": _nothing,
    "encode": _encode,
    "client_save": _encode,
    "passthrough": _nothing,
    "transcode": _nothing,
    "metadata": _nothing,
}
"""One function for each step a profile may hold for images, as in `repost.channel.image`; a test compares them."""
