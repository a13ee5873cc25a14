"""A video, and how likely each origin is to leave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from repost.estimation.identify.filenames import NamePattern
from repost.estimation.identify.likelihood import ProfileLikelihood
from repost.estimation.identify.videos.reasons import stream_in_words, video_none_reasons, video_reasons
from repost.estimation.identify.videos.served import (
    unknown_video_likelihood,
    unshared_video_likelihood,
    video_profile_likelihood,
)
from repost.estimation.identify.videos.signature import VideoSignature
from repost.estimation.identify.videos.uploads import VideoUploads
from repost.platforms import Profile


class VideoEvidence:
    """A video; see `likelihood.Evidence`.

    Args:
        signature: Of the file.

    Attributes:
        signature: Of the file.
        untouched: Density of a file that no network has touched.
        unknown: Density of a file from a network or program without a profile.
    """

    def __init__(self, signature: VideoSignature) -> None:
        self.signature = signature
        self.untouched = unshared_video_likelihood(signature)
        self.unknown = unknown_video_likelihood(signature)
        self._uploads = VideoUploads(signature)

    @property
    def described(self) -> str:
        """How it was coded and its size, in words."""
        width_px, height_px = self.signature.size
        return (
            f"{stream_in_words(self.signature)}, {width_px} x {height_px} px, {self.signature.fps:.5g} frames a second"
        )

    def likelihood(self, profile: Profile) -> ProfileLikelihood | None:
        """How likely a network is to serve the file; None for a profile without rules for videos."""
        return video_profile_likelihood(self._uploads, profile)

    def reasons(
        self, found: ProfileLikelihood, pattern: NamePattern | None, *, also: Sequence[str], as_unshared: bool
    ) -> tuple[str, ...]:
        """What speaks for and against a network, in words."""
        return video_reasons(self._uploads, found, pattern, also=also, as_unshared=as_unshared)

    def none_reasons(self, pattern: NamePattern | None, platforms: Collection[str]) -> tuple[str, ...]:
        """What speaks for none of the networks, in words."""
        return video_none_reasons(self.signature, self.untouched / self.unknown, pattern, platforms)
