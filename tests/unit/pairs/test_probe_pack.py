"""The probe pack: what is promised of each file is in it, and each is told from the others."""

import collections

import numpy as np
import pytest
import skimage.data
from PIL import Image

from repost.channel import emulate
from repost.core.errors import UnsafeOutput, UsageError
from repost.media.picture import busyness
from repost.media.read import open_image
from repost.pairs import probe_pack
from repost.pairs.manifest import load_sheets
from repost.pairs.probe_pack import FILES, make_probe_pack
from repost.pairs.recover import recover


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    photo = folder / "photo.png"
    Image.fromarray(skimage.data.astronaut()).save(photo)
    make_probe_pack(folder / "pack", [photo], platform="new")
    return folder / "pack"


@pytest.fixture
def small_files(monkeypatch):
    """The pack without its largest files, which take most of the time."""
    files = tuple(file for file in FILES if max(file.size_px) < 1700)
    monkeypatch.setattr(probe_pack, "FILES", files)
    return files


def facts(pack, name):
    (sheet,) = [one for one in load_sheets(pack).sheets if one.id == name]
    data = (pack / sheet.file).read_bytes()
    return open_image(data, name=name)[1], sheet


def test_every_file_is_what_it_says(pack):
    for file in FILES:
        found, sheet = facts(pack, file.name)
        assert (found.width_px, found.height_px) == file.size_px == (sheet.width_px, sheet.height_px)
        assert found.format == ("png" if file.quality is None else "jpeg")
        assert [tile.box.edges for tile in sheet.tiles] == [(0, 0, *file.size_px)]
    assert facts(pack, "jpeg_low")[0].orientation == 6
    assert "exif" in facts(pack, "jpeg_low")[0].metadata
    assert {"icc", "xmp"} <= facts(pack, "jpeg_profile")[0].metadata
    assert facts(pack, "png_alpha")[0].has_alpha
    best = facts(pack, "jpeg_best")[0].jpeg
    assert (best.process, best.subsampling) == ("progressive", "4:4:4")
    assert facts(pack, "jpeg_1264")[0].jpeg.subsampling == "4:2:0"


def test_each_limit_has_a_file_on_either_side():
    sides = [max(file.size_px) for file in FILES if not file.flat and not file.extra]
    widths = [file.size_px[0] for file in FILES]
    for limit, found in ((900, sides), (1080, widths), *((limit, sides) for limit in (1280, 1600, 2048, 2560, 4096))):
        assert any(0.97 * limit < side < limit for side in found), limit
        assert any(limit < side < 1.03 * limit for side in found), limit


def test_flat_files_are_flat_and_the_others_busy(pack):
    for file in FILES:
        with Image.open(pack / f"files/{file.name}.{'png' if file.quality is None else 'jpg'}") as opened:
            found = busyness(opened.convert("RGB"))
        assert (found < 1.5) == file.flat, (file.name, found)


def test_the_readme_names_every_file_and_what_to_do(pack):
    text = (pack / "README.txt").read_text()
    assert all(f"files/{file.name}." in text for file in FILES)
    assert "repost pairs recover" in text
    assert "repost estimate images --pairs" in text


def test_the_same_photographs_give_the_same_pack_and_none_are_needed(pack, small_files, tmp_path):
    again = make_probe_pack(tmp_path / "again", [pack.parent / "photo.png"], platform="new")
    names = {file.name for file in small_files}
    assert again.sheets == tuple(sheet for sheet in load_sheets(pack).sheets if sheet.id in names)
    without = make_probe_pack(tmp_path / "without", [])
    with Image.open(tmp_path / "without/files/png_880.png") as opened:
        assert busyness(opened.convert("RGB")) > 4
    assert len({sheet.sha256 for sheet in without.sheets}) == len(small_files)


def test_downloads_of_a_pack_from_one_photograph_are_told_apart(pack, small_files, tmp_path):
    """The hard case: every picture is made of the same photograph, and the network brings most to one size."""
    sheets = make_probe_pack(tmp_path / "pack", [pack.parent / "photo.png"]).sheets
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    order = np.random.default_rng(0).permutation(len(sheets))
    names: dict[str, str] = {}
    for name, index in enumerate(order[1:]):
        names[sheets[index].id] = f"{name}.jpg"
        data = (tmp_path / "pack" / sheets[index].file).read_bytes()
        (downloads / f"{name}.jpg").write_bytes(emulate(data, "instagram").data)
    pairs = recover(tmp_path / "pack", downloads, out=tmp_path / "pairs")
    assert {pair.sheet_id: pair.download_name for pair in pairs.files} == names
    kinds = collections.Counter(row.kind for row in pairs.problems)
    assert kinds["missing"] == 1
    assert set(kinds) <= {"missing", "tile_rejected"}


def test_files_that_somebody_keeps_there_are_not_replaced(small_files, tmp_path):
    (tmp_path / "README.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"already holds .*README\.txt"):
        make_probe_pack(tmp_path, [])
    assert (tmp_path / "README.txt").read_text() == "mine"
    (tmp_path / "README.txt").unlink()
    (tmp_path / "files").mkdir()
    photo = tmp_path / "files" / "png_880.png"
    Image.fromarray(skimage.data.astronaut()).save(photo)
    before = photo.read_bytes()
    with pytest.raises(UnsafeOutput):
        make_probe_pack(tmp_path, [photo])
    assert photo.read_bytes() == before


def test_the_manifest_of_another_pack_is_never_replaced(small_files, tmp_path):
    made = make_probe_pack(tmp_path, [])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="holds another pack"):
        make_probe_pack(tmp_path, [], seed=1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert make_probe_pack(tmp_path, []) == made
