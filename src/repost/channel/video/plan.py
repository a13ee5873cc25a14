"""What a profile does to one video, with every number drawn: the steps become one pass of filters and one encode."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from repost.channel.sizes import Size, drawn_target, overlay_region, place
from repost.channel.trace import Box, StepTrace
from repost.channel.video.encoder import can_encode
from repost.channel.video.filters import FrameFilter
from repost.channel.video.settings import (
    DEFAULT_PRESETS,
    DEFAULT_THREADS,
    ENCODERS,
    TWO_PASS_ENCODERS,
    Abr,
    AudioSettings,
    Crf,
    EncoderSettings,
    Match,
)
from repost.core.errors import UnsupportedMedia, UsageError
from repost.core.seeding import derive_random
from repost.media.video.upload import VideoUpload
from repost.platforms import steps
from repost.platforms.profile import Profile, Rule
from repost.platforms.values import Value, draw

_DEFAULT_FILTER_KERNEL = "bicubic"
"""FFmpeg's own, for frames whose size stays but whose format changes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One video's way through one rule.

    Attributes:
        rule: The rule followed.
        rule_index: Its place in the profile.
        filter: What happens to the frames.
        settings: How they are encoded; None where the file is served as it is.
        psnr_db: The fidelity to aim at in place of the settings' rate, or None.
        audio: What becomes of the sound.
        container: The file that is written.
        keep_rotation: Whether the container's rotation stays, since frames are not turned.
        left_out: Regions whose content is unknown.
        steps: What was drawn, for the trace.
    """

    rule: Rule
    rule_index: int
    filter: FrameFilter
    settings: EncoderSettings | None
    psnr_db: float | None
    audio: AudioSettings
    container: steps.Container
    keep_rotation: bool
    left_out: tuple[Box, ...]
    steps: tuple[StepTrace, ...]


def plan_video(upload: VideoUpload, profile: Profile, *, seed: int, match: Match = "bitrate") -> Plan:
    """Decide everything about one emulation before a frame is decoded.

    Args:
        upload: The video.
        profile: The platform.
        seed: Decides what is drawn, together with the upload's content and the profile.
        match: "quality" aims at the fidelity the profile states and not at its rate.

    Returns:
        The plan.

    Raises:
        UnsupportedMedia: The profile has no video rules, or the upload is of high dynamic range.
        UsageError: `match` is "quality" and the rule states no fidelity.
    """
    index, rule = matching_video_rule(upload, profile)
    course = _Course(upload, partial(derive_random, seed, upload.digest, profile.digest), match)
    done = tuple(
        StepTrace(step.op, _STEPS[step.op](step, course), profile.assumed(index, place_in_rule))
        for place_in_rule, step in enumerate(rule.steps)
    )
    return Plan(
        rule=rule,
        rule_index=index,
        filter=course.frame_filter(),
        settings=course.settings,
        psnr_db=course.psnr_db,
        audio=course.audio,
        container=course.container,
        keep_rotation=not course.turned and upload.facts.rotated,
        left_out=tuple(course.left_out),
        steps=done,
    )


def matching_video_rule(upload: VideoUpload, profile: Profile) -> tuple[int, Rule]:
    """The first video rule whose conditions the upload meets, and its index in the profile.

    Raises:
        UnsupportedMedia: The profile has no video rules.
    """
    for index, rule in profile.rules_for("video"):
        if rule.when.matches(upload.facts, upload.feature):
            return index, rule
    raise UnsupportedMedia(
        upload.name, got="a video", expected="an image", remedy=f"{profile.id} has rules for images only"
    )


@dataclass
class _Course:
    """What the steps so far have decided."""

    upload: VideoUpload
    make_rng: Callable[..., random.Random]
    match: Match
    size: Size = field(init=False)
    crop: Box | None = None
    kernel: str = _DEFAULT_FILTER_KERNEL
    fps: Fraction | None = None
    turned: bool = False
    settings: EncoderSettings | None = None
    psnr_db: float | None = None
    audio: AudioSettings = field(default_factory=lambda: AudioSettings("copy"))
    container: steps.Container = field(default_factory=lambda: steps.Container(op="container"))
    left_out: list[Box] = field(default_factory=list[Box])

    def __post_init__(self) -> None:
        self.size = self.upload.facts.stored_size

    @cached_property
    def _rng(self) -> random.Random:
        return self.make_rng()

    def draw(self, value: Value) -> float:
        """One number of a value, for this upload."""
        return draw(value, features=self.upload.feature, rng=self._rng) if not isinstance(value, int | float) else value

    def draw_apart(self, value: Value, what: str) -> float:
        """One number of a value that is not always asked for, so that asking changes nothing else that is drawn."""
        return draw(value, features=self.upload.feature, rng=self.make_rng(what))

    @property
    def frame_rate(self) -> Fraction:
        """Of the frames as they are now."""
        return self.fps or self.upload.facts.fps

    def frame_filter(self) -> FrameFilter:
        """What the steps do to frames."""
        return FrameFilter(
            size=self.size,
            kernel=self.kernel,
            pixel_format=self.settings.pixel_format if self.settings else "yuv420p",
            turn_deg=self.upload.facts.rotation_deg if self.turned else 0,
            crop=self.crop,
            fps=self.fps,
        )


def _orient(step: steps.Orient, course: _Course) -> Mapping[str, Any]:
    del step
    degrees = course.upload.facts.rotation_deg
    if degrees in (90, 270):
        course.size = (course.size[1], course.size[0])
    course.turned = True
    return {"orientation": _EXIF_OF_TURN[degrees], "turned_deg": degrees}


_EXIF_OF_TURN = {0: 1, 90: 6, 180: 3, 270: 8}
"""EXIF's number for a picture that must be turned so far clockwise, so that traces of both media say it alike."""


