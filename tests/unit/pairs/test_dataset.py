"""The paired data set: what an item depends on, and what it must not depend on."""

import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repost.core.errors import MediaError, UsageError
from repost.pairs.dataset import AttributeNotFound, Pair, PairedDataset, PairSettings, split_of, to_tensors
from repost.pairs.dataset_records import PairListing, PairRecord, join

PLATFORMS = ("facebook", "twitter")
SPLITS = ("train", "validation", "test")
FLIPPED = PairSettings(flip_chance=0.5, seed=3)


@pytest.fixture(scope="module")
def listing(tmp_path_factory) -> PairListing:
    """Ten sources on two networks; the transmitted picture is the inverted original."""
    folder = tmp_path_factory.mktemp("pairs")
    records = []
    for number in range(10):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 10, 3), dtype=np.uint8)
        original, transmitted = folder / f"{number}.png", folder / f"{number}_back.png"
        Image.fromarray(pixels).save(original)
        Image.fromarray(255 - pixels).save(transmitted)
        flags = (number % 2 == 0, number > 4, False)
        records += [PairRecord(f"{number}", original, transmitted, platform, flags) for platform in PLATFORMS]
    return PairListing(tuple(records), ("Even", "High", "Never"))


def left_to_right(data: PairedDataset) -> list[bool]:
    """Which items are mirrored, from their pixels; both pictures of each must agree."""
    plain = PairedDataset(PairListing(data.records))
    found = []
    for pair, unflipped in zip(data, plain, strict=True):
        same = np.array_equal(pair.original, unflipped.original)
        mirrored = (
            unflipped if same else Pair(unflipped.original[:, ::-1], unflipped.transmitted[:, ::-1], *unflipped[2:])
        )
        np.testing.assert_array_equal(pair.original, mirrored.original)
        np.testing.assert_array_equal(pair.transmitted, mirrored.transmitted)
        found.append(not same)
    return found


@given(st.integers(0, 2**31), st.integers(0, 1000))
def test_both_pictures_are_mirrored_or_neither(listing, seed, epoch):
    data = PairedDataset(listing, PairSettings(flip_chance=0.5, seed=seed))
    data.set_epoch(epoch)
    for pair in data:
        np.testing.assert_array_equal(pair.transmitted, 255 - pair.original)


def test_flips_are_mirror_images_drawn_for_each_epoch_index_and_seed(listing):
    data = PairedDataset(listing, FLIPPED)
    drawn = {}
    for epoch in range(50):
        data.set_epoch(epoch)
        drawn[epoch] = left_to_right(data)
    assert 430 < sum(map(sum, drawn.values())) < 570  # of 1000; 4.4 standard deviations
    assert len(set(map(tuple, drawn.values()))) == 50
    assert all(0 < sum(column) < 50 for column in zip(*drawn.values(), strict=True))
    data.set_epoch(7)
    assert left_to_right(data) == drawn[7]
    other = PairedDataset(listing, PairSettings(flip_chance=0.5, seed=4))
    assert left_to_right(other) != drawn[0]


@pytest.mark.parametrize(("chance", "expected"), [(0.0, False), (1.0, True)])
def test_a_certain_flip_is_certain(listing, chance, expected):
    assert left_to_right(PairedDataset(listing, PairSettings(flip_chance=chance))) == [expected] * 20


def test_an_item_does_not_depend_on_what_was_loaded_before(listing):
    data = PairedDataset(listing, FLIPPED)
    forward = [data[index].original for index in range(20)]
    np.random.seed(1)
    backward = [data[index].original for index in reversed(range(-20, 0))]
    for one, other in zip(forward, reversed(backward), strict=True):
        np.testing.assert_array_equal(one, other)


def test_items_may_be_written_to(listing):
    data = PairedDataset(listing, FLIPPED)
    before = data[0].original.copy()
    for array in data[0][:3]:
        array[:] = 0
    np.testing.assert_array_equal(data[0].original, before)


def test_indices(listing):
    data = PairedDataset(listing, FLIPPED)
    np.testing.assert_array_equal(data[-1].original, data[np.int64(19)].original)
    for index in (20, -21):
        with pytest.raises(IndexError, match=str(index)):
            data[index]
    with pytest.raises(TypeError):
        data[1:3]
    assert len(list(data)) == len(data) == 20


@given(
    st.sets(st.text(min_size=1), max_size=60), st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.0, 0.5, 0.5)])
)
def test_splits_part_the_sources_and_keep_networks_together(sources, shares):
    listing = PairListing(tuple(PairRecord(s, None, None, p) for s in sorted(sources) for p in PLATFORMS))
    parts = {split: PairedDataset(listing, PairSettings(split=split, shares=shares)).records for split in SPLITS}
    held = {split: {record.source_id for record in records} for split, records in parts.items()}
    assert sum(map(len, parts.values())) == len(listing.records)
    assert set.union(*held.values()) == sources
    assert sum(map(len, held.values())) == len(sources)
    assert all(n == 2 for records in parts.values() for n in Counter(r.source_id for r in records).values())


@given(st.text(), st.floats(0, 0.7))
def test_a_source_stays_in_train_when_train_grows(source, share):
    if split_of(source, shares=(share, 0.1, 0.9 - share)) == "train":
        assert split_of(source, shares=(share + 0.1, 0.1, 1 - (share + 0.1) - 0.1)) == "train"


def test_splits_have_their_shares():
    counts = Counter(split_of(f"{number:06d}.png") for number in range(30_000))
    # Four standard deviations of a binomial: 277 of 24,000, 208 of 3,000.
    assert abs(counts["train"] - 24_000) < 277
    assert abs(counts["validation"] - 3000) < 208
    assert abs(counts["test"] - 3000) < 208


