"""The kernel that scaled a video, found by scaling and encoding its beginning again with each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from repost.channel.video.settings import Crf
from repost.estimation.videos.recipe import Recipe
from repost.media.video.frames import decode_frames, plane_of
from repost.media.video.open import reading
from repost.media.video.upload import VideoUpload

if TYPE_CHECKING:
    from numpy.typing import NDArray

KERNELS = ("bicubic", "bilinear", "lanczos", "area", "bicublin", "spline")
"""Kernels that are tried; bicublin is bicubic for luma and bilinear for chroma."""

THREADS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Encoder threads that are tried: ffmpeg starts 1.5 for each core, and x264's output depends on how many there are."""

COMPARED_FRAMES = 20
CLEAR_RATIO = 1.02
"""How much larger the error of the second kernel must be for the first to be believed without being exact."""

_LOOKAHEAD_FRAMES = {
    "ultrafast": 0,
    "superfast": 0,
    "veryfast": 10,
    "faster": 20,
    "fast": 30,
    "slow": 50,
    "slower": 60,
    "veryslow": 60,
    "placebo": 60,
}
_MEDIUM_LOOKAHEAD_FRAMES = 40
"""x264's rc-lookahead by preset (`param_apply_preset` in common/base.c): how far a frame's quantisers look ahead."""
_REORDERED_FRAMES = 8

_Planes = tuple["NDArray[np.uint8]", ...]


@dataclass(frozen=True, slots=True)
class KernelScore:
    """How near a kernel comes to the served frames.

    Attributes:
        kernel: Which.
        threads: Encoder threads it was tried with.
        luma_mse: Mean squared error of luma over the frames compared.
        chroma_mse: Of both chroma planes.
    """

    kernel: str
    threads: int
    luma_mse: float
    chroma_mse: float

    @property
    def exact(self) -> bool:
        """Whether every sample is the same."""
        return self.luma_mse == 0 and self.chroma_mse == 0

    @property
    def error(self) -> float:
        """Luma and chroma together."""
        return self.luma_mse + self.chroma_mse


@dataclass(frozen=True, slots=True)
class KernelFinding:
    """Which kernel scaled a video.

    Attributes:
        kernel: The kernel, or None where it cannot be told.
        exact: Whether the served frames were reproduced to the last sample, which proves all settings.
        threads: Encoder threads, where that is proven.
        reason: Why it cannot be told: nothing was scaled, no frames correspond, or the best two are too close.
        scores: All that was tried, the nearest first.
    """

    kernel: str | None
    exact: bool
    threads: int | None
    reason: Literal["not scaled", "no frames correspond", "too close"] | None
    scores: tuple[KernelScore, ...]


def lookahead_frames(preset: str | None) -> int:
    """How many frames ahead x264 looks before it writes one.

    Args:
        preset: Its name; "medium" when None.
    """
    return _LOOKAHEAD_FRAMES.get(preset or "", _MEDIUM_LOOKAHEAD_FRAMES)


def find_kernel(
    upload: VideoUpload, served: VideoUpload, *, recipe: Recipe, other_threads: Sequence[int] = THREADS
) -> KernelFinding:
    """Find the kernel that scaled an upload, by making the served frames again.

    The beginning of the upload is scaled with each kernel, encoded as the recipe says, decoded, and compared with the
    served file. One encode is held at a time. Where no kernel is exact and the rate is a rate factor, other numbers of
    encoder threads are tried with the two nearest kernels.

    Args:
        upload: The original.
        served: What came back.
        recipe: How the served file was made, as far as it is known, its rate included; the kernel is replaced.
        other_threads: Numbers of encoder threads tried where none is exact.

    Returns:
        The kernel, whether it is proven, and the ranking.

    Raises:
        MediaError: One of the two is damaged.
        EncodeFailed: The encoder refused its settings or a frame.
    """
    if recipe.size == (upload.facts.width_px, upload.facts.height_px):
        return KernelFinding(None, False, None, "not scaled", ())
    wanted = _served_planes(served, recipe)
    if not wanted:
        return KernelFinding(None, False, None, "no frames correspond", ())
    trial = _Trial(upload, recipe, wanted)
    scores = [score for kernel in KERNELS if (score := trial.score(kernel, recipe.settings.threads))]
    if not scores:
        return KernelFinding(None, False, None, "no frames correspond", ())
    scores.sort(key=lambda score: score.error)
    untried = [threads for threads in other_threads if threads != recipe.settings.threads]
    if not scores[0].exact and recipe.settings.encoder == "libx264" and isinstance(recipe.settings.rate, Crf):
        scores += _with_threads(trial, [score.kernel for score in scores[:2]], untried)
        scores.sort(key=lambda score: score.error)
    return _judge(scores)


