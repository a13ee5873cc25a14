"""Manifest rows of `emulate` and `demo`, read back as what the reports need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from repost.channel.trace import Trace


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured between upload and served file; see `repost.channel.compare.Fidelity`."""

    psnr_db: float | None = None
    ssim: float | None = None
    identical: bool | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one share, as paths from the page, with forward slashes.

    Attributes:
        upload: The uploaded file.
        before: Preview of the upload at the served size.
        after: Preview of the served picture.
        difference: The amplified difference of the two.
        width_px: Of the three previews.
        height_px: Of the three previews.
        reduced: How many served pixels, across, make one of the previews.
    """

    upload: str
    before: str
    after: str
    difference: str
    width_px: int
    height_px: int
    reduced: int = 1


@dataclass(frozen=True, slots=True)
class Share:
    """One photograph on one platform.

    Attributes:
        source: What the photograph is called.
        platform: The platform as it was asked for.
        status: "done", "failed" or "skipped"; "planned" in a dry run.
        error: Why it is not done.
        output: The served file, as a path from the page.
        rule: The rule that would be followed, in rows of a dry run.
        trace: What was done.
        metrics: What was measured.
        pictures: Previews, where they were drawn.
    """

    source: str
    platform: str
    status: Literal["done", "failed", "skipped", "planned"]
    error: str | None = None
    output: str | None = None
    rule: str | None = None
    trace: Trace | None = None
    metrics: Measured | None = None
    pictures: Pictures | None = None


_shares = TypeAdapter(Share)
_traces = TypeAdapter(Trace)


def share_of(row: Mapping[str, object]) -> Share:
    """A manifest row as a share; keys it does not need are left alone.

    Raises:
        ValueError: The row is none of a share.
    """
    return _shares.validate_python(dict(row))


def trace_of(row: Mapping[str, object]) -> Trace:
    """The trace in a manifest row that is done.

    Raises:
        ValueError: The row has no trace.
    """
    return _traces.validate_python(row.get("trace"))
