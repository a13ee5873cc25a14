"""Pairs of images that the learned rules do not explain, and what that may mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from repost.estimation.images.finding import PairFinding
from repost.estimation.images.learn import usual_treatment
from repost.estimation.images.schema import SCHEMA, SETTINGS, visible
from repost.estimation.pairing import Refused
from repost.estimation.rules.group import group
from repost.estimation.rules.misfits import in_words, misfits_of_rule


def find_misfits(findings: Sequence[PairFinding]) -> Iterator[Refused]:
    """Pairs whose settings or size differ from those of the rule that takes them.

    Args:
        findings: What the rules were learned from.

    Yields:
        Each pair with what is different about it: a download that was saved again, a thumbnail, another network.
    """
    for part in group(findings, SCHEMA):
        if part.disorder:
            differences = partial(_differences, usual=usual_treatment(part.findings).model_dump())
            yield from misfits_of_rule(part.findings, SCHEMA, differences=differences)


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
            yield in_words(setting, shown=shown, usual=expected)
