"""Ctrl-C and SIGTERM between two steps."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator
from types import FrameType


class StopRequest:
    """Whether somebody asked the training to stop."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def stop_on_signals() -> Generator[StopRequest, None, None]:
    """Note the first Ctrl-C or SIGTERM instead of dying of it; the second acts as it did before.

    Outside the main thread Python takes no handlers: nothing is noted there.

    Yields:
        The request, to be looked at after each step.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(_number: int, _frame: FrameType | None) -> None:
        request.asked = True
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
