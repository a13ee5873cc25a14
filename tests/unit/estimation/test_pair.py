"""One pair: every setting that was applied is found again, and every odd pair is named."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageOps

from jpeg_samples import ICC, XMP, after_soi, c2pa_segments, exif, save, segment
from pair_samples import jpeg, network, photo, rule, served_by
from repost.core.errors import MediaError, NotMedia, TooManyPixels, UnreadableMedia, UnsupportedMedia
from repost.estimation.images.pair import PairMismatch, examine_pair
from repost.media.jpeg_tables import ijg_tables

PNG = save(photo(), "PNG")
JPEG = save(photo(), quality=95)
RESIZE = {"op": "resize", "fit": "long_side", "px": 237}


def encode(codec, **settings):
    return {"op": "encode", "codec": codec, **settings}


SETTINGS = {
    "quality": ([jpeg(63)], {"quality": 63, "quantiser": "libjpeg", "subsampling": "4:2:0", "progressive": False}),
    "4:4:4": ([jpeg(90, subsampling="4:4:4")], {"quality": 90, "subsampling": "4:4:4"}),
    "4:2:2": ([jpeg(90, subsampling="4:2:2")], {"subsampling": "4:2:2", "optimize_huffman": False}),
    "optimised": ([jpeg(90, optimize_huffman=True)], {"optimize_huffman": True}),
    "progressive": ([jpeg(85, progressive=True)], {"progressive": True, "optimize_huffman": None}),
    "half even": ([jpeg(92, quantiser="half_even")], {"quantiser": "half_even"}),
    "replicate": ([{"op": "decode", "upsampling": "replicate"}, jpeg(87)], {"upsampling": "replicate"}),
    **{
        kernel: ([{**RESIZE, "kernel": kernel}, jpeg(85)], {"kernel": kernel, "cropped": None})
        for kernel in ("lanczos", "bicubic", "bilinear", "area")
    },
    "cover": (
        [{"op": "resize", "fit": "cover", "width_px": 200, "height_px": 200, "kernel": "bicubic"}, jpeg(85)],
        {"cropped": True, "kernel": "bicubic"},
    ),
    "everything at once": (
        [{"op": "decode", "upsampling": "replicate"}, {**RESIZE, "kernel": "bicubic"},
         jpeg(83, quantiser="half_even", subsampling="4:4:4")],
        {"upsampling": "replicate", "kernel": "bicubic", "quantiser": "half_even", "quality": 83},
    ),
    "webp": ([encode("webp", quality=63)], {"codec": "webp", "quality": 63, "lossless": False}),
    "lossless webp": ([encode("webp", lossless=True)], {"codec": "webp", "lossless": True, "quality": None}),
    "png": ([encode("png")], {"codec": "png", "palette_colours": None}),
    "palette": ([encode("png", palette_colours=64)], {"codec": "png", "palette_colours": 64}),
    "avif": ([RESIZE, encode("avif", quality=63, subsampling="4:4:4")], {"codec": "avif", "subsampling": "4:4:4"}),
    "hidden": ([jpeg(70), {"op": "client_save", "encode": jpeg(95, subsampling="4:4:4")}], {"quality": 95}),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_found(name):
    steps, expected = SETTINGS[name]
    found = examine_pair(JPEG, served_by(network(*steps), JPEG), name="pair")
    assert found.treatment.kind == "encode"
    assert {setting: getattr(found.treatment, setting) for setting in expected} == expected
    assert found.agreement is not None
    assert found.agreement.exact_share == 1


@pytest.mark.parametrize("kernel", ["box", "box_gm"])
def test_kernels_that_give_the_same_picture_are_not_told_apart(kernel):
    served = {one: served_by(network({**RESIZE, "kernel": one}, jpeg(85)), JPEG) for one in ("area", "box", "box_gm")}
    found = examine_pair(JPEG, served[kernel], name="pair")
    assert found.treatment.kernel == (None if served["box"] == served["box_gm"] else kernel)
    assert found.agreement is not None
    assert found.agreement.exact_share == 1


def test_the_earlier_stage_is_described():
    steps, _ = SETTINGS["hidden"]
    found = examine_pair(JPEG, served_by(network(*steps), JPEG), name="pair")
    assert found.treatment.hidden is not None
    assert (found.treatment.hidden.quality, found.treatment.hidden.subsampling) == (70, "4:2:0")
    assert "compressed twice" in found.doubts[0]


def test_tables_that_are_no_ijg_tables_are_kept_word_for_word():
    luma, chroma = (list(table) for table in ijg_tables(80))
    luma[5] += 3
    found = examine_pair(PNG, served_by(network(jpeg(None, tables={"luma": luma, "chroma": chroma})), PNG), name="p")
    assert found.treatment.quality is None
    assert found.treatment.tables is not None
    assert (list(found.treatment.tables.luma), list(found.treatment.tables.chroma)) == (luma, chroma)
    assert (found.nearest_quality, found.table_distance) == (80, 3)


def test_sizes_are_those_at_the_resize():
    turned = save(photo(400, 300), quality=95, exif=exif())
    upright = examine_pair(turned, served_by(network({"op": "orient"}, RESIZE, jpeg()), turned), name="pair")
    assert (upright.size_before, upright.size_after, upright.treatment.orient) == ((300, 400), (178, 237), True)
    left = examine_pair(turned, served_by(network(RESIZE, jpeg()), turned), name="pair")
    assert (left.size_before, left.size_after, left.treatment.orient) == ((400, 300), (237, 178), False)


def test_files_that_were_kept():
    assert examine_pair(JPEG, JPEG, name="pair").treatment.kind == "passthrough"
    progressive = served_by(network(rules=[rule({"op": "transcode"}, format=["jpeg"]), rule(jpeg())]), JPEG)
    found = examine_pair(JPEG, progressive, name="pair").treatment
    assert (found.kind, found.scans) == ("transcode", "progressive")
    commented = after_soi(JPEG, segment(0xFE, b"a comment"))
    found = examine_pair(commented, JPEG, name="pair").treatment
    assert (found.kind, found.scans) == ("transcode", "keep")


def test_metadata():
    data = after_soi(save(photo(), quality=95, exif=exif(), icc_profile=ICC, xmp=XMP), *c2pa_segments())
    stripped = examine_pair(data, served_by(network({"op": "orient"}, jpeg()), data), name="pair").treatment
    assert (stripped.exif, stripped.xmp, stripped.icc, stripped.c2pa) == ("strip",) * 4
    keeping = {"op": "metadata", "exif": "keep", "xmp": "keep", "icc": "keep"}
    kept = examine_pair(data, served_by(network(keeping, jpeg()), data), name="pair").treatment
    assert (kept.exif, kept.xmp, kept.icc, kept.c2pa) == ("keep", "keep", "keep", "strip")
    none = examine_pair(JPEG, served_by(network(jpeg()), JPEG), name="pair").treatment
    assert (none.exif, none.xmp, none.icc, none.c2pa) == (None,) * 4


@pytest.mark.parametrize("setting", ["kernel", "quantiser"])
def test_flat_pictures_tell_nothing_of_what_compares_pixels(setting):
    grey = save(Image.new("RGB", (200, 100), (9, 90, 200)), "PNG")
    found = examine_pair(grey, served_by(network({**RESIZE, "px": 100}, jpeg()), grey), name="pair")
    assert getattr(found.treatment, setting) is None
    assert found.treatment.quality == 80


def shown(steps, upload):
    """What a pair shows, which must be all that was done to it."""
    found = examine_pair(upload, served_by(network(*steps), upload), name="pair")
    assert found.agreement is not None
    assert found.agreement.exact_share == 1
    return found.treatment


def test_a_picture_left_turned_with_its_exif_is_seen_upright():
    upload = save(photo(400, 300), quality=95, exif=exif())
    square = {"op": "resize", "fit": "cover", "width_px": 200, "height_px": 200, "kernel": "bicubic"}
    found = shown([{"op": "metadata", "exif": "keep"}, square, jpeg(85)], upload)
    assert (found.orient, found.exif, found.kernel, found.quantiser) == (False, "keep", "bicubic", "libjpeg")


def test_a_flat_picture_does_not_show_whether_it_was_turned():
    upload = save(Image.new("RGB", (300, 300), (9, 90, 200)), quality=95, exif=exif())
    assert shown([{"op": "metadata", "exif": "keep"}, jpeg(85)], upload).orient is None


def test_nearly_the_new_shape_is_cut_and_not_stretched():
    upload = save(photo(379, 377), quality=95)
    square = {"op": "resize", "fit": "cover", "width_px": 152, "height_px": 152, "kernel": "bicubic"}
    found = shown([square, jpeg(85)], upload)
    assert (found.cropped, found.kernel) == (True, "bicubic")


def test_a_spot_of_colour_shows_how_chroma_was_upsampled():
    grey = photo(400, 300).convert("L").convert("RGB")
    grey.paste((160, 120, 110), (150, 150, 155, 155))
    upload = save(grey, quality=97, subsampling=2)
    steps = [{"op": "decode", "upsampling": "replicate"}, jpeg(97, subsampling="4:4:4")]
    assert shown(steps, upload).upsampling == "replicate"


@pytest.mark.parametrize("quality", [61, 62, 64, 65])
def test_sizes_of_small_files_that_do_not_rise_with_quality(quality):
    """Qualities near each other make files of nearly any size of a narrow strip."""
    upload = save(photo(126, 12), quality=95)
    found = examine_pair(upload, served_by(network(encode("webp", quality=quality)), upload), name="pair")
    assert found.agreement is not None
    assert found.agreement.exact_share == 1


def test_the_quality_is_sought_again_with_the_kernel_that_was_found():
    upload = save(photo(301, 180), "PNG")
    found = shown([{**RESIZE, "px": 300, "kernel": "box"}, encode("webp", quality=89)], upload)
    assert found.quality == 89


def with_ids(data, ids):
    """A three-component JPEG with other component ids, in its frame and its scan."""
    changed = bytearray(data)
    for marker, first, step in ((b"\xff\xc0", 10, 3), (b"\xff\xda", 5, 2)):
        at = changed.index(marker) + first
        changed[at : at + 3 * step : step] = bytes(ids)
    return bytes(changed)


def coarse_tables():
    luma, chroma = (list(table) for table in ijg_tables(40))
    return [[*luma[:63], 400], [*chroma[:63], 500]]


def transparent():
    picture = photo().convert("RGBA")
    picture.putalpha(Image.fromarray(np.tile(np.linspace(60, 255, 400).astype(np.uint8), (300, 1))))
    return save(picture, "PNG")


def animation():
    return save(photo(), "GIF", save_all=True, append_images=[photo(at=30)])


GREY = photo().convert("L")
ODD_BUT_SOUND = {
    "grey both": (save(GREY, "PNG"), save(GREY, quality=80)),
    "grey upload, served in colour": (save(GREY, "PNG"), save(GREY.convert("RGB"), quality=80)),
    "alpha": (transparent(), served_by(network(jpeg()), transparent())),
    "component ids 0, 1, 2": (PNG, with_ids(save(photo(), quality=80), (0, 1, 2))),
    "16-bit samples": (save(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), "PNG"), save(GREY, quality=80)),
    "palette upload": (save(photo().quantize(64), "PNG"), save(photo().quantize(64).convert("RGB"), quality=80)),
    "one pixel": (save(photo(1, 1), "PNG"), save(photo(1, 1), quality=80)),
}


@pytest.mark.parametrize("name", ODD_BUT_SOUND)
def test_odd_pairs_are_reproduced(name):
    found = examine_pair(*ODD_BUT_SOUND[name], name="pair")
    assert found.agreement is not None
    assert found.agreement.exact_share == 1
    assert found.treatment.quality == 80


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_16_bit_tables(capfd):
    found = examine_pair(PNG, save(photo(), qtables=coarse_tables(), subsampling="4:4:4"), name="pair")
    assert found.treatment.tables is not None
    assert (found.treatment.tables.luma[63], found.treatment.tables.chroma[63]) == (400, 500)
    assert found.agreement is not None
    assert found.agreement.exact_share == 1


def sampled_440():
    """4:4:0, made of a 4:2:2 file of the turned picture by swapping what its frame header says."""
    data = bytearray(save(photo(320, 320), quality=90, subsampling="4:2:2"))
    at = data.index(b"\xff\xc0") + 11
    assert data[at] == 0x21
    data[at] = 0x12
    return bytes(data)


def heif(picture):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    picture.save(buffer, "HEIF", quality=60)
    return buffer.getvalue()


OTHER = save(Image.fromarray(skimage.data.chelsea()), quality=80)
REFUSED = {
    "different content": (PNG, OTHER, PairMismatch, "different pictures"),
    "turned": (PNG, save(photo().rotate(90, expand=True)), PairMismatch, "turned by 270 degrees"),
    "upside down": (PNG, save(photo().rotate(180)), PairMismatch, "turned by 180 degrees"),
    "padded": (PNG, save(ImageOps.expand(photo(), (0, 80))), PairMismatch, "pad"),
    "grey download": (PNG, save(GREY, quality=80), UnsupportedMedia, "coloured upload"),
    "CMYK": (PNG, save(photo().convert("CMYK"), quality=80), UnsupportedMedia, "cmyk"),
    "RGB": (PNG, save(photo(), quality=80, keep_rgb=True), UnsupportedMedia, "rgb"),
    "GIF upload": (animation(), JPEG, UnsupportedMedia, "animation"),
    "GIF download": (PNG, save(photo(), "GIF"), UnsupportedMedia, "got gif"),
    "animated download": (
        PNG, save(photo(), "WEBP", save_all=True, append_images=[photo(at=30)]), UnsupportedMedia, "animation",
    ),
    "TIFF": (PNG, save(photo(), "TIFF"), UnsupportedMedia, "got tiff"),
    "empty download": (PNG, b"", UnreadableMedia, "served.*empty"),
    "empty upload": (b"", JPEG, UnreadableMedia, "upload.*empty"),
    "truncated": (PNG, JPEG[:4000], UnreadableMedia, "served.*truncated"),
    "text": (PNG, b"<html>not found</html>", NotMedia, "content decides"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learned_from_is_named(name):
    upload, served, error, words = REFUSED[name]
    with pytest.raises(error, match=f"(?s)my pair.*{words}"):
        examine_pair(upload, served, name="my pair")


def test_odd_sampling_is_named():
    upload = save(photo(320, 320), "PNG")
    with pytest.raises(MediaError, match="my pair"):
        examine_pair(upload, sampled_440(), name="my pair")


def test_more_pixels_than_allowed():
    with pytest.raises(TooManyPixels, match="served"):
        examine_pair(save(photo(100, 75), "PNG"), save(photo(), quality=80), name="pair", max_pixels=10_000)


def test_heic_is_read_by_content():
    found = examine_pair(PNG, heif(photo()), name="renamed.jpg")
    assert (found.treatment.codec, found.treatment.quality) == ("heif", 60)
    assert found.agreement is not None
    assert found.agreement.exact_share == 1


def test_a_download_saved_again_by_a_phone_is_a_further_layer():
    once = Image.open(io.BytesIO(save(photo(), quality=70)))
    found = examine_pair(PNG, save(once, quality=93, subsampling="4:4:4"), name="pair")
    assert found.treatment.hidden is not None
    assert (found.treatment.hidden.quality, found.treatment.quality) == (70, 93)
    assert found.doubts


def test_a_thumbnail_is_a_resize():
    small = save(photo().resize((60, 45), Image.Resampling.LANCZOS), quality=80)
    found = examine_pair(PNG, small, name="pair")
    assert (found.resized, found.size_after, found.treatment.kernel) == (True, (60, 45), "lanczos")


def test_change_is_the_mean_difference_of_the_pixels():
    served = save(photo(), quality=30)
    found = examine_pair(PNG, served, name="pair")
    pixels = np.asarray(Image.open(io.BytesIO(served))).astype(float)
    assert found.change == pytest.approx(np.abs(pixels - np.asarray(photo())).mean())
    mean_square = np.square(pixels - np.asarray(photo())).mean()
    assert found.agreement is not None
    assert found.agreement.psnr_db_source == pytest.approx(10 * np.log10(255**2 / mean_square))
