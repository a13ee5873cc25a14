"""Facts of a share in a few words, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repost.channel.trace import FileFacts, Trace

NOTHING = "–"
METADATA_NAMES = {"exif": "EXIF", "xmp": "XMP", "icc": "colour profile", "c2pa": "content credentials"}
_FORMAT_NAMES = {"jpeg": "JPEG", "webp": "WebP", "heif": "HEIC"}


def shown(text: str) -> str:
    r"""Text that is safe to show: characters that steer a terminal or turn the direction of writing become escapes.

    Args:
        text: From outside, such as a file name.

    Returns:
        The text with every character that is not printable written as in Python, such as `\x1b` or `\u202e`.
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


_MANY = 0.1
"""Share of pairs that do not fit, from which several networks or routes are suspected."""


def many_misfits(count: int, *, of: int) -> Iterator[str]:
    """What many pairs that no rule explains may mean, in a line; none where they are few.

    Args:
        count: Pairs that do not fit.
        of: All pairs.
    """
    if count > _MANY * of:
        yield (
            f"{count} pairs do not fit, and nothing about their uploads says why: are downloads of "
            "several networks or routes in one folder, or were some saved again?"
        )


def without_name(reason: str, name: str) -> str:
    """A reason that begins with the name of its file, for a line that begins with that name already."""
    return reason.removeprefix(f"{name}: ").removeprefix(f"{name} ")


def bytes_in_words(size_bytes: int | None) -> str:
    """A file size, in decimal units: 999 B, 196.7 kB, 3.4 MB."""
    if size_bytes is None:
        return NOTHING
    if size_bytes < 1000:
        return f"{size_bytes} B"
    return f"{size_bytes / 1e3:.1f} kB" if size_bytes < 999_950 else f"{size_bytes / 1e6:.1f} MB"


def format_in_words(format_: str) -> str:
    """A container's usual name, such as "JPEG" or "HEIC"."""
    return _FORMAT_NAMES.get(format_, format_.upper())


def metadata_in_words(kinds: Iterable[str]) -> str:
    """Kinds of metadata by their usual names, such as "EXIF, colour profile"; "none" where there is none."""
    return ", ".join(METADATA_NAMES.get(kind, kind) for kind in kinds) or "none"


def size_in_words(facts: FileFacts) -> str:
    """Width and height, such as "640 × 427"."""
    return f"{facts.width_px} × {facts.height_px}"


def psnr_in_words(psnr_db: float | None, *, identical: bool | None) -> str:
    """A PSNR, "identical" where it is infinite, a dash where it is not known."""
    if identical:
        return "identical"
    return NOTHING if psnr_db is None else f"{psnr_db:.1f} dB"


def ssim_in_words(ssim: float | None) -> str:
    """An SSIM to three places, never rounded up to 1."""
    if ssim is None:
        return NOTHING
    return f"{ssim:.3f}" if ssim == 1 else f"{min(ssim, 0.999):.3f}"


def quality_in_words(trace: Trace) -> str:
    """How strongly the served file is compressed.

    Returns:
        "92, 4:2:0, progressive" for JPEG (the IJG quality nearest to its tables); "HEIC 50" on the encoder's own scale
        for others; with a question mark where the profile only assumes it; a dash where there is no such number.
    """
    encoding = next((step for step in reversed(trace.steps) if "quality" in step.parameters), None)
    assumed = encoding.assumed if encoding is not None else ()
    doubt = "?" if any(name in ("op", "encode") or "quality" in name for name in assumed) else ""
    served = trace.served
    if served.jpeg_quality is not None:
        scans = ", progressive" if served.progressive else ""
        return f"{served.jpeg_quality}{doubt}, {served.subsampling}{scans}"
    if encoding is None or served.format == "png":
        return NOTHING
    return f"{format_in_words(served.format)} {encoding.parameters['quality']}{doubt}"
