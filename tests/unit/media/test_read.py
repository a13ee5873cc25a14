"""Reading whatever a person may hand over: the content decides, and every fault is one clear error."""

import io
import struct
import zlib

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms

from repost.core.errors import NotMedia, TooManyPixels, UnreadableMedia, UnsupportedMedia, UsageError
from repost.media.picture import busyness, from_rgb8
from repost.media.read import MAX_PIXELS_VARIABLE, open_image, read_picture
from repost.media.sniff import sniff


def encoded(image: Image.Image, format_: str, **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **settings)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(skimage.data.chelsea()).resize((120, 80))


def facts_of(data: bytes):
    return open_image(data, name="x")[1]


@pytest.mark.parametrize(
    ("pillow_format", "found"),
    [
        ("JPEG", "jpeg"),
        ("PNG", "png"),
        ("WEBP", "webp"),
        ("GIF", "gif"),
        ("AVIF", "avif"),
        ("TIFF", "tiff"),
        ("BMP", "bmp"),
        ("HEIF", "heif"),
    ],
)
def test_every_format_is_known_by_its_content(photo, pillow_format, found):
    if pillow_format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    data = encoded(photo, pillow_format)
    assert sniff(data[:64]) == found
    facts = facts_of(data)
    assert (facts.format, facts.width_px, facts.height_px, facts.size_bytes) == (found, 120, 80, len(data))
    assert read_picture(data).rgb8().shape == (80, 120, 3)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", UnreadableMedia, "empty"),
        (b"hello, this is text\n", NotMedia, "got text"),
        (b"<html><body>404</body></html>", NotMedia, "web page"),
        (b"%PDF-1.7 ...", NotMedia, "PDF"),
        (b"PK\x03\x04....", NotMedia, "ZIP"),
        (bytes(range(256)), NotMedia, "binary"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", UnsupportedMedia, "mp4 video"),
        (b"\xff\xd8\xff\xe0 not really", UnreadableMedia, "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, UnreadableMedia, "cannot be decoded"),
    ],
)
def test_what_is_no_image_is_named(data, error, says):
    with pytest.raises(error, match=says) as caught:
        read_picture(data, name="holiday.jpg")
    assert "holiday.jpg" in str(caught.value)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_truncated_files_are_unreadable_wherever_they_are_cut(photo, format_):
    data = encoded(photo, format_)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(UnreadableMedia):
            read_picture(data[: int(len(data) * share)], name="cut")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "YCbCr", "LAB"])
def test_every_mode_becomes_eight_bit_rgb(photo, mode):
    if mode == "I;16":
        image = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    else:
        image = photo.convert("RGB").convert(mode) if mode != "LAB" else _lab(photo)
    data = encoded(image, "TIFF")
    shown = read_picture(data).rgb8()
    assert shown.dtype == np.uint8
    assert shown.shape == (80, 120, 3)
    reference = np.asarray(image.convert("RGB")) if mode not in ("I;16", "LAB") else np.asarray(photo.convert("RGB"))
    if mode in ("L", "RGB", "P", "1", "CMYK", "YCbCr"):
        assert np.array_equal(shown, reference)


def _lab(photo: Image.Image) -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.applyTransform(photo, ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))


def test_convention_sixteen_bit_grey_is_scaled_and_rounded():
    wide = np.array([[0, 128, 129, 257, 32768, 65535]], dtype=np.uint16)
    shown = read_picture(encoded(Image.fromarray(wide), "PNG")).rgb8()[0, :, 0]
    assert shown.tolist() == [round(int(value) * 255 / 65535) for value in wide[0]]


def test_sixteen_bit_grey_with_a_transparent_level_keeps_its_levels():
    wide = np.array([[0, 8000, 16000, 65535]], dtype=np.uint16)
    data = encoded(Image.fromarray(wide), "PNG", transparency=8000)
    picture = read_picture(data)
    assert picture.image.mode == "LA"
    grey, alpha = (np.asarray(picture.image.getchannel(band))[0].tolist() for band in ("L", "A"))
    assert grey == [round(int(level) * 255 / 65535) for level in wide[0]]
    assert alpha == [255, 0, 255, 255]


