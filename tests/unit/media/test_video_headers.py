"""Parameter sets against FFmpeg's own trace of them, and against what x264 was asked for and says of itself."""

import re
from fractions import Fraction

import av
import av.logging
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import given
from hypothesis import strategies as st

from clips import make_clip
from repost.media.video.frames import read_stream_coding
from repost.media.video.h264 import find_parameter_sets
from repost.media.video.headers import parse_encoder_settings, read_h264_headers

TRACED = re.compile(r"^\d+\s+(\w+)\s+[01]+ = (-?\d+)")


def traced(path) -> dict[str, int]:
    """The oracle: FFmpeg's trace_headers filter, first value of each field."""
    fields: dict[str, int] = {}
    av.logging.set_level(av.logging.TRACE)
    try:
        with av.open(str(path)) as container, av.logging.Capture(local=True) as logs:
            stream = container.streams.video[0]
            tracer = BitStreamFilterContext("trace_headers", stream)
            tracer.filter(next(packet for packet in container.demux(stream) if packet.size))
            for _, source, message in logs:
                if source == "trace_headers" and (found := TRACED.match(message.strip())):
                    fields.setdefault(found[1], int(found[2]))
    finally:
        av.logging.set_level(None)
    return fields


def clip_of(folder, **settings):
    return make_clip(folder / "clip.mp4", **{"count": 6} | settings)


BUFFER = {"x264-params": "sar=40/33:nal-hrd=vbr:vbv-maxrate=200:vbv-bufsize=200"}
SETTINGS = {
    "plain": {},
    "ultrafast": {"options": {"preset": "ultrafast"}},
    "placebo": {"options": {"preset": "placebo"}},
    "baseline": {"options": {"profile": "baseline"}},
    "main": {"options": {"profile": "main"}},
    "4:4:4": {"pixel_format": "yuv444p"},
    "4:2:2 10 bit": {"pixel_format": "yuv422p10le"},
    "grey": {"pixel_format": "gray"},
    "buffer": {"bitrate_bps": 100_000, "options": BUFFER},
    "interlaced": {"options": {"x264-params": "interlaced=1"}, "size": (96, 96)},
    "scaling lists": {"options": {"x264-params": "cqm=jvt"}},
    "scaling lists 4:4:4": {"options": {"x264-params": "cqm=jvt"}, "pixel_format": "yuv444p"},
    "cropped": {"size": (94, 62)},
    "tall pixels": {"options": {"x264-params": "sar=123/457:overscan=show:chromaloc=1"}, "colour": (9, 16, 9, 2)},
    "no weights": {"options": {"x264-params": "weightp=0:weightb=0:8x8dct=0"}},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_headers_are_those_that_ffmpeg_traces(tmp_path, settings):
    path = clip_of(tmp_path, **settings)
    found, true = read_h264_headers(path), traced(path)
    assert found.level_idc == true["level_idc"]
    assert found.cabac == true["entropy_coding_mode_flag"]
    assert found.references == true["num_ref_idx_l0_default_active_minus1"] + 1
    assert found.initial_qp == true["pic_init_qp_minus26"] + 26
    assert found.chroma_qp_offset == true["chroma_qp_index_offset"]
    assert found.transform_8x8 == true.get("transform_8x8_mode_flag", 0)
    assert found.weighted_p == true["weighted_pred_flag"]
    assert found.weighted_b == true["weighted_bipred_idc"]
    assert found.hypothetical_decoder == true.get("nal_hrd_parameters_present_flag", 0)
    assert found.chroma_format_idc == true.get("chroma_format_idc", 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"crf": "19"}, {"initial_qp": 19}),
        ({"crf": "31.6"}, {"initial_qp": 31}),
        ({"qp": "30"}, {"initial_qp": 30}),
        ({"refs": "5"}, {"references": 5}),
        ({"coder": "cavlc"}, {"cabac": False}),
        ({"8x8dct": "0"}, {"transform_8x8": False}),
        ({"weightp": "none"}, {"weighted_p": False}),
        ({"weightb": "0"}, {"weighted_b": 0}),
        ({"level": "3.1"}, {"level_idc": 31}),
        ({"chromaoffset": "3"}, {"chroma_qp_offset": 1}),
        ({"aq-mode": "0", "psy": "0"}, {"chroma_qp_offset": 0}),
    ],
)
def test_what_x264_was_asked_for_is_read(tmp_path, options, expected):
    found = read_h264_headers(clip_of(tmp_path, options=options))
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_signalled_buffer_is_seen(tmp_path):
    found = read_h264_headers(clip_of(tmp_path, fps=Fraction(30000, 1001), bitrate_bps=100_000, options=BUFFER))
    assert found.hypothetical_decoder


def test_an_average_bitrate_leaves_26(tmp_path):
    assert read_h264_headers(clip_of(tmp_path, bitrate_bps=80_000)).initial_qp == 26


