"""What was learned from pairs of videos, as text and as plain values."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from repost.channel.video.emulate import emulate_video
from repost.estimation.pairing import FilesOfPair, Refused
from repost.estimation.videos.estimate import EstimatedVideos
from repost.estimation.videos.finding import VideoFinding
from repost.media.video.frames import read_stream_coding
from repost.media.video.upload import VideoUpload
from repost.platforms.profile import Profile
from repost.report.profile import describe_profile
from repost.report.video_figures import write_coding_figures, write_rate_curve
from repost.report.words import many_misfits


def describe_video_estimate(estimated: EstimatedVideos) -> str:
    """The profile that was learned, and what each pair showed, in lines of text."""
    odd = {one.name: one.reason for one in estimated.misfits}
    pairs = [line for one in estimated.findings for line in _pair(one, odd.get(one.name))]
    many = many_misfits(len(odd), of=len(estimated.findings))
    return "\n".join([describe_profile(estimated.profile), "", *pairs, *many])


def _pair(one: VideoFinding, odd: str | None) -> Iterator[str]:
    before, after = ("x".join(map(str, size)) for size in (one.stored_before, one.stored_after))
    if one.rate is None:
        yield f"{one.name}: {before}, kept byte for byte"
    else:
        rate = one.rate
        same = f" (the same bitrate at {rate.crf_exact:.2f})" if rate.crf_exact is not None else ""
        pictures = f", its first {one.same_pictures} pictures made again" if one.same_pictures else ""
        proof = ", made again bit for bit" if one.exact else pictures
        kbps = rate.bitrate_bps / 1000
        yield f"{one.name}: {before} to {after}, {kbps:.0f} kbit/s, reference CRF {rate.crf_in_words}{same}{proof}"
        yield from (f"  note: {doubt}" for doubt in one.doubts)
    if odd:
        yield f"  odd: {odd}"


def draw_pair(finding: VideoFinding, pair: FilesOfPair, profile: Profile, folder: Path) -> list[Path]:
    """Draw what a pair showed: bitrate against CRF, and how shared, emulated and original video are coded.

    Args:
        finding: Of the pair.
        pair: Its files.
        profile: What was learned; the emulated video is made with it.
        folder: Where to; made where it does not exist.

    Returns:
        The files written.

    Raises:
        MissingExtra: Matplotlib is not installed.
        OutputUnwritable: The folder cannot be written.
        RepostError: The original cannot be emulated.
    """
    written: list[Path] = []
    if finding.rate is not None and finding.rate.bitrates_bps:
        rate = finding.rate
        crf = None if rate.crf_exact is None else round(rate.crf_exact, 2)  # an end of the range is no meeting point
        points = [(float(one), float(bitrate)) for one, bitrate in rate.bitrates_bps.items()]
        written += write_rate_curve(points, folder, shared_bps=rate.bitrate_bps, crf=crf)
    with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
        emulated = emulate_video(VideoUpload(pair.upload), profile, Path(scratch) / "emulated", seed=0)
        videos = {"shared": pair.served, "emulated": emulated.path, "original": pair.upload}
        return written + write_coding_figures({name: read_stream_coding(path) for name, path in videos.items()}, folder)


def video_estimate_row(estimated: EstimatedVideos, refused: Sequence[Refused], out: Path) -> dict[str, object]:
    """What was learned as JSON values; the profile itself is in the file."""
    profile = estimated.profile
    return {
        "profile": str(out),
        "name": profile.id,
        "pairs": [_row(one) for one in estimated.findings],
        "rules": [{"name": rule.name, "when": rule.when.model_dump(exclude_none=True)} for rule in profile.rules],
        "unknown": list(profile.unknown),
        "refused": [{"name": one.name, "reason": one.reason} for one in refused],
        "misfits": [{"name": one.name, "reason": one.reason} for one in estimated.misfits],
    }


def _row(one: VideoFinding) -> dict[str, object]:
    rate = one.rate
    return {
        "name": one.name,
        "source_file": one.source_file,
        "original_res": "x".join(map(str, one.stored_before)),
        "target_res": "x".join(map(str, one.stored_after)),
        "kept": one.kept,
        "profile": one.structure.profile,
        "bitrate_bps": rate.bitrate_bps if rate else None,
        "crf": rate.crf if rate else None,
        "crf_in_words": rate.crf_in_words if rate else None,
        "crf_exact": rate.crf_exact if rate else None,
        "censored": rate.censored if rate else None,
        "encodes": rate.encodes if rate else None,
        "kernel": one.kernel,
        "reproduced_exactly": one.exact,
        "psnr_db": rate.psnr_db if rate else None,
        "correlation": one.correlation,
        "doubts": list(one.doubts),
    }
