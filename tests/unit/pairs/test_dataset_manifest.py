"""Pairs of our own manifest, and pictures of every kind and fault."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jpeg_samples import exif
from repost.core.errors import InputNotFound, UnreadableMedia, UnsupportedMedia, UsageError
from repost.pairs.dataset import PairedDataset, PairSettings
from repost.pairs.dataset_manifest import from_manifest
from repost.pairs.dataset_pictures import check_pictures, read_pair
from repost.pairs.dataset_records import HARMLESS, InvalidPairs, PairListing, PairRecord, join
from repost.pairs.listing import open_pairs
from repost.pairs.manifest import Box, InvalidManifest, PairManifest, TilePair, write_manifest

TILE_PX, SERVED_PX = 32, 20
SHA = "0" * 64


def noise(seed: int, side_px: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)


def box(side_px: int) -> Box:
    return Box(left_px=0, top_px=0, right_px=side_px, bottom_px=side_px)


def tile(number: int, *, resized: bool) -> TilePair:
    return TilePair(
        id=f"s_{number:03d}",
        sheet_id="s",
        source_id=f"set/{number}.jpg",
        source_sha256=SHA,
        original=f"original/{number}.png",
        transmitted=f"transmitted/{number}.png",
        box=box(TILE_PX),
        transmitted_box=box(SERVED_PX if resized else TILE_PX),
        shift_x_px=0.0,
        shift_y_px=0.0,
        derivative=f"derivative/{number}.png" if resized else None,
        correlation=0.99,
    )


def write_pairs(folder: Path, *, platform: str = "twitter") -> Path:
    """Three tiles; the network resized the second."""
    tiles = [tile(number, resized=number == 1) for number in range(3)]
    for kind in ("original", "transmitted", "derivative"):
        (folder / kind).mkdir(parents=True)
    for number, one in enumerate(tiles):
        Image.fromarray(noise(number, TILE_PX)).save(folder / one.original)
        Image.fromarray(noise(10 + number, one.transmitted_box.size_px[0])).save(folder / one.transmitted)
        if one.derivative:
            Image.fromarray(noise(20 + number, TILE_PX)).save(folder / one.derivative)
    write_manifest(folder / "pairs.json", PairManifest(platform=platform, kind="sheets", tiles=tuple(tiles)))
    return folder


def test_a_network_that_a_manifest_does_not_name_is_the_one_asked_for(tmp_path):
    named, unnamed = write_pairs(tmp_path / "named"), write_pairs(tmp_path / "unnamed", platform="")
    for folder, platform in ((named, "twitter"), (unnamed, "mynet")):
        assert {record.platform for record in open_pairs(folder, unnamed="mynet").records} == {platform}
    with pytest.raises(UsageError, match="does not say from which network"):
        open_pairs(unnamed)


@pytest.fixture
def pairs(tmp_path) -> Path:
    return write_pairs(tmp_path / "pairs")


@pytest.mark.parametrize("name", ["", "pairs.json"])
def test_recovered_pairs_are_loaded_at_the_size_the_network_served(pairs, name):
    data = PairedDataset(from_manifest(pairs / name))
    for number, pair in enumerate(data):
        np.testing.assert_array_equal(pair.original, noise(number, TILE_PX))
        np.testing.assert_array_equal(pair.transmitted, noise(10 + number, SERVED_PX if number == 1 else TILE_PX))
        assert (pair.platform, pair.attributes.shape) == ("twitter", (0,))
    assert [record.source_id for record in data.records] == ["set/0.jpg", "set/1.jpg", "set/2.jpg"]
    assert data.attribute_names == ()


def test_at_the_size_of_the_original_the_marked_derivative_is_taken(pairs):
    data = PairedDataset(from_manifest(pairs), PairSettings(size="original"))
    expected = [noise(10, TILE_PX), noise(21, TILE_PX), noise(12, TILE_PX)]
    for pair, transmitted in zip(data, expected, strict=True):
        np.testing.assert_array_equal(pair.transmitted, transmitted)


def test_the_network_is_the_manifests_or_the_callers(tmp_path):
    unnamed = write_pairs(tmp_path / "a", platform="")
    with pytest.raises(UsageError, match="name it"):
        from_manifest(unnamed)
    one, other = from_manifest(unnamed, platform="weibo"), from_manifest(write_pairs(tmp_path / "b"))
    assert {record.platform for record in one.records} == {"weibo"}
    assert PairedDataset(join([one, other])).platforms == ("twitter", "weibo")


def test_attributes_come_from_a_file_with_more_sources(pairs, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("4\nMale Young\nset/2.jpg 1 1\nset/0.jpg -1 1\nelsewhere.jpg 1 1\nset/1.jpg 1 -1\n")
    listing = from_manifest(pairs, attributes=path)
    assert listing.attribute_names == ("Male", "Young")
    assert [record.attributes for record in listing.records] == [(False, True), (True, False), (True, True)]


def test_sources_without_attributes_are_named(pairs, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("2\nMale\nset/2.jpg 1\nset/0.jpg maybe\n")
    with pytest.raises(InvalidPairs) as raised:
        from_manifest(pairs, attributes=path)
    assert [(p.kind, p.name) for p in raised.value.problems] == [
        ("no_attributes", "set/0.jpg"), ("no_attributes", "set/1.jpg"), ("values", "set/0.jpg")
    ]  # fmt: skip
    skipped = from_manifest(pairs, attributes=path, skip_bad=True)
    assert [record.source_id for record in skipped.records] == ["set/2.jpg"]
    assert skipped.problems == raised.value.problems


@pytest.mark.parametrize("lost", ["original/1.png", "transmitted/1.png", "derivative/1.png"])
def test_a_missing_picture_is_named(pairs, lost):
    (pairs / lost).unlink()
    with pytest.raises(InvalidPairs, match=lost):
        from_manifest(pairs)
    skipped = from_manifest(pairs, skip_bad=True)
    assert [record.source_id for record in skipped.records] == ["set/0.jpg", "set/2.jpg"]
    assert [problem.kind for problem in skipped.problems] == ["missing"]


def test_a_manifest_with_paths_that_lead_out_is_refused(pairs):
    text = (pairs / "pairs.json").read_text()
    (pairs / "pairs.json").write_text(text.replace("original/1.png", "../../etc/passwd"))
    with pytest.raises(InvalidManifest, match="original"):
        from_manifest(pairs, skip_bad=True)


def listing_of(*pairs: tuple[Path, Path]) -> PairListing:
    return PairListing(tuple(PairRecord(str(n), *pair, "facebook") for n, pair in enumerate(pairs)))


def stored(folder: Path, name: str, image: Image.Image, **settings) -> Path:
    image.save(folder / name, **settings)
    return folder / name


def test_convention_grey_alpha_depth_and_orientation_are_shown_as_a_viewer_does(tmp_path):
    ramp = np.arange(48, dtype=np.uint8).reshape(6, 8)
    rgb = np.stack([ramp, ramp + 60, ramp + 120], axis=2)
    see_through = np.dstack([rgb, np.zeros((6, 8, 1), np.uint8)])
    see_through[:3, :, 3] = 255
    on_white = rgb.copy()
    on_white[3:] = 255
    turned = exif()  # orientation 6
    shown = {
        "grey.png": (Image.fromarray(ramp), {}, np.dstack([ramp] * 3)),
        "deep.png": (Image.fromarray(ramp.astype(np.uint16) * 257), {}, np.dstack([ramp] * 3)),
        "alpha.png": (Image.fromarray(see_through), {}, on_white),
        "palette.gif": (Image.fromarray(ramp).convert("P"), {}, np.dstack([ramp] * 3)),
        "turned.png": (Image.fromarray(rgb), {"exif": turned}, np.rot90(rgb, -1)),
    }
    for name, (image, settings, expected) in shown.items():
        path = stored(tmp_path, name, image, **settings)
        for picture in read_pair(PairRecord("a", path, path, "facebook")):
            np.testing.assert_array_equal(picture, expected, err_msg=name)


def test_pictures_of_different_size_are_given_as_they_are_or_refused(tmp_path):
    large = stored(tmp_path, "large.png", Image.fromarray(noise(0, 12)))
    small = stored(tmp_path, "small.png", Image.fromarray(noise(1, 9)))
    pair = PairedDataset(listing_of((large, small)))[0]
    np.testing.assert_array_equal(pair.transmitted, noise(1, 9))
    with pytest.raises(UnsupportedMedia, match=r"small\.png: got 9x9 px, expected 12x12 px"):
        PairedDataset(listing_of((large, small)), PairSettings(size="original"))[0]


def test_unreadable_pictures_are_found_before_the_epoch(tmp_path):
    sound = stored(tmp_path, "sound.png", Image.fromarray(noise(0, 40)))
    small = stored(tmp_path, "small.png", Image.fromarray(noise(0, 30)))
    bad = {"truncated.png": sound.read_bytes()[:2000], "empty.png": b"", "text.png": b"not a picture", "folder": None}
    for name, data in bad.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    listing = listing_of((sound, sound), *((sound, tmp_path / name) for name in bad), (tmp_path / "gone.png", sound))
    listing = join([listing, listing_of((sound, small))])
    checked = check_pictures(listing, skip_bad=True)
    assert [record.transmitted.name for record in checked.records] == ["sound.png", "small.png"]
    for problem, name in zip(checked.problems, (*bad, "gone.png"), strict=True):
        assert name in str(problem)
    with pytest.raises(InvalidPairs) as raised:
        check_pictures(listing)
    assert raised.value.problems == checked.problems
    assert [p.kind for p in check_pictures(listing, size="original", skip_bad=True).problems] == ["unreadable"] * 6
    assert "unreadable" not in HARMLESS
    for name, error in (("truncated.png", UnreadableMedia), ("folder", InputNotFound)):
        with pytest.raises(error, match=name):
            PairedDataset(listing_of((sound, tmp_path / name)))[0]
