"""Signatures made from facts that were written down of served files, most of which are not at hand any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repost.estimation.identify.signature import JpegCoding, Signature, Trace

SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}
SPELLING = {"pintrest": "pinterest"}  # as the record spells it


def recorded(path: Path) -> Iterator[tuple[str, str, Signature]]:
    """Every recorded file.

    Args:
        path: measured_profiles.json.

    Yields:
        The platform, a label, and the signature. What was not recorded counts as not known (Huffman tables of
        baseline files, the FBMD mark) or as plain (colour profiles, the larger of which are rare).
    """
    for row in json.loads(path.read_text(encoding="utf-8")) if path.exists() else ():
        platform = SPELLING.get(row["platform"], row["platform"])
        yield platform, f"{row['platform']} {row['case']} {row['date']}"[:58], _signature(row)


def _signature(row: dict[str, Any]) -> Signature:
    width, height = row["size"]
    format_ = row["format"].lower()
    return Signature(
        format=format_,
        width_px=width,
        height_px=height,
        size_bytes=row["bytes"],
        carries=frozenset(_carried(row)),
        coding=_coding(row) if format_ == "jpeg" else None,
        lossless=True if format_ == "webp" else None,  # 10.7 bits per pixel
        fbmd=None,
    )


def _coding(row: dict[str, Any]) -> JpegCoding:
    first, second = row["sampling"][:2]
    progressive = bool(row["progressive"])
    return JpegCoding(
        luma=tuple(row["qtable_luma"]),
        chroma=tuple(row["qtable_chroma"]),
        subsampling=SUBSAMPLING[first[0] // second[0], first[1] // second[1]],
        process="progressive" if progressive else "baseline",
        optimized_huffman=True if progressive else None,
    )


def _carried(row: dict[str, Any]) -> Iterator[Trace]:
    names: tuple[tuple[str, Trace], ...] = (
        ("APP0:JFIF", "jfif"), ("APP1:Exif", "exif"), ("APP2:ICC", "plain_icc"), ("APP13", "iptc"), ("FE", "comment"),
    )  # fmt: skip
    for marker, trace in names:
        if any(found.startswith(marker) for found in row.get("markers", ())):
            yield trace
