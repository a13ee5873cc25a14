"""The photographs of the demo: real ones that come with scikit-image and scikit-learn, and two made of them."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
from PIL import Image

from repost.core.errors import MissingExtra
from repost.core.files import write_atomic
from repost.media.colour import srgb_profile
from repost.media.metadata import insert_metadata

_PHOTOGRAPHS = (
    ("skimage", "scikit-image", "data/astronaut.png"),
    ("skimage", "scikit-image", "data/chelsea.png"),
    ("skimage", "scikit-image", "data/coffee.png"),
    ("skimage", "scikit-image", "data/motorcycle_left.png"),
    ("skimage", "scikit-image", "data/rocket.jpg"),
    ("skimage", "scikit-image", "data/hubble_deep_field.jpg"),
    ("sklearn", "scikit-learn", "datasets/images/china.jpg"),
    ("sklearn", "scikit-learn", "datasets/images/flower.jpg"),
)
CREDITS = (
    "Photographs: astronaut and hubble_deep_field by NASA, chelsea by Stéfan van der Walt, coffee by Rachel Michetti, "
    "motorcycle_left from the Middlebury stereo set, rocket by SpaceX, all as bundled in scikit-image; china by "
    "danielbuechele and flower by vultilion (CC BY 2.0) as bundled in scikit-learn. phone_photo is china, turned and "
    "given made-up EXIF; mosaic_4500px is made of all of them."
)
PHONE_PHOTO = "phone_photo.jpg"
MOSAIC = "mosaic_4500px.jpg"

_TILE_PX = (450, 300)
_TILES_ACROSS = _TILES_DOWN = 10
_ROW_SHIFT = 3  # each row of the mosaic begins this many photographs later, so that no column repeats one
_UPLOAD_QUALITY = 95
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825


def photograph_names() -> list[str]:
    """Names of the demo's photographs, in the order they are shown."""
    return [*(Path(path).name for _, _, path in _PHOTOGRAPHS), PHONE_PHOTO, MOSAIC]


def write_photographs(folder: Path) -> list[Path]:
    """Put the demo's photographs into a folder; nothing is downloaded.

    Args:
        folder: Where to; made where it does not exist.

    Returns:
        The files, in the order of `photograph_names`.

    Raises:
        MissingExtra: scikit-image or scikit-learn is not installed.
        OSError: The folder cannot be written.
    """
    found = {Path(path).name: _bundled(module, package, path) for module, package, path in _PHOTOGRAPHS}
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: path.read_bytes() for name, path in found.items()}
    made[PHONE_PHOTO] = _phone_photo(made["china.jpg"])
    made[MOSAIC] = _mosaic([made[name] for name in found])
    for name, data in made.items():
        write_atomic(folder / name, data)
    return [folder / name for name in photograph_names()]


def _bundled(module: str, package: str, path: str) -> Path:
    """A file inside an installed package, found without importing it."""
    spec = importlib.util.find_spec(module)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(location) / path).is_file():
            return Path(location) / path
    raise MissingExtra(package, extra="demo")


def _phone_photo(jpeg: bytes) -> bytes:
    """A photograph as phones store it: lying on its side, with camera, time, place and colour profile."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        lying = opened.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Example", "Example Phone", 6  # 6: turn clockwise to see it upright
    exif.get_ifd(_EXIF_IFD)[0x9003] = "2024:05:01 12:00:00"
    exif.get_ifd(_GPS_IFD).update({1: "N", 2: (39.0, 54.0, 57.0), 3: "E", 4: (116.0, 23.0, 27.0)})
    buffer = io.BytesIO()
    lying.save(buffer, "JPEG", quality=_UPLOAD_QUALITY, subsampling="4:2:0")
    return insert_metadata(buffer.getvalue(), exif=exif.tobytes(), icc=srgb_profile())


def _mosaic(photographs: list[bytes]) -> bytes:
    """A sheet of 4500 x 3000 px, large enough for every size rule: the photographs' centres, at their own scale."""
    tiles = [_centre(data) for data in photographs]
    rows = [
        np.concatenate([tiles[(_ROW_SHIFT * row + column) % len(tiles)] for column in range(_TILES_ACROSS)], axis=1)
        for row in range(_TILES_DOWN)
    ]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(rows)).save(buffer, "JPEG", quality=_UPLOAD_QUALITY, subsampling="4:4:4")
    return buffer.getvalue()


def _centre(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    left, top = (image.width - _TILE_PX[0]) // 2, (image.height - _TILE_PX[1]) // 2
    return np.asarray(image.crop((left, top, left + _TILE_PX[0], top + _TILE_PX[1])))
