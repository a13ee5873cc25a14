"""Where the treatment changes: the feature of the upload, and the interval its limit lies in, that tells pairs apart.

A treatment is a row of settings, some of them not visible in a pair. The disorder of some pairs is how many visible
settings differ from the most frequent value, plus how many sizes the best size law leaves unexplained: 0 where one rule
treats them all. A split is sought that lowers it most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias

import numpy as np

from repost.estimation.rules.schema import Finding, FindingT, Schema
from repost.estimation.rules.size_law import Change, Law, best_law, candidate_laws, explains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes: TypeAlias = NDArray[np.int64]

_FEW_PAIRS = 30
"""Below this one pair may show a rule of its own: who makes twenty uploads makes each for a reason."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Pairs above a number are treated otherwise than those below.

    Attributes:
        feature: Of the upload.
        low: The largest value seen below.
        high: The smallest value seen above.
        also: Other features that separate these pairs as well.
    """

    feature: str
    low: float
    high: float
    also: tuple[str, ...] = ()

    def holds(self, finding: Finding) -> bool:
        """Whether a pair lies above."""
        return getattr(finding.features, self.feature) >= self.high


@dataclass(frozen=True, slots=True)
class OfKind:
    """Pairs of a kind are treated otherwise than the others.

    Attributes:
        feature: Such as "format", "codec" or "rotated".
        value: The kind.
    """

    feature: str
    value: str | bool

    def holds(self, finding: Finding) -> bool:
        """Whether a pair is of the kind."""
        return getattr(finding.features, self.feature) == self.value


Split: TypeAlias = Limit | OfKind


class Evidence(Generic[FindingT]):
    """Some pairs as tables of numbers, so that every possible split is weighed quickly.

    Args:
        findings: The pairs.
        schema: What they are compared by.
    """

    def __init__(self, findings: Sequence[FindingT], schema: Schema[FindingT]) -> None:
        self.findings, self._schema = findings, schema
        self.laws = candidate_laws(sizes_of(findings), schema.sizes)
        self._tables = [table for name in schema.settings if (table := _one_hot(findings, name, schema)) is not None]
        unexplained = [[not explains(law, change) for law in self.laws] for change in sizes_of(findings)]
        self._unexplained = np.array(unexplained, dtype=np.int64).reshape(len(findings), len(self.laws))

    @property
    def disorder(self) -> int:
        """Of all the pairs together."""
        return int(self._disorder(np.ones((1, len(self.findings)), dtype=np.int64))[0])

    def _disorder(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of several selections of the pairs: int, (selections, pairs), 1 where a pair belongs."""
        total = (chosen @ self._unexplained).min(axis=1)
        for table in self._tables:
            counts = chosen @ table
            total = total + counts.sum(axis=1) - counts.max(axis=1)
        return total

    @property
    def least(self) -> int:
        """What a split must lower the disorder by, and how many pairs it must leave on each side."""
        return 1 if len(self.findings) < _FEW_PAIRS else 2

    def splits(self) -> list[tuple[int, Split]]:
        """One split for each feature and what it lowers the disorder by, the most first."""
        before = self.disorder
        found: list[tuple[int, Split]] = []
        for split, chosen in self._kinds(self.least):
            gain = before - int((self._disorder(chosen) + self._disorder(1 - chosen))[0])
            found.append((gain, split))
        for name in self._schema.numbers:
            limit = self._best_limit(name, before, self.least)
            if limit is not None:
                found.append(limit)
        found.sort(key=lambda one: -one[0])
        return [(gain, _with_equals(gain, split, found)) for gain, split in found]

    def _kinds(self, least: int) -> Iterator[tuple[Split, NDArray[np.int64]]]:
        for feature in (*self._schema.lists, *self._schema.kinds):
            values = [getattr(finding.features, feature) for finding in self.findings]
            kinds = sorted(set(values), key=str)
            for value in kinds if feature in self._schema.lists else [True]:
                if value is None:  # rules have no name for it
                    continue
                chosen = np.array([[one == value for one in values]], dtype=np.int64)
                if least <= chosen.sum() <= len(values) - least and len(kinds) > 1:
                    yield OfKind(feature, value), chosen

    def _best_limit(self, name: str, before: int, least: int) -> tuple[int, Limit] | None:
        values = np.array([getattr(finding.features, name) for finding in self.findings], dtype=np.float64)
        order = np.argsort(values, kind="stable")
        ranked = values[order]
        below = np.flatnonzero(np.diff(ranked) > 0) + 1  # pairs below each possible limit
        below = below[(below >= least) & (below <= len(values) - least)]
        if below.size == 0:
            return None
        disorder = np.zeros(below.size, dtype=np.int64)
        for table in (*self._tables, None):
            rows = (self._unexplained if table is None else table)[order]
            under = np.cumsum(rows, axis=0)[below - 1]
            over = rows.sum(axis=0) - under
            for part in (under, over):
                disorder += part.min(axis=1) if table is None else part.sum(axis=1) - part.max(axis=1)
        gain = before - disorder
        at = int(np.argmax(gain))
        count = int(below[at])
        return int(gain[at]), Limit(name, float(ranked[count - 1]), float(ranked[count]))


def _with_equals(gain: int, split: Split, found: Sequence[tuple[int, Split]]) -> Split:
    if isinstance(split, OfKind):
        return split
    also = tuple(other.feature for other_gain, other in found if other_gain == gain and other is not split)
    return Limit(split.feature, split.low, split.high, also)


def sizes_of(findings: Sequence[Finding]) -> list[Change]:
    """Sizes before and after of each pair."""
    return [(finding.size_before, finding.size_after) for finding in findings]


def law_of(findings: Sequence[FindingT], schema: Schema[FindingT]) -> tuple[Law, list[Law]]:
    """The size law of some pairs, and others that explain as much."""
    changes = sizes_of(findings)
    return best_law(changes, candidate_laws(changes, schema.sizes), schema.sizes)


def _one_hot(findings: Sequence[FindingT], setting: str, schema: Schema[FindingT]) -> NDArray[np.int64] | None:
    values = [schema.shown(finding, setting) for finding in findings]
    kinds = list(dict.fromkeys(value for value in values if value is not None))
    if len(kinds) < 2:
        return None
    places = {value: place for place, value in enumerate(kinds)}
    table = np.zeros((len(values), len(kinds)), dtype=np.int64)
    for row, value in enumerate(values):
        if value is not None:
            table[row, places[value]] = 1
    return table
