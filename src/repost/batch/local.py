"""The engine of one machine: this process, or a pool of worker processes."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cached_property, partial
from itertools import islice
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

from repost.batch.model import Work
from repost.batch.worker import Outcome, Task, alone, give_up, perform, perform_in_turn
from repost.core.errors import UsageError

# One task in hand and some waiting for each worker: none idles while the parent writes its journal.
_TASKS_PER_WORKER = 4


def run_items(tasks: Iterator[Task], work: Work, *, out: Path, jobs: int) -> Generator[list[Outcome], None, None]:
    """Perform tasks on this machine.

    A worker that is killed (out of memory, a codec crash) costs nothing but time: the tasks then in flight are done
    again one part at a time in a worker of their own, and the one that kills again is a failed row.

    Args:
        tasks: The tasks, read as far as needed.
        work: What is done to each.
        out: The output folder.
        jobs: Worker processes; with 1 there is none, and the work runs here.

    Yields:
        Outcomes as they come.

    Raises:
        UsageError: The work cannot be sent to worker processes, or none can be started.
    """
    if jobs == 1:
        for task in tasks:
            # One by one, so that a video of which a thousand frames are done goes on from there when it is killed.
            yield from ([outcome] for outcome in perform_in_turn(task, work, out))
        return
    hire = partial(_Crew, _pickled(work), out)
    crew = hire(jobs)
    try:
        while crew.fill(tasks, limit=jobs * _TASKS_PER_WORKER):
            outcomes, suspects = crew.collect()
            if outcomes:
                yield outcomes
            if suspects:
                crew.close()
                yield from _one_by_one(suspects, work, hire)
                crew = hire(jobs)
    finally:
        crew.close()


def _one_by_one(suspects: list[Task], work: Work, hire: Callable[[int], _Crew]) -> Generator[list[Outcome], None, None]:
    crew = hire(1)
    try:
        for task in (part for suspect in suspects for part in alone(suspect)):
            crew.fill(iter([task]), limit=1)
            outcomes, killed = crew.collect()
            yield give_up(task, work) if killed else outcomes
            if killed:
                crew.close()
                crew = hire(1)
    finally:
        crew.close()


def _pickled(work: Work) -> bytes:
    try:
        return pickle.dumps(work)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise UsageError(f"the work cannot be sent to worker processes: {error}; jobs=1 needs none") from error


class _Crew:
    """Worker processes that hold the work, and the tasks they have in hand."""

    def __init__(self, pickled_work: bytes, out: Path, size: int) -> None:
        # A plain shared byte: a worker killed while it held the lock of an Event would hang all the others.
        self._stop = RawValue(ctypes.c_bool, False)
        self._tasks: dict[Future[list[Outcome]], Task] = {}
        self._broken = False
        self._pool = ProcessPoolExecutor(
            size,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_enter,
            initargs=(pickled_work, out, self._stop),
        )
        self._start(size)

    def _start(self, size: int) -> None:
        """Start every worker and see that it can load the work, before a missing main guard is taken for a bad item.

        All of them at once, because a pool that is broken by one worker while it starts another forgets that one.
        """
        try:
            with _interrupts_held():
                answers = [self._pool.submit(_problem) for _ in range(size)]
            problem = next((found for answer in answers if (found := answer.result()) is not None), None)
        except BrokenProcessPool:
            self._broken = True
            problem = "it died while starting; a script must call repost under `if __name__ == '__main__':`"
        if problem is not None:
            self.close()
            raise UsageError(f"cannot start a worker process: {problem}; jobs=1 needs none")

    def fill(self, tasks: Iterator[Task], *, limit: int) -> bool:
        """Hand out tasks up to a limit; False when none is left anywhere."""
        for task in islice(tasks, limit - len(self._tasks)):
            try:
                with _interrupts_held():
                    future = self._pool.submit(_serve, task)
            except BrokenProcessPool as error:  # a worker died since the last look
                self._broken = True
                future = Future[list[Outcome]]()
                future.set_exception(error)
            self._tasks[future] = task
        return bool(self._tasks)

    def collect(self) -> tuple[list[Outcome], list[Task]]:
        """Wait for at least one task, or for all where a worker died; the tasks lost with it come second."""
        ready = wait(self._tasks, return_when=FIRST_COMPLETED).done
        if any(isinstance(future.exception(), BrokenProcessPool) for future in ready):
            self._broken = True
            ready = wait(self._tasks).done
        outcomes: list[Outcome] = []
        lost: list[Task] = []
        for future in ready:
            task = self._tasks.pop(future)
            try:
                outcomes.extend(future.result())
            except BrokenProcessPool:
                lost.append(task)
        return outcomes, lost

    def close(self) -> None:
        """Let the workers finish the part in hand and leave; a second Ctrl-C while waiting kills them."""
        self._stop.value = True
        processes: dict[int, BaseProcess] = dict(getattr(self._pool, "_processes", None) or {})
        if self._broken:
            # One that was started while the pool broke is not told to leave, and would be waited for for ever.
            for process in processes.values():
                process.kill()
        try:
            self._pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:
            for process in processes.values():
                process.kill()
            raise


@contextlib.contextmanager
def _interrupts_held() -> Generator[None, None, None]:
    # `submit` starts processes. They inherit that Ctrl-C is held back, so none shows a traceback from its start before
    # `_enter` ignores it for good; and this process is not interrupted with a worker started but not yet known.
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Desk:
    """What a worker process holds between tasks."""

    def __init__(self, pickled_work: bytes, out: Path, stop: ctypes.c_bool) -> None:
        self.out = out
        self._pickled_work = pickled_work
        self._stop = stop

    @cached_property
    def work(self) -> Work:
        """The work, loaded on first use so that what it imports does not delay `_enter`."""
        return pickle.loads(self._pickled_work)  # noqa: S301 - bytes from our own parent, never from a file

    def stopped(self) -> bool:
        """Whether the parent wants no more."""
        return bool(self._stop.value)


_DESK: list[_Desk] = []


def _enter(pickled_work: bytes, out: Path, stop: ctypes.c_bool) -> None:
    # A terminal sends Ctrl-C to the workers too; only the parent is to act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _DESK[:] = [_Desk(pickled_work, out, stop)]


def _leave_with_parent() -> None:
    # The lock is gone with a killed parent: a worker that went on writing would meet the next run.
    parent = multiprocessing.parent_process()
    if parent is not None:
        with contextlib.suppress(InterruptedError):
            parent.join()
        os._exit(1)


def _problem() -> str | None:
    try:
        _DESK[0].work  # noqa: B018 - loads it
    except Exception as error:  # noqa: BLE001 - told as text: not every exception survives being pickled
        return f"the work cannot be loaded there: {type(error).__name__}: {error}"
    return None


def _serve(task: Task) -> list[Outcome]:
    desk = _DESK[0]
    return perform(task, desk.work, desk.out, stopped=desk.stopped)
