"""What two copies of a picture share whatever was done to them: a hash, and a coarse place of one on the other.

Both only say where to look. Whether two pictures are the same is decided by `verify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np
from PIL import Image
from scipy import fft

from repost.pairs.manifest import Rotation
from repost.pairs.register import Placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bits: TypeAlias = "NDArray[np.bool_]"
    Spectrum: TypeAlias = "NDArray[np.complex64]"

ROTATIONS: tuple[Rotation, ...] = (0, 90, 180, 270)
HASH_SIDE = 12
"""Side of the square of DCT coefficients in a hash: 144 bits, at which 40 sheets of 40 were matched in the research."""
_HASH_THUMB_PX = 32
_COARSE_PX = 96
"""Long side at which pictures are placed coarsely; a place is found to half of one of these pixels."""
_LARGEST_COARSE_PX = 240
"""Long side of the upload when only a small part of it came back."""
_DESCRIPTOR_PX = 48
_DESCRIPTOR_CANVAS_PX = 128
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
_BORDER_RANGE = 24
"""Grey levels within which a line counts as padding: flat, but for what compression adds near the picture."""
_SCALES_APART = 1.004
_SEARCH_SCALES = tuple(1.06**step for step in range(-13, 14))
"""Scales tried when nothing suggests one, a factor of 2.1 to either side. Half a step moves the edges of two pictures
of 96 px by 1.5 px, at which they still correlate."""


def turned(image: Image.Image, rotation: Rotation) -> Image.Image:
    """A picture turned counter-clockwise."""
    return image.transpose(_TURNS[rotation]) if rotation else image


@dataclass(frozen=True)
class Coarse:
    """A small copy of a picture.

    Attributes:
        image: Mode L, long side under four times the side that is placed.
        width_px: Of the picture itself.
        height_px: Of the picture itself.
    """

    image: Image.Image
    width_px: int
    height_px: int

    @classmethod
    def of(cls, luma: Image.Image) -> Coarse:
        """Make the small copy of a luma picture."""
        shrink = max(1, max(luma.size) // (2 * _COARSE_PX))
        return cls(luma.reduce(shrink), *luma.size)

    def turned(self, rotation: Rotation) -> Coarse:
        """The same picture turned counter-clockwise."""
        size = (self.height_px, self.width_px) if rotation in (90, 270) else (self.width_px, self.height_px)
        return Coarse(turned(self.image, rotation), *size)

    @cached_property
    def hash(self) -> Bits:
        """Which of the lowest frequencies are above their median."""
        thumb = self.image.resize((_HASH_THUMB_PX, _HASH_THUMB_PX), Image.Resampling.BOX)
        low = fft.dctn(np.asarray(thumb, np.float32), norm="ortho")[:HASH_SIDE, :HASH_SIDE].ravel()
        return low > np.median(low)

    @cached_property
    def content(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what is inside a flat border, in pixels of the picture itself."""
        scale_x, scale_y = self.width_px / self.image.width, self.height_px / self.image.height
        left, top, right, bottom = content_box(self.image)
        return left * scale_x, top * scale_y, right * scale_x, bottom * scale_y

    def gradients(self, scale: float) -> Spectrum:
        """The picture's gradients at a scale, in pixels there per pixel of the picture itself, across + i down."""
        size = (max(3, round(self.width_px * scale)), max(3, round(self.height_px * scale)))
        small = np.asarray(self.image.resize(size, Image.Resampling.BOX), np.float32)
        gradient = np.zeros(small.shape, np.complex64)
        gradient[1:-1, 1:-1] = (small[1:-1, 2:] - small[1:-1, :-2]) + 1j * (small[2:, 1:-1] - small[:-2, 1:-1])
        strength = np.abs(gradient)
        gradient /= strength + strength.mean() + 1e-3  # so that one strong edge, such as a watermark's, does not rule
        return gradient


