"""Attribute files in CelebA's format: a count, a line of names, then one row `NAME 1 -1 ...` per picture.

The format is that of `list_attr_celeba.txt` (Liu et al. 2015, Deep Learning Face Attributes in the Wild).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from repost.media.read import read_file
from repost.pairs.dataset_records import InvalidPairs, PairProblem, ProblemKind

_VALUES = {"1": True, "-1": False}
_COUNT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class AttributeRow:
    """A sound row.

    Attributes:
        line: Its line in the file, counted from 1.
        number: Its number among all rows, bad ones too, counted from 0; blank lines do not count.
        name: The picture.
        values: Whether each attribute holds.
    """

    line: int
    number: int
    name: str
    values: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class AttributeTable:
    """An attributes file.

    Attributes:
        names: The attributes.
        rows: The sound rows, each name once.
        problems: Everything else, with its line.
    """

    names: tuple[str, ...]
    rows: tuple[AttributeRow, ...]
    problems: tuple[PairProblem, ...]


def read_attributes(path: Path) -> AttributeTable:
    """Read an attributes file, whatever its rows are like.

    Args:
        path: UTF-8 text. Names hold no blanks; they may lead into folders, with forward slashes, but not out of them.

    Returns:
        Its sound rows, and a problem for every other. Of rows with the same name the first is kept.

    Raises:
        InputNotFound: There is no such file.
        InvalidPairs: The first line is no number, or the second does not name every attribute once.
    """
    problems: list[PairProblem] = []
    lines = _lines(read_file(path), problems)
    names = _check_header(path, lines[:2])
    body = lines[2:]
    if int(lines[0][1]) != len(body):
        problems.append(
            PairProblem("count", lines[0][0], "", f"it says {int(lines[0][1]):,} rows, {len(body):,} follow")
        )
    rows: dict[str, AttributeRow] = {}
    for number, (line, text) in enumerate(body):
        name, *values = text.split()
        fault = _fault(name, values, names)
        if fault is None and name in rows:
            fault = ("duplicate", f"it is in line {rows[name].line} already")
        if fault is None:
            rows[name] = AttributeRow(line, number, name, tuple(_VALUES[value] for value in values))
        else:
            problems.append(PairProblem(fault[0], line, name, fault[1]))
    return AttributeTable(names, tuple(rows.values()), tuple(problems))


def _lines(data: bytes, problems: list[PairProblem]) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers; adds what is harmless to the problems."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        problems.append(PairProblem("bom", 1, "", "the file begins with a byte order mark, which is left out"))
    raw = data.split(b"\n")
    if not raw[-1]:
        raw.pop()  # a last line end ends a line, and begins none
    with_return = [line for line, content in enumerate(raw, start=1) if content.endswith(b"\r")]
    if with_return:
        reason = f"{len(with_return):,} line(s) end as on Windows (CR LF), which is taken for a line end"
        problems.append(PairProblem("crlf", with_return[0], "", reason))
    lines: list[tuple[int, str]] = []
    for line, content in enumerate(raw, start=1):
        text = content.decode("utf-8", "replace").strip()
        if text:
            lines.append((line, text))
        else:
            problems.append(PairProblem("blank", line, "", "the line is blank and counts as no row"))
    return lines


def _check_header(path: Path, lines: list[tuple[int, str]]) -> tuple[str, ...]:
    """The attributes' names."""
    problems: list[PairProblem] = []
    if len(lines) < 2:
        problems.append(PairProblem("header", 1, "", "expected a line with the number of rows and one with the names"))
        raise InvalidPairs(path, problems)
    (count_line, count), (names_line, header) = lines
    if not _COUNT.fullmatch(count):
        problems.append(PairProblem("header", count_line, "", f"got {count[:80]!r}, expected the number of rows"))
    names = tuple(header.split())
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(PairProblem("header", names_line, name, "the attribute is named twice"))
    if set(names[1:]) & set(_VALUES):
        problems.append(PairProblem("header", names_line, "", "got a row, expected the names of the attributes"))
    if problems:
        raise InvalidPairs(path, problems)
    return names


def _fault(name: str, values: list[str], names: tuple[str, ...]) -> tuple[ProblemKind, str] | None:
    """What is wrong with a row, if anything is."""
    if "\N{REPLACEMENT CHARACTER}" in "".join((name, *values)):
        return "encoding", "the line is not UTF-8"
    if {"", ".", ".."} & set(name.split("/")) or {"\\", "\0", ":"} & set(name):
        return "path", "expected a name that stays in the folder, without '..', ':' or a backslash"
    if len(values) != len(names):
        return "values", f"got {len(values)} values for {len(names)} attributes"
    for attribute, value in zip(names, values, strict=True):
        if value not in _VALUES:
            return "values", f"got {value[:40]!r} for {attribute}, expected 1 or -1"
    return None
