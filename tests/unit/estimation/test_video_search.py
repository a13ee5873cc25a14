"""The search for a rate factor gives the linear scan's answer, whatever the target."""

import json
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from repost.channel.video.settings import Crf, EncoderSettings
from repost.core.errors import UsageError
from repost.core.heap import fresh_memory, keep_freed_memory
from repost.estimation.videos import rate_cache, rates, start
from repost.estimation.videos.hunt import Hunt
from repost.estimation.videos.rate_cache import RateCache, default_cache
from repost.estimation.videos.rates import RateMeter
from repost.estimation.videos.recipe import Recipe
from repost.estimation.videos.search import CrfTarget, search_crf
from repost.estimation.videos.start import Start, find_start, reference_settings
from repost.media.video.facts import read_video_facts
from repost.media.video.frames import read_stream_coding
from repost.media.video.headers import read_h264_headers
from repost.media.video.upload import VideoUpload
from video_clips import moving_frames, write_clip

SIZE = (192, 64)
LOWEST, HIGHEST = 20, 34
RECIPE = Recipe(size=SIZE, settings=EncoderSettings(rate=Crf(0), profile="high", message=True))
CLIPS = {
    "sharp": {"sharp": True, "noise": 6.0},
    "soft": {"sharp": False, "noise": 1.0, "seed": 5},
    "still": {"speed": 0.0, "noise": 0.5, "seed": 8},
}


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uploads")
    return {
        name: VideoUpload(write_clip(folder / f"{name}.mp4", moving_frames(16, size=(224, 80), **how)))
        for name, how in CLIPS.items()
    }


@pytest.fixture(scope="module")
def bitrates(uploads):
    """Of every clip at every rate factor, one encode at a time, by files that FFmpeg's demuxer reads."""
    return {
        name: {crf: muxed_bitrate(upload, RECIPE, crf) for crf in range(LOWEST, HIGHEST + 1)}
        for name, upload in uploads.items()
    }


def muxed_bitrate(upload, recipe, crf, path=None):
    fresh_memory()
    path = path or upload.path.with_name("trial.mp4")
    settings = recipe.settings
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(settings.encoder, rate=recipe.clock(upload).fps)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = *recipe.size, "yuv420p"
        context.thread_type, context.thread_count, context.time_base = "FRAME", 1, recipe.clock(upload).tick
        context.options = {"crf": str(crf), "preset": "medium", "profile": "high"}
        for frame in recipe.frames(upload):
            frame.duration = 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return read_video_facts(path).bitrate_bps


def scan(rates, target_bps, *, lowest=LOWEST, highest=HIGHEST):
    """The published framework's search."""
    for crf in range(lowest, highest + 1):
        if rates[crf] < target_bps:
            return crf
    return highest


def target(bitrate_bps, **changes):
    return CrfTarget(
        **({"recipe": RECIPE, "bitrate_bps": bitrate_bps, "crf_min": LOWEST, "crf_max": HIGHEST} | changes)
    )


@pytest.mark.parametrize("name", CLIPS)
def test_bitrates_are_those_that_ffmpeg_reads_from_the_file(uploads, bitrates, name):
    meter = RateMeter(uploads[name], RECIPE)
    assert meter.measure(*bitrates[name]) == bitrates[name]
    assert (meter.encodes, meter.passes) == (len(bitrates[name]), 1)


def test_bitrates_of_a_varying_frame_rate_are_those_that_ffmpeg_reads_from_the_file(tmp_path):
    times = [3600 * index + 700 * (index % 5) + (9000 if index > 20 else 0) for index in range(36)]
    upload = VideoUpload(write_clip(tmp_path / "varying.mp4", moving_frames(36), times=times))
    assert upload.facts.variable_frame_rate
    expected = {crf: muxed_bitrate(upload, RECIPE, crf) for crf in (22, 30, 38)}
    assert RateMeter(upload, RECIPE).measure(*expected) == expected


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("first", [LOWEST, 27.4, HIGHEST])
@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_every_target_gets_the_answer_of_the_linear_scan(bitrates, name, first, spread):
    known = bitrates[name]
    targets = {rate + step for rate in known.values() for step in (-1, 0, 1)} | {1, 10 * max(known.values())}
    for bitrate_bps in targets:
        hunt = Hunt(
            bitrate_bps,
            crf_min=LOWEST,
            crf_max=HIGHEST,
            start=Start(first, spread, "frames"),
            safe_bps=0.005 * SIZE[0] * SIZE[1] * 25,
        )
        while wanted := hunt.wanted():
            hunt.learn({crf: known[crf] for crf in wanted})
        assert min(hunt.below, HIGHEST) == scan(known, bitrate_bps)


