"""The search for a rate factor against the linear scan of the published framework: answers, encodes, CPU time, memory.

    python benchmarks/video_search.py --clips FOLDER [--half judged|tuning] [--quick] [--json FILE]

Needs the ffmpeg and ffprobe programs, which make the served files and are the oracle of a few scans. The clips are cut
to 4 s without encoding them again, and served with a short side of 360 px. Both searches run in this process with the
same encoder (libx264, medium, one thread). The scan's encodes are carried out once for each clip and rate factor, each
with its own decode, and their CPU times are added up for every target that needs them; the search is run whole for
every target, reading the served file included.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from environment import environment, print_environment
from repost.channel.video.settings import Crf, EncoderSettings
from repost.estimation.videos.hunt import SAFE_CRF, SAFE_RATIO
from repost.estimation.videos.rates import RateMeter
from repost.estimation.videos.recipe import Recipe
from repost.estimation.videos.search import CrfTarget, search_crf
from repost.estimation.videos.start import Start, find_start
from repost.media.video.upload import VideoUpload
from repost.metrics.intervals import wilson
from video_targets import JUDGED, TUNING, Platform, platforms, program_scan, serve, served_size, trim

CRF_MIN, CRF_MAX = 20, 51
SETTINGS = EncoderSettings(rate=Crf(0), profile="high", message=True)
PROGRAM_PAIRS = 4
MEMORY_CLIP = "liveportrait/driving_d20"
MEMORY_SECONDS = (10, 600)


@dataclass(frozen=True, slots=True)
class Row:
    """One pair: what both searches answered, and what they cost."""

    clip: str
    platform: str
    source: str
    scan_crf: int
    scan_encodes: int
    scan_cpu_s: float
    crf: int
    crf_exact: float | None
    censored: str | None
    encodes: int
    passes: int
    by_margin: bool
    cpu_s: float

    @property
    def same(self) -> bool:
        """Whether both searches answer the same."""
        return self.crf == self.scan_crf

    @property
    def ratio(self) -> float:
        """CPU time of the scan over that of the search."""
        return self.scan_cpu_s / self.cpu_s


class Scan:
    """The linear scan of one clip, each encode carried out when it is first needed."""

    def __init__(self, upload: VideoUpload, recipe: Recipe) -> None:
        self._upload, self._recipe = upload, recipe
        self._known: dict[int, tuple[int, float]] = {}

    def run(self, bitrate_bps: int) -> tuple[int, int, float]:
        """Answer, encodes and CPU seconds."""
        cpu_s = 0.0
        for crf in range(CRF_MIN, CRF_MAX + 1):
            if crf not in self._known:
                begun = time.process_time()
                rate = RateMeter(self._upload, self._recipe).measure(crf)[crf]
                self._known[crf] = rate, time.process_time() - begun
            rate, seconds = self._known[crf]
            cpu_s += seconds
            if rate < bitrate_bps:
                return crf, crf - CRF_MIN + 1, cpu_s
        return CRF_MAX, CRF_MAX - CRF_MIN + 1, cpu_s

    @property
    def smallest_ratio(self) -> float:
        """Of the bitrates of two neighbours, as far as the scan went and `hunt.SAFE_RATIO` reaches."""
        rates = [rate for crf, (rate, _) in sorted(self._known.items()) if crf <= SAFE_CRF + 1]
        return min((one / other for one, other in pairwise(rates)), default=math.inf)


def compare(upload: VideoUpload, served: VideoUpload, platform: Platform, scan: Scan, recipe: Recipe) -> Row:
    """Both searches of one pair."""
    begun = time.process_time()
    start = find_start(served)
    target = CrfTarget(recipe=recipe, bitrate_bps=served.facts.bitrate_bps, crf_min=CRF_MIN, crf_max=CRF_MAX)
    found = search_crf(upload, target, start=start)
    cpu_s = time.process_time() - begun
    scan_crf, scan_encodes, scan_cpu_s = scan.run(served.facts.bitrate_bps)
    return Row(
        clip=upload.name,
        platform=platform.name,
        source=start.source,
        scan_crf=scan_crf,
        scan_encodes=scan_encodes,
        scan_cpu_s=scan_cpu_s,
        crf=found.crf,
        crf_exact=found.crf_exact,
        censored=found.censored,
        encodes=found.encodes,
        passes=found.passes,
        by_margin=found.by_margin,
        cpu_s=cpu_s,
    )


def run_pairs(clips: Path, names: tuple[str, ...], wanted: tuple[Platform, ...], folder: Path) -> list[Row]:
    """All pairs, a line for each, and the program's own scan for the first few."""
    rows: list[Row] = []
    checked, agreed, smallest = 0, 0, math.inf
    head = ("clip", "platform", "start", "scan: CRF", "n", "CPU s", "search: CRF", "exact", "n", "passes", "CPU s")
    print(_line(*head, "ratio", "same"), flush=True)
    for name in names:
        upload = trim(clips / f"{name}.mp4", folder)
        recipe = Recipe(size=served_size(upload), settings=SETTINGS)
        scan = Scan(upload, recipe)
        for index, platform in enumerate(wanted):
            served = serve(upload, platform, folder)
            row = compare(upload, served, platform, scan, recipe)
            rows.append(row)
            exact = row.censored or f"{row.crf_exact:.2f}"
            cells = (row.clip[-22:], row.platform, row.source, row.scan_crf, row.scan_encodes, f"{row.scan_cpu_s:.1f}")
            found = (row.crf, exact, row.encodes, row.passes, f"{row.cpu_s:.1f}", f"{row.ratio:.1f}")
            print(_line(*cells, *found, "yes" if row.same else "NO"), flush=True)
            if index == len(rows) // len(wanted) % len(wanted) and checked < PROGRAM_PAIRS:
                target_bps = served.facts.bitrate_bps
                answer = program_scan(
                    upload, bitrate_bps=target_bps, crf_min=CRF_MIN, crf_max=CRF_MAX, out=folder / "scan.mp4"
                )
                checked, agreed = checked + 1, agreed + (answer == row.crf)
                print(f"  the ffmpeg program's own scan answers {answer}", flush=True)
        smallest = min(smallest, scan.smallest_ratio)
    print(f"\nsmallest ratio of two neighbours (taken to be at least {SAFE_RATIO}): {smallest:.3f}")
    print(f"same answer as the ffmpeg program's own scan: {agreed} of {checked}")
    return rows


