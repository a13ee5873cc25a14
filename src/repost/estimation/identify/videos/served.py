"""How likely a network is to serve a video of a given signature.

As for images, the likelihood of a profile is summed over the uploads that may have become the file: an upload follows a
rule, comes out at a size and a frame rate, and is coded with the settings of the rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from repost.estimation.identify.likelihood import ProfileLikelihood, RuleLikelihood, trusted, with_drift
from repost.estimation.identify.size import fills_box, size_chance, unsized
from repost.estimation.identify.uploads import distribution
from repost.estimation.identify.videos.aspects import Aspect, Aspects
from repost.estimation.identify.videos.population import (
    UNKNOWN_NETWORK,
    UPLOADS,
    frame_rate_chance,
    same_frame_rate,
    shape_chance,
    short_side_chance,
)
from repost.estimation.identify.videos.settings import find_step, setting_aspects
from repost.estimation.identify.videos.signature import VideoSignature
from repost.estimation.identify.videos.uploads import VideoHypothetical, VideoUploads, followed
from repost.platforms import Profile, Rule
from repost.platforms.steps import Audio, Container, EncodeVideo, FrameRate, Orient, Passthrough, Resize

_ENCODE: dict[str, tuple[Aspect, ...]] = {
    "codec": ("codec",),
    "pixel_format": ("codec",),
    "encoder": ("headers", "qp", "message"),
    "profile": ("profile",),
    "level": ("level",),
    "gop_s": ("group",),
    "gop_frames": ("group",),
    "scene_cut": ("group",),
    "b_frames": ("b_frames",),
    "references": ("headers",),
    "preset": ("headers", "b_frames"),
    "rate": ("qp", "rate"),
    "rate.mode": ("qp", "rate"),
    "rate.crf": ("qp", "rate"),
    "rate.passes": ("qp",),
    "rate.bits_per_pixel_s": ("rate",),
}
"""The traits that the parameters of an encode step decide."""


def video_profile_likelihood(uploads: VideoUploads, profile: Profile) -> ProfileLikelihood | None:
    """How likely a network is to serve a video.

    Args:
        uploads: What may have become the file.
        profile: The network.

    Returns:
        The likelihood; None for a profile without rules for videos. Densities are of one file's exact signature,
        comparable between profiles and with `unshared_video_likelihood` and `unknown_video_likelihood`.
    """
    if not profile.rules_for("video"):
        return None
    found = [_of_rule(uploads, profile, index, rule, matching) for index, rule, matching in uploads.matching(profile)]
    return with_drift(profile, found, unknown=unknown_video_likelihood(uploads.signature))


def unshared_video_likelihood(signature: VideoSignature) -> float:
    """Density of a video that no network has touched: a phone's, or a program's."""
    return _size_and_rate(signature) * sum(origin.share * origin.chance(signature) for origin in UPLOADS)


def unknown_video_likelihood(signature: VideoSignature) -> float:
    """Density of a video from a network or program without a profile."""
    return _size_and_rate(signature) * UNKNOWN_NETWORK.chance(signature)


def doubted_aspects(profile: Profile, index: int) -> frozenset[Aspect]:
    """The traits that rest on parameters a profile lists as unknown.

    Args:
        profile: The profile. What an example lists so is not known of any network, but of the example itself.
        index: Of its rule.
    """
    return frozenset() if profile.example else frozenset(_doubted(profile, index))


def frame_rate_left(rule: Rule, upload: VideoHypothetical) -> Iterator[tuple[float, float]]:
    """The frame rates that a rule serves an upload at, with their chances."""
    step = find_step(rule, FrameRate)
    if step is None:
        yield upload.fps, 1.0
        return
    for fps, chance in distribution(step.fps, upload.feature):
        yield (upload.fps if step.cap and upload.fps <= fps else fps), chance


def _doubted(profile: Profile, index: int) -> Iterator[Aspect]:
    for place, step in enumerate(profile.rules[index].steps):
        assumed = profile.assumed(index, place)
        if isinstance(step, EncodeVideo):
            names = _ENCODE if "op" in assumed else assumed
            for name in names:
                yield from _ENCODE.get(name, ())
        elif assumed and isinstance(step, Audio):
            yield "sound"
        elif assumed and isinstance(step, Orient):
            yield "turn"
        elif isinstance(step, Container):
            if {"op", "format"} & set(assumed):
                yield "format"
            if {"op", "strip_sei"} & set(assumed):
                yield "message"


def _size_and_rate(signature: VideoSignature) -> float:
    side = short_side_chance(min(signature.size)) * shape_chance(signature.size)
    return side * frame_rate_chance(signature.fps)


def _of_rule(
    uploads: VideoUploads, profile: Profile, index: int, rule: Rule, matching: list[VideoHypothetical]
) -> RuleLikelihood:
    signature = uploads.signature
    last = len(rule.steps) - 1
    if isinstance(rule.steps[last], Passthrough):
        kept = unshared_video_likelihood(signature) if followed(profile, uploads.itself) == index else 0.0
        assumed = bool(profile.assumed(index, last))
        value = trusted(kept, unknown_video_likelihood(signature)) if assumed and kept else kept
        return RuleLikelihood(index, rule, value, kept, assumed)
    broad = UNKNOWN_NETWORK.aspects(signature)
    doubted = doubted_aspects(profile, index)
    steps = [(place, step) for place, step in enumerate(rule.steps) if isinstance(step, Resize | FrameRate)]
    unsure = {type(step) for place, step in steps if profile.assumed(index, place) and not profile.example}
    stated = value = 0.0
    for upload in matching:
        as_stated, as_trusted = _size_chances(signature, rule, upload, unsure=Resize in unsure)
        if not as_trusted:
            continue
        rated = sum(chance for fps, chance in frame_rate_left(rule, upload) if same_frame_rate(fps, signature.fps))
        rate = trusted(rated, frame_rate_chance(signature.fps)) if FrameRate in unsure else rated
        if not rate:
            continue
        aspects = setting_aspects(signature, rule, upload.feature)
        stated += upload.chance * as_stated * rated * math.prod(aspects.values())
        value += upload.chance * as_trusted * rate * _trusted_product(aspects, broad, doubted)
    shape = 1.0 if fills_box(rule) else shape_chance(signature.size)
    writers = [place for place, step in enumerate(rule.steps) if isinstance(step, EncodeVideo)]
    assumed = any("op" in profile.assumed(index, place) for place in writers)
    return RuleLikelihood(index, rule, value * shape, stated * shape, assumed)


def _size_chances(
    signature: VideoSignature, rule: Rule, upload: VideoHypothetical, *, unsure: bool
) -> tuple[float, float]:
    """The chance of the file's size: as stated, and trusted by half where the step is not known."""
    stated = size_chance(signature.size, rule, upload)
    if not unsure:
        return stated, stated
    return stated, trusted(stated, size_chance(signature.size, unsized(rule), upload))


def _trusted_product(aspects: Aspects, broad: Aspects, doubted: frozenset[Aspect]) -> float:
    return math.prod(
        trusted(chance, broad[aspect]) if aspect in doubted else chance for aspect, chance in aspects.items()
    )
