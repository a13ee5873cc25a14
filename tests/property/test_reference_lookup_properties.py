"""The profile of a database does to every upload what the published emulator does, for any database and size."""

from hypothesis import given
from hypothesis import strategies as st

import reference_samples
from reference_samples import FakeUpload, rule_for
from repost.estimation.videos.bands import nearest_bands, value_at
from repost.estimation.videos.lookup import profile_of_reference

# Few and close sides, so that equal areas, mirrored sizes and ties are frequent; and real ones.
sides = st.one_of(st.integers(1, 12), st.sampled_from([360, 480, 720, 1080, 1280, 1920]))
sizes = st.tuples(sides, sides)
resolutions = sizes.map(lambda size: f"{size[0]}x{size[1]}")
samples = st.builds(
    reference_samples.sample, resolutions, st.one_of(st.sampled_from(["4x2", "2x4"]), resolutions), st.integers(0, 51)
)
platforms = st.sampled_from(["Youtube", "YouTube", "Facebook"])


@given(st.lists(samples, min_size=1, max_size=12), platforms, sizes, st.sampled_from([0, 90, 270]))
def test_every_upload_gets_what_the_published_emulator_gives_it(found, platform, stored, rotation_deg):
    profile = profile_of_reference(reference_samples.database(*found, platform=platform), platform)
    _, rule = rule_for(profile, FakeUpload(stored, rotation_deg))
    _, resize, encode, _, _ = rule.steps
    got = (f"{resize.width_px}x{resize.height_px}", encode.rate.crf, encode.profile)
    assert got == reference_samples.published_lookup(found, stored, platform)
    assert (resize.fit, resize.upscale) == ("stretch", True)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(0, 45))
def test_bands_give_the_nearest(known, number):
    bands = nearest_bands((one, position) for position, one in enumerate(known))
    least = min(abs(one - number) for one in known)
    assert value_at(bands, number) == next(at for at, one in enumerate(known) if abs(one - number) == least)


@given(st.lists(samples, min_size=1, max_size=12), sizes, st.sampled_from(["nearest", "law"]))
def test_our_lookups_use_only_samples_of_the_nearest_size_or_rendition(found, stored, lookup):
    profile = profile_of_reference(reference_samples.database(*found), "Facebook", lookup=lookup)
    _, rule = rule_for(profile, FakeUpload(stored))
    _, resize, encode, _, _ = rule.steps
    same = [one for one in found if min(one.target_size) == resize.px]
    assert set(encode.rate.crf.samples) <= {one.crf for one in same}
    if lookup == "law":
        assert sorted(encode.rate.crf.samples) == sorted(one.crf for one in same)
    assert resize.upscale <= any(min(one.target_size) > min(one.original_size) for one in same)
