"""Identification: emulated files as oracle, and the laws that its probabilities must keep."""

import math

import numpy as np
import pytest
from PIL import Image

from jpeg_samples import ICC, after_soi, exif, picture, samples, save, segment
from repost.channel import emulate
from repost.core.errors import InputNotFound, MediaError
from repost.estimation.identify.filenames import CONVENTION_ODDS, match_name
from repost.estimation.identify.rank import identify, with_profiles
from repost.estimation.identify.signature import JpegCoding, Signature
from repost.media.jpeg_tables import ijg_tables
from repost.platforms import list_profiles
from repost.platforms.catalog import parse_profile

PROFILES = [listed.profile for listed in list_profiles() if listed.bundled]


def jpeg(quality=85, *, size=(1600, 1200), subsampling="4:2:0", progressive=True, carries=("jfif",)) -> Signature:
    luma, chroma = ijg_tables(quality)
    coding = JpegCoding(luma, chroma, subsampling, "progressive" if progressive else "baseline", progressive)
    return Signature("jpeg", *size, size_bytes=size[0] * size[1] // 4, carries=frozenset(carries), coding=coding)


def look(source, **settings):
    return identify(source, profiles=PROFILES, **settings)


def of(found, platform):
    return next(one for one in found.candidates if one.platform == platform)


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A camera's file: EXIF, tables of its own."""
    rng = np.random.default_rng(2)
    small = Image.fromarray(rng.integers(0, 256, (24, 36, 3), dtype=np.uint8))
    tables = [[max(1, entry // 6 + index % 3) for index, entry in enumerate(table)] for table in ijg_tables(50)]
    return save(small.resize((3600, 2400), 3), qtables=tables, subsampling="4:2:2", exif=exif())


@pytest.mark.parametrize(
    "platform", ["facebook", "instagram", "linkedin", "telegram", "tumblr", "twitter", "wechat", "yelp", "discord"]
)
def test_an_emulated_upload_is_recognised(photo, platform):
    found = look(emulate(photo, platform).data)
    assert found.candidates[0].platform == platform


@pytest.mark.parametrize(
    ("name", "platform"), [("twitter/avatar", "twitter"), ("linkedin/article", "linkedin"), ("reddit/banner", "reddit")]
)
def test_routes_are_named(photo, name, platform):
    best = look(emulate(photo, name).data).candidates[0]
    assert (best.platform, best.route) == (platform, name.partition("/")[2])
    assert best.profile.startswith(f"{name}@")
    assert best.probability > 0.8


def test_an_untouched_camera_file_is_none_of_these(photo):
    found = look(photo)
    assert found.answer == ()
    assert found.none > 0.5
    assert "as cameras and editors write files" in found.none_reasons[0]


def test_networks_that_pass_files_on_name_each_other(photo):
    found = look(emulate(photo, "slack").data)
    slack, reddit = of(found, "slack"), of(found, "reddit")
    assert "reddit" in slack.also
    assert "slack" in reddit.also
    assert slack.as_unshared
    assert slack.probability < 0.2
    assert any("cannot be told apart from" in reason for reason in slack.reasons)


def test_to_be_alike_is_mutual():
    for signature in (jpeg(80, size=(800, 600)), jpeg(92, size=(2048, 1365)), jpeg(95, progressive=False)):
        found = look(signature)
        for one in found.candidates:
            assert all(one.platform in of(found, other).also for other in one.also)


def test_same_settings_below_a_limit_are_alike_and_above_are_not():
    """Yelp and LinkedIn differ in their limits alone, 1000 and 2048 px."""
    below, above = look(jpeg(80, size=(800, 600))), look(jpeg(80, size=(1333, 1000)))
    assert of(below, "linkedin").also == ("yelp",)
    assert set(below.answer) == {"linkedin", "yelp"}
    assert of(above, "linkedin").also == ()
    assert of(above, "linkedin").probability > 20 * of(above, "yelp").probability


def test_a_side_at_a_limit_is_strong_evidence_and_one_over_it_excludes():
    under, at, over = (of(look(jpeg(87, size=(side, 1919))), "telegram") for side in (2559, 2560, 2561))
    assert at.probability > 0.98
    assert under.probability < at.probability
    assert over.probability < 0.05
    assert "the long side is exactly 2560 px, Telegram's limit" in at.reasons
    assert "the long side is 2561 px, over Telegram's limit of 2560 px" in over.reasons


def test_quality_scans_and_subsampling_are_each_needed():
    stated = of(look(jpeg(92, subsampling="4:4:4")), "tumblr").probability
    assert stated > 0.7
    for other in (
        jpeg(91, subsampling="4:4:4"),
        jpeg(92, subsampling="4:2:0"),
        jpeg(92, subsampling="4:4:4", progressive=False),
    ):
        assert of(look(other), "tumblr").probability < stated / 3
    with_exif = jpeg(92, subsampling="4:4:4", carries=("jfif", "exif"))
    assert of(look(with_exif), "tumblr").probability < stated - 0.1


def test_metas_segment_speaks_for_meta():
    plain = save(picture(1080, 720), quality=90, progressive=True)
    marked = after_soi(plain, segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04FBMD0123"))
    assert of(look(marked), "instagram").probability > 0.99
    assert of(look(marked), "linkedin").probability < of(look(plain), "linkedin").probability
    assert any("FBMD" in reason for reason in of(look(marked), "instagram").reasons)


def test_orientation_alone_speaks_for_discord(photo):
    turned = Image.Exif()
    turned[0x0112] = 1
    tables = [list(table) for table in ijg_tables(97)]
    found = look(save(picture(900, 700), qtables=tables, exif=turned.tobytes()))
    assert found.candidates[0].platform == "discord"


FORMATS = ("PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")


@pytest.mark.parametrize("kind", [*samples(), *FORMATS, "16-bit PNG", "alpha", "1 px"])
def test_probabilities_add_up_whatever_the_file(kind):
    data = {
        "16-bit PNG": lambda: save(Image.fromarray(np.full((9, 9), 40000, np.uint16)), "PNG"),
        "alpha": lambda: save(picture().convert("RGBA"), "PNG"),
        "1 px": lambda: save(picture(1, 1)),
        **{name: (lambda name=name: save(picture(), name)) for name in FORMATS},
    }.get(kind, lambda: samples()[kind])()
    found = look(data)
    probabilities = [found.none, *(one.probability for one in found.candidates)]
    assert math.isclose(math.fsum(probabilities), 1)
    assert all(0 <= probability <= 1 for probability in probabilities)
    assert [one.probability for one in found.candidates] == sorted(probabilities[1:], reverse=True)
    assert all(one.reasons for one in found.candidates)
    assert found.none_reasons


def test_a_file_cut_in_its_pixels_is_judged_by_its_header(photo):
    served = emulate(photo, "telegram").data
    assert look(served[: len(served) // 2]).candidates[0].platform == "telegram"


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00"])
def test_what_is_no_image_is_an_error(data):
    with pytest.raises(MediaError):
        look(data)
    with pytest.raises(InputNotFound):
        look("nowhere.jpg")


def test_the_order_of_profiles_does_not_matter(photo):
    served = emulate(photo, "yelp").data
    one, other = look(served), identify(served, profiles=PROFILES[::-1])
    assert math.isclose(one.none, other.none)
    assert [c.platform for c in one.candidates] == [c.platform for c in other.candidates]


def test_without_profiles_it_is_none_of_these():
    found = identify(jpeg(), profiles=[])
    assert found.none == 1
    assert found.candidates == ()
    assert found.answer == ()


def own_profile(**more):
    steps = [
        {"op": "orient"},
        {"op": "resize", "fit": "long_side", "px": 1111},
        {"op": "encode", "codec": "jpeg", "quality": 37, "subsampling": "4:2:2"},
    ]
    return parse_profile(
        {
            "platform": "mine",
            "observed": "2026",
            "summary": "Mine.",
            "evidence": [{"kind": "inferred", "source": "made up"}],
            "rules": [{"media": "image", "name": "any", "steps": steps}],
            **more,
        },
        source="a test",
    )


def test_a_persons_own_profile_takes_part(photo):
    served = emulate(photo, own_profile()).data
    assert look(served).answer == ()
    best = identify(served, profiles=with_profiles([own_profile()])).candidates[0]
    assert best.platform == "mine"
    assert best.probability > 0.99


@pytest.mark.parametrize("path", ["quality", "subsampling"])
def test_what_is_assumed_counts_less(photo, path):
    served = emulate(photo, own_profile()).data
    sure = of(identify(served, profiles=[own_profile()]), "mine").probability
    assumed = own_profile(unknown=[f"rules.0.steps.2.{path}"])
    doubted = of(identify(served, profiles=[assumed]), "mine").probability
    assert doubted < sure
    other = jpeg(60 if path == "quality" else 37, size=(1111, 741), progressive=False)
    assert (
        of(identify(other, profiles=[assumed]), "mine").probability
        > of(identify(other, profiles=[own_profile()]), "mine").probability
    )


def test_a_limit_of_unknown_value_still_excludes_less():
    over = jpeg(37, size=(1500, 1000), subsampling="4:2:2", progressive=False)
    sure = of(identify(over, profiles=[own_profile()]), "mine").probability
    doubted = of(identify(over, profiles=[own_profile(unknown=["rules.0.steps.1.px"])]), "mine").probability
    assert doubted > 5 * sure


@pytest.mark.parametrize(
    ("name", "platforms"),
    [
        ("FB_IMG_1612345678901.jpg", {"facebook"}),
        ("/a/b/120345678_10158000000000000_1234567890123456789_n.jpg", {"facebook", "instagram"}),
        ("IMG-20240131-WA0007.jpg", {"whatsapp"}),
        ("WhatsApp Image 2024-01-31 at 10.00.00.jpeg", {"whatsapp"}),
        ("photo_2024-01-31_10-11-12.jpg", {"telegram"}),
        ("photo_2024-01-31_10-11-12 (2).jpg", {"telegram"}),
        ("mmexport1612345678901.jpg", {"wechat"}),
        ("FabCdEfGhIjK-_9.jpg", {"twitter"}),
        ("FabCdEfGhIjK-_9?format=jpg&name=large", {"twitter"}),
        ("tumblr_abc123def456_1280.jpg", {"tumblr"}),
        ("image.png", {"discord"}),
    ],
)
def test_names_of_networks(name, platforms):
    assert set(match_name(name).platforms) == platforms


@pytest.mark.parametrize(
    "name", ["", "IMG_1234.JPG", "DSC01234.jpg", "holiday.png", "photo.jpg", "a\nb.jpg", "x" * 999]
)
def test_names_of_nobody(name):
    assert match_name(name) is None


def test_a_name_changes_the_odds_by_its_factor_and_no_more():
    plain, named = look(jpeg(85)), look(jpeg(85), name="photo_2024-01-31_10-11-12.jpg")
    before = of(plain, "telegram").probability / of(plain, "twitter").probability
    after = of(named, "telegram").probability / of(named, "twitter").probability
    assert math.isclose(after / before, CONVENTION_ODDS)
    assert any("weak evidence" in reason for reason in of(named, "telegram").reasons)


def test_a_name_of_a_network_without_profile_speaks_for_none():
    plain, named = look(jpeg(85)), look(jpeg(85), name="IMG-20240131-WA0007.jpg")
    odds = [found.none / (1 - found.none) for found in (plain, named)]
    assert math.isclose(odds[1] / odds[0], CONVENTION_ODDS)
    assert any("no profile of WhatsApp" in reason for reason in named.none_reasons)


def test_plain_profile_and_size_speak_for_twitters_pictures():
    served = save(picture(400, 400), quality=85, progressive=True, icc_profile=ICC)
    best = look(served).candidates[0]
    assert (best.platform, best.route) == ("twitter", "avatar")
    assert "400x400 px is a size Twitter crops to" in best.reasons


@pytest.mark.shared
@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("instagram", "stego_grad_project/Instagram/Posts/InstagramHigh.jpg"),
        ("linkedin", "stego_grad_project/LinkedIn/Post/LinkedinHigh.jpg"),
        ("linkedin", "stego_grad_project/LinkedIn/Article/__Img_01_S2_q90_posted.jpg"),
        ("twitter", "stego_grad_project/Twitter/Avatar/TwitterHigh.jpg"),
        ("twitter", "stego_grad_project/Twitter/Post/TwitterHigh.jpg"),
        ("telegram", "socialmediachain/samples/D01_I_nat_0002.chain_1a75f9bb_1771477271.step1.telegram.jpg"),
        ("discord", "socialmediachain/samples/D05_I_nat_0002.chain_89dccff0_1771482982.step2.discord.jpg"),
        ("slack", "socialmediachain/samples/D02_I_nat_0002.chain_cafc29a9_1771469063.step1.slack.jpg"),
    ],
)
def test_real_files_have_their_network_in_the_first_two(shared_data, platform, name):
    found = look(shared_data / "platform_files" / name, name="")
    assert platform in [one.platform for one in found.candidates[:2]]
