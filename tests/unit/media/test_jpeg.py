"""The JPEG reader against Pillow, jpeglib, hand-made files and what was measured on real networks."""

import io
import json
import tempfile
from itertools import pairwise
from pathlib import Path

import jpeglib
import numpy as np
import pytest
from PIL import Image

from jpeg_samples import COMMENT, ICC, XMP, after_soi, decode, picture, rich, samples, save, segment, without_jfif
from repost.core.errors import UnreadableMedia
from repost.media.jpeg import Component, exact_quality, parse_jpeg
from repost.media.jpeg_tables import nearest_quality


@pytest.fixture(params=samples())
def sample(request) -> bytes:
    return samples()[request.param]


def test_reads_what_pillow_reads(sample):
    structure = parse_jpeg(sample)
    with Image.open(io.BytesIO(sample)) as image:
        assert (structure.width_px, structure.height_px) == image.size
        assert [(c.id, c.h, c.v, c.table_id) for c in structure.components] == image.layer
        tables = {number: tuple(table) for number, table in image.quantization.items()}
        assert (structure.process == "progressive") == bool(image.info.get("progressive"))
        assert structure.adobe_transform == image.info.get("adobe_transform")
        assert structure.metadata.jfif == ("jfif" in image.info)
        assert structure.metadata.exif == image.info.get("exif")
        assert structure.metadata.icc == image.info.get("icc_profile")
        assert structure.metadata.xmp == image.info.get("xmp")
        assert structure.metadata.mpf == ("mp" in image.info)
        assert structure.metadata.comments == tuple(filter(None, [image.info.get("comment")]))
    assert structure.quant_tables == tables


@pytest.mark.parametrize("name", ["4:2:0", "4:2:2", "4:4:4", "4:4:0", "4:1:1", "progressive", "grey", "rgb", "cmyk"])
def test_reads_what_libjpeg_reads(name):
    structure = parse_jpeg(samples()[name])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jpg"
        path.write_bytes(samples()[name])
        truth = jpeglib.read_dct(str(path))
        truth.load()
    assert (structure.height_px, structure.width_px) == (truth.height, truth.width)
    assert [[c.v, c.h] for c in structure.components] == np.asarray(truth.samp_factor).tolist()
    for index, table_id in enumerate(truth.quant_tbl_no[: len(structure.components)]):
        assert structure.components[index].table_id == table_id
        assert structure.table_of(index) == tuple(np.asarray(truth.qt)[table_id].ravel())
    assert (structure.process == "progressive") == bool(truth.progressive_mode)


@pytest.mark.parametrize(
    ("name", "subsampling"),
    [(name, name) for name in ("4:2:0", "4:2:2", "4:4:4", "4:4:0", "4:1:1", "grey")]
    + [("cmyk", "4:4:4"), ("rgb", "4:4:4"), ("16-bit tables", "4:4:4")],
)
def test_convention_subsampling_is_named_by_the_ratio_of_luma_to_chroma(name, subsampling):
    assert parse_jpeg(samples()[name]).subsampling == subsampling


def test_subsampling_that_has_no_name_is_other():
    data = samples()["4:4:4"]
    frame = data.index(b"\xff\xc0")
    unequal = bytearray(data)
    unequal[frame + 11] = 0x22
    unequal[frame + 14] = 0x21
    assert parse_jpeg(bytes(unequal)).subsampling == "other"
    fractional = bytearray(data)
    fractional[frame + 11], fractional[frame + 14], fractional[frame + 17] = 0x31, 0x21, 0x21
    assert parse_jpeg(bytes(fractional)).subsampling == "other"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("4:2:0", "ycbcr"),
        ("grey", "grey"),
        ("cmyk", "cmyk"),
        ("rgb", "rgb"),
        ("rgb, JFIF", "ycbcr"),
        ("no JFIF", "ycbcr"),
        ("RGB ids, JFIF", "ycbcr"),
        ("RGB ids, no JFIF", "rgb"),
    ],
)
def test_convention_jfif_wins_over_adobe_and_adobe_over_ids(name, model):
    assert parse_jpeg(samples()[name]).color_model == model


def test_colour_model_is_what_libjpeg_decodes():
    """Oracle: the same coefficients come out in other colours where we say so, and only there."""
    truth = decode(save(picture(), quality=85, subsampling="4:4:4"))
    np.testing.assert_array_equal(decode(samples()["RGB ids, JFIF"]), truth)
    assert np.abs(decode(samples()["RGB ids, no JFIF"]).astype(int) - truth).mean() > 20
    np.testing.assert_array_equal(decode(samples()["no JFIF"]), decode(samples()["4:2:0"]))
    assert np.abs(decode(samples()["rgb, JFIF"]).astype(int) - decode(samples()["rgb"])).mean() > 20


