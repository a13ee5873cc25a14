"""Whose stamp: the key by option, file or environment, so that it need not be seen in lists of processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

KEY_VARIABLE = "REPOST_STAMP_KEY"
_MOST_BYTES = 1 << 16

Key: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--key",
        help=f"Whose stamp. Lists of processes show it to others: prefer --key-file, or the variable {KEY_VARIABLE}.",
        show_default="the published default key",
    ),
]
KeyFile: TypeAlias = Annotated[
    Path | None, typer.Option("--key-file", help="A text file with the key; one line end at its end is left out.")
]


def chosen_key(key: str | None, key_file: Path | None) -> str | None:
    """The key that was given, by option, file or environment, in this order.

    Args:
        key: Of --key.
        key_file: Of --key-file.

    Returns:
        The key; None where none was given, which stands for the published one.

    Raises:
        UsageError: Both were given, or the file holds no text.
        InvalidKey: It is empty, too long, or holds control characters.
        InputNotFound: There is no such file.
    """
    from repost.core.errors import InvalidKey, UsageError
    from repost.stamp.key import key_bytes

    if key is not None and key_file is not None:
        raise UsageError("got --key and --key-file, expected one of them")
    where = ""
    if key_file is not None:
        key, where = _read(key_file), f" in '{key_file}'"
    elif key is None:
        key, where = os.environ.get(KEY_VARIABLE), f" in the variable {KEY_VARIABLE}"
    try:
        key_bytes(key)
    except InvalidKey as error:
        raise InvalidKey(f"{error.got}{where}") from error
    return key


def _read(path: Path) -> str:
    from repost.core.errors import InputNotFound, UsageError

    if not path.is_file():
        raise InputNotFound(path)
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_BYTES).decode("utf-8-sig")  # some editors begin files with a mark of no width
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        raise UsageError(f"got --key-file '{path}', which cannot be read: {reason}; expected a line of text") from error
    return text.removesuffix("\n").removesuffix("\r")
