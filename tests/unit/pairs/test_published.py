"""The published layout: written exactly, read, and spoilt in every way a hand or a download spoils it."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repost.core.errors import InputNotFound, UsageError
from repost.pairs.dataset import PairedDataset, PairSettings
from repost.pairs.dataset_attributes import read_attributes
from repost.pairs.dataset_records import HARMLESS, InvalidPairs
from repost.pairs.published import PublishedLayout, from_published

PLATFORMS = ("facebook", "twitter", "weibo", "wechat")
NAMES = ("Black_Hair", "Blond_Hair", "Male", "Young")
BLOCK = 3
LAYOUT = PublishedLayout(rows_per_platform=BLOCK)


def pixels_of(number: int, platform: str = "") -> np.ndarray:
    rng = np.random.default_rng([number, PLATFORMS.index(platform) + 1 if platform else 0])
    return rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)


def values_of(number: int) -> list[int]:
    return [1 if (number >> bit) % 2 else -1 for bit in range(len(NAMES))]


def row_of(number: int) -> str:
    return f"{number:06d}.png " + " ".join(f"{value:2d}" for value in values_of(number))


def write_rows(folder: Path, rows: list[str], *, count: int | None = None, end: str = "\n") -> None:
    lines = [str(len(rows) if count is None else count), " ".join(NAMES), *rows]
    (folder / "attributes.txt").write_bytes("".join(line + end for line in lines).encode())


@pytest.fixture
def published(tmp_path) -> Path:
    """Twelve pairs in the published layout, in blocks of three."""
    for folder in ("original_images", *(f"transmission_images/{platform}" for platform in PLATFORMS)):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(BLOCK * len(PLATFORMS)):
        platform, name = PLATFORMS[number // BLOCK], f"{number:06d}.png"
        Image.fromarray(pixels_of(number)).save(tmp_path / "original_images" / name)
        Image.fromarray(pixels_of(number, platform)).save(tmp_path / "transmission_images" / platform / name)
    write_rows(tmp_path, [row_of(number) for number in range(BLOCK * len(PLATFORMS))])
    return tmp_path


def test_every_pair_has_its_pixels_attributes_and_network(published):
    data = PairedDataset(from_published(published, LAYOUT))
    assert len(data) == 12
    for number, pair in enumerate(data):
        assert pair.platform == PLATFORMS[number // BLOCK]
        np.testing.assert_array_equal(pair.original, pixels_of(number))
        np.testing.assert_array_equal(pair.transmitted, pixels_of(number, pair.platform))
        np.testing.assert_array_equal(pair.attributes, [value == 1 for value in values_of(number)])
    assert (data.attribute_names, data.problems) == (NAMES, ())


def test_no_split_calls_everything_facebook(published):
    """The published loader's test mode does."""
    listing = from_published(published, LAYOUT)
    shares = (0.0, 0.0, 1.0)
    data = PairedDataset(listing, PairSettings(split="test", shares=shares))
    assert [pair.platform for pair in data] == [platform for platform in PLATFORMS for _ in range(BLOCK)]


def test_convention_blocks_are_of_7500_rows_by_default():
    order = [
        (0, "facebook"),
        (7499, "facebook"),
        (7500, "twitter"),
        (15000, "weibo"),
        (22500, "wechat"),
        (29999, "wechat"),
    ]
    for row, platform in order:
        assert PublishedLayout().contradiction(row, platform) is None
        assert all(PublishedLayout().contradiction(row, other) for other in PLATFORMS if other != platform)
    assert "beyond the 4 blocks" in str(PublishedLayout().contradiction(30000, "wechat"))


def test_the_folder_is_the_network_and_rows_that_contradict_it_are_named(published):
    moved = published / "transmission_images/twitter/000001.png"
    (published / "transmission_images/facebook/000001.png").rename(moved)
    with pytest.raises(InvalidPairs) as raised:
        from_published(published, LAYOUT)
    (problem,) = raised.value.problems
    assert (problem.kind, problem.line, problem.name) == ("platform", 4, "000001.png")
    assert "transmission_images/twitter, but row 1 is one of facebook's (0-2)" in str(raised.value)
    skipped = from_published(published, LAYOUT, skip_bad=True)
    assert "000001.png" not in {record.source_id for record in skipped.records}
    assert skipped.problems == (problem,)
    free = from_published(published, PublishedLayout(rows_per_platform=None))
    assert [record.platform for record in free.records if record.source_id == "000001.png"] == ["twitter"]


