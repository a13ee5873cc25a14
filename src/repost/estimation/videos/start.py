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
_VERYFAST_SPREAD_CRF = 1.0
"""How far that is off. With more references the CRF and the next one decide all 18 of 18."""
_TYPICAL_CRF, _TYPICAL_BITS_PER_PIXEL, _TYPICAL_SPREAD_CRF = 30, 0.02, 4.0
"""What x264's medium preset needs for a pixel at that CRF, and how far a guess from that is off."""
_FRAMES_SHARE, _FRAMES_CRF, _FRAMES_SPREAD_CRF = 2 / 3, 0.9, 2.0
"""How much the mean QP of the P-frames counts beside the guess from the bitrate, what is added to both, and how far
the result is off: 1.2 (root mean square), where the QP alone is off by 2.6: the less moves, the lower is the QP for
the CRF, and the fewer bits there are."""
_DOUBTED_CRF = 3.0
"""How far headers may be above or below both that and the QP to be believed. The second of two passes at an average
bitrate leaves an initial QP in them that is 1-7 above the answer."""
_AMBIGUOUS_CRF = 2.0
"""How near to 26 the frames must point for an initial QP of 26 to be taken for a CRF."""
_FIRST_FRAMES = 50
"""Frames that are read to see whether headers may be believed. If not, all are read."""
# All of these were found on the tuning half of the clips of benchmarks/video_search.py.


@dataclass(frozen=True, slots=True)
class Start:
    """Where a search begins.

    Attributes:
        crf: The first rate factor; may be a fraction.
        spread_crf: How far it may well be off; 0 where the answer should be this one, rounded down, or the next.
        source: What said so: "headers", the H.264 stream's initial QP, which is the CRF of x264's encodes; "frames",
            the mean QP of the P-frames and the bits for each pixel; "bitrate", the latter alone.
    """

    crf: float
    spread_crf: float
    source: Literal["headers", "frames", "bitrate", "nothing"]


def find_start(served: VideoUpload, *, headers: H264Headers | None = None, coding: StreamCoding | None = None) -> Start:
    """Where a search for the rate factor of a served file should begin.

    Args:
        served: The file.
        headers: Its headers where they were read already.
        coding: How its frames were coded where that was read already; else the first are read to check the headers,
            and all where those do not tell or are doubted.

    Returns:
        The start.

    Raises:
        MediaError: The file is damaged.
    """
    by_bitrate = _by_bitrate(served.facts)
    if served.facts.codec == "h264":
        headers = headers or read_h264_headers(served.path, name=served.name, max_pixels=served.max_pixels)
        if told := _told(headers):
            first = coding or read_stream_coding(
                served.path, name=served.name, most_frames=_FIRST_FRAMES, max_pixels=served.max_pixels
            )
            if _agree(told, _frames_qp(first), by_bitrate):
                return told
        coding = coding or read_stream_coding(served.path, name=served.name, max_pixels=served.max_pixels)
        qp = _frames_qp(coding)
        if told and _agree(told, qp, by_bitrate):
            return told
        if qp is not None:
            likely = _by_frames(qp, by_bitrate)
            is_crf = not told and abs(likely - AMBIGUOUS_QP) <= _AMBIGUOUS_CRF
            return Start(AMBIGUOUS_QP if is_crf else likely, _FRAMES_SPREAD_CRF, "frames")
    return Start(by_bitrate, _TYPICAL_SPREAD_CRF, "bitrate")


def _told(headers: H264Headers | None) -> Start | None:
    if headers is None or headers.initial_qp == AMBIGUOUS_QP:
        return None
    if headers.references == 1:
        return Start(headers.initial_qp + _VERYFAST_CRF, _VERYFAST_SPREAD_CRF, "headers")
    return Start(headers.initial_qp, 0.0, "headers")


def _by_bitrate(facts: VideoFacts) -> float:
    bits_per_pixel = facts.bitrate_bps / (facts.width_px * facts.height_px * float(facts.fps))
    return _TYPICAL_CRF - HALVING_CRF * math.log2(bits_per_pixel / _TYPICAL_BITS_PER_PIXEL)


def _frames_qp(coding: StreamCoding) -> float | None:
    return coding.mean_qp("P") or coding.mean_qp()


def _by_frames(qp: float, by_bitrate: float) -> float:
    return _FRAMES_SHARE * qp + (1 - _FRAMES_SHARE) * by_bitrate + _FRAMES_CRF


def _agree(told: Start, qp: float | None, by_bitrate: float) -> bool:
    """Whether headers may be believed: the CRF of noise, which takes many bits, is far below the QP."""
    if qp is None:
        return True
    lowest, highest = sorted((qp, _by_frames(qp, by_bitrate)))
    return lowest - _DOUBTED_CRF <= told.crf <= highest + _DOUBTED_CRF


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
