"""Sheets: every source once, edges on the MCU grid, the same bytes for the same seed."""

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repost.core.errors import UnsafeOutput, UsageError
from repost.core.seeding import derive_random
from repost.pairs.manifest import load_sheets
from repost.pairs.sheets import draw_grids, make_sheets, settings_for


def bytes_below(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_source_is_on_exactly_one_sheet(uploaded, sources):
    counted = collections.Counter(tile.source_id for sheet in uploaded.manifest.sheets for tile in sheet.tiles)
    assert counted == dict.fromkeys((path.name for path in sources.iterdir()), 1)
    assert load_sheets(uploaded.folder) == uploaded.manifest


def test_a_tile_holds_its_source(uploaded, sources):
    for index, sheet in enumerate(uploaded.manifest.sheets):
        picture = uploaded.picture(index)
        assert picture.size == (sheet.width_px, sheet.height_px)
        for tile in sheet.tiles:
            with Image.open(sources / tile.source_id) as source:
                assert np.array_equal(np.asarray(picture.crop(tile.box.edges)), np.asarray(source))


def test_convention_edges_lie_on_multiples_of_16(uploaded):
    edges = [edge for sheet in uploaded.manifest.sheets for tile in sheet.tiles for edge in tile.box.edges]
    assert all(edge % 16 == 0 for edge in edges)
    with pytest.raises(UsageError, match="tile_px"):
        settings_for("twitter", tile_px=250)


def test_the_seed_decides_everything(sources, tmp_path):
    settings = settings_for("twitter", tile_px=128, max_size_px=(512, 512))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_sheets([sources], tmp_path / name, platform="twitter", settings=settings, seed=seed)
    assert bytes_below(tmp_path / "a") == bytes_below(tmp_path / "b")
    assert bytes_below(tmp_path / "a") != bytes_below(tmp_path / "c")


def test_the_manifest_of_other_sheets_is_never_replaced(sources, tmp_path):
    """Without it, what was uploaded by hand is lost."""
    settings = settings_for("", tile_px=128, max_size_px=(256, 256))
    make_sheets([sources], tmp_path, platform="", settings=settings)
    before = bytes_below(tmp_path)
    smaller = settings_for("", tile_px=64, max_size_px=(256, 256))
    for some, other, seed in (
        ([sources], settings, 1),
        ([sources], smaller, 0),
        ([next(sources.iterdir())], settings, 0),
    ):
        with pytest.raises(UsageError, match="holds other sheets"):
            make_sheets(some, tmp_path, platform="", settings=other, seed=seed)
    assert bytes_below(tmp_path) == before


def test_finished_sheets_are_kept_and_damaged_ones_made_again(sources, tmp_path):
    settings = settings_for("", tile_px=128, max_size_px=(256, 256))
    made = make_sheets([sources], tmp_path, platform="", settings=settings)
    kept, damaged = (tmp_path / sheet.file for sheet in made.sheets[:2])
    before, content = kept.stat().st_mtime_ns, damaged.read_bytes()
    damaged.write_bytes(b"half")
    assert make_sheets([sources], tmp_path, platform="", settings=settings) == made
    assert kept.stat().st_mtime_ns == before
    assert damaged.read_bytes() == content


def test_jpeg_sheets_are_of_best_quality_without_subsampling(sources, tmp_path):
    settings = settings_for("", tile_px=128, format="jpeg")
    made = make_sheets([sources], tmp_path, platform="", settings=settings)
    with Image.open(tmp_path / made.sheets[0].file) as opened:
        assert opened.format == "JPEG"
        assert max(opened.quantization[0]) == 1
        assert {component[1:3] for component in opened.layer} == {(1, 1)}


@pytest.mark.parametrize(
    ("size", "fit", "shown", "scale"),
    [
        ((400, 300), "fill", (50, 0, 350, 300), 128 / 300),
        ((400, 300), "crop", (136, 86, 264, 214), 1.0),
        ((64, 100), "crop", (0, 18, 64, 82), 2.0),
        ((128, 128), "fill", (0, 0, 128, 128), 1.0),
    ],
)
def test_convention_what_is_shown_of_a_source(tmp_path, size, fit, shown, scale):
    rng = np.random.default_rng(0)
    source = Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), np.uint8))
    source.save(tmp_path / "one.png")
    settings = settings_for("", tile_px=128, fit=fit)
    made = make_sheets([tmp_path / "one.png"], tmp_path / "out", platform="", settings=settings)
    (tile,) = made.sheets[0].tiles
    assert (tile.source_box.edges, tile.scale) == (shown, scale)
    expected = source.crop(shown).resize((128, 128), Image.Resampling.LANCZOS) if scale != 1 else source.crop(shown)
    with Image.open(tmp_path / "out" / made.sheets[0].file) as sheet:
        assert np.array_equal(np.asarray(sheet), np.asarray(expected))


def test_what_cannot_be_used_is_named(sources, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = next(sources.iterdir()).read_bytes()
    (folder / "good.png").write_bytes(good)
    (folder / "cut.png").write_bytes(good[: len(good) // 2])
    (folder / "text.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("nothing to do with it")
    made = make_sheets([folder], tmp_path / "out", platform="", settings=settings_for("", tile_px=128))
    assert {row.source_id for row in made.failed} == {"cut.png", "text.jpg"}
    assert [tile.source_id for sheet in made.sheets for tile in sheet.tiles] == ["good.png"]
    (folder / "good.png").unlink()
    with pytest.raises(UsageError, match="no picture"):
        make_sheets([folder], tmp_path / "none", platform="", settings=settings_for("", tile_px=128))
    with pytest.raises(UnsafeOutput):
        make_sheets([folder], folder, platform="", settings=settings_for("", tile_px=128))


@given(count=st.integers(1, 3000), columns=st.integers(1, 20), rows=st.integers(1, 20), seed=st.integers(0, 99))
def test_grids_hold_exactly_as_many_tiles_and_fit(count, columns, rows, seed):
    settings = settings_for("", tile_px=16, max_size_px=(columns * 16 + 15, rows * 16))
    grids = list(draw_grids(count, settings, derive_random(seed)))
    assert sum(across * down for across, down in grids) == count
    assert all(1 <= across <= columns and 1 <= down <= rows for across, down in grids)


def test_largest_sheets_are_those_of_the_paper():
    sizes = {name: settings_for(name) for name in ("twitter", "twitter/post", "weibo", "")}
    found = {name: (s.max_width_px, s.max_height_px) for name, s in sizes.items()}
    assert found == {
        "twitter": (4096, 4096),
        "twitter/post": (4096, 4096),
        "weibo": (1280, 2048),
        "": (1280, 2048),
    }