def test_two_components_have_no_name():
    data = samples()["4:4:4"]
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    two = bytes((8, 0, 37, 0, 53, 2, 1, 0x11, 0, 2, 0x11, 1))
    odd = data[:frame] + segment(0xC0, two) + segment(0xDA, bytes((2, 1, 0, 2, 0x11, 0, 63, 0))) + data[scan + 14 :]
    structure = parse_jpeg(odd)
    assert (structure.subsampling, structure.color_model) == ("other", "unknown")


def test_four_components_that_say_ycck():
    data = bytearray(samples()["cmyk"])
    data[data.index(b"Adobe") + 11] = 2
    assert parse_jpeg(bytes(data)).color_model == "ycck"


@pytest.mark.parametrize(
    ("name", "process", "scans", "optimised", "restart"),
    [
        ("4:2:0", "baseline", 1, False, 0),
        ("grey", "baseline", 1, False, 0),
        ("optimised", "baseline", 1, True, 0),
        ("progressive", "progressive", 10, True, 0),  # libjpeg's jpeg_simple_progression for YCbCr has ten scans
        ("restarts", "baseline", 1, False, 2),
        ("three scans", "baseline", 3, False, 0),
        ("16-bit tables", "extended", 1, False, 0),
    ],
)
def test_scans_and_coding(name, process, scans, optimised, restart):
    structure = parse_jpeg(samples()[name])
    assert structure.process == process
    assert structure.scan_count == scans
    assert structure.optimized_huffman is optimised
    assert structure.restart_interval_mcu == restart
    assert structure.quant_precision_bits == (16 if name == "16-bit tables" else 8)
    assert structure.precision_bits == 8
    assert structure.complete
    assert not structure.arithmetic_coding


def test_three_scan_sample_is_a_real_jpeg():
    planes = [decode(save(plane, quality=80)) for plane in picture().convert("YCbCr").split()]
    truth = np.asarray(Image.merge("YCbCr", [Image.fromarray(plane) for plane in planes]).convert("RGB"))
    assert np.abs(decode(samples()["three scans"]).astype(int) - truth).max() <= 1


def test_metadata_of_a_rich_file():
    metadata = parse_jpeg(rich()).metadata
    assert metadata.xmp == XMP
    assert metadata.icc == ICC
    assert metadata.comments == (COMMENT,)
    assert metadata.c2pa and metadata.iptc and metadata.fbmd and metadata.jfif and not metadata.mpf
    kinds = [s.kind for s in parse_jpeg(rich()).segments if s.kind]
    assert kinds[:5] == ["c2pa", "c2pa", "other", "iptc", "other"]


def test_plain_file_has_no_metadata_but_jfif():
    metadata = parse_jpeg(samples()["4:2:0"]).metadata
    assert metadata.jfif
    assert metadata.exif is metadata.xmp is metadata.icc is None
    assert not (metadata.iptc or metadata.fbmd or metadata.c2pa or metadata.mpf or metadata.comments)


def test_long_icc_profile_is_put_together_in_order():
    profile = np.random.default_rng(0).bytes(150_000)
    parts = [profile[at : at + 60_000] for at in range(0, 150_000, 60_000)]
    pieces = [segment(0xE2, b"ICC_PROFILE\0" + bytes((n, 3)) + part) for n, part in enumerate(parts, start=1)]
    plain = samples()["4:2:0"]
    assert parse_jpeg(after_soi(plain, pieces[2], pieces[0], pieces[1])).metadata.icc == profile
    assert parse_jpeg(after_soi(plain, pieces[2], pieces[0])).metadata.icc is None  # a part is missing
    assert parse_jpeg(after_soi(plain, *pieces, pieces[0])).metadata.icc is None  # a part is doubled


def test_segments_tile_the_header():
    data = samples()["progressive"]
    structure = parse_jpeg(data)
    header = structure.segments[: [s.marker for s in structure.segments].index("SOS") + 1]
    assert header[0].offset == 0
    assert all(b.offset == a.offset + a.length_bytes for a, b in pairwise(header))
    assert structure.segments[-1].marker == "EOI"


def test_fill_bytes_and_junk_between_segments_are_skipped():
    plain = parse_jpeg(samples()["4:2:0"])
    padded = parse_jpeg(after_soi(samples()["4:2:0"], b"\xff" * 9, segment(0xFE, b"x"), b"\xff\xff", b"\x00junk"))
    assert padded.components == plain.components
    assert padded.quant_tables == plain.quant_tables
    assert padded.metadata.comments == (b"x",)


