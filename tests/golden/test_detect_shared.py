"""`repost detect` and `repost evaluate detector` on clips of FaceForensics++ with published weights."""

import json

import pytest

from repost.detectors import load
from repost.faces import extract

pytestmark = pytest.mark.shared


@pytest.fixture
def clips(shared_data):
    return shared_data / "videos/icpr2020dfdc"


@pytest.fixture
def weights(shared_data):
    return shared_data / "weights/mesonet/Meso4_DF.h5"


def test_frames_of_a_video_are_judged_as_their_cut_out_faces(cli, clips, weights):
    clip = clips / "manipulated_sequences/Deepfakes/c23/videos/519_515.mp4"
    said = cli("detect", clip, "--model", "meso4-df", "--weights", weights, "--every", 250, "--frames", "--json")
    *frames, whole = [json.loads(line) for line in said.out.splitlines()]
    cut = list(extract(clip, every=250))
    expected = load("meso4", weights=weights).score_pixels([one.cut.pixels for one in cut])
    assert [row["frame"] for row in frames] == [one.frame for one in cut]
    assert [row["box"] for row in frames] == [list(one.chosen.box) for one in cut]
    assert [row["logit_fake"] for row in frames] == pytest.approx(list(expected), abs=1e-5)
    assert whole["logit_fake"] == pytest.approx(expected.mean(), abs=1e-5)


def test_folders_of_faceforensics_label_themselves(cli, clips, weights, tmp_path):
    said = cli("evaluate", "detector", clips, "--model", "meso4-df", "--weights", weights, "--every", 250,
               "--resamples", 50, "-o", tmp_path, "--json")  # fmt: skip
    *results, summary = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    videos = {row["method"]: row for row in results if row["level"] == "video"}
    assert {name: (row["real_videos"], row["fake_videos"]) for name, row in videos.items()} == {
        "all": (2, 2), "Deepfakes": (2, 1), "FaceSwap": (2, 1)}  # fmt: skip
    assert (videos["Deepfakes"]["auc"], videos["FaceSwap"]["auc"]) == (1, 0), "it knows the one kind of fake alone"
    assert [name.rpartition("/")[2] for name in summary["unlabelled"]] == ["yhffcuhhjy.mp4"]
