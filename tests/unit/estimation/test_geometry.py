"""How a served picture lies on its upload."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from jpeg_samples import exif, save
from pair_samples import photo
from repost.estimation.images.geometry import find_geometry, turned_by
from repost.media.picture import Picture
from repost.media.read import read_picture


def compressed(image, quality=30):
    return read_picture(save(image, quality=quality))


@pytest.mark.parametrize("size", [(400, 300), (120, 90), (801, 601), (40, 30)])
def test_the_same_picture_at_any_size(size):
    found = find_geometry(Picture(photo()), compressed(photo().resize(size)))
    assert found.same_content
    assert found.correlation > (0.97 if min(size) > 64 else 0.9)
    assert found.oriented is None
    assert not found.cropped


@pytest.mark.parametrize("box", [(200, 300), (300, 100), (400, 200)])
def test_a_centre_cut_out_is_cropped(box):
    width, height = box
    scale = max(width / 400, height / 300)
    left, top = (400 - width / scale) / 2, (300 - height / scale) / 2
    cut = photo().resize(box, box=(left, top, 400 - left, 300 - top))
    found = find_geometry(Picture(photo()), compressed(cut))
    assert found.same_content
    assert found.cropped


def test_a_stretched_picture_is_not_cropped():
    found = find_geometry(Picture(photo()), compressed(photo().resize((200, 200))))
    assert found.same_content
    assert not found.cropped


@pytest.mark.parametrize("applied", [True, False])
def test_a_rotated_upload_is_turned_upright_or_left(applied):
    upload = read_picture(save(photo(), quality=95, exif=exif()))
    served = upload.upright().image if applied else upload.image
    found = find_geometry(upload, compressed(served))
    assert found.same_content
    assert found.oriented is applied


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_convention_turns_are_clockwise(degrees):
    turned = photo().rotate(-degrees, expand=True)  # Pillow turns anticlockwise
    assert not find_geometry(Picture(photo()), compressed(turned)).same_content
    assert turned_by(Picture(photo()), compressed(turned)) == degrees
    assert turned_by(Picture(photo()), compressed(photo())) is None


def test_other_photographs_are_not_the_same():
    others = [skimage.data.chelsea(), skimage.data.astronaut(), skimage.data.rocket()]
    pictures = [photo(), *(Image.fromarray(other).resize((400, 300)) for other in others)]
    for first in pictures:
        for second in pictures:
            if first is not second:
                assert find_geometry(Picture(first), compressed(second)).correlation < 0.8


def test_flat_pictures_are_compared_by_their_tone():
    dark, bright = (Picture(Image.new("RGB", (50, 40), tone)) for tone in ("navy", "white"))
    assert find_geometry(dark, dark).same_content
    assert not find_geometry(dark, bright).same_content
    assert not find_geometry(dark, Picture(photo(50, 40))).same_content


def test_alpha_lies_on_white():
    picture = photo().convert("RGBA")
    alpha = np.full((300, 400), 255, np.uint8)
    alpha[:, :160] = 0
    picture.putalpha(Image.fromarray(alpha))
    on_white = Image.new("RGB", picture.size, "white")
    on_white.paste(picture, mask=picture.getchannel("A"))
    assert find_geometry(Picture(picture), compressed(on_white)).same_content


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (3, 2)])
def test_tiny_pictures(size):
    small = photo().resize(size)
    assert find_geometry(Picture(small), Picture(small)).same_content
