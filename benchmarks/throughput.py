"""How fast a folder goes through a network, beside a bare Pillow loop.

    python benchmarks/throughput.py [--rounds 5] [--json FILE]

The peer is the shortest loop that does the same to the pixels: decode, resize with Lanczos, save with the same JPEG
settings, no trace, no manifest, no resume. Every round times all contenders one after the other, on the same files,
in an order that is shuffled anew; ratios are taken within a round, so a machine whose speed drifts does not matter.
Wall time, because that is what a person waits for; two workers include the start of both processes.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from environment import environment, print_environment
from repost import batch
from repost.channel.files import ShareFiles
from repost.platforms.catalog import parse_profile

SETS = {"12 megapixels": ((4000, 3000), 40), "1 megapixel": ((1200, 900), 500)}
SERVED = {"quality": 92, "subsampling": "4:2:0", "optimize": True}
CAP = 2048
PROFILES = {
    name: parse_profile(
        {
            "platform": name,
            "observed": "2026",
            "summary": "what the bare loop does",
            "evidence": [{"kind": "inferred", "source": "this benchmark"}],
            "rules": [
                {
                    "media": "image",
                    "name": "cap and save",
                    "steps": [
                        {"op": "orient"},
                        {"op": "resize", "fit": "long_side", "px": CAP},
                        {"op": "encode", "codec": "jpeg", "quality": 92 - lower, "optimize_huffman": True},
                    ],
                }
            ],
        },
        source="benchmark",
    )
    for name, lower in (("one", 0), ("two", 7))
}


def make_photos(folder: Path, size: tuple[int, int], count: int) -> None:
    """Photographs of a size: mosaics of those bundled in scikit-image, every file shifted so that none is alike."""
    import skimage.data

    tiles = [skimage.data.coffee(), skimage.data.chelsea(), skimage.data.astronaut()]
    strip = np.concatenate([np.tile(tile, (12, 1, 1))[:3400] for tile in tiles], axis=1)
    sheet = np.tile(strip, (1, 4, 1))
    folder.mkdir(parents=True)
    for index in range(count):
        top, left = 7 * index % 300, 13 * index % 1000
        picture = Image.fromarray(sheet[top : top + size[1], left : left + size[0]])
        picture.save(folder / f"{index:04}.jpg", quality=92)


def bare_loop(folder: Path, out: Path) -> None:
    """The peer."""
    out.mkdir()
    for path in sorted(folder.iterdir()):
        image = Image.open(path).convert("RGB")
        scale = CAP / max(image.size)
        if scale < 1:
            image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        image.save(out / path.name, "JPEG", **SERVED)


def share(folder: Path, out: Path, *, platforms: tuple[str, ...] = ("one",), jobs: int = 1) -> None:
    """The same through a batch."""
    items = [batch.Item(path.name, path, platforms, path.stem) for path in sorted(folder.iterdir())]
    work = ShareFiles(out, {name: PROFILES[name] for name in platforms})
    for event in batch.run(items, work, out=out, jobs=jobs):
        if isinstance(event, batch.Finished) and event.summary.failed:
            raise SystemExit("some files failed")


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {
    "bare Pillow loop": bare_loop,
    "one platform": share,
    "two platforms": lambda folder, out: share(folder, out, platforms=("one", "two")),
    "one platform, two workers": lambda folder, out: share(folder, out, jobs=2),
}
WANTED = (
    ("speed against the bare loop", "bare Pillow loop", "one platform", ">= 0.9", lambda ratio: ratio >= 0.9),
    ("cost of two platforms", "two platforms", "one platform", "< 1.7", lambda ratio: ratio < 1.7),
    ("speed of two workers", "one platform", "one platform, two workers", ">= 1.8", lambda ratio: ratio >= 1.8),
)


def measure(folder: Path, rounds: int, scratch: Path) -> dict[str, list[float]]:
    """Seconds of every contender in every round, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for turn in range(rounds + 1):
        order = list(CONTENDERS)
        random.Random(turn).shuffle(order)
        for name in order:
            out = scratch / "out"
            shutil.rmtree(out, ignore_errors=True)
            start = time.perf_counter()
            CONTENDERS[name](folder, out)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def peak_mib(count: int) -> float:
    """Peak memory of a process that shares `count` photographs of 12 megapixels, one worker."""
    code = (
        "import sys, resource, tempfile; from pathlib import Path\n"
        "sys.path.insert(0, 'benchmarks'); import throughput\n"
        "root = Path(tempfile.mkdtemp()); throughput.share(Path(sys.argv[1]), root / 'out')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    with tempfile.TemporaryDirectory() as scratch:
        make_photos(Path(scratch) / "photos", *(SETS["12 megapixels"][0], count))
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(scratch) / "photos")],
            cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
        )  # fmt: skip
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, object] = {"environment": environment(), "rounds": options.rounds, "sets": {}}
    for title, (size, count) in SETS.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "photos"
            make_photos(folder, size, count)
            seconds = measure(folder, options.rounds, Path(scratch))
        print(f"\n{title}: {count} JPEGs of {size[0]}x{size[1]}, {options.rounds} rounds")
        for name, found in seconds.items():
            print(f"  {name:<28} {statistics.median(found):7.2f} s   {count / statistics.median(found):7.1f} files/s")
        rows = {}
        for label, above, below, wanted, holds in WANTED:
            ratios = [over / under for over, under in zip(seconds[above], seconds[below], strict=True)]
            middle = statistics.median(ratios)
            rows[label] = {
                "median": middle,
                "min": min(ratios),
                "max": max(ratios),
                "asked": wanted,
                "met": holds(middle),
            }
            verdict = "met" if holds(middle) else "MISSED"
            print(
                f"  {label:<28} {middle:7.2f}     ({min(ratios):.2f} to {max(ratios):.2f}; asked {wanted}: {verdict})"
            )
        report["sets"][title] = {"seconds": seconds, "ratios": rows}  # type: ignore[index]
    small, large = peak_mib(4), peak_mib(24)
    report["peak_mib"] = {"4 files": small, "24 files": large}
    print(f"\npeak memory of one worker on 12-megapixel files: {small:.0f} MiB for 4 files, {large:.0f} MiB for 24")
    print_environment()
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