def summarise(rows: list[Row]) -> dict[str, Any]:
    """The numbers asked for."""
    told = [row for row in rows if row.source == "headers"]
    long = [row for row in rows if row.scan_encodes >= 9]
    same = sum(row.same for row in rows)
    low, high = wilson(same, len(rows))
    found = {
        "pairs": len(rows),
        "same answer": f"{same} of {len(rows)} (95 % Wilson {low:.3f}-{high:.3f})",
        "encodes, scan": _mean([row.scan_encodes for row in rows]),
        "encodes, search (asked <= 3.0)": _mean([row.encodes for row in rows]),
        "encodes, search, where headers tell (asked <= 2.1)": f"{_mean([row.encodes for row in told])} (n={len(told)})",
        "CPU ratio, all (asked >= 4)": _ratio(rows),
        "CPU ratio, where the scan needs 9 or more (asked >= 5)": f"{_ratio(long)} (n={len(long)})",
        "CPU ratio, smallest (asked >= 0.9)": round(min(row.ratio for row in rows), 2),
        "proven by margin": sum(row.by_margin for row in rows),
        "censored": sum(row.censored is not None for row in rows),
    }
    print()
    for name, value in found.items():
        print(f"{name}: {value}")
    for name in dict.fromkeys(row.platform for row in rows):
        some = [row for row in rows if row.platform == name]
        encodes = f"scan {_mean([row.scan_encodes for row in some])}, search {_mean([row.encodes for row in some])}"
        print(f"  {name}: encodes {encodes}, CPU ratio {_ratio(some)}, same {sum(row.same for row in some)}")
    return found


