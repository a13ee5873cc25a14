"""Whole programs that are interrupted, killed, or forget their main guard."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import batch_works
import pytest
from batch_works import Shout, make_items

import repost
from repost.batch import run

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(repost.__path__[0]).parent)}


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


@pytest.fixture
def start(source, tmp_path):
    """Start the program on `source`; whatever is left of it afterwards is killed."""
    started = []

    def begin(jobs):
        command = [sys.executable, batch_works.__file__, source, tmp_path / "out", str(jobs), tmp_path / "go"]
        process = subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()


def journal_lines(out):
    journal = out / ".repost" / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def wait_until(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("waited a minute in vain")


def rows_of(out):
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def test_ctrl_c_reaches_the_parent_only_and_frees_the_folder(source, tmp_path, start):
    items = make_items(source, {f"{n}.txt": "x" for n in range(6)} | {"3.txt": "stall@a"})
    process = start(2)
    wait_until(lambda: journal_lines(tmp_path / "out") >= 6)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: to every process of the group
    (tmp_path / "go").touch()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1 and errors.strip().endswith("KeyboardInterrupt")
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    list(run(items, Shout(tmp_path / "out", go=tmp_path / "go"), out=tmp_path / "out"))
    assert len(rows_of(tmp_path / "out")) == 12


def test_more_ctrl_c_kill_a_worker_that_does_not_come_back(source, tmp_path, start):
    make_items(source, {"1.txt": "x", "2.txt": "stall@"})
    process = start(2)
    wait_until(lambda: journal_lines(tmp_path / "out") >= 2)

    def is_gone():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.2)
        return process.poll() is not None

    wait_until(is_gone)
    process.communicate(timeout=60)  # the pipes end when the last worker is gone
    assert process.returncode != 0


def test_a_script_without_a_main_guard_is_told_so(source, tmp_path):
    make_items(source, {"1.txt": "x", "2.txt": "y"})
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(batch_works.__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from batch_works import Shout\n"
        "from repost.batch import Item, run\n"
        f"source, out = Path({str(source)!r}), Path({str(tmp_path / 'out')!r})\n"
        "items = [Item(path.name, path) for path in source.iterdir()]\n"
        "list(run(items, Shout(out), out=out, jobs=2))\n"
    )
    done = subprocess.run([sys.executable, script], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a script must call repost under `if __name__ == '__main__':`; jobs=1 needs none" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_killed_again_and_again_the_manifest_is_that_of_a_whole_run(source, tmp_path, start, jobs):
    out, whole = tmp_path / "out", tmp_path / "whole"
    (tmp_path / "go").touch()
    texts = {f"{n:03}.txt": f"text {n}" for n in range(900)} | {"050b.txt": "damaged", "060b.txt": "bug@b"}
    list(run(make_items(source, texts), Shout(whole), out=whole))
    kills = 0
    while kills < 8:
        process, before = start(jobs), journal_lines(out)
        wait_until(lambda p=process, b=before: p.poll() is not None or journal_lines(out) >= b + 11)
        if process.poll() is not None:
            break
        process.kill()
        process.communicate(timeout=60)  # the pipes end: the workers left with their parent
        kills += 1
    assert kills >= 3
    assert start(jobs).wait() == 0
    assert (out / "manifest.jsonl").read_bytes() == (whole / "manifest.jsonl").read_bytes()
    made = {path.relative_to(out): path.read_bytes() for path in out.rglob("*.txt")}
    assert made == {path.relative_to(whole): path.read_bytes() for path in whole.rglob("*.txt")}


@pytest.mark.slow
def test_workers_leave_with_a_killed_parent_even_in_the_middle_of_a_part(source, tmp_path, start):
    make_items(source, {"1.txt": "x", "2.txt": "stall@", "3.txt": "stall@"})
    process = start(2)
    wait_until(lambda: journal_lines(tmp_path / "out") >= 2)
    process.kill()
    process.communicate(timeout=60)  # the pipes end when the last worker is gone
    assert process.returncode == -signal.SIGKILL
