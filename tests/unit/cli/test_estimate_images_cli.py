"""`repost estimate images`: what it writes, what it says, and its exit codes."""

import json
import tomllib

import numpy as np
import pytest
import skimage.data
from PIL import Image

from jpeg_samples import save
from repost.channel import emulate
from repost.platforms import load_profile
from repost.platforms.catalog import parse_profile

SIZES = [(240, 180), (180, 240), (200, 120), (130, 90), (220, 220)]
TRUE = parse_profile(
    {
        "platform": "true", "observed": "2024", "summary": "a test",
        "evidence": [{"kind": "inferred", "source": "this test"}],
        "rules": [{"media": "image", "name": "any", "steps": [
            {"op": "resize", "fit": "long_side", "px": 150, "kernel": "area"},
            {"op": "encode", "codec": "jpeg", "quality": 77, "progressive": True},
        ]}],
    },
    source="this test",
)  # fmt: skip


def photo(index, size):
    return Image.fromarray(skimage.data.coffee()).crop((index, index, index + size[0], index + size[1]))


@pytest.fixture
def folder(tmp_path):
    """uploads/ and downloads/ of five photographs."""
    for name in ("uploads", "downloads"):
        (tmp_path / name).mkdir()
    for index, size in enumerate(SIZES):
        upload = save(photo(index, size), quality=95)
        (tmp_path / "uploads" / f"{index}.jpg").write_bytes(upload)
        (tmp_path / "downloads" / f"{index}.jpg").write_bytes(emulate(upload, TRUE).data)
    return tmp_path


@pytest.fixture
def learn(cli, folder):
    """`repost estimate images` with its usual arguments; later ones go before."""

    def call(*more, platform="mine", out="mine.toml"):
        sides = ("--originals", folder / "uploads", "--shared", folder / "downloads")
        return cli("estimate", "images", *sides, "-p", platform, "-o", folder / out, "--jobs", 1, *more)

    return call


def test_what_is_learned_can_be_emulated_at_once(learn, cli, folder):
    code, out, err = learn()
    assert code == 0
    assert "5 of 5 (95 %: 0.57 to 1.00) pairs are reproduced pixel for pixel" in out
    assert "learned from 5 pairs, 0 refused" in err
    unseen = save(photo(40, (210, 160)), quality=93)
    (folder / "unseen.jpg").write_bytes(unseen)
    code, _, _ = cli("emulate", folder / "unseen.jpg", "--profile", folder / "mine.toml", "-o", folder / "out", "-j", 1)
    assert code == 0
    with Image.open(folder / "out" / "mine" / "unseen.jpg") as image:
        assert np.array_equal(np.asarray(image), emulate(unseen, TRUE).pixels)


def test_json_is_one_object(learn, folder):
    code, out, _ = learn("--json", "--observed", "2025-11", "--route", "message")
    assert code == 0
    row = json.loads(out)
    assert (row["name"], row["pairs"], row["held_out_pairs"], row["held_out_exact"]) == (
        "mine/message@2025-11",
        5,
        5,
        5,
    )
    assert row["held_out_exact_interval"] == pytest.approx([0.566, 1.0], abs=0.001)
    assert (row["profile"], row["refused"], row["misfits"]) == (str(folder / "mine.toml"), [], [])
    (rule,) = row["rules"]
    assert rule["fit"]["exact_share"] == 1
    written = tomllib.loads((folder / "mine.toml").read_text())
    assert (written["platform"], written["route"], written["observed"]) == ("mine", "message", "2025-11")


def test_refused_pairs_are_named_and_the_rest_is_learned(learn, folder):
    (folder / "downloads" / "0.jpg").write_bytes(b"")
    (folder / "downloads" / "1.jpg").unlink()
    (folder / "downloads" / "2.jpg").write_bytes((folder / "downloads" / "3.jpg").read_bytes())
    (folder / "downloads" / "stray.jpg").write_bytes(b"?")
    code, out, err = learn("--json")
    assert code == 4
    row = json.loads(out)
    assert row["pairs"] == 2
    assert {one["name"] for one in row["refused"]} == {"0", "1", "2", "stray"}
    failures = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert len(failures) == 4
    assert load_profile(folder / "mine.toml").evidence[0].n == 2


def test_names_with_control_characters_are_shown_as_escapes(learn, folder):
    for side in ("uploads", "downloads"):
        (folder / side / "bad\x1b[31m\u202ename.jpg").write_bytes(b"no picture")
    code, _, err = learn()
    assert code == 4
    assert "\x1b" not in err
    assert "\u202e" not in err
    assert r"bad\x1b[31m\u202ename" in err


def test_one_pair(learn, folder):
    for index in range(1, 5):
        for side in ("uploads", "downloads"):
            (folder / side / f"{index}.jpg").unlink()
    code, out, _ = learn()
    assert code == 0
    assert "one upload only: nothing is left to check the rules on" in out


