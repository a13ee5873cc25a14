"""What speaks for and against a network, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from repost.channel.sizes import Size
from repost.estimation.identify.filenames import NamePattern
from repost.estimation.identify.likelihood import ProfileLikelihood
from repost.estimation.identify.metadata import SEGMENT_HABITS
from repost.estimation.identify.signature import Signature
from repost.platforms.steps import (
    IMAGE_ENCODES,
    ClientSave,
    EncodeJpeg,
    ImageEncode,
    Metadata,
    Passthrough,
    Resize,
    Transcode,
)
from repost.platforms.values import numbers_of

_NAMES = {
    "linkedin": "LinkedIn", "youtube": "YouTube",
    "whatsapp": "WhatsApp", "wechat": "WeChat", "googledocs": "Google Docs", "googlephotos": "Google Photos",
    "googlesheets": "Google Sheets", "googleslides": "Google Slides",
}  # fmt: skip
_SIDES = {"long_side": "long side", "short_side": "short side", "width": "width", "height": "height"}
_FORMATS = {"jpeg": "JPEG", "webp": "WebP", "heif": "HEIC"}
_METADATA = {"exif": "EXIF", "xmp": "XMP", "icc": "a colour profile", "plain_icc": "a colour profile"}
_TYPICAL_OF_CAMERAS = 10.0  # times likelier as an untouched file than as one of an unknown program


def platform_name(platform: str) -> str:
    """A platform as people write it."""
    return _NAMES.get(platform, platform.capitalize())


def coding_in_words(signature: Signature) -> str:
    """How a file was coded, such as "progressive JPEG of quality 85 with 4:2:0 chroma"."""
    coding = signature.coding
    if coding is None:
        kind = {True: "lossless ", False: "lossy ", None: ""}[signature.lossless]
        return kind + _FORMATS.get(signature.format, signature.format.upper())
    scans = "progressive " if coding.progressive else "baseline "
    quality = coding.quality
    tables = f"quality {quality}" if quality else f"tables that are no IJG quality (nearest {coding.nearest})"
    chroma = "greyscale" if coding.subsampling == "grey" else f"{coding.subsampling} chroma"
    return f"{scans}JPEG of {tables} with {chroma}".replace("with greyscale", "in greyscale")


def reasons(
    signature: Signature,
    found: ProfileLikelihood,
    pattern: NamePattern | None,
    *,
    also: Sequence[str],
    as_unshared: bool,
) -> tuple[str, ...]:
    """What speaks for and against a network.

    Args:
        signature: Of the file.
        found: Its likeliest profile.
        pattern: What the file's name looks like.
        also: Platforms that treat the file alike.
        as_unshared: Whether an untouched file looks the same.

    Returns:
        Sentences without full stops, the coding first.
    """
    who = platform_name(found.profile.platform)
    said = [*_coding_reasons(signature, found, who), *size_reasons(signature.size, found, who)]
    said += [*_metadata_reasons(signature, found, who)]
    said += closing_reasons(found, pattern, also=also, as_unshared=as_unshared)
    return tuple(said)


def closing_reasons(
    found: ProfileLikelihood, pattern: NamePattern | None, *, also: Sequence[str], as_unshared: bool
) -> Iterator[str]:
    """What is said of a network whatever the medium: what is assumed, the file's name, and who looks the same.

    Args:
        found: Its likeliest profile.
        pattern: What the file's name looks like.
        also: Platforms that treat the file alike.
        as_unshared: Whether an untouched file looks the same.
    """
    who = platform_name(found.profile.platform)
    if found.best.assumed and found.best.stated:
        yield f"what {who} does to such uploads is assumed and not known, so it counts less"
    if pattern and found.profile.platform in pattern.platforms:
        yield f"the file name {pattern.words} (weak evidence)"
    if also or as_unshared:
        others = [platform_name(other) for other in also] + ["a file that was never shared"] * as_unshared
        yield f"cannot be told apart from {_listed(others)}"


def none_reasons(
    signature: Signature, camera_odds: float, pattern: NamePattern | None, platforms: Collection[str]
) -> tuple[str, ...]:
    """What speaks for none of the networks: no network at all, or one without a profile.

    Args:
        signature: Of the file.
        camera_odds: Likelihood of an untouched file over that of an unknown program's.
        pattern: What the file's name looks like.
        platforms: Those with a profile.
    """
    said: list[str] = []
    if camera_odds > _TYPICAL_OF_CAMERAS:
        what = [name for trace, name in _METADATA.items() if trace in signature.carries]
        carried = f", {_listed(sorted(set(what)), 'and')}" if what else ""
        said.append(f"{coding_in_words(signature)}{carried}: as cameras and editors write files")
    else:
        said.append(f"{coding_in_words(signature)}: many programs and networks without a profile write such files")
    return (*said, *stranger_reasons(pattern, platforms))


def stranger_reasons(pattern: NamePattern | None, platforms: Collection[str]) -> Iterator[str]:
    """That a file's name is one of a network without a profile.

    Args:
        pattern: What the name looks like.
        platforms: Those with a profile.
    """
    if pattern and not set(pattern.platforms) & set(platforms):
        unknown = _listed([platform_name(name) for name in pattern.platforms])
        yield f"the file name {pattern.words}, and there is no profile of {unknown} (weak evidence)"


def _coding_reasons(signature: Signature, found: ProfileLikelihood, who: str) -> Iterator[str]:
    last = found.best.rule.steps[-1]
    if not found.best.stated:
        yield f"{coding_in_words(signature)} at {signature.width_px}x{signature.height_px} px is not what {who} writes"
    elif isinstance(last, Passthrough):
        yield f"{who} passes such files on unchanged ({coding_in_words(signature)})"
    elif isinstance(last, Transcode) and last.scans == "keep":
        yield f"{who} keeps the compressed data of such files and writes only the metadata anew"
    elif isinstance(last, Transcode):
        yield f"{coding_in_words(signature)}: {who} keeps the upload's tables and writes {last.scans} scans"
    elif (encode := _written(found)) and not _as_written(signature, encode):
        yield f"{coding_in_words(signature)}, where {who} writes otherwise"
    else:
        yield f"{coding_in_words(signature)} as {who} writes"


def _written(found: ProfileLikelihood) -> ImageEncode | None:
    last = found.best.rule.steps[-1]
    written = last.encode if isinstance(last, ClientSave) else last
    return written if isinstance(written, IMAGE_ENCODES) else None


def _as_written(signature: Signature, encode: ImageEncode) -> bool:
    """Whether subsampling and scans are those of the step; size and tables had their say in the likelihood."""
    coding = signature.coding
    if not isinstance(encode, EncodeJpeg) or coding is None:
        return True
    return coding.subsampling in (encode.subsampling, "grey") and coding.progressive == encode.progressive


def size_reasons(size: Size, found: ProfileLikelihood, who: str) -> Iterator[str]:
    """What the size says for and against a network.

    Args:
        size: Width and height of the file.
        found: Its likeliest profile.
        who: The network, as people write it.
    """
    width, height = size
    for step in found.best.rule.steps:
        if not isinstance(step, Resize):
            continue
        if step.px is None:
            if found.best.stated and step.fit in ("cover", "stretch"):
                yield f"{width}x{height} px is a size {who} crops to"
            continue
        side_px = {"short_side": min(width, height), "width": width, "height": height}.get(step.fit, max(width, height))
        if side_px in numbers_of(step.px):
            yield f"the {_SIDES[step.fit]} is exactly {side_px} px, {who}'s limit"
        elif side_px > (limit := max(numbers_of(step.px))):
            yield f"the {_SIDES[step.fit]} is {side_px} px, over {who}'s limit of {limit} px"


def _metadata_reasons(signature: Signature, found: ProfileLikelihood, who: str) -> Iterator[str]:
    carries = signature.carries
    if found.profile.platform in SEGMENT_HABITS and "iptc" in carries:
        mark = " with the FBMD mark" if signature.fbmd else ""
        yield f"an APP13 segment{mark}, as {who} often writes"
    if isinstance(found.best.rule.steps[-1], Passthrough):
        return
    fates = next((step for step in found.best.rule.steps if isinstance(step, Metadata)), Metadata(op="metadata"))
    if fates.exif == "orientation" and "orientation" in carries:
        yield f"EXIF of nothing but the orientation, as {who} leaves it"
    if fates.icc == "srgb" and "plain_icc" in carries:
        yield f"a plain colour profile, as {who} adds"
    if "exif" in carries and fates.exif != "keep":
        yield f"it has EXIF, which {who} takes away"
    if signature.format == "jpeg" and carries <= {"jfif"}:
        yield "no metadata is left, as networks leave files"


def _listed(names: Sequence[str], joint: str = "or") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}"
