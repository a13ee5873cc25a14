"""The pictures `recovery.py` judges with, what networks do to them, and what is nearly but not quite the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from repost.pairs.manifest import Sheet

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "data"
JUDGED = (
    "faces/utkface", "photos/clothing_cc0_256", "photos/clothing_cc0", "photos/open_wallpapers", "photos/bsds500",
    "photos/kodak", "faces/celebahq",
)  # fmt: skip
TUNED_ON = {"faces/utkface": 400}
"""The first so many of a folder were used to set constants, and are left out."""
TILE_PX, ROOM_PX = 256, 16
"""Photographs are kept this much larger on each side, to have look-alikes to cut from."""
SHEET_PX = (1280, 2048)
QUALITIES = (55, 94)
KERNELS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.BOX)
TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
LOOK_ALIKES = ("moved 2 px", "moved 3 px", "moved 8 px", "enlarged 2 %", "enlarged 5 %", "mirrored", "patched")
WATERMARK_PX = (176, 32)


@dataclass(frozen=True, slots=True)
class Truth:
    """How a download really lies: a point of the sheet is at scale * point + offset once it is turned back."""

    turn_back: int = 0
    scale: tuple[float, float] = (1.0, 1.0)
    offset_px: tuple[float, float] = (0.0, 0.0)
    shown_px: tuple[float, float, float, float] = (0, 0, 0, 0)
    watermark: tuple[float, float, float, float] | None = None

    def edges(self, sheet: Sheet, tile: int) -> tuple[float, float, float, float]:
        """Where a tile is in the download."""
        left, top, right, bottom = sheet.tiles[tile].box.edges
        (across, down), (x, y) = self.scale, self.offset_px
        return across * left + x, down * top + y, across * right + x, down * bottom + y

    def visible(self, sheet: Sheet, tile: int) -> bool:
        """Whether all of a tile is in the download, and nothing covers it."""
        left, top, right, bottom = self.edges(sheet, tile)
        shown = self.shown_px
        inside = left > shown[0] - 0.5 and top > shown[1] - 0.5 and right < shown[2] + 0.5 and bottom < shown[3] + 0.5
        mark = self.watermark
        clear = mark is None or right <= mark[0] or left >= mark[2] or bottom <= mark[1] or top >= mark[3]
        return inside and clear


def judged_photographs(root: Path) -> list[Path]:
    """The photographs that may judge; all images below `root` where it has none of the known folders."""
    found: list[Path] = []
    for name in JUDGED:
        files = sorted(path for path in (root / name).glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        found += files[TUNED_ON.get(name, 0) :]
    return found or sorted(root.rglob("*.jpg")) + sorted(root.rglob("*.png"))


def serve(rng: random.Random, image: Image.Image, steps: Sequence[str]) -> tuple[Image.Image, Truth]:
    """An image as a network of these habits gives it back, before it is compressed, and how it lies."""
    scale, offset, turn_back, mark = (1.0, 1.0), (0.0, 0.0), 0, None
    shown = (0.0, 0.0, float(image.width), float(image.height))
    for step in steps:
        if step == "crop":
            left, top, right, bottom = _four_to_five(image.size)
            image = image.crop((left, top, right, bottom))
            offset = (offset[0] - left, offset[1] - top)
            shown = (0.0, 0.0, float(image.width), float(image.height))
        elif step == "resize":
            share = min(1.0, rng.choice([640, 900, 1080, 1440]) / max(image.size))
            size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
            ratio = (size[0] / image.width, size[1] / image.height)
            image = image.resize(size, rng.choice(KERNELS))
            scale = (scale[0] * ratio[0], scale[1] * ratio[1])
            offset = (offset[0] * ratio[0], offset[1] * ratio[1])
            shown = (shown[0] * ratio[0], shown[1] * ratio[1], shown[2] * ratio[0], shown[3] * ratio[1])
        elif step == "pad":
            left, top, right, bottom = (rng.randint(0, 150) for _ in range(4))
            ground = rng.choice([(0, 0, 0), (255, 255, 255), (38, 38, 38)])
            padded = Image.new("RGB", (image.width + left + right, image.height + top + bottom), ground)
            padded.paste(image, (left, top))
            image, offset = padded, (offset[0] + left, offset[1] + top)
            shown = (shown[0] + left, shown[1] + top, shown[2] + left, shown[3] + top)
        elif step == "watermark":
            mark = _stamp(image)
    if "turn" in steps:
        turn = rng.choice([90, 180, 270])
        image, turn_back = image.transpose(TURNS[turn]), 360 - turn
    return image, Truth(turn_back, scale, offset, shown, mark)


def look_alike(rng: random.Random, photos: Sequence[Path], room: Image.Image, kind: str) -> Image.Image:
    """A tile that is nearly the middle of a picture that has room around it."""
    word, *amount = kind.split()
    if word == "moved":
        px = int(amount[0])
        across, down = rng.choice([(px, 0), (0, px), (-px, 0), (0, -px)])
        return middle(room, across, down)
    if word == "enlarged":
        side = TILE_PX / (1 + int(amount[0]) / 100)
        first = (room.width - side) / 2
        edges = (first, first, first + side, first + side)
        return room.resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS, box=edges)
    if word == "mirrored":
        return middle(room).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other = with_room(rng.choice(photos))
    tile, at = middle(room), rng.randint(40, 160)
    tile.paste(other.crop((100, 100, 148, 148)), (at, at))
    return tile


def with_room(path: Path) -> Image.Image:
    """The middle of a photograph with its short side scaled to a tile and some room around it."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    size = TILE_PX + 2 * ROOM_PX
    return image.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))


def middle(room: Image.Image, across_px: int = 0, down_px: int = 0) -> Image.Image:
    """The tile in the middle of a picture with room around it, or beside the middle."""
    left, top = ROOM_PX + across_px, ROOM_PX + down_px
    return room.crop((left, top, left + TILE_PX, top + TILE_PX))


def _four_to_five(size_px: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size_px
    if width * 5 > height * 4:
        left = (width - height * 4 // 5) // 2
        return left, 0, left + height * 4 // 5, height
    top = (height - width * 5 // 4) // 2
    return 0, top, width, top + width * 5 // 4


def _stamp(image: Image.Image) -> tuple[float, float, float, float]:
    right, bottom = image.width - 8, image.height - 8
    left, top = right - WATERMARK_PX[0], bottom - WATERMARK_PX[1]
    image.paste((255, 255, 255), (left, top, right, bottom))
    return left, top, right, bottom
