"""Videos from end to end: share a folder, learn a platform, run a config, move over from the published framework."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from clips import make_clip, make_sound
from repost.channel.video.emulate import emulate_video
from repost.media.video.facts import read_video_facts
from repost.media.video.frames import decode_frames, luma_of
from repost.media.video.upload import VideoUpload
from repost.platforms import load_profile

PROFILE = """
platform = "{name}"
observed = "2026"
summary = "a network for tests"
evidence = [{{ kind = "inferred", source = "this test" }}]
[[rules]]
media = "video"
name = "every video"
[[rules.steps]]
op = "orient"
[[rules.steps]]
op = "resize"
fit = "short_side"
px = 48
kernel = "lanczos"
multiple_of = 2
[[rules.steps]]
op = "encode"
codec = "h264"
preset = "fast"
profile = "main"
b_frames = 2
references = 2
rate = {{ mode = "crf", crf = 27 }}
[[rules.steps]]
op = "audio"
action = "drop"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "network.toml"
    path.write_text(PROFILE.format(name="gamma"))
    return path


@pytest.fixture
def videos(tmp_path):
    """A folder as people have them: fine clips, one in a folder of its own, and what is none."""
    folder = tmp_path / "videos"
    (folder / "trip").mkdir(parents=True)
    make_clip(folder / "a.mp4", size=(160, 96), count=30, audio="aac")
    make_clip(folder / "trip" / "b.mkv", size=(96, 128), count=30)
    make_clip(folder / "turned.mp4", size=(128, 96), count=12, rotation_deg=-90)
    make_sound(folder / "song.mp4")
    cut = make_clip(folder / "cut.mp4", size=(160, 96), count=40, container_options={"movflags": "faststart"})
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "notes.txt").write_text("no video")
    return folder


def rows_of(out):
    return {row["source"]: row for row in map(json.loads, (out / "manifest.jsonl").read_text().splitlines())}


def test_a_folder_is_shared_and_what_cannot_be_is_a_row(cli, videos, network, tmp_path):
    out = tmp_path / "out"
    said = cli("emulate", videos, "-o", out, "--profile", network, "--jobs", 2, "--metrics", "psnr")
    assert said.code == 4
    rows = rows_of(out)
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.mp4": "done", "trip/b.mkv": "done", "turned.mp4": "done", "song.mp4": "failed", "cut.mp4": "failed",
        "empty.mp4": "failed", "notes.txt": "skipped",
    }  # fmt: skip
    assert "audio only" in rows["song.mp4"]["error"]
    assert "Traceback" not in said.err
    served = read_video_facts(out / rows["turned.mp4"]["output"])
    assert (served.width_px, served.height_px, served.rotation_deg) == (48, 64, 0)
    assert rows["trip/b.mkv"]["output"] == "gamma/trip/b.mp4"
    assert rows["a.mp4"]["trace"]["served"]["audio_codec"] is None
    assert rows["a.mp4"]["metrics"]["psnr_db"] > 25


def test_the_same_bytes_for_any_number_of_workers_and_nothing_is_done_twice(cli, videos, network, tmp_path):
    for jobs in (1, 2):
        cli("emulate", videos, "-o", tmp_path / f"out{jobs}", "--profile", network, "--jobs", jobs)
    one, two = (tmp_path / f"out{jobs}" for jobs in (1, 2))
    assert (one / "manifest.jsonl").read_bytes() == (two / "manifest.jsonl").read_bytes()
    for name in ("a.mp4", "trip/b.mp4", "turned.mp4"):
        assert (one / "gamma" / name).read_bytes() == (two / "gamma" / name).read_bytes()
    said = cli("emulate", videos, "-o", one, "--profile", network, "--jobs", 1)
    assert "3 done, 1 skipped, 3 failed (4 kept from an earlier run)" in said.err


def test_frames_instead_of_files(cli, videos, network, tmp_path):
    out = tmp_path / "out"
    said = cli("emulate", videos / "a.mp4", "-o", out, "--profile", network, "--every", 10)
    assert said.code == 0
    assert sorted(path.name for path in (out / "gamma" / "a").iterdir()) == ["000000.png", "000010.png", "000020.png"]


def test_frames_of_an_earlier_run_do_not_stay_among_the_new_ones(cli, videos, network, tmp_path):
    frames = []
    for every in (5, 10):
        cli("emulate", videos, "-o", tmp_path / "out", "--profile", network, "--every", every)
        frames.append(sorted(path.name for path in (tmp_path / "out/gamma/a").iterdir()))
    assert len(frames[0]) == 6
    assert frames[1] == ["000000.png", "000010.png", "000020.png"]


