"""Pairs of files on disk, wherever they come from: what readers make, and what a `PairedDataset` loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from repost.core.errors import UsageError

ProblemKind: TypeAlias = Literal[
    "header", "count", "encoding", "path", "values", "duplicate", "missing", "platform", "no_attributes", "unreadable",
    "bom", "crlf", "blank", "unlisted",
]  # fmt: skip
"""header: the first two lines of an attributes file cannot be used. count: its first line is not the number of rows.
encoding: a line that is not UTF-8. path: a name that leads out of its folder. values: too few, too many, or not 1 or
-1. duplicate: a name given before. missing: a picture is not there. platform: a picture lies with another network than
its row belongs to. no_attributes: a source in no row. unreadable: a file that is no sound picture, or of another size
than asked for. bom, crlf, blank: a byte order mark, Windows line ends, an empty line. unlisted: files in no row."""

HARMLESS: tuple[ProblemKind, ...] = ("bom", "crlf", "blank", "unlisted")
"""Problems that are told but put no pair in doubt: they are never an error."""

_MOST_NAMED = 20
"""Problems written out in an error's message; its attribute holds all."""


@dataclass(frozen=True, slots=True)
class PairProblem:
    """Something wrong with the files of a data set.

    Attributes:
        kind: What it is.
        line: Line of the attributes file, counted from 1; None where no line is concerned.
        name: The file, source or pair concerned; empty where the whole file is.
        reason: In words.
    """

    kind: ProblemKind
    line: int | None
    name: str
    reason: str

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line is not None else []
        return ": ".join([*where, *([repr(self.name)] if self.name else []), self.reason])


class InvalidPairs(UsageError):
    """A data set whose files do not hold together.

    Attributes:
        path: The data set or its attributes file.
        problems: All that was found, without the harmless.
    """

    def __init__(self, path: object, problems: Sequence[PairProblem]) -> None:
        self.path, self.problems = str(path), tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems[:_MOST_NAMED])
        more = len(self.problems) - _MOST_NAMED
        rest = f"\n  and {more:,} more" if more > 0 else ""
        remedy = (
            "the file cannot be used without its first two lines; mend them"
            if any(problem.kind == "header" for problem in self.problems)
            else "mend them, or leave such rows out with skip_bad=True (--skip-bad) and find them in .problems"
        )
        super().__init__(f"'{path}' has {len(self.problems):,} problem(s):{lines}{rest}\n  {remedy}")


@dataclass(frozen=True, slots=True)
class PairRecord:
    """One source on one network.

    Attributes:
        source_id: The source; splits never separate records of the same.
        original: The picture as it was uploaded.
        transmitted: The picture as it came back, at the size it came back in.
        platform: The network it came back from.
        attributes: Whether each of the listing's attributes holds; empty where none are known.
        derivative: The transmitted picture resampled to the original's size, where the network resized it and somebody
            did that; it is not what the network served.
    """

    source_id: str
    original: Path
    transmitted: Path
    platform: str
    attributes: tuple[bool, ...] = ()
    derivative: Path | None = None


@dataclass(frozen=True, slots=True)
class PairListing:
    """What a reader found.

    Attributes:
        records: The pairs, in the order of their file.
        attribute_names: What the records' attributes are called; empty where none are known.
        problems: What gave no pair, and harmless oddities.
    """

    records: tuple[PairRecord, ...]
    attribute_names: tuple[str, ...] = ()
    problems: tuple[PairProblem, ...] = ()


def join(listings: Iterable[PairListing]) -> PairListing:
    """Put listings together, such as those of one upload to several networks.

    Args:
        listings: One or more, with the same attributes.

    Returns:
        Their records and problems, in the order given.

    Raises:
        UsageError: There are none, or their attributes differ.
    """
    parts = list(listings)
    if not parts:
        raise UsageError("got no listings to join, expected at least one")
    names = parts[0].attribute_names
    for part in parts:
        if part.attribute_names != names:
            raise UsageError(
                f"got listings with the attributes {list(names)} and {list(part.attribute_names)}, expected the same "
                "in all; read them with the same attributes file"
            )
    return PairListing(
        tuple(record for part in parts for record in part.records),
        names,
        tuple(problem for part in parts for problem in part.problems),
    )


def settle(path: Path, listing: PairListing, *, skip_bad: bool) -> PairListing:
    """The listing, when its problems are tolerable.

    Args:
        path: What was read, for the error.
        listing: What was found, problems in any order.
        skip_bad: Whether problems are kept in the listing instead of raised.

    Returns:
        The same records, with the problems in the order of their lines.

    Raises:
        InvalidPairs: There are problems that are not harmless, and `skip_bad` is false.
    """
    problems = sorted(listing.problems, key=lambda problem: problem.line or 0)
    serious = [problem for problem in problems if problem.kind not in HARMLESS]
    if serious and not skip_bad:
        raise InvalidPairs(path, serious)
    return PairListing(listing.records, listing.attribute_names, tuple(problems))
