"""The segments of a JPEG file and the metadata they carry, found without reading a table.

The walk runs in time linear in the file and follows no offset out of it. Like libjpeg it skips bytes between segments
that are no marker.

Source: ITU-T T.81 annex B (markers); JFIF 1.02; Exif 2.3 (APP1); ICC.1 annex B.4 (APP2); CIPA DC-007 (MPF); Adobe's XMP
part 3; C2PA 2.1 annex A.3 (APP11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from repost.core.errors import UnreadableMedia

SegmentKind: TypeAlias = Literal["jfif", "exif", "xmp", "icc", "mpf", "iptc", "c2pa", "comment", "other"]
"""What a metadata segment carries; "iptc" is everything in APP13, "other" any APPn that is not known."""

_MAX_SEGMENTS = 100_000  # far above any real file; bounds the memory a hostile one can claim

XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_PREFIX_KINDS: dict[str, tuple[tuple[bytes, SegmentKind], ...]] = {
    "APP0": ((b"JFIF\0", "jfif"), (b"JFXX\0", "jfif")),
    "APP1": ((b"Exif\0\0", "exif"), (XMP_PREFIX, "xmp"), (b"http://ns.adobe.com/xmp/extension/\0", "xmp")),
    "APP2": ((b"ICC_PROFILE\0", "icc"), (b"MPF\0", "mpf")),
    "APP13": ((b"", "iptc"),),
    "COM": ((b"", "comment"),),
}

# Every marker that may stand outside entropy-coded data. Restarts (D0-D7), stuffed zeros, fill bytes and reserved codes
# do not match, so one search finds the next segment both after a header segment and after a scan.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xef\xfe]")
_MARKER_NAMES = {
    **{0xC0 + number: f"SOF{number}" for number in range(16)},
    **{0xC4: "DHT", 0xC8: "JPG", 0xCC: "DAC", 0xD8: "SOI", 0xD9: "EOI", 0xDA: "SOS", 0xDB: "DQT"},
    **{0xDC: "DNL", 0xDD: "DRI", 0xDE: "DHP", 0xDF: "EXP", 0xFE: "COM"},
    **{0xE0 + number: f"APP{number}" for number in range(16)},
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker and its parameters: `data[offset : offset + length_bytes]`, without entropy-coded data.

    Attributes:
        marker: Name in T.81, such as "SOF2", "DQT" or "APP1".
        offset: Position of the marker's 0xFF byte in the file.
        length_bytes: Marker, length field and payload together.
        kind: What a metadata segment carries; None for what decoding needs (tables, frame, scans, Adobe APP14).
    """

    marker: str
    offset: int
    length_bytes: int
    kind: SegmentKind | None = None


@dataclass(frozen=True, slots=True)
class JpegMetadata:
    """What a JPEG carries besides its image.

    Attributes:
        jfif: A JFIF header libjpeg accepts (it makes three components YCbCr).
        exif: EXIF with its "Exif" prefix, as Pillow's `info["exif"]`.
        xmp: The main XMP packet, without its prefix.
        icc: The ICC profile put together; None when absent or when its parts do not fit together.
        iptc: An APP13 segment (Photoshop resources, IPTC) is present.
        fbmd: APP13 holds the "FBMD" mark Facebook and Instagram leave.
        c2pa: APP11 holds a C2PA manifest store.
        mpf: A multi-picture index is present; the other pictures follow the end of this one.
        comments: Contents of the comment segments.
    """

    jfif: bool
    exif: bytes | None
    xmp: bytes | None
    icc: bytes | None
    iptc: bool
    fbmd: bool
    c2pa: bool
    mpf: bool
    comments: tuple[bytes, ...]


