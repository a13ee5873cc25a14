"""What a JPEG file says about itself: frame, tables, scans and metadata, read without decoding a pixel.

The reader takes files from strangers. It runs in time linear in the file, follows no offset out of the file, and every
fault it cannot read past is an `UnreadableMedia`. Like libjpeg it skips bytes between segments that are no marker, and
it accepts a file that is cut after its image data began: `JpegStructure.complete` says so.

Source: ITU-T T.81 annex B (markers), JFIF 1.02, and libjpeg's jdmarker.c and jdapimin.c where files differ from T.81.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from repost.core.errors import UnreadableMedia
from repost.media.jpeg_segments import JpegMetadata, Segment, SegmentKind, iter_segments, metadata_of
from repost.media.jpeg_tables import ANNEX_K_HUFFMAN, Table, ijg_tables, nearest_quality, to_natural_order

Process: TypeAlias = Literal["baseline", "extended", "progressive"]
ColorModel: TypeAlias = Literal["grey", "ycbcr", "rgb", "cmyk", "ycck", "unknown"]

_MAX_COMPONENTS = 4
_TABLE_SLOTS = 4  # T.81 B.2.4: table destinations 0 to 3

_PROCESSES: dict[str, Process] = {
    "SOF0": "baseline",
    "SOF1": "extended",
    "SOF2": "progressive",
    "SOF9": "extended",
    "SOF10": "progressive",
}
_RATIO_NAMES = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}


@dataclass(frozen=True, slots=True)
class Component:
    """One colour component of the frame.

    Attributes:
        id: Identifier, 0 to 255.
        h: Horizontal sampling factor, 1 to 4.
        v: Vertical sampling factor, 1 to 4.
        table_id: Quantisation table it uses.
    """

    id: int
    h: int
    v: int
    table_id: int


@dataclass(frozen=True, slots=True)
class JpegStructure:
    """How a JPEG was made.

    Attributes:
        width_px: Width, 1 to 65535.
        height_px: Height, 1 to 65535.
        precision_bits: Bits per sample, 8 or 12.
        process: How coefficients are sent.
        arithmetic_coding: Arithmetic instead of Huffman coding.
        components: In the order of the frame.
        quant_tables: Tables in natural order by id. Of a table defined again between scans, the one in force at the
            first scan that uses it, as libjpeg decodes it.
        quant_precision_bits: 16 when any table is stored in 16 bits, else 8.
        restart_interval_mcu: MCUs between restart markers at the first scan, 0 for none.
        scan_count: Scans present.
        optimized_huffman: A Huffman table differs from the defaults of T.81 annex K.
        adobe_transform: Colour transform of the Adobe APP14 segment, None without one.
        complete: An end-of-image marker closes the file; False for a file cut short.
        trailing_bytes: Bytes after the end of the image.
        metadata: What the file carries besides its image.
        segments: Every segment in file order.
    """

    width_px: int
    height_px: int
    precision_bits: int
    process: Process
    arithmetic_coding: bool
    components: tuple[Component, ...]
    quant_tables: dict[int, Table] = field(hash=False)
    quant_precision_bits: Literal[8, 16]
    restart_interval_mcu: int
    scan_count: int
    optimized_huffman: bool
    adobe_transform: int | None
    complete: bool
    trailing_bytes: int
    metadata: JpegMetadata
    segments: tuple[Segment, ...]

    @property
    def subsampling(self) -> str:
        """Chroma subsampling: "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "grey" or "other"."""
        if len(self.components) == 1:
            return "grey"
        if len(self.components) == 2:
            return "other"
        first, second, third, *fourth = ((c.h, c.v) for c in self.components)
        if second != third or any(factors != first for factors in fourth):
            return "other"
        if first[0] % second[0] or first[1] % second[1]:
            return "other"
        return _RATIO_NAMES.get((first[0] // second[0], first[1] // second[1]), "other")

    @property
    def color_model(self) -> ColorModel:
        """The colour model libjpeg reads the components as."""
        return color_model_of(self.components, jfif=self.metadata.jfif, adobe_transform=self.adobe_transform)

    def table_of(self, component_index: int) -> Table:
        """The quantisation table of a component, counted from 0."""
        return self.quant_tables[self.components[component_index].table_id]


def parse_jpeg(data: bytes, *, name: str = "the JPEG data") -> JpegStructure:
    """Read the structure of a JPEG file.

    Args:
        data: The whole file.
        name: What error messages call it.

    Returns:
        Its structure. Of a multi-picture file, that of the first picture.

    Raises:
        UnreadableMedia: Not a JPEG, damaged or cut before its image data, or of a process libjpeg cannot decode
            (lossless, hierarchical).
    """
    reading = _Reading(name)
    for segment in iter_segments(data, name=name):
        reading.take(segment, data[segment.offset + 4 : segment.offset + segment.length_bytes])
    return reading.structure(len(data))


def exact_quality(structure: JpegStructure) -> int | None:
    """The libjpeg quality that wrote exactly these tables.

    Args:
        structure: A parsed JPEG.

    Returns:
        The quality, 1 to 100, at which every component's table is libjpeg's own; None when there is none.

    Convention:
        libjpeg's `jpeg_set_colorspace`: the chroma table for the second and third component of YCbCr and YCCK, the luma
        table for all else (grey, RGB, CMYK, K).
    """
    quality, distance = nearest_quality(structure.table_of(0), component="luma")
    if distance:
        return None
    luma, chroma = ijg_tables(quality)
    has_chroma = structure.color_model in ("ycbcr", "ycck")
    expected = [chroma if has_chroma and index in (1, 2) else luma for index in range(len(structure.components))]
    return quality if all(structure.table_of(i) == table for i, table in enumerate(expected)) else None


def color_model_of(components: tuple[Component, ...], *, jfif: bool, adobe_transform: int | None) -> ColorModel:
    """The colour model libjpeg assumes for a frame.

    Args:
        components: Of the frame.
        jfif: The file has a JFIF header.
        adobe_transform: Transform of the Adobe segment, None without one.

    Returns:
        The model of the stored components.

    Convention:
        `default_decompress_parms` of libjpeg's jdapimin.c: JFIF wins over Adobe, Adobe over component ids, and three
        components with ids "RGB" are RGB.
    """
    if len(components) == 1:
        return "grey"
    if len(components) == 3:
        if jfif:
            return "ycbcr"
        if adobe_transform is not None:
            return "rgb" if adobe_transform == 0 else "ycbcr"
        return "rgb" if bytes(component.id for component in components) == b"RGB" else "ycbcr"
    if len(components) == 4:
        return "cmyk" if adobe_transform in (None, 0) else "ycck"
    return "unknown"


@dataclass(slots=True)
class _Reading:
    """What has been read so far; `take` each segment in order, then ask for the `structure`."""

    name: str
    segments: list[Segment] = field(default_factory=list[Segment])
    payloads: dict[SegmentKind, list[bytes]] = field(default_factory=dict["SegmentKind", "list[bytes]"])
    frame: tuple[str, int, int] | None = None  # marker, precision, width
    height_px: int = 0
    components: tuple[Component, ...] = ()
    tables: dict[int, Table] = field(default_factory=dict[int, Table])
    tables_used: dict[int, Table] = field(default_factory=dict[int, Table])
    wide_tables: bool = False
    restart_interval_mcu: int = 0
    scan_count: int = 0
    optimized_huffman: bool = False
    adobe_transform: int | None = None

    def take(self, segment: Segment, payload: bytes) -> None:
        self.segments.append(segment)
        marker = segment.marker
        if segment.kind is not None:
            self.payloads.setdefault(segment.kind, []).append(payload)
        elif marker == "DQT":
            self._take_quant_tables(payload)
        elif marker == "DHT":
            self._take_huffman_tables(payload)
        elif marker == "SOS":
            self._take_scan(payload)
        elif marker == "APP14":
            self.adobe_transform = payload[11]
        elif marker == "DNL":
            self.height_px = self.height_px or int.from_bytes(payload[:2], "big")
        elif marker == "DRI":
            self._require(len(payload) == 2, f"its DRI segment holds {len(payload)} bytes instead of 2")
            if not self.scan_count:
                self.restart_interval_mcu = int.from_bytes(payload, "big")
        elif marker not in ("SOI", "EOI", "DAC"):
            self._take_frame(marker, payload)

    def _require(self, holds: bool, reason: str) -> None:
        if not holds:
            raise UnreadableMedia(self.name, reason=reason)

    def _take_quant_tables(self, payload: bytes) -> None:
        position = 0
        while position < len(payload):
            wide, table_id = divmod(payload[position], 16)  # T.81 knows 0 and 1; libjpeg takes all but 0 as 16 bits
            end = position + 1 + (128 if wide else 64)
            self._require(table_id < _TABLE_SLOTS and end <= len(payload), "a quantisation table is malformed")
            raw = payload[position + 1 : end]
            values = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, 128, 2)] if wide else list(raw)
            self.tables[table_id] = to_natural_order(values)
            self.wide_tables |= bool(wide)
            position = end

    def _take_huffman_tables(self, payload: bytes) -> None:
        position = 0
        while position < len(payload):
            table_class, table_id = divmod(payload[position], 16)
            counts = payload[position + 1 : position + 17]
            end = position + 17 + sum(counts)
            fits = table_class <= 1 and table_id < _TABLE_SLOTS and sum(counts) <= 256 and end <= len(payload)
            self._require(fits, "a Huffman table is malformed")
            table = (counts, payload[position + 17 : end])
            self.optimized_huffman |= (table_class, table) not in ANNEX_K_HUFFMAN
            position = end

    def _take_frame(self, marker: str, payload: bytes) -> None:
        self._require(marker in _PROCESSES, f"its coding process {marker} is lossless, hierarchical or unknown")
        self._require(self.frame is None, "it has two frame headers")
        count = payload[5] if len(payload) >= 6 else 0
        sized = 1 <= count <= _MAX_COMPONENTS and len(payload) == 6 + 3 * count
        self._require(sized, "its frame header is malformed")
        precision_bits, width_px = payload[0], int.from_bytes(payload[3:5], "big")
        self._require(precision_bits in ((8,) if marker == "SOF0" else (8, 12)), f"it has {precision_bits}-bit samples")
        self._require(width_px > 0, "its width is 0")
        self.frame = (marker, precision_bits, width_px)
        self.height_px = int.from_bytes(payload[1:3], "big")
        self.components = tuple(
            Component(payload[at], payload[at + 1] >> 4, payload[at + 1] & 15, payload[at + 2])
            for at in range(6, len(payload), 3)
        )
        sampled = all(1 <= factor <= 4 for c in self.components for factor in (c.h, c.v))
        self._require(sampled, "a sampling factor is not 1 to 4")

    def _take_scan(self, payload: bytes) -> None:
        self._require(self.frame is not None, "its image data comes before its frame header")
        count = payload[0] if payload else 0
        sized = 1 <= count <= _MAX_COMPONENTS and len(payload) == 4 + 2 * count
        self._require(sized, "a scan header is malformed")
        for component_id in payload[1 : 1 + 2 * count : 2]:
            component = next((c for c in self.components if c.id == component_id), None)
            self._require(component is not None, f"a scan names component {component_id}, which the frame lacks")
            table_id = cast(Component, component).table_id
            self._require(table_id in self.tables, f"quantisation table {table_id} is missing")
            self.tables_used.setdefault(table_id, self.tables[table_id])
        self.scan_count += 1

    def structure(self, size_bytes: int) -> JpegStructure:
        self._require(self.frame is not None and self.scan_count > 0, "it has no image data")
        tabled = all(component.table_id in self.tables for component in self.components)
        self._require(tabled, "a quantisation table is missing")
        self._require(self.height_px > 0, "its height is 0 and no DNL segment gives it")
        marker, precision_bits, width_px = cast("tuple[str, int, int]", self.frame)
        last = self.segments[-1]
        complete = last.marker == "EOI"
        return JpegStructure(
            width_px=width_px,
            height_px=self.height_px,
            precision_bits=precision_bits,
            process=_PROCESSES[marker],
            arithmetic_coding=marker in ("SOF9", "SOF10"),
            components=self.components,
            quant_tables=dict(sorted((self.tables | self.tables_used).items())),
            quant_precision_bits=16 if self.wide_tables else 8,
            restart_interval_mcu=self.restart_interval_mcu,
            scan_count=self.scan_count,
            optimized_huffman=self.optimized_huffman,
            adobe_transform=self.adobe_transform,
            complete=complete,
            trailing_bytes=size_bytes - last.offset - last.length_bytes if complete else 0,
            metadata=metadata_of(self.payloads),
            segments=tuple(self.segments),
        )
