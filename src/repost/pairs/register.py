"""Find to a fraction of a pixel how a download lies on its upload: scale and offset, each across and down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from PIL import Image
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane: TypeAlias = "NDArray[np.float32]"

_COARSE_LEVEL_PX = 512
_PATCHES_ACROSS = 7
_LEAST_INLIERS = 4
_LEAST_CONTRAST = 2.0
"""Standard deviation in grey levels below which a patch cannot be placed."""
_CORRELATED_PIXELS = 16
_LEAST_NOISE = 1 / 12
"""Variance of rounding to whole grey levels."""
_SNAP_PX = 0.75
"""A size or offset nearer than this to what a network does exactly (nothing, or the whole picture) is taken as that."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an upload lies on a turned download: x_download = scale_x * x_upload + offset_x_px, and so for y."""

    scale_x: float
    scale_y: float
    offset_x_px: float
    offset_y_px: float

    def at(self, shrink: float) -> Placement:
        """The placement on a download reduced by a factor."""
        return Placement(*(number * shrink for number in self.numbers))

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """Scales and offsets, in the order of the fields."""
        return self.scale_x, self.scale_y, self.offset_x_px, self.offset_y_px

    @property
    def whole(self) -> bool:
        """Whether pixels map to pixels: not resized, moved by whole pixels."""
        offsets = (self.offset_x_px, self.offset_y_px)
        return self.scale_x == self.scale_y == 1.0 and all(float(offset).is_integer() for offset in offsets)

    def visible(self, upload_size: tuple[int, int], download_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Whole pixels of the download that show the upload: left, top, right, bottom; may be empty."""
        edges: list[tuple[int, int]] = []
        for scale, offset, upload, download in (
            (self.scale_x, self.offset_x_px, upload_size[0], download_size[0]),
            (self.scale_y, self.offset_y_px, upload_size[1], download_size[1]),
        ):
            edges.append((max(0, int(np.ceil(offset - 0.01))), min(download, int(offset + scale * upload + 0.01))))
        (left, right), (top, bottom) = edges
        return left, top, right, bottom


def render(
    upload: Image.Image,
    placement: Placement,
    box: tuple[int, int, int, int],
    *,
    kernel: Image.Resampling = Image.Resampling.LANCZOS,
) -> Image.Image:
    """The upload as the download would show it in a box of its pixels.

    Args:
        upload: Any mode Pillow resamples.
        placement: Where it lies.
        box: Left, top, right, bottom on the download; all of it shows the upload.
        kernel: What the network may have resized with.

    Convention: Pillow's kernels, which widen when they shrink; pixels are taken as they are where the placement is
    whole.
    """
    left, top, right, bottom = box
    source = (
        max(0.0, (left - placement.offset_x_px) / placement.scale_x),
        max(0.0, (top - placement.offset_y_px) / placement.scale_y),
        min(float(upload.width), (right - placement.offset_x_px) / placement.scale_x),
        min(float(upload.height), (bottom - placement.offset_y_px) / placement.scale_y),
    )
    if placement.whole:
        return upload.crop((round(source[0]), round(source[1]), round(source[2]), round(source[3])))
    return upload.resize((right - left, bottom - top), kernel, box=source)


def refine(upload: Image.Image, download: Image.Image, start: Placement) -> Placement | None:
    """Make a coarse placement exact.

    Args:
        upload: Mode L, upright.
        download: Mode L, turned as the upload stands.
        start: Right to about 2 % of the picture in scale and place.

    Returns:
        The placement that most patches of the picture agree on, within a tenth of a pixel on photographs; None where
        they agree on none.
    """
    placement: Placement | None = start
    long_side = max(download.size)
    shrink = min(1.0, _COARSE_LEVEL_PX / long_side)
    levels = [(shrink, 64), (shrink, 64), (1.0, 128), (1.0, 128)] if shrink < 0.75 else [(1.0, 64)] * 2 + [(1.0, 128)]
    small = download.resize(_scaled(download.size, shrink), Image.Resampling.BOX) if shrink < 1 else download
    for factor, patch_px in levels:
        at_level = small if factor == shrink else download
        exact = (at_level.width / download.width, at_level.height / download.height)
        moved = _refine_once(upload, at_level, _rescaled(placement, exact), patch_px)
        if moved is None:
            return None
        placement = _rescaled(moved, (1 / exact[0], 1 / exact[1]))
    return snapped(placement, upload.size, download.size)


def snapped(placement: Placement, upload_size: tuple[int, int], download_size: tuple[int, int]) -> Placement:
    """A placement with what is nearly exact made exact: not resized, moved by whole pixels, or the whole picture."""
    axes: list[tuple[float, float]] = []
    for scale, offset, upload, download in (
        (placement.scale_x, placement.offset_x_px, upload_size[0], download_size[0]),
        (placement.scale_y, placement.offset_y_px, upload_size[1], download_size[1]),
    ):
        if abs(scale - 1) * upload < _SNAP_PX:
            axes.append((1.0, float(round(offset))))
        elif abs(offset) < _SNAP_PX and abs(offset + scale * upload - download) < _SNAP_PX:
            axes.append((download / upload, 0.0))
        else:
            axes.append((scale, offset))
    return Placement(axes[0][0], axes[1][0], axes[0][1], axes[1][1])


def displacement_of(expected: Plane, seen: Plane) -> tuple[float, float]:
    """How far any part of a plane lies from where it is expected, by least squares on the gradient.

    Args:
        expected: float32, (height, width), at least 3 x 3.
        seen: The same shape; nearly the same content.

    Returns:
        The most, over the plane, that a movement and a stretch along each axis move it, in pixels, and the standard
        error of the movement along the axis that the content shows worse (a picture of a fence does not tell how far
        it moved along the fence); both infinite where there is no detail. Movements beyond about two pixels come out
        too small, but not near zero.

    Convention: the standard error takes leftovers for constant over blocks of 8 px, JPEG's (4 px at half resolution).
    Reference: Lucas and Kanade 1981, one step, with a stretch along each axis.
    """
    across = (expected[1:-1, 2:] - expected[1:-1, :-2]) / 2
    down = (expected[2:, 1:-1] - expected[:-2, 1:-1]) / 2
    x = np.linspace(-1, 1, across.shape[1], dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, across.shape[0], dtype=np.float32)[:, None]
    columns = np.stack([across, across * x, down, down * y, np.ones_like(across)]).reshape(5, -1)
    change = (expected - seen)[1:-1, 1:-1].ravel()
    normal = (columns @ columns.T).astype(np.float64)
    try:
        inverse = np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        return float("inf"), float("inf")
    solved = inverse @ (columns @ change).astype(np.float64)
    move_x, stretch_x, move_y, stretch_y = (abs(float(number)) for number in solved[:4])
    noise = float(np.square(change - solved @ columns).mean()) * _CORRELATED_PIXELS
    error = float(np.sqrt(max(inverse[0, 0], inverse[2, 2]) * max(noise, _LEAST_NOISE)))
    return max(move_x + stretch_x, move_y + stretch_y), error


def _rescaled(placement: Placement, factors: tuple[float, float]) -> Placement:
    return Placement(
        placement.scale_x * factors[0],
        placement.scale_y * factors[1],
        placement.offset_x_px * factors[0],
        placement.offset_y_px * factors[1],
    )


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _refine_once(upload: Image.Image, download: Image.Image, start: Placement, patch_px: int) -> Placement | None:
    """One round: see how far each patch lies from where it is expected, and fit a line through that on each axis."""
    box = start.visible(upload.size, download.size)
    if min(box[2] - box[0], box[3] - box[1]) < 16:
        return None
    expected = np.asarray(render(upload, start, box), np.float32)
    seen = np.asarray(download.crop(box), np.float32)
    centres, shifts, weights = _patch_shifts(expected, seen, patch_px)
    if len(weights) < 1:
        return None
    fits = [_robust_line(centres[:, axis], shifts[:, axis], weights) for axis in (0, 1)]
    lines: list[tuple[float, float]] = []
    for fit, origin in zip(fits, box[:2], strict=True):
        if fit is None:
            return None
        slope, level = fit
        lines.append((slope, level - slope * origin))
    # A point seen at p was expected at p - (slope * p + level).
    axes = [
        (scale * (1 + slope), offset * (1 + slope) + level)
        for (slope, level), scale, offset in zip(
            lines, (start.scale_x, start.scale_y), (start.offset_x_px, start.offset_y_px), strict=True
        )
    ]
    if not all(0 < scale < 64 for scale, _ in axes):
        return None
    return Placement(axes[0][0], axes[1][0], axes[0][1], axes[1][1])


def _patch_shifts(expected: Plane, seen: Plane, patch_px: int) -> tuple[Plane, Plane, Plane]:
    """For patches over the picture: centres (n, 2) as x, y; shifts (n, 2) of seen against expected; weights (n,)."""
    height, width = expected.shape
    patch_y, patch_x = min(patch_px, height), min(patch_px, width)
    tops = _starts(height, patch_y)
    lefts = _starts(width, patch_x)
    corners = [(top, left) for top in tops for left in lefts]
    window = np.outer(np.hanning(patch_y + 2)[1:-1], np.hanning(patch_x + 2)[1:-1]).astype(np.float32)
    stacks = [
        np.stack([plane[top : top + patch_y, left : left + patch_x] for top, left in corners])
        for plane in (expected, seen)
    ]
    contrast = np.minimum(*(stack.std(axis=(1, 2)) for stack in stacks))
    kept = contrast >= _LEAST_CONTRAST
    if not kept.any():
        empty = np.zeros((0, 2), np.float32)
        return empty, empty, np.zeros(0, np.float32)
    stacks = [(stack[kept] - stack[kept].mean(axis=(1, 2), keepdims=True)) * window for stack in stacks]
    spectra = [cast("NDArray[np.complex64]", fft.rfft2(stack)) for stack in stacks]
    product = spectra[1] * np.conj(spectra[0])
    # Half-way between correlation and phase correlation: sharp peaks, yet quiet frequencies do not drown the rest.
    product /= np.sqrt(np.abs(product)) + 1e-6
    surface: Plane = fft.irfft2(product, s=(patch_y, patch_x)).astype(np.float32)
    flat = surface.reshape(len(surface), -1)
    peaks = flat.argmax(axis=1)
    rows, columns = np.divmod(peaks, patch_x)
    weights = flat[np.arange(len(flat)), peaks] / (np.sqrt((flat**2).mean(axis=1)) + 1e-9)
    shifts = np.stack([_subpixel(surface, rows, columns, axis=2), _subpixel(surface, rows, columns, axis=1)], axis=1)
    centres = np.array([(left + patch_x / 2, top + patch_y / 2) for top, left in corners], np.float32)[kept]
    return centres, shifts.astype(np.float32), weights.astype(np.float32)


def _starts(size: int, patch: int) -> list[int]:
    """Where patches begin along a side: over all of it, half overlapping, but at most _PATCHES_ACROSS."""
    count = min(_PATCHES_ACROSS, -(-2 * size // patch))
    return sorted({round(index * (size - patch) / max(1, count - 1)) for index in range(count)})


def _subpixel(surface: Plane, rows: NDArray[np.intp], columns: NDArray[np.intp], *, axis: int) -> Plane:
    """Peak positions along an axis, by a parabola through the neighbours, as signed shifts."""
    size = surface.shape[axis]
    index = np.arange(len(surface))
    at = columns if axis == 2 else rows

    def value(step: int) -> Plane:
        moved = (at + step) % size
        return surface[index, rows, moved] if axis == 2 else surface[index, moved, columns]

    before, peak, after = value(-1), value(0), value(1)
    bend = before - 2 * peak + after
    fraction = np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, -1)), 0)
    signed = np.where(at > size // 2, at - size, at)
    return (signed + np.clip(fraction, -0.5, 0.5)).astype(np.float32)


def _robust_line(positions: Plane, shifts: Plane, weights: Plane) -> tuple[float, float] | None:
    """Slope and level of the line most patches agree on; a level alone where there are too few for a slope.

    Convention: starts from the line with the most weight within 1.5 px through any two patches, or a constant, then
    least squares over what lies within, thrice.
    """
    reach_px = 1.5
    candidates = [(0.0, float(shift)) for shift in shifts]
    count = len(shifts)
    if count >= _LEAST_INLIERS:
        apart = np.abs(positions[:, None] - positions[None, :]) > 0.3 * float(np.ptp(positions))
        for one, other in zip(*np.nonzero(np.triu(apart)), strict=True):
            slope = float((shifts[other] - shifts[one]) / (positions[other] - positions[one]))
            if abs(slope) < 0.08:
                candidates.append((slope, float(shifts[one] - slope * positions[one])))
    lines = np.array(candidates, np.float64)
    misses = np.abs(shifts[None, :] - lines[:, :1] * positions[None, :] - lines[:, 1:])
    support = ((misses < reach_px) * weights[None, :]).sum(axis=1)
    slope, level = lines[int(support.argmax())]
    for _ in range(3):
        inside = np.abs(shifts - slope * positions - level) < reach_px
        if inside.sum() < min(_LEAST_INLIERS, count):
            return None
        x, y, w = positions[inside].astype(np.float64), shifts[inside].astype(np.float64), weights[inside]
        mean_x, mean_y = np.average(x, weights=w), np.average(y, weights=w)
        spread = float((w * (x - mean_x) ** 2).sum())
        known = inside.sum() >= _LEAST_INLIERS and spread > 0 and np.ptp(x) > 0.3 * np.ptp(positions)
        slope = float((w * (x - mean_x) * (y - mean_y)).sum()) / spread if known else 0.0
        level = float(mean_y - slope * mean_x)
        reach_px = max(0.5, reach_px / 1.7)
    return float(slope), float(level)
