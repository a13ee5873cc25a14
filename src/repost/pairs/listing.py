"""Open a set of pairs, whichever of the two layouts it has."""

from __future__ import annotations

from pathlib import Path

from repost.pairs.dataset_manifest import from_manifest
from repost.pairs.dataset_records import PairListing
from repost.pairs.published import from_published

_PUBLISHED = "transmission_images"


def open_pairs(path: Path) -> PairListing:
    """Read the pairs of a folder.

    Args:
        path: What `repost pairs recover` wrote (the folder or its `pairs.json`), or a folder in the published layout
            of DF-RAP's data set.

    Raises:
        InputNotFound: There is neither.
        InvalidManifest: The manifest cannot be used.
        InvalidPairs: Pictures are missing, or rows are bad.
        UsageError: The manifest does not name its network.
    """
    return from_published(path) if (path / _PUBLISHED).is_dir() else from_manifest(path)
