"""Real videos that x264 made, and what their headers say against its own message in them."""

import pytest

from repost.media.video.presets import X264_PRESETS, presets_like
from repost.media.video.probe import examine_video

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def examined(shared_data):
    found = [examine_video(path, quick=True) for path in sorted((shared_data / "videos").rglob("*.mp4"))]
    found = [one for one in found if one.coding.settings and one.headers]
    assert len(found) >= 10
    return found


def test_headers_are_what_the_message_says(examined):
    for one in examined:
        headers, said = one.headers, one.coding.settings
        assert headers.references == int(said["ref"])
        assert headers.cabac == (said["cabac"] == "1")
        assert headers.transform_8x8 == (said["8x8dct"] == "1")
        assert headers.weighted_p == (said["weightp"] != "0")
        assert headers.chroma_qp_offset == int(said["chroma_qp_offset"])


def test_the_qp_of_the_header_is_the_whole_crf(examined):
    crfs = [
        (one.headers.initial_qp, float(one.coding.settings["crf"])) for one in examined if "crf" in one.coding.settings
    ]
    assert len(crfs) >= 5
    assert all(initial == int(crf) for initial, crf in crfs)


def test_presets_by_headers_include_the_one_of_the_message(examined):
    """Where the number of references was not chosen by hand or lowered for the level."""
    told = 0
    for one in examined:
        (named, source), like = one.presets(), presets_like(one.headers)
        if source == "settings" and one.headers.references == X264_PRESETS[named[0]].references:
            told += 1
            assert named[0] in like
    assert told >= 5
