"""One process: rows, resume, the manifest, the lock."""

import fcntl
import json
import os
import resource
import sys

import pytest
from batch_works import Shout, finished_rows, make_items

from repost.batch import ENGINES, Finished, Item, Started, Summary, run
from repost.batch.engines import resolve_engine
from repost.core.errors import MissingExtra, OutputBusy, OutputUnwritable, UsageError

TEXTS = {"a.txt": "one", "sub/b.txt": "two", "c.txt": "damaged", "d.txt": "skip"}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


def manifest(out):
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def error_of(out, source, text):
    """The one error that a source with this text gives, beside a sound one."""
    rows = finished_rows(run(make_items(source, {"x.txt": text, "y.txt": "fine"}, ("a",)), Shout(out), out=out))
    by_item = {event.row.item: event.row for event in rows}
    assert by_item["y.txt"].status == "done"
    assert by_item["x.txt"].status == "failed"
    assert [row["error"] for row in manifest(out) if row["source"] == "x.txt"] == [by_item["x.txt"].error]
    return by_item["x.txt"].error


def test_the_manifest_has_the_keys_of_the_work_and_is_sorted(out, source):
    list(run(make_items(source, TEXTS), Shout(out), out=out))
    rows = manifest(out)
    assert [(row["source"], row["platform"]) for row in rows] == sorted((name, part) for name in TEXTS for part in "ab")
    assert all(set(row) == {"source", "platform", "output", "status", "error", "trace"} for row in rows)
    assert rows[0] == {
        "source": "a.txt",
        "platform": "a",
        "output": "a/a.txt.txt",
        "status": "done",
        "error": None,
        "trace": [["upper", 1]],
    }
    assert [row["status"] for row in rows] == ["done"] * 2 + ["failed"] * 2 + ["skipped"] * 2 + ["done"] * 2
    assert rows[2]["output"] is None and "it ends early" in rows[2]["error"]


def test_events_count_rows(out, source):
    events = list(run(make_items(source, TEXTS), Shout(out), out=out))
    assert events[0] == Started(total=8)
    assert [(event.finished, event.total) for event in finished_rows(events)] == [(n, 8) for n in range(1, 9)]
    assert events[-1] == Finished(Summary(done=4, failed=2, skipped=2, reused=0), out / "manifest.jsonl")


def test_items_may_be_an_iterator_read_as_needed(out, source):
    pulled = []
    items = (pulled.append(item.id) or item for item in make_items(source, {f"{n}.txt": "x" for n in range(9)}))
    events = run(items, Shout(out), out=out)
    assert next(events) == Started(total=None)
    next(events)
    assert pulled == ["0.txt"]
    assert isinstance(list(events)[-1], Finished)


def test_no_items_give_an_empty_manifest(out):
    assert list(run([], Shout(out), out=out))[-1].summary == Summary()
    assert (out / "manifest.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("damaged", "x.txt cannot be decoded: it ends early; check the file or fetch it again"),
        ("bug", "ZeroDivisionError: one over none"),
        ("full", "OSError: [Errno 28] No space left on device"),
        ("memory", "MemoryError"),
        ("nothing", "the work gave no row for this part"),
        ("stranger", "ValueError: the work gave a row for 'x.txt' 'elsewhere', expected one of ('a',)"),
        ("lie", "FileNotFoundError: [Errno 2] No such file or directory: 'never-written.txt'"),
        (
            "escape",
            "ValueError: the work gave the output '../outside.txt', expected a path relative to the output folder",
        ),
        ("unwritable", "ValueError: Out of range float values are not JSON compliant"),
        ("places", "OSError: [Errno 5] broken between x.txt and: 'x'"),
    ],
)
def test_what_goes_wrong_on_one_item_is_its_row(out, source, text, error):
    assert error_of(out, source, text).startswith(error)


def test_a_source_that_vanished_is_a_row_without_the_place(out, source):
    items = make_items(source, {"a.txt": "one", "b.txt": "two"}, ("",))
    items[0].source.unlink()
    list(run(items, Shout(out), out=out))
    assert [row["error"] for row in manifest(out)] == [
        "a.txt cannot be decoded: it is gone, or a link that leads nowhere; check the file or fetch it again",
        None,
    ]


def test_a_pipe_is_refused_before_it_is_opened(out, source):
    source.mkdir()
    os.mkfifo(source / "pipe")
    (event,) = finished_rows(run([Item("pipe", source / "pipe")], Shout(out), out=out))
    assert "expected a regular file: 'pipe'" in event.row.error


