"""How likely a network is to serve a file of a given signature.

The likelihood of a profile is summed over the uploads that may have become the file (`uploads`), because
what was uploaded is not known: an upload follows a rule, comes out at a size, and is coded with tables; whatever the
rule keeps of the upload has the chance it has among uploads (`population`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from repost.estimation.identify.likelihood import (
    ASSUMED_WEIGHT,
    RARE,
    ProfileLikelihood,
    RuleLikelihood,
    trusted,
    with_drift,
)
from repost.estimation.identify.metadata import Carried, as_uploaded
from repost.estimation.identify.population import (
    FORMATS,
    SERVED_FORMATS,
    UNKNOWN_NETWORK,
    UPLOADS,
    origins_of,
    shape_chance,
    side_chance,
    subsampling_chance,
)
from repost.estimation.identify.signature import Signature
from repost.estimation.identify.size import fills_box, size_chance, unsized
from repost.estimation.identify.uploads import Hypothetical, Uploads, distribution
from repost.platforms import Profile, Rule
from repost.platforms.steps import (
    IMAGE_ENCODES,
    ClientSave,
    EncodeJpeg,
    EncodeWebp,
    ImageEncode,
    Metadata,
    Passthrough,
    Resize,
    Transcode,
)


def profile_likelihood(uploads: Uploads, profile: Profile) -> ProfileLikelihood | None:
    """How likely a network is to serve a file.

    Args:
        uploads: What may have become the file.
        profile: The network; its newest state, or an older one.

    Returns:
        The likelihood; None for a profile without rules for images.

    Convention:
        Densities of one file's exact signature, comparable between profiles and with `unshared_likelihood` and
        `unknown_likelihood` of the same file.
    """
    rules = profile.rules_for("image")
    if not rules:
        return None
    found = [_of_rule(uploads, profile, rules, index, matching) for index, _, matching in uploads.matching(profile)]
    return with_drift(profile, found, unknown=unknown_likelihood(uploads.signature))


def unshared_likelihood(signature: Signature) -> float:
    """Density of a file that no network has touched: a camera's, an editor's, a program's."""
    same_size = side_chance(signature.long_side_px) * shape_chance(signature)
    return FORMATS.get(signature.format, 1e-3) * same_size * _kept(signature, scans=None, metadata=None)


def unknown_likelihood(signature: Signature) -> float:
    """Density of a file from a network or program without a profile."""
    same_size = side_chance(signature.long_side_px) * shape_chance(signature)
    return SERVED_FORMATS.get(signature.format, 1e-3) * same_size * _unknown_coding(signature)


def _of_rule(
    uploads: Uploads, profile: Profile, rules: list[tuple[int, Rule]], index: int, matching: list[Hypothetical]
) -> RuleLikelihood:
    rule = dict(rules)[index]
    last = len(rule.steps) - 1
    writer_assumed = bool({"op", "encode"} & set(profile.assumed(index, last)))
    signature = uploads.signature
    if isinstance(rule.steps[-1], Passthrough):
        same = uploads.itself(rules, index) * shape_chance(signature)
        stated = value = same * _kept(signature, scans=None, metadata=None) if same else 0.0
    else:
        stated, value = _of_writing_rule(signature, profile, index, rule, matching)
    if writer_assumed:
        reached = sum(upload.chance for upload in matching if upload.own_shape)
        value = ASSUMED_WEIGHT * value + (1 - ASSUMED_WEIGHT) * reached * unknown_likelihood(signature)
    return RuleLikelihood(index, rule, value, stated, writer_assumed)


