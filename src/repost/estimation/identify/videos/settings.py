"""What the settings of a rule make likely in a served stream."""

from __future__ import annotations

from typing import TypeVar

from repost.channel.video.settings import DEFAULT_PRESETS, ENCODERS
from repost.estimation.identify.likelihood import RARE
from repost.estimation.identify.uploads import distribution
from repost.estimation.identify.videos.aspects import (
    Aspects,
    bell,
    content_bell,
    either,
    group_chance,
    run_chance,
    sound_rate_chance,
)
from repost.estimation.identify.videos.population import (
    UNKNOWN_NETWORK,
    UPLOADS,
    level_chance,
)
from repost.estimation.identify.videos.signature import VideoSignature
from repost.estimation.videos.start import AMBIGUOUS_QP, HALVING_CRF, PROFILES
from repost.media.video.presets import X264_PRESETS, PresetTraits
from repost.platforms import Rule
from repost.platforms.steps import AbrRate, Audio, Container, CrfRate, EncodeVideo, Orient
from repost.platforms.values import Features, Samples, numbers_of

T = TypeVar("T")

DEFAULT_GROUP = 250
"""keyint of x264 and x265, with scene cuts."""

_OTHER_CODEC = 0.01
"""How much rarer than another wrong setting it is that a network writes another standard."""

_X265_RUN = 4
"""bframes of x265, from its preset medium on."""

_TYPICAL_BITS_PER_PIXEL, _TYPICAL_CRF, _CRF_SPREAD = 0.02, 30, 0.9
"""What x264 takes for a pixel of a frame at that CRF, and how far clips spread around it in natural logarithms; the
first two as `repost.estimation.videos.start` found them."""

_RATE_MISS = 0.1
"""How often an average bitrate is missed by far: nothing moves, or the clip is over before the control settles."""
_RATE_SPREAD, _RATE_SPREAD_S = 0.04, 0.15
"""How far it is off otherwise, in natural logarithms: at least, and what is added for a clip of one second."""

_UNSEEN_CRF, _UNSEEN_REACH = 0.2, 2
"""How often the rate factor is none of the samples that a profile holds, and how far from them it may lie."""

_ONE_PASS_QP, _TWO_PASS_QP = 0.97, 0.2
"""How often the initial QP is x264's 26 for an average bitrate; with two passes it differs from clip to clip."""
_OTHER_QPS = 40


def find_step(rule: Rule, kind: type[T]) -> T | None:
    """The last step of a kind, or None."""
    return next((step for step in reversed(rule.steps) if isinstance(step, kind)), None)


def encoder_of(encode: EncodeVideo) -> str:
    """FFmpeg's name of the program that stands for a step."""
    return encode.encoder or ENCODERS[encode.codec]


def traits_of(encode: EncodeVideo) -> PresetTraits | None:
    """What the preset of a step leaves in streams of x264; None for other programs."""
    if encoder_of(encode) != "libx264":
        return None
    return X264_PRESETS.get(encode.preset or DEFAULT_PRESETS["libx264"])


def profile_left(encode: EncodeVideo) -> str:
    """The H.264 profile that FFmpeg will read from a stream: x264 states the lowest one that has all that is used."""
    asked = (encode.profile or ("high444" if "444" in encode.pixel_format else "high")).lower()
    traits = traits_of(encode)
    if traits is not None and traits.plain:
        return "Constrained Baseline"
    return {name: left for left, name in PROFILES["libx264"].items()}.get(asked, asked.title())


def group_of(encode: EncodeVideo, signature: VideoSignature, features: Features) -> list[tuple[int, float]]:
    """Most frames from one keyframe to the next, with their chances; empty where the program decides."""
    if encode.gop_frames is not None:
        return [(encode.gop_frames, 1.0)]
    if encode.gop_s is not None:
        lengths_s = distribution(encode.gop_s, features)
        return [(max(1, round(length_s * signature.fps)), chance) for length_s, chance in lengths_s]
    return [(DEFAULT_GROUP, 1.0)] if encoder_of(encode) in ("libx264", "libx265") else []


def b_frames_of(encode: EncodeVideo) -> int | None:
    """Most B-frames in a row; None where the program decides in a way that is not known here."""
    if encode.codec == "h264" and profile_left(encode) == "Constrained Baseline":
        return 0
    if encode.b_frames is not None:
        return encode.b_frames
    traits = traits_of(encode)
    if traits is not None:
        return traits.b_frames
    return _X265_RUN if encoder_of(encode) == "libx265" else None


