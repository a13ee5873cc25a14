"""Which upload belongs to which download: by name, with every file accounted for."""

import pytest

from repost.core.errors import InputNotFound, UsageError
from repost.estimation.images.pairing import pairs_of_manifest
from repost.estimation.pairing import pairs_by_name


@pytest.fixture
def folders(tmp_path):
    """Makes files in uploads/ and downloads/."""

    def make(uploads, downloads):
        for folder, names in (("uploads", uploads), ("downloads", downloads)):
            (tmp_path / folder).mkdir(exist_ok=True)
            for name in names:
                path = tmp_path / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(name.encode())
        return tmp_path / "uploads", tmp_path / "downloads"

    return make


def test_extensions_and_folders(folders):
    originals, shared = folders(["a.png", "trip/b.jpg", "c.v2.jpg"], ["a.jpg", "trip/b.webp", "c.v2.jpeg"])
    pairs, refused = pairs_by_name(originals, shared)
    assert refused == []
    assert [(one.name, one.upload.name, one.served.name) for one in pairs] == [
        ("a", "a.png", "a.jpg"), ("c.v2", "c.v2.jpg", "c.v2.jpeg"), ("trip/b", "b.jpg", "b.webp"),
    ]  # fmt: skip


def test_numbers_are_no_extensions(folders):
    originals, shared = folders([], [])
    for name in ("img.1", "img.2", "img.3"):
        (originals / name).write_bytes(b"\xff\xd8\xff")
    for name in ("img.1.jpg", "img.2", "img.4"):
        (shared / name).write_bytes(b"\xff\xd8\xff")
    pairs, refused = pairs_by_name(originals, shared)
    assert [(one.upload.name, one.served.name) for one in pairs] == [("img.1", "img.1.jpg"), ("img.2", "img.2")]
    assert {one.name for one in refused} == {"img.3", "img.4"}


def test_the_same_name_in_another_folder_is_another_picture(folders):
    pairs, refused = pairs_by_name(*folders(["x/a.jpg"], ["y/a.jpg"]))
    assert pairs == []
    assert {one.name for one in refused} == {"x/a", "y/a"}


def test_every_file_without_a_partner_is_named(folders):
    pairs, refused = pairs_by_name(*folders(["a.png", "b.png"], ["b.jpg", "c.jpg"]))
    assert [one.name for one in pairs] == ["b"]
    reasons = {one.name: one.reason for one in refused}
    assert set(reasons) == {"a", "c"}
    assert "nothing came back" in reasons["a"]
    assert "without an upload" in reasons["c"]
    assert "repost pairs recover" in reasons["c"]


@pytest.mark.parametrize("side", [0, 1])
def test_two_files_of_one_name_are_never_guessed(folders, side):
    names = (["a.jpg"], ["a.jpg", "a.png"])
    pairs, (refused,) = pairs_by_name(*folders(names[side], names[1 - side]))
    assert pairs == []
    assert refused.name == "a"
    assert "a.jpg, a.png" in refused.reason


def test_hidden_files_do_not_count(folders):
    pairs, refused = pairs_by_name(*folders(["a.jpg", ".DS_Store", ".git/b.jpg"], ["a.jpg", ".DS_Store"]))
    assert ([one.name for one in pairs], refused) == (["a"], [])


def test_two_files_are_a_pair_whatever_their_names(folders):
    originals, shared = folders(["photo.png"], ["download (1).jpg"])
    (pair,), refused = pairs_by_name(originals / "photo.png", shared / "download (1).jpg")
    assert (pair.name, pair.served.name, refused) == ("photo.png", "download (1).jpg", [])


def test_empty_folders_give_no_pairs(folders):
    assert pairs_by_name(*folders([], [])) == ([], [])


def test_what_cannot_be_meant_is_refused(folders, tmp_path):
    originals, shared = folders(["a.jpg"], ["a.jpg"])
    with pytest.raises(UsageError, match="for both"):
        pairs_by_name(originals, originals / ".." / "uploads")
    with pytest.raises(UsageError, match="a file and a folder"):
        pairs_by_name(originals / "a.jpg", shared)
    for missing in ((tmp_path / "none", shared), (originals, tmp_path / "none")):
        with pytest.raises(InputNotFound, match="none"):
            pairs_by_name(*missing)
    with pytest.raises(InputNotFound):
        pairs_of_manifest(tmp_path / "none")


def test_notes_and_manifests_beside_pictures_are_passed_over(folders):
    pairs, refused = pairs_by_name(*folders(["a.png", "README.txt", "sheets.json"], ["a.jpg", "manifest.jsonl"]))
    assert [one.name for one in pairs] == ["a"]
    assert refused == []


def test_other_folders_are_searched_only_when_asked(folders):
    originals, shared = folders(["real/a.mp4", "b.mp4"], ["youtube/a.mp4", "b.mp4"])
    pairs, refused = pairs_by_name(originals, shared, anywhere=True)
    assert refused == []
    assert [(one.name, one.upload.parent.name) for one in pairs] == [("b", "uploads"), ("youtube/a", "real")]
    assert len(pairs_by_name(originals, shared)[1]) == 2


@pytest.mark.parametrize(
    ("uploads", "downloads"),
    [
        (["Deepfakes/519.mp4", "FaceSwap/519.mp4"], ["shared/519.mp4"]),
        (["real/519.mp4"], ["facebook/519.mp4", "youtube/519.mp4"]),
        (["real/519.mp4", "real/519.mov"], ["youtube/519.mp4"]),
    ],
)
def test_one_clip_of_several_methods_is_never_guessed(folders, uploads, downloads):
    pairs, refused = pairs_by_name(*folders(uploads, downloads), anywhere=True)
    assert pairs == []
    assert {one.name for one in refused} == {name.rsplit(".", 1)[0] for name in (*uploads, *downloads)}
    for one in refused:
        for name in (*uploads, *downloads):
            assert name.rsplit(".", 1)[0] in one.reason


def test_a_partner_that_has_its_own_is_not_taken(folders):
    pairs, (refused,) = pairs_by_name(*folders(["a/x.mp4"], ["a/x.mp4", "b/x.mp4"]), anywhere=True)
    assert [one.name for one in pairs] == ["a/x"]
    assert refused.name == "b/x"
    assert "2 downloads (a/x, b/x)" in refused.reason


def test_the_same_path_goes_before_other_folders(folders):
    names = ["Deepfakes/519.mp4", "FaceSwap/519.mp4"]
    pairs, refused = pairs_by_name(*folders(names, names), anywhere=True)
    assert ([one.name for one in pairs], refused) == (["Deepfakes/519", "FaceSwap/519"], [])


def test_thumbnails_beside_videos_are_passed_over(folders):
    originals, shared = folders(["a.mp4", "b.mp4"], ["a.webm", "a.jpg", "b.mkv"])
    (shared / "b.mp4").write_bytes(b"\xff\xd8\xff an image, whatever its name")
    pairs, refused = pairs_by_name(originals, shared, media="video")
    assert ([one.served.name for one in pairs], refused) == (["a.webm", "b.mkv"], [])
    assert len(pairs_by_name(originals, shared)[1]) == 2
    (shared / "b.mkv").unlink()
    assert [one.reason for one in pairs_by_name(originals, shared, media="video")[1]] == [
        "nothing came back for it: no video of that name"
    ]