def content_box(luma: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is inside a flat border; the whole picture where there is none."""
    pixels = np.asarray(luma)
    left, right = _inside(pixels.T)
    top, bottom = _inside(pixels)
    return left, top, right, bottom


def hash_distance(first: Coarse, second: Coarse) -> int:
    """Bits in which two hashes differ, 0 to 144."""
    return int(np.count_nonzero(first.hash != second.hash))


def place(upload: Coarse, download: Coarse, *, thorough: bool = False) -> list[tuple[float, Placement]]:
    """Where the upload may lie on the download, the likeliest place first.

    Args:
        upload: The picture that was uploaded.
        download: The picture that came back, turned.
        thorough: Search the scales that nothing suggests, too.

    Returns:
        How well they agree, 0 to 1, and the place, for each scale tried.
    """
    found: list[tuple[float, Placement]] = []
    for scale in _scales(upload, download, thorough=thorough):
        unit = min(
            _COARSE_PX / max(download.width_px, download.height_px),
            _LARGEST_COARSE_PX / (scale * max(upload.width_px, upload.height_px)),
        )
        first, second = download.gradients(unit), upload.gradients(unit * scale)
        height, width = (fft.next_fast_len(one + other) for one, other in zip(first.shape, second.shape, strict=True))
        surface = _correlate(fft.fft2(first, s=(height, width)), fft.fft2(second, s=(height, width)))
        row, column = divmod(int(surface.argmax()), width)
        down = row - height if row >= first.shape[0] else row
        across = column - width if column >= first.shape[1] else column
        found.append((float(surface[row, column]), Placement(scale, scale, across / unit, down / unit)))
    return sorted(found, key=lambda entry: -entry[0])


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a picture is ranked by: its gradients with its width, and with its height, brought to one size.

    Networks crop one side, pad, or resize the whole: then the other side, the content's side, or both agree.
    """

    by_width: tuple[Spectrum, ...]
    by_height: tuple[Spectrum, ...]

    @classmethod
    def of(cls, coarse: Coarse, *, thorough: bool = False) -> Descriptor:
        """Describe a picture; thoroughly at many scales, as the scale of the other is not known."""
        left, top, right, bottom = coarse.content
        widths, heights = {float(coarse.width_px), right - left}, {float(coarse.height_px), bottom - top}
        scales = _SEARCH_SCALES if thorough else (1.0,)
        return cls(
            tuple(_centre_spectrum(coarse, scale * _DESCRIPTOR_PX / width) for width in widths for scale in scales),
            () if thorough else tuple(_centre_spectrum(coarse, _DESCRIPTOR_PX / height) for height in heights),
        )


def agreement(first: Descriptor, second: Descriptor) -> float:
    """How well two pictures correlate where they agree best, 0 to 1; unrelated ones reach about 0.1."""
    pairs = [
        (one, other)
        for ones, others in ((first.by_width, second.by_width), (first.by_height, second.by_height))
        for one in ones
        for other in others
    ]
    return max(float(_correlate(one, other).max()) for one, other in pairs)


def _correlate(first: Spectrum, second: Spectrum) -> NDArray[np.float32]:
    """Phase correlation, with quiet frequencies kept quiet; the peak lies where the first is moved by."""
    product = first * np.conj(second)
    size = np.abs(product)
    return cast("Spectrum", fft.ifft2(product / (size + 0.1 * size.mean() + 1e-9))).real


def _centre_spectrum(coarse: Coarse, scale: float) -> Spectrum:
    gradient = coarse.gradients(scale)
    top, left = (max(0, (size - _DESCRIPTOR_CANVAS_PX) // 2) for size in gradient.shape)
    middle = gradient[top : top + _DESCRIPTOR_CANVAS_PX, left : left + _DESCRIPTOR_CANVAS_PX]
    return fft.fft2(middle, s=(_DESCRIPTOR_CANVAS_PX, _DESCRIPTOR_CANVAS_PX))


def _scales(upload: Coarse, download: Coarse, *, thorough: bool) -> list[float]:
    """Scales at which a side was kept: not resized, cropped down, cropped across, padded."""
    if thorough:
        base = max(download.width_px / upload.width_px, download.height_px / upload.height_px)
        return [base * step for step in _SEARCH_SCALES]
    left, top, right, bottom = download.content
    candidates = (
        1.0,
        download.width_px / upload.width_px,
        download.height_px / upload.height_px,
        (right - left) / upload.width_px,
        (bottom - top) / upload.height_px,
    )
    distinct: list[float] = []
    for scale in candidates:
        if all(not 1 / _SCALES_APART < scale / other < _SCALES_APART for other in distinct):
            distinct.append(scale)
    return distinct


def _inside(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """First line that is not like the flat border the picture begins with, and the line after the last such one."""
    flat = pixels.max(axis=1) - pixels.min(axis=1) <= _BORDER_RANGE
    means = pixels.mean(axis=1)

    def border(step: Literal[1, -1]) -> int:
        same = flat[::step] & (np.abs(means[::step] - means[::step][0]) <= _BORDER_RANGE / 2)
        return len(same) if same.all() else int(np.argmin(same))

    first, last = border(1), len(pixels) - border(-1)
    return (first, last) if first < last else (0, len(pixels))
