"""Learn simulated platforms from some clips, and say how like the emulation is on clips it was not learned from.

    python benchmarks/video_fidelity.py ../shared/data/videos [--fresh] [--only NAME ...] [--other-ffmpeg PROGRAM]

Platforms of video_platforms.py are made with Debian's ffmpeg program. Originals are the first seconds of real clips,
encoded once at CRF 10, since whole clips last too long. Some clips give pairs, others are only judged: those of SEEN
were looked at while the estimator was mended, those of FRESH (`--fresh`) were not. Columns, all on held-out clips,
medians with the worst in brackets: bitrate error; frames of the same type; distance between the histograms of
quantisation parameters (earth mover's, in steps); clips whose frames are all equal to the last sample; clips of which
the ffmpeg program, run thrice more with the same command, makes the same frames every time;
|PSNR(emulated, original) - PSNR(shared, original)|. "peer" is the published framework's own way (int(mean CRF), the
encoder's defaults), from samples of the same pairs. Platforms that no x264 made are also emulated with
`match="quality"`, with the fidelity of the clip's own shared file and with what was learned.

`--other-ffmpeg` names a program with libopenh264, such as imageio-ffmpeg's; without it that platform is left out.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from environment import environment, print_environment
from repost.channel.video.emulate import emulate_video
from repost.channel.video.fidelity import compare_videos
from repost.core.errors import RepostError
from repost.estimation.about import About
from repost.estimation.pairing import FilesOfPair
from repost.estimation.videos.estimate import EstimatedVideos, estimate_videos
from repost.estimation.videos.lookup import profile_of_reference
from repost.estimation.videos.pair import Examination
from repost.estimation.videos.reference import ReferenceDatabase
from repost.media.video.frames import decode_frames, plane_of, read_stream_coding
from repost.media.video.upload import VideoUpload
from repost.metrics.intervals import share_in_words
from repost.platforms.profile import Profile
from repost.platforms.write import write_profile
from tables import print_table
from video_platforms import FRESH_PLATFORMS, PLATFORMS, Platform, make_original, share


@dataclass(frozen=True)
class Trial:
    """What is learned from, and what is judged."""

    platforms: Sequence[Platform]
    learned: Sequence[str]
    judged: Sequence[str]


SEEN = Trial(
    PLATFORMS,
    ("driving_d10", "634", "source_s29"),
    ("driving_d12", "519", "cockatoo_yuv420", "yhffcuhhjy"),
)
"""Square and small, wide, and upright in both; 20, 25 and 30 frames a second. One held-out clip has a scene cut."""
FRESH = Trial(
    FRESH_PLATFORMS,
    ("small_input_1", "519_515", "driving_d11", "driving_d18", "634_660", "demo_data_gallery_02_cups"),
    ("bottle-detection", "driving_d20", "source_s18", "demo_data_gallery_03_blocks", "demo_data_gallery_04_coffee"),
)
"""Short sides of 360, 480, 512 and 720 px to learn from. Two are deepfakes of clips in SEEN; none judged is."""

REPEATS = 3
"""How often the ffmpeg program shares a judged clip again."""


@dataclass(frozen=True)
class Likeness:
    """How like one emulated file is to the shared one.

    Attributes:
        clip: Which.
        bitrate_error: Emulated over shared, less 1.
        same_types: Share of frames of the same type.
        qp_distance: Between histograms of quantisation parameters; None where the standard's decoder tells none.
        identical: Whether all frames are equal.
        quality_gap_db: Difference of the PSNR to the original.
        repeats: Whether the ffmpeg program makes the same frames again; None where that was not asked.
    """

    clip: str
    bitrate_error: float
    same_types: float
    qp_distance: float | None
    identical: bool
    quality_gap_db: float
    repeats: bool | None = None


def judge(original: VideoUpload, shared: Path, emulated: Path, *, kernel: str) -> Likeness:
    """Compare an emulated file with the shared one."""
    before, after = (VideoUpload(path) for path in (shared, emulated))
    codings = [read_stream_coding(path) for path in (shared, emulated)]
    kinds = [coding.kinds for coding in codings]
    same = sum(first == second for first, second in zip(*kinds, strict=False))
    known = before.facts.codec == after.facts.codec and all(coding.qp_by_kind for coding in codings)
    psnr_db = [compare_videos(original, path, kernel=kernel)["psnr_db"] or 99.0 for path in (shared, emulated)]
    return Likeness(
        original.path.stem,
        after.facts.bitrate_bps / before.facts.bitrate_bps - 1,
        same / max(map(len, kinds)),
        _distance(*(coding.qp_histogram for coding in codings)) if known else None,
        _identical(shared, emulated),
        abs(psnr_db[1] - psnr_db[0]),
    )


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(np.cumsum(first / first.sum() - second / second.sum())).sum())


def _identical(first: Path, second: Path) -> bool:
    pairs = zip(decode_frames(first), decode_frames(second), strict=True)
    try:
        return all(
            (one.width, one.height) == (other.width, other.height)
            and all(np.array_equal(plane_of(one, index), plane_of(other, index)) for index in range(3))
            for one, other in pairs
        )
    except ValueError:  # not as many frames
        return False


def repeats(platform: Platform, original: Path, shared: Path) -> bool:
    """Whether the ffmpeg program makes the frames of a shared file again, every time."""
    for _ in range(REPEATS):
        again = share(platform, original, shared.parents[1] / "again" / shared.name)
        if again.read_bytes() != shared.read_bytes() and not _identical(shared, again):
            return False
    return True


def learn(platform: Platform, names: Sequence[str], originals: Path, served: Path) -> EstimatedVideos:
    """What the pairs teach."""
    pairs = [FilesOfPair(name, originals / f"{name}.mp4", served / f"{name}.mp4") for name in names]
    events = estimate_videos(pairs, About(platform.name, "2026-11"), how=Examination(encoder=platform.searched_with))
    return next(event for event in events if isinstance(event, EstimatedVideos))


def peer_profile(platform: Platform, learned: EstimatedVideos) -> Profile:
    """The published framework's emulation, from the same pairs."""
    database = ReferenceDatabase("samples", {platform.name: {platform.searched_with: tuple(learned.samples())}})
    return profile_of_reference(database, platform.name, codec=platform.searched_with, lookup="reference")