def test_no_pairs(learn, folder):
    for path in (folder / "downloads").iterdir():
        path.unlink()
    code, out, err = learn()
    assert (code, out) == (2, "")
    assert "no pair" in err
    assert not (folder / "mine.toml").exists()


@pytest.mark.parametrize("name", ["My Net", "", "a/b", "x\x1b[31m", "Facebook", "-x", "../x"])
def test_odd_platform_names(learn, folder, name):
    code, _, err = learn(f"--platform={name}")
    assert code == 2
    assert "expected small letters" in err
    assert "\x1b" not in err
    assert not (folder / "mine.toml").exists()


@pytest.mark.parametrize(
    ("out", "words"), [("uploads", "ends in .toml"), ("mine.txt", "ends in .toml"), ("none/mine.toml", "make it first")]
)
def test_odd_outputs(learn, folder, out, words):
    code, _, err = learn(out=out)
    assert code == 2
    assert words in err


def test_an_input_is_never_written_over(learn, folder):
    """A photograph may be called anything; that of a pair is not overwritten."""
    for side in ("uploads", "downloads"):
        (folder / side / "0.jpg").rename(folder / side / "0.toml")
    before = (folder / "downloads" / "0.toml").read_bytes()
    code, _, err = learn(out="downloads/0.toml")
    assert code == 2
    assert "write over" in err
    assert (folder / "downloads" / "0.toml").read_bytes() == before


def test_a_missing_folder_and_wrong_sides(cli, folder):
    rest = ("-p", "mine", "-o", folder / "mine.toml")
    code, _, err = cli("estimate", "images", "--originals", folder / "none", "--shared", folder / "downloads", *rest)
    assert (code, "none" in err) == (2, True)
    code, _, err = cli("estimate", "images", "--originals", folder / "uploads", *rest)
    assert (code, "--shared" in err) == (2, True)
    same = folder / "uploads"
    code, _, err = cli("estimate", "images", "--originals", same, "--shared", same, *rest)
    assert (code, "folders of their own" in err) == (2, True)
    code, _, err = cli("estimate", "images", "--pairs", folder / "none", *rest)
    assert (code, "none" in err) == (2, True)


def test_findings_are_kept(learn, folder, monkeypatch):
    import repost.estimation.images.examine as module

    examined = []
    real = module.examine_pair

    def count(*arguments, **settings):
        examined.append(settings["name"])
        return real(*arguments, **settings)

    monkeypatch.setattr(module, "examine_pair", count)
    assert learn("--findings", folder / "kept")[0] == 0
    assert len(examined) == 5
    first = load_profile(folder / "mine.toml")
    assert learn("--findings", folder / "kept")[0] == 0
    assert len(examined) == 5
    assert load_profile(folder / "mine.toml") == first


def test_several_networks_in_one_folder_are_suspected(learn, folder):
    """Half of the downloads come from another network, and nothing about the uploads says which."""
    for index in range(5, 27):
        upload = save(photo(index, (200 + 3 * ((7 * index) % 40), 140)), quality=95)
        (folder / "uploads" / f"{index}.jpg").write_bytes(upload)
        served = emulate(upload, TRUE).data
        if index % 2:
            with Image.open(folder / "uploads" / f"{index}.jpg") as image:
                served = save(image.resize((100, round(100 * 140 / image.width))), quality=60, subsampling="4:4:4")
        (folder / "downloads" / f"{index}.jpg").write_bytes(served)
    code, out, err = learn()
    assert code == 0
    assert "several networks or routes in one folder" in out
    assert "odd: " in err


def test_findings_do_not_go_among_the_pictures(learn, folder):
    (folder / "downloads" / "manifest.jsonl").write_text("mine")
    code, _, err = learn("--findings", folder / "downloads")
    assert code == 2
    assert "holds files of the pairs" in err
    assert (folder / "downloads" / "manifest.jsonl").read_text() == "mine"


def test_one_upload_judges_nothing(learn, folder):
    """Two downloads of one upload: no rule was learned without it, so no agreement is claimed."""
    for name in ("uploads", "downloads"):
        for index in range(1, len(SIZES)):
            (folder / name / f"{index}.jpg").unlink()
    upload = (folder / "uploads" / "0.jpg").read_bytes()
    (folder / "uploads" / "again.jpg").write_bytes(upload)
    (folder / "downloads" / "again.jpg").write_bytes(save(Image.open(folder / "downloads" / "0.jpg"), quality=60))
    code, out, _ = learn()
    assert code == 0
    assert "nothing is left to check the rules on" in out
    assert all(rule.fit is None for rule in load_profile(folder / "mine.toml").rules)
