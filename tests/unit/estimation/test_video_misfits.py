"""Pairs of videos that the rules do not explain are named with what is different about them."""

import pytest

from repost.estimation.about import About
from repost.estimation.videos.finding import Sound, VideoFinding
from repost.estimation.videos.learn import learn_videos
from repost.estimation.videos.misfits import find_misfits

ABOUT = About("mynet", "2026-11")
COUNT, ODD = 40, 20


def finding(index, *, structure=None, rate=None, **update):
    """A pair of a network that makes everything 360 px at CRF 28; its upload's features tell nothing."""
    width, height = 640 + 32 * (7 * index % COUNT), 480 + 24 * (7 * index % COUNT)
    coded = {"codec": "h264", "profile": "High", "level": "3.0", "pixel_format": "yuv420p", "presets": ("fast",),
             "b_frames": 3, "fixed_gop": True, "longest_gop": 60, "longest_run": 60, "initial_qp": 28}  # fmt: skip
    took = {"bitrate_bps": 500000, "bits_per_pixel_s": 1.5, "crf": 28, "censored": None, "crf_exact": 28.0,
            "encodes": 2, "bitrates_bps": {}, "proven_crf": 28.0}  # fmt: skip
    features = {"format": "mp4", "codec": "h264", "rotated": False, "width_px": width, "height_px": height,
                "long_side_px": width, "short_side_px": height, "pixel_count": width * height, "aspect_ratio": 4 / 3,
                "size_bytes": 10**6, "bits_per_pixel": 0.1, "fps": 30.0, "duration_s": 10.0,
                "bitrate_bps": 10.0**6}  # fmt: skip
    data = {"name": f"{index:04}", "source_file": "x.mp4", "upload_sha256": f"{index:064}", "served_sha256": "0" * 64,
            "features": features, "stored_before": (width, height), "stored_after": (480, 360),
            "size_before": (width, height), "size_after": (480, 360), "kept": False, "oriented": None,
            "fps_after": 30.0, "structure": coded | (structure or {}), "rate": took | (rate or {}),
            "kernel": "bicubic", "exact": True, "sound": Sound(action="copy")} | update  # fmt: skip
    return VideoFinding.model_validate(data)


def misfits(found):
    return list(find_misfits(found, learn_videos(found, ABOUT)))


def one_odd(count=COUNT, **changes):
    return misfits([finding(index, **(changes if index == ODD else {})) for index in range(count)])


def test_pairs_that_agree_have_no_misfits():
    assert one_odd() == []


ODD_PAIRS = {
    "640x480 px came back as 240x180 px, which the size rule of the others does not give": {
        "size_before": (640, 480), "size_after": (240, 180)},
    "profile is Main, of the others High": {"structure": {"profile": "Main"}},
    "preset is veryfast or faster, of the others fast": {"structure": {"presets": ("veryfast", "faster")}},
    "keyframes come at no fixed distance": {"structure": {"fixed_gop": False}},
    "30 frames per second came back as 15, of the others as 30": {"fps_after": 15.0},
    "CRF is 23, of the others 28": {"rate": {"proven_crf": 23.0}},
    "kind is kept, of the others encoded": {"kept": True, "rate": None},
    "sound is drop, of the others copy": {"sound": Sound(action="drop")},
}  # fmt: skip


@pytest.mark.parametrize("words", ODD_PAIRS)
def test_an_odd_pair_is_named_with_what_is_odd(words):
    (misfit,) = one_odd(**ODD_PAIRS[words])
    assert misfit.name == f"{ODD:04}"
    assert words in misfit.reason
    assert misfit.reason.count(";") == 0


def test_a_frame_rate_that_was_kept():
    (misfit,) = misfits([finding(index, fps_after=15.0 if index != ODD else 30.0) for index in range(COUNT)])
    assert "30 frames per second came back as 30, of the others as 15" in misfit.reason


def averages(bits):
    return [finding(index, structure={"initial_qp": 24 + index % 3}, exact=False,
                    rate={"proven_crf": None, "bits_per_pixel_s": one}) for index, one in enumerate(bits)]  # fmt: skip


def test_a_bitrate_far_from_those_of_the_others():
    spread = [1.4 + 0.005 * (index % 9) for index in range(COUNT)]
    assert misfits(averages(spread)) == []
    (misfit,) = misfits(averages([*spread, 3.0]))
    assert misfit.name == f"{COUNT:04}"
    assert "it takes 3 bits per pixel and second, the others would take" in misfit.reason


def test_a_bitrate_within_what_two_passes_miss_is_none():
    assert misfits(averages([1.5] * COUNT + [1.52])) == []
    assert len(misfits(averages([1.5] * COUNT + [1.56]))) == 1


def test_a_bitrate_that_is_drawn_anew_for_each_upload_is_no_misfit():
    assert misfits(averages([0.5 + 0.1 * index for index in range(COUNT)])) == []


def test_few_pairs_tell_nothing_of_the_spread():
    assert misfits(averages([1.5, 1.5, 1.5, 3.0])) == []
