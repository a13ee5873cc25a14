"""A decoded picture with what travels beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from repost.core.errors import InvalidPixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rgb8: TypeAlias = "NDArray[np.uint8]"
"""uint8, HWC, RGB: the form in which pixels cross part borders."""

WHITE = (255, 255, 255)
PIXEL_MODES = ("L", "LA", "RGB", "RGBA")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """Eight-bit pixels and their metadata.

    Attributes:
        image: Mode L, LA, RGB or RGBA; pixels as stored, before `orientation` is applied.
        orientation: EXIF orientation 1-8 that a viewer still has to apply.
        icc: ICC profile the numbers refer to; None means sRGB.
        exif: EXIF block without the JPEG segment's prefix.
        xmp: XMP packet.
    """

    image: Image.Image
    orientation: int = 1
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as stored."""
        return self.image.size

    def with_image(self, image: Image.Image) -> Picture:
        """The same picture with other pixels."""
        return replace(self, image=image)

    def upright(self) -> Picture:
        """The picture with its orientation applied to the pixels."""
        if self.orientation == 1:
            return self
        return replace(self, image=self.image.transpose(_UPRIGHT[self.orientation]), orientation=1)

    def flattened(self) -> Picture:
        """The picture without alpha, laid on white."""
        if self.image.mode not in ("RGBA", "LA"):
            return self
        opaque = "RGB" if self.image.mode == "RGBA" else "L"
        ground = Image.new(opaque, self.image.size, WHITE if opaque == "RGB" else WHITE[0])
        ground.paste(self.image.convert(opaque), mask=self.image.getchannel("A"))
        return self.with_image(ground)

    def rgb8(self) -> Rgb8:
        """The picture as a viewer shows it.

        Returns:
            uint8, HWC, RGB; orientation applied, alpha laid on white, the numbers as stored (ICC not applied).
        """
        return np.asarray(self.upright().flattened().image.convert("RGB"))


def from_rgb8(pixels: Rgb8) -> Picture:
    """Wrap an array as a picture.

    Args:
        pixels: uint8, HWC, RGB.

    Raises:
        InvalidPixels: Any other dtype or shape.
    """
    if getattr(pixels, "dtype", None) != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise InvalidPixels(got=f"{getattr(pixels, 'dtype', type(pixels).__name__)} {getattr(pixels, 'shape', '')}")
    return Picture(Image.fromarray(np.ascontiguousarray(pixels)))


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Bring an image of any Pillow mode to one of PIXEL_MODES; the image itself where it is in one already.

    Convention: 16-bit grey is scaled by 255/65535 and rounded; palettes are looked up; CMYK without a profile goes
    through Pillow's plain complement (16-bit RGB never arrives: Pillow keeps the high bytes when it decodes).
    """
    if image.mode in ("LA", "RGBA"):
        return image
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.uint32).clip(0, 65535)
        grey = Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
        if isinstance(key, int):
            grey.putalpha(Image.fromarray(np.where(wide == key, 0, 255).astype(np.uint8)))
        return grey
    if key is not None:  # a colour key, or a palette with transparent entries
        return image.convert("RGBA")
    if image.mode in PIXEL_MODES:
        return image
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA" if image.mode in ("PA", "RGBa", "La") else "RGB")


def busyness(image: Image.Image) -> float:
    """How much detail a picture has, per pixel.

    Args:
        image: Any of PIXEL_MODES.

    Returns:
        Mean absolute difference of neighbouring luma values (BT.601, 0-255), averaged over both directions: 0 for a
        flat picture, about 2-5 for smooth photographs, above 12 for foliage and grain.
    """
    luma = np.asarray(ImageOps.grayscale(image)).astype(np.int16)
    steps = [np.abs(np.diff(luma, axis=axis)) for axis in (0, 1)]
    means = [float(step.mean()) for step in steps if step.size]
    return sum(means) / len(means) if means else 0.0