def _judge(scores: list[KernelScore]) -> KernelFinding:
    best = scores[0]
    rival = next((score for score in scores if score.kernel != best.kernel), None)
    # Equal errors, zero among them, tell nothing: grey pictures, for instance, are the same for bicubic and bicublin.
    close = rival is not None and (rival.error <= best.error * CLEAR_RATIO)
    return KernelFinding(
        None if close else best.kernel,
        best.exact,
        best.threads if best.exact else None,
        "too close" if close else None,
        tuple(scores),
    )


def _with_threads(trial: _Trial, kernels: list[str], untried: list[int]) -> Iterator[KernelScore]:
    """Scores with other numbers of threads, until one is exact."""
    for threads in untried:
        scores = [score for kernel in kernels if (score := trial.score(kernel, threads))]
        yield from scores
        if any(score.exact for score in scores):
            return


class _Trial:
    """Makes the beginning of a served file again.

    Args:
        upload: The original.
        recipe: How, except for kernel and threads.
        wanted: The served frames' planes by tick of the clock.
    """

    def __init__(self, upload: VideoUpload, recipe: Recipe, wanted: Mapping[int, _Planes]) -> None:
        self._upload, self._recipe, self._wanted = upload, recipe, wanted

    def score(self, kernel: str, threads: int) -> KernelScore | None:
        """How near a kernel comes, or None where no frame is at the same time as a served one."""
        settings = replace(self._recipe.settings, threads=threads)
        recipe = replace(self._recipe, kernel=kernel, settings=settings)
        squares, samples = np.zeros(2), np.zeros(2)
        for frame in _encoded_again(self._upload, recipe):
            planes = self._wanted.get(frame.pts if frame.pts is not None else -1)
            if planes is None:
                continue
            for index, plane in enumerate(planes):
                error = plane_of(frame, index).astype(np.int32) - plane
                squares[min(index, 1)] += float((error * error).sum())
                samples[min(index, 1)] += error.size
        if not samples[0]:
            return None
        luma, chroma = squares / np.maximum(samples, 1)
        return KernelScore(kernel, threads, float(luma), float(chroma))


def _served_planes(served: VideoUpload, recipe: Recipe) -> dict[int, _Planes]:
    """The planes of the first served frames, by the tick of the clock they are shown at."""
    fps, start = recipe.fps or served.facts.fps, served.facts.start_s
    found: dict[int, _Planes] = {}
    for frame in islice(
        decode_frames(served.path, name=served.name, threads=1, max_pixels=served.max_pixels), COMPARED_FRAMES
    ):
        if frame.pts is not None and (frame.width, frame.height) == recipe.size:
            tick = round((frame.pts * served.facts.time_base - start) * fps)
            found[tick] = tuple(plane_of(frame, index).copy() for index in range(len(frame.planes)))
    return found


def _encoded_again(upload: VideoUpload, recipe: Recipe) -> Iterator[VideoFrame]:
    """The first frames of an upload after an encode by a recipe."""
    most = COMPARED_FRAMES + lookahead_frames(recipe.settings.preset) + _REORDERED_FRAMES
    encoder = recipe.encoder(upload, recipe.settings.rate)
    decoder: VideoCodecContext | None = None
    for frame in chain(recipe.frames(upload, most=most), [None]):
        packets = encoder.encode(frame)
        if packets and decoder is None:
            decoder = _decoder(encoder.codec, encoder.headers)
        if decoder is not None:
            yield from _decoded(decoder, packets, name=upload.name)
    if decoder is not None:
        yield from _decoded(decoder, [None], name=upload.name)


def _decoder(codec: str, headers: bytes) -> VideoCodecContext:
    decoder: Any = av.CodecContext.create(codec, "r")  # which kind it is, its stubs do not tell
    decoder.extradata = headers
    decoder.thread_count = 1
    return decoder


def _decoded(decoder: VideoCodecContext, packets: Iterable[Packet[Any] | None], *, name: str) -> Iterator[VideoFrame]:
    context: Any = decoder  # its stubs do not say what a packet belongs to
    with reading(name):
        for packet in packets:
            yield from context.decode(packet)