def test_frames_have_a_folder_of_their_own_beside_one_of_the_videos_name(cli, tmp_path, network):
    folder = tmp_path / "in"
    (folder / "clip").mkdir(parents=True)
    for name, count in (("clip.mp4", 4), ("clip/000000.mp4", 2)):
        make_clip(folder / name, count=count)
    cli("emulate", folder, "-o", tmp_path / "out", "--profile", network, "--every", 1)
    outputs = {source: row["output"] for source, row in rows_of(tmp_path / "out").items()}
    assert outputs == {"clip.mp4": "gamma/clip.mp4", "clip/000000.mp4": "gamma/clip/000000"}


def test_frames_are_upright_where_the_network_leaves_the_rotation(cli, videos, tmp_path, network):
    network.write_text(network.read_text().replace('[[rules.steps]]\nop = "orient"\n', ""))
    cli("emulate", videos / "turned.mp4", "-o", tmp_path / "out", "--profile", network, "--every", 5)
    with Image.open(tmp_path / "out/gamma/turned/000000.png") as frame:
        assert frame.width < frame.height


def test_images_and_videos_in_one_folder_each_follow_their_rules(cli, videos, photos, networks, network, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.copy(videos / "a.mp4", mixed)
    shutil.copy(photos / "a.jpg", mixed)
    out = tmp_path / "out"
    assert cli("emulate", mixed, "-o", out, "--profile", network, "--profile", networks[0]).code == 0
    found = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert {(row["source"], row["platform"]): row["status"] for row in found} == {
        ("a.mp4", "gamma"): "done", ("a.jpg", "gamma"): "skipped",
        ("a.mp4", "alpha"): "skipped", ("a.jpg", "alpha"): "done",
    }  # fmt: skip


def test_a_dry_run_says_what_would_be_done(cli, videos, network, tmp_path):
    said = cli("emulate", videos, "-o", tmp_path / "out", "--profile", network, "--dry-run", "--json")
    planned = {row["source"]: row for row in map(json.loads, said.out.splitlines())}
    assert planned["a.mp4"]["output"] == "gamma/a.mp4"
    assert planned["a.mp4"]["status"] == "planned"
    assert not (tmp_path / "out").exists()


@pytest.fixture
def pairs(tmp_path, network):
    """originals/ and shared/ of four clips on one network, with every fault a folder of pairs may have."""
    originals, shared = tmp_path / "originals", tmp_path / "shared"
    originals.mkdir()
    shared.mkdir()
    profile = load_profile(network)
    for index, size in enumerate([(160, 96), (96, 128), (128, 96), (192, 108)]):
        clip = make_clip(originals / f"{index}.mp4", size=size, count=60, options={"crf": "10"})
        emulate_video(VideoUpload(clip), profile, shared / f"{index}.mp4", seed=0)
    make_clip(originals / "alone.mp4", count=10)
    make_clip(originals / "broken.mp4", count=10)
    (shared / "broken.mp4").write_bytes(b"")
    return originals, shared


def estimate(cli, pairs, tmp_path, *more):
    return cli(
        "estimate", "videos", "--originals", pairs[0], "--shared", pairs[1], "--platform", "Youtube",
        "--codec", "libx264", "--crf-min", 20, "--crf-max", 51, "-o", tmp_path / "yt.toml", "--jobs", 1, *more,
    )  # fmt: skip


def test_a_platform_is_learned_and_does_the_same_to_new_videos(cli, pairs, tmp_path, network):
    database = tmp_path / "compression_models.json"
    said = estimate(cli, pairs, tmp_path, "--reference-json", database, "--json")
    assert said.code == 4
    for name in ("alone", "broken"):
        assert f"failed: {name}" in said.err
    found = json.loads(said.out)
    assert [pair["name"] for pair in found["pairs"]] == ["0", "1", "2", "3"]
    assert all(pair["crf_in_words"] == str(pair["crf"]) and pair["crf_exact"] for pair in found["pairs"])
    learned = load_profile(tmp_path / "yt.toml")
    (rule,) = learned.rules
    by_op = {step.op: step for step in rule.steps}
    assert (by_op["resize"].fit, by_op["resize"].px, by_op["resize"].kernel) == ("short_side", 48, "lanczos")
    encode = by_op["encode"]
    assert (encode.profile, encode.preset, encode.references, encode.rate.crf) == ("main", "fast", 2, 27)
    samples = json.loads(database.read_text())["Youtube"]["libx264"]
    assert samples[0] == {
        "original_res": "160x96", "target_res": "80x48", "crf": found["pairs"][0]["crf"], "profile": "Main",
        "source_file": "0.mp4",
    }  # fmt: skip
    new = make_clip(tmp_path / "new.mp4", size=(176, 144), count=40)
    assert cli("emulate", new, "-o", tmp_path / "out", "--profile", tmp_path / "yt.toml").code == 0
    true = emulate_video(VideoUpload(new), load_profile(network), tmp_path / "true.mp4", seed=0)
    pictures = [
        [luma_of(frame) for frame in decode_frames(path)] for path in (true.path, tmp_path / "out/youtube/new.mp4")
    ]
    assert all(np.array_equal(one, other) for one, other in zip(*pictures, strict=True))


@pytest.mark.parametrize(("least", "most", "words"), [(40, 44, "40 or less"), (4, 8, "8 or more")])
def test_a_rate_factor_at_the_end_of_the_range_is_told_as_such(cli, pairs, tmp_path, least, most, words):
    pytest.importorskip("matplotlib")
    for index in (1, 2, 3):
        (pairs[0] / f"{index}.mp4").unlink()
    more = "--crf-min", least, "--crf-max", most, "--figures", tmp_path / "figures"
    said = estimate(cli, pairs, tmp_path, *more)
    assert f"reference CRF {words}" in said.out
    (pair,) = json.loads(estimate(cli, pairs, tmp_path, *more, "--json").out)["pairs"]
    assert (pair["crf_in_words"], pair["crf_exact"]) == (words, None)
    assert f"CRF {pair['crf']}" not in (tmp_path / "figures/0/rate.svg").read_text()


def test_the_database_of_the_published_framework_is_emulated_from(cli, videos, tmp_path):
    database = tmp_path / "models.json"
    sample = {"original_res": "160x96", "target_res": "64x64", "profile": "High", "source_file": "x.mp4"}
    database.write_text(json.dumps({"Youtube": {"libx264": [{**sample, "crf": crf} for crf in (25, 28)]}}, indent=4))
    said = cli(
        "emulate", videos / "a.mp4", "-o", tmp_path / "out", "--platform", "Youtube", "--reference-json", database,
        "--lookup", "reference", "--json",
    )  # fmt: skip
    assert said.code == 0
    trace = json.loads(said.out)["trace"]
    encode = next(step["parameters"] for step in trace["steps"] if step["op"] == "encode")
    assert (encode["crf"], encode["profile"], tuple(encode["size"])) == (26, "high", (64, 64))
    said = cli("emulate", videos, "-o", tmp_path / "o", "--platform", "Youtub", "--reference-json", database)
    assert said.code == 2
    assert "did you mean 'Youtube'" in said.err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program as an oracle")
def test_the_reference_lookup_gives_the_frames_of_the_reference_command(cli, videos, tmp_path):
    database = tmp_path / "models.json"
    sample = {"original_res": "96x128", "target_res": "64x80", "crf": 30, "profile": "Main", "source_file": "x.mp4"}
    database.write_text(json.dumps({"Facebook": {"libx264": [sample]}}))
    clip = videos / "trip" / "b.mkv"
    cli("emulate", clip, "-o", tmp_path / "out", "--platform", "Facebook", "--reference-json", database)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", clip, "-filter_complex", "[0]scale=64:80[s0]", "-map", "[s0]", "-crf", "30",
         "-vcodec", "libx264", "-pix_fmt", "yuv420p", "-profile:v", "main", "-threads", "1",
         tmp_path / "reference.mp4"],
        check=True,
    )  # fmt: skip
    ours, theirs = (
        [luma_of(frame).copy() for frame in decode_frames(path)]
        for path in (tmp_path / "out/Facebook/b.mp4", tmp_path / "reference.mp4")
    )
    assert len(ours) == len(theirs) == 30
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_a_config_learns_and_emulates_in_one_command(cli, pairs, tmp_path):
    (pairs[0] / "alone.mp4").unlink()
    (pairs[0] / "broken.mp4").unlink()
    (pairs[1] / "broken.mp4").unlink()
    (tmp_path / "run.toml").write_text(
        """
[[steps]]
do = "estimate-videos"
originals = "originals"
shared = "shared"
platform = "Youtube"
out = "yt.toml"
reference_json = "models.json"
jobs = 1

[[steps]]
do = "emulate"
sources = ["originals"]
out = "emulated"
platform = ["Youtube"]
reference_json = "models.json"
jobs = 1
"""
    )
    said = cli("run", "--config", tmp_path / "run.toml")
    assert said.code == 0, said.err
    assert "step 2 of 2: emulate" in said.err
    assert len(list((tmp_path / "emulated" / "Youtube").glob("*.mp4"))) == 4


