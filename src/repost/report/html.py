"""HTML that cannot be broken out of: every string is escaped unless it was made here."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from urllib.parse import quote

_VOID = frozenset({"img", "input", "wbr"})


class Html(str):
    """Text that is HTML already; from anything that came from outside only `element` and `join` make it."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | float | bool | None) -> Html:
    """One HTML element.

    Args:
        name: Of the element.
        children: What is in it; anything but `Html` is escaped.
        attributes: Its attributes, escaped. A trailing underscore is dropped (`class_`), other underscores become
            dashes; True stands for an attribute without a value, None and False leave it out.

    Returns:
        The element.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(pieces: Sequence[str], between: str = "") -> Html:
    """Pieces one after the other; anything but `Html` is escaped, `between` too."""
    return Html(_escaped(between).join(_escaped(piece) for piece in pieces))


def link_to(relative: str) -> str:
    """A file's path as a relative URL.

    Args:
        relative: The path from the page, with forward slashes.

    Returns:
        The URL; every character that has a meaning in URLs is quoted, so that a file called `javascript:x` or `a#b` is
        a file. Names that are no valid Unicode keep their bytes.
    """
    return quote(os.fsencode(relative), safe="/")


def _escaped(text: str) -> str:
    return text if isinstance(text, Html) else html.escape(text)


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
