"""What is gathered of a video, as JSON values."""

import json
import math

import pytest

from clips import make_clip
from repost.core.errors import InputNotFound, TooManyPixels
from repost.media.probe import holds_video, probe_file
from repost.media.video.frames import StreamCoding
from repost.media.video.probe import level_name, shown_pattern


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    options = {"crf": "27", "preset": "fast", "bf": "2", "b_strategy": "0", "sc_threshold": "0", "keyint_min": "10"}
    metadata = {"title": "a title"}
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    return make_clip(path, count=30, gop=10, options=options, audio="aac", metadata=metadata, colour=(1, 1, 1, 1))


def test_everything_that_was_asked_for_is_told(clip):
    found = probe_file(clip)
    assert (found["codec"], found["profile"], found["level"]) == ("h264", "High", "1.0")
    assert (found["fps"], found["fps_exact"], found["frame_count"], found["duration_s"]) == (25.0, "25", 30, 1.2)
    assert found["colour"] == {"primaries": 1, "transfer": 1, "matrix": 1, "full_range": False, "hdr": False}
    assert found["audio"]["codec"] == "aac"
    assert found["settings"]["crf"] == "27.0"
    assert (found["x264_presets"], found["x264_presets_from"]) == (["fast"], "settings")
    assert (found["h264"]["references"], found["h264"]["initial_qp"]) == (2, 27)
    assert found["tags"]["title"] == "a title"
    assert [(one["kind"], one["codec"]) for one in found["streams"]] == [("video", "h264"), ("audio", "aac")]
    assert found["streams"][0]["tags"]["handler_name"] == "VideoHandler"


def test_how_frames_were_coded(clip):
    coding = probe_file(clip)["coding"]
    assert coding["pattern"] == "IBBPBBPBBP"
    assert coding["keyframe_gap_frames"] == {"least": 10, "most": 10, "fixed": True}
    assert (coding["keyframe_count"], coding["longest_b_run"]) == (3, 2)
    assert coding["frame_kinds"] == {"B": 18, "I": 3, "P": 9}
    qp = coding["qp"]
    assert qp["least"] <= qp["mean_by_kind"]["I"] < qp["mean"] < qp["mean_by_kind"]["B"] <= qp["most"]
    assert 0 < qp["deviation"] < 10


def test_quick_leaves_out_only_what_frames_tell(clip):
    whole, quick = probe_file(clip), probe_file(clip, quick=True)
    assert quick["coding"] is None
    assert {key: value for key, value in whole.items() if key != "coding"} == {
        key: value for key, value in quick.items() if key != "coding"
    }


def test_constant_qp_has_no_spread(tmp_path):
    options = {"x264-params": "qp=30:ipratio=1:pbratio=1:aq-mode=0"}
    qp = probe_file(make_clip(tmp_path / "a.mp4", options=options))["coding"]["qp"]
    means = {"B": 30.0, "I": 30.0, "P": 30.0}
    assert qp == {"scale": "0-63", "mean": 30.0, "deviation": 0.0, "least": 30, "most": 30, "mean_by_kind": means}


@pytest.mark.parametrize("name", ["a.webm", "a.avi", "a.mkv", "a.h264", "hevc.mp4"])
def test_every_kind_of_video_gives_finite_json(tmp_path, name):
    codec = {"a.webm": "libvpx-vp9", "a.avi": "mpeg4", "hevc.mp4": "libx265"}.get(name, "libx264")
    options = {"libvpx-vp9": {"deadline": "realtime"}, "libx265": {"x265-params": "log-level=none"}}.get(codec, {})
    found = probe_file(make_clip(tmp_path / name, codec=codec, count=6, options=options))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["h264"] is None) == (codec != "libx264")
    assert (found["coding"]["qp"] is None) == (codec == "libx265")
    assert math.isfinite(found["duration_s"])


def test_one_frame_has_no_gaps(tmp_path):
    coding = probe_file(make_clip(tmp_path / "a.mp4", count=1))["coding"]
    assert (coding["pattern"], coding["keyframe_gap_frames"], coding["longest_b_run"]) == ("I", None, 0)


def test_the_pattern_begins_at_a_keyframe():
    empty = StreamCoding("PPBBIBBPPIB", (4, 9), {})
    assert shown_pattern(empty) == "IBBPP"
    assert shown_pattern(StreamCoding("PBP", (), {})) == "PBP"
    assert shown_pattern(StreamCoding("I" + "P" * 99, (0,), {})) == "I" + "P" * 39 + "…"


def test_the_limit_on_pixels_can_be_lowered_and_raised(clip, monkeypatch):
    with pytest.raises(TooManyPixels):
        probe_file(clip, max_pixels=100)
    monkeypatch.setenv("REPOST_MAX_PIXELS", "100")
    assert probe_file(clip, max_pixels=10_000)["frame_count"] == 30


@pytest.mark.parametrize(
    ("codec", "level", "name"),
    [("h264", 40, "4.0"), ("h264", 9, "1b"), ("hevc", 93, "3.1"), ("hevc", 120, "4.0"), ("av1", 8, "4.0"),
     ("av1", 5, "3.1"), ("mpeg4", 1, "1"), ("vp9", None, None)],
)  # fmt: skip
def test_levels_are_named_as_their_standards_do(codec, level, name):
    assert level_name(codec, level) == name


def test_what_is_no_file_is_no_video(tmp_path):
    assert not holds_video(tmp_path)
    assert not holds_video(tmp_path / "none.mp4")
    with pytest.raises(InputNotFound):
        probe_file(tmp_path / "none.mp4")