def _of_writing_rule(
    signature: Signature, profile: Profile, index: int, rule: Rule, matching: list[Hypothetical]
) -> tuple[float, float]:
    """Density where a file is written anew: as stated, and with what is assumed trusted by half."""
    encode = _last_encode(rule)
    if signature.format != (encode.codec if encode else "jpeg"):
        return 0.0, 0.0
    doubts = _doubts(profile, index, rule)
    tables_doubted = bool(doubts & {"quality", "tables"})

    def mass(rule: Rule) -> _Mass:
        return _mass(signature, rule, encode, matching, whatever_tables=tables_doubted)

    sized = mass(rule)
    stated = sized.with_tables * _rest_chance(signature, rule, encode, profile.platform, doubts=frozenset())
    if "fit" in doubts:
        sized = sized.or_any_of([mass(other) for other in _other_fits(rule)])
    if doubts & {"px", "upscale", "width_px", "height_px", "when"}:
        sized = sized.or_any_of([mass(unsized(rule))])
    tables = sized.with_tables
    if tables_doubted and signature.coding:
        tables = trusted(tables, sized.any_tables * UNKNOWN_NETWORK.table_chance(signature.coding))
    return stated, tables * _rest_chance(signature, rule, encode, profile.platform, doubts=doubts)


@dataclass(frozen=True, slots=True)
class _Mass:
    """Density that an upload comes out at the file's size: with the file's tables, and whatever the tables."""

    with_tables: float
    any_tables: float

    def or_any_of(self, others: list[_Mass]) -> _Mass:
        """Half of this, which is only assumed, and half of the alternatives, all alike; this where there are none."""
        if not others:
            return self
        return _Mass(
            trusted(self.with_tables, sum(other.with_tables for other in others) / len(others)),
            trusted(self.any_tables, sum(other.any_tables for other in others) / len(others)),
        )


def _mass(
    signature: Signature,
    rule: Rule,
    encode: ImageEncode | None,
    matching: list[Hypothetical],
    *,
    whatever_tables: bool,
) -> _Mass:
    """Density of the file's size and tables; uploads that lead to other tables only count where asked for."""
    with_tables = any_tables = 0.0
    quality = signature.coding.quality if signature.coding else None  # found once, not for each upload
    for upload in matching:
        tables = _table_chance(signature, encode, upload, quality=quality)
        if not tables and not whatever_tables:
            continue
        chance = size_chance(signature.size, rule, upload) * upload.chance
        any_tables += chance
        with_tables += chance * tables
    shape = 1.0 if fills_box(rule) else shape_chance(signature)
    return _Mass(with_tables * shape, any_tables * shape)


def _other_fits(rule: Rule) -> list[Rule]:
    """The rule with its limit on the sides it may bind where that is not known.

    What is measured first is a landscape or square picture, which does not tell the longer side from the width; the
    notes of the bundled profiles say so.
    """
    fits = ("long_side", "width")
    if not any(isinstance(step, Resize) and step.px is not None for step in rule.steps):
        return []
    return [
        rule.model_copy(
            update={
                "steps": tuple(
                    step.model_copy(update={"fit": fit}) if isinstance(step, Resize) and step.px is not None else step
                    for step in rule.steps
                )
            }
        )
        for fit in fits
    ]


def _last_encode(rule: Rule) -> ImageEncode | None:
    """What codes the served file; None where the upload's own coefficients are kept."""
    written = [step.encode if isinstance(step, ClientSave) else step for step in rule.steps]
    return next((step for step in reversed(written) if isinstance(step, IMAGE_ENCODES)), None)


def _doubts(profile: Profile, index: int, rule: Rule) -> frozenset[str]:
    """Names of the assumed parameters that bear on the signature; "metadata" and "when" for those as a whole."""
    found: set[str] = {"when"} if profile.assumed_conditions(index) else set()
    for place_, step in enumerate(rule.steps):
        assumed = profile.assumed(index, place_)
        if isinstance(step, Metadata) and assumed:
            found.add("metadata")
        elif isinstance(step, (Resize, ClientSave, *IMAGE_ENCODES)):
            is_last = place_ == len(rule.steps) - 1
            found |= {name.rpartition(".")[2] for name in assumed if isinstance(step, Resize) or is_last}
            if "tables" in " ".join(assumed):
                found.add("tables")
    return frozenset(found)


