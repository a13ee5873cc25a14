"""How fast a folder goes through a network, beside a bare Pillow loop.

    python benchmarks/throughput.py [--rounds 5] [--json FILE]

The peer is the shortest loop that does the same to the pixels: decode, resize with Lanczos, save with the same JPEG
settings, no trace, no manifest, no resume. Every round times all contenders one after the other, on the same files,
in an order that is shuffled anew, each in a process of its own (one that follows another in the same process finds a
settled allocator); ratios are taken within a round, so a machine whose speed drifts does not matter. Wall time after
the imports, because that is what a person waits for; two workers include the start of both processes. Two bare loops
on half of the files each, side by side and already started, are what the machine itself gains from a second core.
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
from functools import partial
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


def bare_loop(folder: Path, out: Path, *, half: int | None = None) -> None:
    """The peer; on every second file only where a half is named."""
    out.mkdir(exist_ok=True)
    for path in sorted(folder.iterdir())[half :: 1 if half is None else 2]:
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
    "bare loop, first half": partial(bare_loop, half=0),
    "bare loop, second half": partial(bare_loop, half=1),
    "one platform": share,
    "two platforms": partial(share, platforms=("one", "two")),
    "one platform, two workers": partial(share, jobs=2),
}
PAIRED = "two bare loops"
"""Both halves side by side: the slower of them."""
WANTED = (
    ("speed against the bare loop", "bare Pillow loop", "one platform", ">= 0.9", lambda ratio: ratio >= 0.9),
    ("cost of two platforms", "two platforms", "one platform", "< 1.7", lambda ratio: ratio < 1.7),
    ("speed of two workers", "one platform", "one platform, two workers", ">= 1.8", lambda ratio: ratio >= 1.8),
    ("two bare loops, for scale", "bare Pillow loop", PAIRED, "nothing", lambda _: True),
)


def timed(names: tuple[str, ...], folder: Path, out: Path) -> float:
    """Seconds of contenders that run side by side, each in a fresh process; the slowest counts."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, __file__, "--one"]
    running = [
        subprocess.Popen([*command, name, folder, out], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in names
    ]
    for process in running:  # all have imported before any starts
        assert process.stdout is not None
        process.stdout.readline()
    answers = _together(running)
    if any(process.returncode for process in running):
        raise SystemExit(f"{names} failed")
    return max(float(answer[0]) for answer in answers)


def _together(running: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate() for process in running]


def run_one(name: str, folder: Path, out: Path) -> None:
    """Be one contender: say that all is imported, wait for the word, print the seconds."""
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    CONTENDERS[name](folder, out)
    print(time.perf_counter() - start)


def measure(folder: Path, rounds: int, scratch: Path) -> dict[str, list[float]]:
    """Seconds of every contender in every round, after one round that is not counted."""
    halves = tuple(name for name in CONTENDERS if name.endswith("half"))
    groups = {name: (name,) for name in CONTENDERS if name not in halves} | {PAIRED: halves}
    seconds: dict[str, list[float]] = {name: [] for name in groups}
    for turn in range(rounds + 1):
        order = list(groups)
        random.Random(turn).shuffle(order)
        for name in order:
            spent = timed(groups[name], folder, scratch / "out")
            if turn:
                seconds[name].append(spent)
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
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--one", nargs=3, metavar=("NAME", "FOLDER", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], Path(options.one[1]), Path(options.one[2]))
        return
    report: dict[str, object] = {"environment": environment(), "rounds": options.rounds, "sets": {}}
    for title in options.sets:
        size, count = SETS[title]
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
