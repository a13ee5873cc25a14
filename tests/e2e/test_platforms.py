import json

import pytest

from repost.platforms.catalog import USER_FOLDER_VARIABLE


def test_list_and_show(cli):
    said = cli("platforms", "list", "--json")
    names = [json.loads(line)["name"] for line in said.out.splitlines()]
    assert said.code == 0
    platforms = {name.partition("/")[0] for name in names}
    assert platforms >= {"facebook", "twitter", "wechat", "weibo", "instagram", "telegram"}
    assert platforms >= {"linkedin", "tumblr", "reddit", "discord", "yelp"}
    assert "facebook" in cli("platforms", "list").out
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["name"] for row in rows if row["example"]] == [row["name"] for row in rows[-2:]]
    assert {tuple(row["media"]) for row in rows if row["example"]} == {("video",)}
    assert "no real network" in cli("platforms", "show", "example").out
    for name in names:
        shown = cli("platforms", "show", name)
        assert shown.code == 0
        assert name in shown.out


def test_show_marks_what_is_assumed(cli, tmp_path, networks):
    assumed = tmp_path / "assumed.toml"
    assumed.write_text('unknown = ["rules.0.steps.1.kernel"]\n' + networks[0].read_text())
    assert "kernel lanczos?" in cli("platforms", "show", assumed).out


def test_show_as_toml_is_a_profile_of_its_own(cli, tmp_path):
    copied = tmp_path / "copied.toml"
    copied.write_text(cli("platforms", "show", "telegram", "--toml").out)
    assert "valid, telegram/photo" in cli("platforms", "validate", copied).out
    assert cli("platforms", "show", "telegram", "--toml", "--json").code == 2


def test_validate_names_every_wrong_field(cli, tmp_path, networks):
    broken = tmp_path / "broken.toml"
    broken.write_text(networks[0].read_text().replace('codec = "jpeg"', 'codec = "gif"').replace("summary", "sumary"))
    said = cli("platforms", "validate", networks[0], broken)
    assert said.code == 1
    assert "valid, alpha/post@2024" in said.out
    assert "sumary: no such field" in said.out
    assert "summary: missing" in said.out
    rows = [json.loads(line) for line in cli("platforms", "validate", broken, "--json").out.splitlines()]
    assert rows[0]["valid"] is False


@pytest.mark.parametrize("content", ["not toml [", "", "\xff"])
def test_what_is_no_profile_is_refused(cli, tmp_path, content):
    wrong = tmp_path / "wrong.toml"
    wrong.write_bytes(content.encode("latin-1"))
    assert cli("platforms", "validate", wrong).code == 1
    assert cli("platforms", "show", wrong).code == 2


def test_a_persons_own_folder_is_searched_and_goes_first(cli, tmp_path, networks, monkeypatch):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(networks[0].parent))
    assert "alpha/post@2024" in cli("platforms", "show", "alpha").out
    assert '"bundled": false' in cli("platforms", "list", "--json").out


def test_probe(cli, photos):
    found = json.loads(cli("probe", photos / "a.jpg", "--json").out)
    assert (found["format"], found["width_px"], found["jpeg_quality"], found["subsampling"]) == (
        "jpeg",
        300,
        75,
        "4:2:0",
    )
    said = cli("probe", photos / "trip/d.png", photos / "nowhere.jpg")
    assert said.code == 4
    assert "png" in said.out
    assert "nowhere.jpg" in said.err
