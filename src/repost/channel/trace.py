"""What was done to an upload, in full: enough to say it in words and to do it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom exclusive."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One end of the channel.

    Attributes:
        format: Container, by content.
        width_px: Of the upright picture.
        height_px: Of the upright picture.
        size_bytes: Of the file; None for pixels whose file was never needed.
        metadata: Which of "exif", "xmp", "icc" and "c2pa" it carries, sorted.
        jpeg_quality: IJG quality of a JPEG's luma table, the nearest where none is exact.
        subsampling: Chroma subsampling of a JPEG.
        progressive: Whether a JPEG's scans are progressive.
    """

    format: str
    width_px: int
    height_px: int
    size_bytes: int | None
    metadata: tuple[str, ...]
    jpeg_quality: int | None = None
    subsampling: str | None = None
    progressive: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFileFacts(FileFacts):
    """One end of the channel of a video.

    Attributes:
        codec: Of the picture stream.
        profile: Of the codec.
        fps: Nominal frame rate.
        duration_s: Of the picture stream.
        bitrate_bps: Of the picture stream.
        audio_codec: Of the sound; None where there is none.
    """

    codec: str
    profile: str | None
    fps: float
    duration_s: float
    bitrate_bps: int
    audio_codec: str | None


@dataclass(frozen=True, slots=True)
class StepTrace:
    """One step as it was carried out.

    Attributes:
        op: The step.
        parameters: What was drawn and what came of it.
        assumed: Parameters that the profile states as defaults, not as known.
    """

    op: str
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    assumed: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether it changed nothing: a resize that kept the size, an upright picture turned upright."""
        found = self.parameters
        if self.op == "resize":
            return tuple(found["from"]) == tuple(found["to"])
        if self.op == "orient":
            return found["orientation"] == 1
        if self.op == "decode":
            return not found["mattered"]
        if self.op == "frame_rate":
            return found["from"] == found["to"]
        return self.op == "colour" and not found["converted"]


@dataclass(frozen=True, slots=True)
class Trace:
    """What was done to one upload.

    Attributes:
        profile: Full name of the profile.
        profile_digest: SHA-256 of its rules.
        rule: Name of the rule that matched.
        rule_index: Its place in the profile.
        seed: The seed of the draws; the same seed, profile and upload give the same bytes.
        upload: The file that went in.
        served: The file that came out.
        steps: In order.
        assumed_conditions: Conditions of the rule that are not known, such as "long_side_px".
        metadata_lost: What the upload carried and the served file does not, sorted.
        left_out: Regions whose content is unknown (overlays), left out of every comparison.
        encoders: Versions of the codecs.
    """

    profile: str
    profile_digest: str
    rule: str
    rule_index: int
    seed: int
    upload: FileFacts
    served: FileFacts
    steps: tuple[StepTrace, ...]
    assumed_conditions: tuple[str, ...]
    metadata_lost: tuple[str, ...]
    left_out: tuple[Box, ...]
    encoders: Mapping[str, str]

    @property
    def assumed(self) -> tuple[str, ...]:
        """Parameters that are stated defaults and not known, of the steps that did something to this upload.

        Each once, as "op.parameter", or "op" where the whole step is assumed; unknown conditions as "when.condition".
        """
        found = [f"when.{name}" for name in self.assumed_conditions] + [
            step.op if name == "op" else f"{step.op}.{name}"
            for step in self.steps
            if not step.idle
            for name in step.assumed
        ]
        return tuple(dict.fromkeys(found))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return _named_values(self) | {
            "upload": _named_values(self.upload),
            "served": _named_values(self.served),
            "steps": tuple(_named_values(step) for step in self.steps),
        }

    def summary(self) -> str:
        """What the network did, in words."""
        said = [words for step in self.steps if (words := _say(step))]
        if self.metadata_lost:
            said.append(f"dropped {', '.join(_NAMES.get(kind, kind) for kind in self.metadata_lost)}")
        return "; ".join(said) or "unchanged"


def _named_values(facts: Trace | FileFacts | StepTrace) -> dict[str, Any]:
    # `dataclasses.asdict` copies every value deeply: a fiftieth of the time of a small file.
    return {place.name: getattr(facts, place.name) for place in fields(facts)}


_NAMES = {"exif": "EXIF", "xmp": "XMP", "icc": "colour profile", "c2pa": "content credentials"}


def _say(step: StepTrace) -> str:
    """One step in words; steps that changed nothing say nothing."""
    if step.idle or step.op not in _WORDS:
        return ""
    said = _WORDS[step.op](step.parameters, _Doubts(step.assumed))
    return f"{said}?" if said and "op" in step.assumed else said


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Which parameters of a step are assumed."""

    assumed: tuple[str, ...]

    def of(self, *names: str) -> str:
        """A question mark where one of these parameters, a part of it or what it is part of is assumed."""
        pairs = ((f"{name}.", f"{one}.") for name in names for one in self.assumed)
        return "?" if any(name.startswith(one) or one.startswith(name) for name, one in pairs) else ""


