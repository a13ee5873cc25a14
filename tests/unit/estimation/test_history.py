"""`estimate_history` on files of every kind."""

import io

import numpy as np
import pytest
from PIL import Image

from blind_pictures import decode, encode, photo_like, shared_at
from jpeg_samples import picture, samples, save
from repost.core.errors import MediaError, NotMedia, UnreadableMedia, UnsupportedMedia
from repost.estimation.history.estimate import estimate_history, table_layers
from repost.media.jpeg_tables import ijg_tables


def _said(history):
    return [(layer.quality, layer.table_exact, layer.subsampling, layer.source) for layer in history.layers]


def test_tables_are_the_outer_layer():
    history = estimate_history(encode(photo_like(), quality=83, subsampling="4:2:2"))
    assert _said(history) == [(83, True, "4:2:2", "tables")]
    assert history.compressed
    assert history.layers[0].evidence_nats is None


@pytest.mark.parametrize(("first", "second"), [(71, 100), (80, 92)])
def test_a_wrapper_hides_a_coarser_table(first, second):
    """As a phone's own save at quality 100 hides what the network had done."""
    history = estimate_history(encode(shared_at(photo_like(), first), quality=second, subsampling="4:4:4"))
    assert _said(history) == [(second, True, "4:4:4", "tables"), (first, True, None, "pixels")]


def test_saturated_coefficients_are_read_all_the_same():
    bright = np.clip(photo_like().astype(int) * 2 - 90, 0, 255).astype(np.uint8)
    history = estimate_history(encode(shared_at(bright, 60), quality=90))
    assert [layer.quality for layer in history.layers] == [90, 60]


def test_a_table_of_its_own_has_its_nearest_quality():
    luma, chroma = (list(table) for table in ijg_tables(90))
    luma[7] += 2
    history = estimate_history(encode(photo_like(), qtables=[luma, chroma]))
    assert _said(history) == [(90, False, "4:2:0", "tables")]
    assert history.layers[0].table == tuple(luma)


@pytest.mark.parametrize("kind", samples())
def test_every_kind_of_jpeg_has_its_tables_told(kind):
    data = samples()[kind]
    try:
        history = estimate_history(data)
    except UnreadableMedia:
        with pytest.raises(OSError), Image.open(io.BytesIO(data)) as image:  # only what Pillow refuses too
            image.load()
        return
    assert history.compressed
    assert history.layers[0].source == "tables"
    assert history.layers[0] == table_layers(data)[0]
    coded_as_rgb = kind in ("rgb", "RGB ids, no JFIF", "cmyk")
    assert (history.doubt is not None) == coded_as_rgb


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L"])
def test_pixels_in_other_containers(format_, mode):
    if format_ == "BMP" and mode == "LA":
        pytest.skip("BMP has no such mode")
    source = photo_like() if mode.startswith("RGB") else photo_like()[..., 1]
    image = Image.fromarray(decode(encode(source, quality=76)))
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(photo_like(7)[..., 0]))
    buffer = io.BytesIO()
    image.crop((5, 2, 165, 150)).save(buffer, format_)
    history = estimate_history(buffer.getvalue())
    assert history.format == format_.lower()
    assert [layer.quality for layer in history.layers] == [76]
    assert history.layers[0].source == "pixels"
    assert history.grid_phase_px == (3, 6)


def test_a_lossless_original_has_no_layers():
    history = estimate_history(save(Image.fromarray(photo_like()), "PNG"))
    assert (history.compressed, history.layers, history.grid_phase_px) == (False, (), None)
    assert table_layers(save(picture(), "PNG")) == ()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_even_picture_holds_no_evidence(value):
    even = np.full((64, 80, 3), value, np.uint8)
    assert _said(estimate_history(encode(shared_at(even, 60), quality=90))) == [(90, True, "4:2:0", "tables")]
    assert estimate_history(save(Image.fromarray(shared_at(even, 60)), "PNG")).layers == ()


def test_an_earlier_table_of_its_own_is_not_passed_off_as_exact():
    luma, chroma = (list(table) for table in ijg_tables(75))
    luma[9] += 3
    once = encode(photo_like(1, 512, 512), qtables=[luma, chroma])
    outer, inner = estimate_history(encode(decode(once), quality=96)).layers
    assert (outer.quality, inner.quality, inner.table_exact) == (96, 75, False)
    assert inner.table[9] is None


def test_a_jpeg_of_one_pixel():
    assert _said(estimate_history(save(picture(1, 1), quality=75))) == [(75, True, "4:2:0", "tables")]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnreadableMedia),
        (b"no picture at all", NotMedia),
        (save(picture(), quality=75)[:-300], UnreadableMedia),
        (save(picture(), "PNG")[:200], UnreadableMedia),
        (save(picture(15, 90), "PNG"), UnsupportedMedia),
    ],
)
def test_bad_files_end_in_a_clear_error(data, error):
    with pytest.raises(error) as caught:
        estimate_history(data, name="it.jpg")
    assert isinstance(caught.value, MediaError)
    assert "it.jpg" in str(caught.value)


@pytest.mark.shared
def test_a_served_file_shows_its_tables(shared_data):
    served = shared_data / "platform_files/stego_grad_project/Twitter/Avatar/TwitterHigh.jpg"
    assert _said(estimate_history(served.read_bytes()))[0] == (85, True, "4:2:0", "tables")
