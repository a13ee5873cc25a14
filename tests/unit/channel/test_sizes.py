import pytest
from hypothesis import given
from hypothesis import strategies as st

from repost.channel.sizes import place
from repost.platforms.steps import Resize


def resize(fit: str, **more: object) -> Resize:
    size = {"width_px": 1, "height_px": 1} if fit in ("inside", "cover", "stretch") else {"px": 1}
    return Resize.model_validate({"op": "resize", "fit": fit, **size, **more})


@pytest.mark.parametrize(
    ("upload", "fit", "target", "served"),
    [
        ((3264, 2448), "long_side", (2560, 2560), (2560, 1920)),  # Telegram, measured
        ((5760, 3840), "long_side", (2048, 2048), (2048, 1365)),  # LinkedIn, measured
        ((5760, 3840), "long_side", (4096, 4096), (4096, 2731)),  # Twitter, measured
        ((1920, 1080), "width", (1080, 1080), (1080, 608)),  # Instagram, measured: 607.5 rounds up
        ((1920, 1080), "width", (752, 752), (752, 423)),  # LinkedIn article, measured
        ((1920, 1080), "short_side", (480, 480), (853, 480)),
        ((600, 400), "inside", (300, 300), (300, 200)),
        ((400, 600), "inside", (300, 300), (200, 300)),
    ],
)
def test_convention_sides_round_half_up_as_the_networks_do(upload, fit, target, served):
    assert place(upload, resize(fit), target=target).size == served


def test_convention_rounding_can_be_asked_for():
    assert place((1920, 1080), resize("width", rounding="floor"), target=(1080, 1080)).size == (1080, 607)
    assert place((1920, 1081), resize("width", rounding="ceil"), target=(1080, 1080)).size == (1080, 609)


def test_convention_video_sides_are_even():
    assert place((1920, 1080), resize("short_side", multiple_of=2), target=(480, 480)).size == (854, 480)


@pytest.mark.parametrize("fit", ["long_side", "short_side", "width", "height", "inside"])
def test_small_pictures_grow_only_when_said(fit):
    assert place((100, 50), resize(fit), target=(400, 400)).size == (100, 50)
    grown = place((100, 50), resize(fit, upscale=True), target=(400, 400)).size
    assert 400 in grown
    assert grown[0] == 2 * grown[1]


def test_cover_takes_the_centre():
    placed = place((1920, 1080), resize("cover"), target=(400, 400))
    assert placed.size == (400, 400)
    assert placed.box == (420, 0, 1500, 1080)


@pytest.mark.parametrize(
    ("upload", "target", "size", "box"),
    [
        ((5, 4), (4, 4), (4, 4), (0, 0, 4, 4)),  # one column too many: the right one goes
        ((4, 5), (4, 4), (4, 4), (0, 0, 4, 4)),
        ((401, 300), (300, 300), (300, 300), (50, 0, 350, 300)),
        ((1000, 333), (400, 300), (400, 300), (278, 0, 722, 333)),  # 444.0
        ((1000, 334), (400, 300), (400, 300), (277, 0, 722, 334)),  # 445.33
        ((3000, 1), (400, 300), (1, 1), (1499, 0, 1500, 1)),  # never under 1 px
        ((1, 3000), (300, 400), (1, 1), (0, 1499, 1, 1500)),
    ],
)
def test_convention_cover_keeps_whole_pixels(upload, target, size, box):
    placed = place(upload, resize("cover"), target=target)
    assert (placed.size, placed.box) == (size, box)


def test_cover_keeps_a_small_picture_at_its_own_scale():
    placed = place((150, 100), resize("cover"), target=(320, 320))
    assert placed.size == (100, 100)
    assert place((150, 100), resize("cover", upscale=True), target=(320, 320)).size == (320, 320)


def test_stretch_ignores_the_aspect_ratio():
    assert place((1920, 1080), resize("stretch"), target=(100, 300)).size == (100, 300)


sides = st.integers(1, 9000)


@given(width=sides, height=sides, px=st.integers(1, 5000), fit=st.sampled_from(["long_side", "width", "height"]))
def test_never_enlarges_and_never_vanishes(width, height, px, fit):
    served = place((width, height), resize(fit), target=(px, px)).size
    assert 1 <= served[0] <= width
    assert 1 <= served[1] <= height


@given(width=sides, height=sides, target=st.tuples(st.integers(1, 3000), st.integers(1, 3000)), upscale=st.booleans())
def test_cover_stays_inside_the_picture(width, height, target, upscale):
    placed = place((width, height), resize("cover", upscale=upscale), target=target)
    left, top, right, bottom = placed.box
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert all(isinstance(edge, int) for edge in placed.box)
    assert 0 <= (width - right) - left <= 1
    assert 0 <= (height - bottom) - top <= 1
    assert min(placed.size) >= 1


def test_a_multiple_enlarges_nothing_that_is_not_to_be_enlarged():
    step = Resize(op="resize", fit="short_side", px=480, multiple_of=2)
    assert place((241, 181), step, target=(480, 480)).size == (240, 180)
    assert place((961, 721), step, target=(480, 480)).size == (640, 480)
    growing = step.model_copy(update={"upscale": True})
    assert place((241, 181), growing, target=(182, 182)).size == (242, 182)
