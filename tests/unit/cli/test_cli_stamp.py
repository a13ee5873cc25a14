"""`repost stamp` and `repost scan` as scripts call them."""

import json
import shutil

import numpy as np
import pytest
import skimage.data
from PIL import Image

from repost.cli.stamp_key import KEY_VARIABLE, chosen_key
from repost.stamp.model import WEIGHTS


@pytest.fixture(autouse=True)
def no_key_of_the_machine(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    picture = Image.fromarray(skimage.data.coffee()).resize((320, 240))
    for name in ("a.png", "a.jpg", "trip/b.JPEG", "trip/c.webp"):
        picture.save(folder / name)
    return folder


def rows_of(said):
    return [json.loads(line) for line in said.out.splitlines()]


def manifest(out):
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def test_a_file_is_written_under_its_own_name_and_found(cli, photos, tmp_path):
    out = tmp_path / "out"
    said = cli("stamp", photos / "a.png", "-o", out)
    assert said.code == 0
    assert (out / "a.png").is_file()
    found = cli("scan", out / "a.png", "--json")
    assert found.code == 0
    (row,) = rows_of(found)
    assert set(row) == {"file", "stamped", "score", "p_value", "model"}
    assert (row["file"], row["stamped"]) == (str(out / "a.png"), True)
    assert 0 <= row["p_value"] < 1e-3
    before = cli("scan", photos / "a.png", "--json")
    assert (before.code, rows_of(before)[0]["stamped"]) == (1, False)


def test_a_model_of_ones_own_stamps_and_scans(cli, photos, tmp_path):
    mine, out = tmp_path / "mine", tmp_path / "out"
    shutil.copytree(WEIGHTS / "rs_aug", mine)
    facts = json.loads((mine / "model.json").read_text())
    (mine / "model.json").write_text(json.dumps(facts | {"name": "mine", "version": 7}))
    assert cli("stamp", photos / "a.png", "-o", out, "--model", mine).code == 0
    assert manifest(out)[0]["model"] == "mine-7"
    (row,) = rows_of(cli("scan", out / "a.png", "--model", mine, "--json"))
    assert (row["model"], row["stamped"]) == ("mine-7", True)
    refused = cli("scan", out / "a.png", "--model", "rs_agu")
    assert refused.code == 2
    assert "no stamp model 'rs_agu'; shipped are rs_aug" in refused.err


def test_a_folder_keeps_all_names_and_a_manifest_says_what_was_measured(cli, photos, tmp_path):
    out = tmp_path / "out"
    said = cli("stamp", photos, "-o", out, "--json", "--workers", 2)
    assert said.code == 0
    rows = manifest(out)
    assert [row["output"] for row in rows] == ["a.jpg", "a.png", "trip/b.JPEG", "trip/c.webp"]
    assert sorted(rows_of(said), key=lambda row: row["source"]) == rows
    for row in rows:
        assert (out / row["output"]).is_file()
        assert (row["status"], row["error"], row["warning"], row["notes"]) == ("done", None, None, [])
        assert row["survives"] is True
        assert row["p_value"] < 1e-3
    assert cli("scan", out).code == 0


def test_any_number_of_workers_and_any_interruption_give_the_same_bytes(cli, photos, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert cli("stamp", photos, "-o", one, "--workers", 1).code == 0
    shutil.copytree(one, two)
    journal = two / ".repost" / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]) + b'{"half')
    for name in ("trip/b.JPEG", "trip/c.webp", "manifest.jsonl"):
        (two / name).unlink()
    (two / "trip" / ".b.JPEG.part").write_bytes(b"half a file")
    again = cli("stamp", photos, "-o", two, "--workers", 2)
    assert "(2 kept from an earlier run)" in again.err
    for path in (path for path in one.rglob("*") if path.is_file() and ".repost" not in path.parts):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_the_same_command_again_does_nothing_and_another_key_or_strength_does_it_anew(cli, photos, tmp_path):
    out = tmp_path / "out"
    source = photos / "a.png"
    assert cli("stamp", source, "-o", out, "--key", "mine").code == 0
    first = (out / "a.png").read_bytes()
    assert "1 kept" in cli("stamp", source, "-o", out, "--key", "mine").err
    assert "kept" not in cli("stamp", source, "-o", out, "--key", "yours").err
    assert (out / "a.png").read_bytes() != first
    assert "kept" not in cli("stamp", source, "-o", out, "--key", "yours", "--strength", "1.25").err


