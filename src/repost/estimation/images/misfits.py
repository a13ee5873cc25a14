"""Pairs that the learned rules do not explain, and what that may mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from repost.estimation.images.finding import PairFinding
from repost.estimation.images.learn import usual_treatment
from repost.estimation.images.schema import SCHEMA, SETTINGS, visible
from repost.estimation.pairing import Refused
from repost.estimation.rules.group import Group, group
from repost.estimation.rules.size_law import explains
from repost.estimation.rules.split import law_of

_THUMBNAIL_SHARE = 0.5


def find_misfits(findings: Sequence[PairFinding]) -> Iterator[Refused]:
    """Pairs whose settings or size differ from those of the rule that takes them.

    Args:
        findings: What the rules were learned from.

    Yields:
        Each pair with what is different about it: a download that was saved again, a thumbnail, another network.
    """
    for part in group(findings, SCHEMA):
        if part.disorder:
            yield from _misfits_of(part)


def _misfits_of(part: Group[PairFinding]) -> Iterator[Refused]:
    usual = usual_treatment(part.findings)
    law, _ = law_of(part.findings, SCHEMA)
    for finding in part.findings:
        reasons = list(_differences(finding, usual.model_dump()))
        if not explains(law, (finding.size_before, finding.size_after)):
            reasons.append(_of_size(finding, part.findings))
        if reasons:
            yield Refused(finding.name, f"not explained by the rules: {'; '.join(reasons)}")


def _differences(finding: PairFinding, usual: dict[str, Any]) -> Iterator[str]:
    for setting in SETTINGS:
        shown = visible(finding, setting)
        expected = usual.get(setting)
        if setting == "hidden":
            if shown == "one" and expected is None:
                yield "compressed once more than the others; saved again by a phone or a collector?"
        elif setting == "tables":
            if (shown == "ijg") != (expected is None) and shown is not None:
                yield "its quantisation tables are others"
        elif shown is not None and expected is not None and shown != expected:
            yield f"{setting.replace('_', ' ')} is {shown}, of the others {expected}"


def _of_size(finding: PairFinding, findings: Sequence[PairFinding]) -> str:
    before, after = (f"{size[0]}x{size[1]} px" for size in (finding.size_before, finding.size_after))
    usual = sorted(max(one.size_after) for one in findings)[len(findings) // 2]
    hint = "; a thumbnail?" if max(finding.size_after) < _THUMBNAIL_SHARE * usual else ""
    return f"{before} came back as {after}, which the size rule of the others does not give{hint}"
