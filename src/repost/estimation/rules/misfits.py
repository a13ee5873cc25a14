"""Pairs that the learned rules do not explain: what images and videos have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from repost.estimation.pairing import Refused
from repost.estimation.rules.schema import Finding, FindingT, Schema
from repost.estimation.rules.size_law import explains
from repost.estimation.rules.split import law_of

_THUMBNAIL_SHARE = 0.5


def misfits_of_rule(
    findings: Sequence[FindingT], schema: Schema[FindingT], *, differences: Callable[[FindingT], Iterator[str]]
) -> Iterator[Refused]:
    """Pairs whose settings or size differ from those of the rule that takes them.

    Args:
        findings: All that one rule takes.
        schema: What they are compared by.
        differences: What is different about the settings of one, in words.

    Yields:
        Each pair with what is different about it: a download that was saved again, a thumbnail, another network.
    """
    law, _ = law_of(findings, schema)
    for finding in findings:
        reasons = list(differences(finding))
        if not explains(law, (finding.size_before, finding.size_after)):
            reasons.append(_of_size(finding, findings))
        if reasons:
            yield Refused(finding.name, f"not explained by the rules: {'; '.join(reasons)}")


def in_words(setting: str, *, shown: object, usual: object) -> str:
    """That a setting differs, such as "subsampling is 4:4:4, of the others 4:2:0"."""
    return f"{setting.replace('_', ' ')} is {shown}, of the others {usual}"


def _of_size(finding: Finding, findings: Sequence[Finding]) -> str:
    before, after = (f"{size[0]}x{size[1]} px" for size in (finding.size_before, finding.size_after))
    usual = sorted(max(one.size_after) for one in findings)[len(findings) // 2]
    hint = "; a thumbnail?" if max(finding.size_after) < _THUMBNAIL_SHARE * usual else ""
    return f"{before} came back as {after}, which the size rule of the others does not give{hint}"
