"""Write a platform profile from findings on videos: rules, values, how sure each is, and what no pair could show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from repost.estimation.about import About
from repost.estimation.rules.draft import RuleDraft, learned_profile, limits_of, wide_limits
from repost.estimation.rules.group import Group
from repost.estimation.rules.schema import Schema
from repost.estimation.rules.size_law import LINES_PX, Law, SizeHabits, sizes_in_words
from repost.estimation.rules.split import law_of
from repost.estimation.videos.encode_step import encode_step
from repost.estimation.videos.finding import VideoFinding
from repost.estimation.videos.rate_law import as_value
from repost.platforms.profile import Profile

SAME_FRAME_RATE = 0.005
"""Frame rates within half a percent are one: 30 and 30000/1001 differ by a thousandth."""


def shown_setting(finding: VideoFinding, setting: str) -> object:
    """A setting of a pair as something that can be counted; None where the pair cannot show it."""
    if setting == "kind":
        return "kept" if finding.kept else "encoded"
    if finding.kept:
        return None
    if setting == "oriented":
        return finding.oriented
    if setting == "sound":
        return finding.sound.action if finding.sound else None
    if setting == "crf":
        return finding.rate.proven_crf if finding.rate else None
    return getattr(finding.structure, setting)


SCHEMA = Schema(
    settings=("kind", "codec", "profile", "pixel_format", "oriented", "sound", "crf"),
    numbers=(
        "short_side_px", "long_side_px", "pixel_count", "width_px", "height_px", "fps", "duration_s", "size_bytes",
        "bitrate_bps", "aspect_ratio",
    ),
    lists=("codec", "format"),
    kinds=("rotated",),
    shown=shown_setting,
    # Chroma at half resolution knows no odd sides; renditions are named by their lines.
    sizes=SizeHabits(multiple_of=2, first_fit="short_side", usual_px=LINES_PX),
)  # fmt: skip
"""What is compared between pairs of videos, and what rules may depend on, the likeliest reason first."""


def learn_videos(findings: Sequence[VideoFinding], about: About) -> Profile:
    """Find the rules behind pairs of videos.

    Args:
        findings: From `examine_video_pair`, of one network and one route.
        about: What to call it.

    Returns:
        A profile that does to each upload what was done to it, as far as rules can say. Intervals and votes are in its
        provenance; what no pair showed is listed in `unknown`. Its rules have no measured fit yet.

    Raises:
        UsageError: There are no findings.
    """
    return learned_profile(findings, about, media="video", schema=SCHEMA, draft=_draft)


def _draft(index: int, part: Group[VideoFinding]) -> RuleDraft:
    findings = part.findings
    limits = limits_of(f"rules.{index}", part)
    rule: dict[str, Any] = {"media": "video", "name": part.name, "when": part.when.model_dump(exclude_none=True)}
    draft = RuleDraft(rule, limits, wide_limits(limits))
    if usual_setting(findings, "kind") == "kept":
        draft.rule["steps"] = [{"op": "passthrough"}]
        return draft
    encoded = [one for one in findings if not one.kept]
    steps: list[dict[str, Any]] = []
    draft.rule["steps"] = steps
    for step, provenance, unknown in _steps(encoded):
        path = f"rules.{index}.steps.{len(steps)}"
        draft.provenance |= {f"{path}.{name}": found for name, found in provenance.items()}
        draft.unknown += [f"{path}.{name}" if name else path for name in unknown]
        steps.append(step)
    return draft


_Step = tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]
"""A step, the provenance of its fields, and those that are not known; "" stands for the step itself."""


def _steps(findings: Sequence[VideoFinding]) -> Iterator[_Step]:
    oriented = usual_setting(findings, "oriented")
    if oriented is not False:
        yield {"op": "orient"}, {}, [""] if oriented is None else []
    law, rivals = law_of(findings, SCHEMA)
    if law is not None:
        yield _resize(law, rivals, findings)
    if frame_rate := _frame_rate(findings):
        yield frame_rate
    yield encode_step([one for one in findings if one.structure.codec == usual_setting(findings, "codec")])
    if sound := _sound(findings):
        yield sound
    strip = not any(one.structure.encoder for one in findings)
    yield {"op": "container", "format": _container(findings), "strip_sei": strip}, {}, []


def _resize(law: Law, rivals: Sequence[Law], findings: Sequence[VideoFinding]) -> _Step:
    assert law is not None, "only asked where sizes change"
    votes = Counter(one.kernel for one in findings if one.kernel)
    kernel, surely = _kernel(findings)
    changed = [one for one in findings if one.resized]
    provenance: dict[str, dict[str, Any]] = {"fit": {"n": len(changed), "note": sizes_in_words(law, rivals)}}
    if votes:
        provenance["kernel"] = {"n": votes.total(), "votes": dict(sorted(votes.items()))}
    untold = {"kernel": not surely, "fit": bool(rivals)}
    step = {**law.model_dump(exclude_none=True), "kernel": kernel}
    return step, provenance, [name for name, holds in untold.items() if holds]


def _kernel(findings: Sequence[VideoFinding]) -> tuple[str, bool]:
    """The kernel that was proven most often, else the one nearest over all pairs; and whether that is sure."""
    proven = Counter(one.kernel for one in findings if one.kernel and one.same_pictures)
    if proven:
        return str(proven.most_common(1)[0][0]), True
    tried = [one.kernel_errors for one in findings if one.kernel_errors and min(one.kernel_errors.values()) > 0]
    if not tried:
        return "bicubic", False
    # Errors of clips differ by orders of magnitude: what counts is by what factor a kernel is farther than another.
    return min(tried[0], key=lambda kernel: sum(math.log(errors[kernel]) for errors in tried)), False


def _frame_rate(findings: Sequence[VideoFinding]) -> _Step | None:
    changed = [one for one in findings if abs(one.fps_after / one.features.fps - 1) > SAME_FRAME_RATE]
    if not changed:
        return None
    rates = Counter(round(one.fps_after, 3) for one in changed)
    wanted = rates.most_common(1)[0][0]
    cap = all(one.features.fps > wanted for one in changed)
    step = {"op": "frame_rate", "fps": wanted, "cap": cap}
    return step, {"fps": {"n": len(changed), "votes": {str(rate): count for rate, count in sorted(rates.items())}}}, []


def _sound(findings: Sequence[VideoFinding]) -> _Step | None:
    sounds = [one.sound for one in findings if one.sound is not None]
    if not sounds:
        return {"op": "audio", "action": "copy"}, {}, ["action"]
    action = Counter(one.action for one in sounds).most_common(1)[0][0]
    provenance = {"action": {"n": len(sounds), "votes": dict(sorted(Counter(one.action for one in sounds).items()))}}
    if action != "encode":
        return {"op": "audio", "action": action}, provenance, []
    encoded = [one for one in sounds if one.action == "encode"]
    codec = Counter(one.codec for one in encoded).most_common(1)[0][0]
    bitrates = [float(one.bitrate_bps or 0) for one in encoded]
    bitrates = [one for one in bitrates if one >= _SILENCE_BPS] or bitrates
    return {"op": "audio", "action": action, "codec": codec, "bitrate_bps": as_value(bitrates)}, provenance, []


_SILENCE_BPS = 8000
"""Sound of fewer bits is silence, whose bitrate tells nothing of the encoder's: FFmpeg's AAC writes 2 kbit/s of it."""


def _container(findings: Sequence[VideoFinding]) -> str:
    return "webm" if usual_setting(findings, "codec") in ("vp9",) else "mp4"


def usual_setting(findings: Sequence[VideoFinding], setting: str) -> object:
    """The value that a setting has most often, over the pairs that show it; None where none does."""
    counts = Counter(shown for one in findings if (shown := shown_setting(one, setting)) is not None)
    return counts.most_common(1)[0][0] if counts else None
