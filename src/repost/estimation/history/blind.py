"""The compression history of pixels: was this ever a JPEG, at which quality, and what lies below.

Nothing is known but the pixels: no file, no original, not where a crop was cut. The luma is turned back into the
integers the decoder had, the likeliest grid phases are tried, and the table is sought that makes the coefficients
likely and gives the pixels again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from repost.core.errors import InvalidPixels, UnsupportedMedia
from repost.estimation.history.blocks import BLOCK_PX, blocks_of, planes_of
from repost.estimation.history.chroma import subsampling_of
from repost.estimation.history.clipped import clipped_table
from repost.estimation.history.grid import likely_phases
from repost.estimation.history.hidden import hidden_table
from repost.estimation.history.layers import LastTable, PartTable, last_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.estimation.history.blocks import Blocks, Planes

SMALLEST_SIDE_PX = 16
"""Below this there is not one whole block at every grid phase with another beside it."""

_PHASES_TRIED = 3
_MOST_BLOCKS = 4096
_LARGEST_SIDE_PX = 1024  # of the middle part that is looked at; it holds four times as many blocks as are used
# Never-compressed pictures of the tuning sources stay below 0; see benchmarks/blind.py.
_LEAST_GAIN_NATS = 15.0
_LEAST_GAIN_PER_COEFFICIENT = 0.01  # on a lattice of step 1 it is 0.037, on coarser ones far more
# A drawn pattern has few different blocks, which may lie on a lattice by chance. So has a smooth picture, because
# nearly all was quantised to 0: drawn blocks of the tuning sources keep 4 coefficients and more, smooth ones about 1.
_MOST_REPEATED = 0.75
_FEW_PER_BLOCK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One compression.

    Attributes:
        quality: IJG quality; for a table that is no IJG table the nearest, or None where only a part of it is known.
        table_exact: Whether the tables are exactly that quality's.
        subsampling: Of the chroma; None for grey pictures and where it is not known.
        source: Read from a file's tables, or estimated from pixels or coefficients.
        table: The luma table in natural order, with None for what the picture does not show.
        evidence_nats: Log-likelihood of this layer over there being none; None for tables, which are certain.
        margin_nats: Log-likelihood over the next best quality; None for tables.
    """

    quality: int | None
    table_exact: bool
    subsampling: str | None
    source: Literal["tables", "pixels"]
    table: PartTable
    evidence_nats: float | None = None
    margin_nats: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindEstimate:
    """What pixels show of their history.

    Attributes:
        compressed: Whether they came out of a JPEG and were not resampled since.
        layers: Outermost first; empty where they did not.
        grid_phase_px: How far right of and below the first pixel the first whole block begins, (x, y) in 0..7; None
            without a grid.
        evidence_nats: Log-likelihood of the best table over none; negative where there is nothing.
        textured_blocks: How many different blocks this rests on.
    """

    compressed: bool
    layers: tuple[Layer, ...]
    grid_phase_px: tuple[int, int] | None
    evidence_nats: float
    textured_blocks: int


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    phase: tuple[int, int]
    blocks: Blocks
    last: LastTable

    @property
    def rank(self) -> float:
        """A block of one value is likelier where the grid lies right: quantising empties blocks."""
        return self.last.gain_nats + self.blocks.flat_count


def estimate_blind(pixels: NDArray[np.uint8]) -> BlindEstimate:
    """Estimate the compression history of pixels.

    Args:
        pixels: uint8, HWC RGB or HW grey, at least 16 px on both sides. They must not have been scaled, rotated by
            other than right angles, or retouched everywhere since the JPEG was decoded; cropping is no hindrance.

    Returns:
        The layers, with the phase of the grid and the weight of the evidence.

    Raises:
        InvalidPixels: Another type or shape.
        UnsupportedMedia: Too small.

    Convention:
        BT.601 full range, as JFIF files have; qualities 30 to 100. Of an earlier layer only one at the same grid phase
        is found, and only one.
    """
    planes = planes_of(_middle(_checked(pixels)))
    candidates = [_candidate(planes, phase) for phase in likely_phases(planes, most=_PHASES_TRIED)]
    best = max(candidates, key=lambda candidate: candidate.rank)
    last, blocks = best.last, best.blocks
    enough = last.gain_nats >= max(_LEAST_GAIN_NATS, _LEAST_GAIN_PER_COEFFICIENT * last.count)
    drawn = blocks.repeated_share > _MOST_REPEATED and last.count > _FEW_PER_BLOCK * blocks.count
    compressed = enough and not drawn
    return BlindEstimate(
        compressed=compressed,
        layers=_layers(planes, best) if compressed else (),
        grid_phase_px=best.phase if compressed else None,
        evidence_nats=last.gain_nats,
        textured_blocks=blocks.count,
    )


def hidden_layer(multiples: NDArray[np.integer], steps: tuple[int, ...], *, rounded: bool) -> tuple[Layer, ...]:
    """The earlier layer below a last one, as a tuple of one or none; see `hidden_table`."""
    found = hidden_table(multiples, steps, rounded=rounded)
    if found is None:
        return ()
    return (
        Layer(
            quality=found.quality,
            table_exact=None not in found.steps,
            subsampling=None,
            source="pixels",
            table=found.steps,
            evidence_nats=found.gain_nats,
            margin_nats=found.margin_nats,
        ),
    )


def _checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise InvalidPixels(got=f"{pixels.dtype} {pixels.shape}")
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_SIDE_PX:
        least = f"at least {SMALLEST_SIDE_PX} px on both sides"
        remedy = "a history needs blocks of 8 px to show"
        raise UnsupportedMedia("the pixels", got=f"{width}x{height} px", expected=least, remedy=remedy)
    return pixels


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a large picture, cut on multiples of a block so that the phase stays."""
    starts = (max(side - _LARGEST_SIDE_PX, 0) // 2 // BLOCK_PX * BLOCK_PX for side in pixels.shape[:2])
    y_px, x_px = starts
    return pixels[y_px : y_px + _LARGEST_SIDE_PX, x_px : x_px + _LARGEST_SIDE_PX]


def _candidate(planes: Planes, phase: tuple[int, int]) -> _Candidate:
    blocks = blocks_of(planes.luma, planes.saturated, phase=phase, most=_MOST_BLOCKS, channels=planes.channels)
    last = last_table(blocks)
    if last.gain_nats < _LEAST_GAIN_NATS:
        clipped = clipped_table(planes.luma, planes.saturated, phase=phase)
        last = last if clipped is None else max(last, clipped, key=lambda table: table.gain_nats)
    return _Candidate(phase, blocks, last)


def _layers(planes: Planes, found: _Candidate) -> tuple[Layer, ...]:
    last = found.last
    outer = Layer(
        quality=last.quality,
        table_exact=last.quality is not None,
        subsampling=subsampling_of(planes, phase=found.phase),
        source="pixels",
        table=last.steps,
        evidence_nats=last.gain_nats,
        margin_nats=last.margin_nats,
    )
    steps = tuple(step for step in last.steps if step is not None)
    if len(steps) < len(last.steps):
        return (outer,)
    multiples = np.rint(found.blocks.clean / np.array(steps, dtype=np.float32)).astype(np.int64)
    return (outer, *hidden_layer(multiples, steps, rounded=True))
