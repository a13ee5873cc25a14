"""What all errors are made from: the roots of the tree, and how they list names."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 32
"""Of the items of a batch, or the faults of a file, in a message; the attribute holds all."""


class RepostError(Exception):
    """Base of everything repost raises on purpose."""


class UsageError(RepostError, ValueError):
    """The call is wrong; nothing was done."""


class MissingExtra(RepostError, ImportError):
    """An optional package is not installed."""

    def __init__(self, package: str, *, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"this needs the package {package}, which is not installed: pip install 'repost[{extra}]'")


class MediaError(RepostError, ValueError):
    """One input cannot be used; the others go on."""


def a_few(names: Sequence[str], *, most: int = 3) -> str:
    """The first names of many, safe to print, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(ascii(name)[1:81].rstrip("'") for name in names[:most]) + more


def any_of(names: Sequence[str]) -> str:
    """Names in quotes, joined by "or"."""
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]
