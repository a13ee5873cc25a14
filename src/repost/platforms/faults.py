"""What is wrong with a file that a person wrote, field by field, in words of that file."""

from __future__ import annotations

import datetime
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from repost.platforms.profile import NAME_PATTERN, OBSERVED_PATTERN

_TAGGED = {"op": "step", "mode": "rate mode", "do": "verb"}
_PATTERNS = {
    NAME_PATTERN: "lower-case letters, digits, - and _, with no blanks",
    OBSERVED_PATTERN: "YYYY, YYYY-MM or YYYY-MM-DD",
}
_EXPECTED = {
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
    "bool_type": "true or false", "string_type": "text in quotes", "path_type": "a path in quotes",
    "tuple_type": "a list", "dict_type": "a table", "model_type": "a table",
    "greater_than_equal": "{ge} or more", "less_than_equal": "{le} or less",
}  # fmt: skip
"""By pydantic's names of faults, filled in with its own facts about them."""


def faults_of(error: ValidationError, parsed: dict[str, Any], *, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Every fault once; that a list is short of the items just named as wrong is no fault of its own.

    Args:
        error: As pydantic raised it.
        parsed: The document that was validated.
        model: What it was validated as.

    Returns:
        (field path, what is wrong) for each: what was got, what was expected, what was probably meant.
    """
    faults = cast("list[dict[str, Any]]", error.errors())
    own = [fault for fault in faults if not (fault["type"] == "too_short" and fault["input"])] or faults
    return list(dict.fromkeys(_problem(fault, parsed, model) for fault in own))


def _problem(fault: dict[str, Any], parsed: dict[str, Any], model: type[BaseModel]) -> tuple[str, str]:
    """The field path and message of one pydantic fault, without the names of union branches pydantic mixes in."""
    path: list[str] = []
    here: Any = parsed
    location = cast("tuple[int | str, ...]", fault["loc"])
    tagged = False
    for part in location:
        if not tagged and part in ("choice", "samples", "by"):
            tagged = True  # the name of the union's branch, which is also the name of the branch's own first field
        elif (isinstance(here, dict) and part in here) or (isinstance(here, list | tuple) and isinstance(part, int)):
            here, tagged = cast("Any", here)[part], False
            path.append(str(part))
        elif part is location[-1] and fault["type"] == "missing":
            path.append(str(part))
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _fields_beside(location, model), n=1)
        return ".".join(
            path
        ), f"no such field; did you mean '{near[0]}'?" if near else "no such field; check the spelling"
    return ".".join(path), _message(fault, path)


def _fields_beside(location: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    """The fields that a table may have, by the place of one that it may not."""
    tables = [model]
    for part in location[:-1]:
        fields = [field for table in tables for name, field in table.model_fields.items() if name == part]
        if fields:
            tables = [inner for field in fields for inner in _models_in(field.annotation)]
        else:  # the word that tells the tables of a union apart, or an index
            tables = [table for table in tables if part in _words_of(table)] or tables
    return [name for table in tables for name in table.model_fields]


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _words_of(table: type[BaseModel]) -> list[object]:
    """What may stand where a table takes one of a few words."""
    annotations = [field.annotation for field in table.model_fields.values()]
    return [word for one in annotations if get_origin(one) is Literal for word in get_args(one)]


def _message(fault: dict[str, Any], path: list[str]) -> str:
    """What is wrong, in words of the file."""
    got, told = fault["input"], cast("dict[str, Any]", fault.get("ctx", {}))
    field = path[-1] if path else ""
    message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    match fault["type"]:
        case "missing":
            message = "missing; add it"
        case "too_short":
            message = f"got {told['actual_length']} of them, expected at least {told['min_length']}"
        case "union_tag_not_found":
            message = f"{_bare(told['discriminator'])} is missing"
        case "union_tag_invalid":
            kind = _bare(told["discriminator"])
            message = f"no {_TAGGED.get(kind, kind)} '{told['tag']}'; {_choice(told['tag'], told['expected_tags'])}"
        case "literal_error":
            message = f"got {got!r}, {_choice(got, told['expected'])}"
        case "string_pattern_mismatch":
            message = f"got {got!r}, expected {_PATTERNS.get(told['pattern'], told['pattern'])}"
        case "string_type" if isinstance(got, datetime.date):
            message = f'got a bare date, expected text: write {field} = "{got}"'
        case "tuple_type" if isinstance(got, str | int | float):
            message = f"got {got!r}, expected a list: write {field} = [{json.dumps(got)}]"
        case "tuple_type" if isinstance(got, dict) and len(path) == 1:
            message = f"got one table, expected a list of them: write [[{field}]]"
        case kind if kind in _EXPECTED:
            # Of a value that may be whole or not, both are missed.
            expected = "a number" if fault["loc"][-1:] == ("int",) else _EXPECTED[kind].format(**told)
            message = f"got {got!r:.80}, expected {expected}"
        case _:
            pass
    return message


def _bare(quoted: str) -> str:
    return quoted.strip("'")


def _choice(got: object, expected: str) -> str:
    """The allowed words, or the one that was probably meant."""
    near = difflib.get_close_matches(str(got), re.findall(r"'([^']*)'", expected), n=1)
    return f"did you mean '{near[0]}'?" if near else f"expected {expected}"
