"""`metrics.csv`: losses, learning rates and scores, one number a row."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

from repost.core.errors import OutputUnwritable
from repost.core.files import write_atomic

_HEADER = ("step", "phase", "name", "value")


class MetricsLog:
    """The log of a training. Rows of steps after the one it goes on from are cut, so that it ends as if uninterrupted.

    Args:
        path: The file; its folder exists.
        step: The step the training goes on from; 0 for a new one.

    Raises:
        OutputUnwritable: It cannot be written.
    """

    def __init__(self, path: Path, *, step: int) -> None:
        self._path = path
        try:
            write_atomic(path, _text([_HEADER, *_rows_until(path, step)]))
        except OSError as error:
            raise OutputUnwritable(path, reason=error.strerror or str(error), resumes=True) from error

    def add(self, step: int, phase: str, values: Mapping[str, float]) -> None:
        """Append a row for each value, and wait until they are on the disk.

        Args:
            step: The step they belong to.
            phase: "train" or "validation".
            values: Numbers by name; written with all their digits.

        Raises:
            OutputUnwritable: It cannot be written.
        """
        rows = [(str(step), phase, name, repr(float(value))) for name, value in values.items()]
        try:
            with self._path.open("ab") as stream:
                stream.write(_text(rows))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise OutputUnwritable(self._path, reason=error.strerror or str(error), resumes=True) from error


def _rows_until(path: Path, step: int) -> list[list[str]]:
    if step == 0 or not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]  # the last may be torn
    rows = list(csv.reader(whole))[1:]
    return [row for row in rows if len(row) == len(_HEADER) and row[0].isdigit() and int(row[0]) <= step]


def _text(rows: list[tuple[str, ...]] | list[tuple[str, ...] | list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
