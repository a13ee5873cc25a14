"""`repost weights`, as a person calls it."""

import json
import re
from pathlib import Path

import pytest
from local_site import (
    CONTENT,
    cut_after,
    redirect,
    sha256_of,
    source_of,
    status,
)

from repost.detectors import card_names, obtain

CLI_PAGE = (Path(__file__).parents[4] / "docs" / "cli.md").read_text(encoding="utf-8")


def listed(cli):
    return {row["name"]: row for row in map(json.loads, cli("weights", "list", "--json").out.splitlines())}


def test_every_detector_is_listed_with_what_is_here(cli, publish, site, store):
    publish(source_of(site))
    row = listed(cli)["meso4-df"]
    assert (row["status"], row["licence"], row["size_bytes"], row["path"]) == ("absent", "Apache-2.0", 156_128, None)
    assert set(listed(cli)) == set(card_names())
    assert cli("weights", "fetch", "meso4-df").code == 0
    row = listed(cli)["meso4-df"]
    assert (row["status"], row["published"], row["path"]) == ("present", True, str(store / "meso4-df/meso4-df.h5"))
    Path(row["path"]).write_bytes(b"")
    row = listed(cli)["meso4-df"]
    assert row["status"] == "damaged" and "SHA-256" in row["damage"]
    said = cli("weights", "list")
    assert "damaged" in said.out and str(store) in said.out


def test_the_page_names_every_option_and_every_key(cli, publish, site, store):
    publish(source_of(site))
    section = CLI_PAGE.split("## `repost weights")[1].split("\n## ")[0]
    assert set(re.findall(r"--[a-z0-9][a-z0-9-]+", section)) == {"--json", "--sha256", "--as"}
    keys = set(json.loads(cli("weights", "fetch", "meso4-df", "--json").out)) | set(listed(cli)["meso4-df"])
    assert keys <= set(re.findall(r"`([a-z0-9_]+)`", section))


def test_the_licence_the_address_and_the_size_are_shown_first(cli, publish, site, store):
    publish(source_of(site))
    site.script.extend([redirect("/moved"), cut_after(70_000)])
    said = cli("weights", "fetch", "meso4-df", "--json")
    lines = said.err.splitlines()
    assert lines[1].startswith("licence: Apache-2.0 (https://")
    assert lines[2:5] == [f"from: {site.url}", "size: 156.1 kB", f"SHA-256: {sha256_of(CONTENT)}"]
    assert lines[5] == "the connection ended after 70,000 of 156,128 bytes; 70.0 kB kept, again in 1 s"
    row = json.loads(said.out)
    assert (row["status"], row["sha256"], row["origin"]) == ("fetched", sha256_of(CONTENT), site.url)
    said = cli("weights", "fetch", "meso4-df")
    assert (said.code, said.err) == (0, "") and "in the store already" in said.out


@pytest.mark.parametrize(
    ("content", "answer", "said"),
    [
        (CONTENT[::-1], None, "got a file with SHA-256"),
        (CONTENT[:-1], None, "got 156,128 bytes"),
        (CONTENT, 404, "404"),
    ],
)
def test_what_cannot_be_had_is_an_error_with_exit_code_4(cli, publish, site, store, content, answer, said):
    publish(source_of(site, content))
    if answer:
        site.script.append(status(answer))
    ended = cli("weights", "fetch", "meso4-df")
    assert ended.code == 4 and said in ended.err and ended.out == ""
    assert listed(cli)["meso4-df"]["status"] == "absent"


@pytest.mark.parametrize(("name", "hint"), [("meso4-fd", "did you mean 'meso4-df'"), ("../x", "no detector '../x'")])
def test_unknown_names_are_usage_errors(cli, publish, site, store, name, hint):
    ended = cli("weights", "fetch", name)
    assert ended.code == 2 and hint in ended.err
    assert not store.exists() and not site.asked


def test_an_interruption_says_that_the_same_command_goes_on(cli, publish, site, store, monkeypatch):
    publish(source_of(site))

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(obtain, "download", interrupt)
    ended = cli("weights", "fetch", "meso4-df")
    assert ended.code == 130 and "the same command goes on" in ended.err


def test_a_file_of_yours_is_added_without_a_network(cli, publish, site, store, tmp_path):
    publish(source_of(site))
    (tmp_path / "mine\x1b[2J.h5").write_bytes(CONTENT)
    ended = cli("weights", "add", tmp_path / "mine\x1b[2J.h5", "--json")
    row = json.loads(ended.out)
    assert (ended.code, row["name"], row["status"], row["checked"]) == (0, "meso4-df", "added", True)
    assert not site.asked
    assert cli("weights", "add", tmp_path / "none.h5").code == 2
    (tmp_path / "mine.h5").write_bytes(CONTENT[1:])
    assert "say whose weights these are with --as NAME" in cli("weights", "add", tmp_path / "mine.h5").err
