"""Simulated video platforms, made with the ffmpeg program, whose settings are known: what estimates are judged by."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repost.media.video.facts import VideoFacts, read_video_facts

ORIGINAL_S = 4.5
"""How long an original is: long enough for two keyframes two seconds apart, short enough for ten platforms."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform that is known.

    Attributes:
        name: In a word.
        short_side_px: Short sides above it are scaled to it; by rendition, the first whose limit on the upload's short
            side holds.
        kernel: Of the scaling.
        video: The ffmpeg program's options of the encoder, CRF included.
        bits_per_pixel_s: Of an average bitrate, or None; peak and buffer follow from `vbv`.
        vbv: Peak and buffer over the average bitrate.
        passes: Of an average bitrate.
        gop_s: A fixed group of pictures.
        fps_cap: Frame rates above it are lowered to it.
        audio: Options of the sound.
        strip: Whether the encoder's message is removed.
        by_input: (least short side of the upload, short side, options) of further renditions, tried in order.
        true: Settings to be found, by the field of the learned profile's encode step.
        crf: Whether exact likeness is asked.
        searched_with: The encoder that `repost estimate videos` is told to search rate factors with.
        other_program: Whether an encoder is needed that Debian's program has not.
    """

    name: str
    short_side_px: int
    kernel: str = "bicubic"
    video: Sequence[str]
    bits_per_pixel_s: float | None = None
    vbv: tuple[float, float] | None = None
    passes: int = 1
    gop_s: float | None = None
    fps_cap: int | None = None
    audio: Sequence[str] = ("-an",)
    strip: bool = True
    by_input: Sequence[tuple[int, int, Sequence[str]]] = ()
    true: Mapping[str, object] = field(default_factory=dict)
    crf: bool = True
    searched_with: str = "libx264"
    other_program: bool = False


def _x264(*options: str, preset: str, profile: str) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", preset, "-profile:v", profile, *options)


PLATFORMS = (
    Platform(
        name="abr2-vbv",
        short_side_px=480,
        video=_x264("-level", "4.0", preset="veryfast", profile="high"),
        bits_per_pixel_s=1.35,
        vbv=(1.5, 2.0),
        passes=2,
        gop_s=2.0,
        crf=False,
        true={
            "preset": "veryfast", "profile": "high", "level": "4.0", "kernel": "bicubic", "px": 480, "passes": 2,
            "bits_per_pixel_s": 1.35, "vbv_max_ratio": 1.5, "gop_s": 2.0, "scene_cut": False, "b_frames": 3,
        },
    ),
    Platform(
        name="crf28-fast",
        short_side_px=540,
        kernel="lanczos",
        video=_x264("-crf", "28", "-bf", "2", "-refs", "2", preset="fast", profile="main"),
        true={
            "crf": 28, "preset": "fast", "profile": "main", "kernel": "lanczos", "px": 540, "b_frames": 2,
            "references": 2,
        },
    ),
    Platform(
        name="crf26-medium",
        short_side_px=360,
        kernel="lanczos",
        video=_x264("-crf", "26", "-g", "48", preset="medium", profile="high"),
        true={"crf": 26, "preset": "medium", "profile": "high", "kernel": "lanczos", "px": 360, "gop_frames": 48,
              "b_frames": 3, "references": 3},
    ),
    Platform(
        name="crf23-slow-sei",
        short_side_px=480,
        kernel="spline",
        video=_x264("-crf", "23", preset="slow", profile="high"),
        strip=False,
        true={"crf": 23, "preset": "slow", "profile": "high", "kernel": "spline", "px": 480, "b_frames": 3},
    ),
    Platform(
        name="crf30-faster-25fps",
        short_side_px=480,
        kernel="bilinear",
        video=_x264("-crf", "30", "-threads", "2", preset="faster", profile="main"),
        fps_cap=25,
        audio=("-c:a", "aac", "-b:a", "96k"),
        true={"crf": 30, "preset": "faster", "profile": "main", "kernel": "bilinear", "px": 480, "fps": 25.0,
              "b_frames": 3, "references": 2, "threads": 2, "action": "encode", "bitrate_bps": 96000},
    ),
    Platform(
        name="abr1-medium",
        short_side_px=480,
        video=_x264("-threads", "1", preset="medium", profile="main"),
        bits_per_pixel_s=1.1,
        crf=False,
        audio=("-c:a", "copy"),
        true={"preset": "medium", "profile": "main", "kernel": "bicubic", "px": 480, "passes": 1,
              "bits_per_pixel_s": 1.1, "threads": 1, "action": "copy"},
    ),
    Platform(
        name="crf-two-renditions",
        short_side_px=360,
        video=_x264("-crf", "24", preset="medium", profile="high"),
        by_input=((700, 480, _x264("-crf", "27", preset="veryfast", profile="high")),),
        true={"crf": 27, "preset": "veryfast", "profile": "high", "kernel": "bicubic", "px": 480, "b_frames": 3},
    ),
    Platform(
        name="hevc-crf28",
        short_side_px=480,
        kernel="lanczos",
        video=("-c:v", "libx265", "-preset", "fast", "-crf", "28", "-tag:v", "hvc1", "-x265-params", "log-level=error"),
        crf=False,
        searched_with="libx265",
        true={"crf": 28.0, "codec": "hevc", "preset": "fast", "kernel": "lanczos", "px": 480},
    ),
    Platform(
        name="openh264",
        short_side_px=480,
        video=("-c:v", "libopenh264", "-g", "60"),
        bits_per_pixel_s=1.6,
        crf=False,
        other_program=True,
        true={"kernel": "bicubic", "px": 480, "b_frames": 0},
    ),
)  # fmt: skip


FRESH_PLATFORMS = (
    Platform(
        name="crf27-slow-360p",
        short_side_px=360,
        kernel="bilinear",
        video=_x264("-crf", "27", preset="slow", profile="high"),
        true={"crf": 27, "preset": "slow", "profile": "high", "kernel": "bilinear", "px": 360, "b_frames": 3},
    ),
    Platform(
        name="crf25-fast-bf1-480p",
        short_side_px=480,
        video=_x264("-crf", "25", "-bf", "1", "-threads", "2", preset="fast", profile="main"),
        audio=("-c:a", "copy"),
        true={"crf": 25, "preset": "fast", "profile": "main", "kernel": "bicubic", "px": 480, "b_frames": 1,
              "threads": 2, "action": "copy"},
    ),
    Platform(
        name="crf29-veryfast-gop2s-540p",
        short_side_px=540,
        kernel="lanczos",
        video=_x264("-crf", "29", preset="veryfast", profile="main"),
        gop_s=2.0,
        true={"crf": 29, "preset": "veryfast", "profile": "main", "kernel": "lanczos", "px": 540, "gop_s": 2.0,
              "scene_cut": False, "b_frames": 3},
    ),
    Platform(
        name="abr2-vbv-faster-360p",
        short_side_px=360,
        video=_x264(preset="faster", profile="main"),
        bits_per_pixel_s=2.0,
        vbv=(1.3, 1.5),
        passes=2,
        crf=False,
        true={"preset": "faster", "profile": "main", "kernel": "bicubic", "px": 360, "passes": 2,
              "bits_per_pixel_s": 2.0, "vbv_max_ratio": 1.3},
    ),
    Platform(
        name="crf-two-renditions-540p",
        short_side_px=360,
        kernel="spline",
        video=_x264("-crf", "28", preset="medium", profile="main"),
        by_input=((700, 540, _x264("-crf", "24", preset="faster", profile="high")),),
        true={"crf": 24, "preset": "faster", "profile": "high", "kernel": "spline", "px": 540, "b_frames": 3},
    ),
    Platform(
        name="crf21-medium-720p",
        short_side_px=720,
        video=_x264("-crf", "21", "-threads", "1", preset="medium", profile="high"),
        true={"crf": 21, "preset": "medium", "profile": "high", "b_frames": 3, "references": 3},
    ),
)  # fmt: skip
"""Others, made up before anything was learned from them; the last keeps all sides up to 720 px as they come."""


def make_original(source: Path, out: Path, *, seconds: float = ORIGINAL_S) -> Path:
    """The beginning of a clip, encoded once more at a CRF where little is lost, its sound copied."""
    out.parent.mkdir(parents=True, exist_ok=True)
    options = ["-t", str(seconds), "-c:v", "libx264", "-crf", "10", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    _run(["ffmpeg", "-i", str(source), *options, "-c:a", "copy", str(out)])
    return out


def share(platform: Platform, original: Path, out: Path, *, other_program: str = "ffmpeg") -> Path:
    """Do to a video what a platform does."""
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = read_video_facts(original)
    short, options = _rendition(platform, facts)
    size = _scaled(facts, short)
    program = other_program if platform.other_program else "ffmpeg"
    fps = float(facts.fps)
    filters = []
    if platform.fps_cap and fps > platform.fps_cap:
        filters, fps = [f"fps={platform.fps_cap}"], platform.fps_cap
    filters.append(f"scale={size[0]}:{size[1]}:flags={platform.kernel}")
    options = [*options, *_rate(platform, size)]
    if platform.gop_s:
        group = str(round(platform.gop_s * fps))
        options += ["-g", group, "-keyint_min", group, "-sc_threshold", "0"]
    command = [program, "-i", str(original), "-vf", ",".join(filters), "-pix_fmt", "yuv420p", *options]
    if platform.passes == 2:
        stats = ["-passlogfile", str(out.with_suffix(""))]
        _run([*command, *stats, "-pass", "1", "-an", "-f", "null", "-"])
        command += [*stats, "-pass", "2"]
    strip = ["-bsf:v", f"filter_units=remove_types={_sei(options)}"] if platform.strip else []
    _run([*command, *strip, *platform.audio, "-map_metadata", "-1", str(out)])
    return out


def _rendition(platform: Platform, facts: VideoFacts) -> tuple[int, Sequence[str]]:
    side = min(facts.width_px, facts.height_px)
    for least, short, options in platform.by_input:
        if side >= least:
            return short, options
    return platform.short_side_px, platform.video


def _scaled(facts: VideoFacts, short_px: int) -> tuple[int, int]:
    width, height = facts.width_px, facts.height_px
    ratio = min(1.0, short_px / min(width, height))
    return 2 * round(width * ratio / 2), 2 * round(height * ratio / 2)


def _rate(platform: Platform, size: tuple[int, int]) -> list[str]:
    if platform.bits_per_pixel_s is None:
        return []
    bitrate_bps = round(platform.bits_per_pixel_s * size[0] * size[1])
    if platform.vbv is None:
        return ["-b:v", str(bitrate_bps)]
    peak, buffer = (str(round(ratio * bitrate_bps)) for ratio in platform.vbv)
    return ["-b:v", str(bitrate_bps), "-maxrate", peak, "-bufsize", buffer]


def _sei(options: Sequence[str]) -> str:
    return "39|40" if "libx265" in options else "6"


def _run(command: Sequence[str]) -> None:
    subprocess.run([command[0], "-nostdin", "-v", "error", "-y", *command[1:]], check=True)
