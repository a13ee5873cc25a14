"""Emulate uploads on networks that are known, then learn the networks from the pairs alone.

    python benchmarks/roundtrip.py [--uploads 200] [--data ../shared/data] [--only NAME ...] [--jobs 2]

For every bundled profile, and for twenty invented ones with settings drawn at random: are the settings of each pair
found, does the profile learned from three quarters of the pairs reproduce the other quarter pixel for pixel, do the
limits lie in the intervals it gives, and are qualities distributed as they were drawn (a permutation test of two
samples, see two_samples.py). Column "inside": of the held-out uploads those strictly inside an interval that the
learned profile gives for a limit, where it decides about them; on which side they are, the other pairs cannot tell.

The settings of the estimator were not fitted to the invented networks; that held-out uploads of the first of them were
missed is why it weighs evidence for a dependence of the quality, and orders splits, as it does.

A setting counts as found when it is the true one, and as untold when the finding says that another value would have
given the same picture. Only settings that did something are counted: a kernel where the size changed, an orientation
where the upload was rotated. Overlays are masks in an emulation and draw nothing, so they are not part of this.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from environment import environment, print_environment
from repost.channel.image import Emulated, emulate_image, matching_rule
from repost.core.errors import RepostError
from repost.estimation.about import About
from repost.estimation.images.finding import PairFinding
from repost.estimation.images.learn import learn
from repost.estimation.images.pair import examine_pair
from repost.media.colour import to_srgb
from repost.media.read import read_picture
from repost.media.upload import Upload
from repost.metrics.intervals import wilson
from repost.platforms import list_profiles
from repost.platforms.profile import Profile
from roundtrip_laws import expected, is_constant, is_open
from roundtrip_uploads import invented, make_upload, photographs
from two_samples import Band, same_law_p

INVENTED = 20
_HEAD = "network                      pairs found untold  held out inside limits      p  wrong"


@dataclass
class Score:
    """What came of one network."""

    name: str
    pairs: int = 0
    recovered: int = 0
    untold: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    constant: bool = True
    held_out: int = 0
    held_out_exact: int = 0
    inside: int = 0
    inside_exact: int = 0
    limits: int = 0
    limits_bracketed: int = 0
    quality_p: float | None = None


def true_settings(emulated: Emulated, upload: Upload) -> dict[str, Any]:
    """The settings that did something to this upload, as the trace tells them."""
    found: dict[str, Any] = {}
    writers = [step for step in emulated.trace.steps if step.op in ("encode", "client_save")]
    for step in emulated.trace.steps:
        parameters = step.parameters
        if step.op in ("passthrough", "transcode"):
            kept = step.op == "passthrough" or emulated.data == upload.data
            return {"kind": "passthrough" if kept else "transcode"}
        if step.op == "resize" and tuple(parameters["from"]) != tuple(parameters["to"]):
            cut_only = parameters["fit"] == "cover" and any(
                before == after for before, after in zip(parameters["from"], parameters["to"], strict=True)
            )
            if not cut_only:
                found["kernel"] = parameters["kernel"]
        elif step.op == "colour" and parameters["converted"] and _changes_colours(upload):
            found["colour"] = "srgb"
        elif step.op == "decode" and parameters["mattered"]:
            found["upsampling"] = parameters["upsampling"]
    if upload.picture.orientation != 1:
        found["orient"] = any(step.op == "orient" for step in emulated.trace.steps)
    last = writers[-1].parameters
    found |= {"kind": "encode", "codec": last["codec"], "quality": last.get("quality")}
    if last["codec"] == "jpeg":
        found |= {name: last[name] for name in ("progressive", "quantiser")}
        if upload.picture.image.mode not in ("L", "LA"):
            found["subsampling"] = last["subsampling"]
        if not last["progressive"]:
            found["optimize_huffman"] = last["optimize_huffman"]
    if len(writers) > 1:
        found["hidden"] = writers[0].parameters["quality"]
    return found


def _changes_colours(upload: Upload) -> bool:
    image, icc = upload.picture.image, upload.picture.icc
    converted = to_srgb(image, icc) if icc else None
    return converted is not None and not np.array_equal(
        np.asarray(converted), np.asarray(image.convert(converted.mode))
    )


def compare_settings(finding: PairFinding, true: dict[str, Any], score: Score) -> None:
    """Count one pair."""
    wrong, untold = [], False
    exact = finding.agreement is not None and finding.agreement.exact_share == 1
    for name, value in true.items():
        found = getattr(finding.treatment, name)
        if name == "hidden":
            found = found.quality if found else None
        if found == value:
            continue
        if found is None and exact:
            untold = True
        elif exact and (name == "hidden" or (name == "quality" and finding.treatment.codec != "jpeg")):
            untold = True  # the same picture: libheif maps several qualities to one quantiser
        else:
            wrong.append(name)
    score.wrong.update(wrong)
    score.recovered += not wrong
    score.untold += untold and not wrong


def run(name: str, profile: Profile, uploads: int, root: Path) -> Score:
    """Emulate, examine, learn, judge."""
    score = Score(name)
    rng = random.Random(f"uploads of {name}")
    paths = photographs(root, 120)
    findings: list[tuple[PairFinding, bytes, bytes]] = []
    for index in range(uploads):
        data = make_upload(paths, rng)
        upload = Upload(data, name=f"{index:04}")
        emulated = emulate_image(upload, profile, seed=index)
        score.pairs += 1
        try:
            finding = examine_pair(data, emulated.data, name=f"{index:04}")
        except RepostError as error:
            score.refused.append(str(error))
            continue
        compare_settings(finding, true_settings(emulated, upload), score)
        findings.append((finding, data, emulated.data))
    _judge(profile, findings, score)
    return score


def _judge(profile: Profile, findings: list[tuple[PairFinding, bytes, bytes]], score: Score) -> None:
    used = [finding for place, (finding, _, _) in enumerate(findings) if place % 4]
    learned = learn(used, About("learned", "2026"))
    score.constant = all(is_constant(rule) for _, rule in profile.rules_for("image"))
    bands: dict[object, Band] = {}
    for place, (finding, data, served) in enumerate(findings):
        upload = Upload(data, name="one of the pairs")
        true_index, true_rule = matching_rule(upload, profile)
        if place % 4 == 0 and is_constant(true_rule):
            _judge_exactly(learned, upload, served, score)
        elif finding.treatment.quality is not None and (place % 4 or not is_constant(true_rule)):
            index, rule = matching_rule(upload, learned)
            where, shares = expected(rule, upload)
            band = bands.setdefault((index, where), Band(shares))
            if place % 4:
                band.learned_from += 1
            else:
                same = next((one for one in finding.qualities if one in shares), finding.treatment.quality)
                band.held_out[true_index, expected(true_rule, upload)[0]][same] += 1
    score.quality_p = same_law_p(bands.values())
    _check_limits(profile, learned, used, score)


def _judge_exactly(learned: Profile, upload: Upload, served: bytes, score: Score) -> None:
    again = emulate_image(upload, learned, seed=0)
    true = read_picture(served, name="served").rgb8()
    exact = again.pixels.shape == true.shape and bool((again.pixels == true).all())
    is_inside = is_open(upload, learned)
    score.held_out += 1
    score.held_out_exact += exact
    score.inside += is_inside
    score.inside_exact += is_inside and exact


def _check_limits(profile: Profile, learned: Profile, used: list[PairFinding], score: Score) -> None:
    """Every limit of the true profile that the uploads cross lies in an interval of the learned one, or is its size."""
    intervals = [
        (path.rsplit(".", 1)[1], found.interval)
        for path, found in learned.provenance.items()
        if found.interval and ".when." in path
    ]
    resizes = [step for rule in learned.rules for step in rule.steps if step.op == "resize"]
    sizes = {step.px for step in resizes} | {step.width_px for step in resizes}
    for _, rule in profile.rules_for("image"):
        for name, limits in rule.when.model_dump(exclude_none=True).items():
            if not isinstance(limits, dict):
                continue
            for number in limits.values():
                values = [getattr(finding.features, name) for finding in used]
                if min(values) < number < max(values) and len(learned.rules) > 1:
                    score.limits += 1
                    score.limits_bracketed += number in sizes or any(
                        feature == name and low <= number <= high for feature, (low, high) in intervals
                    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--only", nargs="+", default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    networks = {entry.profile.id: entry.profile for entry in list_profiles() if entry.bundled}
    networks = {name: profile for name, profile in networks.items() if profile.rules_for("image")}
    networks |= {f"invented-{number}": invented(number) for number in range(INVENTED)}
    if options.only:
        networks = {name: profile for name, profile in networks.items() if any(part in name for part in options.only)}
    scores: list[Score] = []
    print(_HEAD)
    with ProcessPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(run, name, profile, options.uploads, options.data) for name, profile in networks.items()]
        for future in futures:
            score = future.result()
            scores.append(score)
            chance = "" if score.quality_p is None else f"{score.quality_p:.3f}"
            wrong = ", ".join(f"{name} {count}" for name, count in score.wrong.most_common())
            refused = f"; refused {len(score.refused)}: {score.refused[0]}" if score.refused else ""
            held_out = f"{score.held_out_exact}/{score.held_out}"
            inside = f"{score.inside_exact}/{score.inside}"
            limits = f"{score.limits_bracketed}/{score.limits}"
            print(
                f"{score.name:<28} {score.pairs:5} {score.recovered:5} {score.untold:6} {held_out:>9} {inside:>6} "
                f"{limits:>6} {chance:>6}  {wrong}{refused}",
                flush=True,
            )
    for title, chosen in (("bundled", False), ("invented", True)):
        part = [score for score in scores if score.name.startswith("invented") == chosen]
        if part:
            _print_total(title, part)
    print_environment()
    if options.json:
        rows = [{**vars(score), "wrong": dict(score.wrong)} for score in scores]
        options.json.write_text(json.dumps({"environment": environment(), "networks": rows}, indent=2) + "\n")


def _print_total(title: str, scores: list[Score]) -> None:
    def line(label: str, hits: int, count: int, asked: str) -> None:
        low, high = wilson(hits, count)
        print(
            f"  {label:<52} {hits}/{count} = {hits / max(count, 1):.4f} (95 %: {low:.4f} to {high:.4f}; asked {asked})"
        )

    print(f"\n{title}: {len(scores)} networks")
    line("pairs with every setting found", sum(s.recovered for s in scores), sum(s.pairs for s in scores), ">= 0.99")
    line("held-out uploads of constant rules, pixel-exact", sum(s.held_out_exact for s in scores),
         sum(s.held_out for s in scores), ">= 0.99")  # fmt: skip
    line("  those not inside an interval given for a limit", sum(s.held_out_exact - s.inside_exact for s in scores),
         sum(s.held_out - s.inside for s in scores), "no more than the line above")  # fmt: skip
    line("  those inside one, which nothing can tell", sum(s.inside_exact for s in scores),
         sum(s.inside for s in scores), "nothing")  # fmt: skip
    line("limits inside their interval", sum(s.limits_bracketed for s in scores), sum(s.limits for s in scores), "all")
    tests = [score.quality_p for score in scores if score.quality_p is not None]
    print(f"  held-out qualities against the learned distribution: {len(tests)} tests, {sum(p < 0.01 for p in tests)} "
          f"with p < 0.01, smallest p {min(tests, default=1):.3f} (asked: within sampling error)")  # fmt: skip


if __name__ == "__main__":
    main()
