"""Evaluate the stamp, and others' watermarks in the same run.

    python benchmarks/stamp.py ../shared/data [--model rs_aug ...] [--beside FOLDER ...] [--out FOLDER] [--quick]

First our models, on all photographs of `stamp_plan.toml`, under every condition: their model cards and pictures are in
OUT/<model>. Then ours beside invisible-watermark (dwtDct, dwtDctSvd, rivaGan) and blind-watermark on the photographs of
`stamp_peers_plan.toml`: plain, and helped by being given the original size back where a condition changes it; and the
models of `--beside`, such as those of the other recipes.
TrustMark and VideoSeal take part where their weights are. Then Butteraugli, and the time for one megapixel on one core.

A run that was stopped goes on where it was when the same command is given again with the same --out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from environment import print_environment
from peers import WATERMARKS, enter_peers
from repost import batch
from repost.report.pictures import file_name_of
from repost.report.stamp_evaluation import evaluation_card, print_evaluation, write_card
from repost.report.stamp_words import rate_in_words, small_rate_in_words
from repost.stamp.evaluation.conditions import choose
from repost.stamp.evaluation.evaluate import evaluate
from repost.stamp.evaluation.marker import Helped, Marker, StampMarker
from repost.stamp.evaluation.measure import Measures
from repost.stamp.evaluation.results import Evaluation
from repost.stamp.evaluation.splits import Split, load_plan, make_split
from stamp_gates import gates, print_gates
from stamp_peers import peers_here
from stamp_sight import butteraugli
from stamp_speed import Speed, speeds
from tables import print_table

HERE = Path(__file__).parent
SIDE_BY_SIDE = (
    "none", "jpeg92", "jpeg71", "jpeg50", "jpeg30", "resize.5", "crop.7", "rotation10", "hflip", "warp.1", "blur2",
    "jitter.3", "noise.05", "chain", "mix", "screenshot", "share:facebook", "share2:facebook", "share:instagram",
)  # fmt: skip
CHANGING_SIZE = ("resize.5", "crop.7", "chain", "mix", "screenshot")
"""Where help matters: elsewhere a helped scanner sees the same picture."""
QUICK = ("none", "jpeg50", "crop.7", "share:facebook")
RIVAL = "rivaGan"
SIDE_BY_SIDE_SEEN = 24
_SIGHT = ("median", "worst", "count")


def main() -> None:
    """Evaluate, compare, look, time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="shared/data")
    parser.add_argument("--model", nargs="+", default=["rs_aug"])
    parser.add_argument("--beside", nargs="+", default=[], help="folders of models that are only compared with")
    parser.add_argument("--out", type=Path, help="keep rows, cards and pictures here; needed to go on after a stop")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="four photographs, four conditions: does it run")
    parser.add_argument("--without-peers", action="store_true")
    given = parser.parse_args()
    if not given.without_peers:
        enter_peers(WATERMARKS)
    with tempfile.TemporaryDirectory() as temporary:
        given.out = given.out or Path(temporary)
        ours = [StampMarker(model) for model in given.model]
        split = make_split(load_plan(HERE / "stamp_plan.toml"), given.data, limit=4 if given.quick else None)
        full = [_evaluate_fully(marker, split, given) for marker in ours]
        peers: list[Marker] = []
        for peer in [] if given.without_peers else peers_here():
            if isinstance(peer, str):
                print(peer)
            else:
                peers.append(peer)
        markers: list[Marker] = [*ours, *map(StampMarker, given.beside), *peers]
        _compare(markers, given)
        sights, times = _look(markers, split), _time(markers, split)
        for found in full:
            own_ms = times[found.marker].both_ms
            ratio = times[RIVAL].both_ms / own_ms if RIVAL in times else None
            print(f"\n{found.marker}: what was asked of the released model, at its published threshold\n")
            print_gates(gates(found, sight=sights[found.marker], speed_ms=own_ms, ratio=ratio))
    print_environment()


def _evaluate_fully(marker: StampMarker, split: Split, given: argparse.Namespace) -> Evaluation:
    asked = Measures(choose(QUICK if given.quick else ()))
    folder = given.out / file_name_of(marker.name)
    found = _evaluated(marker, split, asked, folder, jobs=given.jobs)
    write_card(folder, evaluation_card(found, marker.facts()))
    print_evaluation(found)
    print()
    return found


