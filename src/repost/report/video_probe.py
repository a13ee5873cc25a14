"""What a video is, in lines of text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from repost.media.video.facts import Colour
from repost.media.video.frames import VP9_QP_COUNT, StreamCoding
from repost.media.video.headers import H264Headers
from repost.media.video.probe import VideoExamination, level_name, shown_pattern
from repost.report.words import NOTHING, bytes_in_words, format_in_words, shown

_CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1", "mpeg4": "MPEG-4", "aac": "AAC", "opus": "Opus"}
_CONTAINERS = {"mov": "QuickTime", "webm": "WebM", "mkv": "Matroska", "h264": "raw stream"}
_PRIMARIES = {
    2: "not said",
    1: "BT.709",
    5: "BT.601 (625 lines)",
    6: "BT.601 (525 lines)",
    9: "BT.2020",
    12: "Display P3",
}
_TRANSFERS = {2: "not said", 1: "BT.709", 6: "BT.601", 13: "sRGB", 14: "BT.2020", 15: "BT.2020", 16: "PQ", 18: "HLG"}
_MATRICES = {2: "not said", 0: "RGB", 1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020"}
"""Names of ITU-T H.273's numbers that are met."""
_WEIGHTED_B = {1: "explicitly weighted B", 2: "implicitly weighted B"}
_LABEL_WIDTH = 10


def video_text(found: VideoExamination, *, name: str) -> str:
    """A video for people.

    Args:
        found: From `examine_video`.
        name: Of the file.

    Returns:
        The name, then a line for each thing that is known.
    """
    lines = (f"  {label:<{_LABEL_WIDTH}} {shown(text)}" for label, text in _lines(found))
    return "\n".join([shown(name), *lines])


def bitrate_in_words(bitrate_bps: float) -> str:
    """A bitrate, such as "614 kbit/s" or "2.4 Mbit/s"."""
    return f"{bitrate_bps / 1e3:,.0f} kbit/s" if bitrate_bps < 999_500 else f"{bitrate_bps / 1e6:.1f} Mbit/s"


def colour_in_words(colour: Colour) -> str:
    """Colour tags by the names of their standards, such as "BT.709, limited range"."""
    tables = ((colour.primaries, _PRIMARIES), (colour.transfer, _TRANSFERS), (colour.matrix, _MATRICES))
    names = [table.get(number, f"H.273 number {number}") for number, table in tables]
    what = names[0] if len(set(names)) == 1 else "primaries {}, transfer {}, matrix {}".format(*names)
    high = ", high dynamic range" if colour.hdr else ""
    return f"{what}, {'full' if colour.full_range else 'limited'} range{high}"


def fps_in_words(fps: Fraction) -> str:
    """A frame rate, such as "25", "29.97 (30000/1001)"."""
    return str(fps) if fps.denominator == 1 else f"{float(fps):.2f} ({fps})"


def _lines(found: VideoExamination) -> Iterator[tuple[str, str]]:
    facts = found.facts
    yield "container", _container(found)
    yield "picture", _picture(found)
    yield "colour", colour_in_words(facts.colour)
    varies = ", varying" if facts.variable_frame_rate else ""
    yield "frames", f"{facts.frame_count:,} in {facts.duration_s:.2f} s, {fps_in_words(facts.fps)} fps{varies}"
    source = "its header says" if facts.bitrate_from == "header" else "packets over duration"
    yield "bitrate", f"{bitrate_in_words(facts.bitrate_bps)} ({source})"
    yield "sound", _sound(found)
    if found.whole:
        yield from _coding(found.coding, found.headers)
    if found.headers is not None:
        yield "tools", _tools(found.headers)
    yield from _origin(found)


def _container(found: VideoExamination) -> str:
    format_ = found.facts.format
    parts = [_CONTAINERS.get(format_, format_in_words(format_)), bytes_in_words(found.facts.size_bytes)]
    if brand := found.tags.get("major_brand"):
        parts.append(f"brand {brand.strip()}")
    if program := found.tags.get("encoder") or found.tags.get("ENCODER"):
        parts.append(f"written by {program}")
    return ", ".join(parts)


