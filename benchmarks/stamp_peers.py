"""Others' watermarks as markers, so that they go through the same evaluation.

Each embeds fixed bits; the score is the share of them that is read back. The published threshold is that of a binomial
test: under independent fair bits as many agree with a probability of at most 1e-3 (26 of 32).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binom

from repost.core.errors import RepostError
from repost.stamp.evaluation.marker import P_STAMPED, Marker

Rgb8: TypeAlias = NDArray[np.uint8]

BITS = 32
_MESSAGE = np.random.RandomState(7).randint(0, 2, 256)
WEIGHTS_VARIABLE = "REPOST_PEER_WEIGHTS"
"""Folder that may hold `y_256b_img.jit`, VideoSeal's TorchScript model."""


class Refused(RepostError):
    """A peer that gives up on a picture."""


def binomial_threshold(bits: int) -> float:
    """The least share of equal bits that chance reaches with a probability of at most 1e-3."""
    return next(count for count in range(bits + 2) if binom.sf(count - 1, bits, 0.5) <= P_STAMPED) / bits


@dataclass(frozen=True)
class InvisibleWatermark:
    """A method of the package invisible-watermark: dwtDct, dwtDctSvd or rivaGan."""

    method: str

    @property
    def name(self) -> str:
        """The method."""
        return self.method

    @property
    def identity(self) -> str:
        """Package, version, method."""
        return f"invisible-watermark {version('invisible-watermark')} {self.method} {BITS} bits"

    @property
    def threshold(self) -> float:
        """By the binomial test."""
        return binomial_threshold(BITS)

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """Embed the bits."""
        from imwatermark import WatermarkEncoder

        _load_rivagan()
        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", _MESSAGE[:BITS].tolist())
        return _eight_bits(_or_refuse(lambda: encoder.encode(_bgr(pixels), self.method)))

    def score(self, pixels: Rgb8) -> float:
        """Share of the bits that are read."""
        from imwatermark import WatermarkDecoder

        _load_rivagan()
        return _agreement(_or_refuse(lambda: WatermarkDecoder("bits", BITS).decode(_bgr(pixels), self.method)), BITS)


@dataclass(frozen=True)
class BlindWatermark:
    """The package blind-watermark, by frequencies of blocks."""

    name: str = "blind_watermark"

    @property
    def identity(self) -> str:
        """Package and version."""
        return f"blind-watermark {version('blind-watermark')} {BITS} bits"

    @property
    def threshold(self) -> float:
        """By the binomial test."""
        return binomial_threshold(BITS)

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """Embed the bits."""
        mark = _blind_watermark()

        def embed() -> Any:  # noqa: ANN401 - the package has no types
            mark.read_img(img=_bgr(pixels))
            mark.read_wm(_MESSAGE[:BITS].astype(bool).tolist(), mode="bit")
            return mark.embed()

        return _eight_bits(_or_refuse(embed))

    def score(self, pixels: Rgb8) -> float:
        """Share of the bits that are read."""
        mark = _blind_watermark()

        def extract() -> Any:  # noqa: ANN401
            return mark.extract(embed_img=_bgr(pixels), wm_shape=BITS, mode="bit")

        return _agreement(np.asarray(_or_refuse(extract)) > 0.5, BITS)


@dataclass(frozen=True)
class TrustMark:
    """TrustMark's model Q with its own error correction: the score is 1 where it finds the text, else 0."""

    name: str = "TrustMark Q"
    threshold: float = 0.5

    @property
    def identity(self) -> str:
        """Package and version."""
        return f"trustmark {version('trustmark')} Q"

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """Embed a text."""
        return np.asarray(_trustmark().encode(Image.fromarray(pixels), "repost", MODE="text").convert("RGB"))

    def score(self, pixels: Rgb8) -> float:
        """Whether the text is found."""
        model = _trustmark()
        text, found, *_ = _or_refuse(lambda: model.decode(Image.fromarray(pixels), MODE="text"))
        return float(bool(found) and text == "repost")


