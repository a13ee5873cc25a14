"""Examine one pair: what was uploaded, what came back, and so what was done."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from repost.channel.compare import reference
from repost.core.errors import MediaError, UnsupportedMedia
from repost.estimation.images.codec_quality import same_pictures, with_quality
from repost.estimation.images.container import fates, luma_quality, written_as
from repost.estimation.images.finding import Agreement, Features, PairFinding, Treatment
from repost.estimation.images.geometry import Geometry, find_geometry, is_cut, turned_by
from repost.estimation.images.hidden import find_hidden
from repost.estimation.images.overlay import find_overlay
from repost.estimation.images.reproduce import KERNELS, Attempt, Region, Workbench, climb, search
from repost.media.colour import to_srgb
from repost.media.metadata import keep_metadata
from repost.media.picture import Picture
from repost.media.read import ImageFacts, decode, open_image
from repost.media.upload import Upload
from repost.metrics import mean_absolute_difference, psnr_db

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_COLOUR_LEVELS = 8.0
"""Mean spread of an upload's colours from which no JPEG quality in use would make it exactly grey."""
_SAME = Agreement(exact_share=1.0, psnr_db_emulated=None, psnr_db_source=None)


class PairMismatch(MediaError):
    """The two files of a pair do not show the same picture."""

    def __init__(self, name: str, *, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}")


def examine_pair(upload: bytes, served: bytes, *, name: str, max_pixels: int | None = None) -> PairFinding:
    """Find what was done to one upload.

    Args:
        upload: The file that was uploaded.
        served: The file that came back.
        name: What the pair is called.
        max_pixels: Limit on width x height; the limit in force when None.

    Returns:
        The finding; settings that this pair cannot show are None.

    Raises:
        PairMismatch: The two show different pictures, or the picture came back turned or padded.
        MediaError: One of them is no image, damaged, or too large, or cannot be expressed in a profile.
    """
    source = Upload(upload, name=f"{name} (upload)", max_pixels=max_pixels)
    if upload == served:
        return _finding(name, source, upload, Treatment(kind="passthrough"), _SAME, size=source.picture.size)
    opened, facts = open_image(served, name=f"{name} (served)", max_pixels=max_pixels)
    if source.facts.animated or facts.animated:
        raise UnsupportedMedia(
            name, got="an animation", expected="a still picture", remedy="give stills; animations become video"
        )
    came_back = decode(opened, name=f"{name} (served)")
    geometry = _same_picture(name, source, came_back)
    _refuse_lost_colour(name, source, came_back)
    kept = fates(source.picture, came_back, uploaded=source.facts, came_back=facts)
    transcoded = _transcoded(source, came_back, facts, served, upload)
    if transcoded is not None:
        return _finding(
            name, source, served, transcoded.but(**kept), _SAME, size=source.picture.size, served_facts=facts
        )
    start = written_as(served, facts, name=f"{name} (served)")
    # What is kept counts from the start: a picture left turned is seen upright only with its EXIF.
    start = start.but(orient=geometry.oriented, cropped=geometry.cropped, **kept)
    return _examine_encoded(name, source, came_back, facts, served, start=start)


