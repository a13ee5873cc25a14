"""What one pair of videos shows: the settings it was made with are the oracle."""

from dataclasses import replace

import pytest

from clips import make_clip
from repost.core.errors import MediaError, UnsupportedMedia, UsageError
from repost.estimation.videos.average import fit_averages
from repost.estimation.videos.pair import Examination, features_of
from repost.estimation.videos.proof import Guesses, prove
from repost.estimation.videos.reproduce import likely_crf, recipe_of
from repost.estimation.videos.structure import read_structure
from repost.media.video.h264 import picture_units
from repost.media.video.headers import read_h264_pictures
from repost.media.video.upload import VideoUpload
from video_clips import moving_frames, write_clip
from video_pairs import encode, examine, scale, share, still, upload_clip, with_sound


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return upload_clip(tmp_path_factory.mktemp("pair") / "clip.mp4")


def recipe_for(clip, served, *, crf=None):
    upload, shared = VideoUpload(clip), VideoUpload(served)
    structure = read_structure(shared)
    return upload, shared, recipe_of(upload, shared, structure, crf or likely_crf(structure))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_scaled_pair_is_made_again_bit_for_bit(clip, tmp_path, threads):
    served = share(clip, tmp_path / "served.mp4", scale(96, "lanczos"), encode(preset="medium", threads=threads))
    found = examine(clip, served)
    assert (found.kernel, found.exact, found.rate.proven_crf) == ("lanczos", True, 30)
    assert found.same_pictures == 40
    assert found.structure.presets == ("medium",)
    assert found.rate.averages == ()


def test_threads_are_found_where_they_matter(tmp_path):
    # With several threads, how far vectors reach down is limited by what the thread before has done.
    clip = write_clip(tmp_path / "clip.mp4", moving_frames(30, size=(256, 256), speed=-9, sharp=False, noise=1))
    served = share(clip, tmp_path / "served.mp4", encode(preset="medium", threads=3))
    other = share(clip, tmp_path / "other.mp4", encode(preset="medium", threads=1))
    assert served.read_bytes() != other.read_bytes()
    found = examine(clip, served)
    assert (found.exact, found.structure.threads, found.kernel) == (True, 3, None)


def test_presets_that_headers_confuse_are_told_apart(clip, tmp_path):
    for preset in ("superfast", "veryfast"):
        served = share(clip, tmp_path / f"{preset}.mp4", encode(preset=preset))
        assert read_structure(VideoUpload(served)).presets == ("superfast", "veryfast")
        assert examine(clip, served).structure.presets == (preset,)


