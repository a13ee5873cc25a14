"""Intervals of shares."""

from __future__ import annotations

import math


def wilson(hits: int, count: int, *, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson interval of a share, 95 % by default; (0, 1) without observations."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)