def test_a_lost_row_shifts_all_blocks_and_is_noticed(published):
    write_rows(published, [row_of(number) for number in range(12) if number != 1])
    with pytest.raises(InvalidPairs) as raised:
        from_published(published, LAYOUT)
    assert [problem.name for problem in raised.value.problems] == ["000003.png", "000006.png", "000009.png"]


def test_a_source_on_several_networks_gives_a_record_for_each(published):
    copy = (published / "transmission_images/facebook/000000.png").read_bytes()
    (published / "transmission_images/weibo/000000.png").write_bytes(copy)
    free = from_published(published, PublishedLayout(rows_per_platform=None))
    assert [record.platform for record in free.records if record.source_id == "000000.png"] == ["facebook", "weibo"]
    ordered = from_published(published, LAYOUT, skip_bad=True)
    assert [record.platform for record in ordered.records if record.source_id == "000000.png"] == ["facebook"]
    assert [problem.kind for problem in ordered.problems] == ["platform"]


BAD_ROWS = {
    "too few": ("000004.png 1 -1 1", "values", "got 3 values for 4 attributes"),
    "too many": ("000004.png 1 -1 1 1 1", "values", "got 5 values for 4 attributes"),
    "not a number": ("000004.png 1 -1 yes 1", "values", "got 'yes' for Male, expected 1 or -1"),
    "another number": ("000004.png 1 -1 1 0", "values", "got '0' for Young, expected 1 or -1"),
    "a fraction": ("000004.png 1 -1 1 1.0", "values", "got '1.0' for Young"),
    "twice": ("000003.png 1 -1 1 1", "duplicate", "line 6 already"),
    "no such file": ("nobody.png 1 -1 1 1", "missing", "no such file in original_images"),
    "upwards": ("../000004.png 1 -1 1 1", "path", "'..'"),
    "from the root": ("/etc/passwd 1 -1 1 1", "path", "stays in the folder"),
    "backslash": ("..\\000004.png 1 -1 1 1", "path", "backslash"),
    "drive": ("C:000004.png 1 -1 1 1", "path", "':'"),
    "zero": ("a\0.png 1 -1 1 1", "path", "stays in the folder"),
}


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_a_bad_row_is_named_with_its_line(published, fault):
    text, kind, reason = BAD_ROWS[fault]
    rows = [row_of(number) for number in range(12)]
    rows[4] = text
    write_rows(published, rows)
    with pytest.raises(InvalidPairs) as raised:
        from_published(published, LAYOUT)
    assert {(problem.kind, problem.line) for problem in raised.value.problems} == {(kind, 7)}
    assert reason in str(raised.value)
    assert "line 7" in str(raised.value)
    skipped = from_published(published, LAYOUT, skip_bad=True)
    assert [record.source_id for record in skipped.records] == [f"{n:06d}.png" for n in range(12) if n != 4]
    assert set(raised.value.problems) == {problem for problem in skipped.problems if problem.kind not in HARMLESS}


def test_a_line_that_is_no_utf8_is_named(published):
    data = (published / "attributes.txt").read_bytes()
    (published / "attributes.txt").write_bytes(data.replace(b"000004.png", b"00000\xff.png"))
    with pytest.raises(InvalidPairs, match=r"line 7: .*not UTF-8"):
        from_published(published, LAYOUT)


def test_every_fault_of_a_file_is_told_at_once(published):
    rows = [row_of(number) for number in range(12)]
    rows[1], rows[5], rows[9] = "../x.png 1 1 1 1", "000005.png 1", rows[8]
    write_rows(published, rows, count=30000)
    (published / "original_images/000011.png").unlink()
    (published / "transmission_images/weibo/000006.png").unlink()
    with pytest.raises(InvalidPairs) as raised:
        from_published(published, LAYOUT)
    told = [(problem.kind, problem.line) for problem in raised.value.problems]
    assert told == [("count", 1), ("path", 4), ("values", 8), ("missing", 9), ("duplicate", 12), ("missing", 14)]
    assert "it says 30,000 rows, 12 follow" in str(raised.value)
    assert len(from_published(published, LAYOUT, skip_bad=True).records) == 7


