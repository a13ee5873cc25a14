"""Identification of videos: clips emulated through invented platforms as oracle."""

import math

import av
import numpy as np
import pytest

from jpeg_samples import picture, save
from repost.channel.video.emulate import emulate_video
from repost.core.errors import MediaError
from repost.estimation.identify.filenames import match_name
from repost.estimation.identify.rank import EXAMPLE_SHARE, NONE_PRIOR, identify
from repost.estimation.identify.size import size_chance
from repost.estimation.identify.videos.levels import needed_level
from repost.estimation.identify.videos.population import shape_of
from repost.estimation.identify.videos.served import doubted_aspects
from repost.estimation.identify.videos.signature import read_video_signature
from repost.estimation.identify.videos.uploads import VideoUploads
from repost.media.video.upload import VideoUpload
from repost.platforms import find_profile
from repost.platforms.catalog import parse_profile
from video_clips import moving_frames, write_clip

ENCODE = {"op": "encode", "codec": "h264", "encoder": "libx264"}
CONTAINER = {"op": "container", "format": "mp4", "strip_sei": True}


def profile(platform, *, px, encode, fps=30, fit="short_side", unknown=(), container=CONTAINER, audio=None):
    steps = [
        {"op": "orient"},
        {"op": "resize", "fit": fit, "px": px, "kernel": "bicubic", "multiple_of": 2},
        {"op": "frame_rate", "fps": fps},
        ENCODE | encode,
        audio or {"op": "audio", "action": "drop"},
        container,
    ]
    return parse_profile(
        {
            "platform": platform,
            "observed": "2026",
            "summary": "Invented.",
            "evidence": [{"kind": "inferred", "source": "made up"}],
            "rules": [{"media": "video", "name": "any", "steps": steps}],
            "unknown": list(unknown),
        },
        source=platform,
    )


