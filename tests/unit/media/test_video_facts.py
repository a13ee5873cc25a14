"""What video files say of themselves: ordinary ones, strange ones, damaged ones, and ones that mean harm."""

import json
import os
import shutil
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from clips import make_clip, make_sound
from repost.core.errors import (
    InputNotFound,
    MediaError,
    NotMedia,
    RepostError,
    TooManyPixels,
    UnreadableMedia,
    UnsupportedMedia,
)
from repost.media.video.facts import read_video_facts
from repost.media.video.frames import decode_frames, read_stream_coding
from repost.media.video.headers import read_h264_headers
from repost.media.video.open import open_video

needs_ffmpeg = pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="no ffmpeg program")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "plain.mp4", audio="aac")


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Path:
    """A clip with its index before its frames."""
    path = tmp_path_factory.mktemp("clips") / "front.mp4"
    return make_clip(path, container_options={"movflags": "faststart"})


def test_an_ordinary_clip(clip):
    found = read_video_facts(clip)
    assert (found.format, found.codec, found.profile, found.level) == ("mp4", "h264", "High", 10)
    assert (found.width_px, found.height_px, found.rotation_deg, found.stored_size) == (96, 64, 0, (96, 64))
    assert (found.fps, found.frame_count, found.duration_s) == (25, 24, 0.96)
    assert (found.pixel_format, found.bit_depth, found.colour.hdr) == ("yuv420p", 8, False)
    assert (found.variable_frame_rate, found.bitrate_from) == (False, "header")
    assert (found.audio.codec, found.audio.sample_rate_hz, found.audio.channels) == ("aac", 48000, 2)
    assert found.size_bytes == clip.stat().st_size


def test_the_bitrate_of_the_header_is_that_of_the_packets(clip):
    with av.open(str(clip)) as container:
        bits = 8 * sum(packet.size for packet in container.demux(video=0))
    assert read_video_facts(clip).bitrate_bps == pytest.approx(bits / 0.96, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "settings", "format_", "codec"),
    [
        ("a.mkv", {}, "mkv", "h264"),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}, "webm", "vp9"),
        ("a.avi", {"codec": "mpeg4"}, "avi", "mpeg4"),
        ("b.avi", {}, "avi", "h264"),
        ("a.h264", {}, "h264", "h264"),
    ],
)
def test_without_a_bitrate_in_the_header_it_is_packets_over_duration(tmp_path, name, settings, format_, codec):
    found = read_video_facts(make_clip(tmp_path / name, **settings))
    assert (found.format, found.codec, found.bitrate_from) == (format_, codec, "packets")
    assert (found.frame_count, found.fps, found.variable_frame_rate) == (24, 25, False)
    assert found.duration_s == pytest.approx(0.96, abs=0.002)
    with av.open(str(tmp_path / name)) as container:
        bits = 8 * sum(packet.size for packet in container.demux(video=0))
    assert found.bitrate_bps == pytest.approx(bits / 0.96, rel=0.003)


def test_a_mov_is_told_from_an_mp4_by_its_brand(tmp_path):
    make_clip(tmp_path / "a.mov").rename(tmp_path / "a.mp4")
    assert read_video_facts(tmp_path / "a.mp4").format == "mov"


@pytest.mark.parametrize("extension", ["avi", "jpg", "txt", "m3u8"])
def test_the_content_decides_and_not_the_name(clip, tmp_path, extension):
    shutil.copy(clip, tmp_path / f"a.{extension}")
    assert read_video_facts(tmp_path / f"a.{extension}").format == "mp4"


@pytest.mark.parametrize("counterclockwise", [90, 180, 270])
def test_rotation_is_clockwise_and_the_size_upright(tmp_path, counterclockwise):
    found = read_video_facts(make_clip(tmp_path / "a.mp4", count=3, rotation_deg=counterclockwise))
    assert found.rotation_deg == 360 - counterclockwise
    assert found.stored_size == (96, 64)
    assert (found.width_px, found.height_px) == ((96, 64) if counterclockwise == 180 else (64, 96))
    assert found.rotated


