"""How long stamping and scanning take on one core, side by side; files are neither read nor written."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from repost.stamp.evaluation.marker import Marker
from repost.stamp.evaluation.splits import Photo

WIDTH_PX, HEIGHT_PX = 1152, 868
"""One megapixel: 999,936 pixels."""


@dataclass(frozen=True)
class Speed:
    """Milliseconds for one megapixel on one core.

    Attributes:
        stamp_ms: To stamp.
        scan_ms: To scan the stamped picture.
        scan_unstamped_ms: To scan the picture itself, where a scanner may have to look for longer.
    """

    stamp_ms: float
    scan_ms: float
    scan_unstamped_ms: float

    @property
    def both_ms(self) -> float:
        """To stamp and scan what was stamped."""
        return self.stamp_ms + self.scan_ms


def speeds(markers: Sequence[Marker], photo: Photo, *, rounds: int = 5) -> dict[str, Speed]:
    """How long one megapixel takes on one core.

    Args:
        markers: Whose; they take turns, so that what else the machine does hits all.
        photo: Resized to one megapixel.
        rounds: Of which the least counts: other work only makes them longer. One round before is not counted. What
            counts is the time of the processor, which on one core is the clock's where nothing else runs.

    Returns:
        For each marker's name its times.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, tuple(markers), photo, rounds).result()


def _measure(markers: Sequence[Marker], photo: Photo, rounds: int) -> dict[str, Speed]:
    if hasattr(os, "sched_setaffinity"):  # before any library counts the cores
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with Image.open(photo.path) as opened:
        pixels = np.asarray(opened.convert("RGB").resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS))
    times: dict[str, list[tuple[float, float, float]]] = {marker.name: [] for marker in markers}
    for _ in range(rounds + 1):
        for marker in markers:
            start_s = time.process_time()
            stamped = marker.stamp(pixels)
            stamped_s = time.process_time()
            marker.score(stamped)
            scanned_s = time.process_time()
            marker.score(pixels)
            end_s = time.process_time()
            times[marker.name].append((stamped_s - start_s, scanned_s - stamped_s, end_s - scanned_s))
    return {
        name: Speed(*(1e3 * min(one[part] for one in found[1:]) for part in range(3))) for name, found in times.items()
    }
