"""How well `repost identify` names the network a video came from, and whether its probabilities hold.

    python benchmarks/identify_videos.py [--shared DIR] [--seconds N] [--json FILE]

1. Emulated uploads: the beginning of each clip, its packets copied, goes through five invented networks. Two of them
   are alike but for the rate factor, the preset and the sound. What comes back is identified by content alone.
2. "None of these": the clips themselves, which nobody shared through any of the five, and every served file once more
   with the profile of its network left out.
3. Reliability: probabilities against how often they came true, in the mixture that the stated prior describes.

Nothing was fitted to these clips or networks. All of them are emulated with the very encoder that the likelihoods know,
so this says how well profiles are told apart that are right, and nothing about real networks.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "16384")  # x264's output must not depend on what ran before

import av

from environment import environment, print_environment
from repost.channel.video.emulate import emulate_video
from repost.core.errors import RepostError
from repost.estimation.identify.rank import NONE_PRIOR, UNSHARED_SHARE, Identification, identify
from repost.estimation.identify.videos.signature import VideoSignature, read_video_signature
from repost.media.video.upload import VideoUpload
from repost.metrics.intervals import share_in_words
from repost.platforms import Profile
from repost.platforms.catalog import parse_profile
from tables import print_table

SHARED = Path(__file__).resolve().parents[2] / "shared"
X264 = {"op": "encode", "codec": "h264", "encoder": "libx264"}
CONTAINER = {"op": "container", "format": "mp4", "strip_sei": True}


def invented() -> tuple[Profile, ...]:
    """Five networks that do not exist."""
    fixed = {"gop_s": 2, "scene_cut": False, "b_frames": 2}
    by_bitrate = {"by": "bitrate_bps", "bands": [{"under": 1_000_000, "value": 24}], "otherwise": 27}
    return (
        _network(
            "aspen",
            size={"fit": "short_side", "px": 480},
            encode={"preset": "medium", "rate": {"mode": "crf", "crf": 28}, **fixed},
            sound=_aac(128_000),
        ),
        _network(
            "birch",
            size={"fit": "short_side", "px": 480},
            encode={"preset": "fast", "rate": {"mode": "crf", "crf": {"samples": [26, 27, 27.5, 29]}}, **fixed},
            sound=_aac(96_000),
        ),
        _network(
            "cedar",
            size={"fit": "short_side", "px": 360},
            encode={"preset": "veryfast", "profile": "main", "level": "3.1", "gop_s": 1, "scene_cut": False}
            | {"rate": {"mode": "abr", "bits_per_pixel_s": 1.4, "passes": 2}},
            sound=_aac(64_000),
        ),
        _network(
            "dogwood",
            size={"fit": "long_side", "px": 640},
            encode={"preset": "slow", "rate": {"mode": "crf", "crf": by_bitrate}},
            sound={"op": "audio", "action": "copy"},
            container=CONTAINER | {"strip_sei": False},
        ),
        _network(
            "elm",
            size={"fit": "cover", "width_px": 360, "height_px": 640, "upscale": True},
            encode={"preset": "faster", "profile": "main", "b_frames": 0, "gop_frames": 48}
            | {"rate": {"mode": "abr", "bits_per_pixel_s": 2.0, "vbv_max_ratio": 1.5, "vbv_buffer_s": 2}},
            sound={"op": "audio", "action": "drop"},
            fps=24,
        ),
    )


def _network(
    name: str,
    *,
    size: dict[str, Any],
    encode: dict[str, Any],
    sound: dict[str, Any],
    container: dict[str, Any] = CONTAINER,
    fps: int = 30,
) -> Profile:
    resize = {"op": "resize", "kernel": "bicubic"} | ({} if size["fit"] == "cover" else {"multiple_of": 2}) | size
    steps = [{"op": "orient"}, resize, {"op": "frame_rate", "fps": fps}, X264 | encode, sound, container]
    profile = {
        "platform": name,
        "observed": "2026",
        "summary": "Invented.",
        "evidence": [{"kind": "inferred", "source": "made up"}],
        "rules": [{"media": "video", "name": "any", "steps": steps}],
    }
    return parse_profile(profile, source=name)


def _aac(bitrate_bps: int) -> dict[str, Any]:
    return {"op": "audio", "action": "encode", "codec": "aac", "bitrate_bps": bitrate_bps}


@dataclass(frozen=True, slots=True)
class Judged:
    """One file identified; `truth` is None for none of these, `weight` is that in the mixture of the prior."""

    clip: str
    kind: str
    truth: str | None
    found: Identification
    weight: float

    @property
    def right(self) -> bool:
        """Whether the likeliest of all answers, "none of these" among them, is true."""
        best = self.found.candidates[0]
        return (best.platform if best.probability > self.found.none else None) == self.truth


def begin(source: Path, target: Path, *, seconds: float) -> VideoUpload:
    """The first seconds of a clip with its sound, packets copied and not encoded again."""
    with av.open(str(source)) as container, av.open(str(target), "w") as opened:
        out: Any = opened  # PyAV's stubs leave half of the type open
        streams = [container.streams.video[0], *container.streams.audio[:1]]
        copies = {stream.index: out.add_stream_from_template(stream) for stream in streams}
        for packet in container.demux(streams):
            if packet.dts is not None and packet.pts is not None and packet.pts * packet.time_base < seconds:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    return VideoUpload(target, name=source.stem)


def judge(clips: list[Path], networks: tuple[Profile, ...], folder: Path, *, seconds: float) -> Iterator[Judged]:
    """Every clip through every network, each file with all profiles and with its own left out, and the clips."""
    each = 1 / len(clips)
    for number, clip in enumerate(clips):
        upload = begin(clip, folder / f"{number}.mp4", seconds=seconds)
        itself = identify(read_video_signature(upload.path), profiles=networks)
        yield Judged(clip.stem, "unshared", None, itself, NONE_PRIOR * UNSHARED_SHARE * each)
        for network in networks:
            served = emulate_video(upload, network, folder / "served.mp4", seed=number).path
            signature: VideoSignature = read_video_signature(served)
            share = each / len(networks)
            found = identify(signature, profiles=networks)
            yield Judged(clip.stem, "served", network.platform, found, (1 - NONE_PRIOR) * share)
            others = [other for other in networks if other is not network]
            found = identify(signature, profiles=others)
            yield Judged(clip.stem, "stranger", None, found, NONE_PRIOR * (1 - UNSHARED_SHARE) * share)


def _print_served(rows: list[Judged], networks: tuple[Profile, ...]) -> dict[str, str]:
    table = []
    for network in networks:
        mine = [row for row in rows if row.truth == network.platform]
        firsts = Counter(row.found.candidates[0].platform for row in mine)
        right = firsts.pop(network.platform, 0)
        taken = ", ".join(f"{other} {count}" for other, count in firsts.most_common()) or "-"
        unsure = sum(not row.found.answer for row in mine)
        table.append([network.platform, str(len(mine)), str(right), str(unsure), taken])
    print_table(("network", "n", "top-1", "'none' answered", "taken for"), table)
    served = [row for row in rows if row.kind == "served"]
    numbers = {
        "top-1 of the networks": share_in_words(
            sum(row.found.candidates[0].platform == row.truth for row in served), len(served)
        ),
        "top-1, 'none of these' among the answers": share_in_words(sum(row.right for row in served), len(served)),
    }
    for kind, words in (("unshared", "the clips themselves"), ("stranger", "own profile left out")):
        these = [not row.found.answer for row in rows if row.kind == kind]
        numbers[f"'none of these' answered, {words}"] = share_in_words(sum(these), len(these))
    print()
    for name, number in numbers.items():
        print(f"{name}: {number}")
    for row in rows:
        if not row.right:
            best = row.found.candidates[0]
            said = f"{best.platform} {best.probability:.3f}, none {row.found.none:.3f}"
            print(f"  wrong: {row.kind} {row.clip} from {row.truth}: {said}")
    return numbers


def _print_reliability(rows: list[Judged]) -> dict[str, float]:
    """Probabilities against how often they came true, files weighed as in the prior, in ten bins."""
    said = [(row.found.none, row.truth is None, row.weight) for row in rows]
    said += [(one.probability, one.platform == row.truth, row.weight) for row in rows for one in row.found.candidates]
    tops = []
    for row in rows:
        best = row.found.candidates[0]
        probability, who = max((best.probability, best.platform), (row.found.none, None), key=lambda one: one[0])
        tops.append((probability, who == row.truth, row.weight))
    found = {"all probabilities": _calibration_error(said), "the likeliest answer": _calibration_error(tops)}
    errors = ", ".join(f"{name} {error:.3f}" for name, error in found.items())
    print(f"\nexpected calibration error (n = {len(rows)} files): {errors}")
    table = []
    for low, high in ((0, 0.5), (0.5, 0.75), (0.75, 0.9), (0.9, 0.97), (0.97, 1.01)):
        inside = [one for one in tops if low <= one[0] < high]
        mass = sum(weight for _, _, weight in inside)
        if mass:
            mean = sum(probability * weight for probability, _, weight in inside) / mass
            true = sum(weight for _, came_true, weight in inside if came_true) / mass
            table.append([f"{low:.2f}-{min(high, 1):.2f}", str(len(inside)), f"{mean:.3f}", f"{true:.3f}"])
    print_table(("likeliest answer", "n", "said", "came true"), table)
    return found


def _calibration_error(said: list[tuple[float, bool, float]], *, bins: int = 10) -> float:
    total, error = sum(weight for _, _, weight in said), 0.0
    for index in range(bins):
        inside = [one for one in said if index == min(bins - 1, int(one[0] * bins))]
        error += abs(sum((probability - came_true) * weight for probability, came_true, weight in inside)) / total
    return error


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    parser.add_argument("--seconds", type=float, default=3.0, help="how much of each clip")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args()
    clips = sorted((arguments.shared / "data" / "videos").glob("**/*.mp4"))
    if not clips:
        print(f"nothing measured: no clips at {arguments.shared / 'data' / 'videos'}")
        return
    networks = invented()
    print(f"{len(clips)} clips of {arguments.seconds:g} s, {len(networks)} networks")
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows = list(judge(clips, networks, Path(folder), seconds=arguments.seconds))
        except RepostError as error:
            parser.exit(1, f"stopped: {error}\n")
    numbers: dict[str, Any] = {"served": _print_served(rows, networks), "reliability": _print_reliability(rows)}
    print(f"CPU time: {time.process_time() - begun:.0f} s")
    print_environment()
    if arguments.json:
        content = {"environment": environment(), "clips": len(clips), **numbers}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
