"""A database of compression samples as an ordinary platform profile."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, TypeAlias

from repost.core.errors import UsageError
from repost.estimation.videos import nearest_rules, published_rules
from repost.estimation.videos.draft import Draft, standard_of
from repost.estimation.videos.reference import ReferenceDatabase, Sample
from repost.platforms.profile import OBSERVED_PATTERN, Evidence, Profile

Lookup: TypeAlias = Literal["reference", "nearest", "law"]

PUBLISHED = "2025-08"
"""When the framework was published (arXiv 2508.08765): the date of profiles of undated databases, listed as unknown."""


def profile_of_reference(
    database: ReferenceDatabase,
    platform: str,
    *,
    codec: str = "libx264",
    lookup: Lookup = "reference",
    observed: str | None = None,
) -> Profile:
    """Express what a database says of one platform as a profile.

    Args:
        database: From `load_reference`.
        platform: Its name in the database; looked up exactly, then whatever its case.
        codec: FFmpeg's name of the encoder.
        lookup: How an upload finds its settings. "reference" is the published emulator's way to the letter: exactly the
            target's width and height, and a mean CRF cut to a whole number. "nearest" goes by orientation and short
            side, keeps the shape and draws the CRF from the samples of the nearest resolution; "law" draws it from all
            samples of the rendition.
        observed: When the videos were shared: YYYY, YYYY-MM or YYYY-MM-DD.

    Returns:
        The profile; what samples do not tell is listed in `unknown`.

    Raises:
        SamplesNotFound: There is no such platform or codec.
        UsageError: Profiles cannot hold that codec, there are no samples, or the name or date is of no use.
    """
    platform, codec, samples = database.samples(platform, codec)
    standard_of(codec)
    drafts, note = _drafts(samples, platform=platform, codec=codec, lookup=lookup)
    return Profile(
        platform=profile_name(platform),
        observed=_observed(observed),
        summary=f"Made from {_samples(len(samples))} of {platform}, {codec}, by the lookup '{lookup}'.",
        evidence=(
            Evidence(
                kind="measured",
                source=f"{database.name}, in the format of the Social Media Compression Emulation Framework",
                observed=observed,
                n=len(samples),
                note=f"Platform {platform}, codec {codec}. {note}",
            ),
        ),
        rules=tuple(draft.rule for draft in drafts),
        provenance={
            f"rules.{index}.{path}": found for index, one in enumerate(drafts) for path, found in one.provenance.items()
        },
        unknown=(
            *(() if observed else ("observed",)),
            *(f"rules.{index}.{path}" for index, draft in enumerate(drafts) for path in draft.unknown),
        ),
    )


def _drafts(samples: Sequence[Sample], *, platform: str, codec: str, lookup: Lookup) -> tuple[list[Draft], str]:
    if lookup == "reference":
        return published_rules.published_drafts(samples, platform=platform, codec=codec), published_rules.NOTE
    if lookup not in ("nearest", "law"):
        raise UsageError(f"got lookup {lookup!r}, expected 'reference', 'nearest' or 'law'")
    crf_from: nearest_rules.CrfFrom = "resolution" if lookup == "nearest" else "rendition"
    return nearest_rules.nearest_drafts(samples, codec=codec, crf_from=crf_from), nearest_rules.NOTES[crf_from]


def profile_name(platform: str) -> str:
    """A platform's name as profiles spell it: small letters and digits, everything else "-".

    Args:
        platform: Any name, such as "X (Twitter)", which becomes "x-twitter".

    Raises:
        UsageError: Nothing is left of it.
    """
    plain = unicodedata.normalize("NFKD", platform).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")
    if not name:
        raise UsageError(f"got the platform {platform!r}, expected a name with Latin letters or digits; rename it")
    return name


def _observed(observed: str | None) -> str:
    if observed is not None and not re.fullmatch(OBSERVED_PATTERN, observed):
        raise UsageError(f"got observed {observed!r}, expected YYYY, YYYY-MM or YYYY-MM-DD")
    return observed or PUBLISHED


def _samples(number: int) -> str:
    return f"{number} sample{'s' if number > 1 else ''}"
