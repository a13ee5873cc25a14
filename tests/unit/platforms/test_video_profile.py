"""The profile model carries video: the example goes through parsing, validation and JSON unchanged."""

import json
import random
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from repost.channel import emulate
from repost.core.errors import InvalidProfile, UnsupportedMedia
from repost.platforms import Profile, load_profile
from repost.platforms.catalog import parse_profile
from repost.platforms.steps import AbrRate, Audio, Container, CrfRate, EncodeVideo, FrameRate
from repost.platforms.values import draw

EXAMPLE = Path(__file__).parents[2] / "data" / "example_video_profile.toml"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(EXAMPLE)


@pytest.fixture
def parsed() -> dict:
    return tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))


def facts(codec="h264"):
    return SimpleNamespace(format="mp4", codec=codec, animated=False, has_alpha=False, rotated=False)


def test_it_parses(profile):
    assert profile.id == "example/video@2026-11"
    assert [rule.name for _, rule in profile.rules_for("video")] == ["HEVC from phones, 720p", "720p", "480p"]
    assert profile.rules_for("image") == []


def test_it_round_trips_through_json(profile):
    again = Profile.model_validate_json(profile.model_dump_json())
    assert again == profile
    assert again.digest == profile.digest


@pytest.mark.parametrize(
    ("codec", "encoder", "standard"),
    [
        ("hevc", "libx264", "h264"),
        ("h264", "libx265", "hevc"),
        ("h264", "av1_nvenc", "av1"),
        ("vp9", "h264_qsv", "h264"),
    ],
)
def test_an_encoder_of_another_standard_is_refused(parsed, codec, encoder, standard):
    parsed["rules"][0]["steps"] = [
        {"op": "encode", "codec": codec, "encoder": encoder, "rate": {"mode": "crf", "crf": 28}}
    ]
    with pytest.raises(InvalidProfile) as caught:
        parse_profile(parsed, source="test")
    ((field, words),) = caught.value.problems
    assert field == "rules.0.steps.0"
    assert words.startswith(f"got encoder '{encoder}' with codec '{codec}', expected one that writes {codec}")
    assert f"write codec = '{standard}'" in words


@pytest.mark.parametrize(("codec", "encoder"), [("av1", "libaom-av1"), ("hevc", "hevc_nvenc"), ("h264", "argos")])
def test_an_encoder_of_the_standard_or_of_no_known_one_is_sound(codec, encoder):
    rate = CrfRate(mode="crf", crf=28)
    assert EncodeVideo(op="encode", codec=codec, encoder=encoder, rate=rate).encoder == encoder


def test_leaving_out_defaults_loses_nothing(profile):
    short = json.loads(profile.model_dump_json(exclude_defaults=True))
    assert Profile.model_validate(short) == profile


def test_every_kind_of_video_step_is_typed(profile):
    steps = profile.rules[2].steps
    assert isinstance(steps[2], FrameRate)
    assert isinstance(steps[3], EncodeVideo)
    assert isinstance(steps[3].rate, AbrRate)
    assert isinstance(profile.rules[1].steps[3].rate, CrfRate)
    assert isinstance(steps[4], Audio)
    assert isinstance(steps[5], Container)
    assert profile.assumed(1, 3) == ("preset",)
    assert profile.assumed(2, 1) == ("kernel",)


@pytest.mark.parametrize(
    ("codec", "short_side_px", "duration_s", "expected"),
    [("hevc", 1080, 10, 0), ("h264", 1080, 10, 1), ("h264", 1080, 601, 2), ("hevc", 480, 10, 2)],
)
def test_the_rendition_follows_from_the_upload(profile, codec, short_side_px, duration_s, expected):
    features = {"short_side_px": short_side_px, "duration_s": duration_s}.__getitem__
    matching = [index for index, rule in profile.rules_for("video") if rule.when.matches(facts(codec), features)]
    assert matching[0] == expected


def test_rates_are_drawn_and_never_cut_to_whole_numbers(profile):
    rng = random.Random(0)
    rate = profile.rules[2].steps[3].rate.bits_per_pixel_s
    assert {draw(rate, features=lambda _: 0.0, rng=rng) for _ in range(100)} == {1.9, 2.1, 2.4}
    crf = profile.rules[1].steps[3].rate.crf
    assert draw(crf, features=lambda _: 1e6, rng=rng) == 26
    assert {draw(crf, features=lambda _: 5e6, rng=rng) for _ in range(100)} == {27, 28}
    assert 23.5 in profile.rules[0].steps[3].rate.crf.samples


@pytest.mark.parametrize(
    ("rule", "step", "change", "field"),
    [
        (2, 3, {"rate": {"mode": "abr", "bits_per_pixel_s": 0}}, "rules.2.steps.3.rate.bits_per_pixel_s"),
        (1, 3, {"rate": {"mode": "crf", "crf": 64}}, "rules.1.steps.3.rate.crf"),
        (1, 3, {"rate": {"mode": "bitrate", "bps": 1}}, "rules.1.steps.3.rate"),
        (1, 3, {"b_frames": 17}, "rules.1.steps.3.b_frames"),
        (1, 4, {"action": "encode"}, "rules.1.steps.4"),
        (2, 4, {"codec": "aac", "bitrate_bps": 64000}, "rules.2.steps.4"),
        (2, 5, {"format": "avi"}, "rules.2.steps.5.format"),
        (0, 2, {"fps": -1}, "rules.0.steps.2.fps"),
    ],
)
def test_a_wrong_video_field_is_named(parsed, rule, step, change, field):
    parsed["rules"][rule]["steps"][step] |= change
    with pytest.raises(InvalidProfile) as caught:
        parse_profile(parsed, source="example")
    assert field in [where for where, _ in caught.value.problems]


def test_image_steps_and_conditions_are_refused_for_video(parsed):
    parsed["rules"][1]["steps"][0] = {"op": "decode", "upsampling": "replicate"}
    parsed["rules"][0]["when"] = {"busyness": {"over": 3}}
    with pytest.raises(InvalidProfile) as caught:
        parse_profile(parsed, source="example")
    assert dict(caught.value.problems).keys() >= {"rules.0", "rules.1"}


def test_a_value_by_an_image_feature_is_refused_for_video(parsed):
    parsed["rules"][0]["steps"][2]["fps"] = {"by": "busyness", "bands": [{"under": 3, "value": 25}], "otherwise": 30}
    with pytest.raises(InvalidProfile, match=r"steps\.2\.fps depends on 'busyness', which is not for media 'video'"):
        parse_profile(parsed, source="example")


def test_an_image_handed_to_a_video_profile_is_refused_by_name(profile):
    with pytest.raises(UnsupportedMedia, match="rules for video only"):
        emulate(np.zeros((8, 8, 3), dtype=np.uint8), profile)
