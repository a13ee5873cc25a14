"""Figures of videos: what stands in them, names that would break them, the same bytes for the same findings."""

import sys

import numpy as np
import pytest

from repost.core.errors import MissingExtra, OutputUnwritable
from repost.media.video.frames import QP_COUNT, VP9_QP_COUNT, StreamCoding
from repost.report.video_figures import (
    draw_frames,
    draw_qp,
    draw_rate_curve,
    write_coding_figures,
    write_rate_curve,
)

POINTS = [(28, 655_000), (20, 2_100_000), (24, 1_180_000), (40, 128_000)]


@pytest.fixture(autouse=True)
def _matplotlib():
    pytest.importorskip("matplotlib")


def coding(*, qp=30, bins=QP_COUNT, kinds="IBBPBBP", sizes=None, told=True) -> StreamCoding:
    counts = np.zeros(bins, np.int64)
    counts[[qp, qp + 4]] = (30, 10)
    sizes = tuple(900 - 100 * index for index in range(len(kinds))) if sizes is None else sizes
    return StreamCoding(kinds, (0,), {"P": counts} if told else {}, None, sizes)


def test_the_curve_says_rates_and_the_crf_that_was_found():
    said = draw_rate_curve(POINTS, shared_bps=671_000, crf=27.8)["svg"].decode()
    for words in ("shared file, 671 kbit/s", "CRF 27.8", "bitrate (kbit/s)", ">200<", ">1,000<"):
        assert words in said


def test_a_curve_of_few_points_still_has_numbers_on_its_axis():
    said = draw_rate_curve([(27, 760_000), (28, 655_000)], shared_bps=671_000, crf=None)["svg"].decode()
    assert ">700<" in said
    assert "CRF 2" not in said


@pytest.mark.parametrize("points", [[], [(20, 5e5)]])
def test_a_search_that_found_nothing_can_be_drawn(points):
    assert draw_rate_curve(points, shared_bps=1, crf=None)["png"].startswith(b"\x89PNG")


def test_histograms_say_names_and_means():
    said = draw_qp({"x/shared.mp4": coding(), "original.mp4": coding(qp=20)})["svg"].decode()
    assert "shared.mp4 (mean 31.0)" in said
    assert "original.mp4 (mean 21.0)" in said
    assert "x/" not in said


def test_other_scales_have_a_plot_of_their_own():
    said = draw_qp({"a.mp4": coding(), "b.webm": coding(qp=120, bins=VP9_QP_COUNT)})["svg"].decode()
    assert "QP" in said
    assert "VP9 quantiser index" in said


def test_names_are_only_names():
    names = ["_under.mp4", "$x$.mp4", "$\\frac.mp4", "a/same.mp4", "b/same.mp4", "new\nline.mp4", "<b>&.mp4"]
    codings = {name: coding() for name in names}
    for said in (draw_qp(codings)["svg"].decode(), draw_frames(codings)["svg"].decode()):
        for name in (*names[:5], "new\\nline.mp4", "&lt;b&gt;&amp;.mp4"):
            assert f" {name}" in said or f">{name}" in said


def test_frames_say_their_kinds_and_how_many_are_drawn():
    said = draw_frames({"a.mp4": coding()})["svg"].decode()
    assert all(f"{kind}-frames" in said for kind in "IPB")
    assert "the first" not in said
    assert "the first 250" in draw_frames({"a.mp4": coding(kinds="I" + "P" * 400, sizes=(9,) * 401)})["svg"].decode()


def test_frames_without_sizes_leave_an_empty_row():
    assert draw_frames({"a.h264": coding(sizes=(None,) * 7), "b.mp4": coding()})["png"].startswith(b"\x89PNG")


def test_the_same_findings_give_the_same_bytes():
    codings = {"a.mp4": coding(), "b.mp4": coding(qp=22)}
    assert draw_qp(codings) == draw_qp(codings)
    assert draw_frames(codings) == draw_frames(codings)
    assert draw_rate_curve(POINTS, shared_bps=5e5, crf=29) == draw_rate_curve(POINTS[::-1], shared_bps=5e5, crf=29)


def test_files_are_written_and_named(tmp_path):
    written = write_coding_figures({"a.mp4": coding()}, tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["frames.svg", "frames.png", "qp.svg", "qp.png"]
    assert all(path.stat().st_size > 1000 for path in written)
    written = write_coding_figures({"hevc.mp4": coding(told=False)}, tmp_path)
    assert [path.name for path in written] == ["frames.svg", "frames.png"]
    assert [path.name for path in write_rate_curve(POINTS, tmp_path, shared_bps=5e5, crf=3)] == ["rate.svg", "rate.png"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable):
        write_coding_figures({"a.mp4": coding()}, tmp_path / "file" / "folder")


def test_matplotlib_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"repost\[report\]"):
        draw_qp({"a.mp4": coding()})
