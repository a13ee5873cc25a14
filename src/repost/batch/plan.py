"""What to work on, and under which names: decided once, before anything is written."""

from __future__ import annotations

import itertools
import os
import stat
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from repost.batch.journal import MANIFEST_NAME, STATE_FOLDER
from repost.core.errors import InputNotFound, UnsafeOutput, UsageError

# A folder or file as the file system knows it: the same under every name and through every link.
_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """One input file.

    Attributes:
        id: Unique in the listing, with forward slashes; relative to the folder it was found in.
        path: Where it is. A folder where that could not be read: the row of it then says so.
        explicit: It was named itself, not found in a folder.
    """

    id: str
    path: Path
    explicit: bool


def list_inputs(sources: Sequence[Path], out: Path, *, parts: Sequence[str] = ("",)) -> list[Found]:
    """List the files to work on.

    Folders are walked with what lies below them, through links, each folder once; names that begin with a dot and the
    output folder are passed over. Nothing else is: what cannot be read is listed, and fails later as a row.

    Args:
        sources: Files and folders.
        out: The output folder; it need not exist.
        parts: The folders below `out` that outputs go to; "" is `out` itself.

    Returns:
        The files, at least one, sorted by id. Ids are relative to the folder given, and begin with its name where
        several are given; a file given by itself has its name. Ids still alike are numbered (`a~2.png`). A file found
        twice is listed once.

    Raises:
        InputNotFound: A source does not exist.
        UnsafeOutput: `out` is one of the sources, or an output could land on an input.
        UsageError: There is no file in them.
    """
    guard = _Guard(out, parts)
    found: dict[str, tuple[str, Path, bool]] = {}
    places = {_place(source): source for source in reversed(sources)}
    places = {place: places[place] for place in map(_place, sources)}  # of one place the first name given, in order
    folders = [place for place, source in places.items() if _is_folder(source)]
    names = _numbered([places[folder].resolve().name or "root" for folder in folders])
    prefixes = dict(zip(folders, names, strict=True))
    for place, source in places.items():
        guard.check(source)
        if place not in prefixes:
            found[place] = (source.name, source, True)
            continue
        for relative, path in _walk(source, guard):
            id_ = f"{prefixes[place]}/{relative}" if len(folders) > 1 else relative
            # A folder that itself cannot be read has no relative name.
            found.setdefault(_place(path), (id_ if relative else prefixes[place], path, False))
    if not found:
        named = ", ".join(f"'{source}'" for source in sources)
        raise UsageError(f"got no file in {named}, expected at least one image or video; name another folder")
    ids = _numbered([id_ for id_, _, _ in found.values()])
    listing = [Found(id_, path, explicit) for id_, (_, path, explicit) in zip(ids, found.values(), strict=True)]
    return sorted(listing, key=lambda entry: entry.id)


def output_stems(ids: Iterable[str], *, as_folders: bool = False) -> dict[str, str]:
    """Decide what each output is named, up to the extension it will be served with.

    Args:
        ids: Unique ids.
        as_folders: Whether an output may be a folder of its stem's name (of the frames of a video): then a folder of
            that name among the inputs is in its way as well.

    Returns:
        For each id its stem, to which "." and an extension without dots is appended. Normally the id without its own
        extension: `photos/a.png` -> `photos/a`. Where two ids would share that (`a.png` and `a.jpg`), or a folder
        stands in the way (`a.jpg/`), the full name: `a.png`. Whatever extensions are appended, no two outputs are
        alike and none is a folder of another, even where upper and lower case are the same.
    """
    stems = {id_: _without_extension(id_) for id_ in ids}
    # An output is in a folder's way when its stem and any extension make the folder's name.
    folders = {_fold(str(folder)) for id_ in stems for folder in PurePosixPath(id_).parents if folder.name}
    blocked = {_without_extension(folder) for folder in folders if _without_extension(folder) != folder}
    if as_folders:
        blocked |= folders
    unsettled = set(stems)
    while unsettled:
        # A full name can be what another id has as its stem (a.png.jpg beside a.png), so look again after each change.
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for id_, stem in stems.items():
            groups[_fold(stem)].append(id_)
        unsettled = {
            id_
            for stem, group in groups.items()
            if len(group) > 1 or stem in blocked
            for id_ in group
            if stems[id_] != id_
        }
        stems.update((id_, id_) for id_ in unsettled)
    return _numbered_stems(stems, blocked)