def test_convention_splits_never_move():
    """Published results depend on it: these were drawn once, and no seed or version may change them."""
    found = [split_of(f"{number:06d}.png") for number in range(12)]
    assert found == [
        "train",
        "train",
        "train",
        "train",
        "train",
        "test",
        "train",
        "train",
        "validation",
        "train",
        "train",
        "validation",
    ]


def test_neither_seed_nor_network_nor_flip_moves_a_source(listing):
    settings = [PairSettings(split="train", seed=seed, platforms=(p,)) for seed in (0, 9) for p in PLATFORMS]
    held = [[record.source_id for record in PairedDataset(listing, one).records] for one in settings]
    assert held[0]
    assert held.count(held[0]) == 4


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5), (0.9, 0.1)])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(UsageError, match="add up to 1"):
        PairSettings(shares=shares)
    with pytest.raises(UsageError, match="add up to 1"):
        split_of("a", shares=shares)


def test_networks_are_chosen_by_name(listing):
    data = PairedDataset(listing, PairSettings(platforms=("twitter",)))
    assert data.platforms == ("twitter",)
    assert {pair.platform for pair in data} == {"twitter"}
    assert len(data) == 10
    with pytest.raises(UsageError, match=r"'twiter', expected one of \['facebook', 'twitter'\]"):
        PairedDataset(listing, PairSettings(platforms=("twiter",)))


def test_attributes_are_chosen_by_name_in_the_order_asked_for(listing):
    data = PairedDataset(listing, PairSettings(attributes=("High", "Even")))
    assert data.attribute_names == ("High", "Even")
    assert [pair.attributes.tolist() for pair in data][::2] == [[float(n > 4), float(n % 2 == 0)] for n in range(10)]
    assert PairedDataset(listing, PairSettings(attributes=()))[0].attributes.tolist() == []
    assert data[0].attributes.dtype == np.float32


def test_an_unknown_attribute_is_answered_with_near_names(listing):
    with pytest.raises(AttributeNotFound) as raised:
        PairedDataset(listing, PairSettings(attributes=("Even", "Hihg")))
    assert (raised.value.name, raised.value.suggestions) == ("Hihg", ("High",))
    assert "'High'" in str(raised.value)
    with pytest.raises(AttributeNotFound, match="have none"):
        PairedDataset(PairListing(listing.records), PairSettings(attributes=("Even",)))


@pytest.mark.parametrize(
    "settings",
    [{"split": "dev"}, {"size": "256"}, {"platforms": "twitter"}, {"attributes": "Male"}, {"flip_chance": 1.5}],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(UsageError, match="expected"):
        PairSettings(**settings)


def test_listings_join_and_sources_stay_together(listing):
    one, other = (
        PairListing(tuple(r for r in listing.records if r.platform == platform), listing.attribute_names)
        for platform in PLATFORMS
    )
    joined = join([one, other])
    assert set(joined.records) == set(listing.records)
    with pytest.raises(UsageError, match="the same in all"):
        join([one, PairListing(other.records)])
    with pytest.raises(UsageError, match="at least one"):
        join([])


def test_a_pickled_data_set_is_the_same_and_then_its_own(listing):
    data = PairedDataset(listing, FLIPPED)
    data.set_epoch(5)
    copy = pickle.loads(pickle.dumps(data))
    assert left_to_right(copy) == left_to_right(data)
    data.set_epoch(6)
    assert copy.epoch == 5


def test_the_part_is_imported_without_torch():
    program = "import sys, repost.pairs.dataset, repost.pairs.published; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_tensors_are_the_pixels_over_255(listing):
    pytest.importorskip("torch")
    data = PairedDataset(listing, FLIPPED)
    for pair, tensors in zip(data, PairedDataset(listing, FLIPPED, transform=to_tensors), strict=True):
        for pixels, planes in ((pair.original, tensors.original), (pair.transmitted, tensors.transmitted)):
            expected = (pixels.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)
            np.testing.assert_array_equal(planes.numpy(), expected)
        np.testing.assert_array_equal(tensors.attributes.numpy(), pair.attributes)
        assert tensors.platform == pair.platform


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("transform", [None, to_tensors])
def test_workers_load_what_a_plain_loop_loads_in_every_epoch(listing, start, transform):
    """Also workers that live on from epoch to epoch, which a plain attribute would leave in their first."""
    torch = pytest.importorskip("torch")
    data = PairedDataset(listing, FLIPPED, transform=transform)
    loader = torch.utils.data.DataLoader(
        data, batch_size=3, num_workers=2, multiprocessing_context=start, persistent_workers=True
    )
    seen = []
    for epoch in (0, 1, 4):
        data.set_epoch(epoch)
        batches = list(loader)
        seen.append(torch.cat([batch.original for batch in batches]))
        alone = PairedDataset(listing, FLIPPED, transform=transform)
        alone.set_epoch(epoch)
        for field in ("original", "transmitted", "attributes"):
            loaded = torch.cat([getattr(batch, field) for batch in batches])
            expected = np.stack([np.asarray(getattr(pair, field)) for pair in alone])
            np.testing.assert_array_equal(loaded.numpy(), expected)
        assert [name for batch in batches for name in batch.platform] == [pair.platform for pair in alone]
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_picture_that_breaks_in_a_worker_is_named(listing, tmp_path):
    torch = pytest.importorskip("torch")
    broken = tmp_path / "broken.png"
    broken.write_bytes(listing.records[0].original.read_bytes()[:60])
    data = PairedDataset(PairListing((PairRecord("a", broken, broken, "facebook"),)))
    with pytest.raises(MediaError, match=r"broken\.png"):
        data[0]
    with pytest.raises(Exception, match=r"broken\.png"):
        list(torch.utils.data.DataLoader(data, num_workers=1))
