"""Pairs of pictures that `repost pairs recover` found."""

from __future__ import annotations

from pathlib import Path

from repost.estimation.pairing import FilesOfPair, Refused


def pairs_of_manifest(manifest: Path) -> tuple[list[FilesOfPair], list[Refused]]:
    """Pairs that `repost pairs recover` found.

    Args:
        manifest: Its manifest, or the folder that is in.

    Returns:
        The uploaded and downloaded files, whole, and what the manifest says is missing.

    Raises:
        InputNotFound: There is no manifest.
        InvalidManifest: It cannot be used; every faulty field is named.
    """
    from repost.pairs.manifest import load_pairs

    found = load_pairs(manifest)
    folder = manifest if manifest.is_dir() else manifest.parent
    pairs = [FilesOfPair(pair.sheet_id, folder / pair.upload, folder / pair.download) for pair in found.files]
    missing = [
        Refused(problem.sheet_id or ", ".join(problem.downloads), f"{problem.kind}: {problem.reason}")
        for problem in found.problems
        if problem.tile_index is None and problem.kind != "copy"
    ]
    return pairs, missing
