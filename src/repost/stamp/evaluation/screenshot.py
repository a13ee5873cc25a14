"""A photograph on the screen of a phone or a browser, photographed by the screen itself."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from repost.stamp.jpeg import saved_as_jpeg

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

GROUNDS = ((255, 255, 255), (0, 0, 0), (18, 18, 18))
"""Light, true black, and the dark grey (#121212) of Material Design's dark theme."""
SCALES = (0.6, 1.2)
SIDE_MARGINS = (0.0, 0.06)
"""Each side, as a share of the shown photo's width."""
BARS = (0.05, 0.25)
"""Above and below, as a share of the shown photo's height: a title, buttons, comments."""
SHORTEST_SHOWN_PX = 200
PNG_SHARE = 0.5
QUALITIES = (80, 95)

_LINES = (0.3, 0.8)  # length of a line of "text" as a share of the canvas
_LINE_PITCH = 0.05  # of the canvas's width


def screenshot(pixels: Rgb8, rng: random.Random) -> Rgb8:
    """The photo shown scaled among an application's bars, and the screen saved.

    The photo is scaled (bilinear, antialiased) by a factor of .6 to 1.2, but to no short side below 200 px where it had
    that; it lies on a light or dark ground with margins of 0 to 6 % left and right and bars of 5 to 25 % above and
    below, which carry lines as long as text; the screen is saved as PNG, or every other time as JPEG 80 to 95, 4:2:0.
    All is drawn uniformly.

    Args:
        pixels: uint8, HWC, RGB.
        rng: Draws.

    Returns:
        The screen: uint8, HWC, RGB, of another size.
    """
    shown = _scaled(Image.fromarray(pixels), rng.uniform(*SCALES))
    ground = rng.choice(GROUNDS)
    left, right = (round(shown.width * rng.uniform(*SIDE_MARGINS)) for _ in range(2))
    top, bottom = (round(shown.height * rng.uniform(*BARS)) for _ in range(2))
    screen = Image.new("RGB", (left + shown.width + right, top + shown.height + bottom), ground)
    screen.paste(shown, (left, top))
    ink = (160, 160, 160) if ground == GROUNDS[0] else (110, 110, 110)
    for first, last in ((0, top), (screen.height - bottom, screen.height)):
        _write_lines(screen, first, last, ink, rng)
    if rng.random() < PNG_SHARE:
        return np.asarray(screen)
    return saved_as_jpeg(np.asarray(screen), rng.randint(*QUALITIES))


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    shortest_px = min(image.size)
    scale = max(scale, min(1.0, SHORTEST_SHOWN_PX / shortest_px))
    width_px, height_px = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width_px, height_px), Image.Resampling.BILINEAR)


def _write_lines(screen: Image.Image, first: int, last: int, ink: tuple[int, int, int], rng: random.Random) -> None:
    """Bars as long and high as lines of text, between two rows."""
    draw = ImageDraw.Draw(screen)
    pitch_px = max(6, round(screen.width * _LINE_PITCH))
    for top in range(first + pitch_px // 2, last - pitch_px // 2, pitch_px):
        length_px = round(screen.width * rng.uniform(*_LINES))
        draw.rectangle((pitch_px // 2, top, pitch_px // 2 + length_px, top + pitch_px // 3), fill=ink)