def test_the_key_itself_is_written_nowhere(cli, photos, tmp_path):
    out = tmp_path / "out"
    said = cli("stamp", photos, "-o", out, "--key", "a very secret key", "--json", "--workers", 2)
    text = said.out + said.err
    for path in (path for path in out.rglob("*") if path.is_file()):
        text += path.read_bytes().decode("latin-1")
    assert "very secret" not in text
    (fingerprint,) = {row["key"] for row in manifest(out)}
    assert len(fingerprint) == 12


def test_a_key_comes_by_option_file_or_environment_and_is_the_same_key(cli, photos, tmp_path, monkeypatch):
    source = photos / "a.png"
    cli("stamp", source, "-o", tmp_path / "o", "--key", "mine é")
    stamped = tmp_path / "o" / "a.png"
    key_file = tmp_path / "key.txt"
    key_file.write_bytes("mine é\r\n".encode())
    assert cli("scan", stamped).code == 1  # the default key's it is not
    assert cli("scan", stamped, "--key", "mine é").code == 0
    assert cli("scan", stamped, "--key-file", key_file).code == 0
    monkeypatch.setenv(KEY_VARIABLE, "mine é")
    assert cli("scan", stamped).code == 0
    assert cli("scan", stamped, "--key", "yours").code == 1  # the option goes before the environment


@pytest.mark.parametrize("key", ["", "   ", "a\nb", "tab\t", "\x1b[31m", "x" * 5000])
def test_a_malformed_key_is_refused_before_anything_is_done(cli, photos, tmp_path, key):
    for verb in (["stamp", photos, "-o", tmp_path / "out"], ["scan", photos]):
        said = cli(*verb, "--key", key)
        assert said.code == 2
        assert "key" in said.err
        assert "\x1b" not in said.err
    assert not (tmp_path / "out").exists()


