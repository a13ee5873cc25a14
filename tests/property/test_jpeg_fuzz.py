"""Damaged JPEG files either parse or are unreadable; nothing else ever comes out."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from jpeg_samples import samples
from repost.core.errors import UnreadableMedia
from repost.media.jpeg import exact_quality, parse_jpeg
from repost.media.metadata import find_c2pa, insert_metadata, keep_metadata, with_orientation

THOROUGH = settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def damaged(draw) -> bytes:
    """A real file with bytes changed, cut out, doubled or put in; most of it in the header, where it matters."""
    data = bytearray(samples()[draw(st.sampled_from(sorted(samples())))])
    for _ in range(draw(st.integers(1, 6))):
        limit = max(1, len(data) - 1)
        at = draw(st.one_of(st.integers(0, min(900, limit)), st.integers(0, limit)))
        span = draw(st.integers(1, 80))
        match draw(st.sampled_from(["set", "set", "set", "marker", "delete", "double", "insert", "cut"])):
            case "set":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "marker":
                data[at : at + 2] = bytes([0xFF, draw(st.integers(0xC0, 0xFF))])
            case "delete":
                del data[at : at + span]
            case "double":
                data[at:at] = data[at : at + span]
            case "insert":
                data[at:at] = draw(st.binary(max_size=40))
            case _:
                del data[at:]
    return bytes(data)


def pixels_or_none(data: bytes) -> np.ndarray | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
                return np.asarray(image)
        except Exception:  # noqa: BLE001 - whatever a decoder refuses
            return None


@THOROUGH
@given(damaged())
def test_damaged_files_parse_or_are_unreadable(data):
    find_c2pa(data, "jpeg")
    try:
        structure = parse_jpeg(data)
    except UnreadableMedia:
        return
    assert structure.width_px > 0 and structure.height_px > 0
    assert structure.segments[0].offset == 0
    ends = [s.offset + s.length_bytes for s in structure.segments]
    assert all(s.offset >= end for s, end in zip(structure.segments[1:], ends, strict=False))
    assert ends[-1] + structure.trailing_bytes <= len(data)
    assert all(len(table) == 64 for table in structure.quant_tables.values())
    exact_quality(structure)
    assert structure.subsampling and structure.color_model
    hash(structure)


@THOROUGH
@given(damaged())
def test_rewriting_a_damaged_file_changes_nothing_a_decoder_sees(data):
    try:
        rewritten = [keep_metadata(data, keep=()), insert_metadata(data, xmp=b"<x/>")]
    except UnreadableMedia:
        return
    truth = pixels_or_none(data)
    if truth is not None:
        for other in rewritten:
            np.testing.assert_array_equal(pixels_or_none(other), truth)
    assert not any(s.kind not in (None, "jfif", "comment") for s in parse_jpeg(rewritten[0]).segments)


@THOROUGH
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_unreadable(data):
    for start in (b"", b"\xff\xd8", b"\xff\xd8\xff"):
        with pytest.raises(UnreadableMedia):
            parse_jpeg(start + data)


@THOROUGH
@given(damaged())
def test_what_pillow_decodes_is_never_refused(data):
    """Decodable by libjpeg means readable here, with the same size.

    Files with two start markers are left to the other tests: where the first picture is lost Pillow shows the second.
    """
    truth = pixels_or_none(data)
    if truth is None or data.count(b"\xff\xd8") > 1:
        return
    structure = parse_jpeg(data)
    assert truth.shape[:2] == (structure.height_px, structure.width_px)


@given(st.binary(max_size=200), st.integers(1, 8), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_orientation_of_arbitrary_exif(data, orientation, start):
    try:
        changed = with_orientation(b"Exif\0\0" + start + data, orientation)
    except UnreadableMedia:
        return
    assert with_orientation(changed, orientation) == changed
