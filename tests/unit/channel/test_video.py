"""The exact video channel: sizes, times, sound, rotation, rates, and the bytes themselves."""

import hashlib
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest

from clips import make_clip
from repost.channel.video import match as video_match
from repost.channel.video import plan as video_plan
from repost.channel.video.emulate import emulate_video
from repost.channel.video.fidelity import compare_videos
from repost.channel.video.match import TOLERANCE_DB
from repost.core.errors import EncodeFailed, OutputUnwritable, UnreadableMedia, UnsupportedMedia, UsageError
from repost.core.heap import fresh_memory
from repost.media.video.facts import read_video_facts
from repost.media.video.frames import decode_frames, luma_of, read_stream_coding
from repost.media.video.upload import VideoUpload
from repost.platforms import steps as platform_steps
from repost.platforms.catalog import parse_profile
from repost.platforms.steps import IMAGE_ONLY

CRF_28 = {"op": "encode", "codec": "h264", "preset": "veryfast", "rate": {"mode": "crf", "crf": 28}}


def profile_of(*steps, when=None):
    rules = [{"media": "video", "name": "every video", "steps": list(steps)}]
    if when:
        rules.insert(0, {"media": "video", "name": "some", "when": when, "steps": [{"op": "passthrough"}]})
    return parse_profile(
        {
            "platform": "test",
            "observed": "2026",
            "summary": "a test",
            "evidence": [{"kind": "inferred", "source": "this test"}],
            "rules": rules,
        },
        source="test",
    )


@pytest.fixture
def share(tmp_path):
    def run(clip, *steps, seed=0, match="bitrate", name="served.mp4"):
        return emulate_video(VideoUpload(clip), profile_of(*steps), tmp_path / name, seed=seed, match=match)

    return run


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_step_for_videos_has_a_function():
    (union, _) = get_args(platform_steps.Step)
    models = [model for model in get_args(union) if isinstance(model, type)]
    ops = {get_args(model.model_fields["op"].annotation)[0] for model in models if model not in IMAGE_ONLY}
    assert set(video_plan._STEPS) == ops | {"encode"}


def test_a_short_side_is_scaled_and_kept_even(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(150, 94))
    served = share(clip, {"op": "resize", "fit": "short_side", "px": 48, "multiple_of": 2}, CRF_28)
    facts = read_video_facts(served.path)
    assert (facts.width_px, facts.height_px) == (78, 48)
    assert served.trace.served.codec == "h264"
    assert "resized 150x94 to 78x48 (lanczos)" in served.trace.summary()


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        ("rate.crf", "encoded as H.264 main, CRF 28?; sound dropped"),
        ("rate", "encoded as H.264 main, CRF 28?; sound dropped"),
        ("profile", "encoded as H.264 main?, CRF 28; sound dropped"),
        ("preset", "encoded as H.264 main, CRF 28; sound dropped"),
    ],
)
def test_the_parameter_that_is_assumed_is_marked_and_no_other(tmp_path, unknown, words):
    clip = make_clip(tmp_path / "a.mp4", count=4, audio="aac")
    profile = profile_of({**CRF_28, "profile": "main"}, {"op": "audio", "action": "drop"})
    doubtful = profile.model_copy(update={"unknown": (f"rules.0.steps.0.{unknown}",)})
    assert emulate_video(VideoUpload(clip), doubtful, tmp_path / "b.mp4", seed=0).trace.summary() == words


def test_odd_sides_lose_a_pixel_where_chroma_needs_even_ones(share, tmp_path):
    clip = make_clip(tmp_path / "a.mkv", size=(97, 65), pixel_format="yuv444p")
    facts = read_video_facts(share(clip, CRF_28).path)
    assert (facts.width_px, facts.height_px, facts.pixel_format) == (96, 64, "yuv420p")


def test_nothing_is_enlarged_unless_the_profile_says_so(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(64, 48))
    resize = {"op": "resize", "fit": "short_side", "px": 96, "multiple_of": 2}
    assert read_video_facts(share(clip, resize, CRF_28).path).height_px == 48
    assert read_video_facts(share(clip, {**resize, "upscale": True}, CRF_28).path).height_px == 96


