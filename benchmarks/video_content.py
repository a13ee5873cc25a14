"""How well `compare_content` tells the same video from another, on real clips shared at CRF 40 and 360 lines.

    python benchmarks/video_content.py ../shared/data/videos

Every clip is encoded anew and compared with every clip, as if all lasted equally long; and each first half with its own
second half, which is another take of one scene. Thresholds are chosen on the clips of even rank by name, reported on
those of odd rank. Clips that share a picture (an original and its deepfake) are listed apart. Needs ffmpeg.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np

from repost.estimation.videos import content, thumbnails
from repost.media.video.facts import VideoFacts, read_video_facts

CRF, LINES = 40, 360
DEEPFAKES = [{"519.mp4", "519_515.mp4"}, {"634.mp4", "634_660.mp4"}]


def share(source: Path, folder: Path) -> Path:
    """What a harsh network would serve."""
    out = folder / source.name
    scale = f"scale='if(gt(iw,ih),-2,{LINES})':'if(gt(iw,ih),{LINES},-2)'"
    options = ["-vf", scale, "-c:v", "libx264", "-crf", str(CRF), "-preset", "veryfast", "-pix_fmt", "yuv420p", "-an"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, *options, out], check=True)
    return out


read_from_file = thumbnails.read_thumbnails


@cache
def whole(path: Path) -> thumbnails.Thumbnails:
    """Every frame of a clip, so that each is decoded once."""
    return read_from_file(path, read_video_facts(path), windows=[thumbnails.Window(0, np.inf)])


def part(path: Path, facts: VideoFacts, windows: list[thumbnails.Window]) -> thumbnails.Thumbnails:
    """What `read_thumbnails` gives for a clip that begins at `facts.start_s`."""
    found = whole(path)
    times_s = found.times_s - float(facts.start_s)
    kept = np.zeros(len(times_s), bool)
    for window in windows:
        kept |= (times_s >= window.start_s) & (times_s <= window.end_s)
        kept[max(0, np.searchsorted(times_s, window.start_s, side="right") - 1)] = True
    return thumbnails.Thumbnails(times_s[kept], found.luma[kept])


def compare(original: Path, shared: Path, *, starts_s: tuple[float, float], lasts_s: float) -> tuple[float, float]:
    """Correlation, and correlation of what moves (1 where nothing does)."""
    facts = [
        dataclasses.replace(read_video_facts(path), start_s=start_s, duration_s=lasts_s)
        for path, start_s in zip((original, shared), starts_s, strict=True)
    ]
    best = content.best_alignment(original, shared, (facts[0], facts[1]))
    assert best is not None
    return best.correlation, 1.0 if best.motion is None else best.motion


def main() -> None:
    """Print the separation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", type=Path)
    clips = sorted(parser.parse_args().clips.rglob("*.mp4"), key=lambda path: path.name)
    content.read_thumbnails = lambda path, facts, *, windows: part(path, facts, windows)  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        shared = [share(clip, Path(folder)) for clip in clips]
        lasts_s = {path: read_video_facts(path).duration_s for path in (*clips, *shared)}
        rows: list[tuple[str, int, str, float, float]] = []
        for rank, clip in enumerate(clips):
            for other, served in enumerate(shared):
                common_s = min(lasts_s[clip], lasts_s[served])
                found = compare(clip, served, starts_s=(0, 0), lasts_s=common_s)
                fake = {clip.name, served.name} in DEEPFAKES
                kind = "same" if rank == other else "deepfake" if fake else "other"
                # Pairs across the halves belong to neither.
                half = rank % 2 if rank % 2 == other % 2 or kind == "deepfake" else -1
                rows.append((kind, half, f"{clip.name} / {served.name}", *found))
            half_s = lasts_s[clip] / 2
            rows.append(
                ("take", rank % 2, clip.name, *compare(clip, shared[rank], starts_s=(0, half_s), lasts_s=half_s))
            )
        report(rows)
        before = time.process_time()
        content.read_thumbnails = read_from_file
        passed = sum(content.compare_content(clip, served).same for clip, served in zip(clips, shared, strict=True))
        print(
            f"{passed} of {len(clips)} shared clips pass, {(time.process_time() - before) / len(clips):.2f} CPU s each"
        )


def report(rows: list[tuple[str, int, str, float, float]]) -> None:
    """Extremes of each kind, on both halves."""
    for half, name in ((0, "even, thresholds chosen here"), (1, "odd, held out"), (-1, "across")):
        print(name)
        for kind, extreme in (("same", min), ("deepfake", min), ("take", max), ("other", max)):
            found = [row for row in rows if row[0] == kind and row[1] == half]
            if found:
                picture, motion = extreme(found, key=lambda row: row[3]), extreme(found, key=lambda row: row[4])
                passing = sum(row[3] >= content.LEAST_CORRELATION and row[4] >= content.LEAST_MOTION for row in found)
                print(
                    f"  {kind:9} n={len(found):3}  {extreme.__name__} correlation {picture[3]:6.3f} ({picture[2]})"
                    f"  motion {motion[4]:6.3f} ({motion[2]})  passing {passing}"
                )


if __name__ == "__main__":
    main()