def test_a_rotation_that_is_no_quarter_turn_goes_to_the_nearest(tmp_path):
    assert read_video_facts(make_clip(tmp_path / "a.mp4", count=3, rotation_deg=-80)).rotation_deg == 90
    assert read_video_facts(make_clip(tmp_path / "b.mp4", count=3, rotation_deg=30)).rotation_deg == 0


@pytest.mark.slow
@needs_ffmpeg
@pytest.mark.parametrize("counterclockwise", [0, 90, 180, 270])
def test_ffmpeg_turns_the_same_way(tmp_path, counterclockwise):
    path = make_clip(tmp_path / "a.mp4", count=2, rotation_deg=counterclockwise)
    subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", tmp_path / "a.png"], check=True)
    frame = next(decode_frames(path)).to_image()
    found = read_video_facts(path)
    upright = frame.rotate(-found.rotation_deg, expand=True)
    with Image.open(tmp_path / "a.png") as true:
        assert true.size == upright.size == (found.width_px, found.height_px)
        # Chroma is turned before it is interpolated there and after it here, so that colours differ a little.
        pairs = zip(true.convert("L").tobytes(), upright.convert("L").tobytes(), strict=True)
        assert sum(abs(a - b) for a, b in pairs) / (96 * 64) < 3


@pytest.mark.slow
@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.mov"])
def test_ffprobe_says_the_same(tmp_path, name):
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    found = read_video_facts(make_clip(tmp_path / name, codec=codec, fps=Fraction(30000, 1001), count=20))
    asked = "stream=codec_name,profile,width,height,pix_fmt,r_frame_rate,nb_read_packets"
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0", "-show_entries", asked, "-of", "json",
         tmp_path / name], check=True, capture_output=True)  # fmt: skip
    true = json.loads(done.stdout)["streams"][0]
    assert (found.codec, found.pixel_format) == (true["codec_name"], true["pix_fmt"])
    assert found.profile.removeprefix("Profile ") == true["profile"].removeprefix("Profile ")
    assert found.stored_size == (true["width"], true["height"])
    assert float(found.fps) == pytest.approx(float(Fraction(true["r_frame_rate"])), rel=1e-3)
    assert found.frame_count == int(true["nb_read_packets"])


def test_odd_sizes(tmp_path):
    found = read_video_facts(make_clip(tmp_path / "a.mp4", size=(97, 65), pixel_format="yuv444p", count=3))
    assert (found.width_px, found.height_px, found.pixel_format) == (97, 65, "yuv444p")
    assert found.profile == "High 4:4:4 Predictive"


def test_frames_that_last_differently_long(tmp_path):
    times = [0, 40, 80, 200, 240, 280, 281, 320]
    found = read_video_facts(make_clip(tmp_path / "a.mp4", count=8, times=times, tick=Fraction(1, 1000)))
    assert found.variable_frame_rate
    assert found.frame_count == 8
    assert found.duration_s == pytest.approx(0.36, abs=0.05)


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(24000, 1001), 60])
def test_rounded_timestamps_are_no_variable_rate(tmp_path, fps):
    found = read_video_facts(make_clip(tmp_path / "a.mkv", count=40, fps=fps))  # Matroska counts in milliseconds
    assert not found.variable_frame_rate
    assert float(found.fps) == pytest.approx(float(fps), rel=2e-3)


def test_high_dynamic_range_is_told_by_its_tags(tmp_path):
    found = read_video_facts(make_clip(tmp_path / "a.mp4", pixel_format="yuv420p10le", colour=(9, 16, 9, 1), count=3))
    assert (found.bit_depth, found.profile) == (10, "High 10")
    assert (found.colour.primaries, found.colour.transfer, found.colour.matrix) == (9, 16, 9)
    assert found.colour.hdr
    assert not found.colour.full_range


def test_one_frame_is_a_video(tmp_path):
    found = read_video_facts(make_clip(tmp_path / "a.mp4", count=1))
    assert (found.frame_count, found.duration_s, found.fps) == (1, 0.04, 25)


def test_the_first_of_two_picture_streams_counts(tmp_path):
    found = read_video_facts(make_clip(tmp_path / "a.mp4", streams=2))
    assert found.frame_count == 24