@pytest.mark.parametrize(("clockwise", "size"), [(90, (64, 96)), (180, (96, 64)), (270, (64, 96))])
def test_convention_frames_are_turned_clockwise_by_the_rotation(share, tmp_path, clockwise, size):
    clip = make_clip(tmp_path / "a.mp4", size=(96, 64), rotation_deg=-clockwise)
    assert read_video_facts(clip).rotation_deg == clockwise
    served = share(clip, {"op": "orient"}, {**CRF_28, "rate": {"mode": "crf", "crf": 10}})
    facts = read_video_facts(served.path)
    assert ((facts.width_px, facts.height_px), facts.rotation_deg) == (size, 0)
    stored, turned = (luma_of(next(decode_frames(path))).astype(int) for path in (clip, served.path))
    assert np.abs(np.rot90(stored, -clockwise // 90) - turned).mean() < 3


def test_without_orient_the_rotation_stays_in_the_container(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(96, 64), rotation_deg=-90)
    facts = read_video_facts(share(clip, CRF_28).path)
    assert (facts.rotation_deg, facts.stored_size) == (90, (96, 64))


def test_a_varying_frame_rate_keeps_its_times(share, tmp_path):
    times = [0, 40, 50, 130, 200, 210, 400, 430]
    clip = make_clip(tmp_path / "a.mkv", count=8, times=times, tick=Fraction(1, 1000))
    assert read_video_facts(clip).variable_frame_rate
    served = share(clip, CRF_28)
    shown = [round(1000 * frame.time) for frame in decode_frames(served.path)]
    assert shown == times


def test_a_frame_rate_is_capped_by_dropping_frames(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=30, fps=50)
    rate = {"op": "frame_rate", "fps": 25}
    facts = read_video_facts(share(clip, rate, CRF_28).path)
    assert (facts.fps, facts.frame_count) == (25, 15)
    slower = make_clip(tmp_path / "b.mp4", count=10, fps=20)
    served = share(slower, rate, CRF_28)
    assert read_video_facts(served.path).fps == 20
    assert "frames per second" not in served.trace.summary()


DAYS = 3 * 86_400_000
"""In milliseconds."""


@pytest.mark.parametrize("step", [CRF_28, {**CRF_28, "rate": {"mode": "quality", "psnr_db": 30.0}}])
def test_a_gap_of_days_is_not_filled_with_frames(share, tmp_path, step):
    clip = make_clip(tmp_path / "a.mkv", count=6, times=[0, 40, 80, 120, 160, DAYS], tick=Fraction(1, 1000))
    with pytest.raises(UnsupportedMedia, match=r"a\.mkv: got 6 frames over 72 hours, expected at most 100,000"):
        share(clip, {"op": "frame_rate", "fps": 20}, step)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_last_frame_that_stays_for_days_is_not_repeated(share, tmp_path):
    clip = tmp_path / "a.mkv"
    with av.open(str(make_clip(tmp_path / "b.mp4", count=6))) as source, av.open(str(clip), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.dts is not None]
        packets[-1].duration = round(86_400 / packets[-1].time_base)
        for packet in packets:
            packet.stream = stream
            target.mux(packet)
    with pytest.raises(UnsupportedMedia, match=r"6 frames over 24 hours"):
        share(clip, {"op": "frame_rate", "fps": 20}, CRF_28)


def test_times_that_the_container_cannot_hold_are_the_uploads_fault(share, tmp_path):
    clip = make_clip(tmp_path / "a.mkv", count=6, times=[0, 40, 80, 120, 160, DAYS], tick=Fraction(1, 1000))
    with pytest.raises(UnsupportedMedia, match=r"a\.mkv: got times"):
        share(clip, CRF_28)


def test_a_gap_of_minutes_is_filled_with_frames(share, tmp_path):
    clip = make_clip(tmp_path / "a.mkv", size=(32, 16), count=3, times=[0, 40, 60_000], tick=Fraction(1, 1000))
    served = share(clip, {"op": "frame_rate", "fps": 20}, {**CRF_28, "preset": "ultrafast"})
    assert read_video_facts(served.path).frame_count == pytest.approx(1201, abs=2)


def test_the_length_of_groups_is_seconds_of_the_served_rate(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=40, fps=20)
    fixed = {**CRF_28, "gop_s": 0.5, "scene_cut": False, "b_frames": 2}
    coding = read_stream_coding(share(clip, fixed).path)
    assert coding.keyframe_gaps == (10, 10, 10)
    assert coding.longest_b_run <= 2


def test_two_passes_meet_the_average_bitrate(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(160, 96), count=120)
    rate = {"mode": "abr", "bits_per_pixel_s": 12, "passes": 2}
    served = share(clip, {**CRF_28, "rate": rate})
    wanted = 12 * 160 * 96
    assert served.trace.steps[0].parameters["bitrate_bps"] == wanted
    assert abs(read_video_facts(served.path).bitrate_bps / wanted - 1) < 0.1


@pytest.mark.parametrize("codec", ["vp9", "av1"])
def test_encoders_without_a_second_pass_take_one_and_the_trace_says_so(share, tmp_path, codec):
    rate = {"mode": "abr", "bits_per_pixel_s": 12, "passes": 2}
    served = share(make_clip(tmp_path / "a.mp4", count=6), {"op": "encode", "codec": codec, "rate": rate})
    assert served.trace.steps[0].parameters["passes"] == 1


@pytest.mark.parametrize(("fps", "exact"), [(29.97, "30000/1001"), (23.98, "24000/1001"), (24, "24"), (12.5, "25/2")])
def test_convention_a_frame_rate_written_short_is_the_one_of_television(share, tmp_path, fps, exact):
    clip = make_clip(tmp_path / "a.mp4", count=20, fps=60)
    assert read_video_facts(share(clip, {"op": "frame_rate", "fps": fps}, CRF_28).path).fps == Fraction(exact)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "pcm_s16le"), ("a.mov", "pcm_mulaw")])