def test_convention_lengths_0_and_1_are_empty_segments():
    for length in (b"\0\0", b"\0\1"):
        data = after_soi(samples()["4:2:0"], b"\xff\xe5" + length)
        assert parse_jpeg(data).quant_tables == parse_jpeg(samples()["4:2:0"]).quant_tables
        np.testing.assert_array_equal(decode(data), decode(samples()["4:2:0"]))


def test_bytes_after_the_end_are_counted_and_not_read():
    data = samples()["4:2:0"] + b"\xff\xd8\xff\xe1\x00\x01 an attachment"
    structure = parse_jpeg(data)
    assert structure.trailing_bytes == 20
    assert structure.complete


def test_file_cut_in_its_image_data_is_incomplete():
    data = samples()["4:2:0"]
    structure = parse_jpeg(data[:-40])
    assert not structure.complete
    assert structure.trailing_bytes == 0
    assert structure.quant_tables == parse_jpeg(data).quant_tables


def test_height_from_a_dnl_segment():
    data = bytearray(samples()["4:2:0"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 7] = bytes(2)
    with pytest.raises(UnreadableMedia, match="DNL"):
        parse_jpeg(bytes(data))
    assert parse_jpeg(bytes(data[:-2]) + segment(0xDC, b"\x00\x25") + b"\xff\xd9").height_px == 37


def test_convention_table_in_force_at_its_first_scan_counts():
    """A later scan may redefine a table; libjpeg decodes with the first, and so does every decoder built on it."""
    data = samples()["three scans"]
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    redefined = data[:second] + segment(0xDB, bytes(1) + b"\x01" * 64) + data[second:]
    assert parse_jpeg(redefined).table_of(0) == parse_jpeg(data).table_of(0)


def frame_variant(code: int) -> bytes:
    return samples()["4:2:0"].replace(b"\xff\xc0", bytes((0xFF, code)), 1)


def test_arithmetic_coding_is_recognised():
    assert parse_jpeg(frame_variant(0xC9)).arithmetic_coding
    assert parse_jpeg(frame_variant(0xCA)).process == "progressive"


def patched(marker: bytes, offset: int, value: bytes) -> bytes:
    data = bytearray(samples()["4:2:0"])
    at = data.index(marker) + offset
    data[at : at + len(value)] = value
    return bytes(data)


PLAIN = samples()["4:2:0"]
BROKEN = {
    "empty": b"",
    "a PNG": save(picture(), "PNG"),
    "only the start": b"\xff\xd8",
    "only start and end": b"\xff\xd8\xff\xd9",
    "half a marker": b"\xff\xd8\xff",
    "no length": b"\xff\xd8\xff\xe0\x00",
    "length past the end": b"\xff\xd8\xff\xe0\xff\xff" + PLAIN[2:200],
    "no frame": PLAIN[: PLAIN.index(b"\xff\xc0")] + PLAIN[PLAIN.index(b"\xff\xda") :],
    "no scan": PLAIN[: PLAIN.index(b"\xff\xda")],
    "two frames": PLAIN.replace(b"\xff\xda", PLAIN[PLAIN.index(b"\xff\xc0") :][:19] + b"\xff\xda", 1),
    "two starts": PLAIN[:2] + PLAIN,
    "lossless": frame_variant(0xC3),
    "hierarchical": frame_variant(0xC5),
    "width 0": patched(b"\xff\xc0", 7, b"\0\0"),
    "12-bit baseline": patched(b"\xff\xc0", 4, b"\x0c"),
    "component count": patched(b"\xff\xc0", 9, b"\x04"),
    "no components": patched(b"\xff\xc0", 9, b"\x00"),
    "sampling 0": patched(b"\xff\xc0", 11, b"\x02"),
    "sampling 5": patched(b"\xff\xc0", 11, b"\x51"),
    "missing table": patched(b"\xff\xc0", 12, b"\x03"),
    "table 4": patched(b"\xff\xdb", 4, b"\x04"),
    "table precision 2": patched(b"\xff\xdb", 4, b"\x20"),
    "16-bit table cut": patched(b"\xff\xdb", 4, b"\x10"),
    "Huffman class 2": patched(b"\xff\xc4", 4, b"\x20"),
    "Huffman counts": patched(b"\xff\xc4", 5, b"\xff" * 4),
    "scan of a stranger": patched(b"\xff\xda", 5, b"\x09"),
    "scan component count": patched(b"\xff\xda", 4, b"\x05"),
    "restart interval of 3 bytes": after_soi(PLAIN, segment(0xDD, b"abc")),
    "thousands of segments": after_soi(PLAIN, segment(0xFE, b"") * 100_001),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_unreadable(name):
    with pytest.raises(UnreadableMedia) as caught:
        parse_jpeg(BROKEN[name], name="it.jpg")
    assert caught.value.name == "it.jpg"
    assert str(caught.value).startswith("it.jpg cannot be decoded: ")


def test_every_truncation_parses_or_is_unreadable():
    for data in (samples()["progressive"], rich()):
        first_scan = data.index(b"\xff\xda")
        for size in range(len(data)):
            try:
                structure = parse_jpeg(data[:size])
            except UnreadableMedia:
                assert size < first_scan + 14
            else:
                assert not structure.complete
                assert size >= first_scan + 14


@pytest.mark.parametrize(
    "body",
    [b"\xff" * 8_000_000, b"\xff\x00" * 4_000_000, b"\xff\xd0" * 4_000_000, bytes(8_000_000), b"\xff\x02" * 4_000_000],
)
def test_hostile_bodies_are_walked_once(body):
    """Quadratic work on 8 MB would never end; nothing is timed, the suite simply would not finish."""
    with pytest.raises(UnreadableMedia):
        parse_jpeg(b"\xff\xd8" + body)
    scan_start = PLAIN.index(b"\xff\xda") + 14
    assert parse_jpeg(PLAIN[:scan_start] + body).width_px == parse_jpeg(PLAIN).width_px


@pytest.mark.parametrize("quality", [1, 30, 75, 92, 100])
def test_exact_quality_of_libjpeg_files(quality):
    for settings in ({}, {"progressive": True}, {"keep_rgb": True}):
        assert exact_quality(parse_jpeg(save(picture(), quality=quality, **settings))) == quality
    for mode in ("L", "CMYK"):
        assert exact_quality(parse_jpeg(save(picture().convert(mode), quality=quality))) == quality


def test_exact_quality_needs_luma_and_chroma():
    first, second = samples()["4:2:0"], save(picture(), quality=90)
    with Image.open(io.BytesIO(first)) as a, Image.open(io.BytesIO(second)) as b:
        mixed = save(picture(), qtables=[a.quantization[0], b.quantization[1]])
        luma_only = save(picture(), qtables=[a.quantization[0], a.quantization[0]])
    assert exact_quality(parse_jpeg(mixed)) is None
    assert exact_quality(parse_jpeg(luma_only)) is None
    assert exact_quality(parse_jpeg(samples()["16-bit tables"])) is None


def test_component_fields():
    assert parse_jpeg(samples()["4:2:0"]).components[0] == Component(id=1, h=2, v=2, table_id=0)
    assert parse_jpeg(without_jfif(PLAIN)).metadata.jfif is False


@pytest.mark.shared
def test_measured_facts_of_real_platform_files(shared_data):
    folder = shared_data / "platform_files"
    profiles = json.loads((folder / "measured_profiles.json").read_text())
    present = [fact for fact in profiles if fact["format"] == "JPEG" and (folder / fact["file"]).is_file()]
    assert len(present) >= 6
    for fact in present:
        structure = parse_jpeg((folder / fact["file"]).read_bytes(), name=fact["file"])
        assert [structure.width_px, structure.height_px] == fact["size"]
        assert [[c.h, c.v] for c in structure.components] == fact["sampling"]
        assert (structure.process == "progressive") == fact["progressive"]
        assert structure.table_of(0) == tuple(fact["qtable_luma"])
        assert structure.table_of(1) == tuple(fact["qtable_chroma"])
        luma = nearest_quality(structure.table_of(0), component="luma")
        chroma = nearest_quality(structure.table_of(1), component="chroma")
        assert (*luma, *chroma) == (
            fact["luma_qf"], fact["luma_qf_error"], fact["chroma_qf"], fact["chroma_qf_error"]
        )  # fmt: skip
        exact = fact["luma_qf_error"] == fact["chroma_qf_error"] == 0
        assert exact_quality(structure) == (fact["luma_qf"] if exact else None)
        assert (structure.metadata.icc is not None) == fact["icc"]
        assert structure.metadata.iptc == any(marker.startswith("APP13") for marker in fact["markers"])
        assert structure.complete


@pytest.mark.shared
def test_instagram_leaves_its_mark(shared_data):
    folder = shared_data / "platform_files" / "stego_grad_project" / "Instagram" / "Posts"
    assert parse_jpeg((folder / "InstagramHigh.jpg").read_bytes()).metadata.fbmd
    assert not parse_jpeg((folder / "High.jpg").read_bytes()).metadata.fbmd
