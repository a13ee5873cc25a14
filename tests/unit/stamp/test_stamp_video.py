"""Videos: every frame stamped, sound and times kept, evidence of many frames in one p-value."""

from fractions import Fraction

import numpy as np
import pytest
import skimage.data
from PIL import Image

import clips
from clips import make_clip, make_sound
from repost.core.errors import AlreadyStamped, MediaError, UnsupportedMedia
from repost.media.video.facts import read_video_facts
from repost.media.video.frames import decode_frames, luma_of
from repost.media.video.upload import VideoUpload
from repost.stamp.still import StampSettings
from repost.stamp.video import plan_stamping, scan_video, stamp_video

DEFAULT = StampSettings(again=True)
"""What files are stamped with where it does not matter whether they are searched for another stamp first."""
SIZE = (320, 240)


@pytest.fixture(autouse=True)
def filmed(monkeypatch):
    """Clips of a photograph that a camera pans over."""
    photo = np.asarray(Image.fromarray(skimage.data.coffee()).resize((450, 300), Image.Resampling.LANCZOS))

    def pictures(count, size):
        width, height = size
        large = np.asarray(Image.fromarray(photo).resize((width + 40, height + 20), Image.Resampling.BICUBIC))
        for index in range(count):
            left = index % 40
            yield np.ascontiguousarray(large[10 : 10 + height, left : left + width])

    monkeypatch.setattr(clips, "pictures", pictures)


def stamped_clip(path, out_name="out.mp4", settings=DEFAULT):
    upload = VideoUpload(path)
    out = path.with_name(out_name)
    return stamp_video(upload, plan_stamping(upload), out, settings=settings), out


@pytest.mark.parametrize(
    ("name", "options", "format_", "notes"),
    [
        ("a.mp4", {}, "mp4", ()),
        ("a.webm", {"codec": "libvpx-vp9"}, "webm", ()),
        ("a.mov", {}, "mp4", ("mov became mp4",)),
        (
            "a.mkv",
            {"codec": "libx265", "pixel_format": "yuv420p10le", "options": {"x265-params": "log-level=none"}},
            "mp4",
            ("hevc became h264", "mkv became mp4", "10-bit samples became 8-bit"),
        ),
        ("a.avi", {"codec": "mpeg4"}, "mp4", ("mpeg4 became h264", "avi became mp4")),
    ],
)
def test_a_clip_is_stamped_in_a_format_that_players_take(tmp_path, name, options, format_, notes):
    path = make_clip(tmp_path / name, size=SIZE, count=6, **options)
    upload = VideoUpload(path)
    plan = plan_stamping(upload)
    assert (plan.format, plan.notes) == (format_, notes)
    assert scan_video(upload)[0].stamped is not True
    done, out = stamped_clip(path, f"out.{format_}")
    assert done.check.stamped is True
    assert done.frames == 6
    assert read_video_facts(out).format == format_
    found, frames = scan_video(VideoUpload(out))
    assert (found.p_value, frames) == (done.check.p_value, 6)
    assert scan_video(VideoUpload(out), "another key")[0].stamped is not True


def test_times_rotation_and_sound_are_kept(tmp_path):
    times = [0, 1, 2, 5, 6, 9, 10, 20, 21, 22, 30, 31]
    path = make_clip(tmp_path / "a.mp4", size=SIZE, count=12, times=times, rotation_deg=-90, audio="aac")
    before = read_video_facts(path)
    _, out = stamped_clip(path)
    after = read_video_facts(out)
    assert (after.rotation_deg, after.frame_count) == (before.rotation_deg, 12) == (90, 12)
    assert (after.width_px, after.height_px) == (before.width_px, before.height_px)
    assert after.audio == before.audio
    shown = [frame.pts * frame.time_base for frame in decode_frames(out)]
    assert [float(one - shown[0]) for one in shown] == pytest.approx([time / 25 for time in times], abs=1e-4)


def test_sound_that_the_container_cannot_hold_is_encoded_and_told_of(tmp_path):
    path = make_clip(tmp_path / "a.mov", size=SIZE, count=8, audio="pcm_s16le")
    assert "pcm_s16le sound became aac" in plan_stamping(VideoUpload(path)).notes
    _, out = stamped_clip(path)
    assert read_video_facts(out).audio.codec == "aac"


@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (1, 1, 1, 2)], ids=["limited range", "full range"])
def test_luma_moves_by_a_few_levels_and_chroma_by_what_the_encoder_does(tmp_path, colour):
    from repost.media.video.frames import plane_of

    path = make_clip(tmp_path / "a.mp4", size=SIZE, count=4, colour=colour, options={"crf": "12"})
    _, out = stamped_clip(path)
    assert read_video_facts(out).colour.full_range is (colour[3] == 2)
    for before, after in zip(decode_frames(path), decode_frames(out), strict=True):
        luma = np.abs(luma_of(after).astype(int) - luma_of(before))
        assert 0.3 < luma.mean() < 6
        assert np.abs(plane_of(after, 1).astype(int) - plane_of(before, 1)).mean() < 1


