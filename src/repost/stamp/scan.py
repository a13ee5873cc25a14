"""Find out whether a picture carries a key's stamp."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from repost.stamp.grid import cell_means, check_pixels, grid_over, luma_of
from repost.stamp.key import direction_of
from repost.stamp.model import StampModel, load_model
from repost.stamp.search import Candidate, Match, look_closely, promising, search
from repost.stamp.spectrum import Spectrum, spectrum_of
from repost.stamp.tile import lattice
from repost.stamp.views import LEVELS, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

LEAST_SCAN_PX = 48
"""The short side that a picture must have to be scanned: a stamped one of 160 pixels, cropped to a third."""

_MOST_ELONGATED = 3  # of a longer strip the middle is scanned
_MOST_ENLARGED = 1.6  # a grid finer than the picture shows nothing new
_CERTAIN = math.log(1e12)  # further grids could only add to it


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found.

    Attributes:
        stamped: True, False, or None where it is uncertain.
        score: Decades of evidence, log10 of the e-value of `null`; it grows with certainty and may be negative.
        p_value: At most how often a picture without this key's stamp gets such a score, whatever it shows, for a key
            that has nothing to do with it; corrected for all views and shifts. 10**-score, at most 1. It is a bound
            that needs no measurement, and wide.
        measured_rate: How often the photographs that the model was calibrated with reached such a score without a
            stamp, at most, with 95 % confidence; 1 where nothing was measured. It claims no more than their number
            allows.
        model: Name and version of the model.
        view: How the picture was turned and cut, if it is stamped.
    """

    stamped: bool | None
    score: float
    p_value: float
    measured_rate: float
    model: str
    view: View


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a picture shows of any stamp; looking for further keys in it costs little.

    Attributes:
        spectra: Of the estimated residual, by grid level.
    """

    spectra: Mapping[int, Spectrum]


def scan(pixels: NDArray[np.uint8], key: str | None = None, *, model: StampModel | None = None) -> ScanResult:
    """Look for a key's stamp.

    Args:
        pixels: uint8 HWC RGB, or HW grey; at least 48 pixels on the short side. It may have been saved again, resized,
            cropped, turned, mirrored.
        key: Whose stamp; None is the default key.
        model: The model it may have been stamped with; None is the released one.

    Returns:
        Whether it is stamped, and how sure that is.

    Raises:
        InvalidPixels: Another type or shape.
        PictureTooSmall: Below 48 pixels.
        InvalidKey: See `key.key_bytes`.
    """
    model = model or load_model()
    check_pixels(pixels, least_px=LEAST_SCAN_PX)
    direction = direction_of(key, lattice().dimensions)
    luma = luma_of(_middle(pixels))
    spectra: dict[int, Spectrum] = {}
    candidates: list[Candidate] = []
    for level in _levels(luma):
        spectra[level] = _estimated(luma, level, model)
        found = promising(spectra[level], direction)
        candidates += found
        if found[0].estimate > _CERTAIN:  # most photos come back as they went
            match = look_closely(spectra, found[:1], direction)
            if match.log_e > _CERTAIN:
                return result_of(match, model)
    match = look_closely(spectra, candidates, direction)
    return result_of(match, model)


def estimates_of(pixels: NDArray[np.uint8], *, model: StampModel | None = None) -> Estimates:
    """Do what a scan does before it needs a key.

    Args:
        pixels: See `scan`.
        model: See `scan`.

    Returns:
        Estimates on every grid.

    Raises:
        InvalidPixels: Another type or shape.
        PictureTooSmall: Below 48 pixels.
    """
    model = model or load_model()
    check_pixels(pixels, least_px=LEAST_SCAN_PX)
    luma = luma_of(_middle(pixels))
    return Estimates({level: _estimated(luma, level, model) for level in _levels(luma)})


def mean_estimates(estimates: Iterable[Estimates]) -> Estimates:
    """The estimates of several pictures of one size as those of one.

    The frames of a clip carry their stamp at the same place, while what they show moves on: in the mean the stamp stays
    and the rest fades. No key is needed for it, so that what is then found keeps its exact null.

    Args:
        estimates: Of at least one picture; only their sum is kept.

    Returns:
        Their mean.
    """
    total: dict[int, Spectrum] = {}
    for one in estimates:
        for level, spectrum in one.spectra.items():
            before = total.get(level)
            values = spectrum.values if before is None else before.values + spectrum.values
            total[level] = replace(spectrum, values=values)
    return Estimates(total)  # a sum: cosines know no scale


def find_key(estimates: Estimates, key: str | None = None, *, model: StampModel | None = None) -> ScanResult:
    """Look for a key in what a picture shows.

    Args:
        estimates: Of the picture.
        key: Whose stamp; None is the default key.
        model: What the estimates were made with; None is the released one.

    Returns:
        As `scan` does.

    Raises:
        InvalidKey: See `key.key_bytes`.
    """
    return result_of(search(estimates.spectra, direction_of(key, lattice().dimensions)), model or load_model())


def result_of(match: Match, model: StampModel) -> ScanResult:
    """Judge a match by the model's thresholds.

    Args:
        match: What the search found.
        model: The model.

    Returns:
        The result.
    """
    score = match.log_e / math.log(10)
    stamped = True if score >= model.facts.stamped_score else None if score >= model.facts.uncertain_score else False
    rates = [one.rate for one in model.facts.null_scores if score >= one.score]
    return ScanResult(stamped, score, min(1.0, 10.0**-score), min([1.0, *rates]), model.version, match.view)


def _estimated(luma: NDArray[np.float32], level: int, model: StampModel) -> Spectrum:
    grid = grid_over(*luma.shape, short_cells=level)
    return spectrum_of(model.estimate(cell_means(luma, grid)), level)


def _levels(luma: NDArray[np.float32]) -> list[int]:
    most = _MOST_ENLARGED * min(luma.shape)
    return [level for level in LEVELS if level <= most]


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a strip: its transform would grow with the square of its length."""
    height, width = pixels.shape[:2]
    rows, columns = min(height, _MOST_ELONGATED * width), min(width, _MOST_ELONGATED * height)
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]
