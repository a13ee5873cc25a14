"""Pairs through a batch: work on each of them, and what was found read back from its rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from repost import batch
from repost.core.errors import OutputUnwritable
from repost.estimation.pairing import FilesOfPair, Refused, items_of
from repost.estimation.progress import Progress


class OfPair(Protocol):
    """What was found of one pair, as far as it is told from other pairs."""

    @property
    def name(self) -> str:
        """What the pair is called."""
        ...

    @property
    def upload_sha256(self) -> str:
        """Of the uploaded file."""
        ...

    @property
    def served_sha256(self) -> str:
        """Of the served file."""
        ...


FindingT = TypeVar("FindingT", bound=OfPair)


def work_on_pairs(
    pairs: Sequence[FilesOfPair],
    work: batch.Work,
    *,
    folder: Path | None,
    jobs: int,
    phase: str,
    rows: list[Mapping[str, Any]],
) -> Iterator[Progress]:
    """Do some work on each pair.

    Args:
        pairs: The pairs.
        work: What is done to each.
        folder: Where results are kept, so that an interrupted run goes on; a temporary one when None.
        jobs: Worker processes.
        phase: What the work is called.
        rows: Gets a row for each pair, in any order.

    Yields:
        How far the work is.

    Raises:
        OutputUnwritable: The folder is full or read-only.
    """
    with _place(folder) as out:
        for event in batch.run(items_of(pairs), work, out=out, jobs=min(jobs, max(1, len(pairs)))):
            if isinstance(event, batch.RowFinished):
                rows.append(event.row.manifest_row())
                yield Progress(phase, event.finished, event.total)


@contextmanager
def _place(folder: Path | None) -> Generator[Path, None, None]:
    """The folder, or a temporary one, of which a failure must not say that a next run goes on from it."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="repost-") as temporary:
        try:
            yield Path(temporary)
        except OutputUnwritable as error:
            raise OutputUnwritable(error.path, reason=error.reason) from error


def read_findings(
    rows: Sequence[Mapping[str, Any]], read: Callable[[object], FindingT]
) -> tuple[list[FindingT], list[Refused]]:
    """Read back what was found.

    Args:
        rows: Of `work_on_pairs`: `pair`, `status`, `error` and `finding`.
        read: Makes a finding of its JSON values.

    Returns:
        Findings in the order of their names, each upload and download once; and the pairs that gave none.
    """
    found: list[FindingT] = []
    refused: list[Refused] = []
    seen: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: str(row["pair"])):
        if row["status"] != "done":
            refused.append(Refused(str(row["pair"]), str(row["error"])))
            continue
        finding = read(row["finding"])
        contents = finding.upload_sha256, finding.served_sha256
        if contents in seen:
            refused.append(Refused(finding.name, f"the same two files as '{seen[contents]}'; counted once"))
            continue
        seen[contents] = finding.name
        found.append(finding)
    return found, refused