def _resize(step: steps.Resize, course: _Course) -> Mapping[str, Any]:
    before = course.size
    placement = place(before, step, target=drawn_target(step, course.draw))
    if placement.box != (0, 0, *before):
        course.crop = placement.box
    course.size, course.kernel = placement.size, step.kernel
    return {"fit": step.fit, "from": before, "to": course.size, "kernel": step.kernel}


def _frame_rate(step: steps.FrameRate, course: _Course) -> Mapping[str, Any]:
    before = course.frame_rate
    wanted = exact_rate(course.draw(step.fps))
    if not (step.cap and before <= wanted) and before != wanted:
        course.fps = wanted
    return {"from": float(before), "to": float(course.frame_rate)}


def exact_rate(fps: float) -> Fraction:
    """A frame rate as containers have it: 29.97, as people write it, is 30000/1001.

    Args:
        fps: Frames per second.
    """
    television = Fraction(round(fps * 1.001) * 1000, 1001)
    near = television > 0 and abs(fps / television - 1) < _WRITTEN_SHORT
    return television if near else Fraction(fps).limit_denominator(_FINEST_RATE)


_WRITTEN_SHORT = 2e-4
"""What 23.98 for 24000/1001 is off by; 24 itself is five times as far from it."""
_FINEST_RATE = 1001


def _overlay(step: steps.Overlay, course: _Course) -> Mapping[str, Any]:
    region = overlay_region(step, course.size)
    course.left_out.append(region)
    return {"corner": step.corner, "region": region}


def _encode(step: steps.EncodeVideo, course: _Course) -> Mapping[str, Any]:
    if course.upload.facts.colour.hdr:
        raise UnsupportedMedia(
            course.upload.name,
            got="a video of high dynamic range (PQ or HLG)",
            expected="standard dynamic range",
            remedy="how networks map its tones is not known; map them first, such as with ffmpeg's zscale and tonemap",
        )
    course.size = _even(course.size, step.pixel_format)
    # A program that is not here (a hardware encoder, libaom) is stood in for by the standard's own; the trace says so.
    encoder = step.encoder if step.encoder and can_encode(step.encoder) else ENCODERS[step.codec]
    rate = _rate(step, course, encoder)
    course.settings = EncoderSettings(
        encoder=encoder,
        rate=rate,
        profile=step.profile,
        level=step.level,
        pixel_format=step.pixel_format,
        preset=step.preset or DEFAULT_PRESETS.get(encoder),
        gop_frames=_gop_frames(step, course),
        scene_cut=step.scene_cut,
        b_frames=step.b_frames,
        references=step.references,
        message=not course.container.strip_sei,
        threads=step.threads or DEFAULT_THREADS,
    )
    drawn = {"crf": rate.crf} if isinstance(rate, Crf) else {"bitrate_bps": rate.bitrate_bps, "passes": rate.passes}
    aimed = {} if course.psnr_db is None else {"psnr_db": course.psnr_db}
    settings = step.model_dump(exclude={"op", "rate", "encoder", "gop_s", "psnr_db"}, exclude_none=True)
    group = {"gop_frames": course.settings.gop_frames} if course.settings.gop_frames else {}
    missing = {"missing_encoder": step.encoder} if step.encoder not in (None, encoder) else {}
    return settings | group | {"encoder": encoder, "size": course.size} | missing | drawn | aimed