def test_key_files_that_hold_no_key_are_refused(cli, photos, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_bytes(b"\n")
    for name in ("binary", "empty", "missing"):
        assert cli("scan", photos, "--key-file", tmp_path / name).code == 2
    assert cli("scan", photos, "--key", "a", "--key-file", tmp_path / "empty").code == 2


def test_a_key_that_was_not_typed_is_refused_with_where_it_is_from(cli, photos, tmp_path, monkeypatch):
    (tmp_path / "empty").write_bytes(b"\n")
    assert "got an empty key in '" in cli("scan", photos, "--key-file", tmp_path / "empty").err
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert f"got an empty key in the variable {KEY_VARIABLE}" in cli("scan", photos).err


def test_the_mark_that_some_editors_begin_files_with_is_no_part_of_the_key(tmp_path):
    (tmp_path / "key.txt").write_bytes(b"\xef\xbb\xbfmine\n")
    assert chosen_key(None, tmp_path / "key.txt") == "mine"


@pytest.mark.parametrize("strength", ["0", "-1", "100", "nan", "inf"])
def test_a_strength_out_of_range_is_refused_before_anything_is_done(cli, photos, tmp_path, strength):
    said = cli("stamp", photos, "-o", tmp_path / "out", "--strength", strength)
    assert said.code == 2
    assert "strength" in said.err
    assert not (tmp_path / "out").exists()


def test_bad_files_are_rows_and_never_end_the_run(cli, photos, tmp_path):
    Image.new("RGB", (1, 1)).save(photos / "one.png")
    (photos / "cut.jpg").write_bytes((photos / "a.jpg").read_bytes()[:2000])
    (photos / "text.png").write_text("no picture")
    (photos / "readme.txt").write_text("no picture, and not claiming to be")
    Image.open(photos / "a.png").save(
        photos / "moving.gif", save_all=True, append_images=[Image.open(photos / "a.jpg").convert("P")]
    )
    out = tmp_path / "out"
    said = cli("stamp", photos, "-o", out, "--workers", 1)
    assert said.code == 4
    status = {row["source"]: row["status"] for row in manifest(out)}
    failed = ["cut.jpg", "moving.gif", "one.png", "text.png"]
    assert [name for name, found in status.items() if found == "failed"] == failed
    assert status["readme.txt"] == "skipped"
    assert sum(found == "done" for found in status.values()) == 4
    assert all(name in said.err for name in failed)
    assert not any((out / name).exists() for name in failed)


def test_a_picture_that_cannot_carry_a_stamp_is_done_with_a_warning(cli, tmp_path):
    dots = np.where(np.random.default_rng(0).random((240, 320)) < 0.5, 0, 255).astype(np.uint8)  # nothing hides in them
    Image.fromarray(dots).save(tmp_path / "dots.png")
    out = tmp_path / "out"
    said = cli("stamp", tmp_path / "dots.png", "-o", out, "--json")
    assert said.code == 0
    (row,) = rows_of(said)
    assert (row["status"], row["survives"]) == ("done", False)
    assert row["p_value"] > 0.01
    assert "warning: dots.png" in said.err
    assert f"{row['p_value']:.2g}" in row["warning"]
    assert "1 with a warning" in said.err


def test_stamped_files_are_refused_unless_again(cli, photos, tmp_path):
    cli("stamp", photos / "a.png", "-o", tmp_path / "one")
    said = cli("stamp", tmp_path / "one" / "a.png", "-o", tmp_path / "two")
    assert said.code == 4
    assert "already" in said.err
    assert "--again" in said.err
    assert cli("stamp", tmp_path / "one" / "a.png", "-o", tmp_path / "two", "--again").code == 0


def test_an_output_never_lands_on_an_input(cli, photos):
    before = (photos / "a.png").read_bytes()
    assert cli("stamp", photos / "a.png", "-o", photos).code == 2
    assert (photos / "a.png").read_bytes() == before


def test_content_decides_the_format_and_names_do_not_collide(cli, photos, tmp_path):
    shutil.copy(photos / "a.png", photos / "trip" / "b.png")
    shutil.copy(photos / "a.png", photos / "really.jpg")  # it is a PNG
    shutil.copy(photos / "a.png", photos / "really.png")
    out = tmp_path / "out"
    assert cli("stamp", photos, "-o", out, "--workers", 1).code == 0
    outputs = [row["output"] for row in manifest(out)]
    assert len(set(outputs)) == len(outputs) == 7
    assert {"a.png", "a.jpg", "really.png", "really.jpg.png", "trip/b.JPEG", "trip/b.png"} <= set(outputs)


def test_scan_says_4_for_a_file_that_cannot_be_read_whatever_the_others_are(cli, photos, tmp_path):
    cli("stamp", photos / "a.png", "-o", tmp_path / "out")
    stamped = tmp_path / "out" / "a.png"
    broken = tmp_path / "broken.png"
    broken.write_bytes(stamped.read_bytes()[:1000])
    said = cli("scan", stamped, broken, photos / "a.jpg", "--json", "--jobs", 1)
    assert said.code == 4
    assert str(broken) in said.err
    first, second, third = rows_of(said)
    assert (first["stamped"], second["stamped"], third["stamped"]) == (True, None, False)
    assert "broken.png" in second["error"]
    assert cli("scan", broken).code == 4


def test_scan_of_what_does_not_exist_is_a_usage_error(cli, tmp_path):
    assert cli("scan", tmp_path / "none.png").code == 2


def test_the_tables_say_it_in_words(cli, photos, tmp_path):
    said = cli("stamp", photos / "a.png", photos / "a.jpg", "-o", tmp_path / "out", "-j", 1)
    assert said.out.splitlines()[0].split() == ["file", "output", "found", "again", "p"]
    assert "yes" in said.out
    table = cli("scan", tmp_path / "out" / "a.png", photos / "a.jpg", "-j", 1).out
    assert "stamped" in table
    assert "not stamped" in table


def test_names_that_would_steer_the_terminal_are_escaped(cli, photos, tmp_path):
    name = "evil\x1b[31m.png"
    shutil.copy(photos / "a.png", tmp_path / name)
    said = cli("scan", tmp_path / name)
    assert "\x1b" not in said.out + said.err
    assert "evil" in said.out


def test_folders_without_media_are_an_honest_negative(cli, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("hello")
    assert cli("scan", tmp_path / "in").code == 1
    assert cli("stamp", tmp_path / "in", "-o", tmp_path / "out").code == 1


def test_a_video_in_a_folder_is_stamped_too_and_scanned_with_its_frames(cli, photos, tmp_path, monkeypatch):
    import clips

    still = np.asarray(Image.open(photos / "a.png").convert("RGB"))
    monkeypatch.setattr(clips, "pictures", lambda count, size: (np.roll(still, 2 * i, 1) for i in range(count)))
    clips.make_clip(photos / "clip.mov", size=(320, 240), count=10)
    out = tmp_path / "out"
    said = cli("stamp", photos / "clip.mov", "-o", out, "--json")
    assert said.code == 0
    (row,) = rows_of(said)
    assert (row["output"], row["frames"], row["survives"]) == ("clip.mp4", 10, True)
    assert row["notes"] == ["mov became mp4"]
    found = cli("scan", out / "clip.mp4", "--json")
    assert found.code == 0
    assert rows_of(found)[0]["frames"] == 10
