"""Learn an image platform: examine the pairs, find the rules, and judge them on pairs they were not learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from repost.core.errors import UsageError
from repost.estimation.about import About
from repost.estimation.images.examine import ExaminePairs, JudgeRules
from repost.estimation.images.finding import PairFinding
from repost.estimation.images.learn import learn
from repost.estimation.images.misfits import find_misfits
from repost.estimation.over_pairs import read_findings, work_on_pairs
from repost.estimation.pairing import FilesOfPair, Refused
from repost.estimation.progress import Progress
from repost.metrics.intervals import share_in_words
from repost.platforms.profile import Profile

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Examined:
    """What pairs showed.

    Attributes:
        findings: In the order of their names, each pair of contents once.
        refused: Pairs that could not be used, with the reason.
    """

    findings: tuple[PairFinding, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well the rules learned without a pair reproduce it.

    Attributes:
        name: The pair.
        rule: Index of the rule of the final profile that its upload meets.
        exact_share: Share of pixels that are equal, overlays left out; 0 where not even the size is right.
        psnr_db: Of the emulated against the served picture; None where all pixels are equal or the size is wrong.
    """

    name: str
    rule: int
    exact_share: float
    psnr_db: float | None


@dataclass(frozen=True, slots=True)
class Estimated:
    """What was learned.

    Attributes:
        profile: With the measured fit of each rule.
        findings: Of every pair that was used.
        verdicts: On every pair, by rules learned without it; none where all pairs are of one upload.
        misfits: Pairs that the rules do not explain, with the reason.
        refused: Pairs that could not be used, with the reason.
    """

    profile: Profile
    findings: tuple[PairFinding, ...]
    verdicts: tuple[Verdict, ...]
    misfits: tuple[Refused, ...]
    refused: tuple[Refused, ...]


def examine_pairs(
    pairs: Sequence[FilesOfPair], *, folder: Path | None = None, jobs: int = 1, max_pixels: int | None = None
) -> Iterator[Progress | Examined]:
    """Examine pairs of images.

    Args:
        pairs: From `pairs_by_name` or `pairs_of_manifest`.
        folder: Where findings are kept, so that an interrupted run goes on; a temporary one when None.
        jobs: Worker processes.
        max_pixels: Limit on width x height; the limit in force when None.

    Yields:
        Progress, and at the end what the pairs showed.

    Raises:
        OutputUnwritable: The folder is full or read-only.
    """
    rows: list[Mapping[str, Any]] = []
    work = ExaminePairs({pair.name: pair.upload for pair in pairs}, max_pixels)
    yield from work_on_pairs(pairs, work, folder=folder, jobs=jobs, phase="examining", rows=rows)
    findings, refused = read_findings(rows, PairFinding.model_validate)
    yield Examined(tuple(findings), tuple(refused))


def estimate_images(
    pairs: Sequence[FilesOfPair],
    about: About,
    *,
    folder: Path | None = None,
    jobs: int = 1,
    max_pixels: int | None = None,
) -> Iterator[Progress | Estimated]:
    """Learn a platform from pairs of images.

    Args:
        pairs: From `pairs_by_name` or `pairs_of_manifest`.
        about: What the profile is about.
        folder: Where findings are kept, so that an interrupted run goes on; a temporary one when None.
        jobs: Worker processes.
        max_pixels: Limit on width x height; the limit in force when None.

    Yields:
        Progress, and at the end what was learned.

    Raises:
        UsageError: No pair could be used.
        OutputUnwritable: The folder is full or read-only.
    """
    examined = Examined((), ())
    for event in examine_pairs(pairs, folder=folder, jobs=jobs, max_pixels=max_pixels):
        if isinstance(event, Examined):
            examined = event
        else:
            yield event
    findings = examined.findings
    if not findings:
        reasons = "".join(f"\n  {one.name}: {one.reason.removeprefix(f'{one.name}: ')}" for one in examined.refused[:5])
        got = f"{len(pairs)} pair{'s'[: len(pairs) != 1]}, none to be learned from" if pairs else "no pairs"
        raise UsageError(f"got {got}, expected at least one that shows the same picture twice{reasons}")
    profile = learn(findings, about)
    rows: list[Mapping[str, Any]] = []
    if len({one.upload_sha256 for one in findings}) > 1:
        uploads = {pair.name: pair.upload for pair in pairs}
        by_name = {one.name: one for one in findings}
        work = JudgeRules(uploads, _learned_without(findings, about), by_name, profile, max_pixels)
        used = [pair for pair in pairs if pair.name in by_name]
        yield from work_on_pairs(used, work, folder=None, jobs=jobs, phase="judging", rows=rows)
    verdicts = tuple(
        Verdict(row["pair"], row["rule"], row["exact_share"], row["psnr_db"])
        for row in sorted(rows, key=lambda row: str(row["pair"]))
        if row["status"] == "done"
    )
    final = _with_fit(profile, findings, verdicts)
    yield Estimated(final, findings, verdicts, tuple(find_misfits(findings)), examined.refused)


def _learned_without(findings: Sequence[PairFinding], about: About) -> dict[str, Profile]:
    """For each pair the profile learned from the other folds; pairs of one upload stay together."""
    uploads = list(dict.fromkeys(finding.upload_sha256 for finding in findings))
    folds = min(_FOLDS, len(uploads))
    fold_of = {digest: place % folds for place, digest in enumerate(uploads)}
    profiles: dict[str, Profile] = {}
    for fold in range(folds):
        rest = [finding for finding in findings if fold_of[finding.upload_sha256] != fold]
        learned = learn(rest, about)
        profiles |= {one.name: learned for one in findings if fold_of[one.upload_sha256] == fold}
    return profiles


def _with_fit(profile: Profile, findings: Sequence[PairFinding], verdicts: Sequence[Verdict]) -> Profile:
    """The profile with the agreement of each rule, measured on pairs that were left out while it was learned."""
    sources = {one.name: one.agreement.psnr_db_source for one in findings if one.agreement}
    rules = list(profile.rules)
    for index, rule in enumerate(rules):
        found = [verdict for verdict in verdicts if verdict.rule == index]
        if found:
            exact = share_in_words(sum(verdict.exact_share == 1 for verdict in found), len(found))
            fit = {
                "n": len(found),
                "exact_share": sum(verdict.exact_share for verdict in found) / len(found),
                "psnr_db_emulated": _mean([verdict.psnr_db for verdict in found]),
                "psnr_db_source": _mean([sources.get(verdict.name) for verdict in found]),
                "note": f"{exact} exact, by rules learned without them, at the quality served",
            }
            rules[index] = cast("Any", type(rule)).model_validate({**rule.model_dump(), "fit": fit})
    return Profile.model_validate({**profile.model_dump(), "rules": [rule.model_dump() for rule in rules]})


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return round(sum(known) / len(known), 3) if known else None
