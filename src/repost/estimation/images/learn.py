"""Write a platform profile from findings: rules, values, how sure each is, and what no pair could show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from repost.estimation.about import About
from repost.estimation.images.finding import PairFinding, Treatment
from repost.estimation.images.overlay import overlay_step
from repost.estimation.images.quality_law import Plain, intervals, quality_law
from repost.estimation.images.schema import SCHEMA, SETTINGS, visible
from repost.estimation.rules.draft import RuleDraft, learned_profile, limits_of, wide_limits
from repost.estimation.rules.group import Group, when_in_words
from repost.estimation.rules.size_law import Law, sizes_in_words
from repost.estimation.rules.split import law_of
from repost.platforms.profile import Profile
from repost.platforms.steps import IMAGE_ENCODES, ClientSave, Orient, Resize, Step

_WRITES = (*IMAGE_ENCODES, ClientSave)


def learn(findings: Sequence[PairFinding], about: About) -> Profile:
    """Find the rules behind pairs.

    Args:
        findings: From `examine_pair`, of one network and one route.
        about: What to call it.

    Returns:
        A profile that does to each upload what was done to it, as far as rules can say. Intervals and votes are in its
        provenance; what no pair showed is listed in `unknown`. Its rules have no measured fit yet.

    Raises:
        UsageError: There are no findings.
    """
    return learned_profile(findings, about, media="image", schema=SCHEMA, draft=_draft)


def usual_treatment(findings: Sequence[PairFinding]) -> Treatment:
    """The most frequent value of every setting, over the pairs that show it."""
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        counts = Counter(shown for finding in findings if (shown := visible(finding, setting)) is not None)
        if counts:
            value = counts.most_common(1)[0][0]
            found[setting] = None if value in ("ijg", "none") else value
    if found.get("hidden") == "one":
        stages = Counter(one.treatment.hidden for one in findings if one.treatment.hidden is not None)
        found["hidden"] = stages.most_common(1)[0][0]
    if found.get("kind") != "encode":
        kept = ("kind", "scans", "exif", "xmp", "icc", "c2pa")
        found = {setting: value for setting, value in found.items() if setting in kept}
    return Treatment.model_validate(found)


def _draft(index: int, part: Group[PairFinding]) -> RuleDraft:
    treatment = usual_treatment(part.findings)
    law, rivals = law_of(part.findings, SCHEMA) if treatment.kind == "encode" else (None, [])
    resize = _with_kernel(law, treatment)
    marks = [(one.overlay, one.size_after) for one in part.findings if one.overlay is not None]
    overlay = overlay_step(marks) if len(marks) > len(part.findings) / 2 else None
    alike = [one for one in part.findings if one.treatment.codec == treatment.codec]
    quality = quality_law(alike)
    steps = treatment.steps(resize, overlay=overlay, quality=quality)  # type: ignore[arg-type]
    place = f"rules.{index}"
    provenance = limits_of(place, part)
    last = f"{place}.steps.{len(steps) - 1}{'.encode' if isinstance(steps[-1], ClientSave) else ''}"
    provenance |= dict(_of_quality(f"{last}.quality", quality, alike))
    unknown = wide_limits(provenance)
    for number, step in enumerate(steps):
        path = f"{place}.steps.{number}"
        provenance |= _of_step(path, step, part.findings, rivals)
        unknown += _not_shown(path, step, part.findings, rivals)
    when = part.when
    if treatment.kind == "transcode":  # only JPEG has coefficients to keep
        when = when.model_copy(update={"format": ("jpeg",)})
    rule = {
        "media": "image",
        "name": when_in_words(when),
        "when": when.model_dump(exclude_none=True),
        "steps": [step.model_dump(exclude_none=True) for step in steps],
    }
    return RuleDraft(rule, provenance, unknown)


def _with_kernel(law: Law, treatment: Treatment) -> Resize | None:
    if law is None:
        return None
    return law.model_copy(update={"kernel": treatment.kernel or "lanczos"})


def _of_quality(path: str, law: Plain | None, findings: Sequence[PairFinding]) -> Iterator[tuple[str, dict[str, Any]]]:
    for limit, feature, (low, high) in intervals(law, findings, path):
        yield limit, {"note": f"the quality changes between {low:g} and {high:g} of {feature}", "interval": [low, high]}


def _of_step(path: str, step: Step, findings: Sequence[PairFinding], rivals: list[Law]) -> dict[str, dict[str, Any]]:
    """How many pairs stand behind a step, and what they said."""
    found: dict[str, dict[str, Any]] = {}
    if isinstance(step, Resize):
        changed = [one for one in findings if one.resized]
        found[f"{path}.fit"] = {"n": len(changed), "note": sizes_in_words(step, rivals)}
        found |= _votes(f"{path}.kernel", "kernel", changed)
    elif isinstance(step, Orient):
        found |= _votes(path, "orient", findings)
    elif isinstance(step, _WRITES):
        prefix = f"{path}.encode" if isinstance(step, ClientSave) else path
        written = step.encode if isinstance(step, ClientSave) else step
        for setting in ("quality", "subsampling", "progressive", "optimize_huffman", "quantiser"):
            if setting in type(written).model_fields and getattr(written, setting) is not None:
                found |= _votes(f"{prefix}.{setting}", setting, findings)
        if getattr(written, "tables", None) is not None:
            nearest = Counter(f"{one.nearest_quality}" for one in findings if one.nearest_quality)
            distance = next((one.table_distance for one in findings if one.table_distance), 0)
            note = f"no IJG table; the luma table is nearest to the quality voted for, {distance} levels away in all"
            found[f"{prefix}.tables"] = {"n": len(findings), "votes": dict(nearest), "note": note}
    return found


def _votes(path: str, setting: str, findings: Sequence[PairFinding]) -> dict[str, dict[str, Any]]:
    votes = Counter(str(value) for one in findings if (value := getattr(one.treatment, setting)) is not None)
    return {path: {"n": votes.total(), "votes": dict(sorted(votes.items()))}} if votes else {}


def _not_shown(path: str, step: Step, findings: Sequence[PairFinding], rivals: list[Law]) -> list[str]:
    """Parameters of a step that no pair could show and that therefore are defaults."""
    shown = {setting for setting in SETTINGS if any(getattr(one.treatment, setting) is not None for one in findings)}
    if isinstance(step, Orient):
        return [] if "orient" in shown else [path]
    if isinstance(step, Resize):
        smaller = [one for one in findings if not one.resized or max(one.size_after) > max(one.size_before)]
        untold = {"fit": bool(rivals), "kernel": "kernel" not in shown, "upscale": not smaller}
        return [f"{path}.{name}" for name, holds in untold.items() if holds]
    if step.op == "metadata":
        kinds = ("exif", "xmp", "icc", "c2pa")
        return [f"{path}.{kind}" for kind in kinds if kind not in shown]
    if step.op == "encode" and step.codec == "jpeg":
        untold = [name for name in ("subsampling", "quantiser") if name not in shown]
        if not step.progressive and "optimize_huffman" not in shown:
            untold.append("optimize_huffman")
        return [f"{path}.{name}" for name in untold]
    return []
