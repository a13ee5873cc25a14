"""Verbs agree on what to make of a file that is no media: docs/cli.md."""

import pytest

VERBS = {
    "emulate": ("--platform", "facebook", "-o", "out"),
    "stamp": ("-o", "out"),
    "scan": (),
    "faces": ("-o", "out", "-j", 1),
    "detect": ("--model", "meso4-df", "--weights", "weights.h5", "-j", 1),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_named_file_that_is_no_media_fails_and_one_in_a_folder_is_passed_over(cli, monkeypatch, tmp_path, verb):
    if verb == "faces":
        pytest.importorskip("dlib")
    if verb == "detect":
        pytest.importorskip("torch")
        monkeypatch.setattr("repost.detectors.score_files.scorer_of", lambda *asked: None)  # nothing gets that far
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.h5").write_bytes(b"toy")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/note.txt").write_text("hello")
    named = cli(verb, "in/note.txt", *VERBS[verb])
    assert named.code == 4
    assert "failed: " in named.err
    assert "note.txt: got text, expected an image or a video" in named.err
    assert cli(verb, "in", *VERBS[verb]).code == 1
