"""A platform's settings, learned from pairs it made: the settings used are the oracle."""

import av
import pytest

from clips import make_sound
from repost.core.errors import UsageError
from repost.estimation.about import About
from repost.estimation.pairing import pairs_by_name
from repost.estimation.videos.estimate import EstimatedVideos, estimate_videos
from repost.estimation.videos.finding import AverageFit, VideoFinding, likeliest_preset
from repost.estimation.videos.learn import learn_videos
from repost.estimation.videos.pair import Examination
from repost.estimation.videos.rate_law import average_preset, rate_law
from video_pairs import encode, examine, scale, share, upload_clip, with_sound

ABOUT = About("mynet", "2026-11")
SOUND = {"op": "audio", "action": "encode", "codec": "aac", "bitrate_bps": 64000}


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Of a platform with settings of its own, from two sizes of clips."""
    folder = tmp_path_factory.mktemp("learn")
    steps = scale(96, "lanczos"), encode({"mode": "crf", "crf": 29}, preset="medium", gop_frames=12), SOUND
    found = []
    for index, size in enumerate([(192, 144), (128, 176)]):
        clip = with_sound(folder / f"{index}.mp4", size=size, count=30)
        found.append(examine(clip, share(clip, folder / f"{index}s.mp4", *steps)))
    return found


def steps_of(profile):
    return {step.op: step for step in profile.rules[0].steps}


def test_every_setting_is_learned(findings):
    profile = learn_videos(findings, ABOUT)
    steps = steps_of(profile)
    assert len(profile.rules) == 1
    assert (steps["resize"].fit, steps["resize"].px, steps["resize"].kernel) == ("short_side", 96, "lanczos")
    found = steps["encode"]
    assert (found.rate.mode, found.rate.crf, found.preset, found.gop_frames) == ("crf", 29, "medium", 12)
    assert (found.encoder, found.profile, found.pixel_format) == ("libx264", "high", "yuv420p")
    assert found.level is None, "the encoder's own, which another size would change"
    assert (steps["audio"].action, steps["audio"].codec) == ("encode", "aac")
    assert steps["container"].strip_sei is True


def test_the_learned_profile_makes_the_same_file_of_a_clip_it_has_not_seen(findings, tmp_path):
    from repost.channel.video.emulate import emulate_video
    from repost.media.video.headers import read_h264_pictures
    from repost.media.video.upload import VideoUpload

    clip = upload_clip(tmp_path / "clip.mp4", size=(176, 160), seed=4)
    steps = scale(96, "lanczos"), encode({"mode": "crf", "crf": 29}, preset="medium", gop_frames=12)
    served = share(clip, tmp_path / "served.mp4", *steps)
    again = emulate_video(VideoUpload(clip), learn_videos(findings, ABOUT), tmp_path / "again.mp4", seed=3)
    assert list(read_h264_pictures(again.path)) == list(read_h264_pictures(served))


def test_of_clips_of_one_shape_the_size_is_told_by_the_lines(findings):
    """960x540 out of 1920x1080 is 540 lines, as renditions are named, though 960 is the rounder number."""
    wide = [
        changed(finding, size_before=size, size_after=(960, 540))
        for finding, size in zip(findings, [(1920, 1080), (1280, 720)], strict=True)
    ]
    resize = steps_of(learn_videos(wide, ABOUT))["resize"]
    assert (resize.fit, resize.px) == ("short_side", 540)


def changed(finding, *, rate=None, structure=None, **update):
    if rate is not None:
        update["rate"] = finding.rate.model_copy(update=rate)
    if structure is not None:
        update["structure"] = finding.structure.model_copy(update=structure)
    return finding.model_copy(update=update)


def averages(*distances, bits=1.5):
    ways = [(1, None), (1, (1.5, 2.0))]
    return tuple(
        AverageFit(preset="fast", passes=passes, vbv=vbv, bits_per_pixel_s=bits, distance=distance)
        for (passes, vbv), distance in zip(ways, distances, strict=True)
    )


def test_targets_count_and_not_what_files_took(findings):
    first = changed(findings[0], rate={"proven_crf": None, "bits_per_pixel_s": 1.9, "averages": averages(0.1, 0.09)})
    second = changed(findings[1], rate={"proven_crf": None, "bits_per_pixel_s": 1.2, "averages": averages(0.1, 0.09)})
    law, _, unknown = rate_law([first, second])
    assert law == {"mode": "abr", "bits_per_pixel_s": 1.5, "passes": 1}
    assert unknown == ["rate.vbv_max_ratio"], "a buffer that comes hardly nearer is not believed"
    assert average_preset([first, second]) == "fast"


def test_a_buffer_that_comes_clearly_nearer_is_believed(findings):
    one = changed(findings[0], rate={"proven_crf": None, "averages": averages(0.1, 0.02)})
    law, _, _ = rate_law([one])
    assert (law["vbv_max_ratio"], law["vbv_buffer_s"]) == (1.5, 2.0)


def test_targets_that_differ_are_kept_as_samples(findings):
    some = [
        changed(one, rate={"proven_crf": None, "averages": averages(0.1, 0.1, bits=bits)})
        for one, bits in zip(findings, (1.0, 2.0), strict=True)
    ]
    assert rate_law(some)[0]["bits_per_pixel_s"]["samples"] == (1.0, 2.0)


def test_without_anything_made_again_the_files_bitrates_count(findings):
    some = [
        changed(one, rate={"proven_crf": None, "bits_per_pixel_s": 3.0}, structure={"initial_qp": 26})
        for one in findings
    ]
    law, _, unknown = rate_law(some)
    assert (law["bits_per_pixel_s"], law["passes"]) == (3.0, 2)
    assert "rate.passes" in unknown


@pytest.mark.parametrize(("crfs", "mode"), [((27.8, 28.2), "crf"), ((25.0, 28.0), "abr")])
def test_of_other_standards_a_search_with_their_encoder_tells_the_rate_factor(findings, crfs, mode):
    some = [
        changed(
            one,
            rate={"proven_crf": None, "crf_exact": crf, "searched_with": "libx265"},
            structure={"codec": "hevc", "initial_qp": None},
        )
        for one, crf in zip(findings, crfs, strict=True)
    ]
    law, _, _ = rate_law(some)
    assert law["mode"] == mode
    assert law.get("crf", 28.0) == 28.0


def test_a_search_with_another_encoder_tells_no_rate_factor(findings):
    some = [
        changed(one, rate={"proven_crf": None}, structure={"codec": "hevc", "initial_qp": None}) for one in findings
    ]
    assert rate_law(some)[0]["mode"] == "abr"


def encode_of(findings: list[VideoFinding]):
    return steps_of(learn_videos(findings, ABOUT))["encode"]


def test_a_stream_with_a_longer_group_refutes_a_limit(findings):
    some = [changed(findings[0]), changed(findings[1], structure={"longest_gop": None, "longest_run": 200})]
    assert encode_of(some).gop_frames is None


def test_groups_of_the_same_duration_are_told_in_seconds(findings):
    some = [
        changed(findings[0], structure={"longest_gop": 50, "longest_run": 50}, fps_after=25.0),
        changed(findings[1], structure={"longest_gop": 60, "longest_run": 60}, fps_after=30000 / 1001),
    ]
    found = encode_of(some)
    assert (found.gop_s, found.gop_frames) == (2.0, None)


def test_more_threads_than_one_count_more(findings):
    """What one thread gives is often what three give, and one is tried first."""
    some = [changed(findings[0], structure={"threads": 1}), changed(findings[1], structure={"threads": 3})]
    assert encode_of(some).threads == 3


def test_no_b_frames_at_all_is_a_setting(findings):
    assert encode_of([changed(one, structure={"b_frames": 0}) for one in findings]).b_frames == 0


def test_a_level_that_was_asked_for_is_learned(findings):
    some = [changed(one, structure={"level": "4.0", "own_level": False}) for one in findings]
    assert encode_of(some).level == "4.0"


@pytest.mark.parametrize(
    ("presets", "likely"),
    [
        (("superfast", "veryfast"), "veryfast"),
        (("veryslow", "placebo"), "veryslow"),
        (("superfast",), "superfast"),
        ((), None),
    ],
)
def test_convention_seldom_presets_are_not_believed_where_others_fit(presets, likely):
    assert likeliest_preset(presets) == likely


def test_a_preset_that_is_not_told_is_unknown(findings):
    some = [
        changed(one, structure={"presets": ("superfast", "veryfast")}, rate={"proven_crf": None}) for one in findings
    ]
    profile = learn_videos(some, ABOUT)
    assert steps_of(profile)["encode"].preset == "veryfast"
    assert any(path.endswith(".preset") for path in profile.unknown)


def test_kernels_of_streams_without_proof_are_judged_over_all_pairs(findings):
    some = [
        changed(one, kernel=None, same_pictures=0, kernel_errors=errors)
        for one, errors in zip(
            findings,
            [{"bicubic": 9.0, "lanczos": 9.1, "area": 30}, {"bicubic": 2.0, "lanczos": 1.0, "area": 5}],
            strict=True,
        )
    ]
    profile = learn_videos(some, ABOUT)
    assert steps_of(profile)["resize"].kernel == "lanczos"
    assert any(path.endswith(".kernel") for path in profile.unknown)


def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(UsageError, match="no pairs"):
        learn_videos([], ABOUT)


@pytest.fixture
def folders(tmp_path):
    found = tmp_path / "originals", tmp_path / "shared"
    for folder in found:
        folder.mkdir()
    return found


def estimate(originals, shared):
    pairs, alone = pairs_by_name(originals, shared, media="video", anywhere=True)
    events = estimate_videos(pairs, ABOUT, how=Examination(crf_min=28, crf_max=32))
    found = next(event for event in events if isinstance(event, EstimatedVideos))
    return found, {one.name: one.reason for one in (*alone, *found.refused)}


def test_bad_pairs_are_named_and_the_others_go_on(folders):
    originals, shared = folders
    for index, name in enumerate(["good", "swapped", "broken", "empty", "alone", "twin"]):
        upload_clip(originals / f"{name}.mp4", count=30, seed=1 if name == "twin" else index + 1)
    share(originals / "good.mp4", shared / "good.mp4", encode())
    share(originals / "broken.mp4", shared / "swapped.mp4", encode())
    (shared / "broken.mp4").write_bytes((shared / "good.mp4").read_bytes()[:700])
    (shared / "empty.mp4").write_bytes(b"")
    make_sound(originals / "tone.mp4")
    make_sound(shared / "tone.mp4")
    (shared / "twin.mp4").write_bytes((shared / "good.mp4").read_bytes())
    found, refused = estimate(originals, shared)
    assert [one.name for one in found.findings] == ["good"]
    assert "two videos that differ" in refused["swapped"]
    assert {"swapped", "broken", "empty", "alone", "tone", "twin"} == {name.split(".")[0] for name in refused}
    assert "the same two files" in refused["twin"]


def test_no_usable_pair_names_the_reasons(folders):
    originals, shared = folders
    upload_clip(originals / "a.mp4", count=30)
    (shared / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="no pair to learn from"):
        estimate(originals, shared)


def test_kept_files_make_a_rule_that_passes_on(folders):
    originals, shared = folders
    clip = upload_clip(originals / "a.mp4", count=30)
    (shared / "a.mp4").write_bytes(clip.read_bytes())
    found, _ = estimate(originals, shared)
    assert [step.op for step in found.profile.rules[0].steps] == ["passthrough"]
    assert found.samples() == []


def test_an_upload_of_a_codec_that_rules_cannot_name_is_learned_from(findings, tmp_path):
    from repost.estimation.videos.pair import features_of
    from repost.media.video.upload import VideoUpload

    clip = tmp_path / "motion.avi"
    with av.open(str(clip), "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p"
        container.mux([*stream.encode(av.VideoFrame(96, 64, "yuvj420p")), *stream.encode(None)])
    motion = features_of(VideoUpload(clip))
    assert motion.codec is None
    odd = [changed(one, features=motion, size_after=(48, 36), exact=False) for one in findings]
    profile = learn_videos([*findings, *odd], ABOUT)
    assert not any(rule.when.codec == ("mjpeg",) for rule in profile.rules)


def test_silence_does_not_tell_the_bitrate_of_sound(findings):
    heard = findings[0].sound.model_copy(update={"bitrate_bps": 64000})
    silent = heard.model_copy(update={"bitrate_bps": 2000})
    both = [changed(findings[0], sound=heard), changed(findings[1], sound=silent)]
    assert steps_of(learn_videos(both, ABOUT))["audio"].bitrate_bps == 64000
    assert steps_of(learn_videos([changed(one, sound=silent) for one in both], ABOUT))["audio"].bitrate_bps == 2000


def test_a_note_tells_streams_that_were_made_again_to_the_end(findings):
    part = changed(findings[1], exact=False)
    _, provenance, _ = rate_law([findings[0], part])
    assert provenance["rate.crf"]["note"] == "2 of 2 streams were made again to the bit, 1 of them to the end"