def test_orientation_is_read_from_exif_and_not_from_xmp(photo):
    """Pillow falls back on XMP, viewers do not."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    assert facts_of(encoded(photo, "JPEG", xmp=xmp)).orientation == 1


def test_a_thousand_scans_are_refused_before_they_are_decoded(photo):
    data = encoded(photo, "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[scan:-2] * 200 + data[-2:]
    with pytest.raises(UnreadableMedia, match="scans"):
        read_picture(bomb)


@pytest.mark.parametrize("text", [b"BMW is a car maker, not a bitmap", b"BM"])
def test_text_that_begins_like_a_bitmap_is_none(text):
    assert sniff(text.ljust(64)) is None


def test_a_wrong_limit_in_the_environment_is_named(photo, monkeypatch):
    for wrong in ("abc", "-1", "0", "1e9"):
        monkeypatch.setenv(MAX_PIXELS_VARIABLE, wrong)
        with pytest.raises(UsageError, match=MAX_PIXELS_VARIABLE):
            read_picture(encoded(photo, "PNG"))


def test_a_colour_key_in_png_is_transparency(photo):
    data = encoded(photo.convert("RGB"), "PNG", transparency=(255, 0, 255))
    assert facts_of(data).has_alpha
    assert read_picture(data).image.mode == "RGBA"


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 3)])
def test_tiny_pictures_are_pictures(size):
    assert read_picture(encoded(Image.new("RGB", size, "red"), "JPEG")).rgb8().shape == (size[1], size[0], 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_convention_pictures_are_shown_upright(photo, orientation, format_):
    """Oracle: Pillow's exif_transpose."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo, format_, exif=exif, **({"quality": 95} if format_ != "PNG" else {}))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert np.array_equal(read_picture(data).rgb8(), expected)
    facts = facts_of(data)
    assert (facts.height_px, facts.width_px) == expected.shape[:2]


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_impossible_orientation_is_none(photo, value):
    exif = Image.Exif()
    exif[0x0112] = value
    assert facts_of(encoded(photo, "JPEG", exif=exif)).orientation == 1


def test_animations_are_told_from_multi_picture_jpeg(photo):
    frames = [photo, photo.rotate(90)]
    for format_ in ("GIF", "WEBP", "PNG"):
        assert facts_of(encoded(frames[0], format_, save_all=True, append_images=frames[1:])).animated
    assert not facts_of(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])).animated
    assert not facts_of(encoded(photo, "GIF")).animated


def test_metadata_is_seen(photo):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(photo, "JPEG", exif=exif, icc_profile=profile, xmp=b"<x:xmpmeta/>")
    assert facts_of(data).metadata == {"exif", "icc", "xmp"}
    picture = read_picture(data)
    assert picture.icc == profile
    assert picture.xmp == b"<x:xmpmeta/>"
    assert b"A camera" in picture.exif
    assert picture.exif[:2] in (b"II", b"MM")


def _png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_before_decoding():
    with pytest.raises(TooManyPixels, match="10,000,000,000 pixels") as caught:
        read_picture(_png_claiming(100_000, 100_000), name="bomb.png")
    assert "--max-pixels" in str(caught.value)


def test_the_limit_can_be_set_both_ways(photo, monkeypatch):
    data = encoded(photo, "PNG")
    with pytest.raises(TooManyPixels):
        read_picture(data, max_pixels=100)
    monkeypatch.setenv(MAX_PIXELS_VARIABLE, "100")
    with pytest.raises(TooManyPixels):
        read_picture(data)
    assert read_picture(data, max_pixels=120 * 80).rgb8().shape == (80, 120, 3)


def test_pillows_own_limit_is_left_as_it_was():
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(TooManyPixels):
        read_picture(_png_claiming(20_000, 20_000))
    assert before == Image.MAX_IMAGE_PIXELS


def test_floating_point_images_are_refused_with_a_remedy():
    with pytest.raises(UnsupportedMedia, match="8-bit PNG"):
        read_picture(encoded(Image.new("F", (4, 4)), "TIFF"))


def test_cmyk_with_a_profile_goes_through_it(photo):
    """A CMYK profile cannot be made here; a wrong one must fall back on the plain conversion, not fail."""
    data = encoded(photo.convert("CMYK"), "JPEG", icc_profile=b"not a profile")
    picture = read_picture(data)
    assert picture.icc is None
    assert picture.image.mode == "RGB"


class TestBusyness:
    def test_flat_is_zero(self):
        assert busyness(Image.new("RGB", (50, 50), "grey")) == 0
        assert busyness(Image.new("RGB", (1, 1))) == 0

    def test_a_ramp_has_its_slope(self):
        ramp = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (50, 1))
        assert busyness(Image.fromarray(ramp)) == pytest.approx(2.5)  # 5 across, 0 down

    def test_a_blurred_photograph_is_less_busy(self):
        photo = Image.fromarray(skimage.data.coffee())
        assert busyness(photo) > 2 * busyness(photo.resize((150, 100)).resize((600, 400)))


def test_arrays_that_are_no_pictures_are_refused():
    from repost.core.errors import InvalidPixels

    for wrong in (
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ):
        with pytest.raises(InvalidPixels, match="expected uint8"):
            from_rgb8(wrong)


def test_a_raw_stream_that_begins_with_x264s_message_is_one():
    """What `ffmpeg -i x264.mp4 -c copy raw.h264` writes: the message, then the parameter sets."""
    assert sniff(b"\0\0\0\x01\x06\x05\xff\xff\x9d\xdcE\xe9\xbd\xe6\xd9H".ljust(64)) == "h264"
    assert sniff(b"\0\0\x01\x06\x20".ljust(64)) is None  # a video object of MPEG-4
