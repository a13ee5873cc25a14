"""Learning: networks that are known give pairs, and the profile learned from the pairs must do the same again."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from jpeg_samples import exif, save
from pair_samples import (
    encoded,
    examined,
    finding,
    findings_of_any_kind,
    jpeg,
    network,
    photo,
    rule,
    served_by,
    uploads_of,
)
from repost.channel import emulate
from repost.channel.image import matching_rule
from repost.core.errors import UsageError
from repost.estimation.about import About
from repost.estimation.images.finding import Treatment
from repost.estimation.images.learn import learn
from repost.media.upload import Upload
from repost.platforms import list_profiles, load_profile
from repost.platforms.write import to_toml, write_profile

ABOUT = About("learned", "2026-05")
SIZES = [(400, 300), (300, 400), (320, 320), (210, 330), (200, 150), (150, 200), (180, 90), (90, 190)]
UNSEEN = [(390, 260), (250, 350), (199, 201), (160, 140), (120, 60)]


def same_again(true, learned, uploads):
    """Whether two networks serve the same pixels for every upload."""
    pairs = [(emulate(upload, true, seed=0), emulate(upload, learned, seed=0)) for upload in uploads]
    return all(np.array_equal(before.pixels, after.pixels) for before, after in pairs)


RESIZED = {"op": "resize", "fit": "long_side", "px": 200}
NETWORKS = {
    "plain": network(jpeg(77)),
    "sides": network({**RESIZED, "kernel": "area"}, jpeg(85, progressive=True)),
    "enlarging": network({**RESIZED, "fit": "width", "upscale": True, "kernel": "bicubic"}, jpeg(71)),
    "cover": network({"op": "resize", "fit": "cover", "width_px": 120, "height_px": 120, "upscale": True}, jpeg(88)),
    "own quantiser": network(jpeg(92, quantiser="half_even", subsampling="4:4:4")),
    "repeats chroma": network({"op": "decode", "upsampling": "replicate"}, jpeg(87, optimize_huffman=True)),
    "png": network({"op": "encode", "codec": "png"}),
    "hidden": network(jpeg(70), {"op": "client_save", "encode": jpeg(95, subsampling="4:4:4")}),
    "limit": network(
        rules=[rule(RESIZED, jpeg(70), long_side_px={"over": 200}), rule(jpeg(95, subsampling="4:4:4"))],
    ),
    "kept when small": network(rules=[rule({"op": "passthrough"}, long_side_px={"at_most": 200}), rule(jpeg(82))]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_unseen_uploads_come_out_pixel_for_pixel(name):
    true = NETWORKS[name]
    learned = learn(examined(true, uploads_of(SIZES)), ABOUT)
    assert same_again(true, learned, uploads_of(UNSEEN))


@pytest.mark.parametrize("name", ["yelp", "twitter", "wechat", "tumblr", "flickr", "pinterest", "discord", "telegram"])
def test_bundled_networks_are_learned_from_their_own_emulation(name):
    true = next(one.profile for one in list_profiles() if one.bundled and one.profile.short_name == name)
    learned = learn(examined(true, uploads_of([(400, 300), (240, 320)])), ABOUT)
    assert same_again(true, learned, uploads_of([(310, 230), (220, 380)]))


def test_formats_are_told_apart():
    true = network(rules=[rule(jpeg(60), format=["png"]), rule(jpeg(90, subsampling="4:4:4"))])
    pngs = [save(photo(200 + 9 * index, 160), "PNG") for index in range(4)]
    learned = learn(examined(true, [*uploads_of(SIZES[:4]), *pngs]), ABOUT)
    assert same_again(true, learned, [save(photo(180, 120, at=30), "PNG"), *uploads_of([(170, 130)])])
    assert [one.when.format for one in learned.rules].count(("png",)) == 1 or learned.rules[0].when.format == ("jpeg",)


def test_metadata_that_was_kept_is_kept():
    true = network({"op": "metadata", "exif": "orientation", "icc": "keep"}, jpeg(80))
    uploads = uploads_of(SIZES[:3], exif=exif())
    learned = learn(examined(true, uploads), ABOUT)
    step = next(one for one in learned.rules[0].steps if one.op == "metadata")
    assert (step.exif, step.xmp) == ("orientation", "strip")
    assert served_by(learned, uploads[0]) == served_by(true, uploads[0])


def test_an_upload_left_turned_is_left_turned():
    true = network({**RESIZED, "fit": "width"}, jpeg(80))
    uploads = uploads_of([(400, 300), (300, 360)], exif=exif())
    learned = learn(examined(true, uploads), ABOUT)
    assert "orient" not in [step.op for step in learned.rules[0].steps]
    assert same_again(true, learned, uploads_of([(333, 222)], exif=exif()))


def test_transcoding_is_learned_where_every_pair_shows_it():
    """A network that only rewrites JPEGs: nothing is known of other formats, and the profile says so."""
    true = network(rules=[rule({"op": "transcode"}, format=["jpeg"]), rule({"op": "passthrough"})])
    learned = learn(examined(true, uploads_of(SIZES[:3])), ABOUT)
    upload = uploads_of([(222, 111)])[0]
    assert served_by(learned, upload) == served_by(true, upload)
    png = emulate(save(photo(100, 80), "PNG"), learned)
    assert png.trace.steps[-1].assumed


def test_limits_lie_inside_their_interval():
    pairs = [
        finding(index, before=(side, side), treatment=encoded(70 if side > 1000 else 90).but(progressive=side > 1000))
        for index, side in enumerate(range(500, 1500, 45))
    ]
    learned = learn(pairs, ABOUT)
    (path, found), *_ = [(path, one) for path, one in learned.provenance.items() if one.interval]
    limits = learned.rules[0].when.long_side_px
    assert limits is not None
    number = limits.over if limits.over is not None else limits.at_most
    assert path == "rules.0.when.long_side_px"
    assert found.interval == (995, 1040)
    assert number is not None
    assert 995 <= number < 1040


def test_limits_of_the_quality_lie_inside_their_interval():
    pairs = [
        finding(index, before=(side, side), treatment=encoded(70 if side > 1000 else 90))
        for index, side in enumerate(range(500, 1500, 45))
    ]
    learned = learn(pairs, ABOUT)
    last = len(learned.rules[0].steps) - 1
    found = learned.provenance[f"rules.0.steps.{last}.quality.bands.0.under"]
    assert (found.interval, found.note) == ((995, 1040), "the quality changes between 995 and 1040 of long_side_px")


def test_a_limit_that_may_lie_anywhere_is_unknown():
    pairs = [
        finding(index, before=(side, side), treatment=encoded(80).but(progressive=side > 1000))
        for index, side in enumerate([300, 400, 3000, 4000])
    ]
    learned = learn(pairs, ABOUT)
    assert "rules.0.when.long_side_px" in learned.unknown


def test_what_no_pair_shows_is_unknown():
    grey = Treatment(kind="encode", codec="jpeg", quality=80, progressive=False)
    learned = learn([finding(treatment=grey)], ABOUT)
    last = len(learned.rules[0].steps) - 1
    unknown = set(learned.unknown)
    assert {f"rules.0.steps.{last}.{name}" for name in ("subsampling", "quantiser", "optimize_huffman")} <= unknown
    assert f"rules.0.steps.{last}.quality" not in unknown


def test_votes_count_the_pairs():
    pairs = [finding(index, treatment=encoded(quality)) for index, quality in enumerate([80] * 5 + [92] * 3)]
    learned = learn(pairs, ABOUT)
    votes = learned.provenance[f"rules.0.steps.{len(learned.rules[0].steps) - 1}.quality"]
    assert (votes.n, votes.votes) == (8, {"80": 5, "92": 3})
    assert learned.evidence[0].n == 8


def test_qualities_of_another_codec_do_not_count():
    webp = Treatment(kind="encode", codec="webp", quality=12, lossless=False)
    pairs = [finding(index, treatment=webp if index == 7 else encoded(80)) for index in range(40)]
    learned = learn(pairs, ABOUT)
    assert [step.quality for step in learned.rules[-1].steps if step.op == "encode"] == [80]


def test_one_odd_mark_is_no_watermark_of_the_network():
    pairs = [finding(index) for index in range(20)]
    pairs[3] = pairs[3].model_copy(update={"overlay": (10, 10, 60, 40)})
    assert "overlay" not in [step.op for one in learn(pairs, ABOUT).rules for step in one.steps]


def test_marks_on_most_pictures_are_the_network_s():
    pairs = [
        finding(index, before=(800, 600 + index)).model_copy(update={"overlay": (740, 560 + index, 780, 580 + index)})
        for index in range(6)
    ]
    (step,) = [step for step in learn(pairs, ABOUT).rules[0].steps if step.op == "overlay"]
    assert (step.corner, step.width_px, step.height_px, step.margin_px) == ("bottom_right", 40, 20, 20)


def test_no_pairs_and_odd_names_are_usage_errors():
    with pytest.raises(UsageError, match="no pairs"):
        learn([], ABOUT)


@pytest.mark.parametrize(
    "wrong",
    [{"platform": "My Net"}, {"platform": ""}, {"platform": "a/b"}, {"platform": "n\x1b"}, {"platform": "x\n"},
     {"observed": "May 2024"}, {"observed": ""}, {"route": "the post"}],
)  # fmt: skip
def test_a_name_that_profiles_cannot_have_is_refused_before_any_work(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        About(**{"platform": "mine", "observed": "2024", **wrong})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(findings_of_any_kind())
def test_any_findings_give_a_profile_that_can_be_written_and_read(tmp_path_factory, findings):
    learned = learn(findings, ABOUT)
    path = tmp_path_factory.getbasetemp() / "any.toml"
    write_profile(learned, path)
    assert load_profile(path) == learned
    assert to_toml(load_profile(path)) == path.read_text()


def test_a_learned_profile_says_which_rule_an_upload_meets():
    true = NETWORKS["limit"]
    learned = learn(examined(true, uploads_of(SIZES)), ABOUT)
    for upload in uploads_of(UNSEEN):
        resized = [
            any(step.op == "resize" for step in matching_rule(Upload(upload, name="unseen"), one)[1].steps)
            for one in (true, learned)
        ]
        assert resized[0] == resized[1]
