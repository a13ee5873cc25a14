"""What is listed, under which names, and what is refused."""

import os
from pathlib import Path

import pytest
from batch_works import Shout, finished_rows

from repost.batch import Found, Item, list_inputs, output_stems, run
from repost.core.errors import InputNotFound, UnsafeOutput


@pytest.fixture
def make(tmp_path):
    """Make empty files below the test's folder."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        return tmp_path

    return make


def ids(listing):
    return [found.id for found in listing]


def test_a_folder_is_walked_sorted_without_hidden_files_and_the_output(make):
    root = make(
        "b.png", "a/z.png", "a/y/x.png", ".hidden.png", ".git/a.png", "a/.DS_Store", "out/f/b.jpg", "out/odd.png"
    )
    listing = list_inputs([root], root / "out", parts=("f",))
    assert listing == [
        Found("a/y/x.png", root / "a/y/x.png", False),
        Found("a/z.png", root / "a/z.png", False),
        Found("b.png", root / "b.png", False),
    ]


def test_files_and_folders_have_the_ids_a_person_expects(make):
    root = make("one/a.png", "one/b.png", "two/a.png", "x/.c.png", "d.png")
    out = root / "out"
    assert ids(list_inputs([root / "one"], out)) == ["a.png", "b.png"]
    assert ids(list_inputs([root / "one", root / "two"], out)) == ["one/a.png", "one/b.png", "two/a.png"]
    assert list_inputs([root / "d.png", root / "x/.c.png"], out) == [
        Found(".c.png", root / "x/.c.png", True),
        Found("d.png", root / "d.png", True),
    ]
    assert ids(list_inputs([root / "one", root / "d.png"], out)) == ["a.png", "b.png", "d.png"]


def test_the_current_folder_has_its_real_name_where_a_name_is_needed(make, monkeypatch):
    root = make("one/a.png", "two/a.png")
    monkeypatch.chdir(root / "one")
    assert ids(list_inputs([Path(), Path("../two")], Path("../out"))) == ["one/a.png", "two/a.png"]
    assert ids(list_inputs([Path()], Path("../out"))) == ["a.png"]


def test_ids_that_clash_are_numbered_in_the_order_given(make):
    root = make("x/photos/a.png", "y/photos/a.png", "x/b.png", "y/b.png", "z/b.png", "w/b~2.png")
    out = root / "out"
    assert ids(list_inputs([root / "x/photos", root / "y/photos"], out)) == ["photos/a.png", "photos~2/a.png"]
    listing = list_inputs([root / "x/b.png", root / "y/b.png", root / "z/b.png", root / "w/b~2.png"], out)
    assert {found.id: found.path.parent.name for found in listing} == {
        "b.png": "x",
        "b~2.png": "w",
        "b~3.png": "y",
        "b~4.png": "z",
    }


def test_a_file_found_twice_is_listed_once(make):
    root = make("one/a.png", "one/sub/b.png")
    out = root / "out"
    one = root / "one"
    assert list_inputs([one, one, root / "one/../one"], out) == list_inputs([one], out)
    assert list_inputs([one, one / "a.png"], out)[0] == Found("a.png", one / "a.png", True)
    assert list_inputs([one / "a.png", one], out)[0] == Found("a.png", one / "a.png", True)
    assert ids(list_inputs([one, one / "sub"], out)) == ["one/a.png", "one/sub/b.png"]


def test_links_are_followed_and_loops_end(make):
    root = make("in/real/a.png", "in/real/deep/b.png", "elsewhere/c.png", "elsewhere/d.png")
    (root / "in/real/up").symlink_to(root / "in")
    (root / "in/real/self").symlink_to(".")
    (root / "in/other").symlink_to(root / "elsewhere")
    (root / "in/again").symlink_to(root / "in/real")  # before "real" in the alphabet, yet "real" has the files
    (root / "in/file.png").symlink_to(root / "elsewhere/c.png")
    (root / "in/loop.png").symlink_to("loop.png")
    (root / "in/broken.png").symlink_to("nowhere.png")
    assert ids(list_inputs([root / "in"], root / "out")) == [
        "broken.png",
        "file.png",
        "loop.png",
        "other/c.png",
        "other/d.png",
        "real/a.png",
        "real/deep/b.png",
    ]


def test_folders_within_folders_are_listed(make):
    root = make("in/a.png")
    deep = root / "in"
    for _ in range(200):
        deep = deep / "d"
        deep.mkdir()
    (deep / "b.png").touch()
    assert ids(list_inputs([root / "in"], root / "out")) == ["a.png", "d/" * 200 + "b.png"]


def test_what_cannot_be_read_is_listed_and_fails_as_a_row(make):
    root = make("in/a.png", "in/secret/b.png")
    os.mkfifo(root / "in/pipe")
    (root / "in/broken.png").symlink_to("nowhere.png")
    listing = list_inputs([root / "in"], root / "out")
    assert ids(listing) == ["a.png", "broken.png", "pipe", "secret/b.png"]
    rows = finished_rows(run([Item(f.id, f.path) for f in listing], Shout(root / "out"), out=root / "out"))
    assert [event.row.status for event in rows] == ["done", "failed", "failed", "done"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_listed_and_fails_as_a_row(make):
    root = make("in/a.png", "in/secret/b.png")
    (root / "in/secret").chmod(0)
    try:
        listing = list_inputs([root / "in"], root / "out")
        assert ids(listing) == ["a.png", "secret"]
        assert ids(list_inputs([root / "in/secret"], root / "out")) == ["secret"]
        assert ids(list_inputs([root / "in/secret/b.png"], root / "out")) == ["b.png"]
        rows = finished_rows(run([Item(f.id, f.path) for f in listing], Shout(root / "out"), out=root / "out"))
        assert "PermissionError" in rows[1].row.error
    finally:
        (root / "in/secret").chmod(0o700)


def test_a_folder_that_cannot_be_read_is_listed(make, monkeypatch):
    """As the test above, for root: the system call is made to refuse."""
    root = make("in/a.png", "in/secret/b.png")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = list_inputs([root / "in"], root / "out")
    assert listing == [Found("a.png", root / "in/a.png", False), Found("secret", root / "in/secret", False)]
    assert ids(list_inputs([root / "in/secret"], root / "out")) == ["secret"]
    rows = finished_rows(run([Item(f.id, f.path) for f in listing], Shout(root / "out"), out=root / "out"))
    assert rows[1].row.error == "PermissionError: [Errno 13] Permission denied: 'secret'"


@pytest.mark.parametrize("name", ["nowhere", "a.png/b", "\0", "n" * 300])
def test_a_source_that_does_not_exist_is_named(make, name):
    root = make("a.png")
    with pytest.raises(InputNotFound):
        list_inputs([root / "a.png", root / name], root / "out")


# --- what is refused ---


@pytest.mark.parametrize(
    ("source", "out", "parts"),
    [
        ("in", "in", ("f",)),  # the same folder
        ("in", "in/../in", ("f",)),
        ("link", "in", ("f",)),
        ("in", "link", ("f",)),
        ("in/f", "in", ("f",)),  # the folder that outputs go to
        ("in/f/sub", "in", ("f",)),
        ("in/f/a.png", "in", ("f",)),
        ("in/f/a.png", "in", ("f/sub", "f")),
        ("in/a.png", "in", ("",)),  # outputs go anywhere in it
        ("in/f", "in", ("",)),
        ("in/link.png", "in", ("f",)),  # what it links to is in the way
        ("in/manifest.jsonl", "in", ("f",)),
        ("in/.repost/journal.jsonl", "in", ("f",)),
        ("in/a.png", "in/a.png", ("f",)),
    ],
)
def test_an_output_that_could_land_on_an_input_is_refused(make, source, out, parts):
    root = make("in/a.png", "in/f/a.png", "in/f/sub/b.png", "in/manifest.jsonl", "in/.repost/journal.jsonl")
    (root / "link").symlink_to("in")
    (root / "in/link.png").symlink_to("f/a.png")
    with pytest.raises(UnsafeOutput):
        list_inputs([root / source], root / out, parts=parts)


@pytest.mark.parametrize(
    ("source", "out", "parts"),
    [
        ("in", "in/out", ("",)),  # passed over by the walk
        ("in", "in/f", ("f",)),
        ("in/a.png", "in", ("f",)),  # outputs go below in/f
        ("in/g", "in", ("f",)),
        ("in/a.png", "in", ("g/sub",)),
        ("in", ".", ("f",)),
        ("in", "new", ("",)),
    ],
)
def test_an_output_beside_the_inputs_is_allowed(make, source, out, parts):
    root = make("in/a.png", "in/f/a.png", "in/g/b.png")
    assert list_inputs([root / source], root / out, parts=parts)


def test_a_link_in_the_source_to_where_outputs_go_is_refused_or_passed_over(make):
    root = make("in/a.png", "out/f/sub/x.jpg", "out/kept/y.png")
    (root / "in/kept").symlink_to(root / "out/kept")
    (root / "in/whole").symlink_to(root / "out")
    (root / "in/part").symlink_to(root / "out/f")
    assert ids(list_inputs([root / "in"], root / "out", parts=("f",))) == ["a.png", "kept/y.png"]
    (root / "in/deeper").symlink_to(root / "out/f/sub")
    with pytest.raises(UnsafeOutput):
        list_inputs([root / "in"], root / "out", parts=("f",))
    (root / "in/deeper").unlink()
    (root / "in/deeper.jpg").symlink_to(root / "out/f/sub/x.jpg")
    with pytest.raises(UnsafeOutput):
        list_inputs([root / "in"], root / "out", parts=("f",))


# --- stems ---


@pytest.mark.parametrize(
    "stems",
    [
        {"photos/a.png": "photos/a", "b.tar.gz": "b.tar", "c": "c"},
        {"p/a.png": "p/a.png", "p/a.jpg": "p/a.jpg", "q/a.gif": "q/a"},
        {"a.png": "a.png", "A.JPG": "A.JPG"},  # one name where case does not count
        {"a.png": "a.png", "a.jpg": "a.jpg", "a.png.jpg": "a.png.jpg"},  # the chain: a.png is a stem, too
        {"a": "a", "a.png": "a.png"},
        {"a.png": "a.png", "a.jpg/b.png": "a.jpg/b"},  # a.jpg would be a file and a folder
        {"a.png": "a.png~2", "a.jpg/b.png": "a.jpg/b", "a.png.webp/b.png": "a.png.webp/b"},
        {"A.png": "A.png", "a.png": "a.png~2"},
        {"Photos/a.png": "Photos/a.png", "photos/a.jpg": "photos/a.jpg"},
        {"é.png": "é.png", "é.jpg": "é.jpg"},  # composed and decomposed
        {".png": ".png", "..": "..", "a.": "a.", " .b": " "},
    ],
)
def test_stems_keep_the_full_name_only_where_they_must(stems):
    assert output_stems(list(stems)) == stems
    assert output_stems(reversed(list(stems))) == stems
