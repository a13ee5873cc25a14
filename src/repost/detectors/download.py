"""Download one file over a connection that may break: go on from there, and keep only what was asked for."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import FileIO
from pathlib import Path
from ssl import SSLEOFError, SSLZeroReturnError
from urllib.error import HTTPError, URLError

from pydantic import BaseModel, ConfigDict, ValidationError

from repost.core.errors import DownloadFailed, InvalidWeights, OutputUnwritable, RepostError
from repost.core.files import digest_file, size_of, write_atomic
from repost.detectors.web import answer_of

MOST_BYTES = 2 << 30
"""Where no size is known; as much as the reader of foreign weights takes."""
_PIECE_BYTES = 1 << 15
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
# Too early, too many, or trouble of the server's own; other statuses say the same the next time.
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_BROKEN = (TimeoutError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, SSLEOFError, SSLZeroReturnError)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file at an address.

    Attributes:
        url: https, or http on this machine.
        sha256: What it must have, 64 hexadecimal digits.
        size_bytes: What it must have; None where that is not known.
    """

    url: str
    sha256: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout_s: For each sign of life: a connection, an answer, the next bytes.
        attempts: How often in a row it may break without a byte won.
        pause_s: Before the second attempt; doubled before each further one.
    """

    timeout_s: float = 30.0
    attempts: int = 5
    pause_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Received:
    """More of the file is here.

    Attributes:
        received_bytes: So far, what earlier runs left included.
        total_bytes: Of the file; None where neither the server nor the card says.
    """

    received_bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class Retrying:
    """The connection broke, and is tried again after a pause.

    Attributes:
        reason: Why it broke.
        received_bytes: What is kept of the file.
        pause_s: The pause before the next attempt.
    """

    reason: str
    received_bytes: int
    pause_s: float


DownloadEvent = Received | Retrying
Listener = Callable[[DownloadEvent], None]


class _Origin(BaseModel):
    """Which version of which file a part is of; it lies beside the part.

    Attributes:
        schema_version: Of this format.
        url: Where it was asked for.
        validator: A strong ETag or the date of the last change, for `If-Range`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: int = 1
    url: str
    validator: str


def download(remote: Remote, part: Path, *, patience: Patience, listen: Listener) -> None:
    """Bring a file here, whole and with the checksum it must have.

    Args:
        remote: The file.
        part: Where it is put together; its folder exists. What an earlier call left there is gone on from, if the file
            at the address is still the same.
        patience: How long to wait.
        listen: Called with what happens.

    Raises:
        DownloadFailed: It cannot be had; what is here is kept, a later call goes on from it.
        InvalidWeights: It is not the file that was asked for; nothing is kept of it.
        OutputUnwritable: `part` cannot be written; what is here is kept.
    """
    try:
        if _complete(remote, part, patience, listen) and digest_file(part) != remote.sha256:
            # Put together from two versions of a file whose server does not tell them apart: once more from the start.
            discard(part)
            _complete(remote, part, patience, listen)
        got = digest_file(part)
        if got != remote.sha256:
            raise InvalidWeights(remote.url, reason=f"got a file with SHA-256 {got}", expected=remote.sha256)
    except InvalidWeights:
        discard(part)
        raise
    _forget_origin(part)


def discard(part: Path) -> None:
    """Remove what a download left behind, where it left anything.

    Args:
        part: As `download` got it.
    """
    _forget_origin(part)
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


def _complete(remote: Remote, part: Path, patience: Patience, listen: Listener) -> bool:
    """Receive until the file is whole; whether the last answer went on from what was there."""
    fruitless = 0
    while True:
        before = size_of(part)
        if before and digest_file(part) == remote.sha256:
            return False
        try:
            return _receive(remote, part, patience, listen)
        except RepostError:
            raise
        except (OSError, HTTPException) as error:
            here = size_of(part)
            fruitless = 1 if here > before else fruitless + 1
            if fruitless >= patience.attempts or not _may_pass(error):
                raise DownloadFailed(remote.url, reason=_in_words(error), kept_bytes=here) from error
            pause_s = patience.pause_s * 2 ** (fruitless - 1)
            listen(Retrying(_in_words(error), here, pause_s))
            time.sleep(pause_s)


