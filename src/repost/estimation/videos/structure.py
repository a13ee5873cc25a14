"""Read how a served video was coded: from its headers, its frames, and what its encoder said of itself."""

from __future__ import annotations

from collections.abc import Mapping

from repost.estimation.videos.finding import RateMode, Structure
from repost.media.video.facts import VideoFacts
from repost.media.video.frames import StreamCoding, read_stream_coding
from repost.media.video.headers import H264Headers, read_h264_headers
from repost.media.video.presets import preset_of_settings, presets_like
from repost.media.video.upload import VideoUpload

_FEWEST_GAPS = 2
"""Gaps between keyframes that must be equal before the group length counts as fixed."""


def read_structure(served: VideoUpload) -> Structure:
    """Read how a served video was coded. Every frame is decoded once.

    Args:
        served: The file that came back.

    Returns:
        Its structure; what its standard or encoder does not tell is None.

    Raises:
        MediaError: It is damaged.
    """
    headers = read_h264_headers(served.path, name=served.name, max_pixels=served.max_pixels)
    return structure_of(
        served.facts, headers, read_stream_coding(served.path, name=served.name, max_pixels=served.max_pixels)
    )


def structure_of(facts: VideoFacts, headers: H264Headers | None, coding: StreamCoding) -> Structure:
    """How a video was coded, from what was read of it already.

    Args:
        facts: What its headers and packets say.
        headers: Parameter sets, of H.264.
        coding: Of all its frames.
    """
    said = coding.settings or {}
    own = preset_of_settings(said)
    guessed = presets_like(headers, longest_b_run=coding.longest_b_run) if headers else ()
    gaps = coding.keyframe_gaps
    return Structure(
        codec=facts.codec,
        profile=facts.profile,
        level=level_of(facts),
        pixel_format=facts.pixel_format,
        encoder=said.get("encoder"),
        presets=(own,) if own else guessed,
        references=_whole(said, "ref", 1, 16) or _within(headers.references if headers else None, 1, 16),
        b_frames=min(_whole(said, "bframes", 0, 16) or coding.longest_b_run, 16),
        longest_gop=_longest_gop(gaps, coding.last_group_frames, said),
        longest_run=max(*gaps, coding.last_group_frames) if gaps else coding.last_group_frames,
        fixed_gop=_is_fixed(gaps, coding.last_group_frames, said),
        initial_qp=headers.initial_qp if headers else None,
        mean_qp=_mean_qp(coding),
        threads=_whole(said, "threads", 1, _MOST_THREADS),
        vbv=_vbv(said, facts),
        said=_rate_said(said),
    )


def _whole(said: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """A whole number of the encoder's message, which is text that anyone may have changed; None where it is none."""
    text = said.get(name, "")
    return _within(int(text), least, most) if text.isascii() and text.isdigit() and len(text) < _LONGEST else None


def _within(number: int | None, least: int, most: int) -> int | None:
    return number if number is not None and least <= number <= most else None


_LONGEST = 10
_MOST_THREADS = 128
"""X264_THREAD_MAX of x264's common/base.h."""


def level_of(facts: VideoFacts) -> str | None:
    """The level of a stream as people write it, such as "4.0"; None where the standard counts otherwise.

    Args:
        facts: Of the file.
    """
    if facts.level is None or facts.codec not in ("h264", "hevc"):
        return None
    tenths = facts.level if facts.codec == "h264" else facts.level // 3  # HEVC stores 30 times the level
    return f"{tenths // 10}.{tenths % 10}"


_LONGEST_GROUP = 1 << 30
"""X264_KEYINT_MAX_INFINITE of x264's x264.h, which means that there is no limit."""


def _longest_gop(gaps: tuple[int, ...], last: int, said: Mapping[str, str]) -> int | None:
    if keyint := _whole(said, "keyint", 1, _LONGEST_GROUP):
        return keyint
    longest = max(gaps, default=0)
    # A longer run without a keyframe at the end shows that no limit made the gaps, but scene cuts did.
    return longest if longest >= last and gaps else None


def _is_fixed(gaps: tuple[int, ...], last: int, said: Mapping[str, str]) -> bool | None:
    if _whole(said, "keyint", 1, _LONGEST_GROUP):
        return said.get("scenecut") == "0" or said.get("keyint_min") == said["keyint"]
    return len(set(gaps)) == 1 and gaps[0] >= last if len(gaps) >= _FEWEST_GAPS else None


def _mean_qp(coding: StreamCoding) -> float | None:
    mean = coding.mean_qp("P") or coding.mean_qp()
    return None if mean is None else round(mean, 3)


def _vbv(said: Mapping[str, str], facts: VideoFacts) -> tuple[float, float] | None:
    peak, buffer = _positive(said, "vbv_maxrate"), _positive(said, "vbv_bufsize")
    average = _positive(said, "bitrate") or facts.bitrate_bps / 1000
    return (round(peak / average, 4), round(buffer / average, 4)) if peak and buffer and average > 0 else None


def _rate_said(said: Mapping[str, str]) -> tuple[RateMode, float] | None:
    if said.get("rc") == "crf" and (crf := _positive(said, "crf")) is not None and crf <= _HIGHEST_CRF:
        return "crf", crf
    if said.get("rc") in ("abr", "2pass", "cbr") and (bitrate := _positive(said, "bitrate")):
        return "abr", 1000 * bitrate
    return None


def _positive(said: Mapping[str, str], name: str) -> float | None:
    """A number of 0 or more of the encoder's message; None where it is none."""
    try:
        number = float(said[name])
    except (KeyError, ValueError):
        return None
    return number if 0 <= number < _LARGEST else None


_HIGHEST_CRF = 51
_LARGEST = 1e9
