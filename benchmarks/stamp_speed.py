"""How long stamping and scanning take on one core, side by side; files are neither read nor written."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from PIL import Image

from repost.stamp.evaluation.marker import Marker
from repost.stamp.evaluation.splits import Photo

WIDTH_PX, HEIGHT_PX = 1152, 868
"""One megapixel: 999,936 pixels."""


def speeds(markers: Sequence[Marker], photo: Photo, *, rounds: int = 5) -> dict[str, tuple[float, float]]:
    """Milliseconds to stamp and to scan one megapixel on one core.

    Args:
        markers: Whose; they take turns, so that what else the machine does hits all.
        photo: Resized to one megapixel.
        rounds: Of which the least counts: other work only makes them longer. One round before is not counted.

    Returns:
        For each marker's name the times to stamp and to scan.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, tuple(markers), photo, rounds).result()


def _measure(markers: Sequence[Marker], photo: Photo, rounds: int) -> dict[str, tuple[float, float]]:
    if hasattr(os, "sched_setaffinity"):  # before any library counts the cores
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with Image.open(photo.path) as opened:
        pixels = np.asarray(opened.convert("RGB").resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS))
    times: dict[str, list[tuple[float, float]]] = {marker.name: [] for marker in markers}
    for _ in range(rounds + 1):
        for marker in markers:
            start_s = time.perf_counter()
            stamped = marker.stamp(pixels)
            middle_s = time.perf_counter()
            marker.score(stamped)
            times[marker.name].append((middle_s - start_s, time.perf_counter() - middle_s))
    return {
        name: (1e3 * min(stamping for stamping, _ in found[1:]), 1e3 * min(scanning for _, scanning in found[1:]))
        for name, found in times.items()
    }
