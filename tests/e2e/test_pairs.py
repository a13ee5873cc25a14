"""`repost pairs` from sheets over a network to pairs."""

import json

import pytest

from repost.pairs.manifest import load_pairs, load_sheets


@pytest.fixture
def upload(cli, photos, tmp_path):
    said = cli("pairs", "sheets", photos, "-o", tmp_path / "upload", "--platform", "alpha", "--tile", 128, "--max-size",
               "256x256", "--json")  # fmt: skip
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["id"] for row in rows] == [sheet.id for sheet in load_sheets(tmp_path / "upload").sheets]
    return tmp_path / "upload"


def test_from_photographs_to_pairs(cli, upload, networks, tmp_path):
    cli("emulate", upload / "sheets", "-o", tmp_path / "net", "--profile", networks[0])
    said = cli("pairs", "recover", "--manifest", upload, "--downloads", tmp_path / "net/alpha", "-o", tmp_path / "out")
    assert said.code == 0, said.out + said.err
    pairs = load_pairs(tmp_path / "out")
    assert pairs.platform == "alpha"
    assert sorted(pair.source_id for pair in pairs.tiles) == ["a.jpg", "b.jpg", "trip/c.jpg", "trip/d.png"]
    assert "pairs.json" in said.err


def test_json_rows_are_the_manifest(cli, upload, networks, tmp_path):
    cli("emulate", upload / "sheets", "-o", tmp_path / "net", "--profile", networks[0])
    downloads = tmp_path / "net/alpha"
    gone = sorted(downloads.iterdir())[0]
    gone.unlink()
    (downloads / "text.jpg").write_text("nothing")
    said = cli("pairs", "recover", "--manifest", upload, "--downloads", downloads, "-o", tmp_path / "out", "--json")
    assert said.code == 4
    rows = [json.loads(line) for line in said.out.splitlines()]
    pairs = load_pairs(tmp_path / "out")
    assert [row["row"] for row in rows] == (
        ["file"] * len(pairs.files) + ["tile"] * len(pairs.tiles) + ["problem"] * len(pairs.problems)
    )
    assert {row["kind"] for row in rows if row["row"] == "problem"} == {"missing", "unreadable"}


def test_a_folder_of_downloads_that_is_not_there_is_a_usage_error(cli, upload, tmp_path):
    said = cli("pairs", "recover", "--manifest", upload, "--downloads", tmp_path / "nowhere", "-o", tmp_path / "out")
    assert said.code == 2
    assert "nowhere" in said.err


@pytest.mark.parametrize("size", ["1280", "axb", "12x"])
def test_a_size_that_is_none_is_a_usage_error(cli, photos, tmp_path, size):
    said = cli("pairs", "sheets", photos, "-o", tmp_path / "upload", "--max-size", size)
    assert said.code == 2
    assert "WIDTHxHEIGHT" in said.err


def test_sources_that_fail_are_named_and_end_in_code_4(cli, photos, tmp_path):
    (photos / "cut.jpg").write_bytes((photos / "a.jpg").read_bytes()[:900])
    said = cli("pairs", "sheets", photos, "-o", tmp_path / "upload", "--tile", 128)
    assert said.code == 4
    assert "failed: cut.jpg: cannot be decoded" in said.err
    assert len(load_sheets(tmp_path / "upload").failed) == 1


def test_a_probe_pack_says_what_to_do(cli, photos, tmp_path):
    said = cli("pairs", "probe", "-o", tmp_path / "pack", "--photo", photos / "a.jpg", "-p", "alpha")
    assert said.code == 0, said.err
    assert "repost pairs recover" in said.err
    assert len(load_sheets(tmp_path / "pack").sheets) == len(said.out.splitlines())
