"""Manifests: a round trip, and every fault of a hand-made edit named by its field."""

import json

import pytest

from repost.core.errors import InputNotFound, UsageError
from repost.pairs.manifest import (
    InvalidManifest,
    PairManifest,
    Problem,
    load_pairs,
    load_sheets,
    write_manifest,
)


def edited(uploaded, tmp_path, change):
    content = json.loads((uploaded.folder / "sheets.json").read_text())
    change(content)
    path = tmp_path / "sheets.json"
    path.write_text(json.dumps(content))
    return path


def put(value, *path):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (put("../../etc/passwd", "sheets", 0, "file"), "sheets.0.file"),
        (put("/etc/passwd", "sheets", 0, "file"), "sheets.0.file"),
        (put("a/../../b.png", "sheets", 0, "file"), "sheets.0.file"),
        (put("C:\\x.png", "sheets", 0, "file"), "sheets.0.file"),
        (put("", "sheets", 0, "file"), "sheets.0.file"),
        (put("../x", "sheets", 0, "id"), "sheets.0.id"),
        (put("abc", "sheets", 0, "sha256"), "sheets.0.sha256"),
        (put("512", "sheets", 0, "width_px"), "sheets.0.width_px"),
        (put(99999, "sheets", 0, "tiles", 0, "box", "right_px"), "sheets.0"),
        (put(120, "sheets", 0, "tiles", 0, "box", "right_px"), "sheets.0"),
        (put(-16, "sheets", 0, "tiles", 0, "box", "left_px"), "left_px"),
        (put(0, "sheets", 0, "tiles", 0, "scale"), "scale"),
        (put([], "sheets", 0, "tiles"), "sheets.0.tiles"),
        (put(2, "schema_version"), "schema_version"),
        (put(1, "unheard_of"), "unheard_of"),
    ],
)
def test_an_edit_is_named_by_its_field(uploaded, tmp_path, change, field):
    with pytest.raises(InvalidManifest) as caught:
        load_sheets(edited(uploaded, tmp_path, change))
    assert field in " ".join(name for name, _ in caught.value.problems)
    assert isinstance(caught.value, UsageError)


def test_two_sheets_of_one_name_are_refused(uploaded, tmp_path):
    def change(content):
        content["sheets"][1]["id"] = content["sheets"][0]["id"]

    with pytest.raises(InvalidManifest, match="two sheets"):
        load_sheets(edited(uploaded, tmp_path, change))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"sheets"', "\xff", "[" * 100_000])
def test_what_is_no_manifest_is_refused(tmp_path, text):
    path = tmp_path / "sheets.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InvalidManifest):
        load_sheets(path)
    with pytest.raises(InvalidManifest):
        load_pairs(path)


def test_a_missing_manifest_is_not_found(tmp_path):
    with pytest.raises(InputNotFound):
        load_pairs(tmp_path)


def test_a_pair_manifest_survives_writing_and_knows_what_failed(tmp_path):
    harmless = (Problem(kind="copy", reason="twice"), Problem(kind="tile_hidden", reason="cropped"))
    pairs = PairManifest(platform="über", kind="sheets", problems=harmless)
    write_manifest(tmp_path / "pairs.json", pairs)
    assert load_pairs(tmp_path) == pairs
    assert not pairs.failed
    assert pairs.model_copy(update={"problems": (Problem(kind="missing", reason="gone"),)}).failed


def test_a_fault_says_what_the_field_holds(uploaded, tmp_path):
    content = json.loads((uploaded.folder / "sheets.json").read_text())
    content["settings"]["tile_px"] = "big"
    content["sheets"][0]["file"] = "../away.png"
    (tmp_path / "sheets.json").write_text(json.dumps(content))
    with pytest.raises(InvalidManifest) as caught:
        load_sheets(tmp_path)
    told = dict(caught.value.problems)
    assert told["settings.tile_px"].startswith("got 'big'; ")
    assert told["sheets.0.file"].startswith("got '../away.png', expected ")
    assert len(told) == 2
