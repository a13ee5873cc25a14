"""Tell a file's format by its content, never by its name."""

from __future__ import annotations

import re

IMAGE_FORMATS = ("jpeg", "png", "webp", "gif", "heif", "avif", "tiff", "bmp")
VIDEO_FORMATS = ("mp4", "mov", "webm", "mkv", "avi", "h264")
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".h264", ".264"})
"""Names that promise a video."""
MEDIA_SUFFIXES = VIDEO_SUFFIXES | frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".heic", ".heif", ".hif", ".avif"}
    | {".tif", ".tiff", ".bmp"}
)
"""Names that promise media, so that other content under them is a fault and not a stray text file."""
EXTENSIONS = {name: name for name in IMAGE_FORMATS} | {"jpeg": "jpg", "heif": "heic", "tiff": "tif"}
"""The extension each image format is served under."""

_OTHER_SUFFIXES = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png", ".apng"),
    "heif": (".heic", ".heif", ".hif"),
    "tiff": (".tif", ".tiff"),
    "mp4": (".mp4", ".m4v"),
    "h264": (".h264", ".264"),
}


def suffix_fits(name: str, format_: str) -> bool:
    """Whether a file's name promises the format it has.

    Args:
        name: Of the file; upper and lower case are the same.
        format_: One of IMAGE_FORMATS or VIDEO_FORMATS.
    """
    return name.lower().endswith(_OTHER_SUFFIXES.get(format_, (f".{format_}",)))


_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_ANNEX_B = re.compile(
    rb"\0?\0\0\x01(?:[\x27\x47\x67]|\x06\x05|\x09[\x10\x30\x50\x70\x90\xb0\xd0\xf0]\0?\0\0\x01[\x27\x47\x67])"
)
"""A raw H.264 stream: a start code and a sequence parameter set, with or without an access unit delimiter before it, or
x264's message about itself, which `ffmpeg -c copy` leaves before the parameter sets."""
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def sniff(head: bytes) -> str | None:
    """The format of a file.

    Args:
        head: Its first bytes; 64 are enough.

    Returns:
        One of IMAGE_FORMATS or VIDEO_FORMATS, or None when the content is neither.
    """
    for magic, format_ in _MAGIC:
        if head.startswith(magic):
            return format_
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    if head.startswith(b"RIFF"):
        return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head else "mkv"
    if _ANNEX_B.match(head):
        return "h264"
    return _sniff_bmff(head) if head[4:8] == b"ftyp" else None


def _sniff_bmff(head: bytes) -> str:
    """ISO base media files say what they are in their brands: the major one first, then the compatible ones."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
    if brands[0] == b"qt  ":
        return "mov"
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEIF_BRANDS and brand not in (b"mif1", b"msf1"):
            return "heif"
    return "heif" if {b"mif1", b"msf1"} & set(brands) else "mp4"


def describe(head: bytes) -> str:
    """What unknown content looks like, in words for an error message."""
    if not head:
        return "an empty file"
    if head[:5] in (b"<?xml", b"<!DOC", b"<html") or head[:4] == b"<svg":
        return "a web page or XML text"
    if head.startswith(b"%PDF"):
        return "a PDF"
    if head.startswith(b"PK\x03\x04"):
        return "a ZIP archive"
    try:
        text = head[: max(1, len(head) - 4)].decode("utf-8")
    except UnicodeDecodeError:
        return "unknown binary content"
    return "text" if all(letter.isprintable() or letter.isspace() for letter in text) else "unknown binary content"
