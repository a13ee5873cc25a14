"""Scores joined with labels, and what is measured of them, against scikit-learn and by hand."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from repost.core.errors import InvalidLabels, UsageError
from repost.detectors.evaluation.labels import Label, read_labels
from repost.detectors.evaluation.measure import Measures, measure
from repost.detectors.evaluation.scores import Scored, ScoreRow, join, read_scores
from repost.report.detector_evaluation import draw_curves

QUICK = Measures(resamples=50)


def scored(kind, id_, logit, *, method=None, platform="", route="clean", dataset=""):
    return Scored(Label(kind == "fake", dataset, method or kind, id_), logit, platform, route)


def one_of(results, **wanted):
    (found,) = [one for one in results if all(getattr(one, name) == value for name, value in wanted.items())]
    return found


def test_two_methods_with_one_clip_name_never_merge():
    """Merged they would be one video of mean 0, and each alone is told from the real ones or not."""
    scores = [scored("real", "000", -1.0), scored("real", "001", -2.0)]
    scores += [scored("fake", "000_003", 4.0, method="A"), scored("fake", "000_003", -4.0, method="B")]
    results = list(measure(scores, QUICK))
    together = one_of(results, level="video", method="all")
    assert together.fake_videos == 2
    assert together.estimates["auc"].value == 0.5
    assert one_of(results, level="video", method="A").estimates["auc"].value == 1
    assert one_of(results, level="video", method="B").estimates["auc"].value == 0


def test_the_same_method_and_clip_of_two_data_sets_never_merge():
    given = [("x", "fake", 1.0), ("y", "fake", 3.0), ("x", "real", 2.0), ("y", "real", 0.0)]
    scores = [scored(kind, "1", value, method=kind, dataset=name) for name, kind, value in given]
    results = list(measure(scores, QUICK))
    assert one_of(results, level="video", method="all").fake_videos == 2
    assert one_of(results, level="video", method="x: fake").estimates["auc"].value == 0, "against its own real ones"
    assert one_of(results, level="video", method="y: fake").estimates["auc"].value == 1


def test_a_video_is_the_mean_of_its_frames():
    rng = np.random.default_rng(0)
    values = {
        (kind, str(clip)): rng.normal(kind == "fake", 2, 1 + clip) for kind in ("real", "fake") for clip in range(9)
    }
    scores = [scored(kind, clip, float(value)) for (kind, clip), found in values.items() for value in found]
    results = list(measure(scores, QUICK))
    truth = [kind == "fake" for kind, _ in values]
    expected = roc_auc_score(truth, [found.mean() for found in values.values()])
    assert one_of(results, level="video").estimates["auc"].value == pytest.approx(expected, abs=1e-12)
    frames = one_of(results, level="frame")
    expected = roc_auc_score([one.label.fake for one in scores], [one.logit_fake for one in scores])
    assert frames.estimates["auc"].value == pytest.approx(expected, abs=1e-12)
    assert (frames.real_scores, frames.real_videos) == (45, 9)


def test_what_sharing_costs_is_measured_on_the_videos_there_are_both_ways():
    clean = [scored("real", str(n), -1.0) for n in range(4)] + [scored("fake", str(n), 1.0) for n in range(4)]
    shared = [scored("real", str(n), 0.5, platform="facebook", route="shared") for n in range(3)]
    shared += [scored("fake", str(n), n - 0.5, platform="facebook", route="shared") for n in range(3)]
    emulated = [scored(one.label.method, one.label.id, one.logit_fake, platform="facebook", route="emulated")
                for one in clean]  # fmt: skip
    results = list(measure([*emulated, *shared, *clean], QUICK))
    assert [(one.platform, one.route) for one in results if one.level == "video"] == [
        ("", "clean"), ("facebook", "emulated"), ("facebook", "shared")]  # fmt: skip
    lost = one_of(results, level="video", route="shared")
    assert lost.paired_videos == 6
    assert lost.estimates["auc_drop"].value == pytest.approx(1 - (0 + 0.5 + 1) / 3)
    assert lost.estimates["balanced_accuracy_drop"].value == pytest.approx(1 - (2 / 3 + 0) / 2)
    kept = one_of(results, level="video", route="emulated").estimates["auc_drop"]
    assert (kept.value, kept.low, kept.high) == (0, 0, 0), "the same videos are drawn on both sides"
    assert "auc_drop" not in one_of(results, level="video", route="clean").estimates


def test_one_kind_alone_has_rates_and_says_what_it_has_not():
    (video, _) = measure([scored("real", str(n), n - 2.5) for n in range(10)], QUICK)
    assert set(video.estimates) == {"accuracy", "false_positive_rate"}
    assert video.estimates["false_positive_rate"].value == 0.7
    assert video.estimates["false_positive_rate"].low < 0.7 < video.estimates["false_positive_rate"].high
    assert video.undefined == "no AUC, EER and average precision: all are real, none is fake"
    assert video.to_dict()["auc"] is None
    json.dumps(video.to_dict(), allow_nan=False)


def test_one_video_of_a_kind_has_numbers_and_no_interval():
    results = list(measure([scored("real", "a", 0.0), scored("fake", "b", 1.0), scored("fake", "c", 2.0)], QUICK))
    found = one_of(results, level="video")
    assert (found.estimates["auc"].value, found.estimates["auc"].low) == (1, None)
    assert "no intervals: got 2 positive and 1 negative videos" in found.undefined


@pytest.mark.parametrize("sign", [1, -1])
def test_the_curve_of_a_detector_that_is_always_right_or_wrong_is_seen_beside_the_axes(sign):
    pytest.importorskip("matplotlib")
    scores = [scored(kind, str(clip), sign * (kind == "fake")) for kind in ("real", "fake") for clip in range(3)]
    drawn = draw_curves(list(measure(scores, QUICK)), lambda one: one.method, title="toy")
    pixels = np.asarray(Image.open(io.BytesIO(drawn["png"])).convert("RGB")).astype(int)
    blue = np.abs(pixels - (0x1F, 0x77, 0xB4)).max(axis=2) < 4  # matplotlib's first colour
    left = blue[:, : blue.shape[1] // 2]
    for direction in (0, 1):
        assert (left.sum(axis=direction) > 500).sum() >= 2, "the line is whole and not half beneath the axis"


def test_the_seed_decides_intervals():
    rng = np.random.default_rng(0)
    scores = [scored(kind, str(n), float(rng.normal(kind == "fake"))) for kind in ("real", "fake") for n in range(20)]
    found = [next(iter(measure(scores, Measures(resamples=50, seed=seed)))).estimates["auc"] for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def rows(*given):
    return [ScoreRow.model_validate(dict(zip(("file", "logit_fake"), one, strict=True))) for one in given]


def test_nothing_is_dropped_in_silence(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("file,label\na.png,real\nb.png,fake\nc.png,fake\ne.png,fake\n")
    found = join([*rows(("x/a.png", 1.0), ("x/c.png", float("nan")), ("x/d.png", 0.0)),
                  ScoreRow(file="x/b.png", frame=3, error="no face")], read_labels(path))  # fmt: skip
    assert [one.label.id for one in found.scored] == ["a"]
    assert found.failed == {"x/c.png": "got the score nan, expected a finite number", "x/b.png frame 3": "no face"}
    assert found.unlabelled == ("x/d.png",)
    assert found.unscored == ("e.png",)


def test_one_label_for_two_files_is_a_clash(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("file,label\na.png,real\n")
    with pytest.raises(InvalidLabels, match=r"a.png: one label for 2 files: x/a.png, y/a.png"):
        join(rows(("x/a.png", 1.0), ("y/a.png", 1.0)), read_labels(path))


def test_the_row_of_a_whole_video_is_passed_over_where_its_frames_are_there():
    whole = {"file": "fake/v.mp4", "frames": 2, "logit_fake": 5.0}
    frames = [{"file": "fake/v.mp4", "frame": n, "logit_fake": float(n)} for n in (0, 50)]
    assert len(join([ScoreRow(**row) for row in (*frames, whole)], None).scored) == 2
    assert len(join([ScoreRow(**whole)], None).scored) == 1


def test_what_really_came_back_is_told_from_an_emulation(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("file,label,id,platform\na.png,real,1,\nb.png,real,1,Facebook\n")
    given = [ScoreRow(file=name, logit_fake=0, platform=platform) for name, platform in
             [("a.png", None), ("a.png", "facebook"), ("b.png", None), ("b.png", "facebook")]]  # fmt: skip
    found = join(given, read_labels(path))
    assert [(one.platform, one.route) for one in found.scored] == [
        ("", "clean"), ("facebook", "emulated"), ("facebook", "shared")]  # fmt: skip
    assert found.failed == {
        "b.png on facebook": "labelled as shared on facebook, and shared again by an emulation of facebook"
    }


def test_probabilities_stand_in_for_logits():
    assert ScoreRow(file="a", p_fake=0.5).score == 0
    assert ScoreRow(file="a", p_fake=0.9).score == pytest.approx(np.log(9))
    assert ScoreRow(file="a", p_fake=1).score == -ScoreRow(file="a", p_fake=0).score
    assert ScoreRow(file="a", logit_fake=float("inf"), p_fake=0.5).score is None
    assert ScoreRow(file="a").score is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got no rows"),
        ("{\n", "line 1 is no row of scores"),
        ('{"logit_fake": 1}\n', "file: Field required"),
        ('{"file": "a"}\n\n[]\n', "line 3 is no row"),
        ('{"file": "a", "p_fake": 2}\n', "p_fake"),
        ('{"file": ""}\n', "file: "),
        ('{"file": 1}\n', "got 1, expected text"),
        ('{"file": "a", "logit_fake": 1' + "0" * 5000 + "}\n", "line 1 is no row"),
    ],
)
def test_what_is_no_row_is_told_with_its_line(tmp_path, text, said):
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_scores(path)
