"""The evaluation of markers whose rates are known."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score
from toy_markers import Hashed, OddBlue, Stumbling, write_photos

from repost import batch
from repost.stamp.evaluation.evaluate import evaluate
from repost.stamp.evaluation.judge import thresholds_of
from repost.stamp.evaluation.marker import Helped
from repost.stamp.evaluation.measure import Measures
from repost.stamp.evaluation.results import Evaluation
from repost.stamp.evaluation.splits import make_split, plan_of_folders

ASKED = Measures(("none", "hflip", "jpeg50", "resize.25", "crop.5"), seed=3)


class Kept(NamedTuple):
    """An evaluation and its folder."""

    found: Evaluation
    folder: Path


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """12 positives, 2 of which are false positives unstamped, 20 negatives (3), 10 for calibration (none)."""
    root = tmp_path_factory.mktemp("photos")
    counts = {"positives": (12, 2), "negatives": (20, 3), "calibration": (10, 0)}
    folders = {
        name: [write_photos(root / name, count, seed=seed, odd=odd)]
        for seed, (name, (count, odd)) in enumerate(counts.items())
    }
    return make_split(plan_of_folders(folders), root)


@pytest.fixture(scope="module")
def of_odd_blue(split, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    return Kept(evaluated(OddBlue(), split, folder), folder)


def evaluated(marker, split, out, asked=ASKED, jobs=1) -> Evaluation:
    *_, found = evaluate(marker, split, asked, out=out, jobs=jobs)
    assert isinstance(found, Evaluation)
    return found


def test_rates_are_those_the_marker_is_made_to_have(of_odd_blue):
    found = of_odd_blue.found
    kept, lost = found.condition("none"), found.condition("jpeg50")
    assert kept.detected["published"].share == 1
    assert (kept.false_positives["published"].hits, kept.false_positives["published"].count) == (2, 12)
    assert found.condition("hflip").detected["published"].share == 1
    assert lost.detected["published"].hits == 0
    assert (found.negatives["published"].hits, found.negatives["published"].count) == (3, 20)
    assert found.negatives["published"].bound == pytest.approx(
        binomtest(3, 20, alternative="less").proportion_ci(method="exact").high
    )
    ends = binomtest(2, 12).proportion_ci(method="exact")
    assert kept.false_positives["published"].interval == pytest.approx((ends.low, ends.high))


def test_the_area_under_the_curve_is_scikit_learns(of_odd_blue):
    found = of_odd_blue.found
    rows = [json.loads(line)["found"] for line in (of_odd_blue.folder / "manifest.jsonl").read_text().splitlines()
            if json.loads(line)["role"] == "test"]  # fmt: skip
    for name in ("none", "jpeg50"):
        high, low = ([row[kind][name] for row in rows] for kind in ("stamped", "cover"))
        assert len(high) == len(low) == 12
        assert found.condition(name).auc == pytest.approx(roc_auc_score([1] * 12 + [0] * 12, high + low))


def test_a_refused_picture_counts_as_not_stamped_and_is_told(of_odd_blue):
    refused = of_odd_blue.found.condition("resize.25")  # 12 px high
    assert refused.refused == 24
    assert refused.detected["published"].hits == refused.false_positives["published"].hits == 0
    assert refused.detected["published"].count == 12
    assert refused.auc == 0.5


def test_help_gives_the_original_size_back(split, tmp_path):
    found = evaluated(Helped(OddBlue()), split, tmp_path / "out").condition("resize.25")
    assert found.refused == 0


def test_quality_is_measured_of_the_stamped_picture(of_odd_blue):
    found = of_odd_blue.found
    assert found.quality is not None
    assert found.quality.count == 12
    assert found.quality.worst["largest_change"] == 1
    # half of a third of all values move by one, in all but the two that are odd already
    expected_db = 10 * np.log10(255**2 * 6)
    assert found.quality.worst["psnr_db"] == pytest.approx(expected_db, abs=0.2)


def test_the_table_at_400_px_holds_balanced_accuracy(of_odd_blue):
    rows = {row.corruption: row for row in of_odd_blue.found.layout.rows}
    assert list(rows) == ["none", "rotation", "crop", "warp", "blur", "jitter", "JPEG", "mix"]
    assert rows["none"].balanced_accuracy == 1
    assert rows["JPEG"].balanced_accuracy == 0.5


def test_thresholds_lie_above_all_but_the_rate_of_the_calibration_scores():
    found = [{"cover": {"none": number / 1000, "flip": number / 1000}} for number in range(1000)]
    published, first, second = thresholds_of(5.0, found)
    scores = np.array([score for one in found for score in one["cover"].values()])
    assert (published.score, published.nominal_fpr, published.resolved) == (5.0, 1e-3, True)
    assert (scores >= first.score).mean() == pytest.approx(1e-2)
    assert (scores >= second.score).mean() == pytest.approx(1e-3)
    assert first.resolved
    assert second.resolved


def test_no_more_resolution_is_claimed_than_the_calibration_has():
    found = [{"cover": {"none": float(number)}} for number in range(200)]
    _, first, second = thresholds_of(5.0, found)
    assert first.resolved
    assert not second.resolved
    assert second.score > 199
    assert second.finest_fpr == 1 / 200


def test_ties_never_make_the_rate_larger():
    found = [{"cover": {"none": 0.5}}] * 500 + [{"cover": {"none": 0.25}}] * 500
    _, first, _ = thresholds_of(5.0, found)
    assert first.score > 0.5


@pytest.mark.parametrize(("too_small", "sound"), [(1.0, True), (3.0, False)])
def test_exact_p_values_are_found_calibrated_and_those_too_small_are_not(split, tmp_path, too_small, sound):
    asked = Measures(("none",), random_keys=60, wrong_keys=60)
    found = evaluated(Hashed(too_small=too_small), split, tmp_path / "out", asked)
    tenth = found.keys[0]
    assert tenth.p == 0.1
    assert tenth.unstamped.count == 60 * 32
    assert tenth.stamped.count == 60 * 12
    assert (tenth.unstamped.interval[0] <= 0.1 <= tenth.unstamped.interval[1]) is sound
    assert (tenth.stamped.interval[0] <= 0.1 <= tenth.stamped.interval[1]) is sound
    assert found.wrong_key.count == 60 * 12


def test_markers_without_keys_have_no_check_of_keys(of_odd_blue):
    found = of_odd_blue.found
    assert found.keys == ()
    assert found.wrong_key.count == 0


def test_an_interrupted_run_ends_with_the_bytes_of_one_that_was_not(split, of_odd_blue, tmp_path):
    Stumbling.scores = 0
    with pytest.raises(KeyboardInterrupt):
        evaluated(Stumbling(), split, tmp_path / "broken")
    reused = [
        event.reused
        for event in evaluate(Stumbling(), split, ASKED, out=tmp_path / "broken")
        if isinstance(event, batch.RowFinished)
    ]
    assert any(reused)
    assert not all(reused)
    for name in ("evaluation.json", "manifest.jsonl"):
        assert (of_odd_blue.folder / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()


def test_two_workers_write_the_same_bytes(split, of_odd_blue, tmp_path):
    evaluated(OddBlue(), split, tmp_path, jobs=2)
    for name in ("evaluation.json", "manifest.jsonl"):
        assert (of_odd_blue.folder / name).read_bytes() == (tmp_path / name).read_bytes()


def test_another_marker_is_measured_anew(split, tmp_path):
    asked = Measures(("none",))
    evaluated(OddBlue(), split, tmp_path / "out", asked)
    again = list(evaluate(OddBlue(threshold=0.4), split, asked, out=tmp_path / "out"))
    assert not any(event.reused for event in again if isinstance(event, batch.RowFinished))
