"""Clips and the files that simulated networks serve for them, made with the ffmpeg program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from repost.media.video.upload import VideoUpload

TUNING = (
    "augly/small_input_1",
    "liveportrait/driving_d10",
    "liveportrait/driving_d11",
    "liveportrait/driving_d18",
    "liveportrait/source_s18",
    "icpr2020dfdc/original_sequences/youtube/c23/videos/519",
    "icpr2020dfdc/manipulated_sequences/Deepfakes/c23/videos/519_515",
    "sam2/demo_data_gallery_02_cups",
    "intel_sample/bottle-detection",
)
"""Clips on which the constants of `estimation.videos` were found; related clips are in the same half."""
JUDGED = (
    "liveportrait/driving_d12",
    "liveportrait/driving_d20",
    "liveportrait/source_s29",
    "sam2/demo_data_gallery_03_blocks",
    "sam2/demo_data_gallery_04_coffee",
    "imageio/cockatoo_yuv420",
    "icpr2020dfdc/original_sequences/youtube/c23/videos/634",
    "icpr2020dfdc/manipulated_sequences/FaceSwap/c23/videos/634_660",
    "icpr2020dfdc/yhffcuhhjy",
)
"""Clips that were never looked at before."""

SHORT_SIDE_PX = 360
CLIP_S = 4


@dataclass(frozen=True, slots=True)
class Platform:
    """A simulated network.

    Attributes:
        name: What it is called in tables.
        options: Of the ffmpeg program's encoder.
        bits_per_pixel_s: Stream bits a second for each pixel of a frame, where it aims at an average bitrate.
        passes: Of the encoder.
    """

    name: str
    options: tuple[str, ...]
    bits_per_pixel_s: float | None = None
    passes: int = 1


def _x264(*options: str) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-profile:v", "high", *options)


PLATFORMS = (
    Platform("x264 fast CRF 28", _x264("-preset", "fast", "-crf", "28")),
    Platform("x264 slow CRF 24", _x264("-preset", "slow", "-crf", "24")),
    Platform("x264 veryfast CRF 31", _x264("-preset", "veryfast", "-crf", "31", "-g", "60", "-sc_threshold", "0")),
    Platform("x264 medium ABR", _x264("-preset", "medium"), 1.0),
    Platform("x264 veryfast 2-pass", _x264("-preset", "veryfast", "-g", "60"), 1.35, passes=2),
)
OTHER_ENCODERS = {"libopenh264": "OpenH264", "mpeg4": "MPEG-4 part 2"}
"""Encoders that are not x264, the first that the ffmpeg program has being taken."""


def platforms() -> tuple[Platform, ...]:
    """All simulated networks."""
    listed = _run("ffmpeg", "-hide_banner", "-encoders")
    encoder = next(name for name in OTHER_ENCODERS if f" {name} " in listed)
    return (*PLATFORMS, Platform(OTHER_ENCODERS[encoder], ("-c:v", encoder, "-g", "60"), 1.35))


def trim(source: Path, folder: Path) -> VideoUpload:
    """The first seconds of a clip, its packets copied and not encoded again."""
    out = folder / f"{source.stem}.mp4"
    _run("ffmpeg", "-v", "error", "-y", "-i", source, "-t", CLIP_S, "-map", "0:v:0", "-c", "copy", out)
    return VideoUpload(out, name=source.stem)


def served_size(upload: VideoUpload) -> tuple[int, int]:
    """The size networks give it here: the short side at 360 px, both even."""
    facts = upload.facts
    scale = SHORT_SIDE_PX / min(facts.width_px, facts.height_px)
    return 2 * round(facts.width_px * scale / 2), 2 * round(facts.height_px * scale / 2)


def serve(upload: VideoUpload, platform: Platform, folder: Path) -> VideoUpload:
    """What a simulated network serves for a clip."""
    width, height = served_size(upload)
    out = folder / f"{upload.name} {platform.name.replace(' ', '_')}.mp4"
    rate: tuple[object, ...] = ()
    if platform.bits_per_pixel_s is not None:
        rate = ("-b:v", int(platform.bits_per_pixel_s * width * height))
    for number in range(1, platform.passes + 1):
        passes = ("-pass", number, "-passlogfile", folder / "log") if platform.passes > 1 else ()
        _run(
            *("ffmpeg", "-v", "error", "-y", "-i", upload.path, "-filter_complex", f"scale={width}:{height}"),
            *(*platform.options, *rate, *passes, "-pix_fmt", "yuv420p", "-threads", 1, "-an", out),
        )
    return VideoUpload(out, name=out.stem)


def program_scan(upload: VideoUpload, *, bitrate_bps: int, crf_min: int, crf_max: int, out: Path) -> int:
    """The linear scan of the published framework, by the ffmpeg and ffprobe programs."""
    width, height = served_size(upload)
    for crf in range(crf_min, crf_max + 1):
        _run(
            *("ffmpeg", "-v", "error", "-y", "-i", upload.path, "-filter_complex", f"scale={width}:{height}"),
            *("-vcodec", "libx264", "-crf", crf, "-profile:v", "high", "-pix_fmt", "yuv420p"),
            *("-threads", 1, "-an", out),
        )
        probe = ("-v", "error", "-select_streams", "v", "-show_entries", "stream=bit_rate", "-of", "csv=p=0")
        if int(_run("ffprobe", *probe, out)) < bitrate_bps:
            return crf
    return crf_max


def _run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
