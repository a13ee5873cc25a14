"""Which of some known numbers is nearest, as bands of a number line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Bands: TypeAlias = list[tuple[float | None, T]]
"""(exclusive upper limit, value) in rising order; the last has no limit."""


def nearest_bands(known: Iterable[tuple[int, T]]) -> Bands[T]:
    """Bands in which each whole number gets the value of the nearest known one.

    Args:
        known: Whole numbers and their values, in order of precedence: of equal numbers the first counts, and where a
            whole number lies half way between two, the one that comes first. At least one.

    Returns:
        The bands; neighbours of equal value are one.
    """
    first: dict[int, tuple[int, T]] = {}
    for position, (number, value) in enumerate(known):
        first.setdefault(number, (position, value))
    found: Bands[T] = []
    for number, higher in pairwise(sorted(first)):
        limit = (number + higher) / 2
        if (number + higher) % 2 == 0 and first[number][0] < first[higher][0]:
            limit += 0.5  # whole numbers only: so the half way itself falls below
        if first[number][1] != first[higher][1]:
            found.append((limit, first[number][1]))
    found.append((None, first[max(first)][1]))
    return found


def value_at(bands: Bands[T], number: float) -> T:
    """The value of the band a number falls into.

    Args:
        bands: From `nearest_bands`.
        number: Any number.
    """
    return next(value for limit, value in bands if limit is None or number < limit)