def _table_chance(
    signature: Signature, encode: ImageEncode | None, upload: Hypothetical, *, quality: int | None
) -> float:
    """The chance of the file's quantisation tables; 1 where they are not this step's to decide."""
    coding = signature.coding
    if encode is None or coding is None or not isinstance(encode, EncodeJpeg):
        return 1.0
    if encode.tables is not None:
        same = coding.luma == encode.tables.luma and coding.chroma in (None, encode.tables.chroma)
        return float(same)
    assert encode.quality is not None, "a step without tables has a quality"
    return sum(chance for number, chance in distribution(encode.quality, upload.feature) if number == quality)


def _rest_chance(
    signature: Signature, rule: Rule, encode: ImageEncode | None, platform: str, *, doubts: frozenset[str]
) -> float:
    """Everything but size and tables: subsampling, scans, and what the file carries."""
    last = rule.steps[-1]
    metadata = next((step for step in reversed(rule.steps) if isinstance(step, Metadata)), Metadata(op="metadata"))
    client = isinstance(last, ClientSave)
    carried = Carried(signature, metadata, platform, client=client, doubted="metadata" in doubts)
    scans = last.scans if isinstance(last, Transcode) else None
    if encode is None:
        return _kept(signature, scans=scans, metadata=carried)
    chance = sum(origin.share * carried.chance(origin) for origin in UPLOADS)  # most uploads are JPEG
    if isinstance(encode, EncodeWebp):
        said = 1 - RARE if signature.lossless == encode.lossless else RARE
        return chance * (trusted(said, 0.5) if "lossless" in doubts else said)
    if not isinstance(encode, EncodeJpeg) or signature.coding is None:
        return chance
    coding = signature.coding
    sampling = subsampling_chance(coding.subsampling, {encode.subsampling: 1.0})
    if "subsampling" in doubts:
        sampling = trusted(sampling, UNKNOWN_NETWORK.subsampling_chance(coding.subsampling))
    progressive = encode.progressive if scans in (None, "keep") else scans == "progressive"
    wanted = (progressive, progressive or encode.optimize_huffman or scans == "baseline")
    found = (coding.progressive, wanted[1] if coding.optimized_huffman is None else coding.optimized_huffman)
    coded = 1 - 2 * RARE if found == wanted else RARE
    if doubts & {"progressive", "optimize_huffman"}:
        coded = trusted(coded, UNKNOWN_NETWORK.scan_chance(coding))
    return chance * sampling * coded


def _kept(
    signature: Signature, *, scans: Literal["progressive", "baseline", "keep"] | None, metadata: Carried | None
) -> float:
    """Density of a coding that is the upload's own, the metadata as an upload has it or as a network leaves it."""
    total = 0.0
    for origin in origins_of(signature.format):
        carried = as_uploaded(signature, origin) if metadata is None else metadata.chance(origin)
        coded = 1.0
        if coding := signature.coding:
            coded = origin.table_chance(coding) * origin.subsampling_chance(coding.subsampling)
            if scans in (None, "keep"):
                coded *= origin.scan_chance(coding)
            else:
                as_wanted = coding.optimized_huffman is not False and coding.progressive == (scans == "progressive")
                coded *= 1 - 2 * RARE if as_wanted else RARE
        total += origin.share * coded * carried
    return total * (0.5 if signature.lossless is not None else 1.0)


def _unknown_coding(signature: Signature) -> float:
    coded = 0.5 if signature.lossless is not None else 1.0
    if coding := signature.coding:
        coded = UNKNOWN_NETWORK.table_chance(coding) * UNKNOWN_NETWORK.scan_chance(coding)
        coded *= UNKNOWN_NETWORK.subsampling_chance(coding.subsampling)
    return coded * as_uploaded(signature, UNKNOWN_NETWORK)
