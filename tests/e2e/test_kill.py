"""kill -9 in the middle of a run, then the same command again: the same bytes as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from clips import make_clip

PHOTOS = 40


def command(photos: Path, out: Path, networks: list[Path], jobs: int) -> list[str]:
    named = [argument for network in networks for argument in ("--profile", str(network))]
    return [sys.executable, "-m", "repost", "emulate", str(photos), "-o", str(out), "--jobs", str(jobs), *named]


def tree(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".repost" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, networks, jobs):
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = Image.fromarray(skimage.data.coffee()).resize((1800, 1200))
    for index in range(PHOTOS):
        picture.crop((index, 0, index + 1700, 1200)).save(photos / f"{index:02}.jpg", quality=95)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert subprocess.run(command(photos, whole, networks, 2), capture_output=True, check=False).returncode == 4

    journal = killed / ".repost/journal.jsonl"
    for wanted in (6, 30):  # killed twice, at different places
        run = subprocess.Popen(
            command(photos, killed, networks, jobs),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        for _ in range(60_000):  # two minutes
            if run.poll() is not None or (journal.exists() and journal.read_bytes().count(b"\n") >= wanted):
                break
            time.sleep(0.002)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert not (killed / "manifest.jsonl").exists(), "the run ended before it could be killed"
    with journal.open("ab") as stream:
        stream.write(b'{"torn')  # what a power cut leaves

    resumed = subprocess.run(command(photos, killed, networks, jobs), capture_output=True, text=True, check=False)
    assert resumed.returncode == 4
    assert "kept from an earlier run" in resumed.stderr
    assert tree(killed) == tree(whole)


VIDEO = """
platform = "videos"
observed = "2026"
summary = "a network for tests"
evidence = [{ kind = "inferred", source = "this test" }]
[[rules]]
media = "video"
name = "every video"
steps = [{ op = "encode", codec = "h264", preset = "slow", rate = { mode = "crf", crf = 24 } }]
"""


@pytest.mark.slow
def test_killed_within_a_video_and_resumed_equals_uninterrupted(tmp_path):
    (tmp_path / "videos.toml").write_text(VIDEO)
    clips = tmp_path / "clips"
    clips.mkdir()
    for index in range(5):
        make_clip(clips / f"{index}.mp4", size=(320, 240), count=100 + index, audio="aac")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    networks = [tmp_path / "videos.toml"]
    assert subprocess.run(command(clips, whole, networks, 1), capture_output=True, check=False).returncode == 0

    run = subprocess.Popen(
        command(clips, killed, networks, 1),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    for _ in range(60_000):  # until the third video is half written
        if run.poll() is not None or (killed / "videos" / ".2.mp4.part").exists():
            break
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert (killed / "videos" / ".2.mp4.part").exists(), "the run ended before it could be killed"

    resumed = subprocess.run(command(clips, killed, networks, 2), capture_output=True, text=True, check=False)
    assert resumed.returncode == 0
    assert "kept from an earlier run" in resumed.stderr
    assert tree(killed) == tree(whole)


@pytest.mark.slow
def test_stamping_killed_and_resumed_equals_uninterrupted(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = Image.fromarray(skimage.data.coffee())
    for index in range(16):
        picture.crop((index, 0, index + 560, 400)).save(photos / f"{index:02}.jpg", quality=95)
    make_clip(photos / "clip.mov", size=(320, 240), count=40, audio="aac")
    whole, killed = tmp_path / "whole", tmp_path / "killed"

    def stamping(out: Path) -> list[str]:
        return [sys.executable, "-m", "repost", "stamp", str(photos), "-o", str(out), "--workers", "2", "--key", "mine"]

    assert subprocess.run(stamping(whole), capture_output=True, check=False).returncode == 0
    journal = killed / ".repost/journal.jsonl"
    run = subprocess.Popen(
        stamping(killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(60_000):  # two minutes
        if run.poll() is not None or (journal.exists() and journal.read_bytes().count(b"\n") >= 5):
            break
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (killed / "manifest.jsonl").exists(), "the run ended before it could be killed"

    resumed = subprocess.run(stamping(killed), capture_output=True, text=True, check=False)
    assert resumed.returncode == 0
    assert "kept from an earlier run" in resumed.stderr
    assert tree(killed) == tree(whole)