def _rate(step: steps.EncodeVideo, course: _Course, encoder: str) -> Crf | Abr:
    rate = step.rate
    if isinstance(rate, steps.QualityRate):
        course.psnr_db = course.draw(rate.psnr_db)
        return Crf(_START_CRF)
    if course.match == "quality":
        if step.psnr_db is None:
            raise UsageError(
                "got match='quality', but the rule states no psnr_db for its encode step; "
                "learn it with `repost estimate videos`, or match the bitrate"
            )
        course.psnr_db = course.draw_apart(step.psnr_db, "psnr_db")
    if isinstance(rate, steps.CrfRate):
        return Crf(course.draw(rate.crf))
    passes = rate.passes if encoder in TWO_PASS_ENCODERS else 1
    bitrate_bps = round(course.draw(rate.bits_per_pixel_s) * course.size[0] * course.size[1])
    if rate.vbv_max_ratio is None:
        return Abr(bitrate_bps, passes=passes)
    buffer_s = 1.0 if rate.vbv_buffer_s is None else course.draw(rate.vbv_buffer_s)
    peak_bps = round(course.draw(rate.vbv_max_ratio) * bitrate_bps)
    return Abr(bitrate_bps, peak_bps, round(buffer_s * bitrate_bps), passes)


_START_CRF = 26.0
"""Where the search for a fidelity starts."""


def _gop_frames(step: steps.EncodeVideo, course: _Course) -> int | None:
    if step.gop_frames is not None or step.gop_s is None:
        return step.gop_frames
    return max(1, round(course.draw(step.gop_s) * course.frame_rate))


def _even(size: Size, pixel_format: str) -> Size:
    """Chroma at half resolution needs even sides; the side that is odd loses a pixel's worth."""
    if "444" in pixel_format:
        return size
    width, height = size
    tall = height if "422" in pixel_format else height - height % 2
    return max(2, width - width % 2), max(2, tall)


def _audio(step: steps.Audio, course: _Course) -> Mapping[str, Any]:
    bitrate_bps = None if step.bitrate_bps is None else int(course.draw(step.bitrate_bps))
    course.audio = AudioSettings(step.action, step.codec, bitrate_bps)
    present = course.upload.facts.audio is not None
    return {"action": step.action if present else "none", "codec": step.codec, "bitrate_bps": bitrate_bps}


def _container(step: steps.Container, course: _Course) -> Mapping[str, Any]:
    course.container = step
    if course.settings is not None:
        course.settings = replace(course.settings, message=not step.strip_sei)
    return step.model_dump(exclude={"op"})


def _passthrough(step: steps.Passthrough, course: _Course) -> Mapping[str, Any]:
    del step, course
    return {}


def _metadata(step: steps.Metadata, course: _Course) -> Mapping[str, Any]:
    del course  # tags of the container are never carried over
    return step.model_dump(exclude={"op"})


_STEPS: dict[str, Callable[[Any, _Course], Mapping[str, Any]]] = {
    "orient": _orient,
    "resize": _resize,
    "frame_rate": _frame_rate,
    "overlay": _overlay,
    "encode": _encode,
    "audio": _audio,
    "container": _container,
    "passthrough": _passthrough,
    "metadata": _metadata,
}
"""One function for each step a profile may hold for videos; a test compares it with the profile model."""
