"""What pairs of images are compared by, and what the rules of images may depend on."""

from __future__ import annotations

from repost.estimation.images.finding import PairFinding
from repost.estimation.rules.schema import Schema

NUMBERS = (
    "long_side_px", "width_px", "pixel_count", "height_px", "short_side_px",
    "size_bytes", "bits_per_pixel", "aspect_ratio", "busyness",
)  # fmt: skip
"""Features with limits, the likeliest reason first: the first decides where several separate pairs as well."""
KINDS = ("animated", "has_alpha", "rotated")

SETTINGS = (
    "kind", "codec", "subsampling", "progressive", "optimize_huffman", "quantiser", "lossless", "palette_colours",
    "scans", "orient", "colour", "upsampling", "kernel", "cropped", "exif", "xmp", "icc", "c2pa", "hidden", "tables",
)  # fmt: skip
"""Settings of a treatment that a rule fixes; the quality is drawn."""


def visible(finding: PairFinding, setting: str) -> object:
    """A setting of a pair as something that can be counted; None where the pair cannot show it."""
    value = getattr(finding.treatment, setting)
    if setting == "tables" and finding.treatment.codec == "jpeg":
        return "ijg" if value is None else value
    if setting == "hidden" and finding.treatment.kind == "encode":
        return "none" if value is None else "one"
    return value


SCHEMA = Schema(SETTINGS, NUMBERS, ("format",), KINDS, visible)
