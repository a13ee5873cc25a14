"""Examine one pair of videos: what the network did to the upload, setting by setting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from repost.channel.video.fidelity import compare_videos
from repost.core.errors import UnsupportedMedia, UsageError
from repost.estimation.videos.content import ContentCheck, compare_content
from repost.estimation.videos.finding import Rate, Size, VideoFeatures, VideoFinding, encoder_profile
from repost.estimation.videos.rate_cache import RateCache
from repost.estimation.videos.recipe import Recipe
from repost.estimation.videos.reproduce import Reproduction, reproduce
from repost.estimation.videos.search import CrfSearch, CrfTarget, search_crf
from repost.estimation.videos.sound import find_sound
from repost.estimation.videos.start import find_start, reference_settings
from repost.estimation.videos.structure import read_structure
from repost.media.video.upload import VideoUpload
from repost.platforms.conditions import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """How pairs are examined.

    Attributes:
        encoder: FFmpeg's name of the program that uploads are encoded again with.
        crf_min: Smallest rate factor tried.
        crf_max: Largest.
        cache: Where bitrates are kept between runs; nowhere when None.

    Raises:
        UsageError: The range is empty or beyond 0-63.
    """

    encoder: str = "libx264"
    crf_min: int = 20
    crf_max: int = 51
    cache: RateCache | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.crf_min <= self.crf_max <= 63:
            raise UsageError(
                f"got CRF {self.crf_min} to {self.crf_max}, expected a range within 0-63, the smaller number first"
            )


def examine_video_pair(upload: VideoUpload, served: VideoUpload, *, name: str, how: Examination) -> VideoFinding:
    """Find what a network did to one video.

    Args:
        upload: The video as uploaded.
        served: What came back.
        name: What the pair is called.
        how: The encoder and the range of rate factors.

    Returns:
        The finding.

    Raises:
        UnsupportedMedia: The two show different content, or the upload is of high dynamic range and was changed.
        MediaError: One of the two is damaged.
        EncodeFailed: The encoder refused its settings.
    """
    kept = upload.digest == served.digest
    if upload.facts.colour.hdr and not kept:
        raise UnsupportedMedia(
            name,
            got="an upload of high dynamic range (PQ or HLG)",
            expected="standard dynamic range",
            remedy="how networks map its tones is not known, so nothing about rates and kernels can be told from it",
        )
    content = None if kept else _checked(upload, served, name)
    structure = read_structure(served)
    oriented = None if not upload.facts.rotated else not served.facts.rotated
    before, after = _sizes(upload, served, turned=oriented is not False)
    made = Reproduction(structure) if kept else reproduce(upload, served, structure)
    rate = None if kept else _rate(upload, served, made, how)
    return VideoFinding(
        name=name,
        source_file=served.path.name,
        upload_sha256=upload.digest,
        served_sha256=served.digest,
        features=features_of(upload),
        stored_before=upload.facts.stored_size,
        stored_after=served.facts.stored_size,
        size_before=before,
        size_after=after,
        kept=kept,
        oriented=oriented,
        fps_after=float(served.facts.fps),
        structure=made.structure,
        rate=rate,
        kernel=made.kernel,  # type: ignore[arg-type] - names of kernels
        exact=made.exact,
        same_pictures=made.same_pictures,
        kernel_errors=dict(made.kernel_errors),
        sound=find_sound(upload, served),
        correlation=content.correlation if content else None,
        doubts=tuple(_doubts(upload, served, rate)),
    )


def features_of(upload: VideoUpload) -> VideoFeatures:
    """What rules may depend on, of one video.

    Args:
        upload: The video.
    """
    facts = upload.facts
    names = [name for name in VideoFeatures.model_fields if name not in ("format", "codec", "rotated")]
    numbers = {name: upload.feature(name) for name in names}
    codec = facts.codec if facts.codec in get_args(Codec) else None
    return VideoFeatures.model_validate({"format": facts.format, "codec": codec, "rotated": facts.rotated, **numbers})


def _checked(upload: VideoUpload, served: VideoUpload, name: str) -> ContentCheck:
    found = compare_content(upload.path, served.path, max_pixels=upload.max_pixels)
    if not found.same:
        raise UnsupportedMedia(
            name,
            got=f"two videos that differ ({found.reason})",
            expected="one video before and after",
            remedy="check which files belong together",
        )
    return found


def _sizes(upload: VideoUpload, served: VideoUpload, *, turned: bool) -> tuple[Size, Size]:
    if turned:
        before, after = upload.facts, served.facts
        return (before.width_px, before.height_px), (after.width_px, after.height_px)
    return upload.facts.stored_size, served.facts.stored_size


def _rate(upload: VideoUpload, served: VideoUpload, made: Reproduction, how: Examination) -> Rate:
    found = search_reference_crf(upload, served, how)
    width_px, height_px = served.facts.stored_size
    psnr_db = compare_videos(upload, served.path, kernel=made.kernel or "bicubic").get("psnr_db")
    return Rate(
        bitrate_bps=served.facts.bitrate_bps,
        bits_per_pixel_s=served.facts.bitrate_bps / (width_px * height_px),
        crf=found.crf,
        censored=found.censored,
        crf_exact=found.crf_exact,
        searched_with=how.encoder,
        encodes=found.encodes,
        bitrates_bps=dict(found.bitrates_bps),
        proven_crf=made.proven_crf,
        averages=made.averages,
        psnr_db=None if psnr_db is None else round(psnr_db, 3),
    )


def search_reference_crf(upload: VideoUpload, served: VideoUpload, how: Examination) -> CrfSearch:
    """The published framework's answer for a pair: the smallest rate factor below the served file's bitrate.

    Args:
        upload: The video as uploaded.
        served: What came back.
        how: The encoder and the range of rate factors.

    Raises:
        MediaError: One of the two is damaged.
        EncodeFailed: The encoder refused its settings.
    """
    own = reference_settings(served.facts)
    settings = replace(own, encoder=how.encoder, profile=encoder_profile(how.encoder, served.facts.profile))
    target = CrfTarget(
        recipe=Recipe(size=served.facts.stored_size, settings=settings),
        bitrate_bps=served.facts.bitrate_bps,
        crf_min=how.crf_min,
        crf_max=how.crf_max,
    )
    return search_crf(upload, target, start=find_start(served), cache=how.cache)


def _doubts(upload: VideoUpload, served: VideoUpload, rate: Rate | None) -> list[str]:
    found: list[str] = []
    before, after = upload.facts, served.facts
    if after.width_px * after.height_px > before.width_px * before.height_px:
        found.append(f"enlarged from {before.width_px}x{before.height_px} to {after.width_px}x{after.height_px}")
    if rate is not None and rate.censored == "below at the start":
        found.append("the smallest rate factor is below the served bitrate already: a smaller one may be too")
    if rate is not None and rate.censored == "never below":
        found.append("no rate factor in the range is below the served bitrate")
    return found