def run_memory(clips: Path, folder: Path, seconds: tuple[int, ...]) -> dict[str, float]:
    """Peak memory of a search at 480p, each in a process of its own."""
    source = clips / f"{MEMORY_CLIP}.mp4"
    print("\npeak memory of a search at 480 x 480, two encoders in one pass:")
    peaks: dict[str, float] = {}
    for length_s in seconds:
        path = folder / f"{length_s}s.mp4"
        _repeat(source, path, length_s=length_s)
        command = [sys.executable, __file__, "--clips", str(clips), "--memory-of", str(path)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout
        peaks[f"{length_s} s"] = json.loads(answer)["peak_mb"]
        print(f"  {length_s} s: {answer.strip()}", flush=True)
    growth = max(peaks.values()) / min(peaks.values()) - 1
    print(f"  asked <= 200 MB: {max(peaks.values()):.0f} MB; asked < 10 % apart: {100 * growth:.1f} %")
    return peaks


def _memory_of(path: Path) -> None:
    upload = VideoUpload(path)
    target = CrfTarget(recipe=Recipe(size=(480, 480), settings=SETTINGS), bitrate_bps=1, crf_min=40, crf_max=51)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = search_crf(upload, target, start=Start(50.0, 0.0, "headers"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {
        "duration_s": upload.facts.duration_s,
        "frames": upload.facts.frame_count,
        "encodes": found.encodes,
        "passes": found.passes,
    }
    print(json.dumps({**facts, "before_mb": round(before_mb, 1), "peak_mb": round(peak_mb, 1)}))


def _repeat(source: Path, target: Path, *, length_s: int) -> None:
    """A clip again and again, its packets copied."""
    with av.open(str(target), "w") as opened:
        out: Any = opened  # PyAV's stubs leave half of the type open
        stream, shift = None, 0
        while True:
            with av.open(str(source)) as container:
                given = container.streams.video[0]
                stream = stream or out.add_stream_from_template(given)
                assert given.time_base is not None and given.duration is not None
                for packet in container.demux(given):
                    if packet.dts is None or packet.pts is None:
                        continue
                    if (packet.dts + shift) * given.time_base >= length_s:
                        return
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    out.mux(packet)
                shift += given.duration


def _mean(numbers: list[int]) -> float:
    return round(sum(numbers) / len(numbers), 2) if numbers else float("nan")


def _ratio(rows: list[Row]) -> float:
    return round(sum(row.scan_cpu_s for row in rows) / sum(row.cpu_s for row in rows), 2) if rows else float("nan")


def _line(*cells: object) -> str:
    widths = (22, 21, 8, 9, 3, 6, 11, 18, 3, 6, 6, 6, 5)
    return "  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True, help="folder with the clips of video_targets.py")
    parser.add_argument("--half", choices=("judged", "tuning"), default="judged")
    parser.add_argument("--part", choices=("pairs", "memory"), action="append", help="only these; both by default")
    parser.add_argument("--quick", action="store_true", help="two clips on three platforms, memory up to a minute")
    parser.add_argument("--json", type=Path, help="also keep the numbers here")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory_of is not None:
        _memory_of(given.memory_of)
        return
    parts = given.part or ["pairs", "memory"]
    names, wanted, seconds = (JUDGED if given.half == "judged" else TUNING), platforms(), MEMORY_SECONDS
    if given.quick:
        names, wanted, seconds = names[:2], wanted[::2], (10, 60)
    kept: dict[str, Any] = {"half": given.half, "environment": environment()}
    with tempfile.TemporaryDirectory() as folder:
        if "pairs" in parts:
            rows = run_pairs(given.clips, names, wanted, Path(folder))
            kept |= {"summary": summarise(rows), "pairs": [asdict(row) for row in rows]}
        if "memory" in parts:
            kept["peak_mb"] = run_memory(given.clips, Path(folder), seconds)
    print_environment()
    if given.json:
        given.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