def test_sound_that_the_container_does_not_hold_is_named_with_what_to_do(share, tmp_path, name, codec):
    clip = make_clip(tmp_path / name, count=5, audio=codec)
    with pytest.raises(UnsupportedMedia, match=rf"got {codec} sound.*audio step"):
        share(clip, CRF_28)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "steps",
    [
        ({**CRF_28, "pixel_format": "yuv421p"},),
        (CRF_28, {"op": "container", "format": "webm"}),
    ],
)
def test_settings_that_no_encoder_or_container_takes_are_its_refusal(share, tmp_path, steps):
    with pytest.raises(EncodeFailed):
        share(make_clip(tmp_path / "a.mp4", count=3), *steps)


def test_a_limit_on_pixels_that_was_raised_holds_to_the_end(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "a.mp4", size=(96, 64), count=4)
    monkeypatch.setenv("REPOST_MAX_PIXELS", "1000")
    upload = VideoUpload(clip, max_pixels=96 * 64)
    served = emulate_video(upload, profile_of(CRF_28), tmp_path / "served.mp4", seed=0)
    assert compare_videos(upload, served.path)["psnr_db"] > 20


def test_sound_is_copied_encoded_or_dropped(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=30, audio="aac")

    def packets(path):
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    copied = share(clip, CRF_28, name="copied.mp4")
    assert packets(copied.path) == packets(clip)
    aac = {"op": "audio", "action": "encode", "codec": "aac", "bitrate_bps": 48000}
    encoded = share(clip, CRF_28, aac, name="encoded.mp4")
    assert read_video_facts(encoded.path).audio.codec == "aac"
    assert packets(encoded.path) != packets(clip)
    assert "sound encoded as AAC, 48 kbit/s" in encoded.trace.summary()
    dropped = share(clip, CRF_28, {"op": "audio", "action": "drop"}, name="dropped.mp4")
    assert read_video_facts(dropped.path).audio is None


