"""`repost evaluate stamp`: its tables, its card, its pictures, its exit codes."""

import json

import numpy as np
import pytest
from toy_markers import OddBlue

from repost.media.read import read_picture
from repost.report.stamp_pictures import Compared, amplified_difference, contact_sheet
from repost.report.stamp_words import condition_in_words
from repost.stamp.evaluation import marker
from repost.stamp.evaluation.conditions import conditions


class Shipped(OddBlue):
    def facts(self):
        return {"data": "pictures of noise", "licence": "CC0"}


@pytest.fixture
def call(cli, monkeypatch, make_photos, tmp_path):
    monkeypatch.setattr(marker, "StampMarker", lambda model, key, strength: Shipped())
    folders = [make_photos("positives", 6, seed=0), make_photos("negatives", 8, seed=1, odd=2)]
    folders.append(make_photos("calibration", 5, seed=2))
    named = [option for folder in folders for option in (f"--{folder.name}", folder)]
    out = tmp_path / "out"
    return lambda *more: cli(
        "evaluate", "stamp", *named, "-o", out, "--conditions", "none,jpeg50,resize.25", "-j", 1, *more
    )


def test_the_json_has_a_row_for_each_condition_and_a_summary(call, tmp_path):
    said = call("--json")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert [(row["kind"], row.get("name")) for row in rows] == [
        ("condition", "none"), ("condition", "jpeg50"), ("condition", "resize.25"), ("summary", None)]  # fmt: skip
    low = pytest.approx(0.5407, abs=1e-4)  # (1 - .95) / 2 to the power of 1 / 6
    assert rows[0]["detected"]["published"] == {"hits": 6, "count": 6, "share": 1, "low": low, "high": 1}
    assert rows[-1]["negatives"]["published"]["hits"] == 2
    kept = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert kept["negatives"] == rows[-1]["negatives"]


def test_the_card_names_every_condition_that_fails_in_plain_words(call, tmp_path):
    call()
    card = (tmp_path / "out/MODEL_CARD.md").read_text()
    failures = card.partition("## Known failures")[2].partition("##")[0]
    assert "jpeg50 (saved as JPEG 50): only 0.0 % are found" in failures
    assert "resize.25 (reduced to a quarter of each side): the scanner refused 12 pictures" in failures
    assert "none (" not in failures
    assert "NOT RESOLVED" in failures, "5 photographs under 3 conditions cannot show 1e-2"
    assert "- data: pictures of noise" in card
    assert "test negatives: 2 of 8" in card
    assert "DeepRAFT DA+RS, as printed | 32.84" in card


def test_the_table_is_printed_with_what_falls_short(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    said = call()
    line = next(line for line in said.out.splitlines() if line.startswith("jpeg50"))
    assert "0.000 (0.000-0.459)" in line
    assert "! jpeg50" in said.out


def test_a_second_call_measures_nothing_again(call, tmp_path):
    call()
    first = (tmp_path / "out/manifest.jsonl").stat().st_mtime_ns, (tmp_path / "out/MODEL_CARD.md").read_bytes()
    before = OddBlue.score
    try:
        OddBlue.score = None  # would fail every row
        assert call().code == 0
    finally:
        OddBlue.score = before
    assert (tmp_path / "out/MODEL_CARD.md").read_bytes() == first[1]


def test_a_damaged_photograph_is_left_out_and_the_rest_is_done(call, tmp_path):
    (tmp_path / "positives/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert call().code == 0
    assert "1 positives: unreadable" in (tmp_path / "out/MODEL_CARD.md").read_text()


def test_photographs_are_named_once_one_way(cli, tmp_path):
    said = cli("evaluate", "stamp", "-o", tmp_path / "out")
    assert said.code == 2
    assert "expected --plan FILE or --positives" in said.err


@pytest.mark.parametrize(("option", "value"), [("--key", ""), ("--strength", "9")])
def test_key_and_strength_are_checked_before_photographs_are_looked_at(call, option, value):
    said = call(option, value)
    assert said.code == 2
    assert "looking for copies" not in said.err


def test_every_condition_has_words():
    assert all(condition_in_words(name) != name for name in conditions())


def test_the_difference_is_twenty_times_on_grey():
    cover = np.full((4, 5, 3), 100, np.uint8)
    stamped = cover.copy()
    stamped[0, 0], stamped[1, 1], stamped[2, 2] = 103, 98, 130
    shown = amplified_difference(cover, stamped)
    assert [tuple(shown[place, place]) for place in range(4)] == [(188,) * 3, (88,) * 3, (255,) * 3, (128,) * 3]


def test_the_pictures_show_photo_stamped_and_difference(call, tmp_path):
    call()
    sheet, cover = (read_picture(path.read_bytes()).rgb8() for path in (
        tmp_path / "out/pictures.png", tmp_path / "positives/000.png"))  # fmt: skip
    stamped = OddBlue().stamp(cover)
    alone = contact_sheet([Compared("positives/000.png", cover, stamped)])
    assert sheet.shape[1] == alone.width
    assert np.array_equal(sheet[: alone.height], np.asarray(alone))
    height, width = cover.shape[:2]
    assert np.array_equal(np.asarray(alone)[18 : 18 + height, :width], cover)
    assert np.array_equal(np.asarray(alone)[18 : 18 + height, 486 : 486 + width], stamped)
