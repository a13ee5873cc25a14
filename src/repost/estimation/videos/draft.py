"""One rule of a profile made from compression samples, with why and with what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from repost.core.errors import UsageError
from repost.estimation.videos.reference import Sample
from repost.platforms.conditions import When
from repost.platforms.profile import Provenance, Rule
from repost.platforms.steps import Audio, Container, CrfRate, EncodeVideo, Orient, Resize
from repost.platforms.values import Value

Standard: TypeAlias = Literal["h264", "hevc", "vp9", "av1"]

RESIZE, ENCODE, AUDIO, CONTAINER = 1, 2, 3, 4
"""Where these steps stand in every rule made here, after `orient`."""

_PROGRAMS: dict[str, tuple[Standard, str | None]] = {
    "libx264": ("h264", "libx264"),
    "h264": ("h264", "libx264"),
    "libx265": ("hevc", "libx265"),
    "hevc": ("hevc", "libx265"),
    "libvpx-vp9": ("vp9", "libvpx-vp9"),
    "vp9": ("vp9", "libvpx-vp9"),
    "libsvtav1": ("av1", "libsvtav1"),
    "libaom-av1": ("av1", "libaom-av1"),
    "av1": ("av1", None),
}
"""Standards, and the programs that FFmpeg takes for each name; for "av1" that depends on how it was built."""

_DEFAULT_PRESETS = {"libx264": "medium", "libx265": "medium"}
"""What the framework's command line leaves to the encoder."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule in the making.

    Attributes:
        rule: The rule.
        provenance: By path within the rule, such as "steps.2.rate.crf".
        unknown: Paths within the rule whose values are defaults and not known.
    """

    rule: Rule
    provenance: dict[str, Provenance] = field(default_factory=dict[str, Provenance])
    unknown: Sequence[str] = ()


def standard_of(codec: str) -> Standard:
    """The standard an encoder writes.

    Args:
        codec: FFmpeg's name of an encoder, such as "libx264".

    Raises:
        UsageError: It is none of those profiles can hold.
    """
    return _program(codec)[0]


def _program(codec: str) -> tuple[Standard, str | None]:
    if codec.lower() not in _PROGRAMS:
        raise UsageError(f"got the codec {codec!r}, expected one of {', '.join(_PROGRAMS)}")
    return _PROGRAMS[codec.lower()]


def make_rule(name: str, when: When, *, resize: dict[str, Any], codec: str, profile: str | None, crf: Value) -> Rule:
    """A rule that scales and encodes, without sound, into an MP4 as ffmpeg writes it by default.

    Args:
        name: In a few words.
        when: Its conditions.
        resize: Fields of the resize step.
        codec: FFmpeg's name of the encoder.
        profile: Of the standard; the encoder's choice when None.
        crf: Constant rate factor.
    """
    standard, program = _program(codec)
    return Rule(
        media="video",
        name=name,
        when=when,
        steps=(
            Orient(op="orient"),
            Resize(op="resize", kernel="bicubic", **resize),
            EncodeVideo(
                op="encode",
                codec=standard,
                encoder=program,
                profile=profile,
                preset=_DEFAULT_PRESETS.get(program or ""),
                rate=CrfRate(mode="crf", crf=crf),
            ),
            Audio(op="audio", action="drop"),
            Container(op="container", format="mp4", faststart=False, strip_sei=False),
        ),
    )


def crf_provenance(samples: Iterable[Sample], note: str) -> Provenance:
    """Which samples stand behind a CRF."""
    crfs = sorted(sample.crf for sample in samples)
    votes = Counter(f"{crf:g}" for crf in crfs)
    return Provenance(note=note, n=len(crfs), votes=dict(votes), interval=(crfs[0], crfs[-1]))
