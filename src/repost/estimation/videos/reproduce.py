"""Make a served video again from its upload, to learn what no header tells: kernel, preset, threads, and the rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from repost.channel.video.settings import Crf
from repost.core.errors import EncodeFailed
from repost.estimation.videos.average import LONGEST_S, fit_averages
from repost.estimation.videos.finding import AverageFit, Structure, likeliest_preset
from repost.estimation.videos.kernel import KERNELS, find_kernel
from repost.estimation.videos.level import own_level
from repost.estimation.videos.proof import Guesses, Proof, prove
from repost.estimation.videos.recipe import Recipe
from repost.estimation.videos.start import AMBIGUOUS_QP, reference_settings
from repost.media.video.presets import X264_PRESETS
from repost.media.video.upload import VideoUpload

_SAME_RATE = 0.005
"""Frame rates within half a percent are one: 30 and 30000/1001 differ by a thousandth."""
_PLAIN_KERNEL = "bicubic"
"""FFmpeg's own; where nothing is scaled it still converts formats."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What making a file again told.

    Attributes:
        structure: How it was coded, with what was proven.
        kernel: What it was scaled with, or None.
        exact: Whether the whole stream was made again, bit for bit.
        same_pictures: How many pictures were, from the first on.
        proven_crf: The rate factor, where that many pictures prove it.
        averages: Ways of encoding for an average bitrate, where no rate factor is proven.
        kernel_errors: Mean squared error by kernel, where no rate factor is proven.
    """

    structure: Structure
    kernel: str | None = None
    exact: bool = False
    same_pictures: int = 0
    proven_crf: float | None = None
    averages: tuple[AverageFit, ...] = ()
    kernel_errors: Mapping[str, float] = field(default_factory=dict[str, float])


def reproduce(upload: VideoUpload, served: VideoUpload, structure: Structure) -> Reproduction:
    """Make a served file again as far as possible.

    Only x264's streams can be made again to the bit, and only they tell their rate factor; of others the structure is
    returned as it is.

    Args:
        upload: The original.
        served: What came back.
        structure: How it was coded, as its headers and frames tell.

    Returns:
        What that told.

    Raises:
        MediaError: One of the two is damaged.
    """
    crf = likely_crf(structure)
    if crf is None or structure.codec != "h264":
        return Reproduction(structure)
    try:
        return _reproduce(upload, served, structure, crf)
    except EncodeFailed:
        return Reproduction(structure)  # x264 does not know such a stream: another encoder made it


def _reproduce(upload: VideoUpload, served: VideoUpload, structure: Structure, crf: float) -> Reproduction:
    recipe = recipe_of(upload, served, structure, crf)
    own = own_level(upload, recipe)
    structure = structure.model_copy(update={"own_level": structure.level == own if own else None})
    scaled = recipe.size != (upload.facts.width_px, upload.facts.height_px)
    proof: Proof | None = None
    if structure.said is None or structure.said[0] == "crf":
        # Equal groups may be what a limit makes of a scene without cuts: fixed groups are proven only where cuts fail.
        start = recipe if structure.said else replace(recipe, settings=replace(recipe.settings, scene_cut=True))
        proof = prove(upload, served, recipe=start, guesses=_guesses(structure, KERNELS if scaled else ()))
        if proof.convincing:
            kernel = proof.recipe.kernel if scaled else None
            return Reproduction(_proven(structure, proof), kernel, proof.whole, proof.pictures, crf)
    near = replace(recipe, settings=replace(recipe.settings, rate=Crf(structure.mean_qp or crf)))
    found = find_kernel(upload, served, recipe=near, other_threads=())
    recipe = replace(recipe, kernel=found.scores[0].kernel if found.scores else _PLAIN_KERNEL)
    averages: tuple[AverageFit, ...] = ()
    if structure.presets and upload.facts.duration_s <= LONGEST_S:
        passes = 1 if structure.initial_qp == AMBIGUOUS_QP else 2
        averages = fit_averages(upload, served, recipe=recipe, presets=structure.presets, passes=passes)
    errors = {score.kernel: round(score.error, 6) for score in found.scores}
    return Reproduction(structure, found.kernel, averages=averages, kernel_errors=errors)


def _guesses(structure: Structure, kernels: Sequence[str]) -> Guesses:
    if structure.said is not None:  # the encoder told all but the kernel
        return Guesses(kernels=kernels)
    usual = X264_PRESETS.get(likeliest_preset(structure.presets) or "medium")
    return Guesses(
        kernels=kernels,
        presets=structure.presets,
        b_frames=(None,) if usual and usual.b_frames != structure.b_frames else (),
        groups=((structure.longest_gop, False), (None, True)) if structure.longest_gop else (),
    )


def _proven(structure: Structure, proof: Proof) -> Structure:
    """The structure with the settings that gave the served stream."""
    settings = proof.recipe.settings
    update: dict[str, object] = {}
    if settings.preset:
        update["presets"] = (settings.preset,)
        usual = X264_PRESETS[settings.preset].b_frames
        update["b_frames"] = usual if settings.b_frames is None else settings.b_frames
    update["fixed_gop"] = None if settings.scene_cut else True
    if proof.whole:
        update["threads"] = settings.threads
    if proof.whole and settings.gop_frames is None:
        update["longest_gop"] = None  # scene cuts made the groups
    return structure.model_copy(update=update)


def recipe_of(upload: VideoUpload, served: VideoUpload, structure: Structure, crf: float) -> Recipe:
    """How a served file was made, as far as its structure tells.

    Args:
        upload: The original.
        served: What came back.
        structure: Of the served file.
        crf: The rate factor.
    """
    encoder = reference_settings(served.facts).encoder
    changed = abs(float(served.facts.fps) / float(upload.facts.fps) - 1) > _SAME_RATE
    return Recipe(
        size=(served.facts.width_px, served.facts.height_px),
        settings=replace(structure.settings(encoder=encoder, crf=crf), rate=Crf(crf)),
        fps=served.facts.fps if changed else None,
        kernel=_PLAIN_KERNEL,
    )


def likely_crf(structure: Structure) -> float | None:
    """The rate factor that headers point to; x264 writes it into the picture parameter set, cut to a whole number.

    Args:
        structure: Of the served file.
    """
    if structure.said is not None and structure.said[0] == "crf":
        return structure.said[1]
    return structure.initial_qp if structure.initial_qp is not None else structure.mean_qp
