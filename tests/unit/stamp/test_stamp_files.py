"""One still picture: stamped, written in its own format, found again, with everything beside the pixels kept."""

import dataclasses
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from stamp_pictures import ICC, XMP, as_file, exif_of, photo

from repost.core.errors import AlreadyStamped, MediaError, NotMedia, TooManyPixels, UnreadableMedia, UnsupportedMedia
from repost.media.jpeg import parse_jpeg
from repost.media.metadata import insert_metadata, orientation_of
from repost.media.read import open_image, read_picture
from repost.stamp.layers import opaque_pixels
from repost.stamp.scan import scan
from repost.stamp.still import StampSettings, refuse_stamped, scan_still, stamp_still

DEFAULT = StampSettings(again=True)
"""What files are stamped with where it does not matter whether they are searched for another stamp first."""
FORMATS = {
    ("JPEG", "RGB"): "jpeg",
    ("JPEG", "L"): "jpeg",
    ("JPEG", "CMYK"): "jpeg",
    ("PNG", "RGB"): "png",
    ("PNG", "L"): "png",
    ("PNG", "LA"): "png",
    ("PNG", "RGBA"): "png",
    ("PNG", "P"): "png",
    ("PNG", "I;16"): "png",
    ("WEBP", "RGB"): "webp",
    ("WEBP", "RGBA"): "webp",
    ("HEIF", "RGB"): "heif",
    ("HEIF", "RGBA"): "heif",
    ("AVIF", "RGB"): "avif",
    ("BMP", "RGB"): "png",
    ("TIFF", "RGB"): "png",
    ("GIF", "P"): "png",
}


@pytest.mark.parametrize(("format_", "mode"), FORMATS)
def test_a_stamp_is_found_in_the_file_as_written_and_not_in_what_it_was_made_of(format_, mode):
    data = as_file(photo(mode=mode), format_)
    stamped = stamp_still(data, DEFAULT, name="a")
    assert stamped.format == FORMATS[format_, mode]
    assert open_image(stamped.data, name="a")[1].format == stamped.format
    assert scan_still(data, name="a").stamped is not True
    assert stamped.check.stamped is True
    found = scan_still(stamped.data, name="a")
    assert (found.stamped, found.p_value) == (True, stamped.check.p_value)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_a_lossless_file_keeps_its_mode_and_moves_no_value_by_more_than_a_few_levels(mode):
    data = as_file(photo(mode=mode), "PNG")
    before = read_picture(data).image
    after = read_picture(stamp_still(data, DEFAULT, name="a").data).image
    assert after.mode == before.mode == mode
    moved = np.abs(np.asarray(after).astype(int) - np.asarray(before))
    assert 0 < moved.max() <= 8


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_and_what_is_wholly_transparent_stay_to_the_bit(mode):
    data = as_file(photo(mode=mode), "PNG")
    before = read_picture(data).image
    after = read_picture(stamp_still(data, DEFAULT, name="a").data).image
    assert np.array_equal(before.getchannel("A"), after.getchannel("A"))
    clear = np.asarray(before.getchannel("A")) == 0
    assert clear.any()
    assert np.array_equal(np.asarray(before)[clear], np.asarray(after)[clear])


def test_sixteen_bits_and_the_like_are_told_of():
    notes = {mode: stamp_still(as_file(photo(mode=mode), "PNG"), DEFAULT, name="a").notes for mode in ("I;16", "P")}
    assert notes == {"I;16": ("16-bit samples became 8-bit",), "P": ("the palette became full colour",)}
    assert stamp_still(as_file(photo(mode="CMYK"), "JPEG"), DEFAULT, name="a").notes == ("CMYK became sRGB",)
    assert "PNG" in stamp_still(as_file(photo(), "BMP"), DEFAULT, name="a").notes[0]
    assert stamp_still(as_file(photo(), "PNG"), DEFAULT, name="a").notes == ()


def test_sixteen_bits_of_colour_are_told_of_too():
    pixels = np.asarray(photo()).astype(">u2") * 257
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 320, 240, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    assert stamp_still(data, DEFAULT, name="a").notes == ("16-bit samples became 8-bit",)


@pytest.mark.parametrize(
    ("format_", "orientation"),
    [*(("JPEG", orientation) for orientation in range(1, 9)), ("PNG", 6), ("WEBP", 7), ("AVIF", 8)],
)
def test_orientation_is_kept_and_the_stamp_is_found_whichever_way_the_picture_is_turned(format_, orientation):
    data = as_file(photo(), format_, exif=exif_of(orientation), icc_profile=ICC)
    stamped = stamp_still(data, DEFAULT, name="a")
    picture = read_picture(stamped.data)
    assert picture.orientation == orientation
    assert picture.size == (320, 240)
    as_seen = as_file(picture.upright().image, "PNG")
    assert scan_still(as_seen, name="as a viewer turns it").stamped is True


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_shows_the_same_picture_the_same_way(orientation):
    upright = np.asarray(read_picture(as_file(photo(), "HEIF", exif=exif_of(orientation))).upright().image).astype(int)
    stamped = stamp_still(as_file(photo(), "HEIF", exif=exif_of(orientation)), DEFAULT, name="a")
    after = np.asarray(read_picture(stamped.data).upright().image).astype(int)
    assert after.shape == upright.shape
    assert np.abs(after - upright).mean() < 5
    assert stamped.check.stamped is True


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_exif_and_colour_profile_are_kept(format_):
    stamped = stamp_still(as_file(photo(), format_, exif=exif_of(1), icc_profile=ICC), DEFAULT, name="a")
    picture = read_picture(stamped.data)
    assert picture.icc == ICC
    assert b"a camera" in picture.exif
    assert orientation_of(picture.exif) == 1


