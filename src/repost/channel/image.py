"""The exact image channel: the bytes a network would serve for an upload, by its profile, with real codecs."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.channel.encode import Attachments, encode, encoder_versions
from repost.channel.resample import resample
from repost.channel.sizes import drawn_target, overlay_region, place
from repost.channel.trace import Box, FileFacts, StepTrace, Trace
from repost.channel.transcode import rewrite_scans
from repost.core.errors import UnreadableMedia, UnsupportedMedia
from repost.core.seeding import derive_random
from repost.media.colour import srgb_profile, to_srgb
from repost.media.jpeg_segments import SegmentKind
from repost.media.jpeg_tables import nearest_quality
from repost.media.metadata import EXIF_PREFIX, insert_metadata, keep_metadata, with_orientation
from repost.media.picture import Picture
from repost.media.read import NO_LIMIT, ImageFacts, open_image, read_picture
from repost.media.sniff import EXTENSIONS
from repost.media.upload import Upload
from repost.platforms import steps
from repost.platforms.profile import Profile, Rule
from repost.platforms.values import Value, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8


@dataclass(frozen=True)
class Emulated:
    """What a network serves for an upload.

    Attributes:
        data: The file as served.
        trace: What was done.
    """

    data: bytes = field(repr=False)
    trace: Trace

    @property
    def extension(self) -> str:
        """The file's extension, without a dot."""
        return EXTENSIONS[self.trace.served.format]

    @cached_property
    def picture(self) -> Picture:
        """The served file, decoded; decoded only when asked for."""
        return read_picture(self.data, name="the served file", max_pixels=NO_LIMIT)

    @cached_property
    def pixels(self) -> Rgb8:
        """The served picture as a viewer shows it: uint8, HWC, RGB, upright, alpha laid on white."""
        return self.picture.rgb8()

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels whose content is unknown (overlays): bool, HW, True where nothing is claimed."""
        mask = np.zeros((self.trace.served.height_px, self.trace.served.width_px), dtype=np.bool_)
        for left, top, right, bottom in self.trace.left_out:
            mask[top:bottom, left:right] = True
        return mask


def emulate_image(upload: Upload, profile: Profile, *, seed: int) -> Emulated:
    """Do to an upload what a profile says.

    Args:
        upload: The image.
        profile: The platform.
        seed: Decides what is drawn, together with the upload's content and the profile: neither the order of calls
            nor the process matters.

    Returns:
        The served file and its trace.

    Raises:
        UnsupportedMedia: The profile has no image rules, or the upload is animated and the rule would change it.
        UnreadableMedia: The upload is damaged.
        EncodeFailed: A codec refused the picture.
    """
    index, rule = matching_rule(upload, profile)
    course = _Course(upload, lambda: derive_random(seed, upload.digest, profile.digest))
    done = tuple(
        StepTrace(step.op, _STEPS[step.op](step, course), profile.assumed(index, place_in_rule))
        for place_in_rule, step in enumerate(rule.steps)
    )
    assert course.data is not None, "profiles are checked to write a file"
    _, served = open_image(course.data, name="the served file", max_pixels=NO_LIMIT)
    before, after = _file_facts(upload.facts), _file_facts(served)
    trace = Trace(
        profile=profile.id,
        profile_digest=profile.digest,
        rule=rule.name,
        rule_index=index,
        seed=seed,
        upload=before,
        served=after,
        steps=done,
        assumed_conditions=profile.assumed_conditions(index),
        metadata_lost=tuple(sorted(set(before.metadata) - set(after.metadata))),
        left_out=tuple(course.left_out),
        encoders=encoder_versions(),
    )
    return Emulated(course.data, trace)


class _Course:
    """An upload on its way through the steps.

    The picture is decoded when a step first needs it, from the upload or from what an earlier step wrote.
    """

    def __init__(self, upload: Upload, make_rng: Callable[[], random.Random]) -> None:
        self.upload = upload
        self.data: bytes | None = None
        self.fate = steps.Metadata(op="metadata")
        self.left_out: list[Box] = []
        self._picture: Picture | None = None
        self._make_rng = make_rng

    @cached_property
    def _rng(self) -> random.Random:
        return self._make_rng()

    @property
    def picture(self) -> Picture:
        if self._picture is None:
            self._picture = self._reread(self.data) if self.data else self.upload.picture
        return self._picture

    def _reread(self, data: bytes) -> Picture:
        return read_picture(data, name=self.upload.name, max_pixels=NO_LIMIT)

    @picture.setter
    def picture(self, picture: Picture) -> None:
        self._picture = picture

    def shared(self, key: Hashable, make: Callable[[Picture], Picture]) -> Picture:
        """The picture after a pure operation, made once for all networks the upload goes to.

        Pictures decoded from what a step wrote belong to one network alone and are not remembered.
        """
        picture = self.picture
        return make(picture) if self.data is not None else self.upload.remember(picture, key, make)

    def draw(self, value: Value) -> int | float:
        """One number of a value, for this upload."""
        return draw(value, features=self.upload.feature, rng=self._rng) if not isinstance(value, int | float) else value

    def written(self, data: bytes) -> None:
        """A step left a file; later steps go on from it."""
        self.data, self._picture = data, None

    def attachments(self) -> Attachments:
        """The metadata that the profile lets through to the next file."""
        picture, fate = self.picture, self.fate
        icc = {"strip": None, "keep": picture.icc, "srgb": srgb_profile()}[fate.icc]
        return Attachments(icc=icc, exif=self._exif(picture), xmp=picture.xmp if fate.xmp == "keep" else None)

    def _exif(self, picture: Picture) -> bytes | None:
        if picture.exif is None or self.fate.exif == "strip":
            return None
        kept = picture.exif if self.fate.exif == "keep" else b""
        try:
            return with_orientation(kept, picture.orientation).removeprefix(EXIF_PREFIX)
        except UnreadableMedia:  # damaged EXIF is dropped, as decoders do; the picture is sound
            return None


def matching_rule(upload: Upload, profile: Profile) -> tuple[int, Rule]:
    """The first image rule whose conditions the upload meets, and its index in the profile.

    Raises:
        UnsupportedMedia: The profile has no image rules, or the upload is animated and the rule would change it.
    """
    for index, rule in profile.rules_for("image"):
        if rule.when.matches(upload.facts, upload.feature):
            if upload.facts.animated and not isinstance(rule.steps[0], steps.Passthrough):
                raise UnsupportedMedia(
                    upload.name,
                    got=f"an animated {upload.facts.format}",
                    expected="a still image",
                    remedy=f"{profile.id} turns animations into video or drops frames; extract one frame first",
                )
            return index, rule
    raise UnsupportedMedia(
        upload.name, got="an image", expected="a video", remedy=f"{profile.id} has rules for video only"
    )


def _decode(step: steps.Decode, course: _Course) -> Mapping[str, Any]:
    before = course.picture
    if step.upsampling == "replicate":
        course.picture = course.upload.replicated_picture
    return {"upsampling": step.upsampling, "mattered": course.picture is not before}


def _orient(step: steps.Orient, course: _Course) -> Mapping[str, Any]:
    del step
    before = course.picture.orientation
    course.picture = course.shared("upright", Picture.upright)
    return {"orientation": before}


def _colour(step: steps.Colour, course: _Course) -> Mapping[str, Any]:
    before = course.picture
    if step.to == "srgb":
        course.picture = course.shared("srgb", _in_srgb)
    return {"to": step.to, "converted": course.picture is not before}


def _in_srgb(picture: Picture) -> Picture:
    """The picture in sRGB; the picture itself where it has no profile, or a damaged one."""
    converted = to_srgb(picture.image, picture.icc) if picture.icc else None
    return picture if converted is None else replace(picture, image=converted, icc=None)


def _resize(step: steps.Resize, course: _Course) -> Mapping[str, Any]:
    picture = course.picture
    placement = place(picture.size, step, target=drawn_target(step, course.draw))
    course.picture = course.shared(
        (placement, step.kernel),
        lambda found: found.with_image(resample(found.image, placement, kernel=step.kernel)),
    )
    return {"fit": step.fit, "from": picture.size, "to": placement.size, "kernel": step.kernel}


def _overlay(step: steps.Overlay, course: _Course) -> Mapping[str, Any]:
    region = overlay_region(step, course.picture.size)
    course.left_out.append(region)
    return {"corner": step.corner, "region": region}


def _encode(step: steps.ImageEncode, course: _Course) -> Mapping[str, Any]:
    value = getattr(step, "quality", None)
    quality = None if value is None else int(course.draw(value))
    course.written(encode(course.picture, step, quality=quality or 100, attachments=course.attachments()))
    settings = step.model_dump(exclude={"op", "tables", "quality"}, exclude_none=True)
    return settings | ({"quality": quality} if quality is not None else {})


def _client_save(step: steps.ClientSave, course: _Course) -> Mapping[str, Any]:
    return _encode(step.encode, course)


def _passthrough(step: steps.Passthrough, course: _Course) -> Mapping[str, Any]:
    del step
    course.upload.picture  # noqa: B018 - a damaged file is an error here too, not a served file
    course.written(course.upload.data)
    return {}


def _transcode(step: steps.Transcode, course: _Course) -> Mapping[str, Any]:
    source = course.data or course.upload.data
    course.picture.size  # noqa: B018 - decoding finds damage that rewriting would pass on
    data = (
        source
        if step.scans == "keep"
        else rewrite_scans(source, progressive=step.scans == "progressive", name=course.upload.name)
    )
    kinds: tuple[SegmentKind, ...] = ("exif", "xmp", "icc", "c2pa")
    kept: list[SegmentKind] = [kind for kind in kinds if getattr(course.fate, kind) == "keep"]
    if kept or step.scans == "keep":
        kept.append("jfif")
        data = keep_metadata(data, keep=kept, source=source)
    icc = srgb_profile() if course.fate.icc == "srgb" else None
    exif = course.attachments().exif if course.fate.exif == "orientation" else None
    course.written(insert_metadata(data, icc=icc, exif=exif) if icc or exif else data)
    return {"scans": step.scans}


def _metadata(step: steps.Metadata, course: _Course) -> Mapping[str, Any]:
    course.fate = step
    return step.model_dump(exclude={"op"})


_STEPS: dict[str, Callable[[Any, _Course], Mapping[str, Any]]] = {
    "decode": _decode,
    "orient": _orient,
    "colour": _colour,
    "resize": _resize,
    "overlay": _overlay,
    "encode": _encode,
    "client_save": _client_save,
    "passthrough": _passthrough,
    "transcode": _transcode,
    "metadata": _metadata,
}
"""One function for each step a profile may hold for images; a test compares it with the profile model."""


def _file_facts(facts: ImageFacts) -> FileFacts:
    structure = facts.jpeg
    return FileFacts(
        format=facts.format,
        width_px=facts.width_px,
        height_px=facts.height_px,
        size_bytes=facts.size_bytes or None,
        metadata=tuple(sorted(facts.metadata)),
        jpeg_quality=nearest_quality(structure.table_of(0), component="luma")[0] if structure else None,
        subsampling=structure.subsampling if structure else None,
        progressive=structure.process == "progressive" if structure else None,
    )
