"""An image, and how likely each origin is to leave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from repost.estimation.identify.filenames import NamePattern
from repost.estimation.identify.likelihood import ProfileLikelihood
from repost.estimation.identify.reasons import coding_in_words, none_reasons, reasons
from repost.estimation.identify.served import profile_likelihood, unknown_likelihood, unshared_likelihood
from repost.estimation.identify.signature import Signature
from repost.estimation.identify.uploads import Uploads
from repost.platforms import Profile


class ImageEvidence:
    """An image; see `likelihood.Evidence`.

    Args:
        signature: Of the file.

    Attributes:
        signature: Of the file.
        untouched: Density of a file that no network has touched.
        unknown: Density of a file from a network or program without a profile.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.untouched = unshared_likelihood(signature)
        self.unknown = unknown_likelihood(signature)
        self._uploads = Uploads(signature)

    @property
    def described(self) -> str:
        """How it was coded and its size, in words."""
        return f"{coding_in_words(self.signature)}, {self.signature.width_px} x {self.signature.height_px} px"

    def likelihood(self, profile: Profile) -> ProfileLikelihood | None:
        """How likely a network is to serve the file; None for a profile without rules for images."""
        return profile_likelihood(self._uploads, profile)

    def reasons(
        self, found: ProfileLikelihood, pattern: NamePattern | None, *, also: Sequence[str], as_unshared: bool
    ) -> tuple[str, ...]:
        """What speaks for and against a network, in words."""
        return reasons(self.signature, found, pattern, also=also, as_unshared=as_unshared)

    def none_reasons(self, pattern: NamePattern | None, platforms: Collection[str]) -> tuple[str, ...]:
        """What speaks for none of the networks, in words."""
        return none_reasons(self.signature, self.untouched / self.unknown, pattern, platforms)