def test_sound_whose_times_are_counted_in_frames_is_encoded(share, tmp_path):
    """AVI counts sound in whole frames: 1152 samples of MP3, of which AAC makes frames of 1024."""
    clip = tmp_path / "a.avi"
    with av.open(str(clip), "w", format="avi") as target:
        pictures, sound = target.add_stream("mpeg4", rate=25), target.add_stream("libmp3lame", rate=48000)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), 90 + index, np.uint8), format="yuv420p")
            frame.pts = index
            target.mux(pictures.encode(frame))
        tone = (np.sin(np.arange(48000) / 20) * 9000).astype(np.int16).repeat(2)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        target.mux(sound.encode(frame))
        target.mux([*pictures.encode(None), *sound.encode(None)])
    aac = {"op": "audio", "action": "encode", "codec": "aac", "bitrate_bps": 48000}
    served = share(clip, CRF_28, aac)
    with av.open(str(served.path)) as container:
        times = [packet.pts for packet in container.demux(audio=0) if packet.pts is not None]
    assert set(np.diff(times)) == {1024}


def test_webm_holds_vp9_and_opus(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=20, audio="aac")
    vp9 = {"op": "encode", "codec": "vp9", "rate": {"mode": "crf", "crf": 40}}
    opus = {"op": "audio", "action": "encode", "codec": "opus", "bitrate_bps": 48000}
    served = share(clip, vp9, opus, {"op": "container", "format": "webm"}, name="a.webm")
    facts = read_video_facts(served.path)
    assert (facts.format, facts.codec, facts.audio.codec) == ("webm", "vp9", "opus")


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_other_standards_are_written_too(share, tmp_path, codec):
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), count=8)
    served = share(clip, {"op": "encode", "codec": codec, "rate": {"mode": "crf", "crf": 35}})
    assert read_video_facts(served.path).codec == codec


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9", "av1"])
def test_encoders_print_nothing(tmp_path, codec):
    """Their own log would be written over progress bars. Only another process tells what C writes to stderr."""
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), count=4)
    step = {"op": "encode", "codec": codec, "rate": {"mode": "crf", "crf": 40}}
    profile = profile_of(step).model_dump_json()
    script = (
        "import sys; from pathlib import Path; from repost.channel.video.emulate import emulate_video;"
        "from repost.media.video.upload import VideoUpload; from repost.platforms import Profile;"
        "emulate_video(VideoUpload(Path(sys.argv[1])), Profile.model_validate_json(sys.argv[2]), Path(sys.argv[3]), "
        "seed=0)"
    )
    call = [sys.executable, "-c", script, str(clip), profile, str(tmp_path / "b.mp4")]
    environment = {name: value for name, value in os.environ.items() if name != "SVT_LOG"}
    ran = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    assert (ran.stdout, ran.stderr) == ("", "")


def test_the_encoders_message_is_stripped_unless_the_profile_keeps_it(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=10)
    assert read_stream_coding(share(clip, CRF_28).path).settings is None
    kept = share(clip, CRF_28, {"op": "container", "strip_sei": False})
    assert read_stream_coding(kept.path).settings["crf"] == "28.0"


