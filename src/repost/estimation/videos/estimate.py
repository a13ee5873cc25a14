"""Learn a video platform: examine the pairs, find the rules, and say how well they reproduce pairs left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repost.batch import Item, Row
from repost.channel.encode import encoder_versions
from repost.core.errors import UsageError
from repost.core.heap import fresh_memory
from repost.estimation.about import About
from repost.estimation.over_pairs import read_findings, work_on_pairs
from repost.estimation.pairing import FilesOfPair, Refused
from repost.estimation.progress import Progress
from repost.estimation.videos.finding import VideoFinding
from repost.estimation.videos.learn import learn_videos
from repost.estimation.videos.misfits import find_misfits
from repost.estimation.videos.pair import Examination, examine_video_pair
from repost.estimation.videos.reference import Sample
from repost.media.video.upload import VideoUpload
from repost.platforms.profile import Profile


@dataclass(frozen=True, slots=True)
class EstimatedVideos:
    """What was learned.

    Attributes:
        profile: The platform.
        findings: Of every pair that was used, in the order of their names.
        misfits: Pairs that the rules do not explain, with the reason.
        refused: Pairs that could not be used, with the reason.
    """

    profile: Profile
    findings: tuple[VideoFinding, ...]
    misfits: tuple[Refused, ...]
    refused: tuple[Refused, ...]

    def samples(self) -> list[Sample]:
        """The findings as samples of the published framework's database."""
        return [sample_of(finding) for finding in self.findings if finding.rate is not None]


def sample_of(finding: VideoFinding) -> Sample:
    """A finding as the published framework writes it.

    Args:
        finding: Of a pair that was encoded anew.
    """
    assert finding.rate is not None, "kept files have no rate factor"
    before, after = finding.stored_before, finding.stored_after
    return Sample(
        original_res=f"{before[0]}x{before[1]}",
        target_res=f"{after[0]}x{after[1]}",
        crf=finding.rate.crf,
        profile=finding.structure.profile or "Main",
        source_file=finding.source_file,
    )


def estimate_videos(
    pairs: Sequence[FilesOfPair],
    about: About,
    *,
    how: Examination,
    folder: Path | None = None,
    jobs: int = 1,
    max_pixels: int | None = None,
) -> Iterator[Progress | EstimatedVideos]:
    """Learn a platform from pairs of videos.

    Args:
        pairs: From `pairs_by_name`.
        about: What the profile is about.
        how: The encoder and the range of rate factors.
        folder: Where findings are kept, so that an interrupted run goes on; a temporary one when None.
        jobs: Worker processes.
        max_pixels: Limit on width x height of a frame; the limit in force when None.

    Yields:
        Progress, and at the end what was learned.

    Raises:
        UsageError: No pair could be used.
        OutputUnwritable: The folder is full or read-only.
    """
    rows: list[Mapping[str, Any]] = []
    work = ExamineVideos({pair.name: pair.upload for pair in pairs}, how, max_pixels)
    yield from work_on_pairs(pairs, work, folder=folder, jobs=jobs, phase="examining", rows=rows)
    findings, refused = read_findings(rows, VideoFinding.model_validate)
    if not findings:
        reasons = "".join(f"\n  {one.name}: {one.reason}" for one in refused[:5])
        raise UsageError(f"got no pair to learn from, expected at least one that shows the same video twice{reasons}")
    profile = learn_videos(findings, about)
    yield EstimatedVideos(profile, tuple(findings), tuple(find_misfits(findings, profile)), tuple(refused))


@dataclass(frozen=True, slots=True)
class ExamineVideos:
    """Examine pairs: what the batch does.

    Attributes:
        uploads: Path of the upload by name of the pair.
        how: The encoder and the range of rate factors.
        max_pixels: Limit on width x height of a frame; the limit in force when None.
    """

    uploads: Mapping[str, Path]
    how: Examination
    max_pixels: int | None = None

    def settings(self, part: str) -> str:
        """What decides a finding besides the two files."""
        from repost import __version__

        del part
        how = f"{self.how.encoder} {self.how.crf_min} {self.how.crf_max}"
        return f"examine videos {__version__} {how} {self.max_pixels} {sorted(encoder_versions().items())}"

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A row of which nothing is known yet."""
        del part
        return {"pair": item.id, "finding": None}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Examine one pair."""
        fresh_memory()
        upload = VideoUpload(self.uploads[item.id], name=f"{item.id} (original)", max_pixels=self.max_pixels)
        served = VideoUpload(item.source, name=f"{item.id} (shared)", max_pixels=self.max_pixels)
        finding = examine_video_pair(upload, served, name=item.id, how=self.how)
        for part in parts:
            yield Row(item.id, part, "done", None, {"finding": finding.model_dump(mode="json")})
