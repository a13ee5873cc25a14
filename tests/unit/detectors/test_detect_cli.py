"""`repost detect`: rows, videos, verdicts, what fails; with a toy network that calls red pictures fake."""

import json

import numpy as np
import pytest
from PIL import Image
from toy_detector import RedIsFake

from clips import make_clip
from repost.detectors import score_files
from repost.detectors.calibration import Calibration, Fit, save_calibration
from repost.training import device


@pytest.fixture
def detect(cli, monkeypatch, tmp_path):
    monkeypatch.setattr(score_files, "scorer_of", lambda *asked: RedIsFake())
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"toy")

    def call(*arguments):
        return cli("detect", *arguments, "--model", "meso4-df", "--weights", weights, "-j", 1)

    return call


@pytest.fixture
def picture(tmp_path):
    def make(name, colour, size=(40, 40)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", size, colour).save(path)
        return path

    return make


def rows_of(said):
    return [json.loads(line) for line in said.out.splitlines()]


def test_a_row_for_each_file_in_the_order_they_were_named(detect, picture):
    files = [picture("b.png", (200, 0, 0)), picture("a.png", (0, 0, 100))]
    said = detect(*files, "--json")
    rows = rows_of(said)
    assert said.code == 0
    assert [row["file"] for row in rows] == list(map(str, files))
    assert [row["logit_fake"] for row in rows] == pytest.approx([20, -10])
    assert [row["p_fake"] for row in rows] == pytest.approx([1 / (1 + np.exp(-20)), 1 / (1 + np.exp(10))])
    assert set(rows[0]) == {"file", "frame", "frames", "missed", "box", "logit_fake", "p_fake", "verdict", "error"}
    assert {rows[0][name] for name in ("frame", "frames", "missed", "box", "verdict", "error")} == {None}


def test_convention_images_are_judged_as_they_are(detect, picture):
    """No face is looked for in a crop: it would be cut again."""
    assert detect(picture("crop.png", (90, 90, 90)), "--json").code == 0


def test_a_video_is_the_mean_over_its_frames(detect, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", count=12)
    said = detect(clip, "--faces", "crops", "--every", 5, "--frames", "--json")
    *frames, whole = rows_of(said)
    assert [row["frame"] for row in frames] == [0, 5, 10]
    assert (whole["frame"], whole["frames"], whole["missed"]) == (None, 3, 0)
    assert whole["logit_fake"] == pytest.approx(np.mean([row["logit_fake"] for row in frames]))
    assert len({row["logit_fake"] for row in frames}) == 3
    assert rows_of(detect(clip, "--faces", "crops", "--every", 5, "--json")) == [whole]


def test_a_video_that_is_cut_off_is_judged_by_what_is_left_and_named(detect, tmp_path):
    whole = make_clip(tmp_path / "whole.mp4", count=60, container_options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    said = detect(cut, "--faces", "crops", "--every", 5, "--json")
    (row,) = rows_of(said)
    assert said.code == 4
    assert 0 < row["frames"] < 12
    assert row["logit_fake"] is not None
    assert "cannot be decoded: it is cut off" in row["error"]
    assert "cut off" in said.err


def test_a_frame_is_the_one_of_that_number_and_upright(detect, tmp_path):
    from repost.media.video.frames import decode_frames, upright_rgb8

    clip = make_clip(tmp_path / "clip.mp4", count=12, rotation_deg=90)
    *frames, _ = rows_of(detect(clip, "--faces", "crops", "--every", 5, "--frames", "--json"))
    shown = [upright_rgb8(frame) for frame in decode_frames(clip)]
    assert [row["logit_fake"] for row in frames] == pytest.approx(
        RedIsFake().score_pixels([shown[n] for n in (0, 5, 10)])
    )


def test_what_cannot_be_judged_is_named_and_the_rest_is_judged(detect, picture, tmp_path):
    picture("in/good.png", (9, 0, 0))
    (tmp_path / "in/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "in/clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(40))
    (tmp_path / "in/notes.txt").write_text("hello")
    said = detect(tmp_path / "in", "--json")
    rows = rows_of(said)
    assert said.code == 4
    assert [row["error"] is None for row in rows] == [False, False, True]
    assert all(row["logit_fake"] is None for row in rows[:2])
    assert said.err.count("failed: ") == 2
    assert "1 passed over: no media" in said.err


def test_a_folder_without_media_is_an_honest_negative(detect, tmp_path):
    (tmp_path / "in").mkdir()
    assert detect(tmp_path / "in").code == 2
    (tmp_path / "in/notes.txt").write_text("hello")
    assert detect(tmp_path / "in").code == 1


def test_whole_photographs_are_warned_about(detect, picture):
    said = detect(picture("wide.png", (0, 0, 0), size=(150, 100)), picture("edge.png", (0, 0, 0), size=(100, 90)))
    assert "warning: 1 taken for face crops, and not square" in said.err


def test_without_a_calibration_probabilities_are_said_to_be_none(detect, picture):
    said = detect(picture("a.png", (0, 0, 100)))
    assert "not calibrated" in said.err
    assert "-10.00" in said.out


def test_of_probabilities_nothing_is_said_where_there_are_none(detect, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    said = detect(tmp_path / "bad.png")
    assert said.code == 4
    assert "not calibrated" not in said.err


@pytest.fixture
def calibrated(tmp_path):
    fit = Fit(slope=0.5, intercept=-1, fake_from=4, real_up_to=-4, real_videos=20, fake_videos=20)
    found = Calibration(detector="meso4-df", error_rate=0.1, frame=fit, video=fit, learned_from="a toy")
    save_calibration(found, tmp_path / "calibration.json")
    return tmp_path / "calibration.json"


def test_a_calibration_gives_probabilities_and_verdicts(detect, picture, calibrated):
    files = [picture(f"{red}.png", (red, 0, 30)) for red in (0, 50, 90)]
    rows = rows_of(detect(*files, "--calibration", calibrated, "--json"))
    assert [row["verdict"] for row in rows] == ["unsure", "unsure", "fake"]
    assert rows[2]["p_fake"] == pytest.approx(1 / (1 + np.exp(-(6 * 0.5 - 1))))
    said = detect(*files, "--calibration", calibrated)
    assert "unsure" in said.out
    assert "not calibrated" not in said.err


def test_a_calibration_of_another_detector_is_refused(cli, picture, calibrated, tmp_path):
    said = cli("detect", picture("a.png", (0, 0, 0)), "--model", "meso4-f2f", "--weights", tmp_path / "a.png",
               "--calibration", calibrated)  # fmt: skip
    assert said.code == 2
    assert "got a calibration of meso4-df" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "meso4df"), "did you mean 'meso4-df'"),
        (("--model", "meso4-df", "--weights", "no.h5"), "'no.h5' is not there"),
        (("--model", "meso4-df", "--device", "gpu"), "got the device 'gpu', expected auto"),
        (("--model", "meso4-df", "--faces", "auot"), "got --faces auot, expected one of auto, crops, find"),
    ],
)
def test_what_was_asked_for_wrongly_is_told(cli, picture, tmp_path, arguments, said):
    weights = () if "--weights" in arguments else ("--weights", picture("w.png", (0, 0, 0)))
    found = cli("detect", picture("a.png", (0, 0, 0)), *arguments, *weights)
    assert found.code == 2
    assert said in found.err


