"""Files that are there whole or not at all, and their digests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

_PIECE_BYTES = 1 << 16
# Most file systems end a name at 255 bytes; the dot and ".part" must fit in as well.
_LONGEST_NAME_BYTES = 249


def write_atomic(path: Path, data: bytes, *, fsync: bool = False) -> None:
    """Write a file so that no reader ever sees half of it.

    Args:
        path: The file; its folder exists. A file already there is replaced.
        data: The whole content.
        fsync: Also wait until the content and the name are on the disk, to survive a power cut.

    Raises:
        OSError: It cannot be written; what was at `path` is untouched and nothing is left beside it.
    """
    with atomic_writer(path, fsync=fsync) as stream:
        stream.write(data)


@contextlib.contextmanager
def atomic_writer(path: Path, *, fsync: bool = False) -> Generator[BinaryIO, None, None]:
    """A stream whose content appears at a path when the block ends without an exception.

    Args:
        path: The file; its folder exists. A file already there is replaced.
        fsync: Also wait until the content and the name are on the disk, to survive a power cut.

    Yields:
        A binary stream to a hidden file in the same folder, `.{name}.part`. One writer per path at a time.

    Raises:
        OSError: It cannot be written; what was at `path` is untouched and nothing is left beside it.
    """
    part = _part_beside(path)
    try:
        with part.open("wb") as stream:
            yield stream
            if fsync:
                stream.flush()
                os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    if fsync:
        _fsync_folder(path.parent)


@contextlib.contextmanager
def atomic_path(path: Path) -> Generator[Path, None, None]:
    """A path to write to by name, whose file appears at another path when the block ends without an exception.

    Args:
        path: The file; its folder exists. A file already there is replaced.

    Yields:
        The path of a hidden file in the same folder, `.{name}.part`. One writer per path at a time.

    Raises:
        OSError: It cannot be renamed; what was at `path` is untouched and nothing is left beside it.
    """
    part = _part_beside(path)
    try:
        yield part
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def digest_file(path: Path) -> str:
    """The SHA-256 of a file's content, read in pieces.

    Args:
        path: A regular file; a pipe or a device is refused, as reading it might never end.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        os.scandir(path).close()  # says "permission denied" where that is why the folder was not listed
        raise IsADirectoryError(f"got a folder, expected a file: '{path}'")
    if not stat.S_ISREG(mode):
        raise OSError(f"got a pipe, socket or device, expected a regular file: '{path}'")
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        # Pieces small enough for the allocator to reuse: `hashlib.file_digest` maps fresh memory for every file.
        while piece := stream.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _part_beside(path: Path) -> Path:
    name = os.fsencode(path.name)
    if len(name) > _LONGEST_NAME_BYTES:
        return path.with_name(f".{hashlib.sha256(name).hexdigest()}.part")
    return path.with_name(f".{path.name}.part")


def _fsync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and the rename is durable by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