def _say_resize(found: Mapping[str, Any], doubts: _Doubts) -> str:
    before, after = ("x".join(str(side) for side in found[end]) for end in ("from", "to"))
    size = doubts.of("fit", "px", "width_px", "height_px", "upscale", "rounding", "multiple_of")
    return f"resized {before} to {after}{size} ({found['kernel']}{doubts.of('kernel')})"


def _say_encode(found: Mapping[str, Any], doubts: _Doubts) -> str:
    if "encoder" in found:
        return _say_video(found, doubts)
    codec = found["codec"].upper() + doubts.of("codec")
    known = found.get("quality") is not None
    level = f"{found['quality']}{doubts.of('quality')}" if known else ""
    if found["codec"] != "jpeg":
        return f"saved as {codec} {level}".rstrip()
    level = f"quality {level}" if known else f"its own tables{doubts.of('tables')}"
    scans = f" progressive{doubts.of('progressive')}" if found["progressive"] else ""
    return f"saved as{scans} {codec}, {level}, {found['subsampling']}{doubts.of('subsampling')}"


def _say_save(found: Mapping[str, Any], doubts: _Doubts) -> str:
    inner = tuple(name.removeprefix("encode.") for name in doubts.assumed)
    whole = "?" if "encode" in doubts.assumed else ""
    return f"saved again by the app: {_say_encode(found, _Doubts(inner))}{whole}"


def _say_video(found: Mapping[str, Any], doubts: _Doubts) -> str:
    rate = f"CRF {found['crf']:g}" if "crf" in found else f"{found['bitrate_bps'] / 1000:.0f} kbit/s"
    aim = ("psnr_db", "rate.psnr_db") if "psnr_db" in found else ("rate.mode", "rate.crf", "rate.bits_per_pixel_s")
    profile = f" {found['profile']}{doubts.of('profile')}" if found.get("profile") else ""
    return f"encoded as {_CODECS[found['codec']]}{doubts.of('codec')}{profile}, {rate}{doubts.of(*aim)}"


_CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}


def _say_audio(found: Mapping[str, Any], doubts: _Doubts) -> str:
    if found["action"] == "drop":
        return f"sound dropped{doubts.of('action')}"
    if found["action"] != "encode":
        return ""
    rate = f"{found['bitrate_bps'] / 1000:.0f} kbit/s{doubts.of('bitrate_bps')}"
    return f"sound encoded{doubts.of('action')} as {found['codec'].upper()}{doubts.of('codec')}, {rate}"


def _say_transcode(found: Mapping[str, Any], doubts: _Doubts) -> str:
    doubt = doubts.of("scans")
    if found["scans"] == "keep":
        return f"kept as it is but for its metadata{doubt}"
    return f"rewritten as {found['scans']}{doubt} JPEG without loss"


def _say_frame_rate(found: Mapping[str, Any], doubts: _Doubts) -> str:
    return f"{found['from']:g} to {found['to']:g}{doubts.of('fps', 'cap')} frames per second"


def _say_overlay(found: Mapping[str, Any], doubts: _Doubts) -> str:
    return f"marked in the {found['corner'].replace('_', ' ')} corner{doubts.of('corner')} (left out)"


_Said: TypeAlias = Callable[[Mapping[str, Any], _Doubts], str]

_WORDS: dict[str, _Said] = {
    "orient": lambda _, __: "turned upright",
    "colour": lambda _, doubts: f"converted to sRGB{doubts.of('to')}",
    "resize": _say_resize,
    "overlay": _say_overlay,
    "encode": _say_encode,
    "client_save": _say_save,
    "passthrough": lambda _, __: "kept byte for byte",
    "transcode": _say_transcode,
    "frame_rate": _say_frame_rate,
    "audio": _say_audio,
}
