"""A platform profile as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from repost.platforms import Profile
from repost.platforms.conditions import Range, When
from repost.platforms.profile import Fit, Rule
from repost.platforms.values import ByFeature, Choice, Data, Samples

_LIMITS = (("over", "over"), ("at_least", "at least"), ("under", "under"), ("at_most", "at most"))


def describe_profile(profile: Profile) -> str:
    """Everything a profile says, in lines of text.

    Args:
        profile: The profile.

    Returns:
        Summary, rules with their steps (a question mark after what is assumed), evidence and notes.
    """
    return "\n".join(_lines(profile))


def _lines(profile: Profile) -> Iterator[str]:
    yield f"{profile.id}" + (f" ({profile.client})" if profile.client else "")
    yield f"  {profile.summary}"
    if profile.example:
        yield "  An example: it describes no real network, and all of it is made up."
    for index, rule in enumerate(profile.rules):
        yield ""
        yield f"{rule.media} rule {index + 1}: {rule.name}"
        yield f"  when  {_conditions(rule.when)}"
        yield from _steps(profile, index, rule)
        if rule.fit:
            yield f"  fit   {_fit(rule.fit)}"
    yield ""
    yield "evidence"
    for evidence in profile.evidence:
        details = ", ".join(part for part in (evidence.observed, f"n = {evidence.n}" if evidence.n else None) if part)
        note = f": {evidence.note}" if evidence.note else ""
        yield f"  {evidence.kind}  {evidence.source}{f' ({details})' if details else ''}{note}"
    notes = {path: known.note for path, known in profile.provenance.items() if known.note}
    if notes:
        yield ""
        yield "notes"
        yield from (f"  {path}: {note}" for path, note in notes.items())
    if profile.unknown:
        yield ""
        yield "assumed, not known (marked ? above)"
        yield from (f"  {path}" for path in profile.unknown)


def _steps(profile: Profile, index: int, rule: Rule) -> Iterator[str]:
    for place, step in enumerate(rule.steps):
        doubtful = profile.assumed(index, place)
        yield f"  {'then' if place else 'does'}  {_step(step, doubtful)}{' ?' if 'op' in doubtful else ''}"


def _step(step: Data, doubtful: tuple[str, ...]) -> str:
    said = [str(op)] if (op := getattr(step, "op", None)) else []
    for name in type(step).model_fields:
        value = getattr(step, name)
        doubt = "?" if any(path == name or path.startswith(f"{name}.") for path in doubtful) else ""
        if name != "op" and value is not None and (name in step.model_fields_set or doubt):
            said.append(f"{name} {_value(value)}{doubt}")
    return ", ".join(said)


def _value(value: object) -> str:
    if isinstance(value, Choice):
        chances = value.weights or (1.0,) * len(value.choice)
        shares = (
            f"{number} ({weight / sum(chances):.0%})" for number, weight in zip(value.choice, chances, strict=True)
        )
        return "one of " + " ".join(shares)
    if isinstance(value, Samples):
        return f"one of {len(value.samples)} measured, {min(value.samples)} to {max(value.samples)}"
    if isinstance(value, ByFeature):
        bands = "; ".join(f"{_value(band.value)} under {band.under:g}" for band in value.bands)
        return f"by {value.by} [{bands}; else {_value(value.otherwise)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Data):
        return f"[{_step(value, ())}]"
    return "verbatim" if isinstance(value, tuple) else str(value)


def _conditions(when: When) -> str:
    if when.always:
        return "always"
    return ", ".join(_condition(name, getattr(when, name)) for name in type(when).model_fields if name in when.given)


def _condition(name: str, wanted: object) -> str:
    if isinstance(wanted, Range):
        limits = [f"{word} {limit:g}" for field, word in _LIMITS if (limit := getattr(wanted, field)) is not None]
        return f"{name} {' and '.join(limits)}"
    if isinstance(wanted, bool):
        return name if wanted else f"not {name}"
    names = cast("tuple[str, ...]", wanted) if isinstance(wanted, tuple) else (str(wanted),)
    return f"{name} {' or '.join(names)}"


def _fit(fit: Fit) -> str:
    parts = [f"n = {fit.n}", f"exact share {fit.exact_share:.3f}"]
    if fit.psnr_db_emulated is not None:
        parts.append(f"emulated to real {fit.psnr_db_emulated:.1f} dB")
    if fit.psnr_db_source is not None:
        parts.append(f"upload to real {fit.psnr_db_source:.1f} dB")
    return ", ".join(parts) + (f" ({fit.note})" if fit.note else "")
