"""The profile of a database does to every upload what the published emulator does, for any database and size."""

from hypothesis import given, settings
from hypothesis import strategies as st

import reference_samples
from reference_samples import FakeUpload, rule_for
from repost.estimation.videos.bands import nearest_bands, value_at
from repost.estimation.videos.lookup import profile_of_reference

# Close sides, so that equal areas, mirrored sizes and ties are frequent; and real ones.
close, real = st.integers(1, 4), st.sampled_from([360, 480, 720, 1080, 1280, 1920])
targets = st.sampled_from(["4x2", "2x4", "8x8", "640x360", "854x480"])


def samples_of(sides):
    resolutions = st.tuples(sides, sides).map(lambda size: f"{size[0]}x{size[1]}")
    return st.lists(
        st.builds(reference_samples.sample, resolutions, targets, st.integers(0, 51)), min_size=1, max_size=12
    )


databases = st.one_of(samples_of(close), samples_of(real), samples_of(st.integers(1, 40)))
sizes = st.tuples(st.one_of(close, real), st.one_of(close, real))
platforms = st.sampled_from(["Youtube", "YouTube", "Facebook"])


@st.composite
def databases_and_uploads(draw):
    """Samples, and a stored size that is any, a known one, a mirrored one, or half way between two known areas."""
    found = draw(databases)
    one, other = draw(st.sampled_from(found)).original_size, draw(st.sampled_from(found)).original_size
    half_way = (one[0] * one[1] + other[0] * other[1]) // 2
    return found, draw(st.one_of(sizes, st.sampled_from([one, one[::-1], (half_way, 1), (half_way + 1, 1)])))


@settings(max_examples=300, deadline=None)
@given(databases_and_uploads(), platforms, st.sampled_from([0, 90, 270]))
def test_every_upload_gets_what_the_published_emulator_gives_it(case, platform, rotation_deg):
    found, stored = case
    profile = profile_of_reference(reference_samples.database(*found, platform=platform), platform)
    _, rule = rule_for(profile, FakeUpload(stored, rotation_deg))
    _, resize, encode, _, _ = rule.steps
    got = (f"{resize.width_px}x{resize.height_px}", encode.rate.crf, encode.profile)
    assert got == reference_samples.published_lookup(found, stored, platform)
    assert (resize.fit, resize.upscale) == ("stretch", True)


@given(st.lists(st.integers(1, 15), min_size=1, max_size=5), st.integers(0, 16))
def test_bands_give_the_nearest(known, number):
    bands = nearest_bands((one, position) for position, one in enumerate(known))
    least = min(abs(one - number) for one in known)
    assert value_at(bands, number) == next(at for at, one in enumerate(known) if abs(one - number) == least)


@given(databases, sizes, st.sampled_from(["nearest", "law"]))
def test_our_lookups_use_only_samples_of_the_nearest_size_or_rendition(found, stored, lookup):
    profile = profile_of_reference(reference_samples.database(*found), "Facebook", lookup=lookup)
    _, rule = rule_for(profile, FakeUpload(stored))
    _, resize, encode, _, _ = rule.steps
    same = [one for one in found if min(one.target_size) == resize.px]
    assert set(encode.rate.crf.samples) <= {one.crf for one in same}
    if lookup == "law":
        assert sorted(encode.rate.crf.samples) == sorted(one.crf for one in same)
    assert resize.upscale <= any(min(one.target_size) > min(one.original_size) for one in same)
