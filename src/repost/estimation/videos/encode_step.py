"""The encode step behind videos of one rule: what their streams agree on, and what was proven of some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from repost.channel.video.settings import ENCODERS
from repost.estimation.videos.finding import Structure, VideoFinding, encoder_profile, likeliest_preset
from repost.estimation.videos.rate_law import as_value, average_preset, rate_law

T = TypeVar("T")


def encode_step(same: Sequence[VideoFinding]) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]:
    """Find the encode step behind some videos.

    Args:
        same: Findings of one rule and one standard, none kept; at least one.

    Returns:
        The step as plain data, the provenance of its fields, and the fields that are not known.
    """
    structures = [one.structure for one in same]
    codec = structures[0].codec
    encoder = ENCODERS.get(codec, "libx264")
    x264 = encoder == "libx264"
    step: dict[str, Any] = {"op": "encode", "codec": codec if codec in ENCODERS else "h264", "encoder": encoder}
    unknown: list[str] = [] if any(map(_is_known, same)) else ["encoder"]
    step["profile"] = encoder_profile(encoder, _most([one.profile for one in structures]))
    step["pixel_format"] = _most([one.pixel_format for one in structures])
    if x264:
        step["level"] = (
            None if any(one.own_level for one in structures) else _constant([one.level for one in structures])
        )
        effort, surely = _effort(same)
        step |= effort
        if not surely:
            unknown.append("preset")
    step |= _group_length(same)
    step["threads"] = _threads(structures)
    if step["threads"] is None:
        unknown.append("threads")
    rate, provenance, untold = rate_law(same)
    step["rate"] = rate
    fidelities = [one.rate.psnr_db for one in same if one.rate and one.rate.psnr_db]
    if fidelities:
        step["psnr_db"] = as_value(fidelities)
    provenance |= _structure_votes(structures)
    return {name: value for name, value in step.items() if value is not None}, provenance, [*unknown, *untold]


def _is_known(finding: VideoFinding) -> bool:
    """Whether a finding proves the encoder."""
    return bool(finding.structure.encoder or (finding.rate and finding.rate.proven_crf is not None))


def _effort(findings: Sequence[VideoFinding]) -> tuple[dict[str, Any], bool]:
    """The preset most streams agree with, the references and the B-frames; and whether the preset is sure."""
    structures = [one.structure for one in findings]
    counts = Counter(preset for one in structures for preset in one.presets)
    found: dict[str, Any] = {"b_frames": max(one.b_frames for one in structures)}
    if references := _constant([one.references for one in structures]):
        found["references"] = references
    if not counts:
        return found, False
    likeliest = [preset for preset, count in counts.items() if count == max(counts.values())]
    nearest = average_preset(findings)
    found["preset"] = nearest if nearest in likeliest else likeliest_preset(likeliest)
    return found, len(likeliest) == 1 or nearest in likeliest


def _threads(structures: Sequence[Structure]) -> int | None:
    """The number most streams were made with.

    The output of some clips is the same for several numbers, of which 1 is tried first: so that any other counts more.
    """
    votes = Counter(one.threads for one in structures if one.threads)
    others = Counter({number: count for number, count in votes.items() if number != 1})
    return (others or votes).most_common(1)[0][0] if votes else None


def _group_length(findings: Sequence[VideoFinding]) -> dict[str, Any]:
    """Groups of the same most frames or seconds in all streams; none where a stream has a longer one."""
    known = [one for one in findings if one.structure.longest_gop is not None]
    if not known:
        return {}
    frames = [one.structure.longest_gop or 0 for one in known]
    seconds = [gop / one.fps_after for gop, one in zip(frames, known, strict=True)]
    proven = any(one.structure.longest_gop is None and one.exact for one in findings)
    fixed = not proven and all(one.structure.fixed_gop is not False for one in findings)
    fixed = fixed and any(one.structure.fixed_gop for one in findings)
    if len(set(frames)) == 1 and all(one.structure.longest_run <= frames[0] for one in findings):
        return {"gop_frames": frames[0], "scene_cut": not fixed}
    longest_s = max(one.structure.longest_run / one.fps_after for one in findings)
    if max(seconds) - min(seconds) <= _SAME_GOP * max(seconds) and longest_s <= (1 + _SAME_GOP) * max(seconds):
        mean_s = sum(seconds) / len(seconds)
        told_s = round(mean_s, 1)
        fits = all(round(told_s * one.fps_after) == gop for gop, one in zip(frames, known, strict=True))
        return {"gop_s": told_s if fits else round(mean_s, 3), "scene_cut": not fixed}
    return {}


_SAME_GOP = 0.02


def _structure_votes(structures: Sequence[Structure]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, values in (
        ("preset", [" or ".join(one.presets) for one in structures if one.presets]),
        ("references", [str(one.references) for one in structures if one.references]),
        ("b_frames", [str(one.b_frames) for one in structures]),
        ("level", [one.level for one in structures if one.level]),
    ):
        votes = Counter(values)
        if votes:
            found[name] = {"n": votes.total(), "votes": dict(sorted(votes.items()))}
    return found


def _most(values: Sequence[T]) -> T:
    return Counter(values).most_common(1)[0][0]


def _constant(values: Sequence[Any]) -> Any:  # noqa: ANN401 - whatever the values are
    known = {value for value in values if value is not None}
    return known.pop() if len(known) == 1 else None
