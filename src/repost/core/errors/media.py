"""One input cannot be used; the others go on."""

from __future__ import annotations

from collections.abc import Sequence

from repost.core.errors.roots import MediaError


class NotMedia(MediaError):
    """The content is no image or video repost knows."""

    def __init__(self, name: str, *, got: str) -> None:
        self.name, self.got = name, got
        super().__init__(f"{name}: got {got}, expected an image or a video; the content decides, not the file name")


class UnreadableMedia(MediaError, OSError):
    """The media is damaged, truncated or empty."""

    def __init__(self, name: str, *, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name} cannot be decoded: {reason}; check the file or fetch it again")


class UnsupportedMedia(MediaError):
    """The media is sound, but not something that can be used here."""

    def __init__(self, name: str, *, got: str, expected: str, remedy: str) -> None:
        self.name, self.got, self.expected = name, got, expected
        super().__init__(f"{name}: got {got}, expected {expected}; {remedy}")


class TooManyPixels(MediaError):
    """The media would decode to more pixels than the limit."""

    def __init__(self, name: str, *, pixel_count: int, limit: int) -> None:
        self.name, self.pixel_count, self.limit = name, pixel_count, limit
        super().__init__(
            f"{name}: got {pixel_count:,} pixels, expected at most {limit:,}; "
            "if you trust the file raise the limit with --max-pixels or REPOST_MAX_PIXELS"
        )


class PictureTooSmall(MediaError):
    """A picture with fewer pixels on its short side than are needed.

    Attributes:
        width: Pixels.
        height: Pixels.
        least_px: What the short side must have.
    """

    def __init__(self, width: int, height: int, *, least_px: int) -> None:
        self.width, self.height, self.least_px = width, height, least_px
        super().__init__(f"got a picture of {width}x{height} pixels, expected at least {least_px} on the short side")


class InvalidBox(MediaError):
    """A box of a face that has no pixel in the picture, is empty, or is of a picture of another shape.

    Attributes:
        box: Left, top, right and bottom.
        width: Of the picture, in pixels.
        height: Of the picture.
        found_in: Width and height of the picture that the box is of, where that is of another shape.
    """

    def __init__(self, box: Sequence[int], *, width: int, height: int, found_in: tuple[int, int] | None = None) -> None:
        self.box, self.width, self.height, self.found_in = tuple(box), width, height, found_in
        got, size = f"got the face box {list(box)}", f"{width}x{height}"
        if found_in is None:
            why = "are the boxes of another video, or of another size of it?"
            said = f"{got}, expected one larger than a pixel and inside the picture of {size}; {why}"
        else:
            why = "was one of them cropped or turned, or are the boxes of another video?"
            of = f"of a picture of {found_in[0]}x{found_in[1]}"
            said = f"{got} {of}, expected one of a picture of the shape of {size}; {why}"
        super().__init__(said)


class BoxesNotFound(MediaError, LookupError):
    """A file of face boxes has none for a picture.

    Attributes:
        source: What the picture is from.
        path: The file of boxes.
    """

    def __init__(self, source: str, *, path: object, reason: str) -> None:
        self.source, self.path = source, str(path)
        super().__init__(f"{source}: {reason}; an empty list, or a row no_face, in '{path}' says that there is none")


class AlreadyStamped(MediaError):
    """The media carries a stamp already, and another was not asked for.

    Attributes:
        name: The file.
        whose: Whose stamp: "this key" or "the default key".
        p_value: The chance that media without it would look as much like it.
    """

    def __init__(self, name: str, *, whose: str, p_value: float) -> None:
        self.name, self.whose, self.p_value = name, whose, p_value
        super().__init__(
            f"{name} carries the stamp of {whose} already (p = {p_value:.1e}); "
            "take the unstamped original, or add --again to put another stamp on top"
        )


class InvalidPixels(MediaError):
    """An array or tensor that is not in the form that is asked for.

    Attributes:
        got: What it is.
        expected: What it should be.
    """

    def __init__(self, *, got: str, expected: str = "uint8 (height, width, 3) RGB with at least one pixel") -> None:
        self.got, self.expected = got, expected
        super().__init__(f"got an array of {got}, expected {expected}")
