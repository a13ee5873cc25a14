"""`repost evaluate detector`: tables, files, splits, platforms, what falls short; a toy network calls red fake."""

import csv
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from toy_detector import RedIsFake

from clips import make_clip
from repost.core.errors import MissingExtra
from repost.detectors import pieces, score_files
from repost.detectors.calibration import load_calibration
from repost.faces import Box, Face


@pytest.fixture
def evaluate(cli, monkeypatch, tmp_path):
    monkeypatch.setattr(score_files, "scorer_of", lambda *asked: RedIsFake())
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"toy")

    def call(*arguments, out="out"):
        model = () if "--scores" in arguments else ("--model", "meso4-df", "--weights", weights)
        quick = () if "--resamples" in arguments else ("--resamples", 20)
        return cli("evaluate", "detector", *arguments, *model, *quick, "-o", tmp_path / out, "-j", 1)

    return call


@pytest.fixture
def photos(tmp_path):
    """16 real and 16 fake pictures of two methods, somewhat redder."""
    rng = np.random.default_rng(2)
    for kind, method, count, shift in (("real", "tube", 16, 0), ("fake", "A", 8, 40), ("fake", "B", 8, 10)):
        for number in range(count):
            path = tmp_path / "in" / kind / method / f"{number:03}" / "0.png"
            path.parent.mkdir(parents=True)
            pixels = rng.integers(60, 90, (24, 24, 3), np.uint8)
            pixels[..., 0] += np.uint8(shift + rng.integers(0, 30))
            Image.fromarray(pixels).save(path)
    return tmp_path / "in"


def rows_of(said):
    *results, summary = [json.loads(line) for line in said.out.splitlines()]
    return results, summary


def one_of(results, **wanted):
    (found,) = [one for one in results if all(one[name] == value for name, value in wanted.items())]
    return found


def test_methods_and_levels_against_scikit_learn(evaluate, photos, tmp_path):
    said = evaluate(photos, "--json")
    results, summary = rows_of(said)
    assert said.code == 0
    assert [(row["level"], row["method"]) for row in results] == [
        (level, method) for level in ("video", "frame") for method in ("all", "A", "B")]  # fmt: skip
    scores = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    truth = ["/fake/" in row["file"] for row in scores]
    logits = [row["logit_fake"] for row in scores]
    everything = one_of(results, level="video", method="all")
    assert everything["auc"] == pytest.approx(roc_auc_score(truth, logits), abs=1e-12)
    assert everything["accuracy"] == pytest.approx(np.mean((np.array(logits) >= 0) == truth))
    assert everything["auc_low"] < everything["auc"] < everything["auc_high"]
    assert (everything["real_videos"], everything["fake_videos"]) == (16, 16)
    assert summary["kind"] == "summary"
    assert summary["settings"]["threshold"] == 0