def test_the_detector_computes_where_it_was_asked_to(detect, picture, monkeypatch):
    asked = []
    monkeypatch.setattr(device, "_gpu_count", lambda: 1)
    monkeypatch.setattr(score_files, "scorer_of", lambda *given: asked.append(given[2]) or RedIsFake())
    for option, where in (((), "cpu"), (("--device", "auto"), "cuda"), (("--device", "cuda:0"), "cuda:0")):
        asked.clear()
        assert detect(picture("a.png", (0, 0, 0)), *option).code == 0
        assert set(asked) == {where}


class OneFace:
    """Finds a face in what is not black."""

    gives_points = False

    def identity(self):
        return "toy"

    def find(self, pixels, *, source="", frame=0):
        from repost.faces.face import Box, Face

        return [Face(Box(10, 10, 19, 19), 1.0)] if pixels.any() else []


def test_faces_are_found_where_asked(detect, picture, monkeypatch):
    from repost.detectors import pieces

    monkeypatch.setattr(pieces, "load_detector", lambda choice: OneFace())
    face = picture("face.png", (0, 0, 90))
    pixels = np.asarray(Image.open(face)).copy()
    pixels[10:20, 10:20] = (90, 0, 0)
    Image.fromarray(pixels).save(face)
    rows = rows_of(said := detect(face, picture("black.png", (0, 0, 0)), "--faces", "find", "--json"))
    assert said.code == 4
    assert rows[0]["box"] == [10, 10, 19, 19]
    inside = 100 / 11**2  # of a square of 1.3 times the 9 px from left to right
    assert rows[0]["logit_fake"] == pytest.approx(9 * (2 * inside - 1), abs=1e-9)
    assert rows[1]["error"].endswith("black.png: no face was found")


def test_boxes_that_are_known_already_do_as_well(detect, picture, tmp_path):
    face = picture("in/face.png", (90, 0, 0))
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"schema_version": 1, "boxes": {"face.png": {"0": [[2, 3, 20, 21]]}}}))
    asked = ("--faces", "find", "--finder", "boxes", "--finder-file", boxes, "--json")
    assert [row["box"] for row in rows_of(detect(face.parent, *asked))] == [[2, 3, 20, 21]]
    said = detect(face, "--faces", "find", "--finder", "dlb")
    assert said.code == 2
    assert "did you mean 'dlib'" in said.err


def test_a_frame_without_an_entry_in_a_file_of_boxes_costs_itself_and_not_its_video(detect, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", count=12)
    boxes = tmp_path / "boxes.json"
    known = {"0": [[2, 3, 20, 21]], "10": [[900, 900, 950, 950]]}
    boxes.write_text(json.dumps({"schema_version": 1, "boxes": {"clip.mp4": known}}))
    said = detect(clip, "--finder", "boxes", "--finder-file", boxes, "--every", 5, "--frames", "--json")
    *frames, whole = rows_of(said)
    assert said.code == 4
    assert [row["logit_fake"] is None for row in frames] == [False, True, True]
    assert "no entry for frame 5" in frames[1]["error"]
    assert "expected one larger than a pixel and inside the picture of 96x64" in frames[2]["error"]
    assert (whole["frames"], whole["missed"], whole["error"]) == (1, 0, frames[1]["error"])
    assert whole["logit_fake"] == frames[0]["logit_fake"]


@pytest.mark.parametrize("score", [float("nan"), float("-inf")])
def test_a_score_that_is_no_number_is_a_failure_in_words(detect, picture, monkeypatch, score):
    monkeypatch.setattr(RedIsFake, "score_pixels", lambda self, faces: np.array([score for _ in faces]))
    said = detect(picture("a.png", (1, 2, 3)), "--json")
    assert said.code == 4
    assert f"got the score {score}, expected a finite number" in rows_of(said)[0]["error"]