def test_full_colour_raises_the_chroma_offset_by_six(tmp_path):
    half, full = (
        read_h264_headers(clip_of(tmp_path, pixel_format=name)).chroma_qp_offset for name in ("yuv420p", "yuv444p")
    )
    assert (half, full) == (-2, 4)


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.h264", "a.mov", "fragmented.mp4"])
def test_every_container_gives_the_same_headers(tmp_path, name):
    options = {"crf": "33", "preset": "fast"}
    movflags = {"movflags": "frag_keyframe+empty_moov"} if name.startswith("frag") else {}
    found = read_h264_headers(make_clip(tmp_path / name, count=6, options=options, container_options=movflags))
    assert found == read_h264_headers(clip_of(tmp_path, options=options))
    assert found.initial_qp == 33


def test_parameter_sets_inside_packets_are_found(tmp_path):
    """An "avc3" file has none in its header: they are cut out of the record and put before the first frame."""
    path = clip_of(tmp_path, options={"crf": "29"})
    with av.open(str(path)) as container:
        record = container.streams.video[0].codec_context.extradata
        packet = bytes(next(container.demux(video=0)))
    empty = record[:5] + b"\xe0\0"
    units, at = b"", 6
    for count_mask in (31, 255):
        count = record[at - 1] & count_mask
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            units += size.to_bytes(4, "big") + record[at + 2 : at + 2 + size]
            at += 2 + size
        at += 1
    assert find_parameter_sets(empty, packet) is None
    assert find_parameter_sets(empty, units + packet)[1].initial_qp == 29


def test_other_codecs_have_no_such_headers(tmp_path):
    assert read_h264_headers(make_clip(tmp_path / "a.avi", codec="mpeg4", count=3)) is None


@given(st.binary(max_size=120), st.sampled_from([b"", b"\1\x64\0\x0a\xff\xe1", b"\0\0\1\x67", b"\0\0\1\x68"]))
def test_arbitrary_bytes_are_no_failure(data, start):
    find_parameter_sets(start + data, data)


def test_a_parameter_set_of_megabytes_is_not_unpacked():
    assert find_parameter_sets(b"\0\0\1\x68" + b"\x24" * 50_000_000, b"") is None


def test_the_settings_x264_writes_are_those_asked_for(tmp_path):
    options = {"preset": "fast", "crf": "27", "bf": "2", "g": "50"}
    settings = read_stream_coding(clip_of(tmp_path, options=options)).settings
    assert settings["encoder"].startswith("x264 - core ")
    expected = {"ref": "2", "crf": "27.0", "bframes": "2", "keyint": "50", "cabac": "1", "8x8dct": "1", "rc": "crf"}
    assert {name: settings[name] for name in expected} == expected


def test_the_settings_x265_writes_are_read(tmp_path):
    options = {"crf": "24", "x265-params": "log-level=none:sao=0:bframes=2"}
    settings = read_stream_coding(clip_of(tmp_path, codec="libx265", options=options)).settings
    assert settings["encoder"].startswith("x265 (build ")
    assert {name: settings[name] for name in ("crf", "sao", "bframes")} == {"crf": "24.0", "sao": "0", "bframes": "2"}


def test_a_file_without_the_message_has_no_settings(tmp_path):
    path, bare = clip_of(tmp_path), tmp_path / "bare.mp4"
    with av.open(str(path)) as source, av.open(str(bare), "w") as target:
        stream = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        strip = BitStreamFilterContext("filter_units=remove_types=6", stream)
        for packet in source.demux(stream):
            for kept in strip.filter(packet) if packet.size else ():
                kept.stream = out
                target.mux(kept)
    assert read_stream_coding(bare).settings is None
    assert read_h264_headers(bare) == read_h264_headers(path)


@pytest.mark.parametrize("message", [b"", b"x264", b"x264 - core 1", b"\0" * 40, b"options: a=b"])
def test_other_messages_are_no_settings(message):
    assert parse_encoder_settings(message) is None


def test_damaged_text_of_settings_is_read_as_far_as_it_goes():
    found = parse_encoder_settings(b"\xff\0x264 - core 9 - options: ref=\xff crf=2\x1b1 =3 no-psy\0tail=1")
    assert found["encoder"] == "x264 - core 9"
    assert "tail" not in found


def test_constant_qp_is_read_from_every_block(tmp_path):
    options = {"x264-params": "qp=30:ipratio=1:pbratio=1:aq-mode=0"}
    coding = read_stream_coding(clip_of(tmp_path, options=options, count=10))
    assert np.flatnonzero(coding.qp_histogram).tolist() == [30]
    assert coding.qp_histogram[30] == 10 * 6 * 4  # frames x macroblocks of 96 x 64
    assert coding.mean_qp() == coding.mean_qp("I") == 30


def test_convention_qp_of_ten_bits_is_on_the_scale_of_eight(tmp_path):
    """Six to a doubling: the same CRF gives about the same QP, and both the initial one of the header."""
    eight, ten = (
        read_stream_coding(clip_of(tmp_path, pixel_format=name, options={"crf": "28"}, count=12)).mean_qp()
        for name in ("yuv420p", "yuv420p10le")
    )
    assert abs(eight - ten) < 1.5
    options = {"x264-params": "qp=42:ipratio=1:pbratio=1:aq-mode=0"}  # x264 counts from the lowest, 12 below
    path = clip_of(tmp_path, pixel_format="yuv420p10le", options=options)
    assert np.flatnonzero(read_stream_coding(path).qp_histogram).tolist() == [30]
    assert read_h264_headers(path).initial_qp == 30
