"""Prove how a video was made: encode the whole upload again, and find the served file's very bits.

x264 gives the same bits for the same frames and settings, in every release of the last years. So one right guess proves
all settings at once, and a wrong one is known at the first picture that differs, long before its end. Once the first
picture is right, how many more are says how near a guess is, and settings are improved one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from repost.estimation.videos.kernel import THREADS, lookahead_frames
from repost.estimation.videos.recipe import Recipe
from repost.media.video.h264 import picture_units
from repost.media.video.headers import read_h264_pictures
from repost.media.video.upload import VideoUpload

CONVINCING_PICTURES = 8
"""Pictures that must be right, bit for bit, for a rate factor, kernel and preset to count as proven.

Average bitrates give a first picture or two that some rate factor gives too; every further one has quantisers of its
own. The number of threads shows later: the pictures that are in work at once depend on it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """What may have been, the likeliest first; what the recipe has is a guess too.

    Attributes:
        kernels: Resampling filters.
        presets: Presets of x264.
        b_frames: Most B-frames in a row; None is the preset's.
        groups: Most frames between keyframes, None being the encoder's, and whether scene cuts start a group too.
        threads: Encoder threads.
    """

    kernels: Sequence[str] = ()
    presets: Sequence[str] = ()
    b_frames: Sequence[int | None] = ()
    groups: Sequence[tuple[int | None, bool]] = ()
    threads: Sequence[int] = THREADS

    def variants(self, recipe: Recipe, dimension: str) -> Iterator[Recipe]:
        """The recipe with each other guess of one kind.

        Args:
            recipe: What is varied.
            dimension: One of the attributes.
        """
        found = (_changed(recipe, dimension, guess) for guess in getattr(self, dimension))
        return (one for one in found if one != recipe)

    def combined(self, recipe: Recipe) -> Iterator[Recipe]:
        """The recipe and all combinations of guesses that the first picture depends on; kernels change fastest.

        Args:
            recipe: What is varied.
        """
        recipes = [recipe]
        for dimension in ("groups", "b_frames", "presets", "kernels"):
            if dimension == "groups" and (recipe.settings.gop_frames or 0) > lookahead_frames(recipe.settings.preset):
                continue  # the first picture does not depend on what comes later
            recipes = [one for start in recipes for one in (start, *self.variants(start, dimension))]
        return iter(dict.fromkeys(recipes))


def _changed(recipe: Recipe, dimension: str, guess: Any) -> Recipe:  # noqa: ANN401 - of each kind its own type
    settings = recipe.settings
    if dimension == "kernels":
        return replace(recipe, kernel=guess)
    if dimension == "presets":
        return replace(recipe, settings=replace(settings, preset=guess))
    if dimension == "b_frames":
        return replace(recipe, settings=replace(settings, b_frames=guess))
    if dimension == "groups":
        return replace(recipe, settings=replace(settings, gop_frames=guess[0], scene_cut=guess[1]))
    return replace(recipe, settings=replace(settings, threads=guess))


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a served file was made again.

    Attributes:
        recipe: The best guess.
        pictures: How many came out right, bit for bit, before the first that did not.
        whole: Whether all did, and there are no more.
        encodes: How many were begun.
    """

    recipe: Recipe
    pictures: int
    whole: bool
    encodes: int

    @property
    def convincing(self) -> bool:
        """Whether all settings but the number of threads are beyond doubt."""
        return self.whole or self.pictures >= CONVINCING_PICTURES


def prove(upload: VideoUpload, served: VideoUpload, *, recipe: Recipe, guesses: Guesses) -> Proof:
    """Find the settings that give the served file bit for bit.

    Args:
        upload: The original.
        served: What came back, H.264.
        recipe: How it was made, as far as is known, with a rate factor.
        guesses: What else may have been.

    Returns:
        How far that went. Nothing right at all means that the rate is no rate factor, or no x264 made the file.

    Raises:
        MediaError: One of the two is damaged.
        EncodeFailed: The encoder refused its settings or a frame.
    """
    best = Proof(recipe, 0, False, 0)
    for guess in guesses.combined(recipe):
        best = Proof(guess, *_compare(upload, served, guess), best.encodes + 1)
        if best.pictures:
            break
    improved = best.pictures > 0
    while improved and not best.whole:
        improved = False
        for dimension in ("kernels", "presets", "b_frames", "groups", "threads"):
            if best.whole or (best.convincing and dimension in ("kernels", "presets")):
                continue
            before = best.pictures
            best = _improve(best, guesses.variants(best.recipe, dimension), upload, served)
            improved = improved or best.pictures > before
    return best


def _improve(best: Proof, variants: Iterator[Recipe], upload: VideoUpload, served: VideoUpload) -> Proof:
    """The best of a proof and of variants of its recipe."""
    for variant in variants:
        if best.whole:
            break
        pictures, whole = _compare(upload, served, variant)
        if whole or pictures > best.pictures:
            best = replace(best, recipe=variant, pictures=pictures, whole=whole)
        best = replace(best, encodes=best.encodes + 1)
    return best


def _compare(upload: VideoUpload, served: VideoUpload, recipe: Recipe) -> tuple[int, bool]:
    """How many pictures a recipe gets right, and whether that is all there are."""
    wanted = read_h264_pictures(served.path, name=served.name, max_pixels=served.max_pixels)
    count = 0
    for count, picture in enumerate(_pictures(upload, recipe)):
        if picture != next(wanted, None):
            return count, False
    return count + 1, next(wanted, None) is None


def _pictures(upload: VideoUpload, recipe: Recipe) -> Iterator[bytes]:
    encoder = recipe.encoder(upload, recipe.settings.rate)
    for frame in chain(recipe.frames(upload), [None]):
        for packet in encoder.encode(frame):
            yield picture_units(b"", bytes(packet))
