"""Signatures against what Pillow was asked to write; populations and uploads against the laws of probability."""

import math
import random
from collections import Counter

import pytest
from PIL import Image

from jpeg_samples import ICC, after_soi, exif, picture, samples, save, segment
from repost.core.errors import MediaError
from repost.estimation.identify.population import (
    FORMATS,
    SERVED_FORMATS,
    UNKNOWN_NETWORK,
    UPLOADS,
    origins_of,
    shape_chance,
    sides,
)
from repost.estimation.identify.signature import JpegCoding, Signature, read_signature
from repost.estimation.identify.uploads import Hypothetical, Uploads, distribution
from repost.media.jpeg_tables import ijg_tables
from repost.platforms import find_profile, list_profiles
from repost.platforms.values import draw

PROFILES = [one.profile for one in list_profiles() if one.bundled and one.profile.rules_for("image")]


def jpeg(quality=85, *, size=(1600, 1200), subsampling="4:2:0", progressive=True, carries=("jfif",)) -> Signature:
    luma, chroma = ijg_tables(quality)
    coding = JpegCoding(luma, chroma, subsampling, "progressive" if progressive else "baseline", progressive)
    return Signature("jpeg", *size, size_bytes=size[0] * size[1] // 4, carries=frozenset(carries), coding=coding)


@pytest.mark.parametrize("quality", [10, 30, 75, 92, 100])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("progressive", [False, True])
def test_reads_what_pillow_was_asked_to_write(quality, subsampling, progressive):
    data = save(picture(), quality=quality, subsampling=subsampling, progressive=progressive)
    found = read_signature(data)
    assert found.size == (53, 37)
    assert found.size_bytes == len(data)
    assert (found.coding.quality, found.coding.subsampling) == (quality, subsampling)
    assert found.coding.progressive == progressive
    assert found.coding.optimized_huffman == progressive
    assert found.carries == {"jfif"}


def test_orientation_alone_is_told_from_other_exif():
    alone = Image.Exif()
    alone[0x0112] = 6
    found = read_signature(save(picture(), exif=alone.tobytes()))
    assert "orientation" in found.carries
    assert "exif" not in found.carries
    assert found.rotated
    assert found.size == (37, 53)
    assert "exif" in read_signature(save(picture(), exif=exif())).carries


def test_plain_profiles_are_told_from_others():
    assert "plain_icc" in read_signature(save(picture(), icc_profile=ICC)).carries
    assert "icc" in read_signature(save(picture(), icc_profile=ICC + bytes(2000))).carries


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_lossless_webp(lossless, mode):
    assert read_signature(save(picture().convert(mode), "WEBP", lossless=lossless)).lossless is lossless


def test_app13_and_its_mark():
    plain = save(picture())
    assert read_signature(plain).fbmd is False
    marked = read_signature(after_soi(plain, segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04FBMD0123")))
    assert marked.fbmd
    assert "iptc" in marked.carries
    other = read_signature(after_soi(plain, segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04other")))
    assert not other.fbmd
    assert "iptc" in other.carries


@pytest.mark.parametrize("kind", samples())
def test_every_kind_of_jpeg_has_a_signature(kind):
    found = read_signature(samples()[kind])
    expected = {"4:2:2": 60, "4:4:4": 92, "grey": 40, "restarts": 90, "16-bit tables": None, "three scans": None}
    if kind in expected:
        assert found.coding.quality == expected[kind]


@pytest.mark.parametrize("data", [b"", b"text", b"\xff\xd8\xff", save(picture())[:100]])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(MediaError):
        read_signature(data)


def test_shares_add_up_to_one():
    assert math.isclose(sum(FORMATS.values()), 1)
    assert math.isclose(sum(SERVED_FORMATS.values()), 1, abs_tol=0.03)
    assert math.isclose(sum(chance for _, chance in sides()), 1)
    for format_ in FORMATS:
        assert math.isclose(sum(origin.share for origin in origins_of(format_)), 1)


@pytest.mark.parametrize("origin", [*UPLOADS, UNKNOWN_NETWORK])
def test_qualities_of_an_origin_add_up(origin):
    total = sum(origin.quality_chance(quality) for quality in range(1, 101))
    assert math.isclose(total, origin.ijg, abs_tol=0.01)  # each has a little even outside its range
    assert math.isclose(sum(origin.subsampling.values()), 1)


def test_shapes_are_a_density():
    """Over every short side, standing or lying, of one long side."""
    total = sum(
        shape_chance(jpeg(size=size))
        for short in range(1, 1201)
        for size in {(1200, short), (short, 1200)}
    )  # fmt: skip
    assert math.isclose(total, 1, abs_tol=0.02)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_every_upload_follows_one_rule(profile):
    """The chances of all uploads of the file's shape, over all rules, add up to one."""
    for size in ((1600, 1200), (400, 400), (1080, 608), (777, 1234)):
        matching = Uploads(jpeg(size=size)).matching(profile)
        total = math.fsum(upload.chance for _, _, found in matching for upload in found if upload.own_shape)
        assert math.isclose(total, 1, abs_tol=1e-9)
        for _, rule, found in matching:
            assert all(rule.when.matches(upload, upload.feature) for upload in found)


def test_distributions_are_those_that_emulation_draws():
    """The oracle is the emulator's own `draw`."""
    profile = find_profile("facebook@2023")
    quality = profile.rules[1].steps[-1].quality
    rng = random.Random(3)
    for long_side_px, busyness in ((150, 3.0), (150, 9.0), (300, 3.0), (700, 9.0), (1500, 5.0)):
        upload = Hypothetical("jpeg", long_side_px, long_side_px // 2, 1.0, busyness=busyness)
        drawn = Counter(draw(quality, features=upload.feature, rng=rng) for _ in range(4000))
        stated = dict(distribution(quality, upload.feature))
        assert math.isclose(sum(stated.values()), 1)
        assert set(drawn) <= set(stated)
        for number, chance in stated.items():
            assert abs(drawn[number] / 4000 - chance) < 0.04
