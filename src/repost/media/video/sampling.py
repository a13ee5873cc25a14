"""Frames of a video by their numbers: the frames of a decode in order, without decoding what they do not need."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from repost.core.errors import UnreadableMedia
from repost.media.video.extent import cut_off
from repost.media.video.open import open_video
from repost.media.video.roles import Role, role_reader


@dataclass(frozen=True, slots=True)
class FrameTable:
    """The frames of a video, by its packets alone.

    Attributes:
        path: The file.
        name: What it is called in errors.
        max_pixels: Limit on width x height of a frame; the limit in force when None.
        count: Frames that can be read.
        missing: Frames that the file's index promises behind its end.
        fault: What is wrong with the file, or None.
        times: Timestamps of the packets in the order they are stored, where frames can be told by them; else empty.
        shown: The same of those that are shown, in the order they are shown.
        roles: Of the packets, in the order they are stored; empty where `times` is.
    """

    path: Path
    name: str
    max_pixels: int | None
    count: int
    missing: int
    fault: str | None
    times: Sequence[int] = field(default=(), repr=False)
    shown: Sequence[int] = field(default=(), repr=False)
    roles: Sequence[Role] = field(default=(), repr=False)

    def numbers(self, every: int) -> list[int]:
        """The numbers of every so-manieth frame: 0, every, 2 * every, ...

        Args:
            every: 1 or more.

        Returns:
            Those that the file has or should have. Of a file with a fault that does not say how many it should have,
            the first beyond the fault is among them, so that the fault cannot go unnoticed.
        """
        unknown = self.fault is not None and not self.missing
        return [*range(0, self.count + self.missing + (every if unknown else 0), every)]


@dataclass(slots=True)
class Sampled:
    """What came of sampling.

    Attributes:
        fault: Why frames are missing, so far as it is known when the last frame was given; None where all were decoded.
        decoded: How many packets were decoded.
    """

    fault: str | None = None
    decoded: int = 0


def read_frame_table(path: Path, *, name: str | None = None, max_pixels: int | None = None) -> FrameTable:
    """Read which frames a video has. Packets are read to the end, nothing is decoded.

    Args:
        path: The file.
        name: What it is called in errors; the path when None.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Returns:
        Its table; of a damaged or truncated video that of the frames before the fault.

    Raises:
        MediaError: It is no video, or not one packet can be read.
    """
    name = name or str(path)
    with open_video(path, name=name, max_pixels=max_pixels) as (container, stream):
        scan = _scan(container, stream)
        cut = cut_off(path, container, stream)
        promised = len(stream.index_entries) if cut else 0
    fault = cut or scan.fault
    if not scan.count:
        raise UnreadableMedia(name, reason=fault or "it holds no frame")
    count, shown = scan.count, array("q", sorted(scan.shown))
    if fault is not None and scan.last_dts is not None:
        # Of frames shown later than the last packet was decoded, some may be among those that are lost.
        count = min(count, bisect_right(shown, scan.last_dts))
    missing = max(0, promised - scan.hidden - count)
    if _exact(scan.times, shown, scan.roles):
        return FrameTable(path, name, max_pixels, count, missing, fault, scan.times, shown, scan.roles)
    return FrameTable(path, name, max_pixels, count, missing, fault)


@dataclass(slots=True)
class _Scan:
    """What reading packets came to: fields as in `FrameTable`, and how many packets there are that show nothing."""

    times: array[int] = field(default_factory=lambda: array("q"))
    shown: array[int] = field(default_factory=lambda: array("q"))
    roles: list[Role] = field(default_factory=list[Role])
    count: int = 0
    hidden: int = 0
    last_dts: int | None = None
    fault: str | None = None


def _scan(container: InputContainer, stream: VideoStream) -> _Scan:
    found, role_of = _Scan(), role_reader(stream)
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                found.fault = "a packet is cut short"
                break
            if not packet.size:
                continue
            found.count += not packet.is_discard
            found.hidden += packet.is_discard  # an edit list hides frames that others are predicted from
            found.roles.append(Role.OPAQUE if packet.pts is None else role_of(packet))
            found.last_dts = packet.dts
            if packet.pts is not None:
                found.times.append(packet.pts)
                if not packet.is_discard:
                    found.shown.append(packet.pts)
    except FFmpegError as error:
        found.fault = _reason(error)
    return found


def _exact(times: Sequence[int], shown: Sequence[int], roles: Sequence[Role]) -> bool:
    """Whether the n-th timestamp is that of the n-th frame, and packets may be left out."""
    return (
        Role.OPAQUE not in roles
        and len(set(times)) == len(times)
        and roles[0] is Role.ENTRY
        # What is shown before the first entry cannot be decoded, and no decoder gives it.
        and times[0] <= shown[0]
    )


def sample_frames(
    table: FrameTable, numbers: Sequence[int], *, threads: int = 0, outcome: Sampled | None = None
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode some frames of a video.

    Where timestamps tell the frames apart and packets say what they are to each other, only what the wanted frames are
    predicted from is decoded; else everything up to the last of them. The frames are the same.

    Args:
        table: Of the video.
        numbers: Of the frames, in any order; counted from 0 in the order they are shown.
        threads: Decoder threads; 0 leaves it to FFmpeg. The frames do not depend on it.
        outcome: Is told what came of it.

    Yields:
        Number and frame, as stored (not turned), in the order they are shown. A frame that is damaged, or lies behind
        the end or behind damage, is left out, and `outcome` says why.

    Raises:
        MediaError: The file is gone or has changed its kind.
    """
    outcome = outcome or Sampled()
    wanted = {number for number in numbers if 0 <= number < table.count}
    if not wanted:
        return
    if table.times:
        by_time = {table.shown[number]: number for number in wanted}
        for frame in _decoded_as_needed(table, _needed(table, sorted(wanted)), threads, outcome):
            number = None if frame.pts is None else by_time.pop(frame.pts, None)
            if number is not None and _sound(frame, outcome):
                yield number, frame
        return
    last = max(wanted)
    for number, frame in enumerate(_decoded_in_order(table, threads, outcome)):
        if number in wanted and _sound(frame, outcome):
            yield number, frame
        if number == last:
            return


