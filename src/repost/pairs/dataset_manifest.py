"""Read pairs that `repost pairs recover` made."""

from __future__ import annotations

from pathlib import Path

from repost.core.errors import UsageError
from repost.pairs.dataset_attributes import AttributeTable, read_attributes
from repost.pairs.dataset_records import PairListing, PairProblem, PairRecord, settle
from repost.pairs.manifest import TilePair, load_pairs


def from_manifest(
    path: Path, *, platform: str | None = None, attributes: Path | None = None, skip_bad: bool = False
) -> PairListing:
    """Read recovered pairs.

    A manifest is of one network; `join` puts those of several together.

    Args:
        path: The manifest `pairs.json`, or the folder it is in.
        platform: What to call the network; the manifest's own name of it when None.
        attributes: A file in CelebA's format whose names are source ids; it may hold more sources than were uploaded.
            Without one the pairs have no attributes.
        skip_bad: Leave bad rows out and name them in the problems, instead of raising.

    Returns:
        One record per confirmed tile, in the manifest's order. Where the network resized, the record's `transmitted`
        has the native size, and its `derivative` is the tile resampled to the original's.

    Raises:
        InputNotFound: There is no manifest or no attributes file.
        InvalidManifest: The manifest cannot be used.
        InvalidPairs: Pictures are missing, the attributes file has bad rows, or sources are not in it. Rows of sources
            that were not uploaded count when they are bad, too.
        UsageError: The manifest does not name the network and neither does `platform`.
    """
    manifest = load_pairs(path)
    root = path if path.is_dir() else path.parent
    network = platform or manifest.platform
    if not network:
        raise UsageError(f"'{path}' does not say from which network the pairs are; name it, such as platform='twitter'")
    table = read_attributes(attributes) if attributes else AttributeTable((), (), ())
    values_of = {row.name: row.values for row in table.rows}
    records: list[PairRecord] = []
    problems = list(table.problems)
    for tile in manifest.tiles:
        faults = _missing(root, tile)
        if attributes and tile.source_id not in values_of:
            faults.append(
                PairProblem("no_attributes", None, tile.source_id, f"the source is in no row of '{attributes}'")
            )
        problems.extend(faults)
        if not faults:
            records.append(
                PairRecord(
                    source_id=tile.source_id,
                    original=root / tile.original,
                    transmitted=root / tile.transmitted,
                    platform=network,
                    attributes=values_of.get(tile.source_id, ()),
                    derivative=root / tile.derivative if tile.derivative else None,
                )
            )
    return settle(path, PairListing(tuple(records), table.names, tuple(problems)), skip_bad=skip_bad)


def _missing(root: Path, tile: TilePair) -> list[PairProblem]:
    files = [tile.original, tile.transmitted, *([tile.derivative] if tile.derivative else [])]
    return [
        PairProblem("missing", None, tile.id, f"there is no file '{file}'")
        for file in files
        if not (root / file).is_file()
    ]
