"""Import an optional package, or say how to install it."""

from __future__ import annotations

import importlib
from types import ModuleType

from repost.core.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: Its import name, such as "pillow_heif".
        extra: The extra of repost that brings it, such as "heif".

    Returns:
        The module.

    Raises:
        MissingExtra: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtra(module, extra=extra) from error
