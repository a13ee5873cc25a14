"""Sheets of real photographs, and what a network gives back."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import skimage.data
from PIL import Image, ImageStat

from repost.pairs.manifest import SheetManifest
from repost.pairs.sheets import make_sheets, settings_for


@dataclass(frozen=True)
class Uploaded:
    folder: Path
    manifest: SheetManifest

    def picture(self, index: int) -> Image.Image:
        with Image.open(self.folder / self.manifest.sheets[index].file) as opened:
            return opened.convert("RGB")


def photographs() -> list[Image.Image]:
    """Different 128 px parts of three photographs, none of them flat."""
    found = []
    for name in ("coffee", "chelsea", "astronaut"):
        photo = Image.fromarray(getattr(skimage.data, name)())
        parts = [(x, y) for y in range(20, photo.height - 128, 128) for x in range(20, photo.width - 128, 128)]
        found += [photo.crop((x, y, x + 128, y + 128)) for x, y in parts]
    return [part for part in found if ImageStat.Stat(part.convert("L")).stddev[0] > 25]


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for index, part in enumerate(photographs()[:20]):
        part.save(folder / f"photo {index:02d}.png")
    return folder


@pytest.fixture(scope="session")
def uploaded(sources, tmp_path_factory) -> Uploaded:
    folder = tmp_path_factory.mktemp("made") / "upload"
    settings = settings_for("facebook", tile_px=128, max_size_px=(512, 384))
    return Uploaded(folder, make_sheets([sources], folder, platform="facebook", settings=settings, seed=4))


@pytest.fixture
def served() -> Callable[..., bytes]:
    def encode(image: Image.Image, quality: int = 70, **settings) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, **settings)
        return buffer.getvalue()

    return encode