def _examine_encoded(
    name: str, source: Upload, came_back: Picture, facts: ImageFacts, served: bytes, *, start: Treatment
) -> PairFinding:
    bench = Workbench(source, came_back)
    size = _size_when_resized(source, start)
    choices = _open_settings(source, bench, start, size=size)
    best = _best(bench, start, choices, size_bytes=len(served))
    region: Region | None = None
    doubts: list[str] = []
    if best is not None and not best.exact:
        region = find_overlay(best.differs)
        if region is not None:
            bench = Workbench(source, came_back, left_out=region)
            # Judged without the mark, settings show that it had drowned.
            best = search(bench, start.but(quality=best.treatment.quality), choices) or best
        else:
            best = find_hidden(bench, best, served, choices) or best
            if best.treatment.hidden is not None:
                doubts.append(
                    "compressed twice: an earlier stage shows inside, of the network or of who saved the file"
                )
    treatment = best.treatment if best else start
    before, after = _compared(source, bench, cropped=bool(start.cropped))
    plain = psnr_db(before, after)
    agreement = best and Agreement(
        exact_share=best.exact_share,
        psnr_db_emulated=None if math.isinf(best.psnr_db) else best.psnr_db,
        psnr_db_source=None if math.isinf(plain) else plain,
    )
    finding = _finding(name, source, served, treatment, agreement, size=size, served_facts=facts)
    found = {
        "size_after": came_back.size,
        "overlay": region,
        "change": mean_absolute_difference(before, after),
        "qualities": same_pictures(bench, best) if best and best.exact and _is_lossy(best.treatment) else (),
        "doubts": tuple(doubts),
    }
    return finding.model_copy(update=found)


def _same_picture(name: str, source: Upload, came_back: Picture) -> Geometry:
    """Where the served picture lies on the upload; refuses what is not the same picture whole."""
    geometry = find_geometry(source.picture, came_back)
    if not geometry.same_content:
        turn = turned_by(source.picture, came_back)
        if turn is not None:
            reason = f"it came back turned by {turn} degrees; `repost pairs recover` turns such downloads back"
        else:
            reason = (
                f"the two files show different pictures (correlation {geometry.correlation:.2f}, expected 0.90 or "
                "more), or one is padded or cut; `repost pairs recover` finds which download belongs to which upload"
            )
        raise PairMismatch(name, reason=reason)
    return geometry


def _refuse_lost_colour(name: str, source: Upload, came_back: Picture) -> None:
    """No step of a profile takes the colour away."""
    if _colourfulness(came_back) == 0 and _colourfulness(source.picture) > _COLOUR_LEVELS:
        raise UnsupportedMedia(
            name, got="a grey picture of a coloured upload", expected="colour",
            remedy="profiles cannot say that colour was taken away",
        )  # fmt: skip


def _colourfulness(picture: Picture) -> float:
    """Mean distance between the least and the most of red, green and blue, in 8-bit levels; 0 for grey."""
    return float(np.ptp(picture.rgb8()[::4, ::4], axis=2).mean())


def _transcoded(
    source: Upload, came_back: Picture, facts: ImageFacts, served: bytes, upload: bytes
) -> Treatment | None:
    """The treatment where JPEG coefficients were kept: the same tables, and every sample the same."""
    before, after = source.facts.jpeg, facts.jpeg
    if before is None or after is None or source.picture.size != came_back.size:
        return None
    tables = [
        [structure.table_of(index) for index in range(len(structure.components))] for structure in (before, after)
    ]
    if tables[0] != tables[1] or before.subsampling != after.subsampling:
        return None
    if not np.array_equal(np.asarray(source.picture.image), np.asarray(came_back.image)):
        return None
    if keep_metadata(served, keep=()) == keep_metadata(upload, keep=()):
        return Treatment(kind="transcode", scans="keep")
    return Treatment(kind="transcode", scans="progressive" if after.process == "progressive" else "baseline")


def _size_when_resized(source: Upload, start: Treatment) -> tuple[int, int]:
    width, height = source.picture.size
    turned = start.orient is not False and source.picture.orientation >= 5
    return (height, width) if turned else (width, height)


def _is_scaled(before: tuple[int, int], after: tuple[int, int], *, cropped: bool | None) -> bool:
    """Whether pixels were resampled, and not only cut away."""
    return not (before[0] == after[0] or before[1] == after[1]) if cropped else before != after


