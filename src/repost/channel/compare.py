"""Compare an upload with what a network served for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, cast, get_args

import numpy as np
from PIL import Image

from repost.channel.sizes import place
from repost.channel.trace import Trace
from repost.core.errors import UsageError
from repost.metrics import psnr_db, ssim
from repost.metrics.fidelity import check_comparable
from repost.platforms.steps import Resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8

Metric: TypeAlias = Literal["psnr", "ssim"]
METRICS: tuple[Metric, ...] = get_args(Metric)


class Fidelity(TypedDict, total=False):
    """How far a served picture is from its upload; plain JSON, without infinity.

    Attributes:
        psnr_db: Peak signal-to-noise ratio; None where `identical` (it would be infinite) and where nothing could be
            compared. Absent when not asked for.
        ssim: Structural similarity; None where no 11x11 window lies outside the mask. Absent when not asked for.
        identical: Whether every compared pixel is equal; None where the mask leaves none. Always there.
    """

    psnr_db: float | None
    ssim: float | None
    identical: bool | None


def parse_metrics(text: str) -> tuple[Metric, ...]:
    """Read a list of metrics as a person types it.

    Args:
        text: Names separated by commas, such as "psnr, ssim"; empty for none.

    Returns:
        The metrics, each once, in the order given.

    Raises:
        UsageError: A name is no metric.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in METRICS]:
        raise UsageError(f"got the metric '{unknown[0]}', expected any of {', '.join(METRICS)}")
    return cast("tuple[Metric, ...]", tuple(dict.fromkeys(names)))


def reference(upload: Rgb8, size: tuple[int, int], *, cropped: bool = False) -> Rgb8:
    """The upload at the size it was served, which is what a served picture is compared with.

    Args:
        upload: uint8, HWC, RGB, upright: `Picture.rgb8()`.
        size: Width and height in pixels, as served.
        cropped: Whether the network cut the picture to another shape; the centre of the upload is taken then, as
            for `fit = "cover"`. Otherwise the whole upload is fitted, whatever its shape.

    Returns:
        uint8, HWC, RGB of that size; the upload itself where nothing changes.

    Convention:
        Pillow's antialiased Lanczos, on the 8-bit numbers as stored: neither ICC profiles nor gamma are applied.
    """
    height_px, width_px = upload.shape[:2]
    if (width_px, height_px) == tuple(size):
        return upload
    box = (0.0, 0.0, float(width_px), float(height_px))
    if cropped:
        step = Resize(op="resize", fit="cover", width_px=size[0], height_px=size[1], upscale=True)
        box = place((width_px, height_px), step, target=(size[0], size[1])).box
    return np.asarray(Image.fromarray(upload).resize(size, Image.Resampling.LANCZOS, box=box))


def was_cropped(trace: Trace) -> bool:
    """Whether a network cut the picture to another shape, by what was done to it."""
    return any(step.op == "resize" and step.parameters.get("fit") == "cover" for step in trace.steps)


def compare(
    upload: Rgb8,
    served: Rgb8,
    *,
    mask: NDArray[np.bool_] | None = None,
    metrics: Sequence[Metric] = METRICS,
    cropped: bool = False,
) -> Fidelity:
    """How far a served picture is from its upload.

    Args:
        upload: uint8, HWC, RGB, as a viewer sees it: `Picture.rgb8()`, upright, alpha on white.
        served: uint8, HWC, RGB, as a viewer sees it: `Emulated.pixels`.
        mask: bool, (height, width) of the served picture; True leaves a pixel out: `Emulated.mask`.
        metrics: What to measure, of "psnr" and "ssim".
        cropped: Whether the network cut the picture to another shape: `was_cropped(trace)`.

    Returns:
        `psnr_db` and `ssim` as asked for, and `identical`; see `Fidelity` for what None means.

    Raises:
        InvalidPixels: A picture is not uint8 HWC RGB.
        UsageError: The mask does not have the served picture's size.

    Convention:
        Where the sizes differ, the upload is resampled to the served size (see `reference`) and the comparison is made
        there: a viewer sees the served pixels, and a network's own choice of kernel counts as a change.
    """
    for pixels in (upload, served):
        check_comparable(pixels, pixels)
    wanted = reference(upload, (served.shape[1], served.shape[0]), cropped=cropped)
    if mask is not None and mask.shape == served.shape[:2]:
        if not mask.any():
            mask = None
        elif mask.all():
            return _nothing_to_compare(metrics)
    decibels = psnr_db(wanted, served, mask=mask)
    found: Fidelity = {}
    if "psnr" in metrics:
        found["psnr_db"] = None if math.isinf(decibels) else decibels
    if "ssim" in metrics:
        found["ssim"] = _ssim_or_none(wanted, served, mask)
    found["identical"] = math.isinf(decibels)
    return found


def _ssim_or_none(wanted: Rgb8, served: Rgb8, mask: NDArray[np.bool_] | None) -> float | None:
    try:
        return ssim(wanted, served, mask=mask)
    except UsageError:
        if mask is None:
            raise
        return None  # the mask, whose size psnr_db has checked, touches every window


def _nothing_to_compare(metrics: Sequence[Metric]) -> Fidelity:
    found: Fidelity = {}
    if "psnr" in metrics:
        found["psnr_db"] = None
    if "ssim" in metrics:
        found["ssim"] = None
    found["identical"] = None
    return found