def with_cover(path: Path, *, picture: bool) -> Path:
    """A sound, a cover picture before everything else, and perhaps a clip."""
    cover = make_clip(path.with_name("cover.avi"), codec="mjpeg", pixel_format="yuvj420p", count=1)
    source = make_clip(path.with_name("source.mp4"), count=5) if picture else make_sound(path.with_name("s.mp4"))
    with av.open(str(cover)) as covers, av.open(str(source)) as clips, av.open(str(path), "w") as out:
        pairs = [(covers, covers.streams[0]), (clips, clips.streams[0])]
        targets = [out.add_stream_from_template(stream) for _, stream in pairs]
        targets[0].disposition = av.stream.Disposition.attached_pic
        for (container, stream), target in zip(pairs, targets, strict=True):
            for packet in container.demux(stream):
                if packet.size:
                    packet.stream = target
                    out.mux(packet)
    return path


def test_a_cover_picture_is_not_the_video(tmp_path):
    found = read_video_facts(with_cover(tmp_path / "a.mp4", picture=True))
    assert (found.codec, found.frame_count) == ("h264", 5)


def test_a_song_with_a_cover_is_no_video(tmp_path):
    with pytest.raises(UnsupportedMedia, match="audio, video only"):
        read_video_facts(with_cover(tmp_path / "a.mp4", picture=False))


def test_sound_alone_is_no_video(tmp_path):
    with pytest.raises(UnsupportedMedia, match="a file with audio only"):
        read_video_facts(make_sound(tmp_path / "a.mp4"))


def test_an_edit_list_moves_the_start(tmp_path):
    """B-frames make FFmpeg write one; times begin at 0 all the same, and no frame is lost."""
    path = make_clip(tmp_path / "a.mp4", options={"bf": "3"})
    assert b"elst" in path.read_bytes()
    found = read_video_facts(path)
    assert (found.start_s, found.frame_count) == (0, 24)
    late = make_clip(tmp_path / "b.mp4", times=[100 + index for index in range(24)])
    assert read_video_facts(late).frame_count == len(list(decode_frames(late))) == 24


def test_frames_that_an_edit_list_hides_are_not_counted(tmp_path):
    """As where a phone trims without encoding again: the first frames are needed to decode, but never shown."""
    path = make_clip(
        tmp_path / "a.mp4", options={"bf": "0"}, container_options={"use_editlist": "1"}, times=range(5, 29)
    )
    data = bytearray(path.read_bytes())
    at = data.rindex(b"elst") + 8
    entries = int.from_bytes(data[at : at + 4], "big")
    last = at + 4 + 12 * (entries - 1) + 4
    start = int.from_bytes(data[last : last + 4], "big")
    data[last : last + 4] = (start + 10 * 512).to_bytes(4, "big")
    path.write_bytes(data)
    shown = list(decode_frames(path))
    assert len(shown) < 24
    found = read_video_facts(path)
    assert found.frame_count == len(shown) == len(read_stream_coding(path).kinds)
    assert not found.variable_frame_rate


def test_a_codec_that_is_not_known(clip, tmp_path):
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    with pytest.raises(UnsupportedMedia, match="unknown video codec"):
        read_video_facts(tmp_path / "a.mp4")


def test_a_sound_codec_that_is_not_known(clip, tmp_path):
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    assert read_video_facts(tmp_path / "a.mp4").audio.codec == "unknown"


def test_tags_that_are_not_utf8(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=3, metadata={"title": "abcdefgh"})
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"caf\xe9 \xff\xfe!"))
    assert read_video_facts(path).frame_count == 3


# Damage


@pytest.mark.parametrize("read", [read_video_facts, read_stream_coding, read_h264_headers])
def test_an_empty_file(tmp_path, read):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UnreadableMedia, match="empty"):
        read(tmp_path / "a.mp4")


def test_a_cut_that_takes_the_index(clip, tmp_path):
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes()[:-3000])
    with pytest.raises(UnreadableMedia):
        read_video_facts(tmp_path / "a.mp4")