def test_a_platform_that_is_a_file_is_looked_for_beside_the_config(cli, tmp_path, network, monkeypatch):
    folder = tmp_path / "config"
    folder.mkdir()
    shutil.move(network, folder / "mine.toml")
    make_clip(folder / "a.mp4", count=4)
    step = "do = 'emulate'\nsources = ['a.mp4']\nout = 'out'\nplatform = ['mine.toml']\njobs = 1"
    (folder / "run.toml").write_text(f"[[steps]]\n{step}")
    monkeypatch.chdir(tmp_path)
    said = cli("run", "-c", "config/run.toml")
    assert said.code == 0, said.err
    assert (folder / "out/gamma/a.mp4").exists()


EMULATE = "[[steps]]\ndo = 'emulate'\nsources = ['a']\nout = 'o'\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (EMULATE + "sede = 1", "steps.0.sede: no such field; did you mean 'seed'?"),
        (EMULATE + "zzz = 1", "steps.0.zzz: no such field; check the spelling"),
        (EMULATE + "reference_jsn = 'a'", "steps.0.reference_jsn: no such field; did you mean 'reference_json'?"),
        (EMULATE + "jobs = -1", "steps.0.jobs: got -1, expected 0 or more"),
        (EMULATE + "seed = 'one'", "steps.0.seed: got 'one', expected a whole number"),
        (EMULATE + "metrics = 3", "steps.0.metrics: got 3, expected text in quotes"),
        (EMULATE + "lookup = ['law']", "steps.0.lookup: got ['law'], expected text in quotes"),
        (EMULATE + "platform = 'facebook'", "steps.0.platform: got 'facebook', expected a list: write platform = ["),
        ("[[steps]]\ndo = 'emulate'\nsources = []\nout = 'o'", "steps.0.sources: got 0 of them, expected at least 1"),
        ("[[steps]]\ndo = 'emulate'\nsources = ['a']\nout = 3", "steps.0.out: got 3, expected a path in quotes"),
        ("[[steps]]\ndo = 'emulate'\nsources = ['a']", "steps.0.out: missing; add it"),
        ("[[steps]]\ndo = 'emulat'", "steps.0: no verb 'emulat'; did you mean 'emulate'?"),
        ("[[steps]]\nsources = ['a']", "steps.0: do is missing"),
        ("[steps]\ndo = 'emulate'", "steps: got one table, expected a list of them: write [[steps]]"),
        ("step = 1", "step: no such field; did you mean 'steps'?"),
        ("schema_version = 2\n" + EMULATE, "schema_version: got 2, expected 1"),
    ],
)
def test_faults_of_a_config_are_told_as_those_of_a_profile(cli, tmp_path, text, line):
    (tmp_path / "run.toml").write_text(text)
    said = cli("run", "-c", tmp_path / "run.toml")
    assert said.code == 2
    assert f"\n  {line}" in said.err