@pytest.mark.parametrize("name", CLIPS)
def test_the_search_gives_the_scans_answer_and_a_fraction_just_before_it(uploads, bitrates, name):
    known = bitrates[name]
    found = search_crf(uploads[name], target((known[28] + known[29]) // 2), start=Start(25, 2.0, "frames"))
    assert found.crf == 29
    assert found.censored is None
    assert 28 < found.crf_exact < 29
    assert found.bitrates_bps == {crf: known[crf] for crf in found.bitrates_bps}
    assert found.encodes == len(found.bitrates_bps)


def test_both_neighbours_come_from_one_pass_where_the_headers_tell(uploads, bitrates):
    known = bitrates["sharp"]
    found = search_crf(uploads["sharp"], target((known[27] + known[28]) // 2), start=Start(27, 0.0, "headers"))
    assert (found.crf, found.encodes, found.passes) == (28, 2, 1)


@pytest.mark.parametrize(
    ("bitrate_bps", "crf", "why"), [(10**9, LOWEST, "below at the start"), (10, HIGHEST, "never below")]
)
def test_a_target_out_of_range_is_censored_at_the_end_where_the_scan_stops(uploads, bitrate_bps, crf, why):
    found = search_crf(uploads["soft"], target(bitrate_bps), start=Start(30, 2.0, "frames"))
    assert (found.crf, found.censored, found.crf_exact) == (crf, why, None)


def test_a_target_below_at_the_start_costs_one_encode_where_the_frames_tell(uploads):
    found = search_crf(uploads["soft"], target(10**9), start=Start(12, 2.0, "frames"))
    assert (found.crf, found.encodes) == (LOWEST, 1)


@pytest.mark.parametrize("changes", [{"bitrate_bps": 0}, {"crf_min": 30, "crf_max": 29}, {"crf_max": 64}])
def test_a_target_that_is_none_is_refused(changes):
    with pytest.raises(UsageError, match=r"got .* expected"):
        target(**({"bitrate_bps": 1000} | changes))


def test_flat_slopes_are_not_trusted_to_decide_a_neighbour():
    """Text on a slide: bitrates fall by 2 % a step, so that 4 % would promise too much."""
    rates = {crf: int(400_000 * 0.98 ** (crf - LOWEST)) for crf in range(LOWEST, HIGHEST + 1)}
    for bitrate_bps in range(min(rates.values()) - 100, max(rates.values()) + 100, 977):
        hunt = Hunt(bitrate_bps, crf_min=LOWEST, crf_max=HIGHEST, start=Start(30, 2.0, "frames"), safe_bps=100.0)
        while wanted := hunt.wanted():
            hunt.learn({crf: rates[crf] for crf in wanted})
        assert not hunt.by_margin or hunt.below in (LOWEST, HIGHEST + 1)
        assert min(hunt.below, HIGHEST) == scan(rates, bitrate_bps)


def test_another_target_needs_no_encode_where_the_cache_knows_the_rates(uploads, bitrates, tmp_path):
    known = bitrates["sharp"]
    first = search_crf(uploads["sharp"], target(known[28]), start=Start(28, 0.0, "headers"), cache=RateCache(tmp_path))
    assert first.encodes
    again = search_crf(
        VideoUpload(uploads["sharp"].path),
        target(known[28] - 5),
        start=Start(28, 0.0, "headers"),
        cache=RateCache(tmp_path),
    )
    assert (again.encodes, again.passes) == (0, 0)
    assert again.crf == scan(known, known[28] - 5)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"bitrate_bps": 5}', b"\xff" * 300])
def test_damaged_entries_of_the_cache_are_measured_and_written_again(uploads, bitrates, tmp_path, damage):
    cache = RateCache(tmp_path)
    RateMeter(uploads["soft"], RECIPE, cache=cache).measure(30)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage)
    meter = RateMeter(uploads["soft"], RECIPE, cache=cache)
    assert meter.measure(30) == {30: bitrates["soft"][30]}
    assert meter.encodes == 1
    assert entry.read_bytes() == whole


def homeless():
    raise RuntimeError("no home")


def test_a_cache_that_cannot_be_written_costs_nothing(uploads, bitrates, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    meter = RateMeter(uploads["soft"], RECIPE, cache=RateCache(tmp_path / "file" / "rates"))
    assert meter.measure(30) == {30: bitrates["soft"][30]}
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(rate_cache.Path, "home", homeless)
    assert default_cache() is None


def test_an_entry_under_another_name_is_not_believed(uploads, tmp_path):
    cache = RateCache(tmp_path)
    meter = RateMeter(uploads["soft"], RECIPE, cache=cache)
    meter.measure(30)
    (entry,) = tmp_path.iterdir()
    text = json.loads(entry.read_bytes())
    assert text["key"]["crf"] == 30
    entry.write_text(json.dumps({**text, "key": {**text["key"], "crf": 31}}))
    again = RateMeter(uploads["soft"], RECIPE, cache=cache)
    again.measure(30)
    assert again.encodes == 1


@pytest.mark.parametrize(
    "other",
    [
        Recipe(size=(64, 192), settings=RECIPE.settings),
        Recipe(size=SIZE, settings=RECIPE.settings, kernel="lanczos"),
        Recipe(size=SIZE, settings=RECIPE.settings, fps=Fraction(5)),
        Recipe(size=SIZE, settings=EncoderSettings(rate=Crf(0), profile="main")),
    ],
)
def test_the_cache_tells_recipes_apart(uploads, tmp_path, other):
    RateMeter(uploads["still"], RECIPE, cache=RateCache(tmp_path)).measure(33)
    meter = RateMeter(uploads["still"], other, cache=RateCache(tmp_path))
    meter.measure(33)
    assert meter.encodes == 1


def test_the_cache_does_not_depend_on_the_rate_in_the_recipe(uploads, tmp_path):
    RateMeter(uploads["still"], RECIPE, cache=RateCache(tmp_path)).measure(33)
    other = Recipe(size=SIZE, settings=EncoderSettings(rate=Crf(12), profile="high", message=True))
    meter = RateMeter(uploads["still"], other, cache=RateCache(tmp_path))
    meter.measure(33)
    assert meter.encodes == 0


def test_the_start_is_the_rate_factor_that_x264_left_in_the_headers(tmp_path):
    path = write_clip(tmp_path / "served.mp4", moving_frames(24), options={"crf": "29", "preset": "medium"})
    assert find_start(VideoUpload(path)) == Start(29, 0.0, "headers")


def test_the_start_has_a_spread_where_there_is_one_reference_as_with_veryfast(tmp_path):
    path = write_clip(tmp_path / "served.mp4", moving_frames(24), options={"crf": "29", "preset": "veryfast"})
    found = find_start(VideoUpload(path))
    assert found.source == "headers"
    assert 29 <= found.crf - found.spread_crf < found.crf + found.spread_crf <= 33


@pytest.mark.parametrize("initial_qp", [12, 37])
def test_headers_far_from_the_qp_of_the_frames_are_not_believed(tmp_path, initial_qp):
    """As in the second of two passes, whose initial QP is above the answer."""
    served = VideoUpload(write_clip(tmp_path / "served.mp4", moving_frames(24), options={"crf": "24"}))
    headers = read_h264_headers(served.path)
    assert find_start(served, headers=headers) == Start(24, 0.0, "headers")
    found = find_start(served, headers=replace(headers, initial_qp=initial_qp))
    assert found.source == "frames"
    assert abs(found.crf - 24) < abs(initial_qp - 24)
    assert found.spread_crf > 0


def test_headers_are_believed_where_only_the_first_frames_speak_against_them(tmp_path, monkeypatch):
    """The stream begins with nothing to see, whose QP is low."""
    first = 4
    monkeypatch.setattr(start, "_FIRST_FRAMES", first)
    dark = np.full((96 * 3 // 2, 128), 128, np.uint8)
    frames = [*[dark] * first, *moving_frames(20)]
    served = VideoUpload(write_clip(tmp_path / "served.mp4", frames, options={"crf": "29"}))
    told = Start(29, 0.0, "headers")
    coding = read_stream_coding(served.path, most_frames=first)
    assert find_start(served, coding=coding) != told
    assert find_start(served) == told


def test_the_start_is_the_qp_of_the_frames_where_headers_say_26(tmp_path):
    path = write_clip(tmp_path / "served.mp4", moving_frames(24), options={"b": "60000"})
    found = find_start(VideoUpload(path))
    assert found.source == "frames"
    assert found.spread_crf > 0


def test_the_start_is_the_bitrate_where_no_qp_is_known(tmp_path):
    frames = list(moving_frames(24))
    rough, fine = (
        find_start(VideoUpload(write_clip(tmp_path / f"{qp}.mp4", frames, encoder="mpeg4", options={"qmin": qp})))
        for qp in ("31", "2")
    )
    assert rough.source == fine.source == "bitrate"
    assert rough.crf > fine.crf


@pytest.mark.parametrize(
    ("options", "profile"), [({"profile": "baseline"}, "baseline"), ({"profile": "main"}, "main"), ({}, "high")]
)
def test_settings_name_the_profile_as_the_encoder_does(tmp_path, uploads, options, profile):
    facts = read_video_facts(write_clip(tmp_path / "served.mp4", moving_frames(8), options=options))
    settings = reference_settings(facts)
    assert settings.profile == profile
    recipe = Recipe(size=SIZE, settings=settings)
    assert RateMeter(uploads["still"], recipe).measure(36)[36] > 0


def test_frames_are_never_held(uploads, monkeypatch):
    """What an encoder was given may be freed at once: no more frames are alive than the filter's own."""
    alive, most = 0, 0
    real = rates.Recipe.frames

    def counted(self, upload, **how):
        nonlocal alive, most
        for frame in real(self, upload, **how):
            alive += 1
            most = max(most, alive)
            yield frame
            alive -= 1

    monkeypatch.setattr(rates.Recipe, "frames", counted)
    RateMeter(uploads["soft"], RECIPE).measure(30, 31)
    assert most == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the ffmpeg program is the oracle, and is not here")
@pytest.mark.parametrize("name", CLIPS)
def test_bitrates_are_those_of_the_ffmpeg_program(uploads, tmp_path, name):
    """Up to x264's message about itself, whose length changes with its version."""
    upload = uploads[name]
    for crf in (22, 31):
        out = tmp_path / "out.mp4"
        scale = ["-filter_complex", f"scale={SIZE[0]}:{SIZE[1]}", "-pix_fmt", "yuv420p"]
        encode = ["-vcodec", "libx264", "-crf", str(crf), "-profile:v", "high", "-threads", "1", "-an"]
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", upload.path, *scale, *encode, out], check=True)
        probe = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=bit_rate", "-of", "csv=p=0"]
        stated = int(subprocess.run([*probe, out], check=True, capture_output=True, text=True).stdout)
        ours = RateMeter(upload, RECIPE).measure(crf)[crf]
        message_bytes = 40
        assert abs(ours - stated) <= 8 * message_bytes / upload.facts.duration_s


def test_bitrates_do_not_depend_on_what_the_process_did_before(uploads):
    """Neither on what it left in memory, nor on pictures having set how memory is handed out."""
    recipe = Recipe(size=(104, 56), settings=RECIPE.settings)
    rng = np.random.default_rng(2)
    found = set()
    for _ in range(6):
        keep_freed_memory()
        found.add(RateMeter(uploads["sharp"], recipe).measure(34)[34])
        kept = [rng.integers(0, 255, int(size)).astype(np.uint8) for size in rng.integers(100, 60_000, 300)]
        del kept
    assert len(found) == 1