def setting_aspects(signature: VideoSignature, rule: Rule, features: Features) -> Aspects:
    """The chance of each trait of a file, as a rule leaves it; the broad one where the rule does not decide.

    Args:
        signature: Of the file.
        rule: A video rule that encodes.
        features: Of the upload.
    """
    encode = find_step(rule, EncodeVideo)
    assert encode is not None, "rules that pass files on are not asked"
    facts, found = signature.facts, signature.structure
    aspects = UNKNOWN_NETWORK.aspects(signature)
    container = find_step(rule, Container) or Container(op="container")
    same_format, same_codec = facts.format == container.format, found.codec == encode.codec
    aspects["format"] = _as_set(same_format, aspects["format"])
    as_set = same_codec and found.pixel_format == encode.pixel_format
    aspects["codec"] = _as_set(as_set, aspects["codec"] * (1.0 if same_codec else _OTHER_CODEC))
    aspects["turn"] = either(facts.rotated, chance=RARE if find_step(rule, Orient) else 0.2)
    speaks = encoder_of(encode) in ("libx264", "libx265") and not container.strip_sei
    aspects["message"] = either(signature.message, chance=1 - RARE if speaks else RARE)
    aspects["sound"] = _sound_chance(signature, find_step(rule, Audio), features)
    if encode.codec == found.codec == "h264":
        aspects["profile"] = _as_set(found.profile == profile_left(encode), aspects["profile"])
        if encode.level is None:
            aspects["level"] = level_chance(signature, needed=0.95)
        else:
            aspects["level"] = _as_set(found.level == encode.level, aspects["level"])
        if traits := traits_of(encode):
            wanted = (encode.references or traits.references, traits.chroma_qp_offset)
            left = (found.references, signature.chroma_qp_offset)
            aspects["headers"] = _as_set(left == wanted, aspects["headers"])
    if groups := group_of(encode, signature, features):
        chances = [chance * group_chance(signature, most, fixed=not encode.scene_cut) for most, chance in groups]
        aspects["group"] = sum(chances)
    if (most := b_frames_of(encode)) is not None:
        aspects["b_frames"] = run_chance(found.b_frames, most)
    return aspects | rate_aspects(signature, encode, features)


def _as_set(yes: bool, broad: float) -> float:
    """The chance of a trait that a setting fixes; another value than that is rare, and spread as it is elsewhere."""
    return 1 - RARE if yes else RARE * broad


def rate_aspects(signature: VideoSignature, encode: EncodeVideo, features: Features) -> Aspects:
    """The chances of the initial QP and of the bitrate, where the rate law decides them.

    Args:
        signature: Of the file.
        encode: The step.
        features: Of the upload.
    """
    x264 = encoder_of(encode) == "libx264"
    qp = signature.structure.initial_qp
    aspects: Aspects = {}
    if isinstance(encode.rate, CrfRate) and x264:
        if qp is not None:
            aspects["qp"] = _crf_chance(qp, encode.rate, features)
        aspects["rate"] = sum(
            chance * content_bell(signature.bits_per_pixel_s / _typical_rate(signature, crf), _CRF_SPREAD)
            for crf, chance in distribution(encode.rate.crf, features)
        )
    elif isinstance(encode.rate, AbrRate):
        if x264 and qp is not None:
            usual = _ONE_PASS_QP if encode.rate.passes == 1 else _TWO_PASS_QP
            aspects["qp"] = usual if qp == AMBIGUOUS_QP else (1 - usual) / _OTHER_QPS
        spread = _RATE_SPREAD + _RATE_SPREAD_S / max(signature.facts.duration_s, 0.1)
        hit = sum(
            chance * bell(signature.bits_per_pixel_s / asked, spread)
            for asked, chance in distribution(encode.rate.bits_per_pixel_s, features)
        )
        middle, broad = UNKNOWN_NETWORK.rate
        aspects["rate"] = (1 - _RATE_MISS) * hit + _RATE_MISS * content_bell(signature.bits_per_pixel_s / middle, broad)
    return aspects


def _crf_chance(qp: int, rate: CrfRate, features: Features) -> float:
    """The chance of an initial QP, which x264 makes of the rate factor by cutting it to a whole number."""
    drawn = sum(chance for crf, chance in distribution(rate.crf, features) if int(crf) == qp)
    if not isinstance(rate.crf, Samples):
        return max((1 - RARE) * drawn, RARE / _OTHER_QPS)
    least, most = min(numbers_of(rate.crf)) - _UNSEEN_REACH, max(numbers_of(rate.crf)) + _UNSEEN_REACH
    near = 1 / (int(most) - int(least) + 1) if int(least) <= qp <= most else RARE
    return (1 - _UNSEEN_CRF) * drawn + _UNSEEN_CRF * near


def _typical_rate(signature: VideoSignature, crf: float) -> float:
    """Bits per pixel and second that x264 takes at a rate factor, for a typical clip."""
    return _TYPICAL_BITS_PER_PIXEL * signature.fps * 2 ** ((_TYPICAL_CRF - crf) / HALVING_CRF)


def _sound_chance(signature: VideoSignature, step: Audio | None, features: Features) -> float:
    uploaded = sum(origin.share * origin.sound_chance(signature) for origin in UPLOADS)
    if step is None or step.action == "copy":
        return uploaded
    audio = signature.facts.audio
    if step.action == "drop":
        return 1 - RARE if audio is None else RARE * uploaded
    silent = sum(origin.share * origin.sounds["none"] for origin in UPLOADS)
    if audio is None:
        return silent
    assert step.bitrate_bps is not None, "steps are checked to have it"
    asked = distribution(step.bitrate_bps, features)
    if audio.codec != step.codec:
        return RARE * uploaded
    return (1 - silent) * sound_rate_chance(audio.bitrate_bps, asked)
