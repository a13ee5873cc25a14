"""Read the OSN-transmission mini CelebA data set, as it is published.

    FOLDER/original_images/NAME                 what was uploaded
    FOLDER/transmission_images/PLATFORM/NAME    what came back
    FOLDER/attributes.txt                       CelebA's format; rows 0-7499 facebook, then twitter, weibo, wechat

Qu et al. 2024, DF-RAP (TIFS); https://github.com/ZOMIN28/OSN-transmission_mini_CelebA. The loader published with it
takes the network from the position in the list it happens to iterate. Its test list is the first 100 rows, so that
mode knows Facebook only, and those rows are in its training list as well. Here the network is the folder in which the
picture lies, and the order of the rows only has to agree with it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repost.core.errors import InputNotFound, UsageError
from repost.pairs.dataset_attributes import AttributeRow, read_attributes
from repost.pairs.dataset_records import PairListing, PairProblem, PairRecord, settle

ORIGINALS = "original_images"
TRANSMITTED = "transmission_images"
ATTRIBUTES_NAME = "attributes.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLayout:
    """How the rows are ordered. The defaults are the published data set's.

    Attributes:
        platforms: The networks' folders, in the order of their blocks of rows.
        rows_per_platform: Rows in a block; None where the rows are in no such order, so that only folders count.
    """

    platforms: tuple[str, ...] = ("facebook", "twitter", "weibo", "wechat")
    rows_per_platform: int | None = 7500

    def __post_init__(self) -> None:
        if not self.platforms or len(set(self.platforms)) != len(self.platforms):
            raise UsageError(f"got the platforms {list(self.platforms)}, expected at least one, each once")
        if self.rows_per_platform is not None and self.rows_per_platform < 1:
            raise UsageError(f"got rows_per_platform={self.rows_per_platform}, expected 1 or more, or None")

    def contradiction(self, row: int, platform: str) -> str | None:
        """Why a row cannot be of a network, if the order of the rows says so.

        Args:
            row: Number of the row, counted from 0.
            platform: The folder in which its transmitted picture lies.

        Returns:
            A reason in words, or None where order and folder agree or order counts for nothing.
        """
        if self.rows_per_platform is None:
            return None
        block = row // self.rows_per_platform
        if block >= len(self.platforms):
            return f"row {row} is beyond the {len(self.platforms)} blocks of {self.rows_per_platform} rows"
        if platform == self.platforms[block]:
            return None
        first = block * self.rows_per_platform
        rows = f"{first}-{first + self.rows_per_platform - 1}"
        return f"it lies in {TRANSMITTED}/{platform}, but row {row} is one of {self.platforms[block]}'s ({rows})"


def from_published(folder: Path, layout: PublishedLayout | None = None, *, skip_bad: bool = False) -> PairListing:
    """Read the published data set, or one laid out like it.

    Args:
        folder: The folder with `original_images`, `transmission_images` and `attributes.txt`.
        layout: The networks and the order of rows; the published one's when None.
        skip_bad: Leave bad rows out and name them in the problems, instead of raising.

    Returns:
        One record per row and network in whose folder its picture lies; the source id is the file name. A row that
        contradicts the order of rows is bad: either the folder or the row is wrong, and nobody can say which.

    Raises:
        InputNotFound: The attributes file, the originals' folder or the transmitted pictures' folder is not there.
        InvalidPairs: There are bad rows and `skip_bad` is false, or the attributes file cannot be used at all.
    """
    layout = layout or PublishedLayout()
    table = read_attributes(folder / ATTRIBUTES_NAME)
    originals = _names_in(folder / ORIGINALS)
    if not (folder / TRANSMITTED).is_dir():
        raise InputNotFound(folder / TRANSMITTED)
    served = {
        platform: _names_in(folder / TRANSMITTED / platform)
        for platform in layout.platforms
        if (folder / TRANSMITTED / platform).is_dir()
    }
    records: list[PairRecord] = []
    problems = [*table.problems, *_unlisted({row.name for row in table.rows}, originals, served)]
    for row in table.rows:
        where = [platform for platform, names in served.items() if row.name in names]
        if row.name not in originals:
            problems.append(_missing(row, ORIGINALS))
        if not where:
            problems.append(_missing(row, f"{TRANSMITTED}/{{{','.join(layout.platforms)}}}"))
        for platform in where:
            reason = layout.contradiction(row.number, platform)
            if reason:
                problems.append(PairProblem("platform", row.line, row.name, reason))
            elif row.name in originals:
                records.append(
                    PairRecord(
                        source_id=row.name,
                        original=folder / ORIGINALS / row.name,
                        transmitted=folder / TRANSMITTED / platform / row.name,
                        platform=platform,
                        attributes=row.values,
                    )
                )
    return settle(folder, PairListing(tuple(records), table.names, tuple(problems)), skip_bad=skip_bad)


def _names_in(folder: Path) -> frozenset[str]:
    """The files of a folder, links to files too; listing once is far faster than asking for each of 60,000."""
    if not folder.is_dir():
        raise InputNotFound(folder)
    with os.scandir(folder) as entries:
        return frozenset(entry.name for entry in entries if entry.is_file() and not entry.name.startswith("."))


def _missing(row: AttributeRow, where: str) -> PairProblem:
    return PairProblem("missing", row.line, row.name, f"there is no such file in {where}")


def _unlisted(listed: set[str], originals: frozenset[str], served: Mapping[str, frozenset[str]]) -> list[PairProblem]:
    folders = {ORIGINALS: originals, **{f"{TRANSMITTED}/{platform}": names for platform, names in served.items()}}
    return [
        PairProblem("unlisted", None, folder, f"{len(extra):,} file(s) are in no sound row, such as {min(extra)!r}")
        for folder, names in folders.items()
        if (extra := names - listed)
    ]
