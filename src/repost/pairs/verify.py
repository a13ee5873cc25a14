"""Decide whether a download shows what was uploaded, picture by picture and tile by tile. Nothing else decides.

Where a download lies on its upload is known by now, so each pixel has an expected value. What is left over is compared
with what compression leaves over. JPEG keeps coarse detail and loses fine detail, so both are compared at half
resolution, in blocks, and twice: as it is, and as means of 8 x 8 px of the download. The leftover of a block may be a
little, more where the block is busy, and never more than the rest of the picture lets one expect. The noise of a coder
mostly vanishes in the means, and other content does not, so the means are judged more strictly: WebP leaves noise in
single blocks that is as strong as a foreign patch. One foreign block is enough to refuse a tile of 256 px. Look-alikes
(the same photograph moved by two pixels, another face in the same photograph) correlate at 0.99 over a whole tile, but
not in every block.

The constants were set on 1,162 crops of Ubuntu's contest wallpapers and 400 faces of UTKFace, compressed at JPEG
quality 55 to 94 and resized with four kernels, those of blocks on 2,220 tiles of both as WebP and 2,460 as JPEG, AVIF
and HEIC, beside 3,100 with a patch from elsewhere; `benchmarks/recovery.py` judges them on other pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from repost.pairs.manifest import Box
from repost.pairs.register import Placement, displacement_of, render

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.pairs.register import Plane

    Blocks: TypeAlias = "NDArray[np.float64]"

Edges: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom; right and bottom are exclusive."""

BLOCK_PX = 32
"""Side of a block in download pixels; half as much at half resolution."""
LEFTOVER_FLAT = 12.0
"""Mean squared leftover (grey levels squared) that compression may leave in a flat block."""
LEFTOVER_BUSY = 0.06
"""How much more of it for each unit of the block's variance."""
FINE_STRICTNESS = 28.0
"""A block may leave over this many times what the median block leaves over, relative to the limits above."""
LEAST_STRICT, MOST_LENIENT = 0.21, 4.4
"""At high quality the limits shrink, at low quality they grow, but only to these shares of them: kernels of resizing
are not known exactly, and WebP at quality 60 leaves over twice as much as JPEG at 55."""
COARSE_STRICTNESS = 60.0
"""The same for what is left of it in means of 8 x 8 px. Noise vanishes in means: their median is a tenth."""
COARSE_LEAST_STRICT, COARSE_MOST_LENIENT = 0.1, 1.25
SHEET_STRICTNESS = 16 / FINE_STRICTNESS
"""Of the limit of a single block: what noise is in some blocks of a true tile is not in most blocks of a sheet."""
MOST_LEFTOVER = 0.5
"""What the median block may leave over, relative to the limits, before all is foreign; WebP at quality 55 leaves 0.2.
A sheet whose tiles were all moved agrees with a stretched one in most blocks, but never well."""
LEAST_CORRELATION = 0.93
LEAST_CONTRAST = 2.0
"""Standard deviation of a tile in grey levels; flatter ones could be anything."""
MOST_SHIFT_PX = 0.75
"""How far a tile may lie from where the picture as a whole puts it."""
LEAST_GOOD_SHARE = 0.8
"""Of the blocks with detail that must agree before a download counts as a copy of an upload. Watermarks cover less."""
MOST_SHIFT_ERROR_PX = 0.25
"""How uncertain that may be: at three standard errors it stays within 0.75 px."""
MOST_FOREIGN_SHARE = 0.005
"""Of a tile's blocks: none of the 64 of a tile of 256 px, a few of the thousands of a whole photograph."""
LEAST_SIDE_PX = 40
"""Side of a tile, and of a download, below which too little is left to compare."""
_PADDING_CONTRAST = 8.0
_MOST_DETAIL_AROUND = 0.3
"""Share of the blocks around the upload with more contrast than padding, blurred padding included, has."""
_LEAST_STRIP_PX = 16
_BLOCK_CONTRAST = 4.0
_KERNELS = (
    Image.Resampling.LANCZOS,
    Image.Resampling.BICUBIC,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BOX,
)
_KERNEL_TRIAL_PX = 512
_COARSE = 4
"""Values at half resolution along the side of 8 px."""
_GAIN_RANGE = (0.7, 1.4)
_RESAMPLED_MARGIN_PX = 2
"""How far into a tile its neighbours bleed when the picture is resampled, more or less by an unknown kernel."""


