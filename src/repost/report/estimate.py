"""What was learned from pairs, as text and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from repost.estimation.images.estimate import Estimated
from repost.estimation.pairing import Refused
from repost.metrics.intervals import share_in_words, wilson
from repost.report.profile import describe_profile
from repost.report.words import many_misfits


def describe_estimate(estimated: Estimated) -> str:
    """The profile that was learned, and how far to trust it, in lines of text."""
    return "\n".join([describe_profile(estimated.profile), "", *_trust(estimated)])


def _trust(estimated: Estimated) -> Iterator[str]:
    verdicts = estimated.verdicts
    if verdicts:
        exact = sum(verdict.exact_share == 1 for verdict in verdicts)
        share = share_in_words(exact, len(verdicts))
        yield f"{share} pairs are reproduced pixel for pixel by rules learned without them"
    else:
        yield "one upload only: nothing is left to check the rules on"
    yield from many_misfits(len(estimated.misfits), of=len(estimated.findings))


def estimate_row(estimated: Estimated, refused: Sequence[Refused], out: Path) -> dict[str, object]:
    """What was learned as JSON values; the profile itself is in the file."""
    verdicts, profile = estimated.verdicts, estimated.profile
    exact = sum(verdict.exact_share == 1 for verdict in verdicts)
    return {
        "profile": str(out),
        "name": profile.id,
        "pairs": len(estimated.findings),
        "rules": [
            {"name": rule.name, "when": rule.when.model_dump(exclude_none=True),
             "fit": rule.fit.model_dump(exclude_none=True) if rule.fit else None}
            for rule in profile.rules
        ],
        "held_out_pairs": len(verdicts),
        "held_out_exact": exact,
        "held_out_exact_interval": wilson(exact, len(verdicts)) if verdicts else None,
        "unknown": list(profile.unknown),
        "refused": [{"name": one.name, "reason": one.reason} for one in refused],
        "misfits": [{"name": one.name, "reason": one.reason} for one in estimated.misfits],
    }  # fmt: skip
