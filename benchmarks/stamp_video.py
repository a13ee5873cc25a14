"""Stamp clips, share them as videos are shared, and say where the stamp is still found.

    python benchmarks/stamp_video.py ../shared/data/videos

The first seconds of clips of which the released model saw no frame are cut out at CRF 10, stamped by the library as
`repost stamp` does, encoded again by Debian's ffmpeg program (x264 and libvpx-vp9, defaults but for what is said), and
scanned. The same is done without a stamp, for what is wrongly found. A clip counts as one, however many frames it has.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from environment import print_environment
from repost.media.video.upload import VideoUpload
from repost.metrics.intervals import clopper_pearson
from repost.stamp.model import load_model
from repost.stamp.scan import ScanResult
from repost.stamp.still import StampSettings
from repost.stamp.video import plan_stamping, scan_video, stamp_video
from tables import print_table

CLIPS = (
    "intel_sample/bottle-detection.mp4",
    "imageio/cockatoo_yuv420.mp4",
    "augly/small_input_1.mp4",
    "icpr2020dfdc/yhffcuhhjy.mp4",
    "icpr2020dfdc/original_sequences/youtube/c23/videos/519.mp4",
    "icpr2020dfdc/original_sequences/youtube/c23/videos/634.mp4",
    "icpr2020dfdc/manipulated_sequences/Deepfakes/c23/videos/519_515.mp4",
    "icpr2020dfdc/manipulated_sequences/FaceSwap/c23/videos/634_660.mp4",
)
SECONDS = 4

_X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
_HALF = ("-vf", "scale=trunc(iw/4)*2:trunc(ih/4)*2:flags=bicubic")
_SQUARE = ("-vf", "crop=trunc(min(iw\\,ih)/2)*2:trunc(min(iw\\,ih)/2)*2")
SHARED: dict[str, tuple[str, ...]] = {
    "as it was written": (),
    "CRF 23": (*_X264, "-crf", "23"),
    "CRF 28": (*_X264, "-crf", "28"),
    "CRF 34": (*_X264, "-crf", "34"),
    "CRF 40": (*_X264, "-crf", "40"),
    "half size, CRF 23": (*_HALF, *_X264, "-crf", "23"),
    "half size, CRF 28": (*_HALF, *_X264, "-crf", "28"),
    "half size, CRF 34": (*_HALF, *_X264, "-crf", "34"),
    "middle square, CRF 28": (*_SQUARE, *_X264, "-crf", "28"),
    "VP9, CRF 36": ("-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-crf", "36", "-b:v", "0", "-cpu-used", "4"),
}


@dataclass(frozen=True)
class Found:
    """What the scans of one way of sharing said."""

    stamped: list[ScanResult]
    plain: list[ScanResult]


def main() -> None:
    """Stamp, share, scan and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    videos = parser.parse_args().videos
    found = {name: Found([], []) for name in SHARED}
    for clip in CLIPS:
        with tempfile.TemporaryDirectory() as folder:
            _measure(videos / clip, Path(folder), found)
        print(f"done: {clip}", flush=True)
    rows = [[name, *_row(one)] for name, one in found.items()]
    print(f"\n{len(CLIPS)} clips of {SECONDS} s, {load_model().version}\n")
    print_table(["shared as", "found (95 %)", "uncertain", "median score", "lowest", "unstamped found"], rows)
    print_environment()


def _measure(clip: Path, folder: Path, found: dict[str, Found]) -> None:
    plain, stamped = folder / "plain.mp4", folder / "stamped.mp4"
    _ffmpeg(clip, plain, "-t", str(SECONDS), "-an", *_X264, "-crf", "10")
    upload = VideoUpload(plain)
    stamp_video(upload, plan_stamping(upload), stamped, settings=StampSettings())
    for name, arguments in SHARED.items():
        found[name].stamped.append(_scan_shared(stamped, arguments, folder))
        found[name].plain.append(_scan_shared(plain, arguments, folder))


def _scan_shared(clip: Path, arguments: tuple[str, ...], folder: Path) -> ScanResult:
    shared = clip
    if arguments:
        shared = folder / ("shared.webm" if "libvpx-vp9" in arguments else "shared.mp4")
        _ffmpeg(clip, shared, *arguments)
    result, _ = scan_video(VideoUpload(shared), None)
    return result


def _ffmpeg(source: Path, target: Path, *arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *arguments, target], check=True)


def _row(found: Found) -> list[str]:
    hits, count = sum(one.stamped is True for one in found.stamped), len(found.stamped)
    low, high = clopper_pearson(hits, count)
    scores = [one.score for one in found.stamped]
    return [
        f"{hits} of {count} ({low:.2f}-{high:.2f})",
        str(sum(one.stamped is None for one in found.stamped)),
        f"{median(scores):.1f}",
        f"{min(scores):.1f}",
        str(sum(one.stamped is True for one in found.plain)),
    ]


if __name__ == "__main__":
    main()