def names_kept(stems: Mapping[str, str]) -> frozenset[str]:
    """Decide which outputs may be named exactly as their inputs, where formats stay as they are.

    Args:
        stems: Of every id, as `output_stems` gives them.

    Returns:
        The ids whose own name is no other output's, whatever extensions are appended to the stems of the others, and no
        folder's: `a.png` and `a.jpg` beside each other both keep their names.
    """
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for id_, stem in stems.items():
        owners[_fold(stem)].add(id_)
    names = Counter(map(_fold, stems))
    folders = {_fold(str(folder)) for id_ in stems for folder in PurePosixPath(id_).parents if folder.name}
    return frozenset(
        id_
        for id_ in stems
        if names[_fold(id_)] == 1 and _fold(id_) not in folders and owners[_fold(_without_extension(id_))] <= {id_}
    )


def _numbered_stems(stems: dict[str, str], blocked: set[str]) -> dict[str, str]:
    # Left over are full names that differ in case alone (A.png, a.png), or that a folder blocks (a.png.jpg/).
    taken = {_fold(stem) for stem in stems.values()} | blocked
    used: set[str] = set(blocked)
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(2))
    for id_ in sorted(stems):
        stem, folded = stems[id_], _fold(stems[id_])
        while folded in used:
            candidate = f"{stems[id_]}~{next(numbers[_fold(stems[id_])])}"
            if _fold(candidate) not in taken:
                stem, folded = candidate, _fold(candidate)
        used.add(folded)
        taken.add(folded)
        stems[id_] = stem
    return stems


def _without_extension(id_: str) -> str:
    return _split_extension(id_)[0]


def _split_extension(id_: str) -> tuple[str, str]:
    # Not PurePath.suffix: what it makes of "a." differs between Python versions, and stems must not.
    folder, slash, name = id_.rpartition("/")
    stem, _, extension = name.rpartition(".")
    if not stem.strip(".") or not extension:
        return id_, ""
    return f"{folder}{slash}{stem}", f".{extension}"


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _numbered(names: list[str]) -> list[str]:
    taken, used = set(names), set[str]()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(2))
    result: list[str] = []
    for name in names:
        unique = name
        while unique in used:
            stem, extension = _split_extension(name)
            candidate = f"{stem}~{next(numbers[name])}{extension}"
            if candidate not in taken:
                unique = candidate
        used.add(unique)
        taken.add(unique)
        result.append(unique)
    return result


class _Guard:
    """Knows the folders that outputs go to."""

    def __init__(self, out: Path, parts: Sequence[str]) -> None:
        self._out = out
        self._out_identity = _identity(out)
        # A folder that does not exist yet has nothing in it to be overwritten.
        self._owned = _known(_identity(out / name) for name in (STATE_FOLDER, *parts))
        # The folders a walk does not enter.
        self.passed_over = self._owned | _known([self._out_identity])

    def check(self, source: Path) -> None:
        """Refuse a source that an output could land on.

        Both its own name and what it links to count: an output replaces a name, and what lies in a linked folder.
        """
        if self._out_identity is None:
            return
        entry = source.parent.resolve() / source.name
        real = source.resolve()
        above = {_identity(folder) for path in (entry, real) for folder in (path, *path.parents)}
        is_manifest = any(
            path.name == MANIFEST_NAME and _identity(path.parent) == self._out_identity for path in (entry, real)
        )
        if _identity(real) == self._out_identity or above & self._owned or is_manifest:
            raise UnsafeOutput(self._out, source=source)


def _walk(root: Path, guard: _Guard) -> Iterator[tuple[str, Path]]:
    """Files below a folder, as (relative name, path); folders that cannot be read are among them."""
    seen = set(guard.passed_over)
    real: deque[tuple[str, Path]] = deque([("", root)])
    # Linked folders come last: a folder that is reached both ways is listed under its own name.
    linked: deque[tuple[str, Path]] = deque()
    while real or linked:
        relative, folder = (real or linked).popleft()
        identity = _identity(folder)
        if identity in seen:
            continue  # a link back up, or a second way to the same folder
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            yield relative, folder
            continue
        if identity is not None:
            seen.add(identity)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name, path = f"{relative}/{entry.name}" if relative else entry.name, folder / entry.name
            if entry.is_symlink() and _identity(path) not in guard.passed_over:
                guard.check(path)
            if _is_folder_or_link_to_one(path):
                (linked if entry.is_symlink() else real).append((name, path))
            else:
                yield name, path


def _is_folder(source: Path) -> bool:
    try:
        return stat.S_ISDIR(source.stat().st_mode)
    except PermissionError:
        return False  # listed as a file, and fails later as a row
    except (OSError, ValueError) as error:
        raise InputNotFound(source) from error


def _is_folder_or_link_to_one(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _identity(path: Path) -> _Identity | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _known(identities: Iterable[_Identity | None]) -> set[_Identity]:
    return {identity for identity in identities if identity is not None}


def _place(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - removes "..", which Path.absolute does not
