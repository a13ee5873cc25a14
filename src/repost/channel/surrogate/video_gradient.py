"""How served frames depend on uploaded ones, as far as gradients go.

Approximate on purpose. Frames that the network drops get no gradient, one that it shows several times gets the sum;
scaling is the adjoint of the exact image channel's kernels, which differ a little from libswscale's; chroma is averaged
over 2x2 pixels; and every frame is quantised by itself, in 8x8 blocks with one step: real encoders quantise what motion
compensation leaves, in blocks of several sizes, with a step for each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from repost.channel.sizes import Placement
from repost.channel.surrogate.blocks import as_quantised
from repost.channel.surrogate.chroma import Subsampling, downsample, padded, upsample
from repost.channel.surrogate.clip import ServedClip
from repost.channel.surrogate.quantiser import Gradient
from repost.channel.surrogate.resize import resize
from repost.channel.trace import Trace
from repost.channel.video.filters import FrameFilter

_NEAREST_KERNEL = {"bicublin": "bicubic", "spline": "bicubic"}
"""For kernels that libswscale has and the image channel lacks."""

_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
"""Luma weights of ITU-R BT.709."""


def source_frames(
    times_s: Sequence[Fraction], *, fps: Fraction, served_fps: Fraction | None, count: int
) -> tuple[int, ...]:
    """Which uploaded frame each served frame shows.

    Args:
        times_s: When the served frames are shown, from 0.
        fps: Of the upload, whose frames are evenly spaced from 0.
        served_fps: The rate that frames were brought to; None where they were left as they came.
        count: Frames of the upload.

    Returns:
        Indices from 0.

    Convention:
        As FFmpeg's `fps` filter: an uploaded frame goes to the nearest tick of the new rate, half up, and a tick shows
        the last frame at or before it.
    """
    if served_fps is None:
        found = (round(time * fps) for time in times_s)
    else:
        # The last index with floor(index * served_fps / fps + 1/2) <= tick.
        ticks = (round(time * served_fps) for time in times_s)
        found = (math.ceil((tick + Fraction(1, 2)) * fps / served_fps) - 1 for tick in ticks)
    return tuple(min(max(index, 0), count - 1) for index in found)


def quantiser_steps(trace: Trace, served: ServedClip) -> tuple[float, ...] | None:
    """The quantiser step of each served frame, in code values under an orthonormal transform.

    Args:
        trace: Of the emulation.
        served: What came back.

    Returns:
        For H.264 by the parameters that the encoder used; for HEVC, whose decoder does not tell them, by the CRF, which
        is on the same scale; None for whatever else (HEVC at a bitrate, VP9, AV1, a file that is passed on).

    Convention:
        The step doubles every 6 and is 1 at QP 4: ITU-T H.264 and H.265, 8.6 (levelScale), as tabulated in Richardson,
        "The H.264 Advanced Video Compression Standard", 2010.
    """
    encode = next((step.parameters for step in trace.steps if step.op == "encode"), None)
    if encode is None or served.codec not in ("h264", "hevc"):
        return None
    crf: float | None = encode.get("crf")
    used = [crf if qp is None else qp for qp in served.qps]
    known = [qp for qp in used if qp is not None]
    return tuple(2 ** ((qp - 4) / 6) for qp in known) if len(known) == len(used) else None


def scaled(levels: Tensor, done: FrameFilter) -> Tensor:
    """Frames cropped and scaled as the network's filter does, nearly.

    Args:
        levels: Shape (n, 3, height, width), float32, 0-255.
        done: The filter; its frame rate is not looked at.
    """
    box = done.crop or (0, 0, levels.shape[3], levels.shape[2])
    return resize(levels, Placement(done.size, box), kernel=_NEAREST_KERNEL.get(done.kernel, done.kernel))


def coded(
    levels: Tensor, steps: Sequence[float] | None, *, gradient: Gradient, subsampling: Subsampling = "4:2:0"
) -> Tensor:
    """Frames with less chroma, whose gradient passes an encoder's quantiser.

    Args:
        levels: RGB, shape (n, 3, height, width), float32, 0-255.
        steps: As `quantiser_steps` gives them; no quantiser when None.
        gradient: Slope of the quantiser's rounding.
        subsampling: How much chroma is kept.

    Returns:
        Same shape. The values are not quantised: they are for replacing by real ones.
    """
    height, width = levels.shape[2:]
    with torch.autocast(levels.device.type, enabled=False):
        luma, blueness, redness = (_matrix(levels) @ levels.flatten(2) + _offset(levels)).view(levels.shape).unbind(1)
        luma = padded(luma, rows=-height % 8, columns=-width % 8)
        chroma = downsample(torch.cat((blueness, redness)), subsampling)
        if steps is not None:
            of_each = levels.new_tensor(steps)
            luma = as_quantised(luma, of_each, gradient=gradient)
            chroma = as_quantised(chroma, of_each.repeat(2), gradient=gradient)
        chroma = upsample(chroma, subsampling, size=(height, width), upsampling="replicate")
        planes = torch.stack((luma[:, :height, :width], *chroma.chunk(2)), dim=1)
        return (_matrix(levels, back=True) @ (planes.flatten(2) - _offset(levels))).view(levels.shape)


def _matrix(like: Tensor, *, back: bool = False) -> Tensor:
    """From RGB levels to the codes of BT.709 in limited range (16-235, 16-240) without their offset, or back."""
    blue_span, red_span = 2 - 2 * _BLUE, 2 - 2 * _RED
    mixing = np.array([
        [_RED, _GREEN, _BLUE],
        [-_RED / blue_span, -_GREEN / blue_span, 0.5],
        [0.5, -_GREEN / red_span, -_BLUE / red_span],
    ])  # fmt: skip
    mixing *= np.array([[219.0], [224.0], [224.0]]) / 255
    return torch.as_tensor(np.linalg.inv(mixing) if back else mixing).to(like)


def _offset(like: Tensor) -> Tensor:
    return like.new_tensor(((16.0,), (128.0,), (128.0,)))
