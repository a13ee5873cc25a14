"""How much four networks change square pictures of each size, beside what DF-RAP published as figure 1b.

    PYTHONPATH=src python benchmarks/figure1b.py [--shared DIR] [--json FILE] [--limit N]

The centred square of every photograph is shrunk to each side (Lanczos; enlarged by 1.25 at most, else left out) and
uploaded as PNG. The change is the mean absolute difference of the 8-bit values; where the network shrinks, against the
upload resampled to the served size with Lanczos, so that it counts compression and not the loss of size. Intervals are
95 % bootstrap intervals over photographs. The photographs are none that the profiles were fitted on.

The figure's pictures are not published, and busier pictures change more at equal settings. Twitter is the control: its
quality above 900 px is known (85), so what its curve misses is the difference of the pictures. "scaled" multiplies by
figure / emulated of Twitter at that side, which puts both on equal pictures; below 1000 px there is no control.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageOps

from environment import environment, print_environment
from repost.channel import emulate
from repost.media.upload import Upload
from repost.metrics import mean_absolute_difference
from repost.platforms import Profile, resolve
from repost.platforms.steps import EncodeJpeg
from repost.platforms.values import draw
from tables import print_table

SHARED = Path(__file__).resolve().parents[2] / "shared"
PHOTOGRAPHS = (
    "photos/open_wallpapers/*",
    "photos/kodak/*",
    "photos/bsds500/*",
    "photos/full_size/*",
    "platform_files/socialmediachain/samples/*discord.jpg",
    "platform_files/socialmediachain/samples/*slack.jpg",
)
"""Held out: facebook@2023, wechat@2023 and weibo@2023 were fitted on photos/ubuntu_wallpapers."""

SIDES = (100, 300, 500, 700, 900, 1000, 1300, 1500, 2000, 2100, 2500, 3000)
FIGURE_1B = {
    "twitter@2023": (0, 0, 0, 0, 0, 3.1, 2.6, 2.3, 2.0, 2.0, 1.8, 1.8),
    "facebook@2023": (5.6, 3.7, 3.0, 2.6, 2.4, 2.5, 2.3, 1.9, 1.9, 1.7, 1.7, 2.3),
    "wechat@2023": (6.4, 4.8, 4.6, 4.4, 4.3, 4.5, 3.4, 3.3, 3.6, 3.6, 3.8, 4.1),
    "weibo@2023": (2.3, 2.2, 2.0, 1.9, 1.7, 1.9, 2.5, 1.4, 1.3, 3.7, 2.6, 2.1),
}
READING_ERROR = 0.1
"""The curves were read off the printed figure to this."""
FIGURE_1A = {71: 0.04, 72: 0.08, 75: 0.01, 80: 0.05, 84: 0.01, 86: 0.005, 89: 0.02, 90: 0.045, 91: 0.075, 92: 0.65,
             93: 0.02}  # fmt: skip
CONTROL = "twitter@2023"
LARGEST_ENLARGEMENT = 1.25
RESAMPLES = 2000
DRAWS = 200
LANCZOS = Image.Resampling.LANCZOS

Row: TypeAlias = dict[str, float | int | bool | None]


@dataclass(frozen=True, slots=True)
class SideResult:
    """What was measured at one side.

    Attributes:
        changes: For each profile, the change of each photograph.
        qualities: Share of each quality facebook@2023 may draw for these photographs.
    """

    changes: dict[str, list[float]]
    qualities: dict[int, float]


def squares(photographs: Sequence[Path], side: int) -> Iterator[Image.Image]:
    """The centred square of each photograph that is large enough, upright and at a side."""
    for path in photographs:
        with Image.open(path) as opened:
            photograph = ImageOps.exif_transpose(opened).convert("RGB")
        edge = min(photograph.size)
        if edge * LARGEST_ENLARGEMENT < side:
            continue
        left, top = (photograph.width - edge) // 2, (photograph.height - edge) // 2
        box = (left, top, left + edge, top + edge)
        yield photograph.crop(box) if edge == side else photograph.resize((side, side), LANCZOS, box=box)


def change(upload: Image.Image, profile: str) -> float:
    """Mean absolute change, against the upload at the served size."""
    served = emulate(np.asarray(upload), profile).pixels
    size = (served.shape[1], served.shape[0])
    at_size = upload if upload.size == size else upload.resize(size, LANCZOS)
    return mean_absolute_difference(served, np.asarray(at_size))


def qualities(uploads: Sequence[Image.Image], profile: Profile) -> dict[int, float]:
    """Share of each quality a profile draws for uploads, over many draws."""
    shares: Counter[int] = Counter()
    for picture in uploads:
        upload = Upload.of(np.asarray(picture))
        rule = next(rule for _, rule in profile.rules_for("image") if rule.when.matches(upload.facts, upload.feature))
        value = next(step.quality for step in rule.steps if isinstance(step, EncodeJpeg))
        rng = random.Random(0)
        for _ in range(DRAWS):
            shares[int(draw(value, features=upload.feature, rng=rng))] += 1 / DRAWS / len(uploads)
    return dict(shares)


def measure(photographs: Sequence[Path], side: int) -> SideResult:
    """Upload the squares of one side to every network."""
    uploads = list(squares(photographs, side))
    changes = {profile: [change(upload, profile) for upload in uploads] for profile in FIGURE_1B}
    return SideResult(changes, qualities(uploads, resolve("facebook@2023")))


def interval(changes: Sequence[float]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over photographs."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(np.array(changes), size=(RESAMPLES, len(changes))).mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def rows_of(profile: str, results: Sequence[SideResult]) -> list[Row]:
    """The numbers of one profile, side by side with the figure."""
    rows: list[Row] = []
    for index, (side, result) in enumerate(zip(SIDES, results, strict=True)):
        published, measured = FIGURE_1B[profile][index], result.changes[profile]
        emulated, control = float(np.mean(measured)), float(np.mean(result.changes[CONTROL]))
        scaled = emulated * FIGURE_1B[CONTROL][index] / control if control else None
        low, high = interval(measured)
        rows.append(
            {
                "side_px": side,
                "n": len(measured),
                "figure": published,
                "emulated": emulated,
                "low": low,
                "high": high,
                "misfit": emulated - published,
                "within": abs(emulated - published) <= READING_ERROR,
                "scaled": scaled,
                "scaled_misfit": None if scaled is None else scaled - published,
            }
        )
    return rows


def main() -> None:
    """Measure and print one table for each network, then the qualities."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with the photographs")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--limit", type=int, help="use about this many photographs, evenly picked")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    arguments = parser.parse_args()
    data = arguments.shared / "data"
    photographs = [path for pattern in PHOTOGRAPHS for path in sorted(data.glob(pattern))]
    if not photographs:
        raise SystemExit(f"no photographs under {data}; name the folder that holds data/ with --shared")
    photographs = photographs[:: max(1, len(photographs) // (arguments.limit or len(photographs)))]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(partial(measure, photographs), SIDES))
    shares = {q: sum(one.qualities.get(q, 0) for one in results) / len(SIDES) for q in range(1, 101)}
    shares = {quality: share for quality, share in shares.items() if share}

    tables = {profile: rows_of(profile, results) for profile in FIGURE_1B}
    for profile, rows in tables.items():
        _print(profile, rows)
    _print_shares(shares)
    print(f"\n{len(photographs)} photographs, those large enough at each side (n); change in 8-bit values; band +-0.1")
    print_environment()
    if arguments.json:
        content = {"environment": environment(), "photographs": len(photographs), "profiles": tables, "quality": shares}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _print(profile: str, rows: Sequence[Row]) -> None:
    print(f"{profile}: mean absolute change of square pictures")
    print_table(
        ("side px", "n", "figure 1b", "emulated", "95 %", "misfit", "in band", "scaled", "misfit scaled"),
        [
            (
                f"{row['side_px']}",
                f"{row['n']}",
                f"{row['figure']:.1f}",
                f"{row['emulated']:.2f}",
                f"{row['low']:.2f}-{row['high']:.2f}",
                f"{row['misfit']:+.2f}",
                "yes" if row["within"] else "no",
                "-" if row["scaled"] is None else f"{row['scaled']:.2f}",
                "-" if row["scaled_misfit"] is None else f"{row['scaled_misfit']:+.2f}",
            )
            for row in rows
        ],
    )
    plain = np.mean([abs(float(row["misfit"] or 0)) for row in rows])
    scaled = [abs(float(row["scaled_misfit"])) for row in rows if row["scaled_misfit"] is not None]
    inside = sum(bool(row["within"]) for row in rows)
    print(f"in band {inside} of {len(rows)}; mean misfit {plain:.2f}; scaled, from 1000 px up, {np.mean(scaled):.2f}\n")


def _print_shares(shares: dict[int, float]) -> None:
    print("facebook@2023: share of each quality, every side counting the same")
    qualities = sorted({*FIGURE_1A, *shares})
    total = sum(FIGURE_1A.values())
    print_table(
        ("quality", "figure 1a", "emulated"),
        [(f"{q}", f"{FIGURE_1A.get(q, 0) / total:.3f}", f"{shares.get(q, 0):.3f}") for q in qualities],
    )


if __name__ == "__main__":
    main()