def test_a_jpeg_keeps_all_its_segments_but_those_that_would_be_wrong():
    data = insert_metadata(as_file(photo(), "JPEG", comment=b"a word", dpi=(300, 300)), xmp=XMP, icc=ICC)
    after = parse_jpeg(stamp_still(data, DEFAULT, name="a").data)
    assert after.metadata.comments == (b"a word",)
    assert (after.metadata.xmp, after.metadata.icc) == (XMP, ICC)
    assert Image.open(io.BytesIO(stamp_still(data, DEFAULT, name="a").data)).info["dpi"] == (300, 300)


@pytest.mark.parametrize(("quality", "subsampling"), [(98, "4:4:4"), (92, "4:2:2"), (75, "4:2:0")])
def test_a_fine_jpeg_keeps_its_own_tables_subsampling_and_scans(quality, subsampling):
    data = as_file(photo(), "JPEG", quality=quality, subsampling=subsampling, progressive=True)
    before, after = parse_jpeg(data), parse_jpeg(stamp_still(data, DEFAULT, name="a").data)
    assert (after.quant_tables, after.subsampling, after.process) == (before.quant_tables, subsampling, "progressive")


def test_what_the_stamp_leaves_alone_comes_out_of_a_jpeg_nearly_as_it_was():
    data = as_file(photo(), "JPEG", quality=75)
    written = stamp_still(data, DEFAULT, name="a").data
    before, after = (np.asarray(read_picture(one).image.convert("YCbCr")).astype(int) for one in (data, written))
    assert np.abs(after - before)[..., 1:].mean() < 0.5
    finest = as_file(read_picture(data).image, "JPEG", quality=95, subsampling="4:4:4")
    assert len(written) < len(finest)  # chroma by its own coarse table is what makes it smaller


@pytest.mark.parametrize("quality", [30, 50])
def test_a_coarse_jpeg_gets_finer_luma_so_that_the_stamp_is_not_rounded_away(quality):
    data = as_file(photo(), "JPEG", quality=quality)
    stamped = stamp_still(data, DEFAULT, name="a")
    assert stamped.check.stamped is True
    before, after = parse_jpeg(data), parse_jpeg(stamped.data)
    assert max(after.table_of(0)) < max(before.table_of(0))
    assert after.table_of(1) == before.table_of(1)


def test_a_webp_without_loss_stays_so():
    data = as_file(photo(), "WEBP", lossless=True)
    before = np.asarray(read_picture(data).image).astype(int)
    stamped = stamp_still(data, DEFAULT, name="a")
    assert b"VP8L" in stamped.data[:64]
    # Without loss the same amount was added to all three channels, but for where one of them is at its end.
    moved = np.asarray(read_picture(stamped.data).image).astype(int) - before
    inside = (before > 16).all(axis=2) & (before < 239).all(axis=2)
    assert (moved[inside] == moved[inside][:, :1]).all()


@pytest.mark.parametrize("value", [0, 255])
def test_a_stamp_that_is_rounded_to_nothing_is_not_said_to_be_there(value, monkeypatch):
    monkeypatch.setattr("repost.stamp.still.stamp", lambda pixels, *_, **__: pixels)
    flat = as_file(Image.new("RGB", (320, 240), (value,) * 3), "PNG")
    stamped = stamp_still(flat, StampSettings(), name="a")
    assert np.array_equal(read_picture(stamped.data).image, read_picture(flat).image)
    assert (stamped.check.stamped, stamped.check.p_value) == (False, 1.0)


SATURATED = {
    "black": np.zeros((240, 320, 3), np.uint8),
    "white": np.full((240, 320, 3), 255, np.uint8),
    "saturated": np.where(np.asarray(photo()) > 90, 255, 0).astype(np.uint8),
}


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
@pytest.mark.parametrize("name", SATURATED)
def test_what_has_little_room_for_a_stamp_is_judged_by_what_is_measured(name, format_):
    before = as_file(Image.fromarray(SATURATED[name]), format_)
    stamped = stamp_still(before, DEFAULT, name="a")
    found = scan_still(stamped.data, name="a")
    assert (stamped.check.stamped, stamped.check.p_value) == (found.stamped, found.p_value)
    assert scan_still(before, name="a").stamped is False