def emulate_all(
    names: Sequence[str],
    originals: Path,
    *,
    served: Path,
    profile: Profile,
    folder: Path,
    kernel: str,
    psnr_from: str | None = None,
) -> list[Likeness]:
    """Emulate the held-out clips and judge each.

    Args:
        names: Of the clips.
        originals: Folder of the uploads.
        served: Folder of what came back.
        profile: The platform.
        folder: For emulated files.
        kernel: What originals are scaled with to be compared.
        psnr_from: "own" aims at the fidelity of the clip's own shared file, "learned" at what the profile states.
    """
    found: list[Likeness] = []
    for name in names:
        upload, shared = VideoUpload(originals / f"{name}.mp4"), served / f"{name}.mp4"
        used = profile
        if psnr_from == "own":
            psnr_db = compare_videos(upload, shared, kernel=kernel)["psnr_db"]
            used = _with_fidelity(profile, round(psnr_db or 99.0, 3))
        out = folder / f"{name}.mp4"
        try:
            emulate_video(upload, used, out, seed=1, match="quality" if psnr_from else "bitrate")
            found.append(judge(upload, shared, out, kernel=kernel))
        except RepostError as error:
            print(f"  {name}: {error}")
    return found


def _with_fidelity(profile: Profile, psnr_db: float) -> Profile:
    data = profile.model_dump(mode="json", exclude_none=True)
    for rule in data["rules"]:
        for step in rule["steps"]:
            if step["op"] == "encode":
                step["psnr_db"] = psnr_db
    return Profile.model_validate(data)


