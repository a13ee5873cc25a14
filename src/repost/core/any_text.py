"""Text of others' files, as a type of pydantic's models."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import PlainValidator


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"got {value!r:.40}, expected text")
    return value


AnyText: TypeAlias = Annotated[str, PlainValidator(_text)]
"""Any string: names of files that are not UTF-8 hold lone surrogates, which pydantic's own strings may not."""