@dataclass(frozen=True, slots=True)
class TileCheck:
    """What a tile looks like in a download.

    Attributes:
        box: The whole pixels of the turned download that show it; None where it was cropped away.
        shift_x_px: How far right of the box's left edge its true edge lies.
        shift_y_px: The same for the top edge.
        correlation: Luma at half resolution, -1 to 1.
        refusal: Why it is no pair, in words; None for one that is.
    """

    box: Box | None
    shift_x_px: float = 0.0
    shift_y_px: float = 0.0
    correlation: float = 0.0
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class _BlockLeftovers:
    """What the blocks of two planes leave over, relative to what compression may leave.

    Attributes:
        fine: Mean squared leftover at half resolution.
        coarse: The same of its means over 8 x 8 px.
        variance: Of the busier of both planes, not relative.
    """

    fine: Blocks
    coarse: Blocks
    variance: Blocks

    def beyond(self, fine: float, coarse: float) -> NDArray[np.bool_]:
        """Which blocks show something else."""
        return (self.fine > fine) | (self.coarse > coarse)


class Comparison:
    """An upload beside a download that was registered on it.

    Attributes:
        placement: How the download lies.
        correlation: Luma at half resolution over all that both show.
        good_share: Share of the blocks with detail that agree.
        leftover: What the median block leaves over, relative to what compression may leave.
    """

    def __init__(
        self, upload: Image.Image, download: Image.Image, placement: Placement, *, within: Edges | None = None
    ) -> None:
        """Compare what both show.

        Args:
            upload: Mode L, upright.
            download: Mode L, turned as the upload stands.
            placement: Where the upload lies on it.
            within: Only this part of the download can show it: what is inside the padding, where it was cropped first.
        """
        self.placement = placement
        self._limits = within or (0, 0, *download.size)
        self._box = _common(placement.visible(upload.size, download.size), self._limits)
        left, top, right, bottom = self._box
        self.empty = right - left < LEAST_SIDE_PX or bottom - top < LEAST_SIDE_PX
        if self.empty:
            self.correlation = self.good_share = self.leftover = 0.0
            return
        self._seen = _halved(np.asarray(download.crop(self._box), np.float32))
        kernel = _likely_kernel(upload, download, placement, self._box)
        expected = _halved(np.asarray(render(upload, placement, self._box, kernel=kernel), np.float32))
        self._expected, self._plausible_tone = _in_tone(expected, self._seen)
        self.correlation = _correlation(self._expected, self._seen)
        blocks = _block_leftovers(self._expected, self._seen)
        detailed = blocks.variance > _BLOCK_CONTRAST**2
        self.leftover, coarse = (
            float(np.median(relative[detailed])) if detailed.any() else 0.0 for relative in (blocks.fine, blocks.coarse)
        )
        self._limits_of_blocks = (
            min(MOST_LENIENT, max(LEAST_STRICT, FINE_STRICTNESS * self.leftover)),
            min(COARSE_MOST_LENIENT, max(COARSE_LEAST_STRICT, COARSE_STRICTNESS * coarse)),
        )
        self._foreign_surroundings = _has_detail_around(download, self._box)
        fine, coarse = self._limits_of_blocks
        foreign = blocks.beyond(SHEET_STRICTNESS * fine, coarse)
        self.good_share = float(1 - foreign[detailed].mean()) if detailed.any() else 0.0

    @property
    def same(self) -> bool:
        """Whether the download is a copy of the upload."""
        if self.empty or self._foreign_surroundings or not self._plausible_tone:
            return False
        return self.leftover <= MOST_LEFTOVER and self.good_share >= LEAST_GOOD_SHARE

    @property
    def drift_px(self) -> float:
        """How far the download lies from its placement at the worst place, in download pixels."""
        return 2 * displacement_of(self._expected, self._seen)[0]

    def check(self, tile: Box) -> TileCheck:
        """Whether a tile of the upload is there.

        Args:
            tile: Where it lies on the upload.
        """
        place, (least_x, least_y, most_x, most_y) = self.placement, self._limits
        left, right = (place.scale_x * edge + place.offset_x_px for edge in (tile.left_px, tile.right_px))
        top, bottom = (place.scale_y * edge + place.offset_y_px for edge in (tile.top_px, tile.bottom_px))
        hidden = left < least_x - 0.5 or top < least_y - 0.5 or right > most_x + 0.5 or bottom > most_y + 0.5
        if self.empty or hidden:
            return TileCheck(None)
        edges = [
            round(min(max(edge, least), most))
            for edge, least, most in zip(
                (left, top, right, bottom), (least_x, least_y) * 2, (most_x, most_y) * 2, strict=True
            )
        ]
        box = Box(left_px=edges[0], top_px=edges[1], right_px=edges[2], bottom_px=edges[3])
        correlation, refusal = self._judge(box)
        return TileCheck(box, left - edges[0], top - edges[1], correlation, refusal)

    def _judge(self, box: Box) -> tuple[float, str | None]:
        """Correlation of a tile, and why it is refused."""
        if min(box.size_px) < LEAST_SIDE_PX:
            return 0.0, f"it came back as {box.size_px[0]}x{box.size_px[1]} px, too small to compare"
        margin_px = 0 if self.placement.whole else _RESAMPLED_MARGIN_PX
        rows, columns = (
            slice(-(-(first + margin_px - origin) // 2), (last - margin_px - origin) // 2)
            for first, last, origin in (
                (box.top_px, box.bottom_px, self._box[1]),
                (box.left_px, box.right_px, self._box[0]),
            )
        )
        expected, seen = self._expected[rows, columns], self._seen[rows, columns]
        correlation = _correlation(expected, seen)
        return correlation, self._refusal(expected, seen, correlation)

    def _refusal(self, expected: Plane, seen: Plane, correlation: float) -> str | None:
        shift, error = (2 * number for number in displacement_of(expected, seen))
        beyond = _block_leftovers(expected, seen).beyond(*self._limits_of_blocks)
        foreign = int(beyond.sum())
        reasons = (
            (expected.std() < LEAST_CONTRAST, "it is too flat to tell from another flat tile"),
            (correlation < LEAST_CORRELATION, f"correlation {correlation:.3f} is below {LEAST_CORRELATION}"),
            (shift > MOST_SHIFT_PX, f"its content lies {shift:.1f} px from its place"),
            (error > MOST_SHIFT_ERROR_PX, "it looks the same when moved, so its place cannot be confirmed"),
            (
                foreign > MOST_FOREIGN_SHARE * beyond.size,
                f"{foreign} of its {beyond.size} blocks show something else",
            ),
        )
        return next((reason for refused, reason in reasons if refused), None)


def _common(first: Edges, second: Edges) -> Edges:
    return (
        max(first[0], second[0]),
        max(first[1], second[1]),
        min(first[2], second[2]),
        min(first[3], second[3]),
    )


def _likely_kernel(upload: Image.Image, download: Image.Image, placement: Placement, box: Edges) -> Image.Resampling:
    """The kernel that explains the middle of the download best."""
    if placement.whole:
        return Image.Resampling.LANCZOS
    left, top, right, bottom = box
    across, down = (max(0, (side - _KERNEL_TRIAL_PX) // 2) for side in (right - left, bottom - top))
    middle = (left + across, top + down, right - across, bottom - down)
    seen = np.asarray(download.crop(middle), np.float32)

    def leftover(kernel: Image.Resampling) -> float:
        expected = np.asarray(render(upload, placement, middle, kernel=kernel), np.float32)
        return float((_halved(seen) - _halved(expected)).var())

    return min(_KERNELS, key=leftover)


def _has_detail_around(download: Image.Image, box: Edges) -> bool:
    """Whether a download shows more around the upload than padding: then it is another picture that shares a part."""
    left, top, right, bottom = box
    margin_px = BLOCK_PX // 2  # of the picture itself, in case its edge is not exact
    strips = [
        (0, 0, left - margin_px, download.height),
        (right + margin_px, 0, download.width, download.height),
        (left, 0, right, top - margin_px),
        (left, bottom + margin_px, right, download.height),
    ]
    variances = [
        _block_variances(_halved(np.asarray(download.crop(strip), np.float32))).ravel()
        for strip in strips
        if min(strip[2] - strip[0], strip[3] - strip[1]) >= _LEAST_STRIP_PX
    ]
    return bool(variances) and float((np.concatenate(variances) > _PADDING_CONTRAST**2).mean()) > _MOST_DETAIL_AROUND


def _halved(plane: Plane) -> Plane:
    return _reduced(plane, 2)


def _reduced(plane: Plane, factor: int) -> Plane:
    """Means over squares; added slice by slice, which is several times as fast as a mean over two axes."""
    height, width = (size // factor * factor for size in plane.shape)
    rows = sum((plane[first:height:factor, :width] for first in range(1, factor)), plane[0:height:factor, :width])
    columns = sum((rows[:, first::factor] for first in range(1, factor)), rows[:, 0::factor])
    return columns / np.float32(factor * factor)


def _in_tone(expected: Plane, seen: Plane) -> tuple[Plane, bool]:
    """The expected picture with the one gain and offset of the whole download, and whether they are plausible."""
    x, y = (plane[::2, ::2].ravel().astype(np.float64) for plane in (expected, seen))
    gain, level = 1.0, float(np.median(y - x))
    for _ in range(3):
        miss = np.abs(y - gain * x - level)
        kept = miss <= np.quantile(miss, 0.7)  # a watermark or a foreign tile must not bend the line
        spread = float(x[kept].var())
        if spread < 1:
            break
        gain = float(((x[kept] - x[kept].mean()) * (y[kept] - y[kept].mean())).mean()) / spread
        level = float(y[kept].mean() - gain * x[kept].mean())
    return (gain * expected + level).astype(np.float32), _GAIN_RANGE[0] <= gain <= _GAIN_RANGE[1]


def _correlation(first: Plane, second: Plane) -> float:
    deviations = [plane - plane.mean(dtype=np.float64) for plane in (first, second)]
    energy = float((deviations[0] ** 2).sum()) * float((deviations[1] ** 2).sum())
    return float((deviations[0] * deviations[1]).sum()) / float(np.sqrt(energy)) if energy > 0 else 0.0


def _block_leftovers(expected: Plane, seen: Plane) -> _BlockLeftovers:
    counts = _block_counts(seen)
    leftover = seen - expected
    variance = np.maximum(_block_variances(expected), _block_variances(seen))
    allowed = LEFTOVER_FLAT + LEFTOVER_BUSY * variance
    return _BlockLeftovers(
        fine=_block_means(leftover**2, counts) / allowed,
        coarse=_block_means(_reduced(leftover, _COARSE) ** 2, counts) / allowed,
        variance=variance,
    )


def _block_variances(plane: Plane) -> Blocks:
    counts = _block_counts(plane)
    return np.maximum(_block_means(plane**2, counts) - _block_means(plane, counts) ** 2, 0)


def _block_counts(plane: Plane) -> tuple[int, int]:
    """How many blocks fit down and across a plane at half resolution."""
    down, across = (max(1, round(2 * size / BLOCK_PX)) for size in plane.shape)
    return down, across


def _block_means(plane: Plane, counts: tuple[int, int]) -> Blocks:
    """Means over blocks that cover the plane evenly: a larger one would hide a foreign patch."""
    rows, columns = (np.arange(count) * size // count for count, size in zip(counts, plane.shape, strict=True))
    sums = np.add.reduceat(np.add.reduceat(plane.astype(np.float64), rows, axis=0), columns, axis=1)
    heights, widths = (np.diff([*starts, size]) for starts, size in zip((rows, columns), plane.shape, strict=True))
    return sums / np.outer(heights, widths)