def recovered(platform: Platform, profile: Profile) -> dict[str, bool | str]:
    """For every true setting whether it was learned, or "unknown" where the profile says that it is a guess."""
    wanted = str(platform.true.get("px"))
    rules = [rule for rule in profile.model_dump(mode="json", exclude_none=True)["rules"] if len(rule["steps"]) > 1]
    rule = next((one for one in rules if wanted in str(one)), rules[0])
    fields: dict[str, Any] = {}
    for step in rule["steps"]:
        fields |= step | dict(step.get("rate", {})) if step["op"] == "encode" else step
    index = profile.model_dump(mode="json", exclude_none=True)["rules"].index(rule)
    unknown = {path.rpartition(".")[2] for path in profile.unknown if path.startswith(f"rules.{index}.")}
    found: dict[str, bool | str] = {}
    for name, value in platform.true.items():
        got = fields.get(name)
        near = isinstance(value, float) and isinstance(got, int | float) and abs(got / value - 1) < 0.02
        right = near or got == value
        found[name] = "unknown" if name in unknown and not right else True if right else f"{got} for {value}"
    return found


def summary(title: str, likes: Sequence[Likeness]) -> list[str]:
    """A row of the table."""
    rates = [100 * abs(one.bitrate_error) for one in likes]
    distances = [one.qp_distance for one in likes if one.qp_distance is not None]
    types = [100 * one.same_types for one in likes]
    gaps = [one.quality_gap_db for one in likes]
    asked = [one.repeats for one in likes if one.repeats is not None]
    return [
        title,
        f"{median(rates):.2f} ({max(rates):.2f})",
        f"{median(types):.0f} ({min(types):.0f})",
        f"{median(distances):.2f} ({max(distances):.2f})" if distances else "-",
        f"{sum(one.identical for one in likes)}/{len(likes)}",
        f"{sum(map(bool, asked))}/{len(asked)}" if asked else "-",
        f"{median(gaps):.2f} ({max(gaps):.2f})",
    ]


HEAD = ("platform", "rate error %", "same types %", "QP distance", "identical", "ffmpeg again", "quality gap dB")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", type=Path)
    parser.add_argument("--fresh", action="store_true", help="clips and platforms that the estimator never saw")
    parser.add_argument("--only", nargs="*", help="platforms; all of them else")
    parser.add_argument("--other-ffmpeg")
    parser.add_argument("--keep", type=Path, help="folder for originals and shared files, to be used again")
    parser.add_argument("--json", type=Path, help="results; platforms that it holds already are not run again")
    given = parser.parse_args()
    trial = FRESH if given.fresh else SEEN
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.keep or Path(scratch)
        originals = folder / "originals"
        sources = {path.stem: path for path in sorted(given.clips.rglob("*.mp4"))}
        for name in (*trial.learned, *trial.judged):
            if not (originals / f"{name}.mp4").exists():
                make_original(sources[name], originals / f"{name}.mp4")
        results: dict[str, dict[str, Any]] = _earlier(given.json)
        for one in trial.platforms:
            wanted = given.only is None or one.name in given.only
            if not wanted or one.name in results or (one.other_program and not given.other_ffmpeg):
                continue
            results[one.name] = run(one, trial, folder, given.other_ffmpeg)
            if given.json:
                given.json.write_text(json.dumps({"environment": environment(), "results": _plain(results)}, indent=1))
    report(trial, results)
    print_environment()


def _earlier(path: Path | None) -> dict[str, dict[str, Any]]:
    """Results of a run that was interrupted, or of other platforms."""
    if path is None or not path.exists():
        return {}
    plain = json.loads(path.read_text())["results"]
    return {
        name: {key: [Likeness(**one) for one in value] if _is_judged(key) else value for key, value in found.items()}
        for name, found in plain.items()
    }


