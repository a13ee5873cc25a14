"""`repost emulate` from the command line to the files on disk."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import repost


def manifest(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def by_source(out: Path) -> dict[str, dict]:
    return {row["source"]: row for row in manifest(out)}


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".repost" not in path.parts
    }


def test_a_folder_is_mirrored_for_every_platform(cli, photos, networks, tmp_path):
    out = tmp_path / "out"
    said = cli("emulate", photos, "-o", out, "--profile", networks[0], "--profile", networks[1])
    assert said.code == 0, said.err
    expected = {
        f"{name}/{path}" for name in ("alpha", "beta") for path in ("a.jpg", "b.jpg", "trip/c.jpg", "trip/d.jpg")
    }
    assert set(files_below(out)) == expected | {"manifest.jsonl"}
    rows = manifest(out)
    assert {frozenset(row) for row in rows} == {frozenset(["source", "platform", "output", "status", "error", "trace"])}
    for row in rows:
        assert row["status"] == "done"
        assert row["trace"]["served"]["size_bytes"] == (out / row["output"]).stat().st_size
    assert "a.jpg" in said.out
    assert "8 done, 0 failed" in said.err


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--json",)])
def test_a_folder_without_files_is_a_wrong_call(cli, networks, tmp_path, more):
    (tmp_path / "none" / "inner").mkdir(parents=True)
    said = cli("emulate", tmp_path / "none", "-o", tmp_path / "out", "--profile", networks[0], *more)
    assert (said.code, said.out) == (2, "")
    assert f"got no file in '{tmp_path / 'none'}', expected at least one image or video" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--json",)])
def test_where_every_file_is_skipped_that_is_the_answer(cli, networks, tmp_path, more):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("no picture")
    said = cli("emulate", tmp_path / "texts", "-o", tmp_path / "out", "--profile", networks[0], *more)
    assert said.code == 1
    assert "nothing to share" in said.err


def test_the_files_are_what_the_python_call_gives(cli, photos, networks, tmp_path):
    cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0], "--seed", 5)
    served = repost.emulate(photos / "trip/c.jpg", networks[0], seed=5)
    assert (tmp_path / "out/alpha/trip/c.jpg").read_bytes() == served.data


def test_workers_and_order_change_nothing(cli, photos, networks, tmp_path):
    for jobs in (1, 2, 3):
        cli("emulate", photos, "-o", tmp_path / f"out{jobs}", "--profile", networks[0], "--jobs", jobs)
    first = files_below(tmp_path / "out1")
    assert files_below(tmp_path / "out2") == first
    assert files_below(tmp_path / "out3") == first
    names = ["trip/d.png", "b.jpg", "a.jpg"]
    cli("emulate", *(photos / name for name in names), "-o", tmp_path / "some", "--profile", networks[0])
    assert (tmp_path / "some/alpha/a.jpg").read_bytes() == first["alpha/a.jpg"]


def test_single_files_go_without_a_folder(cli, photos, networks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("emulate", photos / "a.jpg", "--profile", networks[0]).code == 0
    assert (tmp_path / "reposted/alpha/a.jpg").is_file()


def test_finished_work_is_kept_and_a_new_platform_is_added(cli, photos, networks, tmp_path):
    out = tmp_path / "out"
    cli("emulate", photos, "-o", out, "--profile", networks[0])
    before = {path: path.stat().st_mtime_ns for path in (out / "alpha").rglob("*.jpg")}
    said = cli("emulate", photos, "-o", out, "--profile", networks[0], "--profile", networks[1])
    assert "4 kept from an earlier run" in said.err
    assert {path: path.stat().st_mtime_ns for path in (out / "alpha").rglob("*.jpg")} == before
    assert len(manifest(out)) == 8
    assert "4 kept" not in cli("emulate", photos, "-o", out, "--profile", networks[0], "--seed", 1).err


def test_json_is_one_row_a_line(cli, photos, networks, tmp_path):
    out = tmp_path / "out"
    said = cli("emulate", photos, "-o", out, "--profile", networks[0], "--json", "--metrics", "psnr,ssim")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert sorted(rows, key=lambda row: row["source"]) == sorted(manifest(out), key=lambda row: row["source"])
    assert all(20 < row["metrics"]["psnr_db"] < 60 and 0.5 < row["metrics"]["ssim"] <= 1 for row in rows)


def test_a_dry_run_writes_nothing_and_tells_the_truth(cli, photos, networks, tmp_path):
    out = tmp_path / "out"
    said = cli("emulate", photos, "-o", out, "--profile", networks[0], "--dry-run", "--json")
    assert said.code == 0
    assert not out.exists()
    planned = {json.loads(line)["output"] for line in said.out.splitlines()}
    cli("emulate", photos, "-o", out, "--profile", networks[0])
    assert planned == {row["output"] for row in manifest(out)}


@pytest.fixture
def awkward(photos) -> Path:
    """Every kind of input that goes wrong in a real folder, among photographs that are fine."""
    photo = Image.open(photos / "a.jpg")
    good = (photos / "a.jpg").read_bytes()
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "truncated.jpg").write_bytes(good[: len(good) // 2])
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    (photos / "truncated.png").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (photos / "text.jpg").write_text("this is no picture")
    (photos / "notes.txt").write_text("this is no picture either")
    (photos / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100))
    photo.convert("CMYK").save(photos / "cmyk.jpg")
    photo.convert("L").save(photos / "grey.jpg")
    photo.convert("P").save(photos / "palette.png")
    photo.convert("RGBA").save(photos / "alpha.png")
    Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257).save(photos / "sixteen.png")
    Image.new("RGB", (1, 1), "red").save(photos / "dot.png")
    Image.new("RGB", (1, 400), "red").save(photos / "line.png")
    photo.save(photos / "animated.gif", save_all=True, append_images=[photo.rotate(180)])
    photo.save(photos / "animated.webp", save_all=True, append_images=[photo.rotate(180)])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo.save(photos / f"turned{orientation}.jpg", exif=exif)
    return photos


FINE = [
    "a.jpg",
    "cmyk.jpg",
    "grey.jpg",
    "palette.png",
    "alpha.png",
    "sixteen.png",
    "dot.png",
    "line.png",
    "turned1.jpg",
    "turned6.jpg",
]
FAULTY = {
    "empty.jpg": "the file is empty",
    "truncated.jpg": "cannot be decoded",
    "truncated.png": "cannot be decoded",
    "text.jpg": "got text, expected an image",
    "animated.gif": "got an animated gif, expected a still image",
    "animated.webp": "got an animated webp",
}
SKIPPED = {"notes.txt": "not media: text", "clip.mp4": "a mp4 video"}


def test_bad_files_are_rows_and_stop_nothing(cli, awkward, networks, tmp_path):
    out = tmp_path / "out"
    said = cli("emulate", awkward, "-o", out, "--profile", networks[0], "--jobs", 2)
    assert said.code == 4
    rows = by_source(out)
    for name in FINE:
        assert rows[name]["status"] == "done", rows[name]
        Image.open(out / rows[name]["output"]).load()
    for name, says in FAULTY.items():
        assert rows[name]["status"] == "failed"
        assert says in rows[name]["error"]
        assert name in rows[name]["error"]
        assert f"failed: {rows[name]['error']}" in said.err
    for name, says in SKIPPED.items():
        assert (rows[name]["status"], says in rows[name]["error"]) == ("skipped", True)
    upright = {rows[f"turned{k}.jpg"]["trace"]["served"]["width_px"] for k in (5, 6, 7, 8)}
    assert upright == {133}


def test_a_stray_file_named_by_hand_is_a_failure(cli, awkward, networks, tmp_path):
    for name in SKIPPED:
        assert cli("emulate", awkward / name, "-o", tmp_path / "out", "--profile", networks[0]).code == 4


def test_heic_under_the_name_of_a_jpeg(cli, photos, networks, tmp_path):
    pytest.importorskip("pillow_heif").register_heif_opener()
    Image.open(photos / "a.jpg").save(photos / "phone.jpg", "HEIF")
    assert cli("emulate", photos / "phone.jpg", "-o", tmp_path / "out", "--profile", networks[0]).code == 0
    assert by_source(tmp_path / "out")["phone.jpg"]["trace"]["upload"]["format"] == "heif"


def test_two_inputs_with_one_output_name_keep_theirs(cli, photos, networks, tmp_path):
    Image.open(photos / "a.jpg").rotate(180).save(photos / "a.png")
    out = tmp_path / "out"
    assert cli("emulate", photos, "-o", out, "--profile", networks[0]).code == 0
    rows = by_source(out)
    assert rows["a.jpg"]["output"] == "alpha/a.jpg.jpg"
    assert rows["a.png"]["output"] == "alpha/a.png.jpg"
    assert rows["b.jpg"]["output"] == "alpha/b.jpg"


def test_a_pixel_limit_is_one_failed_row(cli, photos, networks, tmp_path):
    Image.new("RGB", (900, 900)).save(photos / "big.png")
    said = cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0], "--max-pixels", 100_000)
    assert said.code == 4
    assert "big.png: got 810,000 pixels, expected at most 100,000" in said.err
    assert by_source(tmp_path / "out")["a.jpg"]["status"] == "done"


def test_a_link_that_leads_nowhere_is_one_failed_row(cli, photos, networks, tmp_path):
    (photos / "gone.jpg").symlink_to(photos / "nowhere.jpg")
    assert cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0]).code == 4
    rows = by_source(tmp_path / "out")
    assert rows["gone.jpg"]["error"].startswith("gone.jpg cannot be decoded: it is gone, or a link that leads nowhere")
    assert rows["a.jpg"]["status"] == "done"


def test_a_link_in_a_circle_ends(cli, photos, networks, tmp_path):
    (photos / "trip/back").symlink_to(photos, target_is_directory=True)
    assert cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0]).code == 0
    assert len(manifest(tmp_path / "out")) == 4


def test_a_full_disk_is_a_failed_row_and_the_next_run_mends_it(cli, photos, networks, tmp_path, monkeypatch):
    from repost.channel import share_image

    write = share_image.write_atomic

    def full(path: Path, data: bytes) -> None:
        if path.name == "b.jpg":
            raise OSError(28, "No space left on device", str(path))
        write(path, data)

    out = tmp_path / "out"
    monkeypatch.setattr(share_image, "write_atomic", full)
    said = cli("emulate", photos, "-o", out, "--profile", networks[0], "--jobs", 1)
    assert said.code == 4
    assert "No space left on device" in by_source(out)["b.jpg"]["error"]
    monkeypatch.undo()
    assert [row["status"] for row in manifest(out)].count("done") == 3
    assert cli("emulate", photos, "-o", out, "--profile", networks[0], "--jobs", 1).code == 0
    assert [row["status"] for row in manifest(out)].count("done") == 4


def test_a_link_in_the_output_folder_leads_no_output_onto_an_input(cli, photos, networks, tmp_path):
    out = tmp_path / "out"
    (out / "alpha").mkdir(parents=True)
    (out / "alpha/trip").symlink_to(photos / "trip", target_is_directory=True)
    before = (photos / "trip/c.jpg").read_bytes()
    said = cli("emulate", photos, "-o", out, "--profile", networks[0])
    assert said.code == 4
    assert (photos / "trip/c.jpg").read_bytes() == before
    assert "a link" in by_source(out)["trip/c.jpg"]["error"]


def test_a_dry_run_knows_what_will_fail(cli, awkward, networks, tmp_path):
    said = cli("emulate", awkward, "-o", tmp_path / "out", "--profile", networks[0], "--dry-run", "--json")
    planned = {row["source"]: row for row in map(json.loads, said.out.splitlines())}
    assert said.code == 4
    assert planned["animated.gif"]["status"] == "failed"
    assert planned["notes.txt"]["status"] == "skipped"
    assert (planned["a.jpg"]["status"], planned["a.jpg"]["rule"]) == ("planned", "every image")


def test_names_that_steer_a_terminal_are_shown_as_escapes(cli, photos, networks, tmp_path):
    (photos / "evil\x1b]0;owned\x07.jpg").write_bytes(b"")
    said = cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0])
    assert "\x1b" not in said.out + said.err
    assert "evil\\x1b" in said.err


def test_errors_name_no_place_of_this_machine(cli, photos, networks, tmp_path, monkeypatch):
    from repost.channel import share_image

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(share_image, "write_atomic", full)
    cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0], "--jobs", 1)
    monkeypatch.undo()
    assert str(tmp_path) not in (tmp_path / "out/manifest.jsonl").read_text()


class TestRefused:
    """Calls that are wrong end with 2, say why, and write nothing."""

    def test_output_into_the_input(self, cli, photos, networks):
        said = cli("emulate", photos, "-o", photos, "--profile", networks[0])
        assert said.code == 2
        assert "would write over input" in said.err
        assert not (photos / "manifest.jsonl").exists()

    def test_no_platform(self, cli, photos, tmp_path):
        said = cli("emulate", photos, "-o", tmp_path / "out")
        assert said.code == 2
        assert "--platform facebook" in said.err

    def test_unknown_platform(self, cli, photos, tmp_path):
        said = cli("emulate", photos, "-o", tmp_path / "out", "--platform", "facebok")
        assert said.code == 2
        assert "did you mean 'facebook'" in said.err
        assert not (tmp_path / "out").exists()

    def test_missing_input(self, cli, networks, tmp_path):
        said = cli("emulate", tmp_path / "nowhere", "-o", tmp_path / "out", "--profile", networks[0])
        assert said.code == 2
        assert "nowhere" in said.err

    def test_broken_profile(self, cli, photos, tmp_path, networks):
        broken = tmp_path / "broken.toml"
        broken.write_text(networks[0].read_text().replace("long_side", "longside").replace("px = 200", "px = 0"))
        said = cli("emulate", photos, "-o", tmp_path / "out", "--profile", broken)
        assert said.code == 2
        assert "rules.0.steps.1.fit" in said.err
        assert "rules.0.steps.1.px" in said.err

    def test_unknown_metric_and_engine(self, cli, photos, networks, tmp_path):
        common = ("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0])
        assert cli(*common, "--metrics", "psnr,vmaf").code == 2
        assert cli(*common, "--engine", "slurm").code == 2

    def test_two_platforms_with_one_folder(self, cli, photos, networks, tmp_path):
        clash = tmp_path / "clash.toml"
        clash.write_text(networks[0].read_text().replace('"alpha"', '"instagram-message"'))
        said = cli("emulate", photos, "-o", tmp_path / "out", "-p", "instagram/message", "--profile", clash)
        assert said.code == 2

    def test_the_same_platform_twice(self, cli, photos, networks, tmp_path):
        said = cli("emulate", photos, "-o", tmp_path / "out", "--profile", networks[0], "--profile", networks[0])
        assert said.code == 2
        assert "twice" in said.err
