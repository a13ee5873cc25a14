"""Damaged videos are read or refused with one of our own errors; nothing else ever comes out."""

import json
import math
import random
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clips import make_clip
from repost.core.errors import MediaError
from repost.media.video.facts import VideoFacts, read_video_facts
from repost.media.video.frames import read_stream_coding
from repost.media.video.headers import read_h264_headers
from repost.media.video.probe import probe_video
from repost.media.video.sampling import read_frame_table, sample_frames

QUICK = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KINDS = ("mp4", "front.mp4", "fragments.mp4", "mov", "mkv", "webm", "avi", "h264")


@cache
def sound(kind: str) -> bytes:
    """A sound file of a kind, as small as can be."""
    movflags = {"front.mp4": "faststart", "fragments.mp4": "frag_keyframe+empty_moov"}
    with tempfile.TemporaryDirectory() as folder:
        path = make_clip(
            Path(folder) / f"a.{kind}",
            size=(64, 48),
            count=8,
            codec="libvpx-vp9" if kind == "webm" else "mpeg4" if kind == "avi" else "libx264",
            options={"cpu-used": "8", "deadline": "realtime"} if kind == "webm" else {},
            container_options={"movflags": movflags[kind]} if kind in movflags else {},
            audio="aac" if kind == "mp4" else None,
            rotation_deg=90 if kind == "mov" else None,
        )
        return path.read_bytes()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, most of them in headers; sometimes cut, doubled or taken out."""
    changed = bytearray(data)
    index = max(changed.find(b"moov"), 0)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        start = rng.choice((0, 0, index))
        reach = min(len(changed) - start, rng.choice((40, 400, 2000, len(changed))))
        changed[start + rng.randrange(reach)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    at, span = rng.randrange(1, len(changed)), rng.randrange(1, 60)
    match rng.randrange(10):
        case 0:
            del changed[at:]
        case 1:
            del changed[at : at + span]
        case 2:
            changed[at:at] = changed[at : at + span]
    return bytes(changed)


def sample_every_third(path: Path, *, max_pixels: int) -> int:
    """Frames 0, 3, 6, ... that can be decoded."""
    table = read_frame_table(path, max_pixels=max_pixels)
    return sum(1 for _ in sample_frames(table, table.numbers(3), threads=1))


def look(data: bytes, path: Path) -> bool:
    """Read everything there is to read; whether all of it could be."""
    path.write_bytes(data)
    whole = True
    for read in (read_video_facts, read_h264_headers, read_stream_coding, probe_video, sample_every_third):
        try:
            found = read(path, max_pixels=1_000_000)
        except MediaError as error:
            assert str(error)
            whole = False
        else:
            if isinstance(found, VideoFacts):
                assert_sane(found)
            if isinstance(found, dict):
                json.dumps(found, allow_nan=False)
    return whole


def assert_sane(facts: VideoFacts) -> None:
    """Others divide by these."""
    assert facts.width_px > 0 and facts.height_px > 0
    assert facts.fps > 0 and facts.time_base > 0
    assert math.isfinite(facts.duration_s) and facts.duration_s > 0
    assert facts.frame_count > 0 and facts.bitrate_bps >= 0
    assert facts.rotation_deg in (0, 90, 180, 270)
    assert facts.sample_aspect_ratio > 0


@QUICK
@given(st.sampled_from(KINDS), st.integers(0, 2**32))
@example("mp4", 0)
def test_a_damaged_video_is_read_or_refused(kind, seed):
    with tempfile.TemporaryDirectory() as folder:
        look(damaged(sound(kind), random.Random(seed)), Path(folder) / "a.mp4")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_damaged_videos_are_read_or_refused(kind, tmp_path):
    rng = random.Random(f"hostile {kind}")
    whole = sum(look(damaged(sound(kind), rng), tmp_path / "a.mp4") for _ in range(1000))
    assert 0 < whole < 1000, "all refused or all read: the damage tests nothing"


def test_sound_videos_are_read_whole(tmp_path):
    assert all(look(sound(kind), tmp_path / "a.mp4") for kind in KINDS)
