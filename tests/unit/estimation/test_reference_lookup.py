"""A database of compression samples as a profile: the published lookup, and two that are ours."""

import pytest

import reference_samples
from reference_samples import FakeUpload, database, sample
from repost.core.errors import UsageError
from repost.estimation.videos.lookup import profile_name, profile_of_reference
from repost.platforms.catalog import parse_profile
from repost.platforms.values import ByFeature, Samples
from repost.platforms.write import to_toml

FULL, HD, SD = "1920x1080", "1280x720", "640x360"


def steps_for(profile, stored, rotation_deg=0):
    index, rule = reference_samples.rule_for(profile, FakeUpload(stored, rotation_deg))
    return index, rule.steps[1], rule.steps[2]


def test_the_published_lookup_on_an_example_counted_by_hand():
    # 854x480: mean of 27, 24, 28 is 26.33; the second target of 1280x720 is never used, its CRF of 640x360 is.
    data = database(
        sample(FULL, "854x480", 27), sample(HD, "854x480", 24), sample(FULL, "854x480", 28),
        sample(HD, SD, 40), sample(SD, SD, 31),
        platform="Youtube",
    )  # fmt: skip
    profile = profile_of_reference(data, "youtube")
    _, resize, encode = steps_for(profile, (1920, 1080))
    assert (resize.width_px, resize.height_px, encode.rate.crf) == (854, 480, 26)
    assert (encode.codec, encode.encoder, encode.profile, encode.preset) == ("h264", "libx264", "high", "medium")
    _, resize, encode = steps_for(profile, (640, 360))
    assert (resize.width_px, resize.height_px, encode.rate.crf) == (640, 360, 35)
    # Half way between the areas 230400 and 921600; equal results of 1280x720 and 1920x1080 are one rule.
    assert len(profile.rules) == 2
    assert profile.rules[0].when.pixel_count.under == 576_000
    container, audio = profile.rules[0].steps[4], profile.rules[0].steps[3]
    assert (container.format, container.faststart, container.strip_sei, audio.action) == ("mp4", False, False, "drop")


def test_a_mean_is_cut_and_not_rounded():
    data = database(sample(HD, SD, 26), sample(HD, SD, 27), sample(HD, SD, 27))
    assert profile_of_reference(data, "Facebook").rules[0].steps[2].rate.crf == 26


def test_a_tie_goes_to_the_first_in_the_file():
    ten, twenty = sample("10x1", "2x2", 20), sample("20x1", "4x4", 30)
    for order, px in (((ten, twenty), 2), ((twenty, ten), 4)):
        assert steps_for(profile_of_reference(database(*order), "Facebook"), (15, 1))[1].width_px == px


def test_mirrored_resolutions_are_told_apart_as_stored():
    data = database(sample(FULL, "854x480", 27), sample("1080x1920", "480x854", 29))
    profile = profile_of_reference(data, "Facebook")
    assert steps_for(profile, (1920, 1080))[1].width_px == 854
    assert steps_for(profile, (1080, 1920))[1].width_px == 480
    assert steps_for(profile, (1920, 1080), rotation_deg=90)[1].width_px == 854  # a portrait, squeezed, as published
    assert steps_for(profile, (1080, 1920), rotation_deg=270)[1].width_px == 480


def test_profile_main_for_every_other_spelling():
    assert profile_of_reference(database(sample(HD, SD, 30), platform="YouTube"), "YouTube").rules[0].steps[
        2
    ].profile == ("main")


def test_what_is_assumed_is_said():
    profile = profile_of_reference(database(sample(HD, SD, 30)), "Facebook")
    assert profile.assumed(0, 2) == ("threads",)
    assert "observed" in profile.unknown
    dated = profile_of_reference(database(sample(HD, SD, 30)), "Facebook", observed="2026-03")
    assert dated.id == "facebook/post@2026-03"
    assert "observed" not in dated.unknown
    assert (dated.evidence[0].n, dated.evidence[0].observed) == (1, "2026-03")
    assert dated.provenance["rules.0.steps.2.rate.crf"].votes == {"30": 1}
    ours = profile_of_reference(database(sample(HD, SD, 30)), "Facebook", lookup="nearest")
    assert {"kernel"} == set(ours.assumed(0, 1))
    assert {"profile", "preset", "threads"} <= set(ours.assumed(0, 2))


@pytest.mark.parametrize("lookup", ["reference", "nearest", "law"])
def test_profiles_survive_their_file(lookup):
    import tomllib

    data = database(sample(FULL, "854x480", 27, profile="High"), sample(HD, SD, 30), sample("720x1280", "360x640", 31))
    profile = profile_of_reference(data, "Facebook", lookup=lookup)
    assert parse_profile(tomllib.loads(to_toml(profile)), source="test") == profile


