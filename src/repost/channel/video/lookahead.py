"""x264's lookahead, given the time it needs, so that the same bytes come out every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from av.packet import Packet
from av.video.frame import VideoFrame

from repost.channel.video.settings import EncoderSettings
from repost.core.threads import can_watch_threads, threads_started, wait_until_asleep

_PATIENCE_S = 10.0
"""Far longer than a frame takes; where threads always look busy the waiting ends with the first frame."""


class Lookahead:
    """Hands frames to x264 no faster than it looks ahead.

    With several threads x264 looks ahead in one more. How far that is decides which frame's memory is used again, and
    the lookahead reads what lies there before writing it: in the ffmpeg program on a busy machine timing decides what
    comes out. One that always keeps up gives one outcome, and it is the one that the program gives where it has time.

    Args:
        settings: Of the encoder; with one thread or another encoder nothing is waited for.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        self._encoding_threads = settings.threads
        self._threads: list[int] | None = None if settings.looks_ahead_alone and can_watch_threads() else []

    def encode(
        self, encode: Callable[[VideoFrame | None], list[Packet[Any]]], frame: VideoFrame | None
    ) -> list[Packet[Any]]:
        """Hand over a frame, and wait until x264 has looked at it.

        Args:
            encode: The encoder's own function.
            frame: The frame, or None after the last.

        Returns:
            The packets that are ready.
        """
        if self._threads is None:  # the first frame starts them: those that encode, then those that look ahead
            with threads_started() as started:
                packets = encode(frame)
            self._threads = started[self._encoding_threads :]
        else:
            packets = encode(frame)
        if self._threads and frame is not None and not wait_until_asleep(self._threads, patience_s=_PATIENCE_S):
            self._threads = []
        return packets
