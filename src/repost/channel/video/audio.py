"""The sound of a video on its way into the served file: copied, encoded anew, or dropped."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.audio.resampler import AudioResampler
from av.container import InputContainer

from repost.channel.video.failing import failing
from repost.channel.video.settings import AudioSettings
from repost.core.errors import UnsupportedMedia
from repost.media.video.open import reading

_ENCODERS = {"aac": "aac", "opus": "libopus"}
_SAMPLE_FORMATS = {"aac": "fltp", "opus": "s16"}
_OPUS_RATES_HZ = (8000, 12000, 16000, 24000, 48000)
"""The rates Opus knows (RFC 6716); other sound is brought to the highest."""


def not_held(name: str, codec: str, *, container: str) -> UnsupportedMedia:
    """The error for sound that is to be copied into a container that cannot hold it.

    Args:
        name: What the upload is called.
        codec: Of its sound, as FFmpeg names it.
        container: FFmpeg's name of the served format.
    """
    return UnsupportedMedia(
        name,
        got=f"{codec} sound",
        expected=f"sound that {container} holds as it is",
        remedy="let the profile's audio step encode or drop it",
    )


class Sound:
    """The first sound stream of an upload, written into another file.

    Args:
        source: The upload.
        target: The served file, before its header is written.
        settings: What becomes of the sound.
        start: What time, in seconds, becomes 0.
        name: What the upload is called in errors.

    Raises:
        UnsupportedMedia: The sound cannot be copied into the served file, or not be decoded.
    """

    def __init__(
        self,
        source: InputContainer,
        target: Any,  # noqa: ANN401 - PyAV's stubs leave half of the type open
        settings: AudioSettings,
        *,
        start: Fraction,
        name: str,
    ) -> None:
        self.stream = next(iter(source.streams.audio), None) if settings.action != "drop" else None
        self._target, self._start, self._name = target, start, name
        self._copied: Any = None
        self._encoded: Any = None
        if self.stream is None:
            return
        context: Any = self.stream.codec_context  # none where its codec is unknown, which PyAV's stubs do not tell
        if settings.action == "copy":
            try:
                self._copied = target.add_stream_from_template(self.stream)
            except ValueError as error:
                codec = "unknown" if context is None else context.codec.canonical_name
                raise not_held(name, codec, container=target.format.name) from error
            return
        if context is None:
            raise UnsupportedMedia(
                name, got="sound of an unknown codec", expected="sound that can be decoded", remedy="convert it first"
            )
        assert settings.codec is not None, "steps are checked to name a codec where the sound is encoded"
        rate = context.sample_rate if settings.codec == "aac" or context.sample_rate in _OPUS_RATES_HZ else 48000
        layout = "mono" if context.channels == 1 else "stereo"
        self._encoded = target.add_stream(_ENCODERS[settings.codec], rate=rate, layout=layout)
        self._encoded.bit_rate = settings.bitrate_bps
        self._resampler = AudioResampler(_SAMPLE_FORMATS[settings.codec], layout, rate)

    def take(self, packet: Any) -> None:  # noqa: ANN401 - a packet of any stream
        """Handle one packet of the sound stream; an empty one ends it.

        Raises:
            EncodeFailed: The encoder refused the sound.
            UnreadableMedia: The sound is damaged.
        """
        if self._copied is not None and packet.dts is not None:
            shift = round(self._start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift if packet.pts is not None else None, packet.dts - shift
            packet.stream = self._copied
            self._target.mux(packet)
        elif self._encoded is not None:
            with reading(self._name):
                frames = packet.decode()
            for frame in frames:
                self._write(frame)

    def finish(self) -> None:
        """Write what the encoder still holds.

        Raises:
            EncodeFailed: The encoder refused the sound.
        """
        if self._encoded is not None:
            self._write(None)
            with failing(self._encoded.name):
                packets = self._encoded.encode(None)
            self._target.mux(packets)

    def _write(self, frame: Any) -> None:  # noqa: ANN401 - an audio frame, or None at the end
        if frame is not None and frame.pts is not None:
            # The resampler counts in the frame's unit, which in AVI is a whole frame: too coarse for other frame sizes.
            frame.pts = round((frame.pts * frame.time_base - self._start) * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
        with failing(self._encoded.name):
            packets = [packet for ready in self._resampler.resample(frame) for packet in self._encoded.encode(ready)]
        self._target.mux(packets)