def test_parts_finished_before_an_exception_stay(out, source):
    list(run(make_items(source, {"x.txt": "bug@b"}, ("a", "b", "c")), Shout(out), out=out))
    assert [row["status"] for row in manifest(out)] == ["done", "failed", "failed"]


def test_an_interrupt_passes(out, source):
    items = make_items(source, {"a.txt": "one", "b.txt": "interrupt", "c.txt": "three"})
    with pytest.raises(KeyboardInterrupt):
        list(run(items, Shout(out), out=out))
    (source / "b.txt").write_text("two")
    events = list(run(items, Shout(out), out=out))
    assert events[-1].summary == Summary(done=6, reused=2)


# --- resume ---


def worked_on(log):
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def test_done_and_skipped_are_not_done_again_but_failed_are(out, source, log):
    items = make_items(source, TEXTS, ("a",))
    list(run(items, Shout(out, log), out=out))
    before = (out / "manifest.jsonl").read_bytes()
    worked_on(log)
    events = list(run(items, Shout(out, log), out=out))
    assert worked_on(log) == ["'c.txt' a"]
    assert events[-1].summary == Summary(done=2, failed=1, skipped=1, reused=3)
    assert {event.row.item for event in finished_rows(events) if event.reused} == {"a.txt", "sub/b.txt", "d.txt"}
    assert (out / "manifest.jsonl").read_bytes() == before


def test_a_reused_row_is_equal_to_the_fresh_one(out, source):
    items = make_items(source, TEXTS)
    fresh = {(event.row.item, event.row.part): event.row for event in finished_rows(run(items, Shout(out), out=out))}
    again = finished_rows(run(items, Shout(out), out=out))
    assert sum(event.reused for event in again) == 6
    assert all(event.row == fresh[event.row.item, event.row.part] for event in again)


@pytest.mark.parametrize("damage", [lambda path: path.write_text("x"), lambda path: path.unlink()])
def test_a_damaged_output_is_made_again(out, source, log, damage):
    items = make_items(source, {"x.txt": "one", "y.txt": "two"})
    list(run(items, Shout(out, log), out=out))
    manifest_before = (out / "manifest.jsonl").read_bytes()
    damage(out / "a" / "x.txt.txt")
    worked_on(log)
    list(run(items, Shout(out, log), out=out))
    assert worked_on(log) == ["'x.txt' a"]
    assert (out / "a" / "x.txt.txt").read_text() == "1 ONE"
    assert (out / "manifest.jsonl").read_bytes() == manifest_before


def test_changed_content_settings_or_stem_is_done_again(out, source, log):
    items = make_items(source, {"x.txt": "one", "y.txt": "two"}, ("a",))
    list(run(items, Shout(out, log), out=out))
    worked_on(log)
    (source / "x.txt").write_text("other")
    list(run(items, Shout(out, log), out=out))
    assert worked_on(log) == ["'x.txt' a"]
    list(run(items, Shout(out, log, version="2"), out=out))
    assert worked_on(log) == ["'x.txt' a", "'y.txt' a"]
    list(run([items[0], Item("y.txt", source / "y.txt", ("a",), stem="y")], Shout(out, log, version="2"), out=out))
    assert worked_on(log) == ["'y.txt' a"]
    assert [row["output"] for row in manifest(out)] == ["a/x.txt.txt", "a/y.txt"]


def test_a_part_added_later_leaves_the_first_alone(out, source, log):
    texts = {"x.txt": "one", "y.txt": "two"}
    list(run(make_items(source, texts, ("a",)), Shout(out, log), out=out))
    worked_on(log)
    list(run(make_items(source, texts, ("b",)), Shout(out, log), out=out))
    assert worked_on(log) == ["'x.txt' b", "'y.txt' b"]
    list(run(make_items(source, texts, ("a", "b", "c")), Shout(out, log), out=out))
    assert worked_on(log) == ["'x.txt' c", "'y.txt' c"]
    one_by_one = (out / "manifest.jsonl").read_bytes()
    together = out.with_name("together")
    list(run(make_items(source, texts, ("c", "b", "a")), Shout(together), out=together))
    assert (together / "manifest.jsonl").read_bytes() == one_by_one


def test_rows_of_items_not_asked_for_stay_while_their_outputs_do(out, source):
    items = make_items(source, {"x.txt": "one", "y.txt": "two", "z.txt": "damaged"}, ("a",))
    list(run(items, Shout(out), out=out))
    list(run(items[:1], Shout(out), out=out))
    assert [row["source"] for row in manifest(out)] == ["x.txt", "y.txt", "z.txt"]
    (out / "a" / "y.txt.txt").unlink()
    list(run(items[:1], Shout(out), out=out))
    assert [row["source"] for row in manifest(out)] == ["x.txt", "z.txt"]


