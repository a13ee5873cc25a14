"""A training in a process of its own: killed by kill -9, stopped by Ctrl-C, or run by two processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from repost.training import read_weights

PROGRAM = Path(__file__).with_name("training_program.py")


def command(folder: Path, *, devices: int = 1, pause_s: float = 0.0, workers: int = 0) -> list[str]:
    return [sys.executable, "-W", "error", str(PROGRAM), str(folder), str(devices), str(pause_s), str(workers)]


def outcome(folder: Path) -> dict[str, bytes]:
    paths = [*(folder / "weights").iterdir(), folder / "metrics.csv"]
    return {path.name: path.read_bytes() for path in paths}


def end_at(step: int, how: int, folder: Path, *, workers: int = 0) -> subprocess.Popen[str]:
    run = subprocess.Popen(
        command(folder, pause_s=0.02, workers=workers),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    for line in run.stdout:
        if int(line) >= step:
            os.killpg(run.pid, how)  # as a terminal's Ctrl-C, it reaches the workers too
            break
    run.communicate(timeout=120)
    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run(command(folder), check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "steps"), [(0, (5, 14, 25, 40)), (2, (14, 40))])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, whole, workers, steps):
    for step in steps:
        assert end_at(step, signal.SIGKILL, tmp_path, workers=workers).returncode == -signal.SIGKILL
        assert not (tmp_path / "weights").exists(), "the training ended before it could be killed"
    subprocess.run(command(tmp_path, workers=workers), check=True, capture_output=True)
    assert outcome(tmp_path) == outcome(whole)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [0, 2])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, whole, how, workers):
    stopped = end_at(22, how, tmp_path, workers=workers)
    assert stopped.returncode == -signal.SIGINT  # what Python makes of a KeyboardInterrupt that nobody catches
    newest = max(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert 22 <= int(newest[5:13]) <= 30
    subprocess.run(command(tmp_path), check=True, capture_output=True)
    assert outcome(tmp_path) == outcome(whole)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path):
    """The same batches and the mean of the gradients: what differs is the order in which numbers are added."""
    for devices in (1, 2):
        # One process, by the same recipe: without noise.
        program = command(tmp_path / str(devices), devices=devices)
        environment = {**os.environ, "REPOST_TEST_PLAIN": "1"}
        done = subprocess.run(program, capture_output=True, text=True, env=environment, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        assert [int(line) for line in done.stdout.split()] == list(range(1, 61))  # told once
    one, two = (read_weights(tmp_path / devices / "weights" / "line.safetensors").tensors for devices in "12")
    for name, tensor in one.items():
        assert torch.allclose(tensor, two[name], atol=1e-5)
    logs = [(tmp_path / devices / "metrics.csv").read_text().splitlines() for devices in "12"]
    assert [line.rsplit(",", 1)[0] for line in logs[0]] == [line.rsplit(",", 1)[0] for line in logs[1]]
