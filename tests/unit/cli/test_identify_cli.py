"""`repost identify`: JSON, text and exit codes."""

import json

import pytest
from typer.testing import CliRunner

from jpeg_samples import exif, picture, save
from repost.channel import emulate
from repost.cli.app import app

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
