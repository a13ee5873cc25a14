"""Names never collide, and no moment of a kill loses a thing."""

import itertools
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from repost.batch import Item, Row, names_kept, output_stems, run
from repost.core.files import write_atomic

EXTENSIONS = ["jpg", "png", "webp", "avif", "heic", "gif", "mp4"]

name = st.builds(
    lambda base, extensions: ".".join([base, *extensions]),
    st.sampled_from(["a", "A", "b", "a~2", "é", "e\u0301"]),
    st.lists(st.sampled_from(["png", "jpg", "PNG", "webp", "png~2"]), max_size=3),
)
paths = st.builds(lambda folders, last: "/".join([*folders, last]), st.lists(name, max_size=2), name)


def folded(text):
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def folders_above(path):
    return itertools.accumulate(path.split("/")[:-1], lambda above, name: f"{above}/{name}")


@settings(max_examples=400)
@given(ids=st.sets(paths, min_size=1, max_size=12), data=st.data())
def test_outputs_never_collide_whatever_extensions_are_served(ids, data):
    folders = {folder for id_ in ids for folder in folders_above(id_)}
    assume(not ids & folders)  # no file system has a file and a folder of one name
    stems = output_stems(ids)
    assert set(stems) == ids
    outputs = [folded(f"{stem}.{data.draw(st.sampled_from(EXTENSIONS))}") for stem in stems.values()]
    assert len(set(outputs)) == len(ids)
    above = {folder for output in outputs for folder in folders_above(output)}
    assert not above & set(outputs)


@settings(max_examples=400)
@given(ids=st.sets(paths, min_size=1, max_size=12), data=st.data())
def test_outputs_that_keep_their_names_never_collide_with_those_that_do_not(ids, data):
    folders = {folder for id_ in ids for folder in folders_above(id_)}
    assume(not ids & folders)
    stems = output_stems(ids)
    kept = names_kept(stems)
    outputs = [
        folded(id_ if id_ in kept and data.draw(st.booleans()) else f"{stem}.{data.draw(st.sampled_from(EXTENSIONS))}")
        for id_, stem in stems.items()
    ]
    assert len(set(outputs)) == len(ids)
    above = {folder for output in outputs for folder in folders_above(output)}
    assert not above & set(outputs)


def test_the_same_photograph_in_several_formats_keeps_its_names():
    ids = {"a.png", "a.jpg", "a.heic", "trip/a.png"}
    assert names_kept(output_stems(ids)) == ids
    assert names_kept(output_stems({"a.png", "A.png", "b.png"})) == {"b.png"}
    assert "a.jpg.png" not in names_kept(output_stems({"a.jpg", "a.png", "a.jpg.png"}))  # were a.jpg no JPEG


@given(ids=st.sets(paths, min_size=1, max_size=12), data=st.data())
def test_stems_do_not_depend_on_the_order_and_say_the_source(ids, data):
    stems = output_stems(ids)
    assert output_stems(data.draw(st.permutations(sorted(ids)))) == stems
    for id_, stem in stems.items():
        assert id_.startswith(stem) or stem.startswith(f"{id_}~")


@given(names=st.sets(st.sampled_from("abcdefgh"), min_size=1), extension=st.sampled_from(EXTENSIONS))
def test_a_file_that_shares_its_name_with_nobody_has_the_short_stem(names, extension):
    assert output_stems(f"p/{name}.{extension}" for name in names) == {f"p/{n}.{extension}": f"p/{n}" for n in names}


@dataclass(frozen=True)
class Copy:
    out: Path

    def settings(self, part):
        return part

    def blank(self, item, part):
        return {"source": item.id, "platform": part, "output": None}

    def run(self, item, parts):
        for part in parts:
            if item.id == "2":
                raise ValueError("no two")
            write_atomic(self.out / f"{item.id}{part}", item.source.read_bytes() + part.encode())
            yield Row(item.id, part, "done", fields={"output": f"{item.id}{part}"}, outputs=(f"{item.id}{part}",))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was stopped after its last row but before its manifest, and the manifest it should get."""
    root = tmp_path_factory.mktemp("whole")
    items = []
    for number in range(5):
        (root / f"in{number}").write_text(f"text {number}")
        items.append(Item(str(number), root / f"in{number}", ("x", "y")))
    events = run(items, Copy(root), out=root)
    for _ in range(11):
        next(events)
    events.close()
    journal = (root / ".repost" / "journal.jsonl").read_bytes()
    list(run(items, Copy(root), out=root))
    return items, journal, (root / "manifest.jsonl").read_bytes()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_journal_cut_or_damaged_anywhere_gives_the_same_manifest(whole, tmp_path_factory, data):
    items, journal, manifest = whole
    out = tmp_path_factory.mktemp("cut")
    (out / ".repost").mkdir()
    cut = data.draw(st.integers(0, len(journal)), label="cut")
    damaged = bytearray(journal[:cut])
    for place in data.draw(st.lists(st.integers(0, max(0, cut - 1)), max_size=3 if cut else 0), label="damaged at"):
        damaged[place] = data.draw(st.sampled_from(b'\0\n{}"x\xff'), label="with")
    (out / ".repost" / "journal.jsonl").write_bytes(bytes(damaged))
    for output in data.draw(st.sets(st.sampled_from(["0x", "0y", "1x", "3x", "4y"])), label="on disk"):
        item = items[int(output[0])]
        (out / output).write_bytes(item.source.read_bytes() + output[1].encode())
    list(run(items, Copy(out), out=out))
    assert (out / "manifest.jsonl").read_bytes() == manifest
