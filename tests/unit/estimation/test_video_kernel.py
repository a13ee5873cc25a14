"""The scaling kernel is found by making the served frames again."""

from dataclasses import replace

import av
import numpy as np
import pytest

from repost.channel.video.settings import Crf, EncoderSettings
from repost.estimation.videos.kernel import KERNELS, find_kernel
from repost.estimation.videos.recipe import Recipe
from repost.media.video.upload import VideoUpload
from video_clips import moving_frames, write_clip

SIZE = (96, 64)
SETTINGS = EncoderSettings(rate=Crf(27), profile="high", preset="veryfast")
RECIPE = Recipe(size=SIZE, settings=SETTINGS)


@pytest.fixture(scope="module")
def upload(tmp_path_factory):
    path = tmp_path_factory.mktemp("uploads") / "upload.mp4"
    return VideoUpload(write_clip(path, moving_frames(24, size=(156, 106), sharp=False, noise=4.0)))


def serve(upload, path, recipe):
    """What a platform with this recipe serves."""
    fps = recipe.clock(upload).fps
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(recipe.settings.encoder, rate=fps)
        stream.width, stream.height, stream.pix_fmt = *recipe.size, "yuv420p"
        context = stream.codec_context
        context.thread_type, context.thread_count = "FRAME", recipe.settings.threads
        context.time_base, context.options = 1 / fps, dict(recipe.settings.options())
        for frame in recipe.frames(upload):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return VideoUpload(path)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernel_of_a_platform_is_proven_where_its_settings_are_known(upload, tmp_path, kernel):
    served = serve(upload, tmp_path / "served.mp4", replace(RECIPE, kernel=kernel))
    found = find_kernel(upload, served, recipe=RECIPE)
    assert (found.kernel, found.exact, found.threads, found.reason) == (kernel, True, 1, None)
    assert found.scores[0].luma_mse == found.scores[0].chroma_mse == 0
    assert found.scores[1].error > 0
    assert sorted(score.kernel for score in found.scores) == sorted(KERNELS)


def test_the_kernel_is_told_but_not_proven_where_the_rate_is_a_little_off(upload, tmp_path):
    served = serve(upload, tmp_path / "served.mp4", replace(RECIPE, kernel="area"))
    off = replace(RECIPE, settings=replace(SETTINGS, rate=Crf(27.5)))
    found = find_kernel(upload, served, recipe=off)
    assert (found.kernel, found.exact, found.threads) == ("area", False, None)


def test_threads_are_proven_where_the_output_depends_on_them(tmp_path):
    """With more threads x264 searches less far up and down."""
    upload = VideoUpload(
        write_clip(tmp_path / "upload.mp4", moving_frames(20, size=(80, 320), sharp=False, speed=17.0))
    )
    recipe = Recipe(size=(64, 256), settings=SETTINGS)
    threads = 6
    platform = replace(recipe, kernel="lanczos", settings=replace(SETTINGS, threads=threads))
    served = serve(upload, tmp_path / "served.mp4", platform)
    found = find_kernel(upload, served, recipe=recipe)
    assert (found.kernel, found.exact) == ("lanczos", True)
    assert found.threads is not None
    assert found.threads > 1


def test_it_cannot_be_told_without_scaling(upload):
    size = (upload.facts.width_px, upload.facts.height_px)
    found = find_kernel(upload, upload, recipe=Recipe(size=size, settings=SETTINGS))
    assert (found.kernel, found.reason, found.scores) == (None, "not scaled", ())


def test_grey_pictures_do_not_tell_bicublin_from_bicubic(tmp_path):
    frames = [frame.copy() for frame in moving_frames(20, size=(156, 106), sharp=False)]
    for frame in frames:
        frame[106:] = 128
    upload = VideoUpload(write_clip(tmp_path / "grey.mp4", frames))
    served = serve(upload, tmp_path / "served.mp4", replace(RECIPE, kernel="bicubic"))
    found = find_kernel(upload, served, recipe=RECIPE)
    assert (found.kernel, found.exact, found.reason) == (None, True, "too close")
    assert {score.kernel for score in found.scores[:2]} == {"bicubic", "bicublin"}


def test_a_file_of_another_size_has_no_frames_that_correspond(upload, tmp_path):
    served = serve(upload, tmp_path / "served.mp4", RECIPE)
    found = find_kernel(upload, served, recipe=replace(RECIPE, size=(64, 96)))
    assert (found.kernel, found.reason) == (None, "no frames correspond")


def test_another_video_is_no_proof(upload, tmp_path):
    frames = list(moving_frames(24, size=(156, 106), seed=77))
    other = VideoUpload(write_clip(tmp_path / "other.mp4", frames))
    served = serve(other, tmp_path / "served.mp4", RECIPE)
    found = find_kernel(upload, served, recipe=RECIPE)
    assert not found.exact
    assert found.scores[0].luma_mse > np.float64(100)