def run(platform: Platform, trial: Trial, scratch: Path, other_ffmpeg: str | None) -> dict[str, Any]:
    """Share, learn, emulate and judge one platform."""
    originals, folder = scratch / "originals", scratch / platform.name
    for name in (*trial.learned, *trial.judged):
        if not (folder / "served" / f"{name}.mp4").exists():
            share(
                platform,
                originals / f"{name}.mp4",
                folder / "served" / f"{name}.mp4",
                other_program=other_ffmpeg or "ffmpeg",
            )
    before = time.process_time()
    learned = learn(platform, trial.learned, originals, folder / "served")
    spent_s = time.process_time() - before
    (folder / "emulated").mkdir(exist_ok=True)
    also = {"served": folder / "served", "folder": folder / "emulated", "kernel": platform.kernel}
    write_profile(learned.profile, folder / "learned.toml")
    found: dict[str, Any] = {
        "cpu_s": spent_s,
        "refused": [one.reason for one in learned.refused],
        "exact": [one.exact for one in learned.findings],
        "recovered": recovered(platform, learned.profile),
        "learned": emulate_all(trial.judged, originals, profile=learned.profile, **also),
        "peer": emulate_all(trial.judged, originals, profile=peer_profile(platform, learned), **also),
    }
    if platform.crf:
        found["learned"] = [
            replace(one, repeats=repeats(platform, originals / f"{one.clip}.mp4", folder / f"served/{one.clip}.mp4"))
            for one in found["learned"]
        ]
    if platform.other_program:
        for how in ("own", "learned"):
            found[f"quality, {how}"] = emulate_all(
                trial.judged, originals, profile=learned.profile, psnr_from=how, **also
            )
    rows = [summary(f"{platform.name} {key}", found[key]) for key in found if _is_judged(key) and found[key]]
    print_table(HEAD, rows)
    return found


def _is_judged(key: str) -> bool:
    return key in ("learned", "peer") or key.startswith("quality")


def report(trial: Trial, results: dict[str, dict[str, Any]]) -> None:
    """The whole table, and what was asked for."""
    rows = [
        summary(name if key == "learned" else f"  {key}", found[key])
        for name, found in results.items()
        for key in found
        if _is_judged(key) and found[key]
    ]
    clips = f"learned from {len(trial.learned)} clips, judged on {len(trial.judged)} others"
    print(f"\n{clips}; the worst in brackets\n")
    print_table(HEAD, rows)
    platforms = [one for one in trial.platforms if one.name in results]
    exact = [one for platform in platforms if platform.crf for one in results[platform.name]["learned"]]
    x264 = [one for platform in platforms if not platform.other_program for one in results[platform.name]["learned"]]
    print("\nover held-out clips of all platforms")
    for words, likes, holds in (
        ("identical, of x264's CRF platforms (asked >= 0.90)", exact, lambda one: one.identical),
        (
            "  of clips of which the ffmpeg program makes the same frames again",
            [one for one in exact if one.repeats],
            lambda one: one.identical,
        ),
        ("types >= 95 %, of x264's CRF platforms", exact, lambda one: one.same_types >= 0.95),
        ("rate error <= 2 %, without OpenH264", x264, lambda one: abs(one.bitrate_error) <= 0.02),
        (
            "QP distance <= 0.35, where it is told",
            [one for one in x264 if one.qp_distance is not None],
            lambda one: one.qp_distance <= 0.35,
        ),
    ):
        print(f"  {words}: {share_in_words(sum(map(holds, likes)), len(likes))}")
    print("\nsettings recovered, and CPU seconds of learning a pair")
    for name, found in results.items():
        wrong = [f"{key} {said}" for key, said in found["recovered"].items() if said is not True]
        right = sum(said is True for said in found["recovered"].values())
        proven = f"{sum(found['exact'])} of {len(found['exact'])} pairs proven"
        print(
            f"  {name}: {right} of {len(found['recovered'])}{'; ' + ', '.join(wrong) if wrong else ''}; {proven};"
            f" {found['cpu_s'] / len(trial.learned):.1f} s"
        )


def _plain(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {key: [asdict(one) for one in value] if _is_judged(key) else value for key, value in found.items()}
        for name, found in results.items()
    }


if __name__ == "__main__":
    main()
