"""The rate law behind many videos: a rate factor, or so many bits for each pixel of a frame and second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repost.channel.video.settings import ENCODERS
from repost.estimation.videos.finding import RateMode, VideoFinding
from repost.estimation.videos.start import AMBIGUOUS_QP
from repost.platforms.values import Samples

_SAME_RATE = 0.02
"""Bits per pixel that spread less than this are one number: what two passes miss their target by."""


def rate_law(findings: Sequence[VideoFinding]) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]:
    """Find how a network decides bitrates.

    A rate factor is believed where streams say so themselves, where making them again proves it, or where all of them
    carry the same initial QP and it is not the one that averages leave. Else the bitrate is taken as what was decided.

    Args:
        findings: Of one rule and codec, none kept.

    Returns:
        The `rate` of an encode step as plain data, its provenance by field, and the fields that are not known.
    """
    mode, reason = _mode(findings)
    if mode == "crf":
        crfs = [number for one in findings if (number := _crf(one)) is not None]
        spread = [min(crfs), max(crfs)]
        provenance = {"rate.crf": {"n": len(crfs), "note": reason, "interval": spread}}
        return {"mode": "crf", "crf": as_value(crfs)}, provenance, []
    return _searched_law(findings) or _average_law(findings, reason)


def rates_behind(findings: Sequence[VideoFinding]) -> tuple[RateMode, list[float | None], float]:
    """The number of each pair that a rate law is made of.

    Args:
        findings: Of one rule and codec, none kept.

    Returns:
        What the numbers are: rate factors, or bits per pixel and second; the numbers, None where a pair has none; and
        by how much they differ without meaning anything, of bits as the difference of logarithms.
    """
    if _mode(findings)[0] == "crf":
        return "crf", [_crf(one) for one in findings], 0.0
    if _searched_law(findings):
        return "crf", [one.rate.crf_exact if one.rate else None for one in findings], _SAME_CRF
    way = _nearest_way(findings)
    return "abr", [_bits_per_pixel_s(one, way) for one in findings], _SAME_RATE


_SAME_CRF = 1.0
"""Rate factors found by bitrate that spread less than this are one: settings that are not told move them as much."""


def _searched_law(
    findings: Sequence[VideoFinding],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]] | None:
    """A rate factor that gives the bitrates of all, where the search was made with an encoder of that standard.

    Not for H.264: there a rate factor can be proven, and was not.
    """
    rates = [one.rate for one in findings if one.rate]
    codec = findings[0].structure.codec
    if codec == "h264" or any(rate.searched_with != ENCODERS.get(codec) for rate in rates):
        return None
    crfs = [rate.crf_exact for rate in rates if rate.crf_exact is not None]
    if len(crfs) < max(2, len(rates)) or max(crfs) - min(crfs) > _SAME_CRF:
        return None
    note = "the rate factor that gives as much with the encoder's defaults is nearly the same for all"
    provenance = {"rate.crf": {"n": len(crfs), "note": note, "interval": [min(crfs), max(crfs)]}}
    return {"mode": "crf", "crf": round(sum(crfs) / len(crfs), 2)}, provenance, ["rate.crf"]


def _average_law(
    findings: Sequence[VideoFinding], reason: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]:
    """So many bits for each pixel: of the targets, where encoding again found them, else of the files."""
    way = _nearest_way(findings)
    rates = [bits for one in findings if (bits := _bits_per_pixel_s(one, way)) is not None]
    mean = sum(rates) / len(rates)
    narrow = max(rates) - min(rates) <= _SAME_RATE * mean
    value: Any = round(mean, 6) if narrow else Samples(samples=tuple(sorted(round(x, 6) for x in rates))).model_dump()
    note = f"{reason}; mean {mean:.4g}, from {min(rates):.4g} to {max(rates):.4g}"
    passes, buffer = way[:2] if way else (2 if findings[0].structure.codec in ("h264", "hevc") else 1, None)
    law: dict[str, Any] = {"mode": "abr", "bits_per_pixel_s": value, "passes": passes}
    provenance: dict[str, dict[str, Any]] = {
        "rate.bits_per_pixel_s": {"n": len(rates), "note": note, "interval": [min(rates), max(rates)]}
    }
    unknown = [] if way else ["rate.passes"]
    said = next((one.structure.vbv for one in findings if one.structure.vbv), None)
    if buffer := said or buffer:
        law |= {"vbv_max_ratio": buffer[0], "vbv_buffer_s": buffer[1]}
    if not said:
        unknown.append("rate.vbv_max_ratio")
    return law, provenance, unknown


_Way = tuple[int, tuple[float, float] | None, str]
"""Passes, buffer, preset."""
_CLEARLY = 0.8
"""How much nearer than without a buffer an encode with one must come for the buffer to be believed."""


def average_preset(findings: Sequence[VideoFinding]) -> str | None:
    """The preset whose encodes for the same bitrate come nearest to the served files, frame by frame.

    Args:
        findings: Of one rule and codec.

    Returns:
        The preset, or None where none was encoded again.
    """
    way = _nearest_way(findings)
    return way[2] if way else None


def _nearest_way(findings: Sequence[VideoFinding]) -> _Way | None:
    """The way of encoding that comes nearest over all pairs it was tried with; with a buffer only if clearly nearer."""
    distances: dict[_Way, list[float]] = {}
    for one in findings:
        for fit in one.rate.averages if one.rate else ():
            distances.setdefault((fit.passes, fit.vbv, fit.preset), []).append(fit.distance)
    if not distances:
        return None
    most = max(map(len, distances.values()))
    means = {way: sum(found) / len(found) for way, found in distances.items() if len(found) == most}
    return min(means, key=lambda way: means[way] * (1 if way[1] is None else 1 / _CLEARLY))


def _bits_per_pixel_s(finding: VideoFinding, way: _Way | None) -> float | None:
    if finding.rate is None:
        return None
    fits = [fit for fit in finding.rate.averages if (fit.passes, fit.vbv, fit.preset) == way]
    return fits[0].bits_per_pixel_s if fits else None if way else finding.rate.bits_per_pixel_s


def _mode(findings: Sequence[VideoFinding]) -> tuple[RateMode, str]:
    said = [one.structure.said[0] for one in findings if one.structure.said]
    if said:
        mode: RateMode = "crf" if said.count("crf") * 2 > len(said) else "abr"
        return mode, f"{len(said)} of {len(findings)} streams say so"
    proven = sum(one.rate is not None and one.rate.proven_crf is not None for one in findings)
    if proven:
        whole = sum(one.exact for one in findings)
        return "crf", f"{proven} of {len(findings)} streams were made again to the bit, {whole} of them to the end"
    if any(one.rate.averages for one in findings if one.rate):
        return "abr", "no rate factor gives such streams"
    first = {one.structure.initial_qp for one in findings}
    if len(findings) > 1 and len(first) == 1 and first.isdisjoint({None, AMBIGUOUS_QP}):
        return "crf", f"all {len(findings)} streams start from the same QP"
    return "abr", "no rate factor was proven"


def _crf(finding: VideoFinding) -> float | None:
    if finding.structure.said and finding.structure.said[0] == "crf":
        return finding.structure.said[1]
    if finding.rate and finding.rate.proven_crf is not None:
        return finding.rate.proven_crf
    return finding.structure.initial_qp


def as_value(numbers: Sequence[float]) -> Any:  # noqa: ANN401 - a Value as plain data
    """Measured numbers as a value: a constant where they are all equal, else the samples themselves.

    Args:
        numbers: At least one.
    """
    plain = [int(number) if number == int(number) else number for number in numbers]
    return plain[0] if len(set(plain)) == 1 else Samples(samples=tuple(sorted(plain))).model_dump()
