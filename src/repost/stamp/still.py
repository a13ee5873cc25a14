"""Stamp one still picture and look for a stamp in one, from file to file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from repost.core.errors import AlreadyStamped, PictureTooSmall, UnsupportedMedia
from repost.media.read import NO_LIMIT, read_picture
from repost.media.upload import Upload
from repost.stamp.embed import LEAST_PX, stamp
from repost.stamp.layers import opaque_pixels, with_changed_colours
from repost.stamp.model import DEFAULT_MODEL, load_model
from repost.stamp.saving import save_like, saving_like
from repost.stamp.scan import ScanResult, estimates_of, find_key, scan

MOST_CHANCE_OF_OTHERS = 1e-6
"""A file is taken for stamped already, and refused, where the p-value is at most this. The verdict's own threshold
would refuse one photograph in a thousand that never had a stamp; a stamp that is still whole is far below either."""


@dataclass(frozen=True, slots=True)
class StampSettings:
    """How files are stamped.

    Attributes:
        key: Whose stamp; the published default when None. It is in no representation and no row.
        strength: Times the model's own amplitude.
        again: Whether files that carry a stamp get another.
        max_pixels: Limit on width x height; the limit in force when None.
        model: Name or folder of the model; see `model.load_model`.
    """

    key: str | None = field(default=None, repr=False)
    strength: float = 1.0
    again: bool = False
    max_pixels: int | None = None
    model: str = DEFAULT_MODEL

    @property
    def keys_looked_for(self) -> Iterator[tuple[str, str | None]]:
        """Whose stamps a file is searched for before it gets another, and their keys; no others are known."""
        yield ("the default key" if self.key is None else "this key"), self.key
        if self.key is not None:
            yield "the default key", None


@dataclass(frozen=True, slots=True)
class StampedStill:
    """A stamped picture, ready to be written.

    Attributes:
        data: The file.
        format: Of the file, one of `sniff.IMAGE_FORMATS`.
        extension: Of the file, without a dot.
        check: What a scan of the file as written finds.
        notes: What the file lost besides, and whether it may have been stamped before, in words.
    """

    data: bytes
    format: str
    extension: str
    check: ScanResult
    notes: tuple[str, ...]


def stamp_still(data: bytes, settings: StampSettings, *, name: str) -> StampedStill:
    """Stamp a picture and write it in its own format.

    Pixels are stamped as they are stored: the stamp looks the same turned by quarters and mirrored, so that it is found
    whatever a viewer or a network does about EXIF's orientation, which is kept.

    Args:
        data: The file.
        settings: How.
        name: What it is called in errors.

    Returns:
        The file, and what is found in it: in a picture that cannot hold a stamp (black, white, saturated all over)
        there is none, which `check` says.

    Raises:
        MediaError: It is no image, damaged, too large, too small or animated.
        AlreadyStamped: It carries this stamp, or the default key's, and `again` is off.
        EncodeFailed: The codec refused the picture.
        MissingExtra: It is HEIC and pillow-heif is not installed.
    """
    upload = _opened(data, name, settings.max_pixels)
    with errors_naming(name):
        check_size(upload.facts.width_px, upload.facts.height_px)
    saving = saving_like(upload)
    picture, model = upload.picture, load_model(settings.model)
    notes = list(saving.notes)
    if not settings.again:
        with errors_naming(name):
            estimates = estimates_of(opaque_pixels(picture), model=model)
        for whose, key in settings.keys_looked_for:
            notes += refuse_stamped(find_key(estimates, key, model=model), name=name, whose=whose)
    with errors_naming(name):
        stamped = with_changed_colours(
            picture, lambda pixels: stamp(pixels, settings.key, strength=settings.strength, model=model)
        )
    written = save_like(upload, stamped, saving)
    again = read_picture(written, name=name, max_pixels=NO_LIMIT)
    check = scan(opaque_pixels(again), settings.key, model=model)
    return StampedStill(written, saving.format, saving.extension, check, tuple(notes))


def refuse_stamped(found: ScanResult, *, name: str, whose: str) -> Iterator[str]:
    """Refuse what carries a stamp beyond doubt, and say so of what may carry one.

    Args:
        found: What a scan says.
        name: What the file is called.
        whose: Whose stamp was looked for, in words.

    Yields:
        A note, where the verdict is that it is stamped, but too many files without a stamp get as much.

    Raises:
        AlreadyStamped: It is stamped.
    """
    if found.p_value <= MOST_CHANCE_OF_OTHERS:
        raise AlreadyStamped(name, whose=whose, p_value=found.p_value)
    if found.stamped:
        yield f"it may have carried the stamp of {whose} before (p = {found.p_value:.1e})"


def scan_still(
    data: bytes, key: str | None = None, *, name: str, max_pixels: int | None = None, model: str = DEFAULT_MODEL
) -> ScanResult:
    """Look for a stamp in a picture.

    Args:
        data: The file.
        key: Whose stamp; the published default when None.
        name: What it is called in errors.
        max_pixels: Limit on width x height; the limit in force when None.
        model: Name or folder of the model; see `model.load_model`.

    Returns:
        Verdict, score and p-value; alpha is laid on white, and orientation makes no difference.

    Raises:
        MediaError: It is no image, damaged, too large, too small or animated.
        MissingExtra: It is HEIC and pillow-heif is not installed.
    """
    picture = _opened(data, name, max_pixels).picture
    with errors_naming(name):
        return scan(opaque_pixels(picture), key, model=load_model(model))


def check_size(width_px: int, height_px: int) -> None:
    """Refuse what is too small to be stamped before it is decoded.

    Raises:
        PictureTooSmall: The short side is below `LEAST_PX`.
    """
    if min(width_px, height_px) < LEAST_PX:
        raise PictureTooSmall(width_px, height_px, least_px=LEAST_PX)


@contextmanager
def errors_naming(name: str) -> Generator[None]:
    """Let errors that know pixels only say which file they are of.

    Args:
        name: What the file is called.

    Raises:
        UnsupportedMedia: The picture in the block was too small.
    """
    try:
        yield
    except PictureTooSmall as error:
        raise UnsupportedMedia(
            name,
            got=f"{error.width}x{error.height} px",
            expected=f"a short side of at least {error.least_px} px",
            remedy="a stamp needs that much room to be told from chance; take a larger copy",
        ) from error


def _opened(data: bytes, name: str, max_pixels: int | None) -> Upload:
    upload = Upload(data, name=name, max_pixels=max_pixels)
    if upload.facts.animated:
        raise UnsupportedMedia(
            name,
            got=f"an animated {upload.facts.format}",
            expected="a still picture or a video",
            remedy="convert it to a video, or take one picture out of it",
        )
    return upload
