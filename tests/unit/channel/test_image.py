"""The interpreter: which rule, which steps, what is drawn, what is said about it."""

import io
import json
from typing import get_args

import numpy as np
import pytest
from PIL import Image, ImageCms
from profile_steps import jpeg

import repost
from repost.channel import image as channel_image
from repost.channel.compare import compare
from repost.core.errors import EncodeFailed, UnreadableMedia, UnsupportedMedia
from repost.media.colour import srgb_profile
from repost.media.jpeg import parse_jpeg
from repost.media.upload import Upload
from repost.platforms import steps

PNG = {"op": "encode", "codec": "png"}


def as_bytes(pixels, format_="JPEG", **settings) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format_, **settings)
    return buffer.getvalue()


def exif(orientation: int | None = None, maker: str = "A camera") -> Image.Exif:
    made = Image.Exif()
    made[0x010F] = maker
    if orientation:
        made[0x0112] = orientation
    return made


def test_every_image_step_has_its_function():
    """A step in the profile model without an interpreter, or the reverse, fails here."""
    ops = set()
    for member in get_args(get_args(steps.Step)[0]):
        inner = get_args(get_args(member)[0]) if get_args(member) else (member,)
        ops |= {get_args(model.model_fields["op"].annotation)[0] for model in inner if model not in steps.VIDEO_ONLY}
    assert set(channel_image._STEPS) == ops


def test_the_first_matching_rule_is_followed(coffee, make_profile):
    profile = make_profile(
        rules=[
            {"media": "image", "name": "jpeg", "when": {"format": ["jpeg"]}, "steps": [{"op": "passthrough"}]},
            {"media": "image", "name": "small", "when": {"long_side_px": {"at_most": 300}}, "steps": [jpeg(50)]},
            {"media": "image", "name": "rest", "steps": [jpeg(90)]},
        ]
    )
    uploaded = as_bytes(coffee, quality=77)
    assert repost.emulate(uploaded, profile).data == uploaded
    assert repost.emulate(coffee[:200, :300], profile).trace.rule == "small"
    assert repost.emulate(coffee[:200, :301], profile).trace.rule == "rest"


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({"width_px": {"over": 599}}, True),
        ({"width_px": {"over": 600}}, False),
        ({"height_px": {"at_least": 400}}, True),
        ({"short_side_px": {"under": 400}}, False),
        ({"pixel_count": {"at_most": 240_000}}, True),
        ({"aspect_ratio": {"over": 1.4, "under": 1.6}}, True),
        ({"orientation": "landscape"}, True),
        ({"orientation": "portrait"}, False),
        ({"has_alpha": False}, True),
        ({"animated": True}, False),
        ({"rotated": False}, True),
        ({"rotated": True}, False),
        ({"size_bytes": {"under": 10}}, False),
        ({"bits_per_pixel": {"over": 2}}, True),
        ({"busyness": {"over": 0.5}}, True),
        ({"format": ["png", "webp"]}, True),
        ({"format": ["jpeg"]}, False),
        ({"format": ["png"], "width_px": {"over": 600}}, False),
    ],
)
def test_conditions(coffee, make_profile, when, matches):
    profile = make_profile(
        rules=[
            {"media": "image", "name": "wanted", "when": when, "steps": [jpeg(50)]},
            {"media": "image", "name": "other", "steps": [jpeg(90)]},
        ]
    )
    assert (repost.emulate(coffee, profile).trace.rule == "wanted") is matches


