"""What speaks for and against a network that may have served a video, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from repost.estimation.identify.filenames import NamePattern
from repost.estimation.identify.likelihood import ProfileLikelihood
from repost.estimation.identify.reasons import closing_reasons, platform_name, size_reasons, stranger_reasons
from repost.estimation.identify.videos.aspects import Aspect
from repost.estimation.identify.videos.population import UNKNOWN_NETWORK, same_frame_rate
from repost.estimation.identify.videos.served import doubted_aspects
from repost.estimation.identify.videos.settings import b_frames_of, find_step, group_of, setting_aspects
from repost.estimation.identify.videos.signature import VideoSignature
from repost.estimation.identify.videos.uploads import VideoUploads
from repost.media.video.probe import level_name
from repost.platforms import Rule
from repost.platforms.steps import AbrRate, Audio, CrfRate, EncodeVideo, FrameRate, Passthrough
from repost.platforms.values import numbers_of

_CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1", "mpeg4": "MPEG-4"}
_SOUNDS = {"aac": "AAC", "opus": "Opus", "mp3": "MP3"}
_FOR, _AGAINST = 2.0, 0.2
"""How much likelier a trait is from the network than from an unknown one before it is named as speaking for it, and
how much less likely before it is named as speaking against it."""
_TYPICAL_OF_UPLOADS = 10.0  # times likelier as an untouched file than as one of an unknown program


def stream_in_words(signature: VideoSignature) -> str:
    """How a video was coded, such as "H.264 High 3.1 in MP4"."""
    facts = signature.facts
    level = level_name(facts.codec, facts.level) if facts.codec in ("h264", "hevc") else None
    words = (_CODECS.get(facts.codec, facts.codec.upper()), facts.profile or "", level or "")
    said = " ".join(word for word in words if word)
    return f"{said} in {facts.format.upper()}"


def video_reasons(
    uploads: VideoUploads,
    found: ProfileLikelihood,
    pattern: NamePattern | None,
    *,
    also: Sequence[str],
    as_unshared: bool,
) -> tuple[str, ...]:
    """What speaks for and against a network.

    Args:
        uploads: What may have become the file.
        found: Its likeliest profile.
        pattern: What the file's name looks like.
        also: Platforms that treat the file alike.
        as_unshared: Whether an untouched file looks the same.

    Returns:
        Sentences without full stops, that it is only an example first, then the coding.
    """
    who = platform_name(found.profile.platform)
    said: list[str] = []
    if found.profile.example:
        said.append("an example that comes with repost: it describes no real network, only emulations come from it")
    said += _coding_reasons(uploads, found, who)
    said += size_reasons(uploads.signature.size, found, who)
    said += _frame_rate_reasons(uploads.signature, found.best.rule, who)
    if find_step(found.best.rule, EncodeVideo) is not None:
        said += _setting_reasons(uploads, found.best.rule, who)
    if doubted_aspects(found.profile, found.best.index) and not found.best.assumed:
        said.append(f"some of the settings that {who} uses are assumed and not known, so they count half")
    said += closing_reasons(found, pattern, also=also, as_unshared=as_unshared)
    return tuple(said)


def video_none_reasons(
    signature: VideoSignature, upload_odds: float, pattern: NamePattern | None, platforms: Collection[str]
) -> tuple[str, ...]:
    """What speaks for none of the networks: no network at all, or one without a profile.

    Args:
        signature: Of the file.
        upload_odds: Likelihood of an untouched file over that of an unknown network's.
        pattern: What the file's name looks like.
        platforms: Those with a profile.
    """
    said: list[str] = []
    if signature.message:
        said.append(f"{signature.structure.encoder} left its message in the stream, which networks tend to take out")
    if upload_odds > _TYPICAL_OF_UPLOADS:
        said.append(f"{stream_in_words(signature)}: as phones and programs write videos")
    else:
        said.append(f"{stream_in_words(signature)}: many programs and networks without a profile write such videos")
    return (*said, *stranger_reasons(pattern, platforms))


def _coding_reasons(uploads: VideoUploads, found: ProfileLikelihood, who: str) -> Iterator[str]:
    words = stream_in_words(uploads.signature)
    rule = found.best.rule
    if isinstance(rule.steps[-1], Passthrough):
        yield f"{who} passes such files on unchanged ({words})" if found.best.stated else f"{who} passes on other files"
        return
    aspects = setting_aspects(uploads.signature, rule, uploads.itself.feature)
    same = min(aspects["format"], aspects["codec"], aspects["profile"], aspects["level"]) > _AGAINST / 4
    yield f"{words} as {who} writes" if same else f"{words}, where {who} writes otherwise"


def _frame_rate_reasons(signature: VideoSignature, rule: Rule, who: str) -> Iterator[str]:
    step = find_step(rule, FrameRate)
    if step is None:
        return
    numbers = list(numbers_of(step.fps))
    if any(same_frame_rate(number, signature.fps) for number in numbers):
        yield f"{signature.fps:.5g} frames a second, {who}'s {'limit' if step.cap else 'rate'}"
    elif signature.fps > max(numbers):
        yield f"{signature.fps:.5g} frames a second, over {who}'s {max(numbers):.5g}"


def _setting_reasons(uploads: VideoUploads, rule: Rule, who: str) -> Iterator[str]:
    signature = uploads.signature
    encode = find_step(rule, EncodeVideo)
    assert encode is not None, "the caller has looked"
    stated = setting_aspects(signature, rule, uploads.itself.feature)
    broad = UNKNOWN_NETWORK.aspects(signature)
    ratios = {aspect: stated[aspect] / max(broad[aspect], 1e-12) for aspect in stated}
    words: dict[Aspect, tuple[str, str]] = {
        "group": _group_words(uploads, encode, who),
        "b_frames": _run_words(signature, encode, who),
        "headers": _header_words(signature, encode, who),
        "qp": _qp_words(signature, encode, who),
        "rate": _rate_words(signature, encode, who),
        "message": _message_words(signature, who),
        "sound": _sound_words(signature, find_step(rule, Audio), who),
    }
    for aspect, (fits, differs) in words.items():
        if ratios[aspect] >= _FOR and fits:
            yield fits
        elif ratios[aspect] <= _AGAINST and differs:
            yield differs


def _group_words(uploads: VideoUploads, encode: EncodeVideo, who: str) -> tuple[str, str]:
    signature = uploads.signature
    lengths = sorted({length for length, _ in group_of(encode, signature, uploads.itself.feature)})
    longest = max((*signature.keyframe_gaps, signature.tail_frames))
    limit = " or ".join(map(str, lengths)) or "other"
    how = "every" if not encode.scene_cut else "at most"
    if signature.keyframe_gaps:
        fits = f"a keyframe {how} {limit} frames, as {who} sets it"
    else:
        fits = f"no keyframe after the first in {longest} frames, and {who} has one {how} {limit}"
    return fits, f"up to {longest} frames between keyframes, where {who} has {how} {limit}"


def _run_words(signature: VideoSignature, encode: EncodeVideo, who: str) -> tuple[str, str]:
    longest, most = signature.structure.b_frames, b_frames_of(encode)
    said = f"{longest} B-frames in a row at most" if longest else "no B-frames"
    return f"{said}, as {who} sets it", f"{said}, where {who} allows {most}"


def _header_words(signature: VideoSignature, encode: EncodeVideo, who: str) -> tuple[str, str]:
    count = signature.structure.references
    said = f"{count} reference frame{'s' * (count != 1)} and a chroma offset of {signature.chroma_qp_offset}"
    like = f"x264's preset {encode.preset} leaves" if encode.preset else f"{who} leaves"
    return f"{said}, as {like}", f"{said}, where {who} leaves others"


def _qp_words(signature: VideoSignature, encode: EncodeVideo, who: str) -> tuple[str, str]:
    said = f"the headers start from QP {signature.structure.initial_qp}"
    if not isinstance(encode.rate, CrfRate):
        return f"{said}, as average bitrates leave it", f"{said}, which {who}'s average bitrates seldom leave"
    return f"{said}, {who}'s constant rate factor", f"{said}, which is no rate factor of {who}'s"


def _rate_words(signature: VideoSignature, encode: EncodeVideo, who: str) -> tuple[str, str]:
    said = f"{signature.bits_per_pixel_s:.3g} bits per pixel and second"
    if isinstance(encode.rate, AbrRate):
        return f"{said}, {who}'s rate", f"{said}, which is not {who}'s rate"
    return "", f"{said}, unusual for {who}'s rate factor"


def _message_words(signature: VideoSignature, who: str) -> tuple[str, str]:
    if signature.message:
        there = "the encoder's message is there"
        return f"{there}, as {who} leaves it", f"{there}, which {who} takes out"
    gone = "there is no message of the encoder"
    return f"{gone}, as {who} takes it out", f"{gone}, which {who} leaves in"


def _sound_words(signature: VideoSignature, step: Audio | None, who: str) -> tuple[str, str]:
    audio = signature.facts.audio
    if audio is None:
        return f"no sound, which {who} takes out", f"no sound, which {who} keeps"
    rate = f" at {audio.bitrate_bps / 1000:.0f} kbit/s" if audio.bitrate_bps else ""
    said = f"{_SOUNDS.get(audio.codec, audio.codec)}{rate}"
    if step is None or step.action == "copy":
        return "", ""
    return f"{said}, as {who} encodes sound", f"{said}, where {who} writes other sound"