def _compare(markers: Sequence[Marker], given: argparse.Namespace) -> None:
    """Ours and the peers on the same photographs, plain and helped."""
    split = make_split(load_plan(HERE / "stamp_peers_plan.toml"), given.data, limit=2 if given.quick else None)
    asked = Measures(choose(QUICK if given.quick else SIDE_BY_SIDE), random_keys=0, wrong_keys=0)
    helped = Measures(tuple(name for name in asked.conditions if name in CHANGING_SIZE), random_keys=0, wrong_keys=0)
    runs = [(marker, asked) for marker in markers]
    runs += [(Helped(marker), helped) for marker in markers if not isinstance(marker, StampMarker)]
    found = [
        _evaluated(marker, split, wanted, given.out / "side_by_side" / file_name_of(marker.name), jobs=given.jobs)
        for marker, wanted in runs
    ]
    counts = split.counts()
    print(f"\nside by side: {counts['positives']} photographs, {counts['calibration']} others set the thresholds, ")
    print(f"{counts['negatives']} test negatives; share found (95 %) at the published threshold, of peers the binomial")
    print("one (26 of 32 bits), and at that calibrated for a false-positive rate of 1e-2\n")
    for threshold in ("published", "fpr 1e-2"):
        rows = [[name, *(_found_at(one, name, threshold) for one in found)] for name in asked.conditions]
        print_table([threshold, *(one.marker for one in found)], rows)
        print()
    print_table(["", *(one.marker for one in found)], _summary(found))


def _found_at(found: Evaluation, condition: str, threshold: str) -> str:
    rate = next((one.detected.get(threshold) for one in found.conditions if one.name == condition), None)
    return "" if rate is None else rate_in_words(rate)


def _summary(found: Sequence[Evaluation]) -> list[list[str]]:
    """Invisibility, false positives and thresholds of each."""
    rows = [["test negatives wrongly found", *(small_rate_in_words(one.negatives["published"]) for one in found)]]
    rows.append(["pictures refused", *(str(sum(each.refused for each in one.conditions)) for one in found)])
    for number, name in enumerate(("published threshold", "at 1e-2", "at 1e-3")):
        cells = [one.thresholds[number] if number < len(one.thresholds) else None for one in found]
        shown = (
            "" if cell is None else f"{cell.score:.4g}{'' if cell.resolved else ' (not resolved)'}" for cell in cells
        )
        rows.append([name, *shown])
    for name, form in (("psnr_db", ".2f"), ("ssim", ".4f"), ("largest_change", ".0f"), ("worst_block_psnr_db", ".2f")):
        for kind in ("mean", "worst"):
            numbers = [None if one.quality is None else getattr(one.quality, kind)[name] for one in found]
            rows.append([f"{name}, {kind}", *("" if number is None else f"{number:{form}}" for number in numbers)])
    return rows


def _look(markers: Sequence[Marker], split: Split) -> dict[str, dict[str, float] | str]:
    photos = split.parts["positives"]
    spread = photos[:: max(1, len(photos) // SIDE_BY_SIDE_SEEN)]
    print(f"\nButteraugli of the {len(photos)} test photographs; of peers, of {len(spread)} spread over them")
    found = {
        marker.name: butteraugli(marker, photos if isinstance(marker, StampMarker) else spread) for marker in markers
    }
    rows = []
    for name, seen in found.items():
        cells = (
            [seen, "", ""] if isinstance(seen, str) else [f"{seen[kind]:.4g}" for kind in ("median", "worst", "count")]
        )
        rows.append([name, *cells])
    print_table(["", *_SIGHT], rows)
    return found


def _time(markers: Sequence[Marker], split: Split) -> dict[str, Speed]:
    found = speeds(markers, split.parts["positives"][0])
    first_ms = found[markers[0].name].both_ms
    print(f"\none megapixel on one core, without codecs; ms, and times the time of {markers[0].name}")
    rows = []
    for name, one in found.items():
        numbers = (one.stamp_ms, one.scan_ms, one.both_ms, one.both_ms / first_ms, one.scan_unstamped_ms)
        rows.append([name, *(f"{number:.1f}" for number in numbers)])
    print_table(["", "stamp", "scan it", "both", "times", "scan the unstamped"], rows)
    return found


def _evaluated(marker: Marker, split: Split, asked: Measures, folder: Path, *, jobs: int) -> Evaluation:
    print(f"measuring {marker.name}: ", end="", flush=True)
    told = 0
    for event in evaluate(marker, split, asked, out=folder, jobs=jobs):
        if isinstance(event, Evaluation):
            print(" done")
            return event
        if isinstance(event, batch.RowFinished) and event.total and 10 * event.finished // event.total > told:
            told = 10 * event.finished // event.total
            print(f"{10 * told} % ", end="", flush=True)
    raise AssertionError("an evaluation ends with its result")


if __name__ == "__main__":
    main()
