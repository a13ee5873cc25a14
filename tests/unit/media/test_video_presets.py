"""The table of presets against the x264 that is bundled."""

import pytest

from clips import make_clip
from repost.media.video.frames import read_stream_coding
from repost.media.video.headers import read_h264_headers
from repost.media.video.presets import X264_PRESETS, preset_of_settings, presets_like


@pytest.fixture(scope="module", params=[*X264_PRESETS])
def encoded(request, tmp_path_factory):
    """A preset, and the headers and coding that it leaves."""
    path = tmp_path_factory.mktemp("presets") / "a.mp4"
    make_clip(path, size=(64, 48), count=30, options={"preset": request.param})
    return request.param, read_h264_headers(path), read_stream_coding(path)


def test_the_table_is_what_x264_does(encoded):
    name, headers, coding = encoded
    traits, settings = X264_PRESETS[name], coding.settings
    assert (headers.references, headers.chroma_qp_offset) == (traits.references, traits.chroma_qp_offset)
    plain = not (headers.cabac or headers.transform_8x8 or headers.weighted_p or headers.weighted_b)
    assert plain == traits.plain
    assert int(settings["ref"]) == traits.references
    assert int(settings["bframes"]) == traits.b_frames >= coding.longest_b_run
    assert (settings["me"], int(settings["trellis"])) == (traits.search, traits.trellis)
    assert int(settings["subme"]) == traits.subme


def test_a_preset_is_among_those_its_headers_are_like(encoded):
    name, headers, coding = encoded
    assert name in presets_like(headers)
    assert name in presets_like(headers, longest_b_run=coding.longest_b_run)
    alike = {
        "ultrafast": {"ultrafast", "superfast", "veryfast"},
        "superfast": {"superfast", "veryfast"},
        "veryfast": {"superfast", "veryfast"},
        "veryslow": {"veryslow", "placebo"},
        "placebo": {"veryslow", "placebo"},
    }
    assert set(presets_like(headers)) == alike.get(name, {name})


def test_the_message_names_the_preset_exactly(encoded):
    name, _, coding = encoded
    assert preset_of_settings(coding.settings) == name


def test_baseline_hides_ultrafast(tmp_path):
    options = {"preset": "ultrafast", "profile": "baseline"}
    found = presets_like(read_h264_headers(make_clip(tmp_path / "a.mp4", count=3, options=options)))
    assert found == ("ultrafast", "superfast", "veryfast")


def test_many_b_frames_are_placebos(tmp_path):
    headers = read_h264_headers(make_clip(tmp_path / "a.mp4", count=3, options={"preset": "placebo"}))
    assert presets_like(headers, longest_b_run=8) == ("veryslow", "placebo")
    assert presets_like(headers, longest_b_run=9) == ("placebo",)


def test_full_colour_does_not_change_the_guess(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=3, pixel_format="yuv444p", options={"preset": "slow"})
    assert presets_like(read_h264_headers(path)) == ("slow",)


def test_settings_chosen_by_hand_are_no_preset(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=3, options={"preset": "fast", "refs": "7", "subq": "5"})
    assert presets_like(read_h264_headers(path)) == ()
    assert preset_of_settings(read_stream_coding(path).settings) is None


def test_x265_has_presets_of_its_own():
    assert preset_of_settings({"encoder": "x265 (build 216)", "subme": "2", "me": "hex", "trellis": "0"}) is None
