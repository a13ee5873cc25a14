"""From pairs to rules: split the pairs until each group is treated by one rule, and put the groups in order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, cast

from repost.estimation.rules.schema import FindingT, Schema
from repost.estimation.rules.size_law import USUAL_SIDES_PX
from repost.estimation.rules.split import Evidence, Limit, Split
from repost.platforms.conditions import When

_DEEPEST = 8
"""Splits in a row: more would describe the pairs and not the network."""

_FEW_RULES = 12
"""Leaves up to which a tree is tried in another order: one with more describes chance, which no order makes simpler."""

_SIDES = ("long_side_px", "width_px", "height_px", "short_side_px")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule.

    Attributes:
        split: Where it comes from.
        above: Whether the rule takes the pairs for which the split holds.
        limit: The number put into the rule; None for kinds. Pairs above it are those for which the split holds.
    """

    split: Split
    above: bool
    limit: float | None

    def as_when(self) -> dict[str, Any]:
        """As a field of `When`."""
        if isinstance(self.split, Limit):
            return {self.split.feature: {"over" if self.above else "at_most": self.limit}}
        if isinstance(self.split.value, str):
            return {self.split.feature: [self.split.value]}
        return {self.split.feature: self.above}


@dataclass(frozen=True, slots=True)
class Group(Generic[FindingT]):
    """Pairs that one rule treats.

    Attributes:
        conditions: Which uploads the rule takes, of those no earlier rule took.
        findings: The pairs.
        disorder: Settings and sizes of these pairs that differ from the rule's: 0 where it explains them all.
    """

    conditions: tuple[Condition, ...]
    findings: tuple[FindingT, ...]
    disorder: int

    @property
    def when(self) -> When:
        """The conditions as the data model has them."""
        merged: dict[str, Any] = {}
        for condition in self.conditions:
            for field, found in condition.as_when().items():
                known = merged.get(field)
                merged[field] = {**known, **found} if isinstance(known, dict) else found
        return When.model_validate(merged)

    @property
    def name(self) -> str:
        """The conditions in words; "any" without."""
        return when_in_words(self.when)


@dataclass(frozen=True, slots=True)
class _Leaf(Generic[FindingT]):
    findings: tuple[FindingT, ...]
    disorder: int
    leaves: int = 1


@dataclass(frozen=True, slots=True)
class _Branch(Generic[FindingT]):
    split: Split
    above: _Tree[FindingT]
    below: _Tree[FindingT]

    @property
    def leaves(self) -> int:
        return self.above.leaves + self.below.leaves

    @property
    def disorder(self) -> int:
        return self.above.disorder + self.below.disorder


_Tree: TypeAlias = _Leaf[FindingT] | _Branch[FindingT]


def group(findings: Sequence[FindingT], schema: Schema[FindingT]) -> list[Group[FindingT]]:
    """Split pairs into groups, each treated by one rule.

    Args:
        findings: At least one.
        schema: What they are compared by.

    Returns:
        The groups in the order of their rules: the first whose conditions hold is meant, and the last has none.
    """
    return list(_in_order(_grown(tuple(findings), schema, _DEEPEST), ()))


def _grown(
    findings: tuple[FindingT, ...], schema: Schema[FindingT], depth: int, *, ahead: bool = True
) -> _Tree[FindingT]:
    """A tree of splits: what lowers the disorder most comes first, unless that cuts the pairs of a rule in two."""
    evidence = Evidence(findings, schema)
    splits = evidence.splits() if depth and evidence.disorder else []
    if not splits or splits[0][0] < evidence.least:
        return _Leaf(findings, evidence.disorder)
    tree = _branch(findings, schema, splits[0][1], depth, ahead=False)
    if not ahead or tree.leaves > _FEW_RULES:
        return tree
    on_both_sides = _features(tree.above) & _features(tree.below)
    others = [split for _, split in splits[1:] if split.feature in on_both_sides]
    trees = [tree, *(_branch(findings, schema, split, depth, ahead=False) for split in others)]
    best = min(trees, key=lambda one: one.disorder + evidence.least * one.leaves)
    return _branch(findings, schema, best.split, depth, ahead=True)


def _features(tree: _Tree[FindingT]) -> set[str]:
    """What the splits of a tree ask of an upload."""
    return set() if isinstance(tree, _Leaf) else {tree.split.feature} | _features(tree.above) | _features(tree.below)


def _branch(
    findings: tuple[FindingT, ...], schema: Schema[FindingT], split: Split, depth: int, *, ahead: bool
) -> _Branch[FindingT]:
    above = tuple(finding for finding in findings if split.holds(finding))
    below = tuple(finding for finding in findings if not split.holds(finding))
    return _Branch(split, _grown(above, schema, depth - 1, ahead=ahead), _grown(below, schema, depth - 1, ahead=ahead))


def _in_order(tree: _Tree[FindingT], conditions: tuple[Condition, ...]) -> Iterator[Group[FindingT]]:
    if isinstance(tree, _Leaf):
        yield Group(conditions, tree.findings, tree.disorder)
        return
    # Conditions can name a format and not its absence, so that side comes first; of all else, the simpler side.
    named = not isinstance(tree.split, Limit) and isinstance(tree.split.value, str)
    above_first = named or tree.above.leaves <= tree.below.leaves
    first, second = (tree.above, tree.below) if above_first else (tree.below, tree.above)
    yield from _in_order(first, (*conditions, Condition(tree.split, above_first, _limit(tree.split))))
    yield from _in_order(second, conditions)


def _limit(split: Split) -> float | None:
    return usual_limit(split.feature, split.low, split.high) if isinstance(split, Limit) else None


def usual_limit(feature: str, low: float, high: float, *, at_low: bool = True) -> float:
    """A number to stand for a limit that lies somewhere between two observations.

    Args:
        feature: What is limited.
        low: The largest value seen below the limit.
        high: The smallest value seen above it.
        at_low: Whether `low` itself may be returned ("over"), or `high` ("under").

    Returns:
        A usual side length where one fits, else the roundest number in between (5, 2 or 1 before other digits, of those
        the nearest to the geometric middle), else the end that is allowed.
    """

    def fits(number: float) -> bool:
        return low <= number < high if at_low else low < number <= high

    if feature in _SIDES:
        usual = [px for px in USUAL_SIDES_PX if fits(px)]
        if usual:
            return usual[len(usual) // 2]
    middle = math.sqrt(low * high)
    for digits in range(int(math.log10(high)) if high >= 1 else 0, -7, -1):
        unit = 10.0**digits
        near = (round(middle / unit) + away for away in (0, -1, 1))
        for leading in (5, 2, 1, *near):
            number = round(leading * unit, 6)
            if fits(number):
                return int(number) if number == int(number) else number
    return low if at_low else high


def when_in_words(when: When) -> str:
    """Conditions in words, such as "jpeg, long side over 1000"; "any" without."""
    said = [_condition_in_words(field, value) for field, value in when.model_dump(exclude_none=True).items()]
    return ", ".join(said) or "any"


def _condition_in_words(field: str, value: Any) -> str:  # noqa: ANN401 - any field of When
    if isinstance(value, dict):
        limits = cast("dict[str, float]", value)
        words = [f"{name.replace('_', ' ')} {number:g}" for name, number in limits.items()]
        return f"{field.removesuffix('_px').replace('_', ' ')} {' and '.join(words)}"
    if isinstance(value, bool):
        return field.replace("_", " ") if value else f"not {field.replace('_', ' ')}"
    return " or ".join(value)
