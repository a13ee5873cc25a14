"""`repost identify`: JSON, text and exit codes."""

import json

import pytest
from typer.testing import CliRunner

from jpeg_samples import exif, picture, save
from repost.channel import emulate
from repost.channel.video.emulate import emulate_video
from repost.cli.app import app
from repost.media.video.upload import VideoUpload
from repost.platforms import load_profile
from video_clips import moving_frames, write_clip

OWN = """
platform = "mine"
observed = "2026"
summary = "Mine."
evidence = [{ kind = "inferred", source = "made up" }]
[[rules]]
media = "image"
name = "any"
steps = [
  { op = "resize", fit = "long_side", px = 321 },
  { op = "encode", codec = "jpeg", quality = 41, subsampling = "4:2:2" },
]
"""

VIDEOS = """
platform = "clips"
observed = "2026"
summary = "Mine, for videos."
evidence = [{ kind = "inferred", source = "made up" }]
[[rules]]
media = "video"
name = "any"
steps = [
  { op = "resize", fit = "short_side", px = 80, kernel = "bicubic", multiple_of = 2 },
  { op = "encode", codec = "h264", encoder = "libx264", profile = "main", preset = "fast", gop_frames = 12, scene_cut = false, b_frames = 1, rate = { mode = "crf", crf = 33 } },
  { op = "audio", action = "drop" },
  { op = "container" },
]
"""  # noqa: E501 - inline tables stand on one line in TOML


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOST_PLATFORMS", str(tmp_path / "platforms"))
    camera = save(picture(1300, 900), quality=97, exif=exif())
    (tmp_path / "mine.toml").write_text(OWN)
    (tmp_path / "camera.jpg").write_bytes(camera)
    (tmp_path / "yelp.jpg").write_bytes(emulate(camera, "yelp").data)
    (tmp_path / "mine.jpg").write_bytes(emulate(camera, tmp_path / "mine.toml").data)
    (tmp_path / "text.jpg").write_text("no image")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["identify", *map(str, arguments)])


def test_json_has_the_documented_keys(files):
    said = run(files / "yelp.jpg", "--json")
    assert said.exit_code == 0
    row = json.loads(said.stdout)
    assert set(row) == {"file", "answer", "candidates", "none", "none_reasons"}
    assert row["file"] == str(files / "yelp.jpg")
    first = row["candidates"][0]
    keys = {"platform", "route", "profile", "probability", "reasons", "also", "as_unshared"}
    assert set(first) == keys
    assert first["platform"] == "yelp"
    assert row["answer"] == ["yelp"]
    assert abs(row["none"] + sum(one["probability"] for one in row["candidates"]) - 1) < 1e-9


def test_exit_codes(files):
    assert run(files / "yelp.jpg").exit_code == 0
    assert run(files / "camera.jpg").exit_code == 1
    assert run(files / "camera.jpg", files / "yelp.jpg").exit_code == 0
    failed = run(files / "text.jpg", files / "yelp.jpg", "--json")
    assert failed.exit_code == 4
    assert "text.jpg" in failed.stderr
    assert len(failed.stdout.splitlines()) == 1


def test_text_says_who_and_why(files):
    said = run(files / "yelp.jpg").stdout
    assert "Yelp, most likely" in said
    assert "the long side is exactly 1000 px, Yelp's limit" in said
    assert "none of these networks, most likely" in run(files / "camera.jpg").stdout


def test_own_profiles_by_option_and_by_folder(files):
    assert run(files / "mine.jpg").exit_code == 1
    by_option = run(files / "mine.jpg", "--profile", files / "mine.toml", "--json")
    assert json.loads(by_option.stdout)["answer"] == ["mine"]
    (files / "platforms").mkdir()
    (files / "platforms" / "mine.toml").write_text(OWN)
    by_folder = run(files / "mine.jpg", "--json")
    assert json.loads(by_folder.stdout)["answer"] == ["mine"]


@pytest.fixture
def clips(files):
    (files / "clips.toml").write_text(VIDEOS)
    upload = write_clip(files / "upload.mp4", moving_frames(40, size=(144, 112)))
    emulate_video(VideoUpload(upload), load_profile(files / "clips.toml"), files / "served.mp4", seed=0)
    (files / "cut.mp4").write_bytes(upload.read_bytes()[:4000])
    return files


def test_videos_and_images_may_be_mixed(clips):
    names = ("yelp.jpg", "served.mp4", "upload.mp4", "cut.mp4")
    said = run(*(clips / name for name in names), "--profile", clips / "clips.toml", "--json")
    assert said.exit_code == 4
    assert "cut.mp4" in said.stderr
    assert "yelp.jpg" not in said.stderr
    image, served, upload = map(json.loads, said.stdout.splitlines())
    assert [image["answer"], served["answer"], upload["answer"]] == [["yelp"], ["clips"], []]
    assert set(served) == set(image)
    assert set(served["candidates"][0]) == set(image["candidates"][0])
    assert {one["platform"] for one in served["candidates"]} == {"clips", "example"}
    assert not {"clips", "example"} & {one["platform"] for one in image["candidates"]}
    example = next(one for one in served["candidates"] if one["platform"] == "example")
    assert "describes no real network" in example["reasons"][0]


def test_text_of_a_video_says_how_it_was_coded(clips):
    said = run(clips / "served.mp4", "--profile", clips / "clips.toml")
    assert said.exit_code == 0
    assert "Clips, most likely" in said.stdout
    assert "H.264 Main 1.0 in MP4, 104 x 80 px, 25 frames a second" in said.stdout
    assert "a keyframe every 12 frames, as Clips sets it" in said.stdout
    assert run(clips / "upload.mp4").exit_code == 1