class TestDraws:
    spread = {"choice": list(range(50, 100))}  # noqa: RUF012

    def test_same_seed_same_bytes_and_another_seed_another_quality(self, coffee, make_profile):
        profile = make_profile(jpeg(self.spread))
        assert repost.emulate(coffee, profile, seed=3).data == repost.emulate(coffee, profile, seed=3).data
        drawn = {repost.emulate(coffee[:64, :64], profile, seed=seed).trace.served.jpeg_quality for seed in range(40)}
        assert len(drawn) > 10

    def test_other_content_draws_otherwise_whatever_came_before(self, coffee, make_profile):
        profile = make_profile(jpeg(self.spread))
        crops = [coffee[at : at + 32, at : at + 32] for at in range(0, 200, 10)]
        forwards = [repost.emulate(crop, profile).trace.served.jpeg_quality for crop in crops]
        backwards = [repost.emulate(crop, profile).trace.served.jpeg_quality for crop in reversed(crops)]
        assert forwards == backwards[::-1]
        assert len(set(forwards)) > 3

    def test_weights_are_followed(self, coffee, make_profile):
        profile = make_profile(jpeg({"choice": [60, 90], "weights": [1, 3]}))
        qualities = [
            repost.emulate(coffee[:16, :16], profile, seed=seed).trace.served.jpeg_quality for seed in range(400)
        ]
        assert 0.68 < qualities.count(90) / 400 < 0.82  # 3 standard deviations

    def test_samples_and_features(self, coffee, make_profile):
        by_size = {"by": "long_side_px", "bands": [{"under": 300, "value": {"samples": [60, 61]}}], "otherwise": 90}
        profile = make_profile(jpeg(by_size))
        assert repost.emulate(coffee, profile).trace.served.jpeg_quality == 90
        assert repost.emulate(coffee[:299, :299], profile).trace.served.jpeg_quality in (60, 61)

    def test_none_draws_afresh_and_records_the_seed(self, coffee, make_profile):
        profile = make_profile(jpeg(self.spread))
        first = repost.emulate(coffee, profile, seed=None)
        assert repost.emulate(coffee, profile, seed=first.trace.seed).data == first.data
        assert repost.emulate(coffee, profile, seed=None).trace.seed != first.trace.seed


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orient_turns_the_pixels(self, cat, make_profile, orientation):
        uploaded = as_bytes(cat, "PNG", exif=exif(orientation))
        served = repost.emulate(uploaded, make_profile({"op": "orient"}, {"op": "metadata", "exif": "keep"}, PNG))
        assert np.array_equal(served.pixels, Upload.of(uploaded).picture.rgb8())
        assert served.picture.orientation == 1
        assert Image.open(io.BytesIO(served.data)).getexif().get(0x0112, 1) == 1

    def test_without_orient_a_kept_tag_still_turns_and_a_stripped_one_does_not(self, cat, make_profile):
        uploaded = as_bytes(cat, quality=95, exif=exif(6))
        kept = repost.emulate(uploaded, make_profile({"op": "metadata", "exif": "keep"}, jpeg(95)))
        stripped = repost.emulate(uploaded, make_profile(jpeg(95)))
        assert kept.pixels.shape == (451, 300, 3)
        assert stripped.pixels.shape == (300, 451, 3)