def test_a_cut_in_the_middle_of_the_frames_is_found_wherever_it_is(front, tmp_path):
    data = front.read_bytes()
    with av.open(str(front)) as container:
        frames = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for at in (frames[12][0], frames[12][0] + 3, frames[12][0] + frames[12][1] - 1, len(data) - 1):
        (tmp_path / "a.mp4").write_bytes(data[:at])
        with pytest.raises(UnreadableMedia):
            read_video_facts(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_bytes(data + b"rest")
    assert read_video_facts(tmp_path / "a.mp4").frame_count == 24


def test_no_frames(tmp_path):
    path = make_clip(tmp_path / "a.mp4", count=3, container_options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: data.index(b"moof") - 4])
    with pytest.raises(UnreadableMedia):
        read_video_facts(tmp_path / "b.mp4")


def test_an_image_is_no_video(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.mp4", "PNG")
    with pytest.raises(UnsupportedMedia, match="a png image"):
        read_video_facts(tmp_path / "a.mp4")


def test_no_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(InputNotFound):
            read_video_facts(path)


# Harm


def test_frames_beyond_the_limit_are_refused_before_they_are_decoded(clip):
    with pytest.raises(TooManyPixels) as caught:
        read_video_facts(clip, max_pixels=96 * 64 - 1)
    assert caught.value.pixel_count == 96 * 64
    assert read_video_facts(clip, max_pixels=96 * 64).frame_count == 24
    with pytest.raises(TooManyPixels):
        read_stream_coding(clip, max_pixels=100)


def test_the_limit_of_the_environment_holds_for_frames_too(clip, monkeypatch):
    monkeypatch.setenv("REPOST_MAX_PIXELS", "1000")
    for read in (read_video_facts, read_stream_coding, read_h264_headers, lambda path: list(decode_frames(path))):
        with pytest.raises(TooManyPixels):
            read(clip)


def test_frames_that_grow_later_are_stopped_by_the_decoder(tmp_path):
    small = make_clip(tmp_path / "small.h264", count=3).read_bytes()
    large = make_clip(tmp_path / "large.h264", count=3, size=(256, 192)).read_bytes()
    (tmp_path / "both.h264").write_bytes(small + large)
    assert {frame.width for frame in decode_frames(tmp_path / "both.h264")} == {96, 256}
    with pytest.raises(MediaError), open_video(tmp_path / "both.h264", name="x", max_pixels=10_000) as (container, _):
        for frame in container.decode(video=0):
            assert frame.width == 96


def exp_golomb(number: int) -> str:
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits


def with_size(stream: bytes, blocks: int) -> bytes:
    """A raw Baseline stream whose parameter set claims another size: that many macroblocks wide and high."""
    bits = f"{66:08b}{0xC0:08b}{62:08b}" + "".join(map(exp_golomb, (0, 0, 0, 0, 1))) + "0"
    bits += 2 * exp_golomb(blocks - 1) + "11001"
    bits += "0" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\0\0\0", b"\0\0\3\0").replace(b"\0\0\1", b"\0\0\3\1")
    units = stream.split(b"\0\0\1")[1:]
    return b"\0\0\0\1\x67" + raw + b"".join(b"\0\0\0\1" + unit.rstrip(b"\0") for unit in units if unit[0] & 31 != 7)


def test_a_bomb_is_refused_without_being_unpacked(tmp_path):
    sound = make_clip(tmp_path / "a.h264", size=(64, 64), count=2, options={"profile": "baseline"}).read_bytes()
    (tmp_path / "b.h264").write_bytes(with_size(sound, 4))
    assert read_video_facts(tmp_path / "b.h264").width_px == 64  # the control: this is how sizes are changed
    (tmp_path / "c.h264").write_bytes(with_size(sound, 1000))
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from repost.core.errors import MediaError\n"
        "from repost.media.video.frames import read_stream_coding as read\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read(Path(sys.argv[1]))\n"
        "except MediaError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "c.h264"], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000  # KiB; one frame of it would take 375,000


PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nplain.mp4\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile plain.mp4\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": "<?xml version='1.0'?><MPD><Period><BaseURL>plain.mp4</BaseURL></Period></MPD>",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_are_not_media_whatever_they_are_called(clip, tmp_path, kind):
    shutil.copy(clip, tmp_path / "plain.mp4")
    (tmp_path / "a.mp4").write_text(PLAYLISTS[kind])
    with pytest.raises(NotMedia):
        read_video_facts(tmp_path / "a.mp4")


def test_a_playlist_behind_a_magic_is_not_followed(clip, tmp_path):
    """What the bytes begin with chooses the demuxer, and no demuxer that reads other files is ever chosen."""
    shutil.copy(clip, tmp_path / "plain.mp4")
    starts = (b"\0\0\0\x0cftypisom", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI ", b"\0\0\0\1\x67")
    for start in starts:
        for text in PLAYLISTS.values():
            (tmp_path / "a.mp4").write_bytes(start + b"\n" + text.encode())
            with pytest.raises(MediaError):
                read_video_facts(tmp_path / "a.mp4")


NAMES = ["-i.mp4", "pipe:0", "concat:other.mp4|other.mp4", "subfile,,start,0,end,0,,:other.mp4", "http:a.mp4",
         "a\nb.mp4", "file:other.mp4", "data:video,x", "crypto:other.mp4", " .mp4", "%d.mp4", "ä?#.mp4"]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be made there")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(clip, tmp_path, monkeypatch, name):
    """FFmpeg takes some names for protocols: a file so called must be read itself, and nothing else."""
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "other.mp4", count=3)
    shutil.copy(clip, tmp_path / name)
    assert read_video_facts(Path(name)).frame_count == 24
    assert len(read_stream_coding(Path(name)).kinds) == 24


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be made there")
def test_a_name_that_is_not_utf8(clip, tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xfe.mp4")
    shutil.copy(clip, path)
    assert read_video_facts(path).frame_count == 24


def with_alias(data: bytes, target: str) -> bytes:
    """A QuickTime file whose index says that its frames are in another file beside it.

    The index stands at the end, so that it can grow without moving anything: only the sizes of the boxes around it do.
    """
    name = target.encode()
    volume = bytes([3]) + b"vol".ljust(27, b"\0")
    alias = b"\0" * 10 + volume + b"\0" * 12 + bytes([len(name)]) + name.ljust(63, b"\0") + b"\0" * 16
    alias += b"\0\1\0\1" + b"\0" * 16  # levels up and down: the same folder
    full = b"folder:" + name
    alias += b"\0\2" + len(full).to_bytes(2, "big") + full + b"\0" * (len(full) % 2)
    alias += b"\xff\xff\0\0"
    entry = (12 + len(alias)).to_bytes(4, "big") + b"alis" + b"\0\0\0\0" + alias
    at = data.index(b"dref") + 12
    old = int.from_bytes(data[at : at + 4], "big")
    changed = bytearray(data[:at] + entry + data[at + old :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = data.rindex(box, 0, at) - 4
        size = int.from_bytes(changed[start : start + 4], "big") + len(entry) - old
        changed[start : start + 4] = size.to_bytes(4, "big")
    return bytes(changed)


def test_references_to_other_files_are_not_followed(tmp_path):
    """The control shows that FFmpeg would follow this one, were it asked to."""
    own, other = (
        make_clip(tmp_path / "own.mov", count=4),
        make_clip(tmp_path / "other.mov", count=4, options={"crf": "50"}),
    )
    (tmp_path / "alias.mov").write_bytes(with_alias(own.read_bytes(), "other.mov"))

    def first_packet(path, **options):
        with av.open(str(path), format="mov", options=options) as container:
            return bytes(next(container.demux(video=0)))

    followed = first_packet(tmp_path / "alias.mov", enable_drefs="1")
    assert followed != first_packet(own)
    assert followed[:40] == other.read_bytes()[own.read_bytes().index(first_packet(own)[:40]) :][:40]
    assert read_video_facts(other).frame_count == 4
    with pytest.raises(UnreadableMedia, match="no frame"):
        read_video_facts(tmp_path / "alias.mov")


def test_many_threads_read_at_once(clip):
    found, failed = [], []

    def read():
        try:
            found.append((read_video_facts(clip), read_h264_headers(clip), read_stream_coding(clip).kinds))
        except RepostError as error:
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert len(found) == 8
    assert all(one == found[0] for one in found)


def test_a_limit_beyond_what_ffmpeg_knows_is_no_limit(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", count=3)
    assert read_video_facts(clip, max_pixels=2**40).frame_count == 3
