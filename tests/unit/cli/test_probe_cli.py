"""`repost probe` on videos, alone and among images."""

import json
import sys
from functools import partial

import pytest
from PIL import Image

from clips import make_clip, make_sound


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    make_clip(folder / "a.mp4", count=12, options={"crf": "30", "preset": "veryfast"}, audio="aac")
    make_clip(folder / "b.webm", count=6, codec="libvpx-vp9", options={"deadline": "realtime"})
    make_clip(folder / "turned.mp4", count=3, rotation_deg=-90, pixel_format="yuv420p10le", colour=(9, 16, 9, 1))
    Image.new("RGB", (40, 30), "navy").save(folder / "c.jpg", quality=83)
    make_sound(folder / "song.mp4")
    return folder


@pytest.fixture
def probe(cli):
    return partial(cli, "probe")


def test_images_and_videos_mix(probe, files):
    code, out, err = probe(files / "c.jpg", files / "a.mp4", files / "b.webm", "--json")
    assert (code, err) == (0, "")
    image, video, other = (json.loads(line) for line in out.splitlines())
    assert (image["format"], image["jpeg_quality"], image["layers"][0]["quality"]) == ("jpeg", 83, 83)
    assert (video["format"], video["coding"]["frame_kinds"]["I"]) == ("mp4", 1)
    assert (other["format"], other["coding"]["qp"]["scale"]) == ("webm", "0-255")
    assert video["file"] == str(files / "a.mp4")


def test_figures_that_cannot_be_written_end_the_call_before_the_work(probe, files, tmp_path):
    (tmp_path / "note").write_text("kept")
    code, out, err = probe(files / "a.mp4", "--figures", tmp_path / "note")
    assert (code, out) == (2, "")
    assert "expected a folder" in err


def test_words_for_people(probe, files):
    code, out, _ = probe(files / "a.mp4")
    said = dict(line.strip().split(maxsplit=1) for line in out.splitlines()[1:])
    assert code == 0
    assert out.splitlines()[0] == str(files / "a.mp4")
    assert said["picture"] == "H.264 High, level 1.0, 96 × 64, yuv420p, 8 bits"
    assert said["frames"] == "12 in 0.48 s, 25 fps"
    assert said["sound"].startswith("AAC, 48,000 Hz, 2 channels, ")
    assert "crf 30.0, preset veryfast" in said["encoder"]
    assert said["tools"].startswith("1 reference, CABAC, 8x8 transform, weighted P")
    assert said["QP"].endswith("the header's is 30")
    assert said["handlers"] == "VideoHandler, SoundHandler"
    assert "one keyframe" in said["groups"]


def test_rotation_and_colour_in_words(probe, files):
    _, out, _ = probe(files / "turned.mp4", "--quick")
    assert "64 × 96, stored 96 × 64, turned 90° clockwise, yuv420p10le, 10 bits" in out
    assert "primaries BT.2020, transfer PQ, matrix BT.2020, limited range, high dynamic range" in out


def test_quick_does_not_decode(probe, files, monkeypatch):
    code, out, _ = probe(files / "a.mp4", "--quick", "--json")
    assert code == 0
    assert json.loads(out)["coding"] is None
    assert json.loads(out)["settings"]["crf"] == "30.0"


def test_a_bad_file_is_named_and_the_others_go_on(probe, files, tmp_path):
    (tmp_path / "cut.mp4").write_bytes((files / "a.mp4").read_bytes()[:-900])
    code, out, err = probe(tmp_path / "cut.mp4", files / "song.mp4", files / "c.jpg", files / "a.mp4", "--json")
    assert code == 4
    assert [json.loads(line)["format"] for line in out.splitlines()] == ["jpeg", "mp4"]
    assert "cut.mp4 cannot be decoded" in err
    assert "song.mp4: got a file with audio only" in err


def test_names_and_tags_cannot_steer_the_terminal(probe, tmp_path):
    path = make_clip(tmp_path / "a\x1b[2J.mp4", count=2, metadata={"encoder": "x"})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"VideoHandler", b"\x1b[31mRed!\x07\xff\xe2"))
    code, out, _ = probe(path, "--quick")
    assert code == 0
    assert "\x1b" not in out
    assert "\\x1b[31mRed!\\x07" in out


def test_figures_of_a_pair(probe, files, tmp_path):
    pytest.importorskip("matplotlib")
    code, _, err = probe(files / "a.mp4", files / "b.webm", files / "c.jpg", "--figures", tmp_path / "figures")
    assert code == 0
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"qp.svg", "qp.png", "frames.svg", "frames.png"}
    assert all(name in err for name in names)


def test_a_bad_file_does_not_keep_the_others_from_being_drawn(probe, files, tmp_path):
    pytest.importorskip("matplotlib")
    code, _, err = probe(files / "a.mp4", files / "song.mp4", "--figures", tmp_path / "figures")
    assert code == 4
    assert "song.mp4" in err
    assert (tmp_path / "figures" / "qp.png").exists()
    code, _, err = probe(files / "song.mp4", "--figures", tmp_path / "none")
    assert code == 4
    assert not (tmp_path / "none").exists()


def test_figures_need_frames_and_videos(probe, files, tmp_path):
    code, out, err = probe(files / "a.mp4", "--quick", "--figures", tmp_path)
    assert (code, out) == (2, "")
    assert "--quick" in err
    code, _, err = probe(files / "c.jpg", "--figures", tmp_path)
    assert code == 2
    assert "no video" in err


def test_figures_without_matplotlib_say_what_to_install(probe, files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = probe(files / "a.mp4", "--figures", tmp_path / "figures")
    assert code == 3
    assert "repost[report]" in err
    assert "H.264" in out
