"""Settings of one encode, with every number drawn: what a profile's `encode` step has become for one upload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from repost.core.errors import UsageError
from repost.core.threads import can_watch_threads

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
"""The program that stands for a standard where the profile names none; all are in PyAV's wheels."""

DEFAULT_PRESETS = {"libx264": "medium", "libx265": "medium", "libsvtav1": "8"}
"""Their own defaults, written out, so that the trace holds what was used."""

TWO_PASS_ENCODERS = ("libx264", "libx265")
"""Those whose statistics go through a file. libvpx and SVT-AV1 want them in memory, which PyAV does not reach."""

DEFAULT_THREADS = 1
"""x264's output depends on how many threads it has, so the number must not be the machine's."""


@dataclass(frozen=True, slots=True)
class Crf:
    """Constant rate factor, on the encoder's own scale."""

    crf: float


@dataclass(frozen=True, slots=True)
class Abr:
    """Average bitrate.

    Attributes:
        bitrate_bps: Of the stream.
        peak_bps: Highest rate of the buffer model (VBV); none when None.
        buffer_bits: Size of its buffer.
        passes: 1 or 2.
    """

    bitrate_bps: int
    peak_bps: int | None = None
    buffer_bits: int | None = None
    passes: int = 1


RateControl: TypeAlias = Crf | Abr
Match: TypeAlias = Literal["bitrate", "quality"]
"""What an emulation keeps where it cannot keep both: the bitrate, or the fidelity to the upload."""


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """What becomes of the sound.

    Attributes:
        action: Copied as it is, encoded anew, or dropped.
        codec: The standard it is encoded by.
        bitrate_bps: Of the new sound.
    """

    action: Literal["copy", "encode", "drop"]
    codec: Literal["aac", "opus"] | None = None
    bitrate_bps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """How a video stream is encoded.

    Attributes:
        encoder: FFmpeg's name of the program.
        rate: The rate control.
        profile: Of the standard, as FFmpeg names it; the encoder's choice when None.
        level: Of the standard, such as "4.0"; the encoder's choice when None.
        pixel_format: As FFmpeg names it.
        preset: Effort class; the encoder's default when None.
        gop_frames: Most frames from one keyframe to the next; the encoder's default when None.
        scene_cut: Whether scene changes start a new group.
        b_frames: Most B-frames in a row; the preset's when None.
        references: Reference frames; the preset's when None.
        threads: Encoder threads.
        message: Whether the encoder's message about itself stays in the stream (an SEI of x264 and x265).
    """

    encoder: str = "libx264"
    rate: RateControl
    profile: str | None = None
    level: str | None = None
    pixel_format: str = "yuv420p"
    preset: str | None = None
    gop_frames: int | None = None
    scene_cut: bool = True
    b_frames: int | None = None
    references: int | None = None
    threads: int = DEFAULT_THREADS
    message: bool = False

    @property
    def looks_ahead_alone(self) -> bool:
        """Whether the encoder is x264 with a thread that looks ahead beside those that encode; see `lookahead`."""
        return self.encoder == "libx264" and self.threads > 1

    def options(self) -> Mapping[str, str]:
        """As FFmpeg's options of the encoder, by name."""
        found: dict[str, str] = {}
        if self.preset or self.encoder in DEFAULT_PRESETS:
            found["preset"] = self.preset or DEFAULT_PRESETS[self.encoder]
        if self.encoder == "libvpx-vp9":
            found |= {"deadline": "good", "cpu-used": self.preset or "2", "row-mt": "0"}
            found.pop("preset", None)
        if self.profile:
            found["profile"] = self.profile.lower()
        if self.level and self.encoder != "libx265":
            found["level"] = self.level
        if self.gop_frames:
            found["g"] = str(self.gop_frames)
        if not self.scene_cut:
            found |= {"sc_threshold": "0"} | ({"keyint_min": str(self.gop_frames)} if self.gop_frames else {})
        if self.b_frames is not None:
            found["bf"] = str(self.b_frames)
        if self.references is not None:
            found["refs"] = str(self.references)
        if self.encoder == "libx265":  # its own log would be written over progress bars
            level = [f"level-idc={self.level}"] if self.level else []
            found["x265-params"] = ":".join(["log-level=error", *level])
        if self.looks_ahead_alone and not can_watch_threads():
            found["x264-params"] = "sync-lookahead=0"  # no thread, no timing; not always the program's own outcome
        return found | self._rate_options()

    def _rate_options(self) -> dict[str, str]:
        rate = self.rate
        if isinstance(rate, Crf):
            return {"crf": f"{rate.crf:g}"} | ({"b": "0"} if self.encoder == "libvpx-vp9" else {})
        found = {"b": str(rate.bitrate_bps)}
        if rate.peak_bps is not None:
            found |= {"maxrate": str(rate.peak_bps), "bufsize": str(rate.buffer_bits or rate.peak_bps)}
        return found


def parse_match(text: str) -> Match:
    """Read what an emulation keeps, as a person types it.

    Args:
        text: "bitrate" or "quality".

    Raises:
        UsageError: It is neither.
    """
    if text not in get_args(Match):
        raise UsageError(f"got match '{text}', expected bitrate or quality")
    return cast("Match", text)
