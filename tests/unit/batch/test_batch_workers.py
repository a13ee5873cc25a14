"""Several processes: the same manifest, and workers that die."""

import json
import multiprocessing
import pickle
import signal

import pytest
from batch_works import Shout, Unloadable, finished_rows, make_items

from repost.batch import Finished, Summary, run
from repost.batch.local import _TASKS_PER_WORKER
from repost.core.errors import UsageError

TEXTS = {f"{n:02}.txt": f"text {n}" for n in range(20)} | {
    "damaged.txt": "damaged",
    "full.txt": "full",
    "half.txt": "bug@b",
    "places.txt": "places",
    "skip.txt": "skip",
}


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


def statuses(out):
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    return {(row["source"], row["platform"]): (row["status"], row["error"]) for row in rows}


def test_any_number_of_workers_gives_the_same_bytes(source, tmp_path):
    items = make_items(source, TEXTS)
    manifests, files = set(), set()
    for jobs in (1, 2, 4):
        out = tmp_path / f"out {jobs}"
        events = list(run(items, Shout(out), out=out, jobs=jobs))
        assert events[-1].summary == Summary(done=41, failed=7, skipped=2)
        manifests.add((out / "manifest.jsonl").read_bytes())
        files.add(tuple(sorted((str(p.relative_to(out)), p.read_bytes()) for p in out.rglob("*.txt"))))
        assert not list(out.rglob("*.part"))
    assert len(manifests) == len(files) == 1


def test_tasks_in_flight_are_bounded(source, tmp_path):
    out, finished, ahead = tmp_path / "out", 0, []
    items = make_items(source, {f"{n}.txt": "x" for n in range(30)}, ("a",))
    for event in run((ahead.append(finished) or item for item in items), Shout(out), out=out, jobs=2):
        finished = getattr(event, "finished", finished)
    assert all(pulled - done <= 2 * _TASKS_PER_WORKER + 1 for pulled, done in enumerate(ahead, start=1))


@pytest.mark.parametrize("word", ["kill", "segfault", "leave"])
def test_a_worker_that_dies_costs_its_part_alone(source, tmp_path, word):
    out = tmp_path / "out"
    texts = {f"{n:02}.txt": f"text {n}" for n in range(12)} | {"05b.txt": f"{word}@b"}
    events = list(run(make_items(source, texts), Shout(out), out=out, jobs=2))
    failed = {key: error for key, (status, error) in statuses(out).items() if status != "done"}
    assert list(failed) == [("05b.txt", "b")]
    assert failed["05b.txt", "b"].startswith("05b.txt: the worker process died on it twice")
    assert events[-1].summary == Summary(done=25, failed=1)
    (source / "05b.txt").write_text("sound")
    events = list(run(make_items(source, texts | {"05b.txt": "sound"}), Shout(out), out=out, jobs=2))
    assert events[-1].summary == Summary(done=26, reused=24)  # part a of it was of the other content


def test_several_killers_at_once_and_the_rest_is_done(source, tmp_path):
    out = tmp_path / "out"
    texts = {"0.txt": "kill@", "1.txt": "leave@", "2.txt": "kill@", "3.txt": "fine", "4.txt": "fine", "5.txt": "leave@"}
    list(run(make_items(source, texts, ("a",)), Shout(out), out=out, jobs=2))
    assert [status for status, _ in statuses(out).values()] == ["failed"] * 3 + ["done"] * 2 + ["failed"]


def test_work_done_by_one_process_is_reused_by_many(source, tmp_path):
    out = tmp_path / "out"
    items = make_items(source, TEXTS)
    list(run(items, Shout(out), out=out, jobs=1))
    before = (out / "manifest.jsonl").read_bytes()
    events = list(run(items, Shout(out), out=out, jobs=2))
    assert events[-1].summary == Summary(done=41, failed=7, skipped=2, reused=43)
    assert (out / "manifest.jsonl").read_bytes() == before


def test_closing_early_stops_the_workers_and_frees_the_folder(source, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    items = make_items(source, TEXTS)
    list(run(items, Shout(whole), out=whole))
    for stop_after in (1, 2, 7):
        events = run(items, Shout(out), out=out, jobs=2)
        for _ in range(stop_after):
            next(events)
        events.close()
        assert not multiprocessing.active_children()
    events = list(run(items, Shout(out), out=out, jobs=2))
    assert events[-1].summary.reused >= 1
    assert (out / "manifest.jsonl").read_bytes() == (whole / "manifest.jsonl").read_bytes()


def test_an_exception_of_the_item_source_ends_the_run_cleanly(source, tmp_path):
    out = tmp_path / "out"
    items = make_items(source, TEXTS)

    def broken():
        yield from items[:5]
        raise RuntimeError("the listing broke")

    with pytest.raises(RuntimeError, match="the listing broke"):
        list(run(broken(), Shout(out), out=out, jobs=2))
    assert not multiprocessing.active_children()
    assert isinstance(list(run(items, Shout(out), out=out))[-1], Finished)


def test_work_that_cannot_be_sent_is_refused(source, tmp_path):
    work = Shout(tmp_path)
    object.__setattr__(work, "go", lambda: None)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(work)
    with pytest.raises(UsageError, match="cannot be sent to worker processes"):
        list(run(make_items(source, TEXTS), work, out=tmp_path / "out", jobs=2))


def test_work_that_cannot_be_loaded_is_one_error_and_not_a_row_each(source, tmp_path):
    with pytest.raises(UsageError, match="cannot be loaded there: ImportError: no codec on this machine"):
        list(run(make_items(source, TEXTS), Unloadable(tmp_path), out=tmp_path / "out", jobs=2))


def test_the_parent_keeps_its_own_interrupt_handler(source, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    assert len(finished_rows(run(make_items(source, {"a.txt": "x"}), Shout(tmp_path), out=tmp_path, jobs=2))) == 2
    assert signal.getsignal(signal.SIGINT) is before
