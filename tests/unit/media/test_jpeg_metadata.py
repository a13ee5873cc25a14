"""Metadata is kept, dropped and inserted without touching a pixel."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from jpeg_samples import (
    COMMENT,
    ICC,
    XMP,
    after_soi,
    c2pa_segments,
    decode,
    exif,
    other_jumbf_segment,
    picture,
    rich,
    samples,
    save,
    segment,
)
from repost.core.errors import UnreadableMedia, UnsupportedMedia, UsageError
from repost.media.jpeg import parse_jpeg
from repost.media.metadata import find_c2pa, insert_metadata, keep_metadata, with_orientation

KINDS = ("jfif", "exif", "xmp", "icc", "iptc", "c2pa", "comment", "other")


@pytest.fixture(params=samples())
def sample(request) -> bytes:
    return samples()[request.param]


def kinds_in(data: bytes) -> set[str]:
    return {s.kind for s in parse_jpeg(data).segments if s.kind}


@pytest.mark.parametrize("keep", [(), ("jfif",), KINDS])
def test_pixels_are_untouched_by_keeping_and_dropping(sample, keep):
    np.testing.assert_array_equal(decode(keep_metadata(sample, keep=keep)), decode(sample))


def test_pixels_are_untouched_by_another_files_metadata(sample):
    copied = keep_metadata(sample, keep=KINDS, source=rich())
    np.testing.assert_array_equal(decode(copied), decode(sample))


def test_pixels_are_untouched_by_insertion(sample):
    inserted = insert_metadata(sample, exif=exif(), icc=ICC, xmp=XMP)
    np.testing.assert_array_equal(decode(inserted), decode(sample))
    metadata = parse_jpeg(inserted).metadata
    assert (metadata.exif, metadata.icc, metadata.xmp) == (exif(), ICC, XMP)


def test_scan_data_and_tables_are_copied_byte_for_byte(sample):
    def essentials(data: bytes) -> list[bytes]:
        found = [s for s in parse_jpeg(data).segments if s.kind is None]
        return [data[s.offset : s.offset + s.length_bytes] for s in found]

    rewritten = keep_metadata(insert_metadata(sample, xmp=XMP), keep=())
    assert essentials(rewritten) == essentials(sample)
    first, end = sample.index(b"\xff\xda"), parse_jpeg(sample).segments[-1].offset
    assert sample[first:end] in rewritten or "mpf" in kinds_in(sample)


@pytest.mark.parametrize("kind", KINDS)
def test_keeps_exactly_the_chosen_kind(kind):
    assert kinds_in(keep_metadata(rich(), keep=[kind])) == {kind}


def test_dropping_everything_leaves_no_payload():
    stripped = keep_metadata(rich(), keep=())
    assert kinds_in(stripped) == set()
    for trace in (COMMENT, XMP, b"Wind Tunnel", b"FBMD", b"c2pa", b"ICC_PROFILE", b"Exif", b"JFIF"):
        assert trace not in stripped


def test_keeping_everything_changes_nothing():
    assert keep_metadata(samples()["4:2:0"], keep=KINDS) == samples()["4:2:0"]


def test_metadata_moves_from_source_to_target():
    target = samples()["progressive"]
    moved = keep_metadata(target, keep=["exif", "c2pa", "comment"], source=rich())
    assert kinds_in(moved) == {"exif", "c2pa", "comment"}
    assert parse_jpeg(moved).metadata.exif == exif()
    stripped = keep_metadata(rich(), keep=["exif"], source=target)
    assert kinds_in(stripped) == set()


def test_insertion_replaces_and_leaves_the_other_kinds():
    changed = insert_metadata(rich(), xmp=b"<new/>")
    metadata = parse_jpeg(changed).metadata
    assert (metadata.xmp, metadata.exif, metadata.icc) == (b"<new/>", exif(), ICC)
    assert kinds_in(changed) == kinds_in(rich())
    assert changed[:4] == b"\xff\xd8\xff\xe0"  # JFIF stays first


def test_exif_may_come_without_its_prefix():
    bare = exif().removeprefix(b"Exif\0\0")
    assert parse_jpeg(insert_metadata(samples()["4:2:0"], exif=bare)).metadata.exif == exif()


def test_long_icc_profile_survives():
    profile = np.random.default_rng(1).bytes(200_000)
    data = insert_metadata(samples()["4:2:0"], icc=profile)
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize(("kind", "size"), [("exif", 65_528), ("xmp", 65_505), ("icc", 255 * 65_519 + 1)])
def test_what_does_not_fit_is_refused(kind, size):
    with pytest.raises(UnsupportedMedia, match="expected at most"):
        insert_metadata(samples()["4:2:0"], **{kind: bytes(size)})
    data = insert_metadata(samples()["4:2:0"], **{kind: bytes(size - 1)})
    np.testing.assert_array_equal(decode(data), decode(samples()["4:2:0"]))


@pytest.mark.parametrize("kind", ["mpf", "dqt", "gps"])
def test_kinds_that_cannot_be_kept(kind):
    with pytest.raises(UsageError, match=f"got metadata kind {kind} to keep, expected any of jfif"):
        keep_metadata(samples()["4:2:0"], keep=[kind])


def test_convention_pictures_after_the_first_are_dropped():
    data = keep_metadata(samples()["several pictures"], keep=KINDS)
    structure = parse_jpeg(data)
    assert not structure.metadata.mpf
    assert structure.trailing_bytes == 0
    assert data.endswith(b"\xff\xd9")
    assert keep_metadata(samples()["4:2:0"] + b"a video", keep=KINDS) == samples()["4:2:0"]


def test_convention_jfif_stays_where_colour_depends_on_it():
    assert kinds_in(keep_metadata(samples()["RGB ids, JFIF"], keep=())) == {"jfif"}
    assert kinds_in(keep_metadata(samples()["RGB ids, no JFIF"], keep=["jfif"], source=rich())) == set()


@pytest.mark.parametrize("name", ["progressive", "three scans", "restarts"])
def test_metadata_hidden_after_the_first_scan_is_dropped_too(name):
    data = samples()[name]
    last = parse_jpeg(data).segments[-2 if name != "restarts" else -1].offset
    hidden = data[:last] + segment(0xE1, b"Exif\0\0secret") + segment(0xFE, b"secret") + data[last:]
    stripped = keep_metadata(hidden, keep=())
    assert b"secret" not in stripped
    np.testing.assert_array_equal(decode(stripped), decode(data))


def test_marker_inside_entropy_data_still_ends_it():
    """A damaged file: dropping the marker must not join what a decoder holds apart."""
    data = samples()["restarts"]
    middle = data.index(b"\xff\xd3") + 20
    damaged = data[:middle] + segment(0xE5, b"secret") + data[middle:]
    stripped = keep_metadata(damaged, keep=())
    assert b"secret" not in stripped
    np.testing.assert_array_equal(decode(stripped), decode(damaged))


def test_broken_target_and_source_are_unreadable():
    for data, source in ((b"", rich()), (rich(), b"\xff\xd8nothing")):
        with pytest.raises(UnreadableMedia):
            keep_metadata(data, keep=(), source=source)
    with pytest.raises(UnreadableMedia):
        insert_metadata(b"no", exif=b"")


def tags_of(data: bytes) -> dict:
    tags = Image.Exif()
    tags.load(data)
    return {**tags, "exif": dict(tags.get_ifd(0x8769)), "gps": dict(tags.get_ifd(0x8825))}


def without_orientation(endian: str = "<") -> bytes:
    tags = Image.Exif()
    tags.endian = endian
    tags[0x010F], tags[0x0132] = "Maker", "2024:01:01 00:00:00"
    tags.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    return tags.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("source", [exif(), without_orientation("<"), without_orientation(">"), b""])
def test_orientation_is_set_and_everything_else_kept(orientation, source):
    """Oracle: Pillow reads the tags."""
    changed = with_orientation(source, orientation)
    before = tags_of(source) if source else {"exif": {}, "gps": {}}
    moved = {tag for tag in (0x8769, 0x8825) if tag in before}  # offsets of sub-directories, unchanged as bytes
    after = tags_of(changed)
    assert after.pop(0x0112) == orientation
    before.pop(0x0112, None)
    assert after == before
    assert moved <= set(after)


def test_orientation_in_place_changes_one_entry():
    changed = with_orientation(exif(), 3)
    assert len(changed) == len(exif())
    assert sum(a != b for a, b in zip(changed, exif(), strict=True)) == 1


def test_orientation_keeps_the_prefix_or_its_absence():
    assert with_orientation(exif(), 1).startswith(b"Exif\0\0")
    assert with_orientation(exif()[6:], 1) == with_orientation(exif(), 1)[6:]


@pytest.mark.parametrize("broken", [b"Exif\0\0", b"Exif\0\0junk", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"])
def test_broken_exif_is_unreadable(broken):
    if broken == b"Exif\0\0":
        assert tags_of(with_orientation(broken, 5))[0x0112] == 5  # a prefix without content is no EXIF yet
        return
    with pytest.raises(UnreadableMedia, match="the EXIF data cannot be decoded"):
        with_orientation(broken, 5)


@pytest.mark.parametrize("orientation", [0, 9])
def test_orientation_out_of_range(orientation):
    with pytest.raises(UsageError, match=f"got orientation {orientation}, expected 1 to 8"):
        with_orientation(exif(), orientation)


def png_with(kind: bytes) -> bytes:
    import zlib

    plain = save(picture(), "PNG")
    chunk = (4).to_bytes(4, "big") + kind + b"jumb" + zlib.crc32(kind + b"jumb").to_bytes(4, "big")
    return plain[:33] + chunk + plain[33:]


def webp_with(kind: bytes) -> bytes:
    plain = save(picture(), "WEBP")
    body = plain[8:] + kind + (3).to_bytes(4, "little") + b"abc\0"
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def bmff_with(uuid: bytes, *, wide: bool) -> bytes:
    plain = save(picture(), "AVIF")  # its item locations count from the start of the file, so the box goes last
    body = uuid + bytes(20)
    box = (
        b"\0\0\0\1uuid" + (16 + len(body)).to_bytes(8, "big") if wide else (8 + len(body)).to_bytes(4, "big") + b"uuid"
    )
    return plain + box + body


C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
CARRIERS = {
    "jpeg": (after_soi(samples()["4:2:0"], *c2pa_segments()), after_soi(samples()["4:2:0"], other_jumbf_segment())),
    "png": (png_with(b"caBX"), png_with(b"caBY")),
    "webp": (webp_with(b"C2PA"), webp_with(b"C2PB")),
    "avif": (bmff_with(C2PA_UUID, wide=False), bmff_with(bytes(16), wide=False)),
    "mp4": (bmff_with(C2PA_UUID, wide=True), bmff_with(C2PA_UUID[::-1], wide=True)),
}


@pytest.mark.parametrize("format_", CARRIERS)
def test_c2pa_is_found_where_each_format_keeps_it(format_):
    credited, plain = CARRIERS[format_]
    assert find_c2pa(credited, format_)
    assert not find_c2pa(plain, format_)
    if format_ != "mp4":
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert decode(credited).shape == (37, 53, 3)  # still a file of its format


@pytest.mark.parametrize("format_", [*CARRIERS, "heif", "mov", "gif", "unheard of"])
def test_c2pa_search_is_bounded_and_never_fails(format_):
    boxes = b"\0\0\0\1uuid" * 1000, b"\0\0\0\x08uuid" * 300_000
    for data in (b"", b"\xff\xd8\xff", bytes(5_000_000), b"\xff" * 1_000_000, *boxes):
        assert find_c2pa(data, format_) is False
    for carrier, _ in CARRIERS.values():
        for size in range(0, len(carrier), 7):
            find_c2pa(carrier[:size], format_)