def test_files_hold_what_is_printed(evaluate, photos, tmp_path):
    results, _ = rows_of(evaluate(photos, "--json"))
    with (tmp_path / "out/results.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [float(row["auc"]) for row in table] == [row["auc"] for row in results]
    whole = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert [row["auc"] for row in whole["results"]] == [row["auc"] for row in results]
    assert {"roc_platforms.svg", "roc_platforms.png", "roc_methods.svg", "roc_methods.png"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    assert "videos: 16 real, 16 fake" in (tmp_path / "out/roc_platforms.svg").read_text()


def test_the_table_says_the_same(evaluate, photos, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    said = evaluate(photos)
    assert "meso4-df, called fake from a logit of 0" in said.out
    line = next(line for line in said.out.splitlines() if line.startswith("A "))
    assert line.split()[1:6] == ["as", "they", "were", "16", "8"]


def test_a_second_run_scores_nothing_again_and_says_the_same(evaluate, photos, monkeypatch):
    first = evaluate(photos, "--json")
    monkeypatch.setattr(score_files, "scorer_of", lambda *asked: None)  # would fail
    again = evaluate(photos, "--json")
    assert again.out == first.out
    assert "32 kept from an earlier run" in again.err


@pytest.mark.parametrize(("faces", "kept"), [("find", False), ("auto", False), ("crops", True)])
def test_another_version_of_what_finds_faces_is_another_score(evaluate, photos, monkeypatch, faces, kept):
    finder = SimpleNamespace(identity=lambda: "toy 1", find=lambda *_, **__: [Face(Box(2, 2, 20, 20), 1.0)])
    monkeypatch.setattr(pieces, "load_detector", lambda choice: finder)
    monkeypatch.setattr(score_files, "load_detector", lambda choice: finder)
    evaluate(photos, "--faces", faces)
    assert "32 kept from an earlier run" in evaluate(photos, "--faces", faces).err
    finder.identity = lambda: "toy 2"
    said = evaluate(photos, "--faces", faces).err
    assert ("32 kept" in said) is kept
    assert "32 done" in said


def test_without_what_finds_faces_crops_are_judged_and_kept(evaluate, photos, monkeypatch):
    def absent(choice):
        raise MissingExtra("dlib", extra="faces")

    monkeypatch.setattr(pieces, "load_detector", absent)
    assert evaluate(photos).code == 0
    assert "32 kept from an earlier run" in evaluate(photos).err


def test_sharing_is_measured_beside_files_as_they_were(evaluate, photos):
    said = evaluate(photos, "--platform", "facebook", "--json")
    results, summary = rows_of(said)
    shared = one_of(results, level="video", method="all", platform="facebook")
    clean = one_of(results, level="video", method="all", platform="")
    assert shared["route"] == "emulated"
    assert shared["paired_videos"] == 32
    assert shared["auc_drop"] == pytest.approx(clean["auc"] - shared["auc"])
    assert shared["auc_drop_low"] <= shared["auc_drop"] <= shared["auc_drop_high"]
    assert clean["auc_drop"] is None
    assert summary["warnings"] == []


def test_videos_are_shared_as_videos_where_the_network_is_known_to(evaluate, tmp_path):
    for kind, size in (("real", (72, 64)), ("fake", (64, 64))):
        (tmp_path / "clips" / kind).mkdir(parents=True)
        make_clip(tmp_path / "clips" / kind / "a.mp4", size=size, count=8)
    asked = ("--faces", "crops", "--every", 4, "-p", "example/video", "-p", "facebook", "--json")
    results, summary = rows_of(evaluate(tmp_path / "clips", *asked))
    assert [(row["platform"], row["fake_scores"]) for row in results if row["level"] == "frame"] == [
        ("", 2), ("example/video", 2), ("facebook", 2)]  # fmt: skip
    assert summary["warnings"] == [
        "facebook: no rules for videos are known; frames of videos were shared as photographs",
    ]
    rows = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert len({row["logit_fake"] for row in rows}) == 6


def test_videos_with_a_face_in_some_frames_are_named_and_those_without_any_failed(evaluate, tmp_path):
    boxes: dict[str, dict[str, list[list[int]]]] = {}
    for name, last in (("real/some.mp4", []), ("fake/all.mp4", [[2, 3, 30, 31]]), ("fake/none.mp4", [])):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        make_clip(tmp_path / "in" / name, count=8)
        boxes[name] = {"0": [] if "none" in name else [[2, 3, 30, 31]], "4": last}
    (tmp_path / "boxes.json").write_text(json.dumps({"boxes": boxes}))
    asked = ("--finder", "boxes", "--finder-file", tmp_path / "boxes.json", "--every", 4, "--json")
    said = evaluate(tmp_path / "in", *asked)
    _, summary = rows_of(said)
    some, none = (str(tmp_path / "in" / name) for name in ("real/some.mp4", "fake/none.mp4"))
    assert summary["warnings"][0] == f"no face was found in some frames of these videos: {some} (1)"
    assert summary["failed"] == {none: f"{none}: no face was found in 2 frames"}


def test_files_that_came_back_are_a_row_of_their_own_and_not_shared_again(evaluate, photos, tmp_path):
    labels = [("file", "label", "id", "platform")]
    for path in sorted(photos.rglob("*.png")):
        kind, id_ = path.parts[-4], "/".join(path.parts[-3:-1])
        labels.append((path.relative_to(photos), kind, id_, ""))
        back = photos / "back" / kind / path.parts[-3] / f"{path.parts[-2]}.png"
        back.parent.mkdir(parents=True, exist_ok=True)
        back.write_bytes(path.read_bytes())
        labels.append((back.relative_to(photos), kind, id_, "Facebook"))
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(",".join(map(str, row)) for row in labels))
    results, summary = rows_of(evaluate(photos, "--labels", table, "--platform", "facebook", "--json"))
    assert [(row["route"], row["real_videos"]) for row in results if row["level"] == "video"] == [
        ("clean", 16), ("emulated", 16), ("shared", 16)]  # fmt: skip
    assert one_of(results, level="video", route="shared")["auc_drop"] == 0
    assert (summary["failed"], summary["unlabelled"], summary["unscored"]) == ({}, [], [])


def test_a_calibration_is_learned_from_other_videos_than_are_measured(evaluate, photos, tmp_path):
    said = evaluate(photos, "--calibration-share", 0.5, "--error-rate", 0.3, "--json")
    results, summary = rows_of(said)
    found = load_calibration(tmp_path / "out/calibration.json")
    measured = one_of(results, level="video", method="all")
    assert found.video.real_videos + measured["real_videos"] == 16
    assert found.video.fake_videos + measured["fake_videos"] == 16
    told = [measured[f"real_called_{verdict}"] for verdict in ("fake", "real", "unsure")]
    assert sum(told) == pytest.approx(1)
    assert summary["calibration"]["error_rate"] == 0.3
    again, _ = rows_of(evaluate(photos, "--calibration", tmp_path / "out/calibration.json", "--json", out="other"))
    assert one_of(again, level="video", method="all")["real_videos"] == 16
    said = evaluate(photos, "--calibration-share", 0.5, "--error-rate", 0.001)
    assert "nothing will be called fake: an error rate of 0.001 takes 999 real videos" in said.out


def test_a_folder_of_one_kind_has_rates_and_says_what_it_has_not(evaluate, photos):
    said = evaluate(photos / "real", "--json")
    results, _ = rows_of(said)
    assert said.code == 0
    assert (results[0]["auc"], results[0]["eer"]) == (None, None)
    assert 0 <= results[0]["false_positive_rate"] <= 1
    assert results[0]["false_positive_rate_low"] is not None
    assert "no AUC, EER and average precision: all are real, none is fake" in said.err


def test_damaged_and_unlabelled_files_are_named(evaluate, photos, tmp_path):
    (photos / "fake/A/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.new("RGB", (9, 9)).save(photos / "stray.png")
    (photos / "notes.txt").write_text("hello")
    said = evaluate(photos, "--json")
    _, summary = rows_of(said)
    assert said.code == 4
    assert [path.rpartition("/")[2] for path in summary["failed"]] == ["bad.png"]
    assert [path.rpartition("/")[2] for path in summary["unlabelled"]] == ["stray.png"]
    assert "bad.png: cannot be decoded" in said.err
    assert "1 file without a label, and so not measured: " in said.err


def test_rows_of_scores_do_as_well(evaluate, tmp_path):
    rows = [{"file": f"{kind}/{number}.png", "logit_fake": number - 3 * (kind == "real")}
            for kind in ("real", "fake") for number in range(6)]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(
        "\n".join(map(json.dumps, [*rows, {"file": "real/9.png", "logit_fake": float("nan")}]))
    )
    said = evaluate("--scores", tmp_path / "rows.jsonl", "--json")
    results, summary = rows_of(said)
    assert said.code == 4
    truth = [row["file"].startswith("fake") for row in rows]
    assert results[0]["auc"] == pytest.approx(roc_auc_score(truth, [row["logit_fake"] for row in rows]))
    assert summary["failed"] == {"real/9.png": "got the score nan, expected a finite number"}
    assert summary["detector"] == "scores of rows.jsonl"


def test_scores_that_say_the_opposite_are_warned_about(evaluate, tmp_path):
    rows = [{"file": f"{kind}/{number}.png", "logit_fake": number + 5 * (kind == "real")}
            for kind in ("real", "fake") for number in range(9)]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = evaluate("--scores", tmp_path / "rows.jsonl", "--model", "meso4-df")
    assert "meso4-df: fakes score below real faces" in said.out.replace("\n", " ")
    said = evaluate("--scores", tmp_path / "rows.jsonl")
    assert 'Either these are scores of "real"' in said.out.replace("\n", " ")


def test_names_that_are_no_unicode_do_no_harm(evaluate, tmp_path):
    for kind, name in (("real", b"\xff"), ("fake", b"\xfe")):
        folder = tmp_path / "odd" / kind / os.fsdecode(b"m" + name)
        folder.mkdir(parents=True)
        Image.new("RGB", (9, 9), (90, 0, 0)).save(folder / "0.png")
        (folder / os.fsdecode(b"bad" + name + b".png")).write_bytes(b"\x89PNG")
    said = evaluate(tmp_path / "odd", "--json")
    results, summary = rows_of(said)
    assert (said.code, results[0]["fake_videos"], len(summary["failed"])) == (4, 1, 2)
    rows = [{"file": os.fsdecode(b"fake/m\xff/" + name), "logit_fake": 1.0} for name in (b"\xfd/1.png", b"b/1.png")]
    rows += [{"file": f"fake/n/{name}/1.png", "logit_fake": 1.0} for name in "ab"] + [
        {"file": "real/1.png", "logit_fake": 0}
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    results, _ = rows_of(evaluate("--scores", tmp_path / "rows.jsonl", "--json", out="again"))
    assert one_of(results, level="video", method="m\udcff")["fake_videos"] == 2
    assert r",m\udcff," in (tmp_path / "again/results.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "got no or too many kinds of input"),
        (("in", "--split", "no.json"), "'no.json' is not there"),
        (("in", "--split", "test"), "got the split 'test', expected labels with a column"),
        (("in", "--labels", "no.csv"), "'no.csv' is not there"),
        (("in", "--calibration-share", "2"), "got a share of 2"),
        (("in", "--calibration-share", ".5", "--calibration-split", "x"), "expected one of the two"),
        (("in", "--error-rate", "0"), "got an error rate of 0"),
        (("in", "--threshold", "nan"), "got a threshold of nan, expected a finite logit"),
        (("in", "--split", "odd.json"), "odd.json', expected a list of pairs of clips"),
        (("in/real/tube/000/0.png", "--split", "test.json"), "after the split 'test.json' was chosen"),
        (("stray",), "got no label for any of 1 files"),
        (("in", "--platform", "facebok"), "did you mean 'facebook'"),
    ],
)
def test_what_was_asked_for_wrongly_is_told(evaluate, photos, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test.json").write_text('[["071", "054"]]')
    (tmp_path / "odd.json").write_text('["071"]')
    (tmp_path / "stray").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "stray/a.png")
    found = evaluate(*arguments)
    assert found.code == 2
    assert said in found.err


@pytest.mark.parametrize("asked", [("--split", "no.json"), ("--calibration-split", "no.json"), ("--threshold", "inf"),
                                   ("--calibration-share", "2"), ("--split", "test"), ("--calibration-split", "test"),
                                   ("--labels", "labels.csv", "--split", "tets")])  # fmt: skip
def test_what_is_wrong_is_told_before_hours_of_scoring(evaluate, photos, tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label,split\n0.png,real,test\n")
    assert evaluate(photos, *asked).code == 2
    assert not (tmp_path / "out").exists()


def test_two_splits_that_share_videos_are_refused(evaluate, tmp_path):
    (tmp_path / "a.json").write_text('[["000", "001"]]')
    rows = [{"file": f"manipulated_sequences/A/c23/videos/{a}_{b}.mp4", "logit_fake": 1} for a, b in [("000", "001")]]
    rows += [{"file": f"original_sequences/youtube/c23/videos/{a}.mp4", "logit_fake": 0} for a in ("000", "001")]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    split = tmp_path / "a.json"
    said = evaluate("--scores", tmp_path / "rows.jsonl", "--split", split, "--calibration-split", split)
    assert said.code == 2
    assert "got 3 videos that are measured and calibrated with: FaceForensics++ c23 / A / 000_001" in said.err