@pytest.mark.parametrize("size", [(160, 160), (160, 640), (1100, 170), (161, 333)])
def test_any_size_from_160_pixels_and_any_aspect(size):
    stamped = stamp_still(as_file(photo(size), "PNG"), DEFAULT, name="a")
    assert opaque_pixels(read_picture(stamped.data)).shape == (size[1], size[0], 3)
    assert stamped.check.stamped is True


def test_a_stamped_file_is_refused_unless_another_stamp_is_asked_for():
    once = stamp_still(as_file(photo(), "PNG"), DEFAULT, name="a").data
    with pytest.raises(AlreadyStamped, match="the default key") as refused:
        stamp_still(once, StampSettings(), name="b.png")
    assert refused.value.p_value < 1e-6
    assert str(refused.value).startswith("b.png")
    assert stamp_still(once, DEFAULT, name="a").check.stamped is True


@pytest.mark.parametrize(("score", "notes"), [(6.5, None), (5.9, 1), (3.1, 1), (2.5, 0)])
def test_what_may_be_stamped_is_told_of_and_what_is_beyond_doubt_is_refused(score, notes):
    found = dataclasses.replace(
        scan(np.asarray(photo())), score=score, p_value=10**-score, stamped=True if score >= 3 else None
    )
    if notes is None:
        with pytest.raises(AlreadyStamped):
            list(refuse_stamped(found, name="a", whose="this key"))
    else:
        assert len(list(refuse_stamped(found, name="a", whose="this key"))) == notes


def test_an_unstamped_file_is_let_through_where_stamped_ones_are_refused():
    assert stamp_still(as_file(photo(), "PNG"), StampSettings(), name="a").check.stamped is True


def test_a_stamp_of_the_default_key_is_noticed_by_those_with_a_key_of_their_own():
    once = stamp_still(as_file(photo(), "PNG"), DEFAULT, name="a").data
    with pytest.raises(AlreadyStamped, match="the default key"):
        stamp_still(once, StampSettings(key="mine"), name="a")
    with pytest.raises(AlreadyStamped, match="this key"):
        stamp_still(
            stamp_still(as_file(photo(), "PNG"), StampSettings(key="mine"), name="a").data,
            StampSettings(key="mine"),
            name="a",
        )


def test_one_keys_stamp_is_not_anothers():
    stamped = stamp_still(as_file(photo(), "PNG"), StampSettings(key="mine"), name="a").data
    assert scan_still(stamped, "mine", name="a").stamped is True
    assert scan_still(stamped, "yours", name="a").stamped is False
    assert scan_still(stamped, name="a").stamped is False


def test_the_same_file_is_written_to_the_same_bytes():
    data = as_file(photo(), "JPEG", quality=90)
    assert stamp_still(data, DEFAULT, name="a").data == stamp_still(data, DEFAULT, name="b").data


def frames(format_):
    """An animated picture."""
    more = [photo().rotate(90 * turn) for turn in (1, 2)]
    return as_file(photo(), format_, save_all=True, append_images=more, duration=100)


HOSTILE = {
    "empty": (b"", UnreadableMedia),
    "text": (b"hello, this is a letter", NotMedia),
    "truncated": (as_file(photo(), "JPEG")[:4000], UnreadableMedia),
    "truncated png": (as_file(photo(), "PNG")[:9000], UnreadableMedia),
    "header only": (as_file(photo(), "JPEG")[:100], UnreadableMedia),
    "one pixel": (as_file(photo((1, 1)), "PNG"), UnsupportedMedia),
    "animated gif": (frames("GIF"), UnsupportedMedia),
    "animated webp": (frames("WEBP"), UnsupportedMedia),
    "animated png": (frames("PNG"), UnsupportedMedia),
    "floating point": (as_file(Image.fromarray(np.full((240, 320), np.nan, np.float32)), "TIFF"), UnsupportedMedia),
    "bomb": (as_file(Image.new("1", (20_000, 20_000)), "PNG"), TooManyPixels),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_used_is_one_clear_error_that_names_it(name):
    data, error = HOSTILE[name]
    for attempt in (lambda: stamp_still(data, DEFAULT, name="that file"), lambda: scan_still(data, name="that file")):
        with pytest.raises(error, match="that file") as refused:
            attempt()
        assert isinstance(refused.value, MediaError)


def test_a_picture_that_is_too_small_to_be_stamped_is_refused_with_both_numbers():
    with pytest.raises(UnsupportedMedia, match=r"159x600 px.*160 px"):
        stamp_still(as_file(photo((159, 600)), "PNG"), DEFAULT, name="a")


def test_a_small_copy_of_a_stamped_picture_may_be_scanned():
    stamped = stamp_still(as_file(photo((600, 400)), "PNG"), DEFAULT, name="a").data
    small = as_file(read_picture(stamped).image.resize((180, 120), Image.Resampling.LANCZOS), "PNG")
    assert scan_still(small, name="a").p_value < 1


def test_the_key_is_in_no_representation():
    assert "secret" not in repr(StampSettings(key="secret"))
