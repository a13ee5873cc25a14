"""Pictures that never were a JPEG at the size they are used at: lossless photographs, reduced photographs, renders.

Most "originals" at hand have been JPEGs. Reducing those three times or more, with antialiasing, mixes so many blocks
into one that no trace of their grid is left. Sources 0 to 34 of the tuning half were looked at while thresholds were
set; the judging half was not. A photograph belongs to one half only.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

SHARED = Path(__file__).resolve().parents[2] / "shared"
REDUCTION = 3
TUNING_KODAK, TUNING_WALLPAPERS = 5, 30


@cache
def photographs(half: Literal["tuning", "judging"], *, shared: Path = SHARED) -> tuple[Picture, ...]:
    """The photographs of one half, as RGB; Kodak lossless at full size, all others reduced."""
    folder = shared / "data" / "photos"
    kodak, wallpapers = sorted(folder.glob("kodak/*.png")), sorted(folder.glob("ubuntu_wallpapers/*.jpg"))
    if half == "tuning":
        lossless, others = kodak[:TUNING_KODAK], wallpapers[:TUNING_WALLPAPERS]
    else:
        larger = sorted([*folder.glob("open_wallpapers/*.jpg"), *folder.glob("full_size/*.jpg")])
        lossless, others = kodak[TUNING_KODAK:], wallpapers[TUNING_WALLPAPERS:] + larger
    return tuple(np.asarray(Image.open(path).convert("RGB")) for path in lossless) + tuple(map(_reduced, others))


def _reduced(path: Path) -> Picture:
    image = Image.open(path).convert("RGB")
    size = (image.width // REDUCTION, image.height // REDUCTION)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def render(seed: int, side_px: int = 200) -> Picture:
    """A drawn picture: gradient, noise field, text, shapes or a pattern, by turns."""
    rng = np.random.default_rng(seed)
    makers = (_gradient, _noise, _text, _shapes, _pattern)
    return makers[seed % len(makers)](rng, side_px)


def _gradient(rng: np.random.Generator, side_px: int) -> Picture:
    y, x = np.mgrid[:side_px, :side_px] / side_px
    corners = rng.uniform(0, 255, (4, 3))
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=-1)
    return np.rint(weights @ corners).astype(np.uint8)


def _noise(rng: np.random.Generator, side_px: int) -> Picture:
    small = rng.uniform(0, 255, (int(rng.integers(4, side_px)), int(rng.integers(4, side_px)), 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((side_px, side_px), Image.Resampling.BICUBIC))


def _text(rng: np.random.Generator, side_px: int) -> Picture:
    paper, ink = (tuple(int(value) for value in rng.integers(0, 256, 3)) for _ in range(2))
    image = Image.new("RGB", (side_px, side_px), paper)
    draw = ImageDraw.Draw(image)
    for top in range(2, side_px, int(rng.integers(11, 24))):
        words = "".join(chr(int(code)) for code in rng.integers(33, 127, 60))
        draw.text((int(rng.integers(-4, 4)), top), words, fill=ink, font_size=float(rng.integers(9, 20)))
    return np.asarray(image)


def _shapes(rng: np.random.Generator, side_px: int) -> Picture:
    image = Image.fromarray(_gradient(rng, side_px))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(5, 40))):
        left, top, width, height = (int(value) for value in rng.integers(0, side_px, 4))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        kind = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        kind((left, top, left + width // 2, top + height // 2), fill=colour)
    return np.asarray(image)


def _pattern(rng: np.random.Generator, side_px: int) -> Picture:
    y, x = np.mgrid[:side_px, :side_px]
    period = int(rng.integers(2, 24))
    cells = (x // period + y // period) % 2 if rng.random() < 0.5 else np.sin(x / period) * np.cos(y / period) > 0
    colours = rng.integers(0, 256, (2, 3))
    return colours[cells.astype(int)].astype(np.uint8)
