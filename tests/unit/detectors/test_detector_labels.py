"""Labels from files and from folders; what clashes is named, every time."""

import json

import pytest

from repost.core.errors import InputNotFound, InvalidLabels, UsageError
from repost.detectors.evaluation.labels import Label, read_labels
from repost.detectors.evaluation.layout import label_by_place
from repost.detectors.evaluation.splits import choose_share, choose_split


@pytest.fixture
def write(tmp_path):
    def make(text, name="labels.csv"):
        path = tmp_path / name
        path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8-sig")
        return path

    return make


def test_columns_and_what_is_filled_in(write):
    found = read_labels(write(
        "file,label,dataset,method,id,split,platform\n"
        "a/1.png,fake,ff,Deepfakes,519_515,test,Facebook\n"
        "b/1.png,Real,,,,,\n"
    ))  # fmt: skip
    assert found.labels["a/1.png"] == Label(True, "ff", "Deepfakes", "519_515", "test", "facebook")
    assert found.labels["b/1.png"] == Label(False, "", "real", "b/1")


def test_json_says_the_same(write):
    rows = [{"file": "a.png", "label": "fake", "method": "FaceSwap", "id": "001"}]
    assert read_labels(write(rows, "labels.json")).labels == {"a.png": Label(True, "", "FaceSwap", "001")}


def test_a_label_fits_the_longest_end_of_a_path(write):
    found = read_labels(write("file,label\nx.png,real\nfake/x.png,fake\n"))
    assert found.name_of("/data/fake/x.png") == "fake/x.png"
    assert found.name_of("elsewhere/x.png") == "x.png"
    assert found.name_of("elsewhere/ax.png") is None


def test_every_clash_is_named(write):
    path = write("file,label\na.png,real\nb.png,fake\nc.png,real\na.png,fake\nc.png,fake\nb.png,fake\n")
    with pytest.raises(InvalidLabels) as raised:
        read_labels(path)
    assert [where for where, _ in raised.value.problems] == ["a.png", "c.png"]
    assert "real (real, a) in line 2, fake (fake, a) in line 5" in str(raised.value)


def test_a_video_that_is_real_and_fake_is_a_clash(write):
    with pytest.raises(InvalidLabels, match=r"m / 7: one video, real by 'a.png' and fake by 'b.png'"):
        read_labels(write("file,label,method,id\na.png,real,m,7\nb.png,fake,m,7\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,1\n", "got the label '1' for 'a.png', expected real or fake; what 0 and 1 mean differs"),
        ("file,label\na.png,deepfake\n", "got the label 'deepfake' for 'a.png', expected real or fake"),
        ("file,label,methd\na.png,fake,x\n", "line 2: methd: no such field; did you mean 'method'?"),
        ("name,label\na.png,fake\n", "file: missing; add it"),
        ("file,label\na.png,fake,x,y\n", "more values than the header has names"),
        ("", "got no rows"),
        ("file,label\n", "got no rows"),
    ],
)
def test_faults_of_a_table_are_told(write, text, said):
    with pytest.raises(InvalidLabels) as raised:
        read_labels(write(text))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"), [("{", "it cannot be read"), ('{"a": 1}', "got a JSON dict"), ("[1]", "row 1"),
    ("[" + "1" * 5000 + "]", "it cannot be read")],
)  # fmt: skip
def test_faults_of_json_are_told(write, content, said):
    with pytest.raises(InvalidLabels, match=said):
        read_labels(write(content, "labels.json"))


def test_an_absent_file_is_told(tmp_path):
    with pytest.raises(InputNotFound):
        read_labels(tmp_path / "labels.csv")


