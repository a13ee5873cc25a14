"""What the store takes, keeps and gives."""

import json
import resource
from pathlib import Path

import pytest
from local_site import (
    CONTENT,
    cut_after,
    sha256_of,
    source_of,
    status,
)

from repost import detectors
from repost.core.errors import (
    DetectorNotFound,
    DownloadFailed,
    InputNotFound,
    InvalidWeights,
    MissingExtra,
    OutputBusy,
    OutputUnwritable,
    UsageError,
    WeightsNotFound,
)
from repost.core.lock import hold_lock
from repost.detectors import find_card, list_cards, obtain
from repost.detectors.download import Patience
from repost.detectors.obtain import PassedOver, Starting, add_weights, fetch_weights
from repost.detectors.store import examine, find_weights, place_of, weights_folder

OTHER = CONTENT[::-1]
ONCE = Patience(attempts=1)


@pytest.fixture
def without_torch(monkeypatch):
    def refuse(module, *, extra):
        raise MissingExtra(module, extra=extra)

    monkeypatch.setattr(obtain, "require", refuse)


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.h5"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("variables", "system", "folder"),
    [
        ({"REPOST_WEIGHTS": "/w"}, "linux", "/w"),
        ({"REPOST_WEIGHTS": "~/w"}, "linux", "/home/me/w"),
        ({"XDG_CACHE_HOME": "/c"}, "linux", "/c/repost/weights"),
        ({}, "linux", "/home/me/.cache/repost/weights"),
        ({}, "darwin", "/home/me/Library/Caches/repost/weights"),
        ({"LOCALAPPDATA": "/l"}, "win32", "/l/repost/weights"),
    ],
)
def test_convention_the_store_is_where_the_variable_or_the_system_says(monkeypatch, variables, system, folder):
    for name in ("REPOST_WEIGHTS", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", system)
    assert weights_folder() == Path(folder)


def test_every_card_has_a_place_of_its_own_inside_the_store(store):
    places = [place_of(card) for card in list_cards()]
    assert len({place.folder for place in places}) == len(places)
    assert all(place.path.resolve().parent.parent == store.resolve() for place in places)


def test_what_is_fetched_is_found_and_is_not_fetched_again(publish, site, store):
    card, told = publish(source_of(site)), []
    with pytest.raises(WeightsNotFound, match="repost weights fetch meso4-df"):
        find_weights(card)
    got = fetch_weights(card, listen=told.append)
    assert (got.path, got.was_here) == (store / "meso4-df" / "meso4-df.h5", False)
    assert find_weights(card).read_bytes() == CONTENT
    assert isinstance(told[0], Starting) and told[0].card.licence == "Apache-2.0"
    assert json.loads((store / "meso4-df" / "weights.json").read_text()) == {
        "schema_version": 1,
        "sha256": sha256_of(CONTENT),
        "size_bytes": len(CONTENT),
        "origin": site.url,
        "checked": True,
    }
    assert sorted(path.name for path in got.path.parent.iterdir()) == [".lock", "meso4-df.h5", "weights.json"]
    told.clear()
    assert fetch_weights(card, listen=told.append).was_here
    assert not told and len(site.asked) == 1


def test_a_fetch_that_broke_goes_on_in_the_next_call(publish, site, store):
    card = publish(source_of(site))
    site.script.append(cut_after(70_000))
    with pytest.raises(DownloadFailed):
        fetch_weights(card, patience=ONCE)
    assert (examine(card).state, examine(card).partial_bytes) == ("absent", 70_000)
    told = []
    fetch_weights(card, listen=told.append)
    assert told[0].kept_bytes == 70_000 and site.ranges_asked == [None, "bytes=70000-"]
    assert find_weights(card).read_bytes() == CONTENT


def test_a_fetch_that_was_killed_before_the_last_rename_asks_for_nothing(publish, site, store, monkeypatch):
    card = publish(source_of(site))
    rename = Path.replace

    def killed(path, target):
        if path == place_of(card).part:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch_weights(card)
    assert examine(card).state == "absent"
    fetch_weights(card)
    assert find_weights(card).read_bytes() == CONTENT and len(site.asked) == 1


def test_damaged_weights_are_said_to_be_and_fetched_anew(publish, site, store):
    card = publish(source_of(site))
    path = fetch_weights(card).path
    path.write_bytes(OTHER)
    held = examine(card)
    assert held.state == "damaged" and held.published is None and sha256_of(OTHER) in held.damage
    with pytest.raises(InvalidWeights, match=r"repost weights fetch meso4-df` replaces it") as raised:
        find_weights(card)
    assert sha256_of(CONTENT) in str(raised.value)
    assert not fetch_weights(card).was_here
    assert find_weights(card).read_bytes() == CONTENT


@pytest.mark.parametrize("record", [None, b"", b"{}", b"\xff", b'{"sha256": "../x"}'])
def test_a_file_without_a_sound_record_is_damaged(publish, site, store, record):
    card = publish(source_of(site))
    place = place_of(card)
    fetch_weights(card)
    (place.folder / "weights.json").unlink()
    if record is not None:
        (place.folder / "weights.json").write_bytes(record)
    with pytest.raises(InvalidWeights, match=r"no sound weights\.json"):
        find_weights(card)


def test_a_folder_in_the_place_of_the_file_is_damaged(publish, site, store):
    card = publish(source_of(site))
    path = fetch_weights(card).path
    path.unlink()
    path.mkdir()
    assert examine(card).state == "damaged"


def test_a_wrong_checksum_leaves_the_store_as_it_was(publish, site, store):
    card = publish(source_of(site, OTHER))
    with pytest.raises(InvalidWeights):
        fetch_weights(card)
    assert examine(card).state == "absent" and examine(card).partial_bytes == 0


def test_the_next_address_is_tried_where_one_is_dead(publish, site, store):
    card = publish(source_of(site, url=site.url + "?dead"), source_of(site))
    site.script.append(status(404))
    told = []
    assert fetch_weights(card, listen=told.append).record.origin == site.url
    assert ["404" in event.reason for event in told if isinstance(event, PassedOver)] == [True]
    site.script.extend([status(404), status(410)])
    place_of(card).path.unlink()
    with pytest.raises(DownloadFailed, match="410"):
        fetch_weights(card)


@pytest.fixture
def loading(monkeypatch):
    """What `load` is asked for; it refuses everything but CONTENT."""
    asked = []

    def load(name, *, weights):
        asked.append(name)
        if weights.read_bytes() != CONTENT:
            raise InvalidWeights(weights, reason="got (3, 3) as the tensor conv1", expected="(8, 3, 3, 3)")

    monkeypatch.setattr(obtain, "require", lambda *_, **__: None)
    monkeypatch.setattr(detectors, "load", load, raising=False)
    return asked


def test_weights_that_no_card_knows_must_fit_the_network(publish, site, store, mine, loading):
    card = publish(source_of(site, sha256=None, size_bytes=None))
    assert add_weights(mine, name="meso4-df").record.checked and loading == ["meso4-df"]
    place_of(card).path.unlink()
    mine.write_bytes(OTHER)
    with pytest.raises(InvalidWeights, match="conv1"):
        add_weights(mine, name="meso4-df")
    assert fetch_weights(card, sha256=sha256_of(CONTENT)).record.checked
    place_of(card).path.unlink()
    site.content = OTHER
    with pytest.raises(InvalidWeights, match="conv1"):
        fetch_weights(card, sha256=sha256_of(OTHER))
    assert (examine(card).state, examine(card).partial_bytes) == ("absent", 0)


def test_without_a_known_checksum_one_must_be_given(publish, site, store, without_torch):
    card = publish(source_of(site, sha256=None, size_bytes=None))
    with pytest.raises(UsageError, match="SHA-256 is not known; give one from a source you trust with --sha256"):
        fetch_weights(card)
    assert not site.asked and not store.exists()
    with pytest.raises(InvalidWeights):
        fetch_weights(card, sha256=sha256_of(OTHER))
    got = fetch_weights(card, sha256=sha256_of(CONTENT).upper())
    assert (got.record.checked, examine(card).published) == (False, None)
    assert find_weights(card).read_bytes() == CONTENT
    assert fetch_weights(card).was_here, "what is here already needs no checksum"


@pytest.mark.parametrize("given", ["", "0" * 63, "g" * 64, sha256_of(OTHER)])
def test_a_given_checksum_must_be_one_and_agree_with_the_card(publish, site, store, given):
    with pytest.raises(UsageError, match=r"got .*SHA-256"):
        fetch_weights(publish(source_of(site)), sha256=given)
    assert not site.asked


def test_archives_and_unknown_addresses_are_left_to_the_person(publish, site, store):
    with pytest.raises(UsageError, match=r"archive http.* as folder/a.p; get the file yourself"):
        fetch_weights(publish(source_of(site, member="folder/a.p")))
    with pytest.raises(UsageError, match=r"no address of theirs is known.*repost weights add FILE --as meso4-df"):
        fetch_weights(publish())
    with pytest.raises(WeightsNotFound, match="is an architecture"):
        fetch_weights(find_card("meso4"))
    assert not site.asked and not store.exists()


def test_one_process_at_a_time(publish, site, store):
    card = publish(source_of(site))
    with hold_lock(place_of(card).folder / ".lock", out=store), pytest.raises(OutputBusy):
        fetch_weights(card)
    assert not site.asked
    fetch_weights(card)
    with hold_lock(place_of(card).folder / ".lock", out=store):
        assert fetch_weights(card).was_here, "reading needs no lock"


def test_a_store_that_cannot_be_written_is_named(publish, site, store, mine):
    card = publish(source_of(site))
    store.write_text("a file where the store should be")
    for call in (lambda: fetch_weights(card), lambda: add_weights(mine)):
        with pytest.raises(OutputUnwritable, match="meso4-df"):
            call()
    assert not site.asked and examine(card).state == "absent"


def test_a_published_file_is_recognised_and_copied(publish, site, store, mine):
    card = publish(source_of(site))
    got = add_weights(mine)
    assert (got.card.name, got.record.origin, got.record.checked) == ("meso4-df", "mine.h5", True)
    assert mine.read_bytes() == CONTENT == find_weights(card).read_bytes()
    assert examine(card).published is True
    assert add_weights(mine).was_here and fetch_weights(card).was_here
    assert not site.asked


def test_an_unknown_file_needs_a_name(publish, site, store, mine):
    with pytest.raises(UsageError, match=f"{sha256_of(CONTENT)}.*--as NAME"):
        add_weights(mine)
    with pytest.raises(DetectorNotFound, match="did you mean 'meso4-df'"):
        add_weights(mine, name="meso4-fd")
    with pytest.raises(DetectorNotFound):
        add_weights(mine, name="../meso4-df")
    with pytest.raises(UsageError, match=r"'meso4' is an architecture; expected a detector, such as .*meso4-df"):
        add_weights(mine, name="meso4")
    assert not store.exists()


def test_a_published_file_is_not_taken_for_another(publish, site, store, mine):
    publish(source_of(site))
    with pytest.raises(UsageError, match="is the weights of meso4-df, as its SHA-256 says, and not of meso4-f2f"):
        add_weights(mine, name="meso4-f2f")


def test_what_cannot_be_checked_is_kept_and_said_to_be_unchecked(publish, site, store, mine, without_torch):
    card = publish(source_of(site, OTHER))
    got = add_weights(mine, name="meso4-df")
    assert not got.record.checked and find_weights(card).read_bytes() == CONTENT
    assert examine(card).published is False


def test_nothing_sound_is_ever_replaced(publish, site, store, mine, without_torch):
    card = publish(source_of(site, OTHER))
    add_weights(mine, name="meso4-df")
    with pytest.raises(UsageError, match=r"other weights of meso4-df.*from mine.h5; remove '.*meso4-df'"):
        fetch_weights(card)
    mine.write_bytes(OTHER)
    with pytest.raises(UsageError, match="other weights"):
        add_weights(mine)
    find_weights(card).write_bytes(b"damaged")
    assert not add_weights(mine).was_here
    assert examine(card).published is True


def test_a_full_disk_leaves_no_half_of_a_file(publish, site, store, mine):
    """A real write failure: the process may not make files over a limit, as with a full disk."""
    card = publish(source_of(site))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OutputUnwritable, match="File too large"):
            add_weights(mine)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (examine(card).state, examine(card).partial_bytes) == ("absent", 0)


@pytest.mark.parametrize("name", ["absent.h5", "a\0b", "."])
def test_a_file_that_is_not_there_is_named(publish, site, store, tmp_path, name):
    with pytest.raises(InputNotFound):
        add_weights(tmp_path / name)


def test_a_file_over_the_limit_is_refused_unread(publish, site, store, tmp_path):
    with (tmp_path / "sparse.h5").open("wb") as stream:
        stream.truncate((2 << 30) + 1)
    with pytest.raises(InvalidWeights, match="at most 2,147,483,648"):
        add_weights(tmp_path / "sparse.h5")
