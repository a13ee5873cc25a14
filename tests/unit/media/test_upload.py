import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

from repost.core.errors import InputNotFound, InvalidPixels, UnreadableMedia, UnsupportedMedia, UsageError
from repost.media.upload import Upload


@pytest.fixture(scope="module")
def pixels():
    return skimage.data.chelsea()


def as_bytes(pixels, format_, **settings) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format_, **settings)
    return buffer.getvalue()


def test_path_bytes_and_name(tmp_path, pixels):
    data = as_bytes(pixels, "JPEG", quality=90)
    path = tmp_path / "cat.png"  # the name lies; the content decides
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data)):
        upload = Upload.of(source)
        assert upload.facts.format == "jpeg"
        assert upload.data == data
        assert upload.size_bytes == len(data)
        assert upload.picture.rgb8().shape == pixels.shape


def test_pixels_are_a_lossless_png_upload(pixels):
    upload = Upload.of(pixels)
    assert upload.facts.format == "png"
    assert np.array_equal(upload.picture.rgb8(), pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(upload.data))), pixels)
    assert upload.feature("size_bytes") == len(upload.data)


def test_pixels_can_stand_for_a_jpeg(pixels):
    upload = Upload.of(pixels, upload_as="jpeg:60")
    assert upload.facts.format == "jpeg"
    assert upload.data == as_bytes(pixels, "JPEG", quality=60, subsampling="4:4:4")


def test_a_pil_image_keeps_its_orientation_and_profile(pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = Image.open(io.BytesIO(as_bytes(pixels, "JPEG", exif=exif, icc_profile=b"a profile")))
    upload = Upload.of(opened)
    assert upload.facts.format == "png"
    assert (upload.facts.width_px, upload.facts.height_px) == pixels.shape[:2]
    assert upload.picture.icc == b"a profile"


@pytest.mark.parametrize("wrong", ["jpg", "jpeg:0", "jpeg:101", "jpeg", "webp:80", ""])
def test_a_wrong_stand_in_is_a_usage_error(pixels, wrong):
    with pytest.raises(UsageError, match="upload_as"):
        Upload.of(pixels, upload_as=wrong)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(InputNotFound, match="nowhere"):
        Upload.of(tmp_path / "nowhere.jpg")
    with pytest.raises(InputNotFound):
        Upload.of(tmp_path)


def test_a_pil_image_standing_for_a_jpeg_keeps_what_it_carries(pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = Image.open(io.BytesIO(as_bytes(pixels, "JPEG", exif=exif, icc_profile=b"a profile")))
    upload = Upload.of(opened, upload_as="jpeg:95")
    assert upload.facts.orientation == 6
    assert upload.picture.icc == b"a profile"
    assert upload.picture.rgb8().shape == (pixels.shape[1], pixels.shape[0], 3)


def test_pil_images_are_read_as_files_are(pixels):
    cmyk = Image.fromarray(pixels).convert("CMYK")
    cmyk.info["icc_profile"] = b"a CMYK profile"
    assert Upload.of(cmyk).picture.icc is None
    truncated = Image.open(io.BytesIO(as_bytes(pixels, "JPEG", quality=95)[:9000]))
    with pytest.raises(UnreadableMedia, match="truncated"):
        Upload.of(truncated)
    with pytest.raises(UnsupportedMedia, match="floating"):
        Upload.of(Image.new("F", (4, 4)))
    with pytest.raises(InvalidPixels):
        Upload.of(Image.new("RGB", (0, 0)))


def test_a_pil_image_is_not_changed(pixels):
    image = Image.fromarray(pixels)
    image.info["comment"] = "mine"
    Upload.of(image)
    assert image.info == {"comment": "mine"}
    assert Upload.of(image).picture.image is not image


@pytest.mark.parametrize("wrong", [None, 5, io.BytesIO(b"x"), ["a.jpg"]])
def test_what_is_no_source_is_named(wrong):
    with pytest.raises(UsageError, match="expected a path, bytes, a PIL image"):
        Upload.of(wrong)


def test_a_pipe_is_refused_at_once(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(InputNotFound, match="a folder or device"):
        Upload.of(tmp_path / "pipe.jpg")


def test_wrong_arrays_are_refused():
    with pytest.raises(InvalidPixels):
        Upload.of(np.zeros((4, 4, 3), np.float32))


def test_features_are_of_the_upright_picture(pixels):
    exif = Image.Exif()
    exif[0x0112] = 8
    upload = Upload.of(as_bytes(pixels, "JPEG", exif=exif))
    height, width = pixels.shape[:2]
    assert upload.feature("width_px") == height
    assert upload.feature("height_px") == width
    assert upload.feature("long_side_px") == width
    assert upload.feature("short_side_px") == height
    assert upload.feature("pixel_count") == width * height
    assert upload.feature("aspect_ratio") == pytest.approx(height / width)
    assert upload.feature("bits_per_pixel") == pytest.approx(8 * upload.size_bytes / (width * height))
    assert upload.feature("busyness") > 0


def test_replicated_chroma_differs_only_where_there_is_chroma_to_replicate(pixels):
    subsampled = Upload.of(as_bytes(pixels, "JPEG", quality=90, subsampling="4:2:0"))
    assert not np.array_equal(subsampled.replicated_picture.rgb8(), subsampled.picture.rgb8())
    full = Upload.of(as_bytes(pixels, "JPEG", quality=90, subsampling="4:4:4"))
    assert np.array_equal(full.replicated_picture.rgb8(), full.picture.rgb8())
    for other in (as_bytes(pixels, "PNG"), as_bytes(np.asarray(Image.fromarray(pixels).convert("L")), "JPEG")):
        upload = Upload.of(other)
        assert upload.replicated_picture is upload.picture


def test_the_digest_is_of_the_content(pixels):
    data = as_bytes(pixels, "PNG")
    assert Upload.of(data).digest == Upload.of(bytes(data)).digest
    assert Upload.of(pixels).digest == Upload.of(pixels.copy()).digest
    changed = pixels.copy()
    changed[0, 0, 0] ^= 1
    assert Upload.of(changed).digest != Upload.of(pixels).digest
