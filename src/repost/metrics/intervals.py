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


def share_in_words(hits: int, count: int) -> str:
    """A share with its interval, such as "9 of 10 (95 %: 0.60 to 0.98)"."""
    low, high = wilson(hits, count)
    return f"{hits} of {count} (95 %: {low:.2f} to {high:.2f})"
