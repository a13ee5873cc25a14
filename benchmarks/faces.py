"""Face extraction at every 50th frame of 1080p video beside dlib with upsample 1, as the published pipelines run it.

    python benchmarks/faces.py ../shared/data/videos [--repeats 3] [--agree-every 10] [--long-minutes 10]

Clips are the first 12 seconds of real ones, scaled bicubically (and padded with black) to 1920x1080 or 1080x1920 by the
ffmpeg program and encoded by x264's preset veryfast at CRF 16 (groups of 250, 3 B-frames) into build/faces, where they
stay.
The fast path was tuned on TUNING and is judged on JUDGED; an original and its deepfake are in the same half.

Times are those of the clock with as many threads as each takes by itself, and CPU seconds of one thread; peers are
interleaved. "published" reads every frame with cv2.VideoCapture, as detect_from_video.py of FaceForensics++ does; "in
order" decodes every frame with PyAV and converts only those it looks at. Both run dlib with upsample 1 on every 50th,
cut the largest face out by the same rule and write a PNG.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from environment import print_environment
from repost.faces import DetectorChoice, Face, FaceSettings, crop, extract, load_detector, overlap
from repost.faces.choose import choose
from repost.media.png import png_bytes
from repost.media.video.facts import read_video_facts
from repost.media.video.frames import decode_frames, upright_rgb8
from repost.media.video.sampling import read_frame_table
from repost.metrics.intervals import clopper_pearson
from tables import print_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FF = "icpr2020dfdc"
TUNING = (
    *("liveportrait/driving_d10", "liveportrait/driving_d12", "liveportrait/source_s18"),
    *(f"{_FF}/original_sequences/youtube/c23/videos/519", f"{_FF}/manipulated_sequences/Deepfakes/c23/videos/519_515"),
)
JUDGED = (
    *("liveportrait/driving_d11", "liveportrait/driving_d18", "liveportrait/driving_d20", "liveportrait/source_s29"),
    *(f"{_FF}/original_sequences/youtube/c23/videos/634", f"{_FF}/manipulated_sequences/FaceSwap/c23/videos/634_660"),
    f"{_FF}/yhffcuhhjy",
)
EVERY, CLIP_S, CRF = 50, 12, 16
ASKED_RATIO, ASKED_OVERLAP, ASKED_SHARE, ASKED_MIB = 5.0, 0.7, 0.98, 1024
SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
FACTORS = (0.4, 0.3, 0.22, 0.16)
FOLDER = Path("build/faces")
Loop: TypeAlias = Callable[[Path, Path, int], int]
"""Of a clip, a folder for PNGs and the number of threads."""


def ffmpeg(*options: object) -> None:
    """Run the program, quietly."""
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, options)], check=True)


def clip_at_1080p(source: Path) -> Path:
    """A clip's first seconds at 1080p, made where it is not there yet."""
    path = FOLDER / f"{source.stem}.mp4"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    wide, high = "if(gte(iw,ih),1920,1080)", "if(gte(iw,ih),1080,1920)"
    scale = f"scale='{wide}':'{high}':force_original_aspect_ratio=decrease:flags=bicubic"
    padded = f"{scale},pad='if(gte(iw,ih),1920,1080)':'if(gte(iw,ih),1080,1920)':-1:-1"
    encoder = ["-an", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-crf", CRF]
    part = path.with_suffix(".part.mp4")
    ffmpeg("-i", source, "-vf", padded, "-t", CLIP_S, *encoder, part)
    part.replace(path)
    return path


def published(path: Path, out: Path, threads: int) -> int:
    """How many faces the published loop cuts out."""
    import cv2

    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads] if threads else [])
    count = number = 0
    while True:
        there, bgr = video.read()
        if not there:
            return count
        if number % EVERY == 0:
            count += cut_largest(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), out / f"{number}.png")
        number += 1


def in_order(path: Path, out: Path, threads: int) -> int:
    """The same with frames decoded by PyAV, of which only those that are looked at are converted."""
    count = 0
    for number, frame in enumerate(decode_frames(path, threads=threads)):
        if number % EVERY == 0:
            count += cut_largest(upright_rgb8(frame), out / f"{number}.png")
    return count


