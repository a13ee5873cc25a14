"""How a served file was coded: keyframes, levels, and what the encoder says of itself."""

import re

import pytest

from repost.estimation.videos.level import own_level
from repost.estimation.videos.reproduce import recipe_of
from repost.estimation.videos.structure import read_structure
from repost.media.video.upload import VideoUpload
from video_clips import moving_frames, write_clip
from video_pairs import encode, share, upload_clip


def structure_of(path):
    return read_structure(VideoUpload(path))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return upload_clip(tmp_path_factory.mktemp("structure") / "clip.mp4")


def test_a_fixed_group_is_seen(clip, tmp_path):
    found = structure_of(share(clip, tmp_path / "served.mp4", encode(gop_frames=12, scene_cut=False)))
    assert (found.longest_gop, found.fixed_gop, found.longest_run) == (12, True, 12)


def test_one_gap_does_not_show_that_groups_are_fixed(clip, tmp_path):
    found = structure_of(share(clip, tmp_path / "served.mp4", encode(gop_frames=24)))
    assert (found.longest_gop, found.fixed_gop) == (24, None)


def test_a_keyframe_at_a_scene_cut_is_no_limit(tmp_path):
    frames = [*moving_frames(26, seed=1), *moving_frames(40, seed=9)]
    found = structure_of(share(write_clip(tmp_path / "clip.mp4", frames), tmp_path / "served.mp4", encode()))
    assert (found.longest_gop, found.longest_run) == (None, 40)


def test_no_keyframe_but_the_first(clip, tmp_path):
    found = structure_of(share(clip, tmp_path / "served.mp4", encode()))
    assert (found.longest_gop, found.fixed_gop, found.longest_run) == (None, None, 40)


def test_the_encoders_message_tells_all(clip, tmp_path):
    steps = encode(preset="slow", gop_frames=48, threads=2), {"op": "container", "strip_sei": False}
    found = structure_of(share(clip, tmp_path / "served.mp4", *steps))
    assert found.encoder is not None
    assert (found.presets, found.longest_gop, found.threads, found.said) == (("slow",), 48, 2, ("crf", 30))


def test_the_encoders_message_tells_of_its_buffer(clip, tmp_path):
    rate = {"mode": "abr", "bits_per_pixel_s": 4.0, "vbv_max_ratio": 1.5, "vbv_buffer_s": 2.0}
    found = structure_of(share(clip, tmp_path / "served.mp4", encode(rate), {"op": "container", "strip_sei": False}))
    assert found.vbv == pytest.approx((1.5, 2.0), abs=0.02)
    assert found.said[0] == "abr"


@pytest.mark.parametrize(("asked", "own"), [(None, True), ("4.0", False)])
def test_a_level_that_was_asked_for_differs_from_the_encoders_own(clip, tmp_path, asked, own):
    served = VideoUpload(share(clip, tmp_path / "served.mp4", encode(level=asked) if asked else encode()))
    structure = read_structure(served)
    recipe = recipe_of(VideoUpload(clip), served, structure, 30)
    assert (own_level(VideoUpload(clip), recipe) == structure.level) is own


def test_what_other_standards_do_not_tell_is_none(clip, tmp_path):
    step = {"op": "encode", "codec": "vp9", "rate": {"mode": "crf", "crf": 40}}
    served = share(clip, tmp_path / "served.webm", step, {"op": "container", "format": "webm"})
    found = structure_of(served)
    assert (found.codec, found.level, found.initial_qp, found.presets) == ("vp9", None, None, ())


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        (rb" ref=\d ", b" ref=x "),
        (rb" ref=\d ", b" ref=0 "),
        (rb" bframes=\d ", b" bframes=z "),
        (rb" keyint=48 ", b" keyint=00 "),
        (rb" threads=2 ", b" threads=? "),
        (rb" crf=30.0 ", b" crf=nan0 "),
        (rb" rc=crf ", b" rc=abr "),
    ],
)
def test_a_message_that_was_tampered_with_costs_no_more_than_what_it_says(clip, tmp_path, said, changed):
    served = share(clip, tmp_path / "a.mp4", encode(gop_frames=48, threads=2), {"op": "container", "strip_sei": False})
    data, count = re.subn(said, changed, served.read_bytes())
    assert count == 1
    served.write_bytes(data)
    found = structure_of(served)
    assert found.encoder is not None
    assert 1 <= found.references <= 16
    assert found.longest_gop in (48, None)
