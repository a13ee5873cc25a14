"""What a batch does for an estimate: examine each pair, then judge rules on pairs they were not learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repost.batch import Item, Row
from repost.channel.encode import encoder_versions
from repost.channel.image import emulate_image, matching_rule
from repost.core.errors import EncodeFailed, MediaError
from repost.estimation.images.finding import PairFinding
from repost.estimation.images.pair import examine_pair
from repost.estimation.images.reproduce import compare_pictures
from repost.media.read import read_file, read_picture
from repost.media.upload import Upload
from repost.platforms.profile import Profile, Rule
from repost.platforms.steps import ClientSave, Step

if TYPE_CHECKING:
    from repost.media.picture import Rgb8


@dataclass(frozen=True, slots=True)
class ExaminePairs:
    """Examine pairs.

    Attributes:
        uploads: Path of the upload by name of the pair.
        max_pixels: Limit on width x height; the limit in force when None.
    """

    uploads: Mapping[str, Path]
    max_pixels: int | None = None

    def settings(self, part: str) -> str:
        """What decides a finding besides the two files."""
        from repost import __version__

        del part
        return f"examine {__version__} {self.max_pixels} {sorted(encoder_versions().items())}"

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A row of which nothing is known yet."""
        del part
        return {"pair": item.id, "finding": None}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Examine one pair."""
        upload, served = read_file(self.uploads[item.id]), read_file(item.source)
        finding = examine_pair(upload, served, name=item.id, max_pixels=self.max_pixels)
        for part in parts:
            yield Row(item.id, part, "done", None, {"finding": finding.model_dump(mode="json")})


@dataclass(frozen=True, slots=True)
class JudgeRules:
    """Carry rules out on pairs that were not used to find them.

    Attributes:
        uploads: Path of the upload by name of the pair.
        learned: For each pair, the profile learned without it.
        findings: For each pair, what was found.
        final: The profile learned from all pairs, whose rules are judged.
        max_pixels: Limit on width x height.
    """

    uploads: Mapping[str, Path]
    learned: Mapping[str, Profile]
    findings: Mapping[str, PairFinding]
    final: Profile
    max_pixels: int | None = None

    def settings(self, part: str) -> str:
        """What decides a verdict besides the two files: everything; verdicts are not kept between runs."""
        del part
        return self.final.digest

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A row of which nothing is known yet."""
        del part
        return {"pair": item.id, "rule": None, "exact_share": None, "psnr_db": None}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Judge the rule one upload meets."""
        upload = Upload(read_file(self.uploads[item.id]), name=item.id, max_pixels=self.max_pixels)
        finding = self.findings[item.id]
        rule_index, _ = matching_rule(upload, self.final)
        served = read_picture(read_file(item.source), name=item.id, max_pixels=self.max_pixels).rgb8()
        share, psnr = 0.0, None
        made = _emulated(upload, self.learned[item.id], finding)
        if made is not None and made.shape == served.shape:
            share, psnr = compare_pictures(made, served, left_out=finding.overlay)
        fields: dict[str, object] = {"rule": rule_index, "exact_share": share, "psnr_db": psnr}
        for part in parts:
            yield Row(item.id, part, "done", None, fields)


def _emulated(upload: Upload, learned: Profile, finding: PairFinding) -> Rgb8 | None:
    """What the learned rules make of an upload; None where they cannot be carried out on it, which is a failure."""
    try:
        index, rule = matching_rule(upload, learned)
        rules = list(learned.rules)
        rules[index] = rule.model_copy(update={"steps": _with_quality_of(finding, rule)})
        return emulate_image(upload, learned.model_copy(update={"rules": tuple(rules)}), seed=0).pixels
    except (EncodeFailed, MediaError):
        return None


def _with_quality_of(finding: PairFinding, rule: Rule) -> tuple[Step, ...]:
    """The rule's steps, with the quality this pair was served at where the rule draws it."""
    quality = finding.treatment.quality
    if quality is None:
        return rule.steps
    *before, last = rule.steps
    if isinstance(last, ClientSave):
        return rule.steps
    drawn = getattr(last, "quality", None)
    if drawn is None or isinstance(drawn, int):
        return rule.steps
    return (*before, last.model_copy(update={"quality": quality}))