def _receive(remote: Remote, part: Path, patience: Patience, listen: Listener) -> bool:
    """One request, read to its end; whether it went on from what was there."""
    here = size_of(part)
    try:
        with answer_of(remote.url, headers=_range_from(here, remote, part), timeout_s=patience.timeout_s) as answer:
            start = _first_byte(answer, here)
            total_bytes = _total_bytes(remote, answer)
            if start == 0:
                _remember_origin(remote, answer, part)
            _copy(answer, part, remote, start=start, total_bytes=total_bytes, listen=listen)
            return start > 0
    except _NotFromThere as error:
        discard(part)
        raise ConnectionResetError("what is here is of another version of the file") from error
    except HTTPError as error:
        if error.code != 416 or not here:
            raise
        discard(part)
        raise ConnectionResetError("the file is shorter than what is here of it") from error


class _NotFromThere(Exception):
    """The server answers with another range than the one that was asked for."""


def _range_from(here: int, remote: Remote, part: Path) -> dict[str, str]:
    if not here:
        return {}
    try:
        origin = _Origin.model_validate_json(_origin_path(part).read_bytes())
    except (OSError, ValidationError):
        origin = None
    # Without a validator it may be another version: the checksum tells, and then all of it is fetched again.
    same = {"If-Range": origin.validator} if origin is not None and origin.url == remote.url else {}
    return {"Range": f"bytes={here}-", **same}


def _first_byte(answer: HTTPResponse, here: int) -> int:
    """Where in the file the answer's body begins; a server may send all of it though less was asked for."""
    if answer.status != 206:
        return 0
    ranged = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if ranged is None or int(ranged[1]) != here:
        raise _NotFromThere
    return here


def _total_bytes(remote: Remote, answer: HTTPResponse) -> int | None:
    """How long the file is; an error where that already shows that it is not the one that was asked for."""
    if answer.headers.get_content_type() == "text/html":
        raise DownloadFailed(remote.url, reason="got a web page, expected a file")
    ranged = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    told = answer.length if ranged is None else int(ranged[2])
    expected = remote.size_bytes
    if told is not None and (told != expected if expected is not None else told > MOST_BYTES):
        raise _wrong_size(remote, f"{told:,} bytes")
    return expected if told is None else told


def _copy(
    answer: HTTPResponse, part: Path, remote: Remote, *, start: int, total_bytes: int | None, listen: Listener
) -> None:
    here, most = start, total_bytes if total_bytes is not None else MOST_BYTES
    with _writing(part):
        stream = part.open("ab" if start else "wb", buffering=0)
    with stream:
        while piece := answer.read(_PIECE_BYTES):
            here += len(piece)
            if here > most:
                raise _wrong_size(remote, f"more than {most:,} bytes")
            with _writing(part):
                _write(stream, piece)
            listen(Received(here, total_bytes))
    if total_bytes is not None and here < total_bytes:
        raise ConnectionResetError(f"the connection ended after {here:,} of {total_bytes:,} bytes")


def _write(stream: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:  # a disk that is almost full takes some of it
        rest = rest[stream.write(rest) :]


def _remember_origin(remote: Remote, answer: HTTPResponse, part: Path) -> None:
    """Keep what tells this version of the file from others; a weak ETag does not."""
    etag = answer.headers.get("ETag", "")
    validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
    path = _origin_path(part)
    with _writing(part):
        if validator is None:
            path.unlink(missing_ok=True)
        else:
            write_atomic(path, _Origin(url=remote.url, validator=validator).model_dump_json().encode())


def _forget_origin(part: Path) -> None:
    with contextlib.suppress(OSError):
        _origin_path(part).unlink(missing_ok=True)


def _origin_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


@contextlib.contextmanager
def _writing(path: Path) -> Generator[None, None, None]:
    """Tell errors of the disk from those of the connection."""
    try:
        yield
    except OSError as error:
        raise OutputUnwritable(path, reason=error.strerror or str(error), resumes=True) from error


def _wrong_size(remote: Remote, got: str) -> InvalidWeights:
    expected = f"{remote.size_bytes:,} bytes" if remote.size_bytes is not None else f"at most {MOST_BYTES:,} bytes"
    return InvalidWeights(remote.url, reason=f"got {got}", expected=expected)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, HTTPError):
        return error.code in _PASSING_STATUSES
    reason = error.reason if isinstance(error, URLError) else error
    return isinstance(reason, (*_BROKEN, HTTPException))


def _in_words(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"the server answers {error.code} {error.reason}"
    reason = error.reason if isinstance(error, URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or type(reason).__name__