def test_a_passthrough_keeps_every_byte(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", audio="aac")
    served = share(clip, {"op": "passthrough"})
    assert served.path.read_bytes() == clip.read_bytes()


@pytest.mark.parametrize("path", ["gone.mp4", "/proc/self/mem"])  # at 0, the latter opens and cannot be read
def test_an_upload_that_cannot_be_read_on_is_named_and_not_the_output(tmp_path, path):
    if path.startswith("/proc") and not Path(path).exists():
        pytest.skip("only Linux has a file that opens and cannot be read")
    upload = VideoUpload(make_clip(tmp_path / "a.mp4", count=3), name="a.mp4")
    assert upload.digest
    upload.path = tmp_path / path
    with pytest.raises(UnreadableMedia, match=r"^a\.mp4 cannot be decoded"):
        emulate_video(upload, profile_of({"op": "passthrough"}), tmp_path / "out.mp4", seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_output_that_cannot_be_written_is_named(tmp_path):
    upload = VideoUpload(make_clip(tmp_path / "a.mp4", count=3), name="a.mp4")
    with pytest.raises(OutputUnwritable, match=r"nowhere/out\.mp4"):
        emulate_video(upload, profile_of({"op": "passthrough"}), tmp_path / "nowhere" / "out.mp4", seed=0)


@pytest.mark.parametrize("size", [(96, 64), (150, 94)])
def test_the_same_bytes_come_out_whatever_lies_on_the_heap(share, tmp_path, size):
    clip = make_clip(tmp_path / "a.mp4", size=size, count=40, audio="aac")
    first = digest(share(clip, CRF_28, name="first.mp4").path)
    fresh_memory()
    dirt = [np.full(1 << 22, 0xA5, np.uint8) for _ in range(8)]
    del dirt
    assert digest(share(clip, CRF_28, name="second.mp4").path) == first


def test_what_is_drawn_depends_on_seed_content_and_profile_alone(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=4)
    drawn = {**CRF_28, "rate": {"mode": "crf", "crf": {"samples": [20, 24, 28, 32, 36]}}}
    crfs = [share(clip, drawn, seed=seed).trace.steps[0].parameters["crf"] for seed in range(12)]
    assert len(set(crfs)) > 2
    assert crfs == [share(clip, drawn, seed=seed).trace.steps[0].parameters["crf"] for seed in range(12)]


def test_matching_by_quality_reaches_the_fidelity(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), count=24)
    served = share(clip, {**CRF_28, "psnr_db": 33.0}, match="quality")
    found = served.trace.steps[0].parameters
    assert found["reached"]
    assert abs(found["psnr_db"] - 33) <= TOLERANCE_DB
    assert abs(compare_videos(VideoUpload(clip), served.path)["psnr_db"] - 33) < 0.1


def test_frames_of_a_raw_stream_are_compared_with_those_of_their_time(share, tmp_path):
    options = {"bf": "2"}
    raw, boxed = (make_clip(tmp_path / name, count=30, options=options) for name in ("a.h264", "a.mp4"))
    found = [compare_videos(VideoUpload(one), share(one, CRF_28, name=f"{one.name}.mp4").path) for one in (raw, boxed)]
    assert found[0]["psnr_db"] == pytest.approx(found[1]["psnr_db"], abs=0.1)


@pytest.mark.parametrize(
    ("step", "psnr_db"), [({"pixel_format": "yuv420p10le"}, 27.0), ({"codec": "vp9", "preset": "5"}, 28.7)]
)
def test_fidelity_is_matched_at_any_depth_and_on_any_scale(share, tmp_path, step, psnr_db):
    clip = make_clip(tmp_path / "a.mp4", size=(160, 96), count=25)
    served = share(clip, {**CRF_28, **step, "rate": {"mode": "quality", "psnr_db": psnr_db}})
    assert compare_videos(VideoUpload(clip), served.path)["psnr_db"] == pytest.approx(psnr_db, abs=0.5)


@pytest.mark.parametrize(
    ("rate", "passes"),
    [
        ({"mode": "crf", "crf": 28}, 1),
        ({"mode": "abr", "bits_per_pixel_s": 12, "passes": 2}, 2),
        (
            {"mode": "quality", "psnr_db": 33.0},
            3,
        ),  # two encodes of the search at the least, and the one that is written
    ],
)
def test_every_pass_over_the_frames_tells_how_far_it_is(tmp_path, rate, passes):
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), count=48, fps=48)
    told = []
    steps = {"op": "frame_rate", "fps": 12}, {**CRF_28, "rate": rate}
    emulate_video(VideoUpload(clip), profile_of(*steps), tmp_path / "b.mp4", seed=0, on_frame=told.append)
    assert told == sorted(told)
    assert told[-1] == 48
    assert max(np.diff([0, *told])) <= 1
    assert len(told) % 48 == 0
    assert len(told) // 48 >= passes