def test_the_pattern_stands_still_on_a_clip_that_stands_still(tmp_path, monkeypatch):
    still = np.asarray(Image.fromarray(skimage.data.coffee()).resize(SIZE))
    monkeypatch.setattr(clips, "pictures", lambda count, size: (still for _ in range(count)))
    path = make_clip(tmp_path / "a.mp4", size=SIZE, count=6, options={"crf": "4"})
    _, out = stamped_clip(path)
    moved = [
        luma_of(after).astype(float) - luma_of(before)
        for before, after in zip(decode_frames(path), decode_frames(out), strict=True)
    ]
    for other in moved[1:]:
        assert np.corrcoef(moved[0].ravel(), other.ravel())[0, 1] > 0.7


def test_all_frames_share_the_shift_that_the_first_would_have_alone(tmp_path, monkeypatch):
    from repost.stamp import embed, video

    path = make_clip(tmp_path / "a.mp4", size=SIZE, count=8)
    shifts, first = [], []

    def watched(pixels, key=None, *, shift=None, **settings):
        first[:] = first or [pixels]
        shifts.append(shift)
        return embed.stamp(pixels, key, shift=shift, **settings)

    monkeypatch.setattr(video, "stamp", watched)
    stamped_clip(path)
    assert len(shifts) == 8
    assert len(set(shifts)) == 1
    assert np.array_equal(embed.stamp(first[0]), embed.stamp(first[0], shift=shifts[0]))


def test_the_same_clip_is_stamped_to_the_same_bytes(tmp_path):
    path = make_clip(tmp_path / "a.mp4", size=SIZE, count=8)
    _, first = stamped_clip(path, "one.mp4")
    _, second = stamped_clip(path, "two.mp4")
    assert first.read_bytes() == second.read_bytes()


def test_a_stamped_clip_is_refused_unless_another_stamp_is_asked_for(tmp_path):
    _, out = stamped_clip(make_clip(tmp_path / "a.mp4", size=SIZE, count=6))
    with pytest.raises(AlreadyStamped, match="the default key"):
        stamped_clip(out, "again.mp4", StampSettings())
    assert not out.with_name("again.mp4").exists()
    with pytest.raises(AlreadyStamped):
        stamped_clip(out, "again.mp4", StampSettings(key="mine"))
    done, _ = stamped_clip(out, "again.mp4", StampSettings(key="mine", again=True))
    assert done.check.stamped is True


def test_a_long_clip_is_judged_by_frames_from_all_over_it(tmp_path, monkeypatch):
    from repost.stamp import video

    path = make_clip(tmp_path / "a.mp4", size=(160, 160), count=30)
    seen = []
    monkeypatch.setattr(video, "MOST_FRAMES_SCANNED", 4)
    monkeypatch.setattr(video, "luma_of", lambda frame: seen.append(frame.pts * frame.time_base) or luma_of(frame))
    assert scan_video(VideoUpload(path))[1] == 4
    assert [round(float(time) * 25) for time in seen] == [0, 10, 19, 29]


def test_progress_reaches_the_end_and_never_goes_back(tmp_path):
    upload = VideoUpload(make_clip(tmp_path / "a.mp4", size=SIZE, count=10))
    told = []
    stamp_video(upload, plan_stamping(upload), tmp_path / "out.mp4", settings=DEFAULT, on_frame=told.append)
    assert told == sorted(told)
    assert told[-1] == 10


def test_what_cannot_be_used_is_one_clear_error(tmp_path):
    hdr = make_clip(tmp_path / "hdr.mp4", size=SIZE, count=4, colour=(9, 16, 9, 1))
    with pytest.raises(UnsupportedMedia, match="high dynamic range"):
        plan_stamping(VideoUpload(hdr))
    small = make_clip(tmp_path / "small.mp4", size=(96, 64), count=4, fps=Fraction(25))
    with pytest.raises(UnsupportedMedia, match=r"small\.mp4.*96x64"):
        stamped_clip(small, "o.mp4", StampSettings(again=True))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(hdr.read_bytes()[: hdr.stat().st_size // 2])
    for path in (cut, make_sound(tmp_path / "sound.mp4")):
        with pytest.raises(MediaError):
            VideoUpload(path)
    assert not (tmp_path / "o.mp4").exists()


def test_a_stamp_that_is_rounded_to_nothing_is_not_said_to_be_there(tmp_path, monkeypatch):
    from repost.stamp import video

    monkeypatch.setattr(clips, "pictures", lambda count, size: (np.zeros((size[1], size[0], 3), np.uint8),) * count)
    monkeypatch.setattr(video, "stamp", lambda pixels, *_, **__: pixels)
    done, _ = stamped_clip(make_clip(tmp_path / "a.mp4", size=SIZE, count=5))
    assert (done.check.stamped, done.check.p_value) == (False, 1.0)