def test_nearest_keeps_the_shape_and_draws_from_its_own_resolution():
    data = database(
        sample(FULL, "854x480", 27, profile="High"), sample(FULL, "854x480", 30, profile="High"),
        sample(HD, "854x480", 22, profile="Main"), sample(SD, SD, 35), sample(FULL, SD, 50),
    )  # fmt: skip
    profile = profile_of_reference(data, "Facebook", lookup="nearest")
    _, resize, encode = steps_for(profile, (2000, 1000))
    assert (resize.fit, resize.px, resize.multiple_of, resize.upscale) == ("short_side", 480, 2, False)
    assert (encode.rate.crf, encode.profile) == (Samples(samples=(27, 30)), "high")
    assert steps_for(profile, (1280, 720))[2].rate.crf == Samples(samples=(22,))
    assert steps_for(profile, (899, 1600))[2].profile == "main"
    assert [rule.when.short_side_px.under for rule in profile.rules[:-1]] == [540, 900]


def test_orientations_are_looked_up_apart_and_others_in_all():
    data = database(sample(FULL, "854x480", 27), sample("1080x1920", "360x640", 33))
    profile = profile_of_reference(data, "Facebook", lookup="nearest")
    assert steps_for(profile, (1280, 720))[1].px == 480
    assert steps_for(profile, (720, 1280))[1].px == 360
    assert steps_for(profile, (720, 1280), rotation_deg=90)[1].px == 480
    assert steps_for(profile, (1080, 1080))[1].px == 480


def test_a_portrait_stored_lying_counts_as_portrait():
    data = database(sample(FULL, "854x480", 27), sample(FULL, "360x640", 33))
    profile = profile_of_reference(data, "Facebook", lookup="nearest")
    assert steps_for(profile, (1080, 1920))[1].px == 360
    assert steps_for(profile, (1920, 1080))[1].px == 480


def test_only_samples_that_were_enlarged_enlarge():
    data = database(sample(SD, "854x480", 30), sample(HD, "854x480", 28))
    profile = profile_of_reference(data, "Facebook", lookup="law")
    assert steps_for(profile, (640, 360))[1].upscale
    assert not steps_for(profile, (1280, 720))[1].upscale
    assert steps_for(profile, (640, 360))[2].rate.crf == Samples(samples=(28, 30))


def test_a_law_by_input_size_takes_enough_samples_that_differ():
    def law(hd, full, number):
        seen = [sample(HD, SD, hd + index % 3) for index in range(number)]
        seen += [sample(FULL, SD, full + index % 3) for index in range(number)]
        profile = profile_of_reference(database(*seen, sample("2560x1440", SD, 45)), "Facebook", lookup="law")
        assert len(profile.rules) == 1
        assert profile.provenance["rules.0.steps.2.rate.crf"].n == 2 * number + 1
        return profile.rules[0].steps[2].rate.crf

    found = law(24, 30, 8)
    assert isinstance(found, ByFeature)
    assert (found.by, [band.under for band in found.bands]) == ("short_side_px", [900.5])
    assert found.bands[0].value.samples == (24, 24, 24, 25, 25, 25, 26, 26)
    assert found.otherwise.samples == (30, 30, 30, 31, 31, 31, 32, 32, 45)
    assert isinstance(law(24, 30, 7), Samples)
    assert isinstance(law(24, 24, 20), Samples)


def test_a_law_of_equal_crfs_is_no_law():
    seen = [sample(size, SD, 30) for size in (HD, FULL) for _ in range(10)]
    profile = profile_of_reference(database(*seen), "Facebook", lookup="law")
    assert set(profile.rules[0].steps[2].rate.crf.samples) == {30}


@pytest.mark.parametrize(
    ("codec", "standard", "encoder"),
    [
        ("libx264", "h264", "libx264"), ("libx265", "hevc", "libx265"), ("libvpx-vp9", "vp9", "libvpx-vp9"),
        ("libsvtav1", "av1", "libsvtav1"), ("libaom-av1", "av1", "libaom-av1"), ("av1", "av1", None),
        ("hevc", "hevc", "libx265"),
    ],
)  # fmt: skip
def test_codecs_are_told_by_their_encoder(codec, standard, encoder):
    for lookup in ("reference", "nearest"):
        data = database(sample(HD, SD, 30), codec=codec)
        step = profile_of_reference(data, "Facebook", codec=codec, lookup=lookup).rules[0].steps[2]
        assert (step.codec, step.encoder) == (standard, encoder)


def test_what_cannot_be_meant_is_refused():
    data = database(sample(HD, SD, 30), codec="mpeg4")
    with pytest.raises(UsageError, match=r"'mpeg4', expected one of libx264, .*libsvtav1"):
        profile_of_reference(data, "Facebook", codec="mpeg4")
    data = database(sample(HD, SD, 30))
    with pytest.raises(UsageError, match="YYYY-MM"):
        profile_of_reference(data, "Facebook", observed="yesterday")
    with pytest.raises(UsageError, match="'reference', 'nearest' or 'law'"):
        profile_of_reference(data, "Facebook", lookup="mean")


def test_platform_names_become_profile_names():
    assert [profile_name(name) for name in ("Youtube", "X (Twitter)", "VKontakté", "Tik_Tok!")] == [
        "youtube", "x-twitter", "vkontakte", "tik_tok",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="微博"):
        profile_name("微博")
