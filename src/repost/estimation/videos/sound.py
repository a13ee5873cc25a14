"""What became of the sound of a video: copied, encoded anew, or dropped."""

from __future__ import annotations

from itertools import islice

from repost.estimation.videos.finding import Sound
from repost.media.video.facts import AudioFacts
from repost.media.video.upload import VideoUpload

_COMPARED_PACKETS = 40
_CODECS = {"aac": "aac", "opus": "opus"}
_ROUND_BPS = 1000


def find_sound(upload: VideoUpload, served: VideoUpload) -> Sound | None:
    """Compare the sound of a pair.

    Args:
        upload: The video as uploaded.
        served: What came back.

    Returns:
        What happened to the sound; None where the upload has none. Sound of a codec that is not written here counts as
        AAC of the same bitrate.

    Raises:
        MediaError: One of the two is damaged.
    """
    if upload.facts.audio is None:
        return None
    after = served.facts.audio
    if after is None:
        return Sound(action="drop")
    if after.codec == upload.facts.audio.codec and _packets(upload) == _packets(served):
        return Sound(action="copy")
    return Sound.model_validate(
        {"action": "encode", "codec": _CODECS.get(after.codec, "aac"), "bitrate_bps": _rounded(after)}
    )


def _packets(video: VideoUpload) -> list[bytes]:
    with video.open() as (container, _):
        packets = (bytes(packet) for packet in container.demux(audio=0) if packet.size)
        return list(islice(packets, _COMPARED_PACKETS))


def _rounded(audio: AudioFacts) -> int:
    bitrate_bps = audio.bitrate_bps or _UNKNOWN_BPS
    return max(_ROUND_BPS, round(bitrate_bps / _ROUND_BPS) * _ROUND_BPS)


_UNKNOWN_BPS = 128_000
"""FFmpeg's default for AAC, where the served file's header tells no bitrate."""
