"""Metadata of image files: find it, keep it, drop it, put it in, and never touch a pixel."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import get_args

from repost.core.errors import UnreadableMedia, UnsupportedMedia, UsageError
from repost.media.jpeg import JpegStructure, color_model_of, parse_jpeg
from repost.media.jpeg_segments import XMP_PREFIX, SegmentKind, iter_segments

EXIF_PREFIX = b"Exif\0\0"
_ICC_PREFIX = b"ICC_PROFILE\0"
_EMPTY_COMMENT = b"\xff\xfe\0\2"
_MAX_PAYLOAD_BYTES = 65533  # the 16-bit length field counts itself
_MAX_ICC_PARTS = 255  # ICC.1 annex B.4: parts are numbered in one byte
_ORIENTATION_TAG = 0x0112
_SHORT = 3  # EXIF's code for a 16-bit integer
_MAX_BOXES = 100_000
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.1 annex A.5, ISO base media files


def keep_metadata(
    data: bytes, *, keep: Collection[SegmentKind], source: bytes | None = None, name: str = "the JPEG data"
) -> bytes:
    """A JPEG with the chosen kinds of metadata and no others.

    Args:
        data: The JPEG whose image is kept.
        keep: Kinds of metadata to keep, of "jfif", "exif", "xmp", "icc", "iptc", "c2pa", "comment" and "other".
        source: Another JPEG to take them from; the metadata of `data` is then dropped. By default `data` itself.
        name: What error messages call the files.

    Returns:
        The new file. It decodes to the same samples: tables, frame, scans and the Adobe segment are copied byte for
        byte, and a JFIF header that decides how colour is read stays, or stays away, whatever `keep` says.

    Raises:
        UnreadableMedia: `data` or `source` is not a readable JPEG.
        UsageError: `keep` names a kind that cannot be kept.

    Convention:
        Pictures and videos after the end of the image, and the multi-picture index that points to them, are dropped. A
        C2PA manifest is copied as it is; whether it still verifies is another matter.
    """
    unknown = sorted(set(keep) - set(get_args(SegmentKind)) | {"mpf"} & set(keep))
    if unknown:
        expected = ", ".join(kind for kind in get_args(SegmentKind) if kind != "mpf")
        raise UsageError(f"got metadata kind {', '.join(unknown)} to keep, expected any of {expected}")
    structure = parse_jpeg(data, name=name)
    giver, giver_data = (structure, data) if source is None else (parse_jpeg(source, name=name), source)
    jfif = _of_kinds(giver_data, giver, {"jfif"} & set(keep))
    if _model_with(structure, jfif=giver.metadata.jfif and bool(jfif)) != structure.color_model:
        jfif = _of_kinds(data, structure, {"jfif"})
    return _rebuilt(data, structure, jfif + _of_kinds(giver_data, giver, set(keep) - {"jfif"}), kept=set())


def insert_metadata(
    data: bytes,
    *,
    exif: bytes | None = None,
    icc: bytes | None = None,
    xmp: bytes | None = None,
    name: str = "the JPEG data",
) -> bytes:
    """A JPEG with the given metadata in place of its own of that kind.

    Args:
        data: A JPEG.
        exif: EXIF, with or without its "Exif" prefix; at most 65,527 bytes without it. None leaves what is there.
        icc: An ICC profile. None leaves what is there.
        xmp: An XMP packet, at most 65,504 bytes. None leaves what is there.
        name: What error messages call the file.

    Returns:
        The new file, which decodes to the same samples. As with `keep_metadata`, what follows the image is dropped.

    Raises:
        UnreadableMedia: `data` is not a readable JPEG.
        UnsupportedMedia: A payload is larger than JPEG can hold.
    """
    structure = parse_jpeg(data, name=name)
    inserted: list[bytes] = []
    if exif is not None:
        inserted.append(_segment(0xE1, EXIF_PREFIX + exif.removeprefix(EXIF_PREFIX), "EXIF", name))
    if xmp is not None:
        inserted.append(_segment(0xE1, XMP_PREFIX + xmp, "XMP", name))
    if icc is not None:
        inserted += _icc_segments(icc, name)
    given = {"exif": exif, "xmp": xmp, "icc": icc}
    kept = {kind for kind in get_args(SegmentKind) if kind not in ("jfif", "mpf") and given.get(kind) is None}
    return _rebuilt(data, structure, _of_kinds(data, structure, {"jfif"}) + inserted, kept=kept)


def with_orientation(exif: bytes, orientation: int) -> bytes:
    """EXIF with its orientation set and every other byte of information kept.

    Args:
        exif: EXIF with or without its "Exif" prefix; empty for none yet.
        orientation: 1 (upright) to 8, as in EXIF.

    Returns:
        The new EXIF, with a prefix if `exif` had one or was empty. Maker notes, thumbnail and unknown tags stay where
        they are; a missing orientation is added through a second first directory at the end.

    Raises:
        UsageError: `orientation` is out of range.
        UnreadableMedia: `exif` is malformed.
    """
    if not 1 <= orientation <= 8:
        raise UsageError(f"got orientation {orientation}, expected 1 to 8")
    prefix = EXIF_PREFIX if exif.startswith(EXIF_PREFIX) or not exif else b""
    tiff = exif.removeprefix(EXIF_PREFIX) or b"II*\0\x08\0\0\0" + bytes(6)
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        raise UnreadableMedia("the EXIF data", reason="it has no TIFF header")
    order = "little" if tiff.startswith(b"II") else "big"
    start = int.from_bytes(tiff[4:8], order)
    entries_start = start + 2
    entries_end = entries_start + 12 * int.from_bytes(tiff[start:entries_start], order)
    if start < 8 or entries_end + 4 > len(tiff):
        raise UnreadableMedia("the EXIF data", reason="its first directory runs past its end")
    entry = b"".join(number.to_bytes(2, order) for number in (_ORIENTATION_TAG, _SHORT))
    entry += (1).to_bytes(4, order) + orientation.to_bytes(2, order) + bytes(2)
    entries = [tiff[at : at + 12] for at in range(entries_start, entries_end, 12)]
    tags = [int.from_bytes(old[:2], order) for old in entries]
    if _ORIENTATION_TAG in tags:
        at = entries_start + 12 * tags.index(_ORIENTATION_TAG)
        return prefix + tiff[:at] + entry + tiff[at + 12 :]
    entries.insert(sum(tag < _ORIENTATION_TAG for tag in tags), entry)
    tiff += bytes(len(tiff) % 2)  # TIFF 6.0: a directory begins on a word boundary
    directory = len(entries).to_bytes(2, order) + b"".join(entries) + tiff[entries_end : entries_end + 4]
    return prefix + tiff[:4] + len(tiff).to_bytes(4, order) + tiff[8:] + directory


def orientation_of(exif: bytes) -> int:
    """The orientation EXIF asks for.

    Args:
        exif: EXIF with or without its "Exif" prefix.

    Returns:
        1 to 8; 1 where there is none, or the EXIF is damaged, as viewers take it.
    """
    tiff = exif.removeprefix(EXIF_PREFIX)
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    order = "little" if tiff.startswith(b"II") else "big"
    start = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[start : start + 2], order)
    for at in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        if int.from_bytes(tiff[at : at + 2], order) == _ORIENTATION_TAG:
            width = 2 if int.from_bytes(tiff[at + 2 : at + 4], order) == _SHORT else 4
            found = int.from_bytes(tiff[at + 8 : at + 8 + width], order)
            return found if 1 <= found <= 8 else 1
    return 1


def find_c2pa(data: bytes, format: str) -> bool:
    """Whether a file carries C2PA content credentials.

    Only the place where each format keeps them is looked at; nothing is verified.

    Args:
        data: The whole file. Damaged files are searched as far as they can be followed.
        format: As `sniff` names it: "jpeg", "png", "webp", "heif", "avif", "mp4" or "mov"; any other is False.

    Returns:
        True when a manifest store is present.

    Reference: C2PA specification 2.1, annex A (embedding manifests).
    """
    if format == "jpeg":
        return _jpeg_has_c2pa(data)
    if format == "png":
        return any(kind == b"caBX" for kind in _png_chunks(data))
    if format == "webp":
        return any(kind == b"C2PA" for kind in riff_chunks(data))
    if format in ("heif", "avif", "mp4", "mov"):
        return any(uuid == _C2PA_UUID for uuid in _bmff_uuids(data))
    return False


def _of_kinds(data: bytes, structure: JpegStructure, kinds: Collection[str]) -> list[bytes]:
    return [data[s.offset : s.offset + s.length_bytes] for s in structure.segments if s.kind in kinds]


def _model_with(structure: JpegStructure, *, jfif: bool) -> str:
    return color_model_of(structure.components, jfif=jfif, adobe_transform=structure.adobe_transform)


def _rebuilt(data: bytes, structure: JpegStructure, first: list[bytes], *, kept: Collection[str]) -> bytes:
    """The start marker, the given segments, then what decoding needs and the metadata kinds kept in place."""
    pieces = [b"\xff\xd8", *first]
    position, in_image, dropped = 2, False, False
    for segment in structure.segments[1:]:
        if in_image:
            pieces.append(_scan_data(data[position : segment.offset], after_dropped=dropped))
        position = segment.offset + segment.length_bytes
        dropped = segment.kind is not None and segment.kind not in kept
        if not dropped:
            pieces.append(data[segment.offset : position])
        in_image |= segment.marker == "SOS"
    if not structure.complete:
        pieces.append(_scan_data(data[position:], after_dropped=dropped))
    return b"".join(pieces)


def _scan_data(data: bytes, *, after_dropped: bool) -> bytes:
    """Entropy-coded data; after a dropped segment an empty comment keeps the two sides apart, as they decode now."""
    return (_EMPTY_COMMENT if after_dropped and data.strip(b"\xff") else b"") + data


def _segment(code: int, payload: bytes, what: str, name: str) -> bytes:
    if len(payload) > _MAX_PAYLOAD_BYTES:
        got, limit = f"{what} of {len(payload)} bytes", f"at most {_MAX_PAYLOAD_BYTES} with its prefix"
        raise UnsupportedMedia(name, got=got, expected=limit, remedy=f"shorten the {what} or leave it out")
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _icc_segments(icc: bytes, name: str) -> list[bytes]:
    size = _MAX_PAYLOAD_BYTES - len(_ICC_PREFIX) - 2
    parts = [icc[at : at + size] for at in range(0, len(icc), size)]
    if len(parts) > _MAX_ICC_PARTS:
        got, limit = f"an ICC profile of {len(icc)} bytes", f"at most {_MAX_ICC_PARTS * size}"
        raise UnsupportedMedia(name, got=got, expected=limit, remedy="leave it out")
    return [
        _segment(0xE2, _ICC_PREFIX + bytes((number, len(parts))) + part, "ICC profile", name)
        for number, part in enumerate(parts, start=1)
    ]


def _jpeg_has_c2pa(data: bytes) -> bool:
    try:
        return any(segment.kind == "c2pa" for segment in iter_segments(data))
    except UnreadableMedia:
        return False


def _png_chunks(data: bytes) -> Iterator[bytes]:
    position = 8
    for _ in range(_MAX_BOXES):
        kind = data[position + 4 : position + 8]
        if len(kind) < 4:
            return
        yield kind
        position += 12 + int.from_bytes(data[position : position + 4], "big")


def riff_chunks(data: bytes) -> Iterator[bytes]:
    """The kinds of the chunks of a RIFF file such as WebP, as far as it can be followed.

    Args:
        data: The whole file.

    Yields:
        Four bytes each, such as b"VP8L" for pixels coded without loss.
    """
    position = 12
    for _ in range(_MAX_BOXES):
        kind = data[position : position + 4]
        if len(kind) < 4:
            return
        yield kind
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + size + size % 2


def _bmff_uuids(data: bytes) -> Iterator[bytes]:
    """The user types of the `uuid` boxes at the top level (ISO/IEC 14496-12, 4.2)."""
    position = 0
    for _ in range(_MAX_BOXES):
        size, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        header = 8
        if size == 1:  # a 64-bit size follows
            size, header = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        if kind == b"uuid":
            yield data[position + header : position + header + 16]
        if len(kind) < 4 or size < header:  # 0 means "to the end of the file"
            return
        position += size
