"""What a served file says about the rate factor before anything is encoded, and how to encode the upload again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from repost.channel.video.settings import ENCODERS, Crf, EncoderSettings
from repost.media.video.facts import VideoFacts
from repost.media.video.frames import StreamCoding, read_stream_coding
from repost.media.video.headers import H264Headers, read_h264_headers
from repost.media.video.upload import VideoUpload

AMBIGUOUS_QP = 26
"""The initial QP that says little: x264's for an average bitrate, and H.264's own default (pic_init_qp_minus26 0)."""

PROFILES = {
    "libx264": {
        "Baseline": "baseline",
        "Constrained Baseline": "baseline",
        "Main": "main",
        "High": "high",
        "High 10": "high10",
        "High 4:2:2": "high422",
        "High 4:4:4 Predictive": "high444",
    },
    "libx265": {"Main": "main", "Main 10": "main10"},
}
"""Names that encoders give to the profiles that FFmpeg reads from streams. VP9 and AV1 encoders choose theirs."""

HALVING_CRF = 6.0
"""Steps of the rate factor that halve the bitrate: x264 doubles its quantiser every 6, and clips take 5.5 to 7.3."""

_VERYFAST_CRF = 1.5
"""How much more CRF the medium preset needs for the bitrate of veryfast, the one with a single reference frame."""
_FRAMES_CRF, _FRAMES_SPREAD_CRF = 0.7, 2.0
"""CRF less mean QP of the P-frames, and how far that is off."""
_AMBIGUOUS_CRF = 3.0
"""How near to 26 the frames must be for an initial QP of 26 to be taken for a CRF."""
_TYPICAL_CRF, _TYPICAL_BITS_PER_PIXEL, _TYPICAL_SPREAD_CRF = 30, 0.02, 4.0
"""What x264's medium preset needs for a pixel at that CRF, and how far a guess from that is off."""
# These five were found on the tuning half of the clips of benchmarks/video_search.py.


@dataclass(frozen=True, slots=True)
class Start:
    """Where a search begins.

    Attributes:
        crf: The first rate factor; may be a fraction.
        spread_crf: How far it may well be off; 0 where the answer should be this one, rounded down, or the next.
        source: What said so: "headers", the H.264 stream's initial QP, which is the CRF of x264's encodes; "frames",
            the mean QP of the P-frames; "bitrate", the bits for each pixel.
    """

    crf: float
    spread_crf: float
    source: Literal["headers", "frames", "bitrate", "nothing"]


def find_start(served: VideoUpload, *, headers: H264Headers | None = None, coding: StreamCoding | None = None) -> Start:
    """Where a search for the rate factor of a served file should begin.

    Args:
        served: The file.
        headers: Its headers where they were read already.
        coding: How its frames were coded where that was read already; it is read when the headers do not tell.

    Returns:
        The start.

    Raises:
        MediaError: The file is damaged.
    """
    facts = served.facts
    if facts.codec == "h264":
        headers = headers or read_h264_headers(served.path, name=served.name)
        if headers is not None and headers.initial_qp != AMBIGUOUS_QP:
            return Start(headers.initial_qp + (_VERYFAST_CRF if headers.references == 1 else 0.0), 0.0, "headers")
        coding = coding or read_stream_coding(served.path, name=served.name)
        qp = coding.mean_qp("P") or coding.mean_qp()
        if qp is not None:
            likely = qp + _FRAMES_CRF
            near = abs(likely - AMBIGUOUS_QP) <= _AMBIGUOUS_CRF
            return Start(AMBIGUOUS_QP if near else likely, _FRAMES_SPREAD_CRF, "frames")
    bits_per_pixel = facts.bitrate_bps / (facts.width_px * facts.height_px * float(facts.fps))
    doublings = math.log2(bits_per_pixel / _TYPICAL_BITS_PER_PIXEL)
    return Start(_TYPICAL_CRF - HALVING_CRF * doublings, _TYPICAL_SPREAD_CRF, "bitrate")


def reference_settings(facts: VideoFacts) -> EncoderSettings:
    """How the published framework encodes an upload again for a served file: the encoder's defaults, and its profile.

    Args:
        facts: Of the served file.

    Returns:
        Settings whose rate is to be replaced. Standards without an encoder here (MPEG-4 part 2, say) are searched
        with x264.
    """
    encoder = ENCODERS.get(facts.codec, ENCODERS["h264"])
    profile = PROFILES.get(encoder, {}).get(facts.profile or "")
    return EncoderSettings(encoder=encoder, rate=Crf(0), profile=profile, message=True)
