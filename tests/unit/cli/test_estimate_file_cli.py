"""`repost estimate file` and the layers of `repost probe`."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from blind_pictures import encode, photo_like, shared_at
from repost.cli.app import app as whole_app
from repost.cli.estimate import app as estimate_app


@pytest.fixture
def files(tmp_path):
    (tmp_path / "twice.jpg").write_bytes(encode(shared_at(photo_like(), 70), quality=95, subsampling="4:4:4"))
    Image.fromarray(shared_at(photo_like(), 82)[3:, 1:]).save(tmp_path / "crop.png")
    Image.fromarray(photo_like()).save(tmp_path / "clean.png")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    return tmp_path


def run(app, *arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_one_object_per_file(files):
    said = run(estimate_app, "file", files / "twice.jpg", files / "crop.png", files / "clean.png", "--json")
    assert said.exit_code == 0
    twice, crop, clean = (json.loads(line) for line in said.stdout.splitlines())
    assert twice["file"] == str(files / "twice.jpg")
    keys = ("quality", "table_exact", "subsampling", "source")
    assert [tuple(layer[key] for key in keys) for layer in twice["layers"]] == [
        (95, True, "4:4:4", "tables"),
        (70, True, None, "pixels"),
    ]
    assert (twice["compressed"], crop["compressed"], clean["compressed"]) == (True, True, False)
    assert [layer["quality"] for layer in crop["layers"]] == [82]
    assert crop["grid_phase_px"] == [7, 5]
    assert clean["layers"] == []
    assert len(crop["layers"][0]["table"]) == 64


def test_a_bad_file_is_named_and_the_others_go_on(files):
    said = run(estimate_app, "file", files / "bad.jpg", files / "crop.png", files / "gone.png", "--json")
    assert said.exit_code == 4
    assert [json.loads(line)["file"] for line in said.stdout.splitlines()] == [str(files / "crop.png")]
    assert "bad.jpg" in said.stderr
    assert "gone.png" in said.stderr


def test_words_for_people(files):
    said = run(estimate_app, "file", files / "twice.jpg", files / "clean.png")
    assert said.stdout.splitlines() == [
        str(files / "twice.jpg"),
        "  saved last as JPEG quality 95, colour 4:4:4: read from the file",
        "  before that most likely as JPEG quality 70: found in the coefficients",
        str(files / "clean.png"),
        "  PNG with no sign of JPEG in its pixels: never a JPEG, or hidden by scaling, flatness or another codec",
    ]


def test_probe_shows_the_layers_of_the_tables(files):
    said = run(whole_app, "probe", files / "twice.jpg", files / "clean.png", "--json")
    twice, clean = (json.loads(line) for line in said.stdout.splitlines())
    assert [(layer["quality"], layer["source"]) for layer in twice["layers"]] == [(95, "tables")]
    assert clean["layers"] == []
    assert "quality 95, colour 4:4:4" in run(whole_app, "probe", files / "twice.jpg").stdout
