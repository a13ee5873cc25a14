"""What bitrate an upload gets at each rate factor: one decode feeds several encoders, and no frame is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from av.packet import Packet

from repost.channel.video.settings import Crf
from repost.estimation.videos.rate_cache import RateCache, RateKey
from repost.estimation.videos.recipe import Recipe
from repost.media.video.upload import VideoUpload


class Tally:
    """Counts packets as an MP4 does, and says the bitrate that players read there."""

    def __init__(self) -> None:
        self.bits = 0
        self._first: int | None = None
        self._last = 0

    def add(self, packets: Iterable[Packet[Any]]) -> None:
        """Count packets, in the order they are stored."""
        for packet in packets:
            self.bits += 8 * _stored_bytes(packet)
            assert packet.dts is not None, "encoders give every packet its time"
            self._first = packet.dts if self._first is None else self._first
            self._last = packet.dts

    def bitrate_bps(self, fps: Fraction) -> int:
        """Bits over the sum of all sample durations, rounded down.

        Args:
            fps: Ticks of the clock in a second.

        Convention:
            The last sample lasts one tick, as FFmpeg's muxer has it. Its demuxer divides integers
            (`mov_read_header` of libavformat/mov.c, `data_size * 8 * time_scale / duration_for_fps`).
        """
        ticks = self._last - (self._first or 0) + 1
        return int(self.bits * fps / ticks)


def _stored_bytes(packet: Packet[Any]) -> int:
    """The size of a packet in an MP4, where units of H.264 and HEVC have 4 bytes of length for start codes of 3 or 4.

    Packets of other standards hardly ever contain what looks like a start code, and a byte more would not be seen.
    """
    buffer: Any = packet  # it has the buffer protocol, which its stubs do not tell
    data = bytes(buffer)
    return packet.size + data.count(b"\0\0\1") - data.count(b"\0\0\0\1")


class RateMeter:
    """Measures the bitrates of one upload, and remembers them.

    Args:
        upload: The video.
        recipe: How it is encoded.
        cache: Where bitrates are kept for later searches; nowhere when None.

    Attributes:
        measured: Bitrate in bits per second by CRF: all that were asked for.
        encodes: Full encodes that were carried out; what the cache knew is not among them.
        passes: Times the upload was decoded.
    """

    def __init__(self, upload: VideoUpload, recipe: Recipe, *, cache: RateCache | None = None) -> None:
        self._upload, self._recipe, self._cache = upload, recipe, cache
        self.measured: dict[int, int] = {}
        self.encodes = 0
        self.passes = 0

    def measure(self, *crfs: int) -> Mapping[int, int]:
        """Measure bitrates in one pass over the upload.

        Args:
            crfs: Rate factors. Those measured before cost nothing.

        Returns:
            Their bitrates in bits per second.

        Raises:
            MediaError: The upload is damaged.
            EncodeFailed: The encoder refused its settings or a frame.
        """
        wanted = [crf for crf in dict.fromkeys(crfs) if crf not in self.measured]
        if self._cache is not None:
            known = {crf: self._cache.get(self._key(crf)) for crf in wanted}
            self.measured |= {crf: rate for crf, rate in known.items() if rate is not None}
            wanted = [crf for crf in wanted if crf not in self.measured]
        if wanted:
            for crf, tally in zip(wanted, self._encode(wanted), strict=True):
                self.measured[crf] = tally.bitrate_bps(self._recipe.clock(self._upload).fps)
                if self._cache is not None:
                    self._cache.put(self._key(crf), self.measured[crf])
        return {crf: self.measured[crf] for crf in crfs}

    def _encode(self, crfs: list[int]) -> list[Tally]:
        encoders = [self._recipe.encoder(self._upload, Crf(crf)) for crf in crfs]
        tallies = [Tally() for _ in crfs]
        for frame in self._recipe.frames(self._upload):
            for encoder, tally in zip(encoders, tallies, strict=True):
                tally.add(encoder.encode(frame))
        for encoder, tally in zip(encoders, tallies, strict=True):
            tally.add(encoder.encode(None))
        self.encodes += len(crfs)
        self.passes += 1
        return tallies

    def _key(self, crf: int) -> RateKey:
        return RateKey.of(self._upload, self._recipe, crf=crf)
