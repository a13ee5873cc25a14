"""Work for the batch tests, importable by spawned workers; also a program that can be killed."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repost.batch import Finished, Item, Row, RowFinished, run
from repost.core.errors import UnreadableMedia
from repost.core.files import write_atomic


@dataclass(frozen=True)
class Shout:
    """Write the source in capitals, once per part. What a source says decides what goes wrong.

    `kill@b` kills the worker when it comes to part b, `kill@` whatever the part; so with the other words.
    """

    out: Path
    log: Path | None = None  # gets a line for every part really worked on
    version: str = "1"
    go: Path | None = None  # "stall" goes on when this exists

    def settings(self, part: str) -> str:
        return f"{self.version} {part}"

    def blank(self, item: Item, part: str) -> dict[str, object]:
        return {"source": item.id, "platform": part, "output": None, "trace": None}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        text = item.source.read_text(errors="surrogateescape")
        word, _, where = text.partition("@")
        for part in parts:
            if self.log is not None:
                with self.log.open("a") as log:
                    log.write(f"{item.id!a} {part}\n")
            if word in MISHAPS and part.startswith(where):
                yield from MISHAPS[word](self, item, part)
                continue
            output = f"{part}/{item.stem or item.id}.txt" if part else f"{item.stem or item.id}.txt"
            (self.out / output).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self.out / output, f"{self.version} {text.upper()}".encode(errors="surrogateescape"))
            yield Row(item.id, part, "done", fields={"output": output, "trace": [("upper", 1)]}, outputs=(output,))


def _raise(error: BaseException):
    def mishap(work: Shout, item: Item, part: str) -> Iterator[Row]:
        raise error
        yield

    return mishap


def _damaged(work: Shout, item: Item, part: str) -> Iterator[Row]:
    raise UnreadableMedia(item.id, reason="it ends\nearly")
    yield


def _kill(work: Shout, item: Item, part: str) -> Iterator[Row]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield


def _segfault(work: Shout, item: Item, part: str) -> Iterator[Row]:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # pytest's fault handler would print a page
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def _leave(work: Shout, item: Item, part: str) -> Iterator[Row]:
    os._exit(3)
    yield


def _skip(work: Shout, item: Item, part: str) -> Iterator[Row]:
    yield Row(item.id, part, "skipped", error="no media")


def _nothing(work: Shout, item: Item, part: str) -> Iterator[Row]:
    yield from ()


def _stranger(work: Shout, item: Item, part: str) -> Iterator[Row]:
    yield Row(item.id, "elsewhere", "done")


def _lie(work: Shout, item: Item, part: str) -> Iterator[Row]:
    yield Row(item.id, part, "done", outputs=("never-written.txt",))


def _escape(work: Shout, item: Item, part: str) -> Iterator[Row]:
    yield Row(item.id, part, "done", outputs=("../outside.txt",))


def _unwritable(work: Shout, item: Item, part: str) -> Iterator[Row]:
    yield Row(item.id, part, "done", fields={"trace": float("nan")})


def _places(work: Shout, item: Item, part: str) -> Iterator[Row]:
    raise OSError(errno.EIO, f"broken between {item.source} and", str(work.out / "x"))
    yield


def _stall(work: Shout, item: Item, part: str) -> Iterator[Row]:
    while work.go is None or not work.go.exists():
        time.sleep(0.02)
    yield Row(item.id, part, "done")


MISHAPS = {
    "damaged": _damaged,
    "bug": _raise(ZeroDivisionError("one\nover none")),
    "full": _raise(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
    "memory": _raise(MemoryError()),
    "interrupt": _raise(KeyboardInterrupt()),
    "kill": _kill,
    "segfault": _segfault,
    "leave": _leave,
    "skip": _skip,
    "nothing": _nothing,
    "stranger": _stranger,
    "lie": _lie,
    "escape": _escape,
    "unwritable": _unwritable,
    "places": _places,
    "stall": _stall,
}


@dataclass(frozen=True)
class Unloadable(Shout):
    """Can be sent to a worker but not be loaded there."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise ImportError("no codec on this machine")


def make_items(folder: Path, texts: dict[str, str], parts: tuple[str, ...] = ("a", "b")) -> list[Item]:
    """Write sources and return them as items."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return [Item(name, folder / name, parts, stem=name) for name in texts]


def finished_rows(events) -> list[RowFinished]:
    return [event for event in events if isinstance(event, RowFinished)]


def main() -> None:
    source, out, jobs, go = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    items = [Item(path.name, path, ("a", "b"), path.name) for path in sorted(source.iterdir())]
    for event in run(items, Shout(out, go=go), out=out, jobs=jobs):
        if isinstance(event, Finished):
            sys.stdout.write(f"{event.summary}\n")


if __name__ == "__main__":
    main()