class TestColour:
    def test_srgb_conversion_equals_little_cms_and_drops_the_profile(self, cat, make_profile):
        """Oracle: Little CMS by hand, from a profile with another gamma."""
        wide = _wide_profile()
        uploaded = as_bytes(cat, "PNG", icc_profile=wide)
        served = repost.emulate(uploaded, make_profile({"op": "colour", "to": "srgb"}, PNG))
        expected = ImageCms.profileToProfile(
            Image.fromarray(cat),
            ImageCms.ImageCmsProfile(io.BytesIO(wide)),
            ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        assert np.array_equal(served.pixels, np.asarray(expected))
        assert not np.array_equal(served.pixels, cat)
        assert served.trace.metadata_lost == ("icc",)
        assert "converted to sRGB" in served.trace.summary()

    def test_without_the_step_numbers_stay(self, cat, make_profile):
        uploaded = as_bytes(cat, "PNG", icc_profile=_wide_profile())
        assert np.array_equal(repost.emulate(uploaded, make_profile(PNG)).pixels, cat)

    def test_a_damaged_profile_is_ignored(self, cat, make_profile):
        uploaded = as_bytes(cat, "PNG", icc_profile=b"garbage")
        assert np.array_equal(repost.emulate(uploaded, make_profile({"op": "colour"}, PNG)).pixels, cat)


def _wide_profile() -> bytes:
    """sRGB with its red primary and gamma changed: a valid matrix profile that is not sRGB."""
    made = bytearray(srgb_profile())
    count = int.from_bytes(made[128:132], "big")
    for index in range(count):
        entry = 132 + 12 * index
        offset = int.from_bytes(made[entry + 4 : entry + 8], "big")
        if made[entry : entry + 4] == b"rTRC":
            made[offset + 12 : offset + 16] = (int(1.6 * 65536)).to_bytes(4, "big")
    return bytes(made)


class TestMetadata:
    everything = {"icc_profile": srgb_profile(), "xmp": b"<x:xmpmeta/>"}  # noqa: RUF012

    def upload(self, cat) -> bytes:
        return as_bytes(cat, quality=90, exif=exif(), comment=b"a comment", **self.everything)

    def test_everything_is_stripped_unless_said(self, cat, make_profile):
        served = repost.emulate(self.upload(cat), make_profile(jpeg(90)))
        assert served.trace.served.metadata == ()
        assert served.trace.metadata_lost == ("exif", "icc", "xmp")
        assert served.data == as_bytes(Upload.of(self.upload(cat)).picture.rgb8(), quality=90, subsampling="4:2:0")

    @pytest.mark.parametrize("writer", [jpeg(90), {"op": "transcode"}])
    def test_each_kind_is_kept_when_said(self, cat, make_profile, writer):
        for kind in ("exif", "icc", "xmp"):
            rules = [
                {
                    "media": "image",
                    "name": "a",
                    "when": {"format": ["jpeg"]},
                    "steps": [{"op": "metadata", kind: "keep"}, writer],
                },
                {"media": "image", "name": "b", "steps": [jpeg(90)]},
            ]
            served = repost.emulate(self.upload(cat), make_profile(rules=rules))
            assert served.trace.served.metadata == (kind,)

    def test_damaged_exif_is_dropped_and_the_picture_served(self, cat, make_profile):
        data = as_bytes(cat, quality=90, exif=exif(1))
        at = data.index(b"Exif\0\0") + 6
        damaged = data[:at] + data[at : at + 4] + b"\xff\xff\xff\xff" + data[at + 8 :]
        served = repost.emulate(damaged, make_profile({"op": "metadata", "exif": "keep"}, jpeg(90)))
        assert "exif" not in served.trace.served.metadata
        assert served.pixels.shape == cat.shape

    def test_a_plain_srgb_profile_can_be_put_in(self, cat, make_profile):
        served = repost.emulate(cat, make_profile({"op": "metadata", "icc": "srgb"}, jpeg(90)))
        assert served.picture.icc == srgb_profile()
        assert served.trace.metadata_lost == ()


class TestSteps:
    def test_passthrough_keeps_every_byte(self, cat, make_profile):
        uploaded = as_bytes(cat, quality=71, exif=exif(6))
        served = repost.emulate(uploaded, make_profile({"op": "passthrough"}))
        assert served.data == uploaded
        assert served.trace.summary() == "kept byte for byte"

    def test_passthrough_takes_animations_and_other_rules_do_not(self, cat, make_profile):
        frames = [Image.fromarray(cat), Image.fromarray(cat[::-1])]
        buffer = io.BytesIO()
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
        assert repost.emulate(buffer.getvalue(), make_profile({"op": "passthrough"})).data == buffer.getvalue()
        with pytest.raises(UnsupportedMedia, match="extract one frame"):
            repost.emulate(buffer.getvalue(), make_profile(jpeg(90)))

    def test_transcode_keeps_the_pixels(self, cat, make_profile):
        rules = [
            {"media": "image", "name": "a", "when": {"format": ["jpeg"]}, "steps": [{"op": "transcode"}]},
            {"media": "image", "name": "b", "steps": [jpeg(90)]},
        ]
        uploaded = as_bytes(cat, quality=71)
        served = repost.emulate(uploaded, make_profile(rules=rules))
        assert np.array_equal(served.pixels, Upload.of(uploaded).picture.rgb8())
        assert parse_jpeg(served.data).process == "progressive"

    def test_transcode_can_keep_the_scans_and_strip_the_segments(self, cat, make_profile):
        rules = [
            {
                "media": "image",
                "name": "a",
                "when": {"format": ["jpeg"]},
                "steps": [{"op": "metadata", "exif": "orientation"}, {"op": "transcode", "scans": "keep"}],
            },
            {"media": "image", "name": "b", "steps": [jpeg(90)]},
        ]
        plain = as_bytes(cat, quality=71)
        uploaded = as_bytes(cat, quality=71, exif=exif(6), xmp=b"<x/>", comment=b"a comment")
        served = repost.emulate(uploaded, make_profile(rules=rules))
        assert served.data.endswith(plain[plain.index(b"\xff\xdb") :])
        assert served.trace.served.metadata == ("exif",)
        assert dict(Image.open(io.BytesIO(served.data)).getexif()) == {0x0112: 6}
        assert np.array_equal(served.pixels, Upload.of(uploaded).picture.rgb8())
        assert repost.emulate(plain, make_profile(rules=rules)).data == plain

    def test_exif_down_to_the_orientation_when_encoding(self, cat, make_profile):
        steps_ = ({"op": "metadata", "exif": "orientation"}, jpeg(90))
        served = repost.emulate(as_bytes(cat, exif=exif(6)), make_profile(*steps_))
        assert dict(Image.open(io.BytesIO(served.data)).getexif()) == {0x0112: 6}
        turned = repost.emulate(as_bytes(cat, exif=exif(6)), make_profile({"op": "orient"}, *steps_))
        assert dict(Image.open(io.BytesIO(turned.data)).getexif()) == {0x0112: 1}

    @pytest.mark.parametrize("writer", [{"op": "transcode"}, {"op": "passthrough"}])
    def test_damage_is_found_even_where_nothing_is_decoded(self, cat, make_profile, writer):
        rules = [
            {"media": "image", "name": "a", "when": {"format": ["jpeg"]}, "steps": [writer]},
            {"media": "image", "name": "b", "steps": [jpeg(90)]},
        ]
        with pytest.raises(UnreadableMedia, match="truncated"):
            repost.emulate(as_bytes(cat, quality=95)[:9000], make_profile(rules=rules))

    def test_decode_replicates_chroma(self, cat, make_profile):
        uploaded = as_bytes(cat, quality=90, subsampling="4:2:0")
        served = repost.emulate(uploaded, make_profile({"op": "decode", "upsampling": "replicate"}, PNG))
        assert np.array_equal(served.pixels, Upload.of(uploaded).replicated_picture.rgb8())

    def test_resize_draws_its_size(self, coffee, make_profile):
        step = {"op": "resize", "fit": "long_side", "px": {"choice": [300, 150]}}
        served = repost.emulate(coffee, make_profile(step, PNG))
        assert served.pixels.shape[1] in (300, 150)

    def test_client_save_writes_the_served_picture_again(self, cat, make_profile):
        save = {"op": "client_save", "encode": jpeg(100, subsampling="4:4:4")}
        served = repost.emulate(cat, make_profile(jpeg(60), save))
        inner = Upload.of(as_bytes(cat, quality=60, subsampling="4:2:0")).picture.rgb8()
        assert served.data == as_bytes(inner, quality=100, subsampling="4:4:4")
        assert "saved again by the app" in served.trace.summary()

    @pytest.mark.parametrize(
        ("corner", "region"),
        [
            ("top_left", (8, 8, 40, 24)),
            ("top_right", (411, 8, 443, 24)),
            ("bottom_left", (8, 276, 40, 292)),
            ("bottom_right", (411, 276, 443, 292)),
            ("centre", (209, 142, 241, 158)),
        ],
    )
    def test_an_overlay_is_a_mask_and_draws_nothing(self, cat, make_profile, corner, region):
        step = {"op": "overlay", "corner": corner, "width_px": 32, "height_px": 16, "margin_px": 8}
        served = repost.emulate(cat, make_profile(step, PNG))
        left, top, right, bottom = region
        assert served.trace.left_out == (region,)
        assert served.mask.sum() == 32 * 16
        assert served.mask[top:bottom, left:right].all()
        assert np.array_equal(served.pixels, cat)

    def test_an_overlay_larger_than_the_picture_covers_it(self, cat, make_profile):
        step = {"op": "overlay", "corner": "bottom_right", "width_px": 9999, "height_px": 9999, "margin_px": 5}
        assert repost.emulate(cat, make_profile(step, PNG)).mask.all()


def test_a_raised_limit_holds_for_the_served_file_too(cat, make_profile, monkeypatch):
    monkeypatch.setenv("REPOST_MAX_PIXELS", "1000")
    served = repost.emulate(
        as_bytes(cat), make_profile(jpeg(80), {"op": "client_save", "encode": jpeg(90)}), max_pixels=10**6
    )
    assert served.pixels.shape == cat.shape


def test_what_comes_back_can_be_printed(cat, make_profile):
    assert len(repr(repost.emulate(cat, make_profile(jpeg(80))))) < 2000


def test_xmp_is_kept_in_png_too(cat, make_profile):
    served = repost.emulate(as_bytes(cat, xmp=b"<x>\xc3\xa9</x>"), make_profile({"op": "metadata", "xmp": "keep"}, PNG))
    assert served.picture.xmp == b"<x>\xc3\xa9</x>"


def test_assumed_conditions_and_idle_decoders_are_told_truly(cat, make_profile):
    rules = [
        {"media": "image", "name": "a", "when": {"long_side_px": {"over": 100}}, "steps": [
            {"op": "decode", "upsampling": "replicate"}, jpeg(80)]},
        {"media": "image", "name": "b", "steps": [jpeg(80)]},
    ]  # fmt: skip
    unknown = ["rules.0.when.long_side_px", "rules.0.steps.0.upsampling"]
    profile = make_profile(rules=rules, unknown=unknown)
    assert repost.emulate(cat, profile).trace.assumed == ("when.long_side_px",)
    subsampled = as_bytes(cat, quality=90, subsampling="4:2:0")
    assert repost.emulate(subsampled, profile).trace.assumed == ("when.long_side_px", "decode.upsampling")


def test_an_encoder_that_refuses_is_named(make_profile):
    with pytest.raises(EncodeFailed, match="webp"):
        repost.emulate(np.zeros((1, 17000, 3), np.uint8), make_profile({"op": "encode", "codec": "webp"}))


def test_video_profiles_refuse_images(coffee, make_profile):
    rule = {
        "media": "video", "name": "v",
        "steps": [{"op": "encode", "codec": "h264", "rate": {"mode": "crf", "crf": 23}}],
    }  # fmt: skip
    with pytest.raises(UnsupportedMedia, match="rules for video only"):
        repost.emulate(coffee, make_profile(rules=[rule]))


class TestTrace:
    def test_it_is_json_and_complete(self, cat, make_profile):
        uploaded = as_bytes(cat, quality=90, exif=exif(3))
        profile = make_profile(
            {"op": "orient"}, {"op": "resize", "fit": "width", "px": 200, "kernel": "area"}, jpeg(80, progressive=True),
            unknown=["rules.0.steps.1.kernel"],
        )  # fmt: skip
        served = repost.emulate(uploaded, profile, seed=7)
        trace = json.loads(json.dumps(served.trace.to_dict()))
        assert trace["profile"] == "test/post@2024"
        assert trace["seed"] == 7
        assert trace["upload"]["size_bytes"] == len(uploaded)
        assert trace["served"]["size_bytes"] == len(served.data)
        assert [step["op"] for step in trace["steps"]] == ["orient", "resize", "encode"]
        assert trace["steps"][1]["assumed"] == ["kernel"]
        assert trace["steps"][2]["parameters"]["quality"] == 80
        assert trace["metadata_lost"] == ["exif"]
        assert served.trace.assumed == ("resize.kernel",)

    def test_in_words(self, cat, make_profile):
        profile = make_profile(
            {"op": "resize", "fit": "width", "px": 200}, jpeg(80), unknown=["rules.0.steps.0.kernel"]
        )
        said = repost.emulate(as_bytes(cat, exif=exif()), profile).trace.summary()
        assert said == "resized 451x300 to 200x133 (lanczos?); saved as JPEG, quality 80, 4:2:0; dropped EXIF"

    @pytest.mark.parametrize(
        ("unknown", "words"),
        [
            ("steps.0.kernel", "resized 451x300 to 200x133 (lanczos?); saved as JPEG, quality 80, 4:2:0"),
            ("steps.0.px", "resized 451x300 to 200x133? (lanczos); saved as JPEG, quality 80, 4:2:0"),
            ("steps.0", "resized 451x300 to 200x133 (lanczos)?; saved as JPEG, quality 80, 4:2:0"),
            ("steps.1.subsampling", "resized 451x300 to 200x133 (lanczos); saved as JPEG, quality 80, 4:2:0?"),
            ("steps.1.optimize_huffman", "resized 451x300 to 200x133 (lanczos); saved as JPEG, quality 80, 4:2:0"),
        ],
    )
    def test_what_is_assumed_is_marked_and_nothing_else(self, cat, make_profile, unknown, words):
        profile = make_profile({"op": "resize", "fit": "width", "px": 200}, jpeg(80), unknown=[f"rules.0.{unknown}"])
        assert repost.emulate(cat, profile).trace.summary() == words

    @pytest.mark.parametrize(
        ("unknown", "words"),
        [("encode.quality", "JPEG, quality 90?, 4:2:0"), ("encode", "JPEG, quality 90, 4:2:0?")],
    )
    def test_what_is_assumed_of_the_app_is_marked_too(self, cat, make_profile, unknown, words):
        save = {"op": "client_save", "encode": jpeg(90)}
        profile = make_profile(jpeg(80), save, unknown=[f"rules.0.steps.1.{unknown}"])
        assert repost.emulate(cat, profile).trace.summary().endswith(f"saved again by the app: saved as {words}")

    def test_two_profiles_with_the_same_rules_have_one_digest(self, make_profile):
        first = make_profile(jpeg(80))
        assert first.digest == make_profile(jpeg(80), summary="other words").digest
        assert first.digest != make_profile(jpeg(81)).digest


class TestCompare:
    def test_at_equal_size_it_is_the_plain_metric(self, cat, make_profile):
        served = repost.emulate(cat, make_profile(jpeg(60)))
        found = compare(cat, served.pixels, metrics=("psnr",))
        error = ((cat.astype(float) - served.pixels) ** 2).mean()
        assert found["psnr_db"] == pytest.approx(10 * np.log10(255**2 / error))
