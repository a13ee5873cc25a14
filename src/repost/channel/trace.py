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
    return _WORDS[step.op](step.parameters, "?" if step.assumed else "")


def _say_resize(found: Mapping[str, Any], doubt: str) -> str:
    before, after = ("x".join(str(side) for side in found[end]) for end in ("from", "to"))
    return f"resized {before} to {after} ({found['kernel']}{doubt})"


def _say_encode(found: Mapping[str, Any], doubt: str) -> str:
    if "encoder" in found:
        return _say_video(found, doubt)
    if found["codec"] != "jpeg":
        level = f" {found['quality']}{doubt}" if found.get("quality") is not None else ""
        return f"saved as {found['codec'].upper()}{level}"
    level = "its own tables" if found.get("quality") is None else f"quality {found['quality']}{doubt}"
    scans = " progressive" if found["progressive"] else ""
    return f"saved as{scans} JPEG, {level}, {found['subsampling']}"


def _say_video(found: Mapping[str, Any], doubt: str) -> str:
    rate = f"CRF {found['crf']:g}" if "crf" in found else f"{found['bitrate_bps'] / 1000:.0f} kbit/s"
    profile = f" {found['profile']}" if found.get("profile") else ""
    return f"encoded as {_CODECS[found['codec']]}{profile}, {rate}{doubt}"


_CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}


def _say_audio(found: Mapping[str, Any], doubt: str) -> str:
    if found["action"] == "encode":
        return f"sound encoded as {found['codec'].upper()}, {found['bitrate_bps'] / 1000:.0f} kbit/s{doubt}"
    return f"sound dropped{doubt}" if found["action"] == "drop" else ""


def _say_transcode(found: Mapping[str, Any], doubt: str) -> str:
    if found["scans"] == "keep":
        return f"kept as it is but for its metadata{doubt}"
    return f"rewritten as {found['scans']} JPEG without loss{doubt}"


_Said: TypeAlias = Callable[[Mapping[str, Any], str], str]

_WORDS: dict[str, _Said] = {
    "orient": lambda _, doubt: f"turned upright{doubt}",
    "colour": lambda _, doubt: f"converted to sRGB{doubt}",
    "resize": _say_resize,
    "overlay": lambda found, _: f"marked in the {found['corner'].replace('_', ' ')} corner (left out)",
    "encode": _say_encode,
    "client_save": lambda found, doubt: f"saved again by the app: {_say_encode(found, doubt)}",
    "passthrough": lambda _, doubt: f"kept byte for byte{doubt}",
    "transcode": _say_transcode,
    "frame_rate": lambda found, doubt: f"{found['from']:g} to {found['to']:g} frames per second{doubt}",
    "audio": _say_audio,
}
