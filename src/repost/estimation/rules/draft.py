"""From drafts of rules to a profile, for images and for videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from repost.core.errors import UsageError
from repost.estimation.about import About
from repost.estimation.rules.group import Group, group
from repost.estimation.rules.schema import FindingT, Schema
from repost.estimation.rules.split import Limit
from repost.platforms.profile import Profile

_WIDE = 1.25
"""A limit whose interval ends differ by more than this factor is marked as not known."""


@dataclass(slots=True)
class RuleDraft:
    """A rule in the making, as plain data.

    Attributes:
        rule: The rule.
        provenance: By field path within the profile.
        unknown: Field paths whose values are defaults and not known.
    """

    rule: dict[str, Any]
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    unknown: list[str] = field(default_factory=list[str])


def limits_of(place: str, part: Group[FindingT]) -> dict[str, dict[str, Any]]:
    """Between which numbers the limits of a rule lie, by field path.

    Args:
        place: Field path of the rule.
        part: The pairs it is for.
    """
    found: dict[str, dict[str, Any]] = {}
    for condition in part.conditions:
        if isinstance(condition.split, Limit):
            split = condition.split
            note = f"the treatment changes between {split.low:g} and {split.high:g}"
            if split.also:
                note += f"; {', '.join(split.also)} would separate these pairs as well"
            found[f"{place}.when.{split.feature}"] = {"note": note, "interval": [split.low, split.high]}
    return found


def wide_limits(provenance: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The field paths whose intervals are too wide to call the value known."""
    intervals = [(path, found["interval"]) for path, found in provenance.items() if "interval" in found]
    return [path for path, (low, high) in intervals if high > _WIDE * max(low, 1e-9)]


def learned_profile(
    findings: Sequence[FindingT],
    about: About,
    *,
    media: Literal["image", "video"],
    schema: Schema[FindingT],
    draft: Callable[[int, Group[FindingT]], RuleDraft],
) -> Profile:
    """Group pairs, draft a rule for each group, and put the rules together.

    Args:
        findings: On pairs of one network and one route.
        about: What to call it.
        media: What the pairs are of.
        schema: What pairs are compared by.
        draft: Makes a rule of a group, given its index in the profile.

    Returns:
        The profile. Where no group takes every upload, a last rule serves the others as they are, marked as not known.

    Raises:
        UsageError: There are no findings.
    """
    if not findings:
        raise UsageError("got no pairs to learn from, expected at least one; see why each was refused")
    drafts = [draft(index, part) for index, part in enumerate(group(findings, schema))]
    if drafts[-1].rule["when"]:
        other = {"media": media, "name": "any other, not seen", "steps": [{"op": "passthrough"}]}
        drafts.append(RuleDraft(other, unknown=[f"rules.{len(drafts)}.steps.0"]))
    count = len(findings)
    pairs, rules = f"{count} pair{'s'[: count != 1]}", f"{len(drafts)} rule{'s'[: len(drafts) != 1]}"
    return Profile.model_validate(
        {
            "platform": about.platform,
            "route": about.route,
            "observed": about.observed,
            "summary": f"Learned from {pairs} of {media}s: {rules}.",
            "evidence": [{"kind": "measured", "source": about.source, "observed": about.observed, "n": count}],
            "rules": [draft.rule for draft in drafts],
            "provenance": {path: found for draft in drafts for path, found in draft.provenance.items()},
            "unknown": [path for draft in drafts for path in draft.unknown],
        }
    )
