"""Find out whether many photographs stamped with one key give the stamp away.

    python benchmarks/stamp_averaging.py ../shared/data [--photos 150]

An attacker averages what was added to many photographs of one size: with their covers at hand, or without
(stamped photographs against others). What is left is scaled to a stamp's strength, subtracted from stamped photographs
and added to others: the attack on watermarks that do not follow the content (Yang et al., NeurIPS 2024).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from environment import print_environment
from repost.metrics.intervals import wilson
from repost.stamp import scan, stamp
from stamp_photos import parts
from tables import print_table

SIZE = (480, 320)
KEY = "the key of an averaging benchmark"
STRENGTHS = (1, 2, 4)


def main() -> None:
    """Average, subtract, add, scan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=150)
    parser.add_argument("--tested", type=int, default=60)
    told = parser.parse_args()
    found = parts(told.data)
    photos = [_loaded(path) for path in (found["test"] + found["looked_at"])[: 2 * told.photos + told.tested]]
    stamped, others, tested = (
        photos[: told.photos],
        photos[told.photos : -told.tested],
        photos[-told.tested :],
    )
    marked = [stamp(photo, KEY).astype(np.float32) for photo in stamped]
    paired = np.mean([one - photo for one, photo in zip(marked, stamped, strict=True)], 0)
    unpaired = np.mean(marked, 0) - np.mean(np.float32(others), 0)
    rows = []
    for name, found in (("with their covers", paired), ("without", _high_pass(unpaired))):
        for strength in STRENGTHS:
            added = found / found.std() * _usual(marked, stamped) * strength
            removed = [_moved(stamp(photo, KEY), -added) for photo in tested]
            forged = [_moved(photo, added) for photo in tested]
            rows.append([name, f"{strength}", _share(removed), _share(forged)])
    print(f"{len(stamped)} photographs averaged, {len(others)} others, {len(tested)} attacked\n")
    print_table(["averaged", "times a stamp's strength", "still found (95 %)", "forged (95 %)"], rows)
    print_environment()


def _loaded(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))


def _usual(marked: Sequence[np.ndarray], covers: Sequence[np.ndarray]) -> float:
    return float(np.mean([(one - cover).std() for one, cover in zip(marked, covers, strict=True)]))


def _high_pass(picture: np.ndarray) -> np.ndarray:
    """Without what the two sets of photographs differ in at large."""
    from scipy.ndimage import uniform_filter

    return picture - uniform_filter(picture, (31, 31, 0))


def _moved(pixels: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels + by), 0, 255).astype(np.uint8)


def _share(pictures: Sequence[np.ndarray]) -> str:
    hits = sum(scan(picture, KEY).stamped is True for picture in pictures)
    low, high = wilson(hits, len(pictures))
    return f"{hits / len(pictures):.2f} ({low:.2f}-{high:.2f})"


if __name__ == "__main__":
    main()
