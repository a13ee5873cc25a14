"""Share one image on networks and write what they serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from repost.channel.compare import Fidelity, compare, was_cropped
from repost.channel.files import Shared
from repost.channel.image import Emulated, emulate_image, matching_rule
from repost.core.files import write_atomic
from repost.media.sniff import EXTENSIONS
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.platforms.steps import IMAGE_ENCODES, ClientSave, Passthrough, Step, Transcode

if TYPE_CHECKING:
    from repost.channel.files import ShareFiles


@dataclass(frozen=True, slots=True)
class ImageShare:
    """An image on its way to networks.

    Attributes:
        upload: The image.
        work: What is wanted.
    """

    media: ClassVar[Literal["image"]] = "image"
    upload: Upload
    work: ShareFiles

    @classmethod
    def open(cls, data: bytes, name: str, work: ShareFiles) -> ImageShare:
        """Take up a file.

        Raises:
            MediaError: It is no image, damaged, or too large.
        """
        return cls(Upload(data, name=name, max_pixels=work.max_pixels), work)

    def planned(self, profile: Profile) -> tuple[str, str]:
        """The rule that would be followed, and what is added to the name of the output.

        Raises:
            UnsupportedMedia: The profile cannot take this image.
        """
        _, rule = matching_rule(self.upload, profile)
        return rule.name, f".{EXTENSIONS[_served_format(rule.steps, self.upload)]}"

    def share(self, profile: Profile, stem: Path) -> Shared:
        """Share the image and write the served file.

        Args:
            profile: The platform.
            stem: The output without its extension.

        Raises:
            RepostError: The image or the codec failed.
        """
        emulated = emulate_image(self.upload, profile, seed=self.work.seed)
        target = stem.with_name(f"{stem.name}.{emulated.extension}")
        write_atomic(target, emulated.data)
        fields: dict[str, object] = {"trace": emulated.trace.to_dict()}
        if self.work.metrics:
            fields["metrics"] = self._measure(emulated)
        return Shared(target, (target,), fields)

    def _measure(self, emulated: Emulated) -> Fidelity:
        return compare(
            self.upload.picture.rgb8(),
            emulated.pixels,
            mask=emulated.mask if emulated.trace.left_out else None,
            metrics=self.work.metrics,
            cropped=was_cropped(emulated.trace),
        )


def _served_format(steps: tuple[Step, ...], upload: Upload) -> str:
    """The format of the file the last writing step leaves."""
    last = steps[-1]
    if isinstance(last, Passthrough):
        return upload.facts.format
    if isinstance(last, Transcode):
        return "jpeg"
    written = last.encode if isinstance(last, ClientSave) else last
    assert isinstance(written, IMAGE_ENCODES), "rules are checked to end with a step that writes a file"
    return written.codec
