"""Frames by number: the oracle is always the decode of the whole video, in order."""

from fractions import Fraction

import av
import numpy as np
import pytest

from clips import make_clip
from repost.core.errors import UnreadableMedia
from repost.media.video.frames import decode_frames, upright_rgb8
from repost.media.video.roles import Role
from repost.media.video.sampling import Sampled, read_frame_table, sample_frames

GROUPS = {"bf": "3", "b_strategy": "0", "sc_threshold": "0", "g": "12", "keyint_min": "12"}
IRREGULAR = [8 * index + index * index % 7 for index in range(40)]
CLIPS = {
    "B-frames": ("a.mp4", {"options": GROUPS}),
    "a pyramid of B-frames": ("a.mp4", {"options": GROUPS | {"b-pyramid": "normal", "bf": "7"}, "gop": 250}),
    "one group": ("a.mp4", {"options": {"bf": "3"}, "gop": 250}),
    "Matroska": ("a.mkv", {"options": GROUPS}),
    "QuickTime": ("a.mov", {"options": GROUPS}),
    "open groups": ("a.mp4", {"options": GROUPS | {"x264-params": "open-gop=1"}}),
    "intra refresh": ("a.mp4", {"options": {"bf": "0", "x264-params": "intra-refresh=1:keyint=10"}}),
    "variable rate": (
        "a.mp4",
        {"options": GROUPS, "times": IRREGULAR, "tick": Fraction(1, 100)},
    ),
    "HEVC, open groups": (
        "a.mp4",
        {"codec": "libx265", "options": {"x265-params": "keyint=8:bframes=3:open-gop=1:log-level=0:pools=none"}},
    ),
    "HEVC, closed groups": (
        "a.mkv",
        {"codec": "libx265", "options": {"x265-params": "keyint=8:bframes=3:open-gop=0:log-level=0:pools=none"}},
    ),
    "VP9": ("a.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}, "gop": 8}),
    "VP8, with hidden frames": (
        "a.webm",
        {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "8"}, "gop": 30},
    ),
    "MPEG-4 without timestamps": ("a.avi", {"codec": "mpeg4", "options": {"bf": "2"}, "gop": 8}),
    "H.264 in AVI": ("a.avi", {"options": GROUPS}),
    "raw H.264": ("a.h264", {"options": GROUPS, "format_": "h264"}),
    "motion JPEG": ("a.mov", {"codec": "mjpeg", "pixel_format": "yuvj420p"}),
    "lossless AVI": ("a.avi", {"codec": "huffyuv", "pixel_format": "yuv422p"}),
    "fragments": ("a.mp4", {"options": GROUPS, "container_options": {"movflags": "frag_keyframe+empty_moov"}}),
    "turned": ("a.mp4", {"options": GROUPS, "rotation_deg": 90}),
}
LEFT_OUT = {
    "B-frames", "a pyramid of B-frames", "one group", "Matroska", "QuickTime", "open groups", "variable rate", "turned",
    "HEVC, open groups", "HEVC, closed groups", "motion JPEG", "lossless AVI", "fragments",
}  # fmt: skip
"""Clips of which frames are left undecoded."""


def in_order(path):
    return [upright_rgb8(frame) for frame in decode_frames(path)]


def sampled(path, numbers, **more):
    return {number: upright_rgb8(frame) for number, frame in sample_frames(read_frame_table(path), numbers, **more)}


@pytest.mark.parametrize("kind", CLIPS)
def test_frames_are_those_of_a_decode_in_order(tmp_path, kind):
    name, settings = CLIPS[kind]
    path = make_clip(tmp_path / name, **{"count": 40, **settings})
    expected = in_order(path)
    table = read_frame_table(path)
    hidden = kind == "VP8, with hidden frames"
    assert table.count == len(expected) if not hidden else table.count >= len(expected)
    decoded = []
    for numbers in (table.numbers(1), table.numbers(7), [0], [25], [3, 17, 18], [26, 1]):
        outcome = Sampled()
        got = {number: upright_rgb8(frame) for number, frame in sample_frames(table, numbers, outcome=outcome)}
        assert sorted(got) == sorted(number for number in numbers if number < len(expected))
        assert all(np.array_equal(pixels, expected[number]) for number, pixels in got.items())
        assert outcome.fault is None
        decoded.append(outcome.decoded)
    assert (decoded[3] < 26) == (kind in LEFT_OUT)


def test_nothing_is_decoded_but_what_the_frames_need(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=40, options=GROUPS)
    table, outcome = read_frame_table(path), Sampled()
    assert [*table.roles].count(Role.ENTRY) == 4
    assert [number for number, _ in sample_frames(table, [12, 25], outcome=outcome)] == [12, 25]
    # A keyframe; and a B-frame with its keyframe and the P-frame after it.
    assert outcome.decoded <= 1 + 4


def test_the_number_of_threads_changes_nothing(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=40, options=GROUPS)
    one, several = sampled(path, range(0, 40, 3), threads=1), sampled(path, range(0, 40, 3), threads=4)
    assert one.keys() == several.keys()
    assert all(np.array_equal(one[number], several[number]) for number in one)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_convention_frames_are_turned_as_a_player_shows_them(tmp_path, rotation_deg):
    """FFmpeg's display rotation counts counter-clockwise, as numpy's rot90 does."""
    flat = make_clip(tmp_path / "flat.mp4", count=3)
    turned = make_clip(tmp_path / "turned.mp4", count=3, rotation_deg=rotation_deg)
    expected = np.rot90(in_order(flat)[1], rotation_deg // 90)
    assert np.array_equal(sampled(turned, [1])[1], expected)


def test_frames_hidden_by_an_edit_list_are_not_counted(tmp_path):
    whole = make_clip(tmp_path / "whole.mp4", count=40, options=GROUPS)
    path = tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                packet.pts, packet.dts = packet.pts - 2560, packet.dts - 2560  # five frames before zero
                target.mux(packet)
    expected, got = in_order(path), sampled(path, range(40))
    assert len(expected) == read_frame_table(path).count < 40
    assert all(np.array_equal(got[number], expected[number]) for number in range(len(expected)))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_frames_before_a_cut_come_and_those_after_it_are_missed(tmp_path, name):
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = make_clip(tmp_path / name, count=60, options=GROUPS, container_options=options)
    expected = in_order(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    table, outcome = read_frame_table(path), Sampled()
    got = {number: upright_rgb8(frame) for number, frame in sample_frames(table, table.numbers(5), outcome=outcome)}
    assert {0, 5, 10, 15} <= set(got)
    assert all(np.array_equal(pixels, expected[number]) for number, pixels in got.items())
    assert table.fault is not None
    if name.endswith("mp4"):
        assert table.fault.startswith("it is cut off")
        assert table.numbers(5) == [*range(0, 60, 5)]


def test_damage_in_the_middle_costs_the_frames_of_its_group_alone(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=60, options=GROUPS | {"bf": "0"})
    expected = in_order(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        at, size = packets[24].pos, packets[24].size  # the third keyframe
    data = bytearray(path.read_bytes())
    data[at + 6 : at + size] = b"\xff" * (size - 6)
    path.write_bytes(data)
    got = sampled(path, range(60))
    assert {*range(24), *range(36, 60)} - {23} <= set(got)
    assert 24 not in got
    assert all(np.array_equal(got[number], expected[number]) for number in {*range(23), *range(36, 60)})


def test_a_file_without_frames_is_refused(tmp_path):
    path = make_clip(tmp_path / "a.mkv", count=2)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UnreadableMedia):
        read_frame_table(path)
