"""A network as an augmentation: pictures in, pictures out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PIL import Image

from repost.channel.image import emulate_image
from repost.core.errors import UsageError
from repost.core.seeding import derive_random, fresh_seed
from repost.media.upload import Upload, check_upload_as
from repost.platforms import Profile, resolve

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

    Pixels = TypeVar("Pixels", Image.Image, Rgb8)


class Repost:
    """Shares pictures on a network, inside anybody's pipeline.

    Cheap to construct and picklable, so it goes into data-loader workers as it is.

    Args:
        platforms: A platform, or several of which each call draws one: names, paths to TOML profiles, or Profiles.
        p: The chance that a picture is shared at all; else it comes back unchanged.
        seed: None draws afresh in every call, process and epoch. A number makes each picture's outcome depend on the
            number and the picture alone, so that it is the same in every epoch.
        upload_as: What the pictures are taken for: "png", or "jpeg:95" to save them so first.

    Example:
        >>> import numpy as np
        >>> from repost import Repost
        >>> share = Repost(["facebook", "twitter"], p=0.5, seed=1)
        >>> share(np.zeros((64, 64, 3), np.uint8)).shape
        (64, 64, 3)
    """

    def __init__(
        self,
        platforms: str | Path | Profile | Sequence[str | Path | Profile],
        *,
        p: float = 1.0,
        seed: int | None = None,
        upload_as: str = "png",
    ) -> None:
        if not 0 <= p <= 1:
            raise UsageError(f"got p={p}, expected a chance from 0 to 1")
        named = [platforms] if isinstance(platforms, str | Path | Profile) else list(platforms)
        if not named:
            raise UsageError("got no platforms, expected at least one, such as 'facebook'")
        check_upload_as(upload_as)
        self.profiles = tuple(resolve(name) for name in named)
        self.p, self.seed, self.upload_as = p, seed, upload_as

    def __call__(self, picture: Pixels) -> Pixels:
        """Share one picture.

        Args:
            picture: A PIL image, or uint8 HWC RGB pixels. The network may change its size.

        Returns:
            What comes back, in the kind that was given: a PIL image (RGB, upright) or uint8 HWC RGB pixels.

        Raises:
            InvalidPixels: An array that is not uint8 HWC RGB.
        """
        upload = Upload.of(picture, upload_as=self.upload_as)
        seed = fresh_seed() if self.seed is None else self.seed
        rng = derive_random(seed, "" if self.seed is None else upload.digest, "Repost")
        if rng.random() >= self.p:
            return picture
        profile = rng.choice(self.profiles)
        pixels = emulate_image(upload, profile, seed=seed).pixels
        if isinstance(picture, Image.Image):
            return Image.fromarray(pixels)
        return pixels.copy()  # a decoded picture's buffer is read-only, and pipelines write into theirs

    def __repr__(self) -> str:
        names = ", ".join(profile.id for profile in self.profiles)
        return f"Repost([{names}], p={self.p}, seed={self.seed}, upload_as={self.upload_as!r})"
