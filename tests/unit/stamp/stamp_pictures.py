"""Photographs in every mode and format, for the tests of stamping files."""

import io

import numpy as np
import skimage.data
from PIL import Image, ImageCms

from repost.media.metadata import with_orientation

SIZE = (320, 240)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"/><?xpacket end="w"?>'


def photo(size=SIZE, mode="RGB"):
    """A photograph of a size and a mode; of modes with alpha the alpha goes from clear on the left to opaque."""
    picture = Image.fromarray(skimage.data.coffee()).resize(size, Image.Resampling.LANCZOS)
    if mode in ("RGBA", "LA"):
        ramp = np.tile(np.linspace(0, 4 * 255, size[0]).clip(0, 255).astype(np.uint8), (size[1], 1))
        picture = picture.convert(mode)
        picture.putalpha(Image.fromarray(ramp))
        return picture
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    return picture.convert(mode)


def exif_of(orientation):
    """EXIF with a camera's name and an orientation, with the prefix that Pillow wants."""
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    return with_orientation(exif.tobytes(), orientation)


def as_file(picture, format_, **settings):
    """The bytes of a file."""
    if format_ == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    picture.save(buffer, format_, **settings)
    return buffer.getvalue()