def _sound(frame: VideoFrame, outcome: Sampled) -> bool:
    if frame.is_corrupt:
        outcome.fault = outcome.fault or "its data is damaged"
    return not frame.is_corrupt


def _needed(table: FrameTable, numbers: Sequence[int]) -> bytearray:
    """For each packet up to the last that is needed, whether it is."""
    place = {time: index for index, time in enumerate(table.times)}
    entries = [index for index, role in enumerate(table.roles) if role is Role.ENTRY]
    needed = bytearray(len(table.times))
    start = end = -1  # of the packets marked last
    for number in numbers:
        time = table.shown[number]
        index = place[time]
        at = bisect_right(entries, index) - 1
        while table.times[entries[at]] > time:  # it is stored after an entry that is shown after it
            at -= 1
        first = entries[at]
        if not start <= first <= end:
            start = end = first
        for earlier in range(end, index):
            needed[earlier] |= table.roles[earlier] is not Role.DISPOSABLE
        needed[index], end = True, max(end, index)
    return needed[: needed.rindex(1) + 1]


def _decoded_in_order(table: FrameTable, threads: int, outcome: Sampled) -> Iterator[VideoFrame]:
    """All frames."""
    with _decoder(table, threads, outcome) as (packets, context):
        for packet in packets:
            yield from packet.decode()
            outcome.decoded += 1
        yield from context.decode(None)


def _decoded_as_needed(table: FrameTable, needed: bytearray, threads: int, outcome: Sampled) -> Iterator[VideoFrame]:
    """What comes out of the packets that are needed, which begin anew at an entry wherever others were left out."""
    broken = fed = False
    with _decoder(table, threads, outcome) as (packets, context):
        for packet, role, wanted in zip(packets, table.roles, needed, strict=False):
            if not wanted:
                broken |= role is not Role.DISPOSABLE
                continue
            if broken and role is not Role.ENTRY:
                continue  # behind damage
            if broken and fed:
                yield from context.decode(None)
                context.flush_buffers()
            broken, fed = False, True
            try:
                yield from packet.decode()
            except FFmpegError as error:
                outcome.fault, broken = _reason(error), True
            outcome.decoded += 1
        yield from context.decode(None)


@contextmanager
def _decoder(table: FrameTable, threads: int, outcome: Sampled) -> Generator[tuple[Iterator[Packet[VideoStream]], Any]]:
    with open_video(table.path, name=table.name, max_pixels=table.max_pixels) as (container, stream):
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        try:
            # The stubs of the context leave open what it decodes.
            yield (packet for packet in container.demux(stream) if packet.size), stream.codec_context
        except FFmpegError as error:
            outcome.fault = _reason(error)


def _reason(error: FFmpegError) -> str:
    return (error.strerror or str(error)).lower()
