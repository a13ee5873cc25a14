"""The page docs/platforms.md, made from the bundled profiles; docs/generate.py writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from repost.platforms import Profile, Rule
from repost.platforms.catalog import BUNDLED, find_profile, load_profile
from repost.platforms.profile import Evidence

HEAD = """# Platforms

Every profile that comes with repost, written by `make docs` from the files themselves. Networks drift:
each profile says when and by which route it was observed, what it rests on, and what of it is not known. What is not
known is emulated by a stated default and marked as assumed in the trace. `repost platforms show NAME` tells all.

A bare name such as `facebook` means the profile in bold below. *measured* means read from files the network served,
*published* by researchers, *announced* by the network, *inferred* from either. "EXIF rotation" stands for whether the
network turns pictures upright. Embedded colour profiles other than sRGB were nowhere measured. Fit is the share of
pixels equal to those served, with the PSNR where not all are, of n pairs; `benchmarks/fidelity.py` measures it.

"""

COLUMNS = """| Profile | Observed | What it does | Evidence | Fit | Not known |
|---|---|---|---|---|---|
"""

EXAMPLES = """
## Examples

What networks do to videos today is not known, so no profile of a real network has rules for videos yet. These show how
they are written down, and let `repost emulate` and `repost identify` be tried; every number is made up. What a real
network does is learnt from pairs of uploads and downloads with `repost estimate videos`.

"""

WHOLE_STEPS = {
    "orient": "EXIF rotation",
    "colour": "conversion to sRGB",
    "resize": "that they are resized",
    "encode": "that they are saved so",
    "client_save": "the second save",
    "passthrough": "that they are kept as they are",
    "metadata": "what becomes of metadata",
}
"""What it is called that a whole step is not known."""


def platforms_page() -> str:
    """The whole page."""
    profiles = [load_profile(path) for path in BUNDLED.glob("*/*.toml")]
    profiles.sort(key=lambda profile: profile.observed, reverse=True)
    profiles.sort(key=lambda profile: (profile.platform, not profile.main_route, profile.route))
    real = "".join(_row(profile) for profile in profiles if not profile.example)
    examples = "".join(_row(profile) for profile in profiles if profile.example)
    return HEAD + COLUMNS + real + EXAMPLES + COLUMNS + examples


def _row(profile: Profile) -> str:
    name = f"`{profile.id}`"
    if find_profile(profile.platform) == profile:
        name = f"**{name}**"
    observed = profile.observed + (f", {profile.client}" if profile.client else "")
    cells = [name, observed, profile.summary, _evidence(profile.evidence), _fit(profile.rules), _unknown(profile)]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _evidence(found: Sequence[Evidence]) -> str:
    said = [
        f"*{evidence.kind}*{f' (n={evidence.n})' if evidence.n else ''}: "
        + evidence.source.removeprefix("47 served files measured: ")
        for evidence in found
    ]
    return "; ".join(said)


def _fit(rules: Sequence[Rule]) -> str:
    said = []
    for rule in rules:
        if rule.fit:
            decibel = f", {rule.fit.psnr_db_emulated:g} dB" if rule.fit.psnr_db_emulated is not None else ""
            said.append(f"{rule.name}: {rule.fit.exact_share:.3f}{decibel} (n={rule.fit.n})")
    return "; ".join(said) or "–"


def _unknown(profile: Profile) -> str:
    """What is not known, each thing once with the rules it concerns."""
    if profile.example:
        return "all of it: made up"
    rules_of: dict[str, list[str]] = {}
    for path in profile.unknown:
        found = re.fullmatch(r"rules\.(\d+)\.(when|steps\.(\d+))(?:\.(.+))?", path)
        assert found, path
        rule = profile.rules[int(found[1])]
        rules_of.setdefault(_thing(rule, found[3], found[4]), []).append(rule.name)
    several = len(profile.rules) > 1
    said = []
    for thing, names in rules_of.items():
        where = f" ({', '.join(names)})" if several and len(names) < len(profile.rules) else ""
        said.append(thing + where)
    return "; ".join(said) or "–"


def _thing(rule: Rule, step: str | None, field: str | None) -> str:
    """A field in a reader's words."""
    if step is None:
        return f"limit on the {(field or 'upload').removesuffix('_px').replace('_', ' ')}"
    op = rule.steps[int(step)].op
    if field is None:
        return WHOLE_STEPS.get(op, f"the {op} step")
    words = field.removesuffix("_px").replace("_", " ")
    return {"px": "size", "icc": "colour profile"}.get(field, f"{op} {words}" if op == "resize" else words)