def iter_segments(data: bytes, *, name: str = "the JPEG data") -> Iterator[Segment]:
    """Walk the segments of a JPEG from its start to its end marker.

    Args:
        data: The whole file.
        name: What error messages call it.

    Yields:
        Every segment in file order. The walk ends quietly where a file is cut after its first scan header.

    Raises:
        UnreadableMedia: Not a JPEG, or damaged or cut before its image data.
    """
    if not data.startswith(b"\xff\xd8"):
        raise UnreadableMedia(name, reason="it is empty" if not data else "it has no JPEG start marker")
    yield Segment("SOI", 0, 2)
    position, in_image = 2, False
    c2pa_instances: set[bytes] = set()
    for _ in range(_MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None:
            break
        offset = match.start()
        marker = _MARKER_NAMES[data[offset + 1]]
        if marker == "EOI":
            yield Segment("EOI", offset, 2)
            return
        length = max(2, int.from_bytes(data[offset + 2 : offset + 4], "big"))  # libjpeg too takes 0 and 1 as empty
        position = offset + 2 + length
        if marker == "SOI" or position > len(data) or offset + 4 > len(data):
            if marker != "SOI" and in_image:
                return
            fault = "starts a second image" if marker == "SOI" else "runs past the end of the file"
            raise UnreadableMedia(name, reason=f"the {marker} segment at byte {offset} {fault}")
        yield Segment(marker, offset, length + 2, _kind(marker, data[offset + 4 : position], c2pa_instances))
        in_image |= marker == "SOS"
    else:
        raise UnreadableMedia(name, reason=f"it has more than {_MAX_SEGMENTS} segments")
    if not in_image:
        raise UnreadableMedia(name, reason="it ends before its image data")


def _kind(marker: str, payload: bytes, c2pa_instances: set[bytes]) -> SegmentKind | None:
    """What a segment carries; remembers the box instances of C2PA, whose later segments repeat only the number."""
    for prefix, kind in _PREFIX_KINDS.get(marker, ()):
        if payload.startswith(prefix):
            return kind
    if marker == "APP11" and payload.startswith(b"JP") and payload[12:16] == b"jumb":
        if b"c2pa" in payload[16:128]:  # the description box: type UUID and label
            c2pa_instances.add(payload[2:4])
        if payload[2:4] in c2pa_instances:
            return "c2pa"
    if not marker.startswith("APP") or (marker == "APP14" and _is_adobe(payload)):
        return None
    return "other"


def _is_adobe(payload: bytes) -> bool:
    return len(payload) >= 12 and payload.startswith(b"Adobe")


def metadata_of(payloads: Mapping[SegmentKind, Sequence[bytes]]) -> JpegMetadata:
    """What metadata segments say together.

    Args:
        payloads: Payloads of the segments of each kind, in file order.

    Returns:
        The metadata they make up.
    """
    found = payloads
    exif = found.get("exif", [])
    xmp = (payload[len(XMP_PREFIX) :] for payload in found.get("xmp", []) if payload.startswith(XMP_PREFIX))
    return JpegMetadata(
        jfif=any(payload.startswith(b"JFIF\0") and len(payload) >= 14 for payload in found.get("jfif", [])),
        exif=b"".join([exif[0], *(payload[6:] for payload in exif[1:])]) if exif else None,
        xmp=next(xmp, None),
        icc=_joined_icc(found.get("icc", [])),
        iptc="iptc" in found,
        fbmd=any(b"FBMD" in payload for payload in found.get("iptc", [])),
        c2pa="c2pa" in found,
        mpf="mpf" in found,
        comments=tuple(found.get("comment", [])),
    )


def _joined_icc(payloads: Sequence[bytes]) -> bytes | None:
    """The profile from its numbered parts (ICC.1 annex B.4); None when any is missing, doubled or disagrees."""
    parts = sorted((payload for payload in payloads if len(payload) >= 14), key=lambda payload: payload[12])
    if not parts or len(parts) != len(payloads):
        return None
    if any((part[12], part[13]) != (number, len(parts)) for number, part in enumerate(parts, start=1)):
        return None
    return b"".join(part[14:] for part in parts)