FF = "FaceForensics++ c23"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("d/original_sequences/youtube/c23/videos/519.mp4", Label(False, FF, "youtube", "519")),
        ("d/manipulated_sequences/Deepfakes/c23/videos/519_515.mp4", Label(True, FF, "Deepfakes", "519_515")),
        ("manipulated_sequences/FaceSwap/c23/images/634_660/0050.png", Label(True, FF, "FaceSwap", "634_660")),
        ("original_sequences/youtube/c23/faces/519_0050.png", Label(False, FF, "youtube", "519")),
        ("manipulated_sequences/FaceSwap/c23/faces/634_660_0050.png", Label(True, FF, "FaceSwap", "634_660")),
        ("manipulated_sequences/DeepFakeDetection/c23/videos/01_02__exit__YV.mp4",
         Label(True, FF, "DeepFakeDetection", "01_02__exit__YV")),
        ("original_sequences/actors/c23/images/01__exit_phone/7.png", Label(False, FF, "actors", "01__exit_phone")),
        ("original_sequences/youtube/519.mp4", Label(False, "FaceForensics++", "youtube", "519")),
        ("celeb/real/a.mp4", Label(False, "celeb", "real", "a")),
        ("fake/a.png", Label(True, "", "fake", "a")),
        ("/x/celeb/fake/033_097/0001.png", Label(True, "celeb", "fake", "033_097")),
        ("FAKE/Deepfakes/033_097.mp4", Label(True, "", "Deepfakes", "033_097")),
        ("fake/Deepfakes/033_097/0001.png", Label(True, "", "Deepfakes", "033_097")),
        ("real/study/fake/a.png", Label(True, "study", "fake", "a")),
        ("fake/A/clip_000050.png", Label(True, "", "A", "clip")),
        ("fake/clip/frame_000050.png", Label(True, "", "fake", "clip")),
        ("fake/clip_000050.png", Label(True, "", "fake", "clip")),
        ("fake/clip_0050.png", Label(True, "", "fake", "clip_0050")),
        ("original_sequences/actors/c23/videos/a_b_000050.png", Label(False, FF, "actors", "a_b")),
        ("photos/fake.png", None),
        ("photos/unreal/a.png", None),
    ],
)  # fmt: skip
def test_convention_where_a_file_lies_says_what_it_is(file, expected):
    assert label_by_place(file) == expected


def test_two_methods_with_one_clip_name_are_two_videos():
    labels = [label_by_place(f"manipulated_sequences/{method}/c23/videos/000_003.mp4") for method in "AB"]
    assert labels[0].key != labels[1].key


def clip(id_, *, fake=False, split=None):
    return Label(fake, "ff", "m", id_, split)


def test_a_published_split_takes_pairs_both_ways_and_their_originals(tmp_path):
    path = tmp_path / "test.json"
    path.write_text('[["071", "054"], ["087", "081"]]')
    belongs = choose_split(str(path), [])
    assert all(belongs(clip(id_)) for id_ in ("071_054", "054_071", "087", "081"))
    assert not any(belongs(clip(id_)) for id_ in ("071_081", "999", "054_999"))


def test_a_missing_or_foreign_split_is_told(tmp_path):
    with pytest.raises(InputNotFound, match="no_such"):
        choose_split(str(tmp_path / "no_such.json"), [])
    (tmp_path / "odd.json").write_text('["071"]')
    with pytest.raises(UsageError, match=r"expected a list of pairs .*; row.0: Input should be a valid"):
        choose_split(str(tmp_path / "odd.json"), [])
    with pytest.raises(UsageError, match="expected one of test, train; did you mean 'test'"):
        choose_split("tset", [clip("1", split="test"), clip("2", split="train")])
    with pytest.raises(UsageError, match="expected labels with a column"):
        choose_split("test", [clip("1")])


def test_nobody_is_on_both_sides_of_a_share():
    pairs = [(f"{a:03}", f"{a + 50:03}") for a in range(50)]
    labels = [clip(id_) for pair in pairs for id_ in (*pair, "_".join(pair), "_".join(reversed(pair)))]
    chosen = choose_share(labels, 0.3, seed=4)
    sides = [set().union(*(one.people for one in labels if chosen(one) is side)) for side in (True, False)]
    assert not sides[0] & sides[1]
    assert len(sides[0]) == 30
    assert [chosen(one) for one in labels] == [choose_share(labels[::-1], 0.3, seed=4)(one) for one in labels]


@pytest.mark.parametrize("share", [0, 1, -1, float("nan")])
def test_a_share_is_a_share(share):
    with pytest.raises(UsageError, match="more than 0 and less than 1"):
        choose_share([clip("1")], share, seed=0)