FIXED = {"gop_s": 0.8, "scene_cut": False, "b_frames": 2, "preset": "medium", "profile": "high"}
ALPHA = profile("alpha", px=96, encode=FIXED | {"rate": {"mode": "crf", "crf": 28}})
BETA = profile("beta", px=96, encode=FIXED | {"rate": {"mode": "crf", "crf": {"samples": [31, 32, 32]}}})
GAMMA = profile(
    "gamma",
    px=80,
    encode={"gop_s": 2, "b_frames": 0, "preset": "veryfast", "profile": "main", "level": "4.0"}
    | {"rate": {"mode": "abr", "bits_per_pixel_s": 6.0}},
)
DELTA = profile(
    "delta",
    px=96,
    fps=20,
    encode={"preset": "fast", "b_frames": 3, "rate": {"mode": "crf", "crf": 28}},
    container=CONTAINER | {"strip_sei": False},
)
INVENTED = (ALPHA, BETA, GAMMA, DELTA)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two uploads, and what each invented platform serves for them."""
    folder = tmp_path_factory.mktemp("videos")
    made = {}
    for seed, size in ((1, (192, 128)), (2, (128, 192))):
        upload = write_clip(folder / f"upload{seed}.mp4", moving_frames(60, size=size, seed=seed, noise=1.0))
        made["upload", seed] = upload
        for one in INVENTED:
            served = folder / f"{one.platform}{seed}.mp4"
            emulate_video(VideoUpload(upload), one, served, seed=seed)
            made[one.platform, seed] = served
    return made


def look(source, profiles=INVENTED, **settings):
    return identify(source, profiles=profiles, **settings)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("one", INVENTED, ids=lambda one: one.platform)
def test_an_emulated_clip_is_recognised(clips, one, seed):
    found = look(clips[one.platform, seed])
    assert found.candidates[0].platform == one.platform
    assert found.answer == (one.platform,)
    assert math.isclose(found.none + sum(each.probability for each in found.candidates), 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_unshared_clip_of_x264_is_none_of_these(clips, seed):
    found = look(clips["upload", seed])
    assert found.answer == ()
    assert found.none > 0.9
    assert "x264" in found.none_reasons[0]


def test_a_network_without_a_profile_is_none_of_these(clips):
    others = [one for one in INVENTED if one is not GAMMA]
    found = look(clips["gamma", 1], profiles=others)
    assert found.answer == ()
    assert "keyframes" in "; ".join(found.candidates[0].reasons) or found.candidates[0].probability < 0.2


def test_reasons_name_what_was_found(clips):
    said = "; ".join(look(clips["alpha", 1]).candidates[0].reasons)
    assert "H.264 High 1.0 in MP4 as Alpha writes" in said
    assert "the short side is exactly 96 px, Alpha's limit" in said
    assert "a keyframe every 20 frames, as Alpha sets it" in said
    assert "the headers start from QP 28, Alpha's constant rate factor" in said
    assert "bits per pixel and second, Gamma's rate" in "; ".join(look(clips["gamma", 1]).candidates[0].reasons)
    against = next(one for one in look(clips["upload", 1]).candidates if one.platform == "alpha").reasons
    assert "the encoder's message is there, which Alpha takes out" in against


def test_networks_of_the_same_settings_name_each_other(clips):
    twin = ALPHA.model_copy(update={"platform": "twin"})
    found = look(clips["alpha", 1], profiles=[*INVENTED, twin])
    assert set(found.answer) == {"alpha", "twin"}
    assert found.candidates[0].probability == pytest.approx(found.candidates[1].probability)
    assert any("cannot be told apart from" in reason for reason in found.candidates[0].reasons)


def test_what_is_assumed_counts_less(clips):
    unsure = ALPHA.model_copy(update={"platform": "unsure", "unknown": ("rules.0.steps.3.rate.crf",)})
    assert doubted_aspects(unsure, 0) == {"qp", "rate"}
    found = look(clips["alpha", 1], profiles=[ALPHA, unsure])
    assert [one.platform for one in found.candidates] == ["alpha", "unsure"]
    other = look(clips["beta", 1], profiles=[ALPHA, unsure])
    assert [one.platform for one in other.candidates] == ["unsure", "alpha"]
    assert "assumed and not known" in "; ".join(other.candidates[0].reasons)


def test_a_network_that_passes_videos_on_looks_like_none(clips):
    keeper = parse_profile(
        ALPHA.model_dump(exclude={"rules"})
        | {"platform": "keeper", "rules": [{"media": "video", "name": "all", "steps": [{"op": "passthrough"}]}]},
        source="keeper",
    )
    found = look(clips["upload", 1], profiles=[*INVENTED, keeper])
    kept = next(one for one in found.candidates if one.platform == "keeper")
    assert kept is found.candidates[0]
    assert kept.as_unshared
    assert found.answer == ()


def test_conditions_decide_which_rule_may_have_been_followed(clips):
    """A rule that only large uploads follow cannot have made a file of a small limit."""
    rules = [
        ALPHA.rules[0].model_dump() | {"when": {"short_side_px": {"at_most": 64}}},
        GAMMA.rules[0].model_dump(),
    ]
    picky = parse_profile(ALPHA.model_dump(exclude={"rules"}) | {"platform": "picky", "rules": rules}, source="picky")
    found = look(clips["alpha", 1], profiles=[picky, ALPHA])
    assert found.candidates[0].platform == "alpha"
    assert found.candidates[0].probability > 0.9


def test_an_example_is_named_and_weighs_little(clips):
    example = ALPHA.model_copy(update={"platform": "example"})
    found = look(clips["alpha", 1], profiles=[example])
    assert found.candidates[0].reasons[0].startswith("an example that comes with repost: it describes no real network")
    alone, beside = look(clips["alpha", 1], profiles=[ALPHA]), found
    odds = [one.candidates[0].probability / one.none for one in (alone, beside)]
    assert odds[1] / odds[0] == pytest.approx(EXAMPLE_SHARE * NONE_PRIOR / (1 - EXAMPLE_SHARE * (1 - NONE_PRIOR)))


def test_bundled_examples_take_part_for_videos_and_never_for_images(clips, tmp_path, monkeypatch):
    monkeypatch.setenv("REPOST_PLATFORMS", str(tmp_path))
    assert {one.platform for one in identify(clips["upload", 1]).candidates} == {"example"}
    (tmp_path / "photo.jpg").write_bytes(save(picture(300, 200)))
    assert "example" not in {one.platform for one in identify(tmp_path / "photo.jpg").candidates}


def test_the_bundled_example_is_recognised(tmp_path):
    upload = write_clip(tmp_path / "upload.mp4", moving_frames(60, size=(480, 360), noise=0.2, speed=0.5), fps=25)
    emulate_video(VideoUpload(upload), find_profile("example"), tmp_path / "served.mp4", seed=0)
    found = identify(tmp_path / "served.mp4", profiles=[find_profile("example")])
    assert found.answer == ("example",)


def test_sound_tells_networks_apart(tmp_path):
    upload = tmp_path / "upload.mp4"
    write_clip(tmp_path / "silent.mp4", moving_frames(50, size=(128, 96)))
    _with_tone(tmp_path / "silent.mp4", upload)
    platforms = [
        profile(
            f"rate{bps // 1000}",
            px=96,
            encode=FIXED | {"rate": {"mode": "crf", "crf": 28}},
            audio={"op": "audio", "action": "encode", "codec": "aac", "bitrate_bps": bps},
        )
        for bps in (48_000, 128_000)
    ]
    for one in platforms:
        emulate_video(VideoUpload(upload), one, tmp_path / "served.mp4", seed=0)
        found = look(tmp_path / "served.mp4", profiles=platforms)
        assert found.candidates[0].platform == one.platform
        assert found.candidates[0].probability > 0.8


def _with_tone(silent, path):
    """A clip with two seconds of noise beside its pictures."""
    rng = np.random.default_rng(3)
    with av.open(str(silent)) as source, av.open(str(path), "w") as target:
        picture = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", 44100)
        sound.bit_rate = 192_000
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = picture
                target.mux(packet)
        heard = av.AudioFrame.from_ndarray(rng.normal(0, 0.2, (1, 88200)).astype(np.float32), "fltp", "mono")
        heard.sample_rate = 44100
        for frame in (heard, None):
            target.mux(sound.encode(frame))


def test_another_standard_is_another_network(tmp_path):
    """All else as the profile says: size, frame rate, groups, no message."""
    path = write_clip(
        tmp_path / "other.mp4", moving_frames(60, size=(144, 96), noise=1.0), encoder="mpeg4", options={"g": "20"}
    )
    found = look(path)
    assert found.answer == ()
    assert "MPEG-4 Simple Profile in MP4, where Alpha writes otherwise" in str(found.candidates)


def test_an_example_is_no_network_of_unknown_settings(clips):
    """Its parameters are listed as unknown, but a file that differs from it did not come from it."""
    found = look(clips["alpha", 1], profiles=[find_profile("example"), find_profile("example/story")])
    assert found.answer == ()
    assert found.none > 0.99
    assert doubted_aspects(find_profile("example"), 0) == frozenset()


def test_broken_and_foreign_files_are_named(tmp_path, clips):
    whole = clips["alpha", 1].read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("cut.mp4", "text.mp4"):
        with pytest.raises(MediaError, match=name):
            look(tmp_path / name)


def test_a_signature_read_before_gives_the_same_answer(clips):
    signature = read_video_signature(clips["alpha", 1])
    assert look(signature) == look(clips["alpha", 1], name="")
    assert signature.keyframe_gaps == (20, 20)
    assert signature.tail_frames == 20
    assert (signature.structure.initial_qp, signature.message) == (28, False)


def test_chances_of_uploads_add_up_to_one(clips):
    uploads = VideoUploads(read_video_signature(clips["alpha", 1]))
    for one in (*INVENTED, find_profile("example"), find_profile("example/story")):
        found = [upload for _, _, matching in uploads.matching(one) for upload in matching]
        assert sum(upload.chance for upload in found if upload.own_shape) == pytest.approx(1, abs=0.03)


def test_odd_sizes_round_as_the_emulation_does():
    """854x480 is what 1920x1080 becomes; both are taken for 16:9."""
    assert shape_of((854, 480)) == (16, 9)
    assert shape_of((480, 854)) == (9, 16)
    assert shape_of((720, 1364)) == (720, 1364)


@pytest.mark.parametrize(
    ("size", "fps", "references", "b_frames", "level"),
    [
        ((854, 480), 30, 3, 3, "3.1"),
        ((1280, 720), 30, 3, 3, "3.1"),
        ((1280, 720), 60, 3, 3, "3.2"),
        ((1920, 1080), 30, 3, 3, "4.0"),
        ((1920, 1080), 60, 3, 3, "4.2"),
        ((3840, 2160), 30, 3, 3, "5.1"),
        ((640, 360), 25, 1, 0, "3.0"),
    ],
)
def test_level_that_x264_chooses(size, fps, references, b_frames, level):
    """By ITU-T H.264, table A-1; what x264 writes for these sizes with its preset medium."""
    assert needed_level(size, fps=fps, references=references, b_frames=b_frames) == level


@pytest.mark.parametrize("one", INVENTED, ids=lambda one: one.platform)
def test_the_level_needed_is_the_one_in_the_stream(clips, one):
    found = read_video_signature(clips[one.platform, 1])
    structure = found.structure
    needed = needed_level(found.size, fps=found.fps, references=structure.references, b_frames=structure.b_frames)
    assert structure.level == (needed if one is not GAMMA else "4.0")


def test_size_of_an_upload_under_the_limit_stays(clips):
    rule = ALPHA.rules[0]
    uploads = VideoUploads(read_video_signature(clips["alpha", 1])).matching(ALPHA)[0][2]
    small = next(one for one in uploads if one.height_px == 96)
    assert size_chance((small.width_px, 96), rule, small) == 1
    large = next(one for one in uploads if one.height_px == 1080)
    assert size_chance((144, 96), rule, large) == 1
    assert size_chance((150, 100), rule, large) == 0


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("VID-20260101-WA0001.mp4", "whatsapp"),
        ("video_2026-01-01_10-11-12.mp4", "telegram"),
        ("mmexport1700000000000.mp4", "wechat"),
        ("FB_VID_1700000000000.mp4", "facebook"),
        ("DASH_720.mp4", "reddit"),
        ("videoplayback (1).mp4", "youtube"),
        ("aB3dEfGhIjKlMnOp.mp4", "twitter"),
    ],
)
def test_names_of_videos(name, platform):
    assert platform in match_name(name).platforms
    assert match_name(name.replace(".mp4", ".jpg")) is None or platform in ("wechat", "whatsapp")


def test_a_name_speaks_for_its_network(clips):
    mine = ALPHA.model_copy(update={"platform": "telegram"})
    named = look(clips["beta", 1], profiles=[mine], name="video_2026-01-01_10-11-12.mp4")
    plain = look(clips["beta", 1], profiles=[mine], name="")
    assert named.candidates[0].probability > plain.candidates[0].probability
    assert any("file name" in reason for reason in named.candidates[0].reasons)
