"""x264's lookahead beside several threads, against the ffmpeg program."""

import shutil
import subprocess

import numpy as np
import pytest

from repost.channel.video import lookahead, settings
from repost.channel.video.emulate import emulate_video
from repost.channel.video.encoder import Clock, Encoder
from repost.channel.video.settings import Crf, EncoderSettings
from repost.core.heap import fresh_memory
from repost.core.threads import can_watch_threads
from repost.media.video.frames import decode_frames, luma_of
from repost.media.video.upload import VideoUpload
from repost.platforms.catalog import parse_profile
from video_clips import swaying_frames, write_clip

WATCHED = pytest.mark.skipif(not can_watch_threads(), reason="threads can be watched on Linux only")
THREE = EncoderSettings(rate=Crf(28), preset="veryfast", threads=3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", swaying_frames(110))


def encoded(clip, how):
    """The stream, in memory."""
    fresh_memory()
    upload = VideoUpload(clip)
    encoder = Encoder(how, size=upload.facts.stored_size, clock=Clock.of(upload.facts))
    frames = [*decode_frames(clip), None]
    for index, frame in enumerate(frames[:-1]):
        frame.pts, frame.time_base, frame.pict_type = index, 1 / upload.facts.fps, 0
    return b"".join(bytes(packet) for frame in frames for packet in encoder.encode(frame))


@pytest.mark.slow
@WATCHED
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program as an oracle")
def test_several_threads_give_the_pictures_of_the_ffmpeg_program(clip, tmp_path):
    """In step with its threads x264 makes other pictures of this clip."""
    program = tmp_path / "program.mp4"
    options = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-threads", "3"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, *options, program], check=True)
    encode = {"op": "encode", "codec": "h264", "preset": "veryfast", "threads": 3, "rate": {"mode": "crf", "crf": 28}}
    profile = parse_profile(
        {
            "platform": "test",
            "observed": "2026",
            "summary": "a test",
            "evidence": [{"kind": "inferred", "source": "this test"}],
            "rules": [{"media": "video", "name": "every video", "steps": [encode]}],
        },
        source="test",
    )
    ours = emulate_video(VideoUpload(clip), profile, tmp_path / "ours.mp4", seed=0).path
    pairs = zip(decode_frames(program), decode_frames(ours), strict=True)
    assert all(np.array_equal(luma_of(one), luma_of(other)) for one, other in pairs)


@WATCHED
def test_a_frame_is_handed_over_once_the_last_was_looked_at(clip, monkeypatch):
    waited = []
    monkeypatch.setattr(lookahead, "wait_until_asleep", lambda threads, **_: waited.append(tuple(threads)) or True)
    encoded(clip, THREE)
    assert len(waited) == 110
    assert {len(threads) for threads in waited} == {1}


@WATCHED
def test_nothing_is_waited_for_once_threads_never_rest(clip, monkeypatch):
    waited = []
    monkeypatch.setattr(lookahead, "wait_until_asleep", lambda *_, **__: waited.append(1) and False)
    encoded(clip, THREE)
    assert len(waited) == 1


def test_where_threads_cannot_be_watched_x264_looks_ahead_in_step(clip, monkeypatch):
    monkeypatch.setattr(settings, "can_watch_threads", lambda: False)
    monkeypatch.setattr(lookahead, "can_watch_threads", lambda: False)
    assert THREE.options()["x264-params"] == "sync-lookahead=0"
    assert "x264-params" not in EncoderSettings(rate=Crf(28), threads=1).options()
    assert "x264-params" not in EncoderSettings(encoder="libx265", rate=Crf(28), threads=3).options()
    assert encoded(clip, THREE) == encoded(clip, THREE)