def _open_settings(
    source: Upload, bench: Workbench, start: Treatment, *, size: tuple[int, int]
) -> list[tuple[str, tuple[Any, ...]]]:
    """The settings that only carrying them out can tell, with the values to try, the most telling first."""
    choices: list[tuple[str, tuple[Any, ...]]] = []
    served = (bench.target.shape[1], bench.target.shape[0])
    if start.orient is not None:  # a flat picture looks the same turned
        choices.append(("orient", (start.orient, not start.orient)))
    # A picture that is nearly of the new shape looks much the same cut or stretched.
    if start.cropped is not None or is_cut(size, served):
        choices.append(("cropped", (start.cropped, not start.cropped)))
    if _is_scaled(size, served, cropped=start.cropped):
        choices.append(("kernel", KERNELS))
    if start.codec == "jpeg":
        choices.append(("quantiser", ("libjpeg", "half_even")))
    if _profile_matters(source.picture):
        choices.append(("colour", ("keep", "srgb")))
    jpeg = source.facts.jpeg
    if jpeg is not None and jpeg.subsampling in ("4:2:0", "4:2:2", "4:4:0") and _has_colour(bench):
        choices.append(("upsampling", ("triangle", "replicate")))
    if start.codec == "avif":
        choices.append(("subsampling", ("4:2:0", "4:4:4", "4:2:2")))
    return choices


def _profile_matters(picture: Picture) -> bool:
    """Whether converting by the embedded colour profile would change the numbers; an sRGB profile changes none."""
    if picture.icc is None:
        return False
    sample = picture.image.resize((64, 64), Image.Resampling.NEAREST)
    converted = to_srgb(sample, picture.icc)
    return converted is not None and not np.array_equal(
        np.asarray(converted), np.asarray(sample.convert(converted.mode))
    )


def _has_colour(bench: Workbench) -> bool:
    """Whether chroma can have been upsampled: even the palest colours show how."""
    return bool((bench.target[..., 0] != bench.target[..., 2]).any())


def _best(
    bench: Workbench, start: Treatment, choices: list[tuple[str, tuple[Any, ...]]], *, size_bytes: int
) -> Attempt | None:
    if _is_lossy(start):
        first = start.but(**{name: values[0] for name, values in choices})
        start = start.but(quality=with_quality(bench, first, size_bytes=size_bytes).treatment.quality)
        rough = climb(bench, start, choices)
        if rough is not None and not rough.exact:  # the file's size depends on the other settings too
            start = start.but(quality=with_quality(bench, rough.treatment, size_bytes=size_bytes).treatment.quality)
    return search(bench, start, choices)


def _is_lossy(treatment: Treatment) -> bool:
    """Whether it has a quality that no header tells."""
    return treatment.codec in ("webp", "avif", "heif") and not treatment.lossless


def _compared(source: Upload, bench: Workbench, *, cropped: bool) -> tuple[Rgb8, Rgb8]:
    target = bench.target
    return reference(source.picture.rgb8(), (target.shape[1], target.shape[0]), cropped=cropped), target


def _finding(
    name: str,
    source: Upload,
    served: bytes,
    treatment: Treatment,
    agreement: Agreement | None,
    *,
    size: tuple[int, int],
    served_facts: ImageFacts | None = None,
) -> PairFinding:
    structure = served_facts.jpeg if served_facts else None
    quality, distance = luma_quality(structure) if structure else (None, None)
    return PairFinding(
        name=name,
        upload_sha256=source.digest,
        served_sha256=hashlib.sha256(served).hexdigest(),
        features=features_of(source),
        treatment=treatment,
        size_before=size,
        size_after=size,
        nearest_quality=quality,
        table_distance=distance,
        agreement=agreement,
    )


def features_of(source: Upload) -> Features:
    """What rules may depend on, of an upload."""
    numbers = {name: source.feature(name) for name in _NUMBERS}
    kinds = {name: getattr(source.facts, name) for name in ("format", "animated", "has_alpha", "rotated")}
    return Features.model_validate({**kinds, **numbers})


_NUMBERS = (
    "width_px", "height_px", "long_side_px", "short_side_px", "pixel_count", "aspect_ratio",
    "size_bytes", "bits_per_pixel", "busyness",
)  # fmt: skip