def cut_largest(pixels: NDArray[np.uint8], path: Path) -> bool:
    """Whether dlib with upsample 1 finds a face, which is written."""
    face = choose(load_detector(DetectorChoice("dlib-full")).find(pixels), "largest")
    if face is not None:
        path.write_bytes(png_bytes(crop(pixels, face.box)))
    return face is not None


def ours(path: Path, out: Path, threads: int) -> int:
    """How many faces repost cuts out."""
    count = 0
    for found in extract(path, FaceSettings(threads=threads), every=EVERY):
        if found.cut is not None:
            (out / f"{found.frame}.png").write_bytes(png_bytes(found.cut.pixels))
            count += 1
    return count


@dataclass(frozen=True, slots=True)
class Timing:
    """How time is taken.

    Attributes:
        what: In words.
        clock: Gives seconds.
        threads: Of decoders and of OpenCV; 0 leaves it to them.
    """

    what: str
    clock: Callable[[], float]
    threads: int

    def of(self, work: Loop, path: Path, out: Path) -> tuple[float, int]:
        """Seconds and faces of one run."""
        import cv2

        cv2.setNumThreads(self.threads or -1)
        began = self.clock()
        count = work(path, out, self.threads)
        return self.clock() - began, count


TIMINGS = (
    Timing("seconds of the clock, threads as each takes them", time.perf_counter, 0),
    Timing("CPU seconds of one thread", time.process_time, 1),
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Faces of dlib with upsample 1 in frames of a clip, and how well the fast path's match them.

    Attributes:
        theirs: How many dlib found.
        ours: How many the fast path found.
        overlaps: Of each of dlib's, the largest overlap with one of ours.
        frames: Looked at.
        empty: Frames where dlib found one and the fast path none.
        full_ms: CPU time of dlib, a frame.
        fast_ms: CPU time of the fast path.
    """

    theirs: int
    ours: int
    overlaps: list[float]
    frames: int
    empty: int
    full_ms: float
    fast_ms: float


def agreement(pictures: Iterable[NDArray[np.uint8]]) -> Agreement:
    """Compare both detectors."""
    full, fast = load_detector(DetectorChoice("dlib-full")), load_detector(DetectorChoice("dlib"))
    theirs: list[list[Face]] = []
    found: list[list[Face]] = []
    times_s = [0.0, 0.0]
    for pixels in pictures:
        for which, (detector, into) in enumerate(((full, theirs), (fast, found))):
            began = time.process_time()
            into.append(detector.find(pixels))
            times_s[which] += time.process_time() - began
    overlaps = [
        max((overlap(face.box, other.box) for other in others), default=0.0)
        for faces, others in zip(theirs, found, strict=True)
        for face in faces
    ]
    empty = sum(bool(faces) and not others for faces, others in zip(theirs, found, strict=True))
    count = len(theirs)
    ms = [1000 * spent_s / count for spent_s in times_s]
    return Agreement(sum(map(len, theirs)), sum(map(len, found)), overlaps, count, empty, ms[0], ms[1])


def frames_of(path: Path, *, every: int) -> Iterator[NDArray[np.uint8]]:
    """Every so-manieth frame of a clip."""
    for number, frame in enumerate(decode_frames(path, threads=1)):
        if number % every == 0:
            yield upright_rgb8(frame)


def smaller(pictures: Iterable[NDArray[np.uint8]], *, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Each picture several times made smaller, somewhere on itself upside down and blurred beyond recognition."""
    import cv2

    places = np.random.default_rng(seed)
    for pixels in pictures:
        height, width = pixels.shape[:2]
        blurred = cv2.resize(pixels[::-1], (width // 60, height // 60), interpolation=cv2.INTER_AREA)
        for factor in FACTORS:
            canvas = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_CUBIC)
            part = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            top, left = (int(places.integers(0, canvas.shape[axis] - part.shape[axis])) for axis in (0, 1))
            canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
            yield canvas


LOOPS: dict[str, Loop] = {"published": published, "in order": in_order, "repost": ours}


def speed(clips: list[Path], timing: Timing, *, repeats: int) -> None:
    """Print the time of extraction, and ratios."""
    rows: list[list[str]] = []
    spent_s: dict[Path, dict[str, float]] = {}
    faces: dict[Path, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for path in clips:
            rounds = [
                {name: timing.of(work, path, Path(scratch)) for name, work in LOOPS.items()} for _ in range(repeats)
            ]
            spent_s[path] = {name: median(one[name][0] for one in rounds) for name in LOOPS}
            faces[path] = {name: rounds[0][name][1] for name in LOOPS}
            rows.append([path.stem, *_cells(spent_s[path])])
    whole = {name: sum(spent[name] for spent in spent_s.values()) for name in LOOPS}
    print_table(("clip", *(f"{name} s" for name in LOOPS), "published ratio", "in order ratio"), rows)
    full = [path for path in clips if faces[path]["in order"] == -(-read_frame_table(path).count // EVERY)]
    with_faces = {name: sum(spent_s[path][name] for path in full) for name in LOOPS}
    for what, sums in (("all clips", whole), (f"the {len(full)} clips with a face in every frame", with_faces)):
        for name in ("published", "in order"):
            ratio = sums[name] / sums["repost"]
            print(f"{what}, against {name}: {ratio:.2f}; asked >= {ASKED_RATIO:g}: {_met(ratio >= ASKED_RATIO)}")
    found = {name: sum(one[name] for one in faces.values()) for name in LOOPS}
    print(f"frames with a face: {found['in order']} by dlib with upsample 1, {found['repost']} by repost")


def _cells(spent_s: dict[str, float]) -> list[str]:
    ratios = [spent_s[name] / spent_s["repost"] for name in ("published", "in order")]
    return [*(f"{spent_s[name]:.2f}" for name in LOOPS), *(f"{ratio:.1f}" for ratio in ratios)]


def _met(held: bool) -> str:
    return "met" if held else "MISSED"


def agree(pictures: dict[str, Iterable[NDArray[np.uint8]]]) -> None:
    """Print how the faces compare, and the time of detection alone."""
    found = {name: agreement(those) for name, those in pictures.items()}
    rows = [
        [
            name,
            *(str(number) for number in (one.frames, one.theirs, one.ours, one.empty)),
            f"{min(one.overlaps, default=1):.2f}",
            f"{mean(one.overlaps or [1]):.2f}",
            f"{one.full_ms:.0f}",
            f"{one.fast_ms:.0f}",
            f"{one.full_ms / one.fast_ms:.1f}",
        ]
        for name, one in found.items()
    ]
    head = ("clip", "frames", "upsample 1", "repost", "missed", "least IoU", "mean IoU", "ms", "repost ms", "ratio")
    print_table(head, rows)
    overlaps = [value for one in found.values() for value in one.overlaps]
    hits, count = sum(value >= ASKED_OVERLAP for value in overlaps), len(overlaps)
    low, high = clopper_pearson(hits, count)
    theirs, number = sum(one.theirs for one in found.values()), sum(one.ours for one in found.values())
    share = hits / count
    print(
        f"IoU >= {ASKED_OVERLAP} of {hits} of {count} faces: {share:.3f} (95 %: {low:.3f} to {high:.3f}, frames taken "
        f"for independent); asked >= {ASKED_SHARE}: {_met(share >= ASKED_SHARE)}"
        f"\nfaces found: {theirs} by upsample 1, {number} by repost; asked not fewer: {_met(number >= theirs)}"
    )
    spent = [sum(one.frames * ms for one, ms in zip(found.values(), times, strict=True)) for times in _times(found)]
    print(f"without decoding, detection alone: {spent[0] / spent[1]:.1f} times as fast")


def _times(found: dict[str, Agreement]) -> tuple[list[float], list[float]]:
    return [one.full_ms for one in found.values()], [one.fast_ms for one in found.values()]


def memory(clip: Path, *, minutes: float) -> None:
    """Print the peak memory of the command on a long clip, the same one repeated by copying its stream."""
    with tempfile.TemporaryDirectory() as scratch:
        long_clip, duration_s = Path(scratch) / "long.mp4", read_video_facts(clip).duration_s
        ffmpeg("-stream_loop", math.ceil(minutes * 60 / duration_s) - 1, "-i", clip, "-c", "copy", long_clip)
        for path, what in ((clip, f"{duration_s:.0f} s"), (long_clip, f"{minutes:g} min")):
            done = subprocess.run(
                [sys.executable, __file__, "--once", path, Path(scratch) / what],
                check=True,
                capture_output=True,
                text=True,
            )
            mib, frames, wall_s = json.loads(done.stdout.splitlines()[-1])
            held = _met(mib < ASKED_MIB)
            print(f"peak memory on {what} of 1080p: {mib:.0f} MiB, {frames} frames in {wall_s:.0f} s", end="")
            print(f"; asked < {ASKED_MIB} MiB: {held}")


def once(path: Path, out: Path) -> None:
    """Run the batch of the verb on one clip, in this process."""
    from repost import batch
    from repost.faces.files import ExtractFaces, face_items

    began = time.perf_counter()
    work = ExtractFaces(out, FaceSettings(), EVERY)
    found = batch.list_inputs([path], out)
    items = face_items(found, work, batch.output_stems(entry.id for entry in found))
    rows = sum(isinstance(event, batch.RowFinished) for event in batch.run(items, work, out=out))
    print(json.dumps([peak_mib(), rows, time.perf_counter() - began]))


def peak_mib() -> float:
    """Most memory this process held. getrusage would count what its parent held before it."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def detectors(frames: list[NDArray[np.uint8]], onnx: Path) -> None:
    """Print the CPU time of every detector by the size of the picture."""
    import cv2

    choices = [DetectorChoice("dlib"), DetectorChoice("dlib-full", upsample=0), DetectorChoice("dlib-full")]
    choices += [DetectorChoice("mtcnn")] + ([DetectorChoice("yunet", onnx)] if onnx.is_file() else [])
    rows: list[list[str]] = []
    for choice in choices:
        cells: list[str] = []
        for size in SIZES:
            spent: list[float] = []
            for pixels in frames:
                picture = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
                began = time.process_time()
                load_detector(choice).find(picture)
                spent.append(time.process_time() - began)
            cells.append(f"{1000 * median(spent):.0f}")
        name = choice.name if choice.upsample is None else f"{choice.name}, upsample {choice.upsample}"
        rows.append([name, *cells])
    print_table(("detector, CPU ms", *(f"{width}x{height}" for width, height in SIZES)), rows)
    print(f"median of {len(frames)} pictures with a face each, one thread")


def first_frames(clips: list[Path]) -> Iterator[NDArray[np.uint8]]:
    """The first frame of each clip."""
    for path in clips:
        yield upright_rgb8(next(iter(decode_frames(path, threads=1))))


def main() -> None:
    """Print everything."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if sys.argv[1:2] == ["--once"]:
        once(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("videos", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--agree-every", type=int, default=10)
    parser.add_argument("--long-minutes", type=float, default=10)
    parser.add_argument("--tuning", action="store_true", help="The clips the fast path was tuned on.")
    given = parser.parse_args()
    names = TUNING if given.tuning else JUDGED
    clips = [clip_at_1080p(given.videos / f"{name}.mp4") for name in names]
    print(f"{len(clips)} clips of 1080p, every {EVERY}th frame, {given.repeats} rounds")
    for timing in TIMINGS:
        print(f"\n{timing.what}\n")
        speed(clips, timing, repeats=given.repeats)
    print(f"\nevery {given.agree_every}th frame\n")
    agree({path.stem: frames_of(path, every=given.agree_every) for path in clips})
    print(f"\nevery {EVERY}th frame made smaller, to {', '.join(f'{factor:g}' for factor in FACTORS)} of its size\n")
    agree({path.stem: smaller(frames_of(path, every=EVERY), seed=at) for at, path in enumerate(clips)})
    print()
    detectors(list(first_frames(clips[:6])), given.videos.parent / "weights/yunet/yunet_n_dynamic.onnx")
    print()
    memory(clips[-1], minutes=given.long_minutes)
    print_environment()


if __name__ == "__main__":
    main()
