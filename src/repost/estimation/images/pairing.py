"""Which upload belongs to which download: by name in two folders, or as recovered pairs say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repost.core.errors import InputNotFound, UsageError
from repost.media.sniff import MEDIA_SUFFIXES, sniff


@dataclass(frozen=True, slots=True)
class FilesOfPair:
    """Two files that should be one picture before and after.

    Attributes:
        name: Unique among the pairs.
        upload: The file that was uploaded.
        served: The file that came back.
    """

    name: str
    upload: Path
    served: Path


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that gave no pair, or a pair that gave no finding.

    Attributes:
        name: The pair or the file.
        reason: Why, in words.
    """

    name: str
    reason: str


def pairs_by_name(originals: Path, shared: Path) -> tuple[list[FilesOfPair], list[Refused]]:
    """Pair the files of two folders that have the same path, whatever their extensions; a number is part of the name.

    Args:
        originals: Folder of what was uploaded, or one file.
        shared: Folder of what came back, or one file.

    Returns:
        The pairs, sorted by name, and every file that has no partner or more than one. Whether two files show the same
        picture is found out when the pair is examined.

    Raises:
        InputNotFound: One of the two does not exist.
        UsageError: Both are the same folder, or a file stands against a folder.
    """
    for path in (originals, shared):
        if not path.exists():
            raise InputNotFound(path)
    if originals.resolve() == shared.resolve():
        raise UsageError(f"got '{originals}' for both, expected the uploads and the downloads in folders of their own")
    if originals.is_file() and shared.is_file():
        return [FilesOfPair(originals.name, originals, shared)], []
    if originals.is_file() or shared.is_file():
        raise UsageError(f"got a file and a folder, expected two folders or two files: '{originals}', '{shared}'")
    uploads, downloads = _by_stem(originals), _by_stem(shared)
    pairs: list[FilesOfPair] = []
    refused: list[Refused] = []
    for name in sorted(uploads.keys() | downloads.keys()):
        found = _partners(name, uploads.get(name, []), downloads.get(name, []))
        (pairs if isinstance(found, FilesOfPair) else refused).append(found)  # type: ignore[arg-type]
    return pairs, refused


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


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in _files(folder):
        found[_without_extension(path.relative_to(folder)).as_posix()].append(path)
    return found


def _without_extension(path: Path) -> Path:
    """The path without its extension; a number is none: img.1 and img.2 are two pictures."""
    return path if path.suffix[1:].isdecimal() else path.with_suffix("")


def _files(folder: Path) -> Iterator[Path]:
    """Media below a folder, by content or by name: notes and manifests lie beside pictures and are nobody's partner."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and (path.suffix.lower() in MEDIA_SUFFIXES or sniff(_head(path))):
            yield path


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except OSError:
        return b""


def _partners(name: str, uploads: Sequence[Path], downloads: Sequence[Path]) -> FilesOfPair | Refused:
    if not downloads:
        return Refused(name, "nothing came back for it: no download of that name")
    if not uploads:
        return Refused(name, "a download without an upload of that name; `repost pairs recover` matches renamed ones")
    if len(uploads) > 1 or len(downloads) > 1:
        many = ", ".join(path.name for path in (uploads if len(uploads) > 1 else downloads))
        return Refused(name, f"several files of that name ({many}): which belong together cannot be told")
    return FilesOfPair(name, uploads[0], downloads[0])
