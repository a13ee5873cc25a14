"""Whether two videos show the same: across everything sharing does to a video, and never for another one."""

import numpy as np
import pytest
from PIL import Image

from repost.core.errors import InputNotFound, MediaError
from repost.estimation.videos import thumbnails
from repost.estimation.videos.content import ContentCheck, compare_content
from repost.estimation.videos.thumbnails import Window, read_thumbnails
from repost.media.video.facts import read_video_facts
from video_scenes import scene, times, turn_by_flag, write_video

LASTS_S = 4


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("content") / "original.mp4", scene(1, times(0, LASTS_S)))


def resized(frames, size):
    for frame in frames:
        yield np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))


def test_a_file_is_itself(original):
    found = compare_content(original, original)
    assert (found.same, found.duration_ratio, found.offset_s) == (True, 1.0, 0.0)
    assert found.correlation == pytest.approx(1)
    assert found.motion_correlation == pytest.approx(1)


def test_strong_compression_and_squeezing_do_not_matter(original, tmp_path):
    frames = resized(scene(1, times(0, LASTS_S)), (64, 64))
    found = compare_content(original, write_video(tmp_path / "shared.mp4", frames, crf=45))
    assert found.same
    assert found.correlation > 0.9


def test_frame_rates_do_not_matter(original, tmp_path):
    shared = write_video(tmp_path / "shared.mp4", scene(1, times(0, LASTS_S, 30)), fps=30)
    assert compare_content(original, shared).same


@pytest.mark.parametrize("cut_s", [0.2, 0.8])
def test_a_cut_start_is_found(original, tmp_path, cut_s):
    found = compare_content(original, write_video(tmp_path / "shared.mp4", scene(1, times(cut_s, LASTS_S))))
    assert found.same
    assert found.offset_s == pytest.approx(cut_s, abs=0.021)
    assert found.correlation > 0.98


def test_a_cut_end_does_not_matter(original, tmp_path):
    found = compare_content(original, write_video(tmp_path / "shared.mp4", scene(1, times(0, LASTS_S - 0.8))))
    assert found.same
    assert found.offset_s == pytest.approx(0, abs=0.021)
    assert found.duration_ratio == pytest.approx(0.8, abs=0.01)


def test_frames_put_before_the_start_are_an_offset(original, tmp_path):
    shared = write_video(tmp_path / "shared.mp4", scene(1, times(-0.12, LASTS_S)))
    found = compare_content(original, shared)
    assert found.same
    assert found.offset_s == pytest.approx(-0.12, abs=0.021)


@pytest.mark.parametrize("clockwise_deg", [90, 180, 270])
def test_rotation_flags_are_applied(original, tmp_path, clockwise_deg):
    turned = (np.rot90(frame, clockwise_deg // 90) for frame in scene(1, times(0, LASTS_S)))
    shared = write_video(tmp_path / "shared.mp4", turned)
    assert not compare_content(original, shared).same
    turn_by_flag(shared, clockwise_deg)
    assert read_video_facts(shared).rotation_deg == clockwise_deg
    assert compare_content(original, shared).same
    assert compare_content(shared, original).same


def test_black_bars_do_not_matter(original, tmp_path):
    def barred():
        for frame in scene(1, times(0, LASTS_S)):
            canvas = np.zeros((128, 96), np.uint8)
            canvas[34:98] = frame
            yield canvas

    found = compare_content(original, write_video(tmp_path / "shared.mp4", barred(), crf=28))
    assert found.same
    assert found.correlation > 0.95


def test_the_same_name_does_not_make_the_same_content(original, tmp_path):
    found = compare_content(original, write_video(tmp_path / "original.mp4", scene(2, times(0, LASTS_S))))
    assert not found.same
    assert "other pictures" in found.reason


def test_another_take_of_one_scene_is_told_apart(original, tmp_path):
    shared = write_video(tmp_path / "shared.mp4", scene(3, times(0, LASTS_S), backdrop=1))
    found = compare_content(original, shared)
    assert not found.same
    assert found.motion_correlation < 0.5


def test_durations_must_agree(original, tmp_path):
    found = compare_content(original, write_video(tmp_path / "shared.mp4", scene(1, times(0, LASTS_S - 1.2))))
    assert not found.same
    assert "4.0 s and 2.8 s" in found.reason
    assert found.correlation is None


def test_stills_pass_but_say_so_and_flat_frames_are_nothing_to_compare(tmp_path):
    still = next(scene(1, [0.0]))
    files = [write_video(tmp_path / f"{crf}.mp4", [still] * 50, crf=crf) for crf in (20, 35)]
    found = compare_content(*files)
    assert (found.same, found.motion_correlation, found.offset_s) == (True, None, 0.0)
    assert "still" in found.reason
    grey = write_video(tmp_path / "grey.mp4", [np.full((64, 96), 128, np.uint8)] * 50)
    assert compare_content(grey, grey) == ContentCheck(
        False, None, None, 1.0, 0.0, "nothing to compare: the frames are flat"
    )
    assert not compare_content(files[0], grey).same


def test_one_frame_is_enough_to_look_at(tmp_path):
    files = [write_video(tmp_path / f"{crf}.mp4", scene(1, [0.0]), crf=crf) for crf in (20, 30)]
    assert compare_content(*files).same


@pytest.mark.parametrize("gop", [7, 300])
def test_seeking_gives_the_frames_that_decoding_through_gives(tmp_path, monkeypatch, gop):
    path = write_video(tmp_path / "long.mp4", scene(1, times(0, 140, 5), size=(64, 48)), fps=5, gop=gop, crf=30)
    facts = read_video_facts(path)
    windows = [Window(start_s, start_s + 1) for start_s in (-0.5, 0.2, 15.1, 30, 100.33, 139)]
    sought = read_thumbnails(path, facts, windows=windows)
    monkeypatch.setattr(thumbnails, "_SEEKABLE", ())
    through = read_thumbnails(path, facts, windows=windows)
    assert np.array_equal(sought.times_s, through.times_s)
    assert np.array_equal(sought.luma, through.luma)
    inside = {
        round(time_s, 3)
        for time_s in times(0, 140, 5)
        if any(one.start_s <= time_s <= one.end_s for one in windows)
    }  # fmt: skip
    shown_at_start = {15.0, 100.2}
    assert {round(time_s, 3) for time_s in sought.times_s} == {round(one, 3) for one in inside} | shown_at_start


def test_damaged_and_missing_files_are_errors(original, tmp_path):
    with pytest.raises(InputNotFound):
        compare_content(original, tmp_path / "none.mp4")
    (tmp_path / "cut.mp4").write_bytes(original.read_bytes()[:2000])
    with pytest.raises(MediaError):
        compare_content(original, tmp_path / "cut.mp4")


@pytest.mark.shared
def test_talking_heads_are_told_apart_and_deepfakes_are_not(shared_data):
    clips = {path.name: path for path in (shared_data / "videos").rglob("*.mp4")}
    assert not compare_content(clips["driving_d18.mp4"], clips["driving_d20.mp4"]).same
    fake = compare_content(clips["519.mp4"], clips["519_515.mp4"])
    assert fake.same
    assert "swapped face" in fake.reason
