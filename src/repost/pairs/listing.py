"""Open a set of pairs, whichever of the two layouts it has."""

from __future__ import annotations

from pathlib import Path

from repost.pairs.dataset_manifest import from_manifest
from repost.pairs.dataset_records import PairListing
from repost.pairs.manifest import load_pairs
from repost.pairs.published import TRANSMITTED, from_published


def open_pairs(path: Path, *, unnamed: str | None = None, skip_bad: bool = False) -> PairListing:
    """Read the pairs of a folder.

    Args:
        path: What `repost pairs recover` wrote (the folder or its `pairs.json`), or a folder in the published layout
            of DF-RAP's data set.
        unnamed: What to call the network where a manifest does not name it.
        skip_bad: Leave bad rows out and name them in the problems, instead of raising.

    Raises:
        InputNotFound: There is neither.
        InvalidManifest: The manifest cannot be used.
        InvalidPairs: Pictures are missing or rows are bad, and `skip_bad` is false.
        UsageError: The manifest does not name its network and neither does `unnamed`.
    """
    if (path / TRANSMITTED).is_dir():
        return from_published(path, skip_bad=skip_bad)
    return from_manifest(path, platform=load_pairs(path).platform or unnamed, skip_bad=skip_bad)