def test_memory_is_fresh_before_the_search_for_a_fidelity(share, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(video_match, "fresh_memory", lambda: seen.append("fresh"))
    monkeypatch.setattr(video_match, "measure_psnr", lambda *_, **__: seen.append("encode") or 30.0)
    share(make_clip(tmp_path / "a.mp4", count=3), {**CRF_28, "rate": {"mode": "quality", "psnr_db": 30.0}})
    assert seen == ["fresh", "encode"]


def test_matching_by_quality_needs_to_know_it(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=4)
    with pytest.raises(UsageError, match="psnr_db"):
        share(clip, CRF_28, match="quality")


def test_high_dynamic_range_is_refused_with_what_to_do(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=4, codec="libx265", pixel_format="yuv420p10le", colour=(9, 16, 9, 1))
    with pytest.raises(UnsupportedMedia, match=r"high dynamic range.*map them first"):
        share(clip, CRF_28)


def test_ten_bits_become_eight(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=4, codec="libx265", pixel_format="yuv420p10le")
    assert read_video_facts(share(clip, CRF_28).path).bit_depth == 8


def test_a_cut_file_leaves_nothing_behind(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(160, 96), count=60, container_options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(UnreadableMedia):
        share(cut, CRF_28)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "cut.mp4"]


def test_an_encoder_says_what_it_refuses(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=4)
    with pytest.raises(EncodeFailed, match="libx264"):
        share(clip, {**CRF_28, "profile": "no-such-profile"})


def test_an_image_profile_takes_no_video(tmp_path):
    from repost.platforms import resolve

    clip = make_clip(tmp_path / "a.mp4", count=4)
    with pytest.raises(UnsupportedMedia, match="images only"):
        emulate_video(VideoUpload(clip), resolve("wechat"), tmp_path / "out.mp4", seed=0)


def test_an_encoder_that_is_not_there_is_stood_in_for_and_the_trace_says_so(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=4)
    served = share(clip, {**CRF_28, "encoder": "h264_nvenc"})
    found = served.trace.steps[0].parameters
    assert (found["encoder"], found["missing_encoder"]) == ("libx264", "h264_nvenc")


def test_a_level_can_be_asked_of_hevc_too(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), count=8)
    served = share(clip, {"op": "encode", "codec": "hevc", "level": "4.1", "rate": {"mode": "crf", "crf": 35}})
    assert read_video_facts(served.path).level == 123


@pytest.mark.slow
def test_the_same_bytes_with_several_threads(share, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", size=(190, 362), count=60, options={"crf": "12"})
    step = {**CRF_28, "preset": "fast", "threads": 3}
    assert len({digest(share(clip, step, name=f"{index}.mp4").path) for index in range(12)}) == 1


def test_matching_by_quality_changes_nothing_else_that_is_drawn(share, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), count=12, audio="aac")
    sound = {"op": "audio", "action": "encode", "codec": "aac",
             "bitrate_bps": {"samples": [32000, 48000, 64000, 96000, 128000]}}  # fmt: skip
    step = {**CRF_28, "psnr_db": {"samples": [31.0, 32.0, 33.0]}}
    found = [
        share(clip, step, sound, seed=3, match=match).trace.steps[1].parameters for match in ("bitrate", "quality")
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("folder", ["plain", "a: 'b' = \\c"])
def test_statistics_of_two_passes_of_x265_stay_in_the_temporary_folder(share, tmp_path, monkeypatch, folder):
    """FFmpeg does not hand x265 the name of the file; its own is one for all encodes in the current folder."""
    scratch, here = tmp_path / folder, tmp_path / "here"
    scratch.mkdir()
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.chdir(here)
    rate = {"mode": "abr", "bits_per_pixel_s": 6, "passes": 2}
    share(make_clip(tmp_path / "a.mp4"), {"op": "encode", "codec": "hevc", "preset": "ultrafast", "rate": rate})
    assert not list(here.iterdir())
    assert not list(scratch.iterdir())
