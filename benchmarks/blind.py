"""How well the compression history of pixels is told, beside what is demanded.

    python benchmarks/blind.py [--half tuning|judging] [--only quality false layers] [--crops N] [--shared DIR]

Sources and the split into tuning and judging pictures: blind_sources.py. Nothing is left out: dark, flat and saturated
crops are in. JPEGs are written and read by Pillow.

quality   one JPEG of quality 50 to 100 and subsampling 4:4:4, 4:2:2 or 4:2:0, all drawn evenly; decoded, cut at any
          position, handed over as pixels. Time is processor time of one thread.
false     pictures that never were a JPEG: one crop a photograph (Kodak: every crop that does not overlap another), and
          renders.
layers    two JPEGs on one grid, qualities drawn evenly from 50 to 100 with a difference of 5 or more, both 4:2:0.
          Right means: both qualities exact, in the right order, and nothing else reported. `file` hands over the second
          JPEG of the whole picture, `pixels` a decoded crop of 256 px. Also pictures compressed once: right means one
          layer of the right quality. Pairs of equal quality cannot be told from one layer, and are not drawn.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from blind_sources import REDUCTION, SHARED, photographs, render
from environment import print_environment
from repost.estimation.history.blind import estimate_blind
from repost.estimation.history.estimate import estimate_history
from repost.metrics.intervals import wilson
from tables import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blind_sources import Picture

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
LEAST_DIFFERENCE = 5
RENDER_SEEDS = {"tuning": range(150), "judging": range(1000, 1200)}


def encode(pixels: Picture, quality: int, subsampling: str = "4:2:0") -> bytes:
    """A JPEG by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def decoded(data: bytes) -> Picture:
    """Its pixels."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def measure_quality(pictures: Sequence[Picture], *, side_px: int, count: int) -> list[list[str]]:
    """Rows for one crop size."""
    rng = np.random.default_rng(side_px)
    large = [picture for picture in pictures if min(picture.shape[:2]) >= side_px]
    estimate_blind(large[0][:side_px, :side_px])  # tables are made once
    right: dict[str, list[bool]] = defaultdict(list)
    seconds: list[float] = []
    for _ in range(count):
        picture = large[rng.integers(len(large))]
        quality, subsampling = int(rng.integers(50, 101)), SUBSAMPLINGS[rng.integers(3)]
        pixels = decoded(encode(picture, quality, subsampling))
        y, x = (int(rng.integers(side - side_px + 1)) for side in pixels.shape[:2])
        crop = pixels[y : y + side_px, x : x + side_px]
        before = time.process_time()
        found = estimate_blind(crop)
        seconds.append(time.process_time() - before)
        hit = found.compressed and found.layers[0].quality == quality
        right["quality exact"].append(hit)
        right["grid phase"].append(found.grid_phase_px == (-x % 8, -y % 8))
        right["said compressed"].append(found.compressed)
        right["no second layer"].append(len(found.layers) <= 1)
        told = found.layers[0].subsampling if found.layers else None
        right["subsampling told"].append(told is not None)
        if told is not None:
            right["  of those right"].append(told == subsampling)
    demand = {"quality exact": ">= 98 %" if side_px < 200 else ">= 99.5 %"}
    rows = [row(f"{side_px} px, {name}", hits, demand.get(name, "")) for name, hits in right.items()]
    median, most = (f"{1000 * value:.0f} ms" for value in (np.median(seconds), np.quantile(seconds, 0.95)))
    rows.append([f"{side_px} px, time: median, 95 % below", str(count), median, most, "<= 100 ms"])
    print(f"{side_px} px: {len(large)} photographs are large enough")
    return rows


def measure_false(pictures: Sequence[Picture], *, seeds: range) -> list[list[str]]:
    """Rows for pictures that never were a JPEG."""
    side_px = 200
    lossless = [picture for picture in pictures if max(picture.shape[:2]) == 768]
    reduced = [picture for picture in pictures if max(picture.shape[:2]) != 768]
    crops = {
        "lossless photographs": [
            picture[y : y + side_px, x : x + side_px]
            for picture in lossless
            for y in range(0, picture.shape[0] - side_px + 1, side_px)
            for x in range(0, picture.shape[1] - side_px + 1, side_px)
        ],
        "reduced photographs": [picture[:side_px, 3 : side_px + 3] for picture in reduced],
        "renders": [render(seed) for seed in seeds],
    }
    rows, everything = [], []
    for name, kind in crops.items():
        hits = [estimate_blind(np.ascontiguousarray(crop)).compressed for crop in kind]
        everything += hits
        rows.append(row(f"false 'compressed', {name}", hits, ""))
    return [*rows, row("false 'compressed', all", everything, "< 1 %")]


def measure_layers(pictures: Sequence[Picture], *, count: int) -> list[list[str]]:
    """Rows for double JPEG on one grid."""
    rng = np.random.default_rng(7)
    side_px = 256
    large = [picture for picture in pictures if min(picture.shape[:2]) >= side_px]
    right: dict[str, list[bool]] = defaultdict(list)
    for _ in range(count):
        picture = large[rng.integers(len(large))]
        first, second = (int(value) for value in rng.integers(50, 101, 2))
        while abs(first - second) < LEAST_DIFFERENCE:
            first, second = (int(value) for value in rng.integers(50, 101, 2))
        twice = encode(decoded(encode(picture, first)), second)
        once = encode(picture, second)
        y, x = (int(rng.integers(side - side_px + 1)) for side in picture.shape[:2])
        order = "first coarser" if first < second else "first finer"
        for kind, data, expected in ((order, twice, [second, first]), ("once", once, [second])):
            crop = decoded(data)[y : y + side_px, x : x + side_px]
            for how, layers in (("file", estimate_history(data).layers), ("pixels", estimate_blind(crop).layers)):
                right[f"{how}: {kind}"].append([layer.quality for layer in layers] == expected)
                if kind != "once":
                    right[f"{how}: both orders"].append([layer.quality for layer in layers] == expected)
    print(f"layers: {len(large)} photographs, {_sizes(large)}")
    demand = {"file: both orders": ">= 80 %", "pixels: both orders": ">= 80 %"}
    return [row(name, hits, demand.get(name, "")) for name, hits in sorted(right.items())]


def _sizes(pictures: Sequence[Picture]) -> str:
    middle = int(np.median([picture.shape[0] * picture.shape[1] for picture in pictures]))
    return f"median {middle / 1e6:.2f} megapixels"


def row(name: str, hits: Sequence[bool], demand: str) -> list[str]:
    """One line: n, share, 95 % interval, demand."""
    low, high = wilson(sum(hits), len(hits))
    share = sum(hits) / max(len(hits), 1)
    return [name, str(len(hits)), f"{100 * share:.1f} %", f"{100 * low:.1f}..{100 * high:.1f} %", demand]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tuning", "judging"), default="judging")
    parser.add_argument("--only", nargs="+", choices=("quality", "false", "layers"), default=[])
    parser.add_argument("--crops", type=int, default=1000, help="crops of either size; a fifth as many layer pairs")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder whose data/photos holds the photographs")
    arguments = parser.parse_args()
    pictures = photographs(arguments.half, shared=arguments.shared)
    if not pictures:
        print(f"nothing measured: no photographs at {arguments.shared / 'data' / 'photos'}")
        return
    wanted = arguments.only or ["quality", "false", "layers"]
    print(f"{arguments.half} half: {len(pictures)} photographs, all but Kodak's reduced {REDUCTION} times")
    rows: list[list[str]] = []
    if "quality" in wanted:
        for side_px in (128, 200):
            rows += measure_quality(pictures, side_px=side_px, count=arguments.crops)
    if "false" in wanted:
        rows += measure_false(pictures, seeds=RENDER_SEEDS[arguments.half])
    if "layers" in wanted:
        rows += measure_layers(pictures, count=arguments.crops // 5)
    print()
    print_table(["measured", "n", "share", "95 % interval", "demand"], rows)
    print_environment()


if __name__ == "__main__":
    main()
