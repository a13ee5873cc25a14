"""How sure a share is."""

from __future__ import annotations

import math

_Z = 1.959964
"""Standard deviations on each side that hold 95 %."""


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927).

    Args:
        hits: How many of them.
        count: Of how many.

    Returns:
        Lower and upper end; (0, 1) without observations.
    """
    if not count:
        return 0.0, 1.0
    share, spread = hits / count, _Z * _Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def clopper_pearson(hits: int, count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934): it covers at least as often as it says.

    Args:
        hits: How many of them.
        count: Of how many.
        confidence: How often the share is inside, 0 to 1; each end is missed at most half of the rest.

    Returns:
        Lower and upper end; (0, 1) without observations.
    """
    tail = (1 - confidence) / 2
    return _lower_end(hits, count, tail), _upper_end(hits, count, tail)


def upper_bound(hits: int, count: int, *, confidence: float = 0.95) -> float:
    """What a share is at most: one-sided, exact.

    Args:
        hits: How many of them.
        count: Of how many.
        confidence: How often the share is below, 0 to 1.

    Returns:
        The bound; 1 without observations.
    """
    return _upper_end(hits, count, 1 - confidence)


def _lower_end(hits: int, count: int, tail: float) -> float:
    from scipy.special import betaincinv  # costly to import

    return float(betaincinv(hits, count - hits + 1, tail)) if hits else 0.0


def _upper_end(hits: int, count: int, tail: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(hits + 1, count - hits, 1 - tail)) if hits < count else 1.0


def share_in_words(hits: int, count: int) -> str:
    """A share with its interval, such as "9 of 10 (95 %: 0.60 to 0.98)"."""
    low, high = wilson(hits, count)
    return f"{hits} of {count} (95 %: {low:.2f} to {high:.2f})"