def test_an_output_written_by_another_item_since_is_no_longer_the_first_ones(out, source):
    make_items(source, {"x.png": "one", "x.webp": "two"})
    list(run([Item("x.png", source / "x.png", ("a",), stem="x")], Shout(out), out=out))
    list(run([Item("x.webp", source / "x.webp", ("a",), stem="x")], Shout(out), out=out))
    assert [row["source"] for row in manifest(out)] == ["x.webp"]


def test_stopping_early_loses_nothing_and_frees_the_folder(out, source, tmp_path, log):
    texts = {f"{n}.txt": f"text {n}" for n in range(6)} | {"z.txt": "damaged"}
    whole = tmp_path / "whole"
    list(run(make_items(source, texts), Shout(whole), out=whole))
    for stop_after in range(1, 15):
        events = run(make_items(source, texts), Shout(out, log), out=out)
        for _ in range(1 + stop_after):
            next(events)
        events.close()
        assert not (out / "manifest.jsonl").exists()
    assert len(worked_on(log)) < 60  # the rows before the stop were kept each time
    list(run(make_items(source, texts), Shout(out), out=out))
    assert (out / "manifest.jsonl").read_bytes() == (whole / "manifest.jsonl").read_bytes()


def test_names_that_are_no_unicode_or_hold_newlines_survive(out, source, log):
    names = [os.fsdecode(b"\xff\xfe.txt"), "line\nbreak.txt", "quo'te\".txt", "émoji🙂.txt", 240 * "n" + ".txt"]
    items = []
    source.mkdir()
    for number, name in enumerate(names):
        (source / name).write_text("damaged" if number == 0 else "fine")
        items.append(Item(name, source / name, ("a",), stem=name[:200]))
    (source / names[1]).write_bytes(b"\xff")
    list(run(items, Shout(out, log), out=out))
    assert {row["source"] for row in manifest(out)} == set(names)
    worked_on(log)
    events = list(run(items, Shout(out, log), out=out))
    assert events[-1].summary == Summary(done=4, failed=1, reused=4)


# --- the folder ---


def test_two_runs_in_one_folder_are_refused(out, source):
    items = make_items(source, TEXTS)
    first = run(items, Shout(out), out=out)
    next(first)
    with pytest.raises(OutputBusy, match="another run is writing"):
        next(run(items, Shout(out), out=out))
    first.close()
    assert isinstance(list(run(items, Shout(out), out=out))[-1], Finished)


def test_without_locks_the_run_goes_on(out, source, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert isinstance(list(run(make_items(source, TEXTS), Shout(out), out=out))[-1], Finished)
    monkeypatch.setattr("repost.core.lock.fcntl", None)
    assert isinstance(list(run(make_items(source, TEXTS), Shout(out), out=out))[-1], Finished)


def test_an_output_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable, match=r"cannot write .*file/out': .*; make room or choose another place"):
        list(run([], Shout(tmp_path), out=tmp_path / "file" / "out"))


def test_a_journal_that_cannot_be_written_ends_the_run_and_the_next_goes_on(out, source):
    """A real write failure: the process may not make files over a limit, as with a full disk."""
    items = make_items(source, {f"{n}.txt": "x" for n in range(40)}, ("a",))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(OutputUnwritable, match=r"journal\.jsonl': File too large; what is done is kept"):
            list(run(items, Shout(out), out=out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    summary = list(run(items, Shout(out), out=out))[-1].summary
    assert summary.done == 40 and summary.reused > 5
    whole = out.with_name("whole")
    list(run(items, Shout(whole), out=whole))
    assert (out / "manifest.jsonl").read_bytes() == (whole / "manifest.jsonl").read_bytes()


def test_wrong_calls_are_refused_at_once(out):
    with pytest.raises(UsageError, match="got jobs=0, expected 1 or more"):
        run([], Shout(out), out=out, jobs=0)
    with pytest.raises(UsageError, match="got the engine 'spark', expected one of: local, ray"):
        run([], Shout(out), out=out, engine="spark")
    assert not out.exists()


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_resolves_without_its_package(name):
    assert callable(resolve_engine(name))


def test_ray_missing_says_how_to_install_it(out, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"repost\[ray\]"):
        list(run([], Shout(out), out=out, engine="ray"))
