"""Frames on their way from decoder to encoder."""

import numpy as np
import pytest

from repost.channel.video.filters import FrameFilter
from repost.media.video.frames import plane_of
from repost.media.video.open import open_video
from video_clips import write_clip


@pytest.mark.parametrize("colour", [None, 1, 9])
def test_scaling_keeps_the_numbers_of_a_colour_whatever_the_stream_is_tagged_with(tmp_path, colour):
    flat = np.concatenate([np.full(64 * 64, 90), np.full(32 * 32, 100), np.full(32 * 32, 170)]).astype(np.uint8)
    path = write_clip(tmp_path / "flat.mp4", [flat.reshape(96, 64)] * 3, options={"qp": "0"}, colour=colour)
    with open_video(path, name="flat") as (container, stream):
        filtered = list(FrameFilter((32, 48)).apply(container.decode(stream), stream))
    assert len(filtered) == 3
    for frame in filtered:
        assert [np.unique(plane_of(frame, index)).tolist() for index in range(3)] == [[90], [100], [170]]
