"""Learn a video platform: examine the pairs, find the rules, and say how well they reproduce pairs left out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repost import batch
from repost.batch import Item, Row
from repost.channel.encode import encoder_versions
from repost.core.errors import UsageError
from repost.core.heap import fresh_memory
from repost.estimation.about import About
from repost.estimation.pairing import FilesOfPair, Refused, items_of
from repost.estimation.progress import Progress
from repost.estimation.videos.finding import VideoFinding
from repost.estimation.videos.learn import learn_videos
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
        refused: Pairs that could not be used, with the reason.
    """

    profile: Profile
    findings: tuple[VideoFinding, ...]
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
    """
    rows: list[Mapping[str, Any]] = []
    with ExitStack() as stack:
        kept = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="repost-")))
        work = ExamineVideos({pair.name: pair.upload for pair in pairs}, how, max_pixels)
        for event in batch.run(items_of(pairs), work, out=kept, jobs=min(jobs, max(1, len(pairs)))):
            if isinstance(event, batch.RowFinished):
                rows.append(event.row.manifest_row())
                yield Progress("examining", event.finished, event.total)
    findings, refused = _findings(rows)
    if not findings:
        reasons = "".join(f"\n  {one.name}: {one.reason}" for one in refused[:5])
        raise UsageError(f"got no pair to learn from, expected at least one that shows the same video twice{reasons}")
    yield EstimatedVideos(learn_videos(findings, about), tuple(findings), tuple(refused))


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


def _findings(rows: Sequence[Mapping[str, Any]]) -> tuple[list[VideoFinding], list[Refused]]:
    """Findings in the order of their names, each two files once."""
    found: list[VideoFinding] = []
    refused: list[Refused] = []
    seen: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: str(row["pair"])):
        if row["status"] != "done":
            refused.append(Refused(str(row["pair"]), str(row["error"])))
            continue
        finding = VideoFinding.model_validate(row["finding"])
        contents = finding.upload_sha256, finding.served_sha256
        if contents in seen:
            refused.append(Refused(finding.name, f"the same two files as '{seen[contents]}'; counted once"))
            continue
        seen[contents] = finding.name
        found.append(finding)
    return found, refused
