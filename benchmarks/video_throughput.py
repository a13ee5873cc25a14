"""What an emulation costs beside the ffmpeg program with the same settings, in time and memory, and whether it repeats.

    python benchmarks/video_throughput.py CLIP [--repeats 5] [--seconds 10] [--long-minutes 10]

CLIP is any video of 960x540 or more; `--seconds` of it, scaled to 960x540, are the upload, and its repetition is the
long one. Both programs scale it to 480 lines (bicubic), encode it with x264 (CRF 28, medium) and copy no sound.
CPU seconds and wall time are medians of interleaved repetitions; a ratio above 1 means that repost was faster. The
child's start is left out, of both (ffmpeg's is a few hundredths of a second and is counted).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from environment import print_environment
from tables import print_table

CRF = 28
LINES = 480
ASKED_RATIO, ASKED_MIB, ASKED_GROWTH = 0.95, 200, 0.10


def emulate_once(clip: Path, out: Path, *, threads: int, preset: str) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak memory (MiB) of one emulation; for a process of its own."""
    from repost.channel.video.emulate import emulate_video
    from repost.media.video.upload import VideoUpload
    from repost.platforms.catalog import parse_profile

    steps = [
        {"op": "resize", "fit": "height", "px": LINES, "kernel": "bicubic", "multiple_of": 2},
        {
            "op": "encode",
            "codec": "h264",
            "preset": preset,
            "profile": "high",
            "threads": threads,
            "rate": {"mode": "crf", "crf": CRF},
        },
        {"op": "audio", "action": "drop"},
    ]
    plain = {
        "platform": "bench",
        "observed": "2026",
        "summary": "Throughput.",
        "evidence": [{"kind": "inferred", "source": "this benchmark"}],
        "rules": [{"media": "video", "name": "every video", "steps": steps}],
    }
    profile = parse_profile(plain, source="this benchmark")
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    emulate_video(VideoUpload(clip), profile, out, seed=1)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.process_time() - cpu_s, time.perf_counter() - wall_s, peak_mib


def in_a_process(clip: Path, out: Path, *, threads: int = 1, preset: str = "medium") -> tuple[float, float, float]:
    """`emulate_once` in a fresh process."""
    command = [sys.executable, __file__, "--once", str(clip), str(out), str(threads), preset]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu_s, wall_s, peak_mib = json.loads(found.stdout)
    return cpu_s, wall_s, peak_mib


def by_program(clip: Path, out: Path, *, threads: int) -> tuple[float, float, float]:
    """The same by the ffmpeg program."""
    before, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    scale = f"scale=-2:{LINES}:flags=bicubic"
    options = ["-c:v", "libx264", "-preset", "medium", "-profile:v", "high", "-crf", str(CRF)]
    output = ["-an", "-threads", str(threads), "-bsf:v", "filter_units=remove_types=6", "-movflags", "+faststart"]
    run_ffmpeg("-i", clip, "-vf", scale, "-pix_fmt", "yuv420p", *options, *output, out)
    wall_s = time.perf_counter() - wall_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s, 0.0


def run_ffmpeg(*options: object) -> None:
    """Run the program, quietly."""
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, options)], check=True)


def speed(clip: Path, folder: Path, *, repeats: int) -> None:
    """Print both programs' times."""
    rows: list[list[str]] = []
    for threads in (1, 2):
        ours: list[tuple[float, float, float]] = []
        theirs: list[tuple[float, float, float]] = []
        for _ in range(repeats):
            ours.append(in_a_process(clip, folder / "ours.mp4", threads=threads))
            theirs.append(by_program(clip, folder / "theirs.mp4", threads=threads))
        for index, unit in enumerate(("CPU s", "wall s")):
            ratios = [their[index] / our[index] for our, their in zip(ours, theirs, strict=True)]
            said = ""
            if unit == "CPU s":
                said = f"asked >= {ASKED_RATIO}: {'met' if median(ratios) >= ASKED_RATIO else 'MISSED'}"
            rows.append(
                [
                    f"{threads} thread{'s'[: threads > 1]}, {unit}",
                    f"{median(one[index] for one in ours):.2f}",
                    f"{median(one[index] for one in theirs):.2f}",
                    f"{median(ratios):.2f}",
                    f"{min(ratios):.2f} to {max(ratios):.2f}",
                    said,
                ]
            )
    print_table(("", "repost", "ffmpeg", "ratio", "range", ""), rows)
    print(f"n = {repeats} interleaved pairs of runs each")


def memory(clip: Path, folder: Path, *, minutes: float, seconds: float) -> None:
    """Print the peak memory on a short and a long upload."""
    long_clip = folder / "long.mp4"
    run_ffmpeg("-stream_loop", round(minutes * 60 / seconds) - 1, "-i", clip, "-c", "copy", long_clip)
    medium = in_a_process(clip, folder / "out.mp4")[2]
    short = in_a_process(clip, folder / "out.mp4", preset="veryfast")[2]
    long = in_a_process(long_clip, folder / "out.mp4", preset="veryfast")[2]
    met = max(medium, short, long) <= ASKED_MIB and abs(long / short - 1) < ASKED_GROWTH
    print(
        f"\npeak memory of a process that emulates at {LINES} lines: {short:.0f} MiB for {seconds:g} s, {long:.0f} MiB"
        f" for {minutes:g} min (veryfast); {medium:.0f} MiB for {seconds:g} s (medium)"
        f"\nasked <= {ASKED_MIB} MiB and less than {ASKED_GROWTH:.0%} apart: {'met' if met else 'MISSED'}"
    )


def repeats_alike(clip: Path, folder: Path, *, threads: int, count: int = 20) -> None:
    """Print how many emulations in one process, each after a dirtied heap, give the same bytes."""
    import numpy as np

    rng = np.random.default_rng(3)
    digests: list[str] = []
    for _ in range(count):
        dirty = [rng.integers(1, 256, int(size), np.uint8) for size in rng.integers(1_000, 4_000_000, 60)]
        del dirty
        emulate_once(clip, folder / "again.mp4", threads=threads, preset="medium")
        digests.append(hashlib.sha256((folder / "again.mp4").read_bytes()).hexdigest())
    fresh = folder / "fresh.mp4"
    in_a_process(clip, fresh, threads=threads)
    same = digests.count(hashlib.sha256(fresh.read_bytes()).hexdigest())
    print(f"\nbytes of a fresh process after a dirtied heap, threads {threads}: {same} of {count}")


def main() -> None:
    """Print everything."""
    if sys.argv[1:2] == ["--once"]:
        clip, out, threads, preset = sys.argv[2:]
        print(json.dumps(emulate_once(Path(clip), Path(out), threads=int(threads), preset=preset)))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--long-minutes", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        upload, short = folder / "upload.mp4", folder / "short.mp4"
        scale = ["-vf", "scale=960:540", "-c:v", "libx264", "-crf", "14", "-preset", "veryfast", "-an"]
        run_ffmpeg("-i", given.clip, "-t", given.seconds, *scale, "-pix_fmt", "yuv420p", upload)
        run_ffmpeg("-i", upload, "-t", 1, "-c", "copy", short)
        speed(upload, folder, repeats=given.repeats)
        memory(upload, folder, minutes=given.long_minutes, seconds=given.seconds)
        for threads in (1, 3):
            repeats_alike(short, folder, threads=threads)
    print_environment()


if __name__ == "__main__":
    main()