@pytest.mark.parametrize(
    ("text", "says"),
    [("steps = 3", "steps"), ("[[steps]]\ndo = 'emulat'", "emulat"), ("not toml", "no TOML"),
     ("[[steps]]\ndo = 'emulate'\nsources = ['a']\nout = 'o'\nsede = 1", "sede"),
     ("steps = " + "[" * 3000 + "]" * 3000, "too deep"), ("steps = " + "9" * 5000, "no TOML"),
     ("[[steps]]\ndo = 'estimate-videos'\noriginals = 'a'\nshared = 'b'\nplatform = 'p'\nout = 'o.toml'\ncrf_min = -5",
      "crf_min")],
)  # fmt: skip
def test_a_config_that_cannot_be_run_says_which_field(cli, tmp_path, text, says):
    (tmp_path / "run.toml").write_text(text)
    said = cli("run", "-c", tmp_path / "run.toml")
    assert said.code == 2
    assert says in said.err
    assert "at least 1 item" not in said.err, "a wrong step is no missing step"


def test_figures_that_cannot_be_written_end_the_call_before_the_work(cli, pairs, tmp_path):
    (tmp_path / "note").write_text("kept")
    for where in ("note", "note/figures"):
        said = estimate(cli, pairs, tmp_path, "--figures", tmp_path / where)
        assert (said.code, "--figures" in said.err, "is a file; expected a folder" in said.err) == (2, True, True)
    assert not (tmp_path / "yt.toml").exists()
    assert (tmp_path / "note").read_text() == "kept"


def test_bad_calls_say_what_to_do(cli, pairs, tmp_path, network):
    wrong = [
        (["--codec", "libx999"], "libx999"), (["--crf-min", 40, "--crf-max", 20], "smaller number first"),
        (["--observed", "soon"], "YYYY-MM"),
    ]  # fmt: skip
    for more, says in wrong:
        said = estimate(cli, pairs, tmp_path, *more)
        assert (said.code, says in said.err) == (2, True), said.err
    database = tmp_path / "damaged.json"
    database.write_text("{")
    said = estimate(cli, pairs, tmp_path, "--reference-json", database)
    assert said.code == 2
    assert database.read_text() == "{"
    said = estimate(cli, pairs, tmp_path, "--reference-json", tmp_path / "nowhere" / "database.json")
    assert (said.code, "make it first" in said.err) == (2, True)
    said = cli("emulate", pairs[0] / "0.mp4", "-o", tmp_path / "o", "--profile", network, "--match", "size")
    assert (said.code, "bitrate or quality" in said.err) == (2, True)
