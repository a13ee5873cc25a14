"""Verification: what compression does is accepted, look-alikes are not."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw, ImageFilter

from repost.pairs.manifest import Box
from repost.pairs.register import Placement
from repost.pairs.verify import Comparison

COFFEE = Image.fromarray(skimage.data.coffee())
ASTRONAUT = Image.fromarray(skimage.data.astronaut())
SAME_PLACE = Placement(1.0, 1.0, 0.0, 0.0)
SIDE = 160


def sheet(*tiles: Image.Image) -> Image.Image:
    made = Image.new("RGB", (SIDE * len(tiles), SIDE))
    for index, tile in enumerate(tiles):
        made.paste(tile, (index * SIDE, 0))
    return made


def window(photo: Image.Image, left: float, top: float, side: float = SIDE) -> Image.Image:
    return photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(buffer) as opened:
        return opened.convert("RGB")


def compared(upload: Image.Image, download: Image.Image, placement: Placement = SAME_PLACE) -> Comparison:
    return Comparison(upload.convert("L"), download.convert("L"), placement)


def box(index: int) -> Box:
    return Box(left_px=index * SIDE, top_px=0, right_px=(index + 1) * SIDE, bottom_px=SIDE)


FIRST = window(COFFEE, 200, 90)
OTHERS = (window(ASTRONAUT, 150, 60), window(COFFEE, 40, 200), window(ASTRONAUT, 20, 330))


@pytest.mark.parametrize("quality", [55, 70, 94])
@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_compressed_and_resized_tiles_are_accepted(quality, scale):
    upload = sheet(FIRST, *OTHERS)
    size = (round(upload.width * scale), round(upload.height * scale))
    download = jpeg(upload if scale == 1 else upload.resize(size, Image.Resampling.BILINEAR), quality)
    comparison = compared(upload, download, Placement(scale, scale, 0.0, 0.0))
    assert comparison.same
    for index in range(4):
        check = comparison.check(box(index))
        assert check.refusal is None, (index, check)
        assert check.correlation > 0.98


def look_alikes() -> dict[str, Image.Image]:
    patched = FIRST.copy()
    patched.paste(OTHERS[0].crop((40, 40, 80, 80)), (60, 60))
    marked = FIRST.copy()
    ImageDraw.Draw(marked).rectangle((90, 120, 150, 150), fill=(255, 255, 255))
    return {
        "moved 2 px": window(COFFEE, 202, 90),
        "moved 8 px": window(COFFEE, 200, 98),
        "enlarged 2 %": window(COFFEE, 201.6, 91.6, SIDE / 1.02),
        "mirrored": FIRST.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "patched": patched,
        "watermarked": marked,
        "blurred": FIRST.filter(ImageFilter.GaussianBlur(3)),
        "darker": FIRST.point(lambda level: int(level * 0.85)),
        "another": OTHERS[0],
    }


@pytest.mark.parametrize("kind", sorted(look_alikes()))
@pytest.mark.parametrize("quality", [55, 94])
def test_look_alikes_are_refused_and_their_neighbours_are_not(kind, quality):
    comparison = compared(sheet(FIRST, *OTHERS), jpeg(sheet(look_alikes()[kind], *OTHERS), quality))
    assert comparison.check(box(0)).refusal
    assert [comparison.check(box(index)).refusal for index in (1, 2, 3)] == [None] * 3


@pytest.mark.parametrize("at", [(0, 0), (160, 208), (208, 208)])
def test_a_change_anywhere_in_a_tile_that_came_back_small_is_found(at):
    photo = ASTRONAUT.crop((0, 0, 512, 256))
    changed = photo.copy()
    changed.paste(photo.crop((*at, at[0] + 48, at[1] + 48)).point(lambda level: min(255, level + 24)), at)
    download = jpeg(changed.resize((256, 128), Image.Resampling.LANCZOS), 75)
    comparison = compared(photo, download, Placement(0.5, 0.5, 0.0, 0.0))
    first, second = (Box(left_px=left, top_px=0, right_px=left + 256, bottom_px=256) for left in (0, 256))
    assert comparison.check(first).refusal
    assert comparison.check(second).refusal is None


@pytest.mark.parametrize(("cell_px", "levels", "refused"), [(2, 4, False), (16, 4, True), (16, 3, True)])
def test_strong_noise_of_a_coder_in_one_block_is_allowed_and_weaker_content_is_not(cell_px, levels, refused):
    upload = sheet(FIRST, *OTHERS)
    pattern = np.random.default_rng(1).choice([-levels, levels], (32 // cell_px, 32 // cell_px))
    pixels = np.asarray(jpeg(upload, 60)).astype(int)
    pixels[64:96, 64:96] += np.kron(pattern, np.ones((cell_px, cell_px), int))[..., None]
    comparison = compared(upload, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    assert bool(comparison.check(box(0)).refusal) == refused
    assert [comparison.check(box(index)).refusal for index in (1, 2, 3)] == [None] * 3


def test_flat_tiles_are_refused_because_they_could_be_any():
    flat = Image.new("RGB", (SIDE, SIDE), (120, 130, 140))
    upload = sheet(flat, *OTHERS)
    check = compared(upload, jpeg(upload, 80)).check(box(0))
    assert check.refusal is not None
    assert "flat" in check.refusal


def test_a_sheet_in_another_order_is_not_the_same():
    upload = sheet(FIRST, *OTHERS)
    comparison = compared(upload, jpeg(sheet(*OTHERS, FIRST), 90))
    assert not comparison.same


@pytest.mark.parametrize(("moves", "scale", "offset"), [((-2, -2, 2, 2), 1.01, -2.0), ((-3, -1, 1, 3), 1.005, -1.0)])
def test_a_sheet_of_moved_tiles_is_not_the_same_although_a_stretched_one_fits(moves, scale, offset):
    tiles = [window(COFFEE, 100 + index * 90, 90) for index in range(4)]
    moved = [window(COFFEE, 100 + index * 90 - px, 90) for index, px in enumerate(moves)]
    assert not compared(sheet(*tiles), jpeg(sheet(*moved), 80), Placement(scale, 1.0, offset, 0.0)).same


def test_another_picture_that_shares_a_part_is_not_the_same():
    upload = sheet(FIRST, OTHERS[0])
    moved = compared(upload, jpeg(sheet(OTHERS[0], OTHERS[1]), 90), Placement(1.0, 1.0, -SIDE, 0.0))
    assert not moved.same


def test_what_was_cropped_away_has_no_box():
    upload = sheet(FIRST, *OTHERS)
    comparison = compared(upload, upload.crop((SIDE, 0, 3 * SIDE - 8, SIDE)), Placement(1.0, 1.0, -SIDE, 0.0))
    assert comparison.same
    boxes = [comparison.check(box(index)).box for index in range(4)]
    assert [found and found.edges for found in boxes] == [None, (0, 0, SIDE, SIDE), None, None]


def test_brightness_of_the_whole_download_is_no_difference():
    upload = sheet(FIRST, *OTHERS)
    brighter = Image.fromarray((np.asarray(upload) * 0.9 + 12).astype(np.uint8))
    comparison = compared(upload, jpeg(brighter, 85))
    assert comparison.same
    assert all(comparison.check(box(index)).refusal is None for index in range(4))