def test_fewer_b_frames_in_use_than_allowed_are_no_limit(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", moving_frames(40, speed=9, noise=20))
    served = share(clip, tmp_path / "served.mp4", encode(preset="medium"))
    assert read_structure(VideoUpload(served)).b_frames < 3
    found = examine(clip, served)
    assert (found.exact, found.structure.b_frames) == (True, 3)


def test_a_wrong_rate_factor_gives_no_picture(clip, tmp_path):
    served = share(clip, tmp_path / "served.mp4", encode())
    upload, shared, recipe = recipe_for(clip, served, crf=29)
    found = prove(upload, shared, recipe=recipe, guesses=Guesses(presets=("superfast", "veryfast")))
    assert (found.pictures, found.whole, found.convincing) == (0, False, False)
    assert found.encodes < 5, "threads are not tried where the first picture is wrong already"


def test_a_shorter_file_is_not_the_whole(clip, tmp_path):
    served = share(clip, tmp_path / "served.mp4", encode())
    longer = upload_clip(tmp_path / "longer.mp4", count=90)
    upload, shared, recipe = recipe_for(longer, served)
    found = prove(upload, shared, recipe=recipe, guesses=Guesses(threads=()))
    assert not found.whole


def test_pictures_are_the_same_in_every_container(clip, tmp_path):
    framed = share(clip, tmp_path / "served.mp4", encode())
    plain = tmp_path / "served.h264"
    import av

    with av.open(str(framed)) as source, av.open(str(plain), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    first = list(read_h264_pictures(framed))
    assert first == list(read_h264_pictures(plain))
    assert len(first) == 40
    assert all(first)


def test_convention_units_of_other_types_are_no_pictures():
    stream = b"\0\0\0\1\x67sps\0\0\1\x06sei\0\0\1\x65slice\0\0\0\1\x41other\0"
    assert picture_units(b"", stream) == b"\x65slice\x41other"


def test_an_average_bitrate_is_no_rate_factor(clip, tmp_path):
    rate = {"mode": "abr", "bits_per_pixel_s": 30.0, "passes": 2}
    found = examine(clip, share(clip, tmp_path / "served.mp4", encode(rate)))
    assert (found.exact, found.rate.proven_crf) == (False, None)
    assert found.rate.averages[0].distance == min(fit.distance for fit in found.rate.averages)


@pytest.mark.parametrize("passes", [1, 2])
def test_the_target_behind_an_average_bitrate_is_found(clip, tmp_path, passes):
    rate = {"mode": "abr", "bits_per_pixel_s": 30.0, "passes": passes}
    upload, shared, recipe = recipe_for(clip, share(clip, tmp_path / "served.mp4", encode(rate)))
    found = fit_averages(upload, shared, recipe=recipe, presets=("veryfast",), passes=passes)
    plain = next(fit for fit in found if fit.vbv is None)
    assert plain is found[0]
    assert plain.bits_per_pixel_s == pytest.approx(30, rel=0.01)
    assert shared.facts.bitrate_bps / (192 * 144) != pytest.approx(30, rel=0.01)


def test_a_kept_file_is_not_examined_further(clip, tmp_path):
    kept = tmp_path / "served.mp4"
    kept.write_bytes(clip.read_bytes())
    found = examine(clip, kept)
    assert (found.kept, found.rate, found.kernel, found.exact) == (True, None, None, False)


def test_an_enlarged_video_is_doubted(clip, tmp_path):
    served = share(clip, tmp_path / "served.mp4", {**scale(192), "upscale": True}, encode())
    assert "enlarged from 192x144 to 256x192" in examine(clip, served).doubts


def test_other_content_is_refused(clip, tmp_path):
    other = upload_clip(tmp_path / "other.mp4", seed=5)
    with pytest.raises(UnsupportedMedia, match="two videos that differ"):
        examine(clip, share(other, tmp_path / "served.mp4", encode()))


def test_constrained_baseline_is_examined(clip, tmp_path):
    served = share(clip, tmp_path / "served.mp4", encode(profile="baseline", preset="medium"))
    found = examine(clip, served)
    assert (found.structure.profile, found.structure.b_frames) == ("Constrained Baseline", 0)
    assert (found.exact, found.rate.crf) == (True, 29) or found.rate.crf in range(26, 35)


def test_vp9_is_examined_without_proof(clip, tmp_path):
    served = share(
        clip, tmp_path / "served.webm", {"op": "encode", "codec": "vp9", "rate": {"mode": "crf", "crf": 40}},
        {"op": "container", "format": "webm"},
    )  # fmt: skip
    found = examine(clip, served)
    assert (found.structure.codec, found.exact, found.rate.proven_crf) == ("vp9", False, None)
    assert found.rate.averages == ()


def test_another_encoder_is_not_taken_for_x264(clip, tmp_path):
    served = write_clip(tmp_path / "served.mp4", moving_frames(40, size=(192, 144)), encoder="mpeg4", options={})
    found = examine(clip, served)
    assert (found.structure.codec, found.exact, found.kernel) == ("mpeg4", False, None)


def test_a_still_video_is_examined(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", still(30))
    found = examine(clip, share(clip, tmp_path / "served.mp4", encode()))
    assert found.exact


@pytest.mark.parametrize(
    ("step", "action"),
    [
        ({"op": "audio", "action": "copy"}, "copy"),
        ({"op": "audio", "action": "drop"}, "drop"),
        ({"op": "audio", "action": "encode", "codec": "aac", "bitrate_bps": 64000}, "encode"),
        ({"op": "audio", "action": "encode", "codec": "opus", "bitrate_bps": 48000}, "encode"),
    ],
)
def test_what_became_of_the_sound(tmp_path, step, action):
    clip = with_sound(tmp_path / "clip.mp4", count=30)
    found = examine(clip, share(clip, tmp_path / "served.mp4", encode(), step))
    assert found.sound.action == action
    assert found.sound.codec == step.get("codec")


def test_no_sound_tells_nothing(clip, tmp_path):
    assert examine(clip, share(clip, tmp_path / "served.mp4", encode())).sound is None


def test_a_turned_upload_is_told_from_one_that_kept_its_flag(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", rotation_deg=-90, options={"crf": "12"}, count=30)
    turned = examine(clip, share(clip, tmp_path / "turned.mp4", {"op": "orient"}, encode()))
    flagged = examine(clip, share(clip, tmp_path / "flagged.mp4", encode()))
    assert (turned.oriented, flagged.oriented) == (True, False)
    assert turned.size_after == (64, 96)
    assert flagged.size_after == (96, 64)


def test_a_lower_frame_rate_is_made_again_too(tmp_path):
    clip = upload_clip(tmp_path / "clip.mp4", fps=30, count=60)
    served = share(clip, tmp_path / "served.mp4", {"op": "frame_rate", "fps": 15}, encode())
    found = examine(clip, served)
    assert (found.fps_after, found.exact, found.rate.proven_crf) == (15, True, 30)


def test_damage_is_an_error(clip, tmp_path):
    served = share(clip, tmp_path / "served.mp4", encode())
    served.write_bytes(served.read_bytes()[:600])
    with pytest.raises(MediaError):
        examine(clip, served)


def test_features_are_those_of_the_upload(clip):
    found = features_of(VideoUpload(clip))
    assert (found.width_px, found.height_px, found.fps, found.codec) == (192, 144, 25, "h264")


def test_a_guess_that_the_recipe_has_is_not_tried_again(clip, tmp_path):
    _, _, recipe = recipe_for(clip, share(clip, tmp_path / "served.mp4", encode()))
    guesses = Guesses(kernels=("bicubic", "lanczos"))
    assert list(guesses.variants(recipe, "kernels")) == [replace(recipe, kernel="lanczos")]


@pytest.mark.parametrize("limits", [(40, 30), (20, 64), (-1, 51)])
def test_a_range_of_rate_factors_is_checked_before_any_pair(limits):
    with pytest.raises(UsageError, match="a range within 0-63, the smaller number first"):
        Examination(crf_min=limits[0], crf_max=limits[1])


def test_an_upload_of_high_dynamic_range_teaches_nothing(tmp_path):
    bright = make_clip(tmp_path / "hdr.mp4", count=6, codec="libx265", pixel_format="yuv420p10le", colour=(9, 16, 9, 1))
    served = make_clip(tmp_path / "served.mp4", count=6)
    with pytest.raises(UnsupportedMedia, match="high dynamic range"):
        examine(bright, served)
    assert examine(bright, bright).kept
