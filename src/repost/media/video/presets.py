"""x264's presets, and which of them the headers of a stream agree with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repost.media.video.headers import H264Headers

_FULL_COLOUR = 3
_FULL_COLOUR_OFFSET = 6
"""chroma_format_idc of 4:4:4, for which x264 raises the chroma offset (x264's encoder/set.c)."""


@dataclass(frozen=True, slots=True)
class PresetTraits:
    """What a preset of x264 leaves in its streams, where nothing overrides it.

    Attributes:
        references: num_ref_idx_l0_default_active of the headers.
        chroma_qp_offset: chroma_qp_index_offset of the headers, for 4:2:0.
        plain: Whether CABAC, 8x8 transforms and weights are all off, in any profile.
        b_frames: Most B-frames in a row.
        subme: Subpixel refinement, which only the encoder's own message tells.
        search: Motion search, likewise.
        trellis: Likewise.
    """

    references: int
    chroma_qp_offset: int
    plain: bool
    b_frames: int
    subme: int
    search: str
    trellis: int


X264_PRESETS: Mapping[str, PresetTraits] = {
    "ultrafast": PresetTraits(1, 0, True, 0, 0, "dia", 0),
    "superfast": PresetTraits(1, 0, False, 3, 1, "dia", 0),
    "veryfast": PresetTraits(1, 0, False, 3, 2, "hex", 0),
    "faster": PresetTraits(2, 0, False, 3, 4, "hex", 1),
    "fast": PresetTraits(2, -2, False, 3, 6, "hex", 1),
    "medium": PresetTraits(3, -2, False, 3, 7, "hex", 1),
    "slow": PresetTraits(5, -2, False, 3, 8, "hex", 2),
    "slower": PresetTraits(8, -2, False, 3, 9, "umh", 2),
    "veryslow": PresetTraits(16, -2, False, 8, 10, "umh", 2),
    "placebo": PresetTraits(16, -2, False, 16, 11, "tesa", 2),
}
"""Every preset, fastest first (param_apply_preset of x264's common/base.c); a test encodes with each and reads it."""


def presets_like(headers: H264Headers, *, longest_b_run: int | None = None) -> tuple[str, ...]:
    """The presets of x264 that headers agree with.

    Headers cannot tell superfast from veryfast; without CABAC, as in Baseline, ultrafast from those two; nor veryslow
    from placebo, unless more than 8 B-frames follow each other. A level that was asked for can lower the references of
    the slow presets, and `tune` changes references and offset.

    Args:
        headers: Of an H.264 stream. Other encoders have headers like these too.
        longest_b_run: Most B-frames in a row, where frames have been looked at.

    Returns:
        Names, fastest first; empty where no preset leaves such headers.
    """
    plain = not (headers.cabac or headers.transform_8x8 or headers.weighted_p or headers.weighted_b)
    return tuple(
        name
        for name, traits in X264_PRESETS.items()
        if traits.references == headers.references
        and traits.chroma_qp_offset == subsampled_offset(headers)
        and (plain or not traits.plain)
        and (longest_b_run or 0) <= traits.b_frames
    )


def subsampled_offset(headers: H264Headers) -> int:
    """The chroma offset that the same settings of x264 leave with 4:2:0."""
    raised = _FULL_COLOUR_OFFSET if headers.chroma_format_idc == _FULL_COLOUR else 0
    return headers.chroma_qp_offset - raised


def preset_of_settings(settings: Mapping[str, str]) -> str | None:
    """The preset of x264 by its own message.

    Args:
        settings: As `parse_encoder_settings` gives them.

    Returns:
        The preset with this subpixel refinement, motion search and trellis, which are seldom set one by one; None
        where none has all three, or the message is not x264's.
    """
    if not settings.get("encoder", "").startswith("x264"):
        return None
    said = tuple(settings.get(name) for name in ("subme", "me", "trellis"))
    for name, traits in X264_PRESETS.items():
        if said == (str(traits.subme), traits.search, str(traits.trellis)):
            return name
    return None
