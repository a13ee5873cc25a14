"""The journal: torn, damaged, compacted, small in memory."""

import json
import tracemalloc

import pytest

from repost.batch import Item, Row
from repost.batch.journal import Journal, Record


@pytest.fixture
def out(tmp_path):
    (tmp_path / ".repost").mkdir()
    return tmp_path


def record(item, part="a", *, number=0, outputs=()):
    return Record(
        Row(item, part, "done", None, {"number": number}, outputs), f"key {number}", ("0" * 64,) * len(outputs)
    )


def item(name, *parts):
    return Item(name, None, parts or ("a",))


def path_of(out):
    return out / ".repost" / "journal.jsonl"


def write(out, *records):
    with Journal(out) as journal:
        journal.append(records)


def test_records_come_back_as_written_and_the_last_one_counts(out):
    first = record("x\udcff\n", "a", number=1, outputs=("p/é\udcff.jpg", "q.jpg"))
    write(out, first, record("y", "a", number=2), record("y", "b", number=3), record("y", "a", number=4))
    with Journal(out) as journal:
        assert journal.records_of(item("x\udcff\n")) == (first,)
        assert journal.records_of(item("y", "b", "a", "none")) == (
            record("y", "b", number=3),
            record("y", "a", number=4),
        )
        journal.append([record("y", "a", number=5)])
        assert journal.records_of(item("y")) == (record("y", "a", number=5),)


def test_a_torn_last_line_is_cut_off_and_the_next_one_is_whole(out):
    write(out, record("x"), record("y"))
    whole = path_of(out).read_bytes()
    for length in range(len(whole.splitlines(keepends=True)[0]), len(whole)):
        path_of(out).write_bytes(whole[:length])
        with Journal(out) as journal:
            assert journal.records_of(item("x")) and not journal.records_of(item("y"))
            journal.append([record("z")])
        with Journal(out) as journal:
            assert journal.records_of(item("x")) and journal.records_of(item("z"))
        assert all(Record.from_line(line) for line in path_of(out).read_bytes().splitlines())


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xff",
        b"[]",
        b"null",
        b"3",
        b"{}",
        b"[" * 100_000,
        b'{"item": 1, "part": "a", "status": "done", "error": null, "fields": {}, "outputs": {}, "key": ""}',
        b'{"item": "y", "part": "a", "status": "odd", "error": null, "fields": {}, "outputs": {}, "key": ""}',
        b'{"item": "y", "part": "a", "status": "done", "error": null, "fields": 3, "outputs": {}, "key": ""}',
        b'{"item": "y", "part": "a", "status": "done", "error": null, "fields": {}, "outputs": {"x": 3}, "key": ""}',
        b'{"item": "y", "part": "a", "status": "done", "error": null, "fields": {}, "outputs": ["x"], "key": ""}',
    ],
)
def test_a_damaged_line_costs_no_other(out, damage):
    write(out, record("x"), record("y"), record("z"))
    lines = path_of(out).read_bytes().splitlines()
    path_of(out).write_bytes(b"\n".join([lines[0], damage, lines[2], b""]))
    with Journal(out) as journal:
        assert [bool(journal.records_of(item(name))) for name in "xyz"] == [True, False, True]
        journal.finish()
    assert path_of(out).read_bytes().splitlines() == [lines[0], lines[2]]


def test_finish_sorts_compacts_and_keeps_what_stands(out):
    (out / "there.jpg").touch()
    write(out, record("y"), record("x", "b", outputs=("there.jpg",)), record("x", "a", outputs=("gone.jpg",)))
    write(out, record("y", number=7))
    with Journal(out) as journal:
        manifest = journal.finish()
    lines = [json.loads(line) for line in path_of(out).read_bytes().splitlines()]
    assert [(line["item"], line["part"]) for line in lines] == [("x", "b"), ("y", "a")]
    assert manifest.read_bytes() == (
        b'{"error": null, "number": 0, "status": "done"}\n{"error": null, "number": 7, "status": "done"}\n'
    )
    with Journal(out) as journal:
        journal.finish()
    assert [json.loads(line) for line in path_of(out).read_bytes().splitlines()] == lines


def test_an_earlier_row_confirmed_in_this_run_outranks_a_later_claim(out):
    """Two items gave the same bytes under one name; the one of this run is the one that counts."""
    (out / "x.jpg").touch()
    write(out, record("x.png", outputs=("x.jpg",)), record("x.webp", outputs=("x.jpg",)))
    with Journal(out) as journal:
        (earlier,) = journal.records_of(item("x.png"))
        journal.confirm(earlier)
        journal.finish()
    with Journal(out) as journal:
        assert journal.records_of(item("x.png")) and not journal.records_of(item("x.webp"))


@pytest.mark.slow
def test_a_row_costs_memory_for_its_place_only(out):
    """Fifty thousand rows of a kilobyte each: well under a tenth of them is held."""
    fields = {"trace": "t" * 1000}
    with Journal(out) as journal:
        for first in range(0, 50_000, 1000):
            numbers = range(first, first + 1000)
            journal.append(Record(Row(f"photos/{n:08}.png", "a", "done", None, fields), "k" * 64) for n in numbers)
    tracemalloc.start()
    try:
        with Journal(out) as journal:
            journal.finish()
            held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 50_000 * 400 and peak < 50_000 * 500
