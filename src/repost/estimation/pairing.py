"""Which upload belongs to which download, by the names of the files in two folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from repost.batch import Item
from repost.core.errors import InputNotFound, UsageError
from repost.core.files import digest_file
from repost.media.sniff import MEDIA_SUFFIXES, VIDEO_FORMATS, VIDEO_SUFFIXES, sniff

Media: TypeAlias = Literal["any", "video"]
_Stems: TypeAlias = Mapping[str, Sequence[Path]]
"""Files by their path in the folder, without extension."""


@dataclass(frozen=True, slots=True)
class FilesOfPair:
    """Two files that should be one picture, or one video, before and after.

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


def pairs_by_name(
    originals: Path, shared: Path, *, media: Media = "any", anywhere: bool = False
) -> tuple[list[FilesOfPair], list[Refused]]:
    """Pair the files of two folders that have the same path, whatever their extensions; a number is part of the name.

    Args:
        originals: Folder of what was uploaded, or one file.
        shared: Folder of what came back, or one file.
        media: "video" passes images over, such as the thumbnails that downloaders leave beside videos.
        anywhere: Whether a file without a partner on its own path may have one elsewhere: the only file of its name in
            the one folder belongs to the only file of that name in the other. Where a name occurs more often (several
            methods, one clip) nothing is guessed.

    Returns:
        The pairs, sorted by name, and every file that has no partner or more than one. Whether two files show the same
        is found out when the pair is examined. A pair of different paths has the download's name.

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
    uploads, downloads = _by_stem(originals, media), _by_stem(shared, media)
    elsewhere = _Elsewhere(uploads, downloads) if anywhere else None
    found: list[FilesOfPair | Refused] = []
    for name in sorted(uploads.keys() | downloads.keys()):
        here = _partners(name, uploads.get(name, []), downloads.get(name, []), media)
        alone = name not in uploads or name not in downloads
        found += elsewhere.partners(name, here) if elsewhere and alone and isinstance(here, Refused) else [here]
    pairs = [one for one in found if isinstance(one, FilesOfPair)]
    return pairs, [one for one in found if isinstance(one, Refused)]


def _by_stem(folder: Path, media: Media) -> _Stems:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in _files(folder, media):
        found[_without_extension(path.relative_to(folder)).as_posix()].append(path)
    return found


def _files(folder: Path, media: Media) -> Iterator[Path]:
    """Media below a folder, by content or by name: notes and manifests lie beside them and are nobody's partner."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and _is_wanted(path, media):
            yield path


def _is_wanted(path: Path, media: Media) -> bool:
    suffix = path.suffix.lower()
    if media == "any":
        return suffix in MEDIA_SUFFIXES or sniff(_head(path)) is not None
    found = sniff(_head(path))
    return suffix in VIDEO_SUFFIXES if found is None else found in VIDEO_FORMATS


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except OSError:
        return b""


def _partners(name: str, uploads: Sequence[Path], downloads: Sequence[Path], media: Media) -> FilesOfPair | Refused:
    if not downloads:
        return Refused(name, f"nothing came back for it: no {'video' if media == 'video' else 'download'} of that name")
    if not uploads:
        return Refused(name, "a download without an upload of that name; `repost pairs recover` matches renamed ones")
    if len(uploads) > 1 or len(downloads) > 1:
        many = ", ".join(path.name for path in (uploads if len(uploads) > 1 else downloads))
        return Refused(name, f"several files of that name ({many}): which belong together cannot be told")
    return FilesOfPair(name, uploads[0], downloads[0])


class _Elsewhere:
    """Partners in other folders, by bare file name."""

    def __init__(self, uploads: _Stems, downloads: _Stems) -> None:
        self._uploads, self._downloads = uploads, downloads
        self._uploads_called, self._downloads_called = _by_last_part(uploads), _by_last_part(downloads)

    def partners(self, name: str, refused: Refused) -> list[FilesOfPair | Refused]:
        """What becomes of a path that only one of the folders has: nothing where its pair stands under the other's."""
        called = PurePosixPath(name).name
        uploads, downloads = self._uploads_called.get(called, []), self._downloads_called.get(called, [])
        if not uploads or not downloads:
            return [refused]
        files = [path for one in uploads for path in self._uploads[one]]
        served = [path for one in downloads for path in self._downloads[one]]
        if len(files) == len(served) == 1:
            return [FilesOfPair(name, files[0], served[0])] if name in downloads else []
        kinds = [_count(uploads, len(files), "original"), _count(downloads, len(served), "download")]
        return [
            Refused(
                name, f"no file on the same path, and {' and '.join(kinds)} of that name: which belong cannot be told"
            )
        ]


def _without_extension(path: Path) -> Path:
    """The path without its extension; a number is none: img.1 and img.2 are two pictures."""
    return path if path.suffix[1:].isdecimal() else path.with_suffix("")


def _by_last_part(stems: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for stem in sorted(stems):
        found[PurePosixPath(stem).name].append(stem)
    return found


_SHOWN = 6


def _count(stems: Sequence[str], number: int, kind: str) -> str:
    shown = ", ".join(stems[:_SHOWN]) + (", ..." if len(stems) > _SHOWN else "")
    return f"{number} {kind}{'s' if number > 1 else ''} ({shown})"


def items_of(pairs: Sequence[FilesOfPair]) -> list[Item]:
    """Pairs as items of a batch; the upload's digest stands in the stem, so that a changed upload is examined anew."""
    return [Item(pair.name, pair.served, ("pair",), _digest(pair.upload)) for pair in pairs]


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError:
        return ""  # the examination says what is wrong with it
