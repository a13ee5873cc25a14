"""Recovery: what networks and people do to downloads, and everything that is no pair named."""

import hashlib
import io
import json
import os
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from repost.core.errors import InputNotFound, MissingExtra, UnsafeOutput, UsageError
from repost.media.sniff import EXTENSIONS
from repost.pairs.manifest import InvalidManifest, load_pairs
from repost.pairs.recover import recover


@pytest.fixture
def downloads(tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
def all_but(uploaded, downloads, served):
    """Put plain downloads of every sheet but some in the folder, under names that say nothing."""

    def put(*left_out: int) -> None:
        for index in range(len(uploaded.manifest.sheets)):
            if index not in left_out:
                name = hashlib.sha256(str(index).encode()).hexdigest()[:8]
                (downloads / f"{name}.jpg").write_bytes(served(uploaded.picture(index)))

    return put


def largest(uploaded) -> int:
    sheets = uploaded.manifest.sheets
    return max(range(len(sheets)), key=lambda index: len(sheets[index].tiles))


def problems(pairs, *kinds):
    return [row for row in pairs.problems if row.kind in kinds]


def rows_but_hidden(pairs):
    return [row for row in pairs.problems if row.kind != "tile_hidden"]


def test_renamed_downloads_find_their_sheets_and_tiles(uploaded, downloads, all_but, tmp_path):
    all_but()
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert not rows_but_hidden(pairs)
    assert load_pairs(tmp_path / "pairs") == pairs
    sheets = {sheet.id: (index, sheet) for index, sheet in enumerate(uploaded.manifest.sheets)}
    assert {pair.sheet_id for pair in pairs.files} == set(sheets)
    assert len(pairs.tiles) == sum(len(sheet.tiles) for _, sheet in sheets.values())
    for pair in pairs.tiles:
        index, sheet = sheets[pair.sheet_id]
        original = uploaded.picture(index).crop(pair.box.edges)
        with Image.open(tmp_path / "pairs" / pair.original) as kept:
            assert np.array_equal(np.asarray(kept), np.asarray(original))
        (file,) = [one for one in pairs.files if one.sheet_id == sheet.id]
        with (
            Image.open(downloads / file.download_name) as download,
            Image.open(tmp_path / "pairs" / pair.transmitted) as kept,
        ):
            assert np.array_equal(np.asarray(kept), np.asarray(download.convert("RGB").crop(pair.box.edges)))
        assert pair.derivative is None
    for file in pairs.files:
        assert (tmp_path / "pairs" / file.download).read_bytes() == (downloads / file.download_name).read_bytes()
        upload = (tmp_path / "pairs" / file.upload).read_bytes()
        assert hashlib.sha256(upload).hexdigest() == file.upload_sha256 == sheets[file.sheet_id][1].sha256


def changed(image: Image.Image, kind: str) -> tuple[Image.Image, dict]:
    width, height = image.size
    if kind == "turned":
        return image.transpose(Image.Transpose.ROTATE_90), {"rotation": 270}
    if kind == "resized":
        size = (round(width * 0.7), round(height * 0.7))
        return image.resize(size, Image.Resampling.BICUBIC), {"scale_x": size[0] / width, "offset_x_px": 0.0}
    if kind == "cropped":
        return image.crop((24, 8, width - 40, height)), {"offset_x_px": -24.0, "offset_y_px": -8.0}
    padded = Image.new("RGB", (width + 90, height + 40), "white")
    padded.paste(image, (30, 0))
    return padded, {"offset_x_px": 30.0, "offset_y_px": 0.0}


@pytest.mark.parametrize("kind", ["turned", "resized", "cropped", "padded"])
def test_what_was_done_to_a_sheet_is_found(uploaded, downloads, all_but, served, tmp_path, kind):
    index = largest(uploaded)
    all_but(index)
    image, expected = changed(uploaded.picture(index), kind)
    (downloads / "it.jpg").write_bytes(served(image, 75))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert not rows_but_hidden(pairs)
    (file,) = [one for one in pairs.files if one.download_name == "it.jpg"]
    found = file.registration.model_dump()
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    tiles = [pair for pair in pairs.tiles if pair.sheet_id == file.sheet_id]
    assert len(tiles) == file.tiles_verified == file.tiles_visible > 0
    assert all((pair.derivative is not None) == (kind == "resized") for pair in tiles)
    for pair in tiles:
        with Image.open(tmp_path / "pairs" / pair.original) as one:
            original = np.asarray(one.convert("L"), float)
        with Image.open(tmp_path / "pairs" / (pair.derivative or pair.transmitted)) as other:
            came_back = np.asarray(other.convert("L"), float)
        assert np.corrcoef(original.ravel(), came_back.ravel())[0, 1] > (0.9 if kind == "resized" else 0.97)


@pytest.mark.parametrize("format_", ["WEBP", "PNG", "AVIF", "HEIF"])
@pytest.mark.parametrize("quality", [55, 94])
def test_converted_downloads_are_found(uploaded, downloads, all_but, tmp_path, format_, quality):
    if format_ == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs repost[heif]").register_heif_opener()
    index = largest(uploaded)
    all_but(index)
    picture = uploaded.picture(index)
    smaller = picture.resize((round(picture.width * 0.8), round(picture.height * 0.8)), Image.Resampling.BICUBIC)
    smaller.save(downloads / "it.jpg", format_, quality=quality)  # and the name lies
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert not rows_but_hidden(pairs)
    (file,) = [one for one in pairs.files if one.download_name == "it.jpg"]
    assert file.download.endswith(EXTENSIONS[format_.lower()])
    assert file.registration.scale_x == pytest.approx(0.8, abs=0.01)
    assert file.tiles_verified == len(uploaded.manifest.sheets[index].tiles)


def test_heic_without_its_reader_says_what_to_install(uploaded, downloads, all_but, tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif", reason="needs repost[heif] to make the file")
    all_but(0)
    heif.from_pillow(uploaded.picture(0)).save(downloads / "it.heic", quality=80)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtra, match=r"repost\[heif\]"):
        recover(uploaded.folder, downloads, out=tmp_path / "pairs")


def test_exif_orientation_of_a_download_is_applied(uploaded, downloads, all_but, served, tmp_path):
    all_but(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = uploaded.picture(0).transpose(Image.Transpose.ROTATE_90)
    (downloads / "it.jpg").write_bytes(served(lying, exif=exif))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert not rows_but_hidden(pairs)
    (file,) = [one for one in pairs.files if one.download_name == "it.jpg"]
    assert file.registration.rotation == 0


def test_missing_wrong_and_unreadable_are_named(uploaded, downloads, all_but, served, tmp_path):
    all_but(0)
    good = served(uploaded.picture(0))
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    Image.fromarray(noise).save(downloads / "stranger.png")
    (downloads / "cut.jpg").write_bytes(good[: len(good) // 2])
    (downloads / "text.jpg").write_text("not a picture")
    (downloads / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(64))
    (downloads / "notes.txt").write_text("left alone")
    (downloads / ".hidden.jpg").write_text("left alone")
    (downloads / "link.jpg").symlink_to(uploaded.folder / uploaded.manifest.sheets[0].file)
    os.mkfifo(downloads / "pipe.jpg")
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    (downloads / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert pairs.failed
    assert [row.sheet_id for row in problems(pairs, "missing")] == [uploaded.manifest.sheets[0].id]
    assert {row.downloads for row in problems(pairs, "wrong")} == {("stranger.png",)}
    named = {name for row in problems(pairs, "unreadable") for name in row.downloads}
    assert named == {"cut.jpg", "text.jpg", "clip.mp4", "link.jpg", "pipe.jpg", "bomb.png"}
    assert len(pairs.files) == len(uploaded.manifest.sheets) - 1


def test_two_different_downloads_of_one_sheet_are_both_named_and_neither_used(
    uploaded, downloads, all_but, served, tmp_path
):
    all_but(0)
    for name, quality in (("a.jpg", 60), ("b.jpg", 90)):
        (downloads / name).write_bytes(served(uploaded.picture(0), quality))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    (row,) = rows_but_hidden(pairs)
    assert (row.kind, row.downloads, row.sheet_id) == ("duplicate", ("a.jpg", "b.jpg"), uploaded.manifest.sheets[0].id)
    assert row.sheet_id not in {file.sheet_id for file in pairs.files}
    assert not list((tmp_path / "pairs").rglob(f"{row.sheet_id}*"))  # not even files of the first


def test_the_same_bytes_twice_are_told_and_harmless(uploaded, downloads, all_but, tmp_path):
    all_but()
    first = sorted(downloads.iterdir())[0]
    shutil.copy(first, downloads / f"{first.stem} (1).jpg")
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert [row.kind for row in rows_but_hidden(pairs)] == ["copy"]
    assert not pairs.failed
    assert len(pairs.files) == len(uploaded.manifest.sheets)


def test_a_thumbnail_is_named_and_does_not_count(uploaded, downloads, all_but, served, tmp_path):
    index = largest(uploaded)
    all_but(index)
    picture = uploaded.picture(index)
    small = picture.resize((round(picture.width * 0.18), round(picture.height * 0.18)), Image.Resampling.LANCZOS)
    (downloads / "thumb.jpg").write_bytes(served(small, 90))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert [row.downloads for row in problems(pairs, "thumbnail")] == [("thumb.jpg",)]
    assert "thumb.jpg" in problems(pairs, "missing")[0].reason


def test_a_download_too_small_to_show_anything_says_so(uploaded, downloads, all_but, served, tmp_path):
    all_but(0)
    (downloads / "icon.jpg").write_bytes(served(uploaded.picture(0).resize((64, 30))))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    (row,) = problems(pairs, "wrong")
    assert "64x30 px" in row.reason
    assert "full size" in row.reason


def test_a_sheet_in_another_order_is_wrong(uploaded, downloads, all_but, served, tmp_path):
    index = largest(uploaded)
    all_but(index)
    picture, boxes = uploaded.picture(index), [tile.box.edges for tile in uploaded.manifest.sheets[index].tiles]
    mixed = picture.copy()
    order = np.random.default_rng(1).permutation(len(boxes))
    for place, taken in enumerate(order):
        mixed.paste(picture.crop(boxes[taken]), boxes[place][:2])
    (downloads / "mixed.jpg").write_bytes(served(mixed, 90))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    assert [row.downloads for row in problems(pairs, "wrong")] == [("mixed.jpg",)]


def test_one_foreign_tile_is_refused_alone(uploaded, downloads, all_but, served, tmp_path):
    index = largest(uploaded)
    all_but(index)
    picture, tiles = uploaded.picture(index), uploaded.manifest.sheets[index].tiles
    picture.paste(picture.crop(tiles[1].box.edges), tiles[0].box.edges[:2])
    (downloads / "it.jpg").write_bytes(served(picture, 90))
    pairs = recover(uploaded.folder, downloads, out=tmp_path / "pairs")
    (row,) = rows_but_hidden(pairs)
    assert (row.kind, row.tile_index) == ("tile_rejected", 0)
    sheet_id = uploaded.manifest.sheets[index].id
    assert sum(pair.sheet_id == sheet_id for pair in pairs.tiles) == len(tiles) - 1


def test_the_same_again_is_the_same_bytes(uploaded, downloads, all_but, tmp_path):
    all_but()
    for name in ("one", "two"):
        recover(uploaded.folder, downloads, out=tmp_path / name)
    first, second = (
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob("*.*")
         if path.is_file()}
        for name in ("one", "two")
    )  # fmt: skip
    assert first == second


def test_pairs_of_other_downloads_are_not_replaced(uploaded, downloads, all_but, tmp_path):
    all_but()
    out = tmp_path / "pairs"
    recover(uploaded.folder, downloads, out=out)
    before = (out / "pairs.json").read_bytes()
    recover(uploaded.folder, downloads, out=out)  # the same ones again, or more of them
    empty = tmp_path / "other"
    empty.mkdir()
    with pytest.raises(UsageError, match="pairs of other downloads"):
        recover(uploaded.folder, empty, out=out)
    assert (out / "pairs.json").read_bytes() == before


@pytest.fixture
def copied(uploaded, tmp_path):
    shutil.copytree(uploaded.folder, tmp_path / "copied")
    return tmp_path / "copied"


def test_a_sheet_that_is_gone_or_not_the_one_made_is_an_error(copied, downloads, uploaded, tmp_path):
    first, second = (copied / sheet.file for sheet in uploaded.manifest.sheets[:2])
    first.unlink()
    Image.new("RGB", (64, 64)).save(second)
    with pytest.raises(InvalidManifest) as caught:
        recover(copied, downloads, out=tmp_path / "pairs")
    assert [field for field, _ in caught.value.problems] == ["sheets.0.file", "sheets.1.sha256"]


def test_a_sheet_that_links_out_of_the_folder_is_an_error(copied, downloads, uploaded, tmp_path):
    file = copied / uploaded.manifest.sheets[0].file
    file.rename(tmp_path / "outside.png")
    file.symlink_to(tmp_path / "outside.png")
    with pytest.raises(InvalidManifest, match="leads out"):
        recover(copied, downloads, out=tmp_path / "pairs")


def test_a_size_that_is_not_the_file_s_is_an_error(copied, downloads, tmp_path):
    content = json.loads((copied / "sheets.json").read_text())
    content["sheets"][0]["width_px"] += 128
    (copied / "sheets.json").write_text(json.dumps(content))
    with pytest.raises(InvalidManifest) as caught:
        recover(copied, downloads, out=tmp_path / "pairs")
    assert [field for field, _ in caught.value.problems] == ["sheets.0.width_px"]


def test_places_that_would_mix_are_refused(copied, downloads, tmp_path):
    for out in (copied, downloads, downloads / "pairs"):
        with pytest.raises(UnsafeOutput):
            recover(copied, downloads, out=out)
    with pytest.raises(UsageError, match="folder of its own"):  # not of the output, which is none of both
        recover(copied, copied, out=tmp_path / "pairs")
    shutil.copytree(downloads, tmp_path / "here" / "files")
    before = sorted((tmp_path / "here" / "files").iterdir())
    with pytest.raises(UnsafeOutput):  # the pairs' own folder of that name
        recover(copied, tmp_path / "here" / "files", out=tmp_path / "here")
    assert sorted((tmp_path / "here" / "files").iterdir()) == before
    with pytest.raises(InputNotFound):
        recover(copied, tmp_path / "nowhere", out=tmp_path / "pairs")


def test_two_equal_sheets_are_ambiguous(tmp_path, downloads, sources, served):
    from repost.pairs.sheets import make_sheets, settings_for

    twins = tmp_path / "twins"
    twins.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(sorted(sources.iterdir())[0], twins / name)
    settings = settings_for("", tile_px=128, max_size_px=(128, 128))
    make_sheets([twins], tmp_path / "upload", platform="", settings=settings)
    with Image.open(io.BytesIO((sources / "photo 00.png").read_bytes())) as opened:
        (downloads / "it.jpg").write_bytes(served(opened.convert("RGB"), 85))
    pairs = recover(tmp_path / "upload", downloads, out=tmp_path / "pairs")
    assert [row.kind for row in pairs.problems] == ["ambiguous", "missing", "missing"]
    assert not pairs.files
