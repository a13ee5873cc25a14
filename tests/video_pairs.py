"""Pairs of videos from platforms that are known: an upload, and what a profile of chosen steps makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clips import make_clip
from repost.channel.video.emulate import emulate_video
from repost.estimation.videos.finding import VideoFinding
from repost.estimation.videos.pair import Examination, examine_video_pair
from repost.media.video.upload import VideoUpload
from repost.platforms.catalog import parse_profile
from video_clips import moving_frames, write_clip

CRF_30 = {"mode": "crf", "crf": 30}


def encode(rate: Mapping[str, Any] = CRF_30, **settings: Any) -> dict[str, Any]:
    """An encode step of x264."""
    return {"op": "encode", "codec": "h264", "preset": "veryfast", **settings, "rate": dict(rate)}


def scale(px: int, kernel: str = "bicubic") -> dict[str, Any]:
    """A resize step."""
    return {"op": "resize", "fit": "short_side", "px": px, "kernel": kernel, "multiple_of": 2}


def upload_clip(
    path: Path, *, size: tuple[int, int] = (192, 144), count: int = 40, fps: int = 25, seed: int = 1
) -> Path:
    """A clip as a person uploads it: textured, moving, hardly compressed."""
    return write_clip(path, moving_frames(count, size=size, seed=seed), fps=fps)


def with_sound(path: Path, **settings: Any) -> Path:
    """A clip with a tone."""
    return make_clip(path, audio="aac", options={"crf": "12"}, **settings)


def share(clip: Path, out: Path, *steps: Mapping[str, Any]) -> Path:
    """Do to a clip what a platform of these steps does."""
    profile = parse_profile(
        {
            "platform": "test",
            "observed": "2026",
            "summary": "a test",
            "evidence": [{"kind": "inferred", "source": "this test"}],
            "rules": [{"media": "video", "name": "every video", "steps": list(steps)}],
        },
        source="test",
    )
    return emulate_video(VideoUpload(clip), profile, out, seed=0).path


def examine(clip: Path, served: Path) -> VideoFinding:
    """The finding on a pair, over the rate factors that tests use."""
    how = Examination(crf_min=26, crf_max=34)
    return examine_video_pair(VideoUpload(clip), VideoUpload(served), name=clip.stem, how=how)


def still(count: int, *, size: tuple[int, int] = (96, 64)) -> list[np.ndarray]:
    """One picture over and over, as planar YUV 4:2:0 arrays."""
    return list(moving_frames(1, size=size)) * count
