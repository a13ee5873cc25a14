"""What is wrong with a manifest that was edited by hand, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_MOST_SHOWN = 80


def faults_of(error: ValidationError) -> list[tuple[str, str]]:
    """Every fault once, with what the field holds where that is one value.

    Args:
        error: As pydantic raised it.

    Returns:
        (field path, what is wrong) for each. That a list lacks the items just named as wrong is no fault of its own.
    """
    faults = error.errors(include_url=False)
    own = [fault for fault in faults if not (fault["type"] == "too_short" and fault["input"])] or faults
    return [(".".join(map(str, fault["loc"])), _in_words(fault)) for fault in own]


def _in_words(fault: ErrorDetails) -> str:
    message, held = fault["msg"].removeprefix("Value error, "), fault["input"]
    told = message.startswith("got ") or fault["type"] in ("missing", "json_invalid")
    if told or isinstance(held, (dict, list, tuple)):
        return message
    return f"got {repr(held)[:_MOST_SHOWN]}; {message[:1].lower()}{message[1:]}"
