"""The quantisation and Huffman tables of the JPEG standard, and the quality scale libjpeg builds on them.

Convention:
    A quantisation table is a tuple of 64 integers in natural order: row by row from the lowest frequency, vertical
    frequency downwards. Files store them in zigzag order; `to_natural_order` is the only place that converts.

Sources:
    ITU-T T.81 (ISO/IEC 10918-1): figure A.6 (zigzag), tables K.1 and K.2 (quantisation), K.3 to K.6 (Huffman).
    The quality scale is `jpeg_quality_scaling` and `jpeg_add_quant_table` of libjpeg's jcparam.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Literal, TypeAlias

from repost.core.errors import UsageError

Table: TypeAlias = tuple[int, ...]
"""A quantisation table: 64 integers in natural order."""

HuffmanTable: TypeAlias = tuple[bytes, bytes]
"""The 16 counts of codes per length, and the symbols in order of code."""

# Natural position of the n-th coefficient in a file; T.81 figure A.6.
_NATURAL_POSITIONS = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
)  # fmt: skip

# T.81 table K.1.
_ANNEX_K_LUMA: Table = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip

# T.81 table K.2.
_ANNEX_K_CHROMA: Table = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
)  # fmt: skip

# T.81 tables K.3 to K.6, as (counts per code length, symbols).
_DC_LUMA: HuffmanTable = (bytes.fromhex("00010501010101010100000000000000"), bytes(range(12)))
_DC_CHROMA: HuffmanTable = (bytes.fromhex("00030101010101010101010000000000"), bytes(range(12)))
_AC_LUMA: HuffmanTable = (
    bytes.fromhex("0002010303020403050504040000017d"),
    bytes.fromhex(
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738"
        "393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5"
        "a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
)
_AC_CHROMA: HuffmanTable = (
    bytes.fromhex("00020102040403040705040400010277"),
    bytes.fromhex(
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a353637"
        "38393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3"
        "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
)

ANNEX_K_HUFFMAN: frozenset[tuple[int, HuffmanTable]] = frozenset(
    {(0, _DC_LUMA), (0, _DC_CHROMA), (1, _AC_LUMA), (1, _AC_CHROMA)}
)
"""(class, table) of the default Huffman tables; class 0 codes DC coefficients, class 1 AC coefficients."""


def to_natural_order(zigzag: Sequence[int]) -> Table:
    """Reorder 64 values as stored in a file into natural order.

    Args:
        zigzag: 64 values in the order of a DQT segment.

    Returns:
        The same values, row by row.
    """
    natural = [0] * 64
    for position, value in zip(_NATURAL_POSITIONS, zigzag, strict=True):
        natural[position] = value
    return tuple(natural)


@cache
def ijg_tables(quality: int) -> tuple[Table, Table]:
    """The luma and chroma tables libjpeg writes at a quality.

    Args:
        quality: JPEG quality, 1 to 100.

    Returns:
        Luma and chroma tables in natural order, every entry in 1 to 255.

    Raises:
        UsageError: `quality` is out of range.

    Convention:
        libjpeg's `jpeg_set_quality(quality, force_baseline=TRUE)`, which Pillow, OpenCV and most servers call: percent
        = 5000 // quality below 50, else 200 - 2 * quality; entry = (base * percent + 50) // 100, clipped to 1..255.
    """
    if not 1 <= quality <= 100:
        raise UsageError(f"got JPEG quality {quality}, expected 1 to 100")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return _scaled(_ANNEX_K_LUMA, percent), _scaled(_ANNEX_K_CHROMA, percent)


def nearest_quality(table: Sequence[int], *, component: Literal["luma", "chroma"]) -> tuple[int, int]:
    """The libjpeg quality whose table is nearest to a given one.

    Args:
        table: 64 values in natural order.
        component: Which of the two base tables to compare with.

    Returns:
        (quality, l1_distance): quality 1 to 100 and the sum of absolute differences of the 64 entries, 0 for an exact
        match.

    Raises:
        UsageError: `table` does not have 64 entries.

    Convention:
        Of equally near qualities the highest is returned.
    """
    if len(table) != 64:
        raise UsageError(f"got a quantisation table of {len(table)} entries, expected 64 in natural order")
    return _nearest(tuple(int(entry) for entry in table), 0 if component == "luma" else 1)


@lru_cache(maxsize=512)  # whole folders share a few tables, and 100 qualities are compared with each
def _nearest(table: Table, which: int) -> tuple[int, int]:
    def distance(quality: int) -> int:
        return sum(abs(ours - theirs) for ours, theirs in zip(table, ijg_tables(quality)[which], strict=True))

    distance_l1, negative_quality = min((distance(quality), -quality) for quality in range(1, 101))
    return -negative_quality, distance_l1


def _scaled(base: Table, percent: int) -> Table:
    return tuple(min(max((entry * percent + 50) // 100, 1), 255) for entry in base)