def test_the_message_is_bounded_and_the_attribute_is_not(published):
    write_rows(published, [f"gone{number}.png 1 1 1 1" for number in range(500)])
    with pytest.raises(InvalidPairs) as raised:
        from_published(published, PublishedLayout(rows_per_platform=None))
    assert len(raised.value.problems) == 1000  # neither original nor transmitted
    assert str(raised.value).count("\n") < 30
    assert "and 980 more" in str(raised.value)


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_are_told_and_change_nothing(published):
    plain = from_published(published, LAYOUT)
    rows = [row_of(number) for number in range(12)]
    lines = ["12", " ".join(NAMES), *rows[:4], "", *rows[4:], "", ""]
    (published / "attributes.txt").write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    odd = from_published(published, LAYOUT)
    assert odd.records == plain.records
    assert [(problem.kind, problem.line) for problem in odd.problems] == [
        ("bom", 1), ("crlf", 1), ("blank", 7), ("blank", 16)
    ]  # fmt: skip


HEADERS = {
    "empty": b"",
    "only a count": b"12\n",
    "no count": b"Black_Hair Male\n000000.png 1 -1\n",
    "no names": b"2\n000000.png 1 -1\n000001.png 1 -1\n",
    "a name twice": b"1\nMale Young Male\n000000.png 1 1 1\n",
    "endless count": b"9" * 5000 + b"\nMale\n",
}


@pytest.mark.parametrize("fault", HEADERS)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_nothing_can_be_read_without_a_header(published, fault, skip_bad):
    (published / "attributes.txt").write_bytes(HEADERS[fault])
    with pytest.raises(InvalidPairs) as raised:
        from_published(published, LAYOUT, skip_bad=skip_bad)
    assert {problem.kind for problem in raised.value.problems} == {"header"}
    assert len(str(raised.value)) < 1000


def test_files_in_no_row_are_told_but_are_no_fault(published):
    Image.fromarray(pixels_of(99)).save(published / "transmission_images/weibo/extra.png")
    listing = from_published(published, LAYOUT)
    assert len(listing.records) == 12
    assert [(problem.kind, problem.name) for problem in listing.problems] == [("unlisted", "transmission_images/weibo")]
    assert "extra.png" in listing.problems[0].reason


def test_absent_folders(published, tmp_path_factory):
    with pytest.raises(InputNotFound):
        from_published(tmp_path_factory.mktemp("empty"))
    for path in (published / "transmission_images/wechat").iterdir():
        path.unlink()
    (published / "transmission_images/wechat").rmdir()  # a part that was never fetched
    skipped = from_published(published, LAYOUT, skip_bad=True)
    assert (len(skipped.records), {problem.kind for problem in skipped.problems}) == (9, {"missing"})
    (published / "original_images").rename(published / "originals")
    with pytest.raises(InputNotFound, match="original_images"):
        from_published(published, LAYOUT)


def test_a_pipe_for_an_attributes_file_does_not_hang(published):
    (published / "attributes.txt").unlink()
    os.mkfifo(published / "attributes.txt")
    with pytest.raises(InputNotFound):
        from_published(published, LAYOUT)


@pytest.mark.parametrize("settings", [{"rows_per_platform": 0}, {"platforms": ()}, {"platforms": ("a", "a")}])
def test_layouts_that_make_no_sense_are_refused(settings):
    with pytest.raises(UsageError, match="expected"):
        PublishedLayout(**settings)


def test_row_numbers_count_bad_rows_but_no_blank_lines(published):
    rows = [row_of(number) for number in range(12)]
    rows[0] = "spoilt"
    (published / "attributes.txt").write_text("\n".join(["12", " ".join(NAMES), "", *rows]))
    assert [(row.line, row.number) for row in read_attributes(published / "attributes.txt").rows][:2] == [
        (5, 1),
        (6, 2),
    ]
    assert len(from_published(published, LAYOUT, skip_bad=True).records) == 11