def _picture(found: VideoExamination) -> str:
    facts = found.facts
    level = level_name(facts.codec, facts.level)
    codec = f"{_CODECS.get(facts.codec, facts.codec)} {facts.profile or ''}".strip()
    parts = [codec, *([f"level {level}"] if level else []), f"{facts.width_px} × {facts.height_px}"]
    if facts.rotated:
        parts.append("stored {} × {}, turned {}° clockwise".format(*facts.stored_size, facts.rotation_deg))
    if facts.sample_aspect_ratio != 1:
        parts.append("pixel aspect {}:{}".format(*facts.sample_aspect_ratio.as_integer_ratio()))
    return ", ".join([*parts, facts.pixel_format, f"{facts.bit_depth} bits"])


def _sound(found: VideoExamination) -> str:
    audio = found.facts.audio
    if audio is None:
        return "none"
    rate = [bitrate_in_words(audio.bitrate_bps)] if audio.bitrate_bps else []
    channels = f"{audio.channels} channel{'' if audio.channels == 1 else 's'}"
    return ", ".join([_CODECS.get(audio.codec, audio.codec), f"{audio.sample_rate_hz:,} Hz", channels, *rate])


def _coding(coding: StreamCoding, headers: H264Headers | None) -> Iterator[tuple[str, str]]:
    yield "groups", f"{shown_pattern(coding)}, {_keyframes(coding)}"
    kinds = ", ".join(f"{coding.kinds.count(kind):,} {kind}" for kind in "IPB?" if kind in coding.kinds)
    run = coding.longest_b_run
    yield "kinds", f"{kinds}; at most {run} B in a row" if run else kinds
    mean, counts = coding.mean_qp(), coding.qp_histogram
    if mean is not None:
        used = [index for index, count in enumerate(counts) if count]
        by_kind = ", ".join(f"{kind} {coding.mean_qp(kind):.1f}" for kind in "IPB" if kind in coding.qp_by_kind)
        scale = " of 255" if len(counts) == VP9_QP_COUNT else ""
        initial = f"; the header's is {headers.initial_qp}" if headers is not None else ""
        yield "QP", f"mean {mean:.1f}{scale} ({by_kind}), from {used[0]} to {used[-1]}{initial}"


def _keyframes(coding: StreamCoding) -> str:
    gaps = coding.keyframe_gaps
    if not gaps:
        return "one keyframe"
    least, most = min(gaps), max(gaps)
    if least < most:
        return f"{len(coding.keyframes)} keyframes, {least} to {most} frames apart"
    return f"a keyframe every {most} frames" if len(gaps) > 1 else f"2 keyframes, {most} frames apart"


def _tools(headers: H264Headers) -> str:
    count = headers.references
    weights = [
        name for name in ("weighted P" if headers.weighted_p else None, _WEIGHTED_B.get(headers.weighted_b)) if name
    ]
    return ", ".join([
        f"{count} reference{'' if count == 1 else 's'}",
        "CABAC" if headers.cabac else "CAVLC",
        "8x8 transform" if headers.transform_8x8 else "no 8x8 transform",
        *weights,
        f"chroma QP {headers.chroma_qp_offset:+d}" if headers.chroma_qp_offset else "chroma QP +0",
        *(["buffer model signalled"] if headers.hypothetical_decoder else []),
    ])  # fmt: skip


def _origin(found: VideoExamination) -> Iterator[tuple[str, str]]:
    settings = found.coding.settings
    presets, told_by = found.presets()
    if settings is not None:
        chosen = [f"{name} {settings[name]}" for name in ("crf", "qp", "bitrate") if name in settings]
        preset = [f"preset {presets[0]}"] if presets else []
        yield "encoder", ", ".join([settings["encoder"], *chosen, *preset])
    elif told_by:
        yield "preset", f"{' or '.join(presets)}, if x264 encoded it: other encoders may leave the same headers"
    handlers = dict.fromkeys(name for stream in found.streams if (name := _handler(stream.tags)))
    yield "handlers", ", ".join(handlers) or NOTHING


def _handler(tags: Mapping[str, str]) -> str:
    return tags.get("handler_name", "").strip()
