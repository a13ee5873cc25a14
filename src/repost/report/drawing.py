"""What all figures have in common: size, style, and the files they become."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from repost.core.errors import OutputUnwritable, RepostError
from repost.core.extras import require
from repost.core.files import write_atomic

WIDE_INCHES = 11.0
"""Width of a figure with two plots side by side."""

_STYLE = {
    "svg.hashsalt": "repost",
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "text.parse_math": False,  # a dollar in a file's name is a dollar
}


def draw(fill: Callable[[Any], None], *, wide_inches: float, high_inches: float) -> dict[str, bytes]:
    """Draw a figure.

    Args:
        fill: Draws into the empty figure it is given.
        wide_inches: Width.
        high_inches: Height.

    Returns:
        The figure as "svg" and "png"; the same drawing gives the same bytes.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    matplotlib: Any = require("matplotlib", extra="report")
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure: Any = Figure(figsize=(wide_inches, high_inches), layout="constrained")
        fill(figure)
        files: dict[str, bytes] = {}
        for kind, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
            files[kind] = buffer.getvalue()
    return files


def write_files(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files into a folder, which is made where it does not exist.

    Args:
        files: Contents by name.
        folder: Where to.

    Returns:
        The files.

    Raises:
        OutputUnwritable: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomic(folder / name, data)
    except OSError as error:
        if isinstance(error, RepostError):
            raise
        raise OutputUnwritable(folder, reason=error.strerror or str(error)) from error
    return [folder / name for name in files]
