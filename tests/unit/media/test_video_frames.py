"""How frames were coded, against the ffprobe program and against what the encoder was told."""

import json
import shutil
import subprocess

import av
import numpy as np
import pytest

from clips import make_clip
from repost.media.video.frames import QP_COUNT, VP9_QP_COUNT, decode_frames, luma_of, read_stream_coding

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffprobe"), reason="no ffprobe program")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clips") / "plain.mp4", count=40, options={"bf": "3"}, gop=16)


def test_kinds_and_keyframes_are_those_that_were_asked_for(tmp_path):
    options = {"bf": "2", "b_strategy": "0", "sc_threshold": "0", "g": "12", "keyint_min": "12"}
    coding = read_stream_coding(make_clip(tmp_path / "a.mp4", count=36, options=options))
    assert coding.kinds == "IBBPBBPBBPBP" * 3  # groups are closed, so that the last of each is a P
    assert coding.keyframes == (0, 12, 24)
    assert coding.keyframe_gaps == (12, 12)
    assert coding.longest_b_run == 2


def test_intra_only(tmp_path):
    coding = read_stream_coding(make_clip(tmp_path / "a.mp4", count=5, options={"g": "1"}))
    assert (coding.kinds, coding.keyframes, coding.longest_b_run) == ("IIIII", (0, 1, 2, 3, 4), 0)
    assert set(coding.qp_by_kind) == {"I"}
    assert coding.mean_qp("B") is None


@pytest.mark.slow
@needs_ffmpeg
def test_ffprobe_sees_the_same_frames(clip):
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pict_type,key_frame,pkt_size",
         "-of", "json", clip], check=True, capture_output=True)  # fmt: skip
    frames = json.loads(done.stdout)["frames"]
    coding = read_stream_coding(clip)
    assert coding.kinds == "".join(frame["pict_type"] for frame in frames)
    assert coding.keyframes == tuple(index for index, frame in enumerate(frames) if frame["key_frame"])
    assert coding.sizes_bytes == tuple(int(frame["pkt_size"]) for frame in frames)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_sizes_belong_to_the_frames_as_shown(tmp_path, name):
    path = make_clip(tmp_path / name, options={"bf": "3"})
    coding = read_stream_coding(path)
    with av.open(str(path)) as container:
        packets = sorted((packet.pts, packet.size) for packet in container.demux(video=0) if packet.size)
    assert coding.sizes_bytes == tuple(size for _, size in packets)
    assert max(range(24), key=coding.sizes_bytes.__getitem__) == 0  # the keyframe


def test_every_block_is_counted_once(clip):
    coding = read_stream_coding(clip)
    assert coding.qp_histogram.shape == (QP_COUNT,)
    assert coding.qp_histogram.sum() == 40 * (96 // 16) * (64 // 16)
    for kind, counts in coding.qp_by_kind.items():
        assert counts.sum() == coding.kinds.count(kind) * 24


def test_the_tables_are_the_same_in_every_run(clip):
    first = read_stream_coding(clip)
    for _ in range(5):
        again = read_stream_coding(clip)
        assert again.kinds == first.kinds
        assert all(np.array_equal(again.qp_by_kind[kind], counts) for kind, counts in first.qp_by_kind.items())


@pytest.mark.parametrize("crf", [18, 26, 34])
def test_a_higher_crf_is_a_higher_qp(tmp_path, crf):
    low, high = (
        read_stream_coding(make_clip(tmp_path / "a.mp4", count=12, options={"crf": str(value)})).mean_qp()
        for value in (crf, crf + 6)
    )
    assert 4 < high - low < 8


def test_vp9_counts_frames_on_its_own_scale(tmp_path):
    options = {"deadline": "realtime", "cpu-used": "8", "crf": "63", "b": "0"}
    coding = read_stream_coding(make_clip(tmp_path / "a.webm", codec="libvpx-vp9", count=6, options=options))
    assert coding.qp_histogram.shape == (VP9_QP_COUNT,)
    assert coding.qp_histogram.sum() == 6
    assert coding.mean_qp() > 100


@pytest.mark.parametrize(("codec", "options"), [("libx265", {"x265-params": "log-level=none"}), ("mjpeg", {})])
def test_where_the_decoder_does_not_tell_there_is_no_qp(tmp_path, codec, options):
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    coding = read_stream_coding(
        make_clip(tmp_path / "a.mkv", codec=codec, pixel_format=pixel_format, options=options, count=4)
    )
    assert coding.qp_by_kind == {}
    assert coding.mean_qp() is None
    assert coding.qp_histogram.sum() == 0
    assert len(coding.kinds) == 4


def test_reading_can_stop_early_and_tell_how_far_it_is(clip):
    seen = []
    coding = read_stream_coding(clip, most_frames=7, on_frame=seen.append)
    assert len(coding.kinds) == 7
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert read_stream_coding(clip).kinds.startswith(coding.kinds)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_frames_do_not_depend_on_threads(clip, threads):
    true = [luma_of(frame).copy() for frame in decode_frames(clip, threads=1)]
    found = [luma_of(frame).copy() for frame in decode_frames(clip, threads=threads)]
    assert len(found) == 40
    assert all(np.array_equal(a, b) for a, b in zip(true, found, strict=True))


def test_luma_is_the_plane_without_padding(tmp_path):
    frame = next(decode_frames(make_clip(tmp_path / "a.mp4", size=(98, 66), count=2)))
    assert luma_of(frame).shape == (66, 98)
    assert np.array_equal(luma_of(frame), frame.to_ndarray()[:66])