@dataclass(frozen=True)
class VideoSeal:
    """VideoSeal's 256 bits for images, from its TorchScript model."""

    name: str = "VideoSeal"

    @property
    def identity(self) -> str:
        """File and size of the model."""
        return f"{_videoseal_path().name} {_videoseal_path().stat().st_size}"

    @property
    def threshold(self) -> float:
        """By the binomial test."""
        return binomial_threshold(len(_MESSAGE))

    def stamp(self, pixels: Rgb8) -> Rgb8:
        """Embed the bits."""
        import torch

        with torch.no_grad():
            stamped = _videoseal().embed(_tensor(pixels), torch.from_numpy(_MESSAGE)[None].float())
        return np.clip(np.rint(stamped[0].permute(1, 2, 0).numpy() * 255), 0, 255).astype(np.uint8)

    def score(self, pixels: Rgb8) -> float:
        """Share of the bits that are read; the first channel of the model's answer is a mask."""
        import torch

        with torch.no_grad():
            found = _videoseal().detect(_tensor(pixels))[0, 1:]
        return _agreement(found.numpy() > 0, len(_MESSAGE))


def peers_here() -> Iterator[Marker | str]:
    """Every peer that can be run here, and a sentence for each that cannot."""
    if importlib.util.find_spec("imwatermark"):
        yield from (InvisibleWatermark(method) for method in ("dwtDct", "dwtDctSvd", "rivaGan"))
    else:
        yield "invisible-watermark is not measured: it is not installed"
    if importlib.util.find_spec("blind_watermark"):
        yield BlindWatermark()
    else:
        yield "blind-watermark is not measured: it is not installed"
    trustmark = importlib.util.find_spec("trustmark")
    files = ("encoder_Q.ckpt", "decoder_Q.ckpt", "trustmark_rm_Q.ckpt")
    if trustmark and all((Path(str(trustmark.origin)).parent / "models" / name).is_file() for name in files):
        yield TrustMark()
    else:
        yield "TrustMark is not measured: its weights, which it fetches when it first runs, are not here"
    if _videoseal_path().is_file():
        yield VideoSeal()
    else:
        yield f"VideoSeal is not measured: ${WEIGHTS_VARIABLE} names no folder with {_videoseal_path().name}"


def _bgr(pixels: Rgb8) -> Rgb8:
    return np.ascontiguousarray(pixels[..., ::-1])


def _eight_bits(bgr: NDArray[Any]) -> Rgb8:
    return np.ascontiguousarray(np.clip(np.rint(bgr), 0, 255).astype(np.uint8)[..., ::-1])


def _agreement(bits: Any, count: int) -> float:  # noqa: ANN401 - lists and arrays of any type
    return float((np.asarray(bits).astype(int) == _MESSAGE[:count]).mean())


def _or_refuse(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """What the peer says; whatever it raises counts as refusing the picture."""
    try:
        return call()
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


def _tensor(pixels: Rgb8) -> Any:  # noqa: ANN401
    import torch

    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


@lru_cache(maxsize=1)
def _load_rivagan() -> None:
    """Load rivaGan as its package does, but with one thread: photographs are what is done in parallel here."""
    import imwatermark
    import onnxruntime
    from imwatermark.rivaGan import RivaWatermark

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for part in ("encoder", "decoder"):
        path = Path(str(imwatermark.__file__)).parent / f"rivagan_{part}.onnx"
        setattr(RivaWatermark, part, onnxruntime.InferenceSession(str(path), options))


def _blind_watermark() -> Any:  # noqa: ANN401
    with contextlib.redirect_stdout(io.StringIO()):  # it prints advertisements
        return _blind_watermark_package().WaterMark(password_img=1, password_wm=1)


@lru_cache(maxsize=1)
def _blind_watermark_package() -> ModuleType:
    """The package; it would set the start method of all processes when imported, which fails in a worker."""
    set_start_method = multiprocessing.set_start_method
    multiprocessing.set_start_method = lambda *_args, **_more: None  # type: ignore[method-assign]
    try:
        return importlib.import_module("blind_watermark")
    finally:
        multiprocessing.set_start_method = set_start_method  # type: ignore[method-assign]


@lru_cache(maxsize=1)
def _trustmark() -> Any:  # noqa: ANN401
    from trustmark import TrustMark as Model

    return Model(verbose=False, model_type="Q", device="cpu")


def _videoseal_path() -> Path:
    return Path(os.environ.get(WEIGHTS_VARIABLE, "/nowhere")) / "y_256b_img.jit"


@lru_cache(maxsize=1)
def _videoseal() -> Any:  # noqa: ANN401
    import torch

    return torch.jit.load(str(_videoseal_path())).eval()
