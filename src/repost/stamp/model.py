"""A released stamp: two small networks, and the facts that were measured about them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from repost.core.errors import InvalidWeights, ModelNotFound
from repost.stamp.weights import RELEASED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

WEIGHTS = Path(__file__).parent / "weights"
"""Where the released models are."""

DEFAULT_MODEL = "rs_aug"

LARGEST_BYTES = 4 * 2**20
_FACTS = "model.json"


class NullScore(BaseModel):
    """How often pictures without the stamp reach a score.

    Attributes:
        rate: At most so often, with 95 % confidence.
        score: The score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    rate: float = Field(gt=0, le=1)
    score: float


class ModelFacts(BaseModel):
    """What is known about a model.

    Attributes:
        schema_version: Of this file.
        name: Such as "rs_aug".
        version: Raised with every release of that name; it is part of every result.
        cap_levels: The most by which a pixel changes at gain 1, 8-bit levels; see `gain`.
        stamped_score: From this score on a picture is called stamped.
        uncertain_score: From this score on it is uncertain.
        null_scores: How often pictures without the stamp reach which scores, as measured; the most frequent first.
        calibration: How these were found, in words.
        embedder_sha256: Of embedder.onnx.
        extractor_sha256: Of extractor.onnx.
        training: Recipe, steps, seed, data and their licences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    version: int = Field(ge=1)
    cap_levels: float = Field(gt=0, le=32)
    stamped_score: float
    uncertain_score: float
    null_scores: tuple[NullScore, ...] = ()
    calibration: str
    embedder_sha256: str
    extractor_sha256: str
    training: dict[str, Any]

    @model_validator(mode="after")
    def _uncertain_is_less(self) -> Self:
        if self.uncertain_score > self.stamped_score:
            raise ValueError(f"uncertain_score {self.uncertain_score:g} is above stamped_score {self.stamped_score:g}")
        return self


class Network(Protocol):
    """What of an ONNX Runtime session is used."""

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[np.float32]], /) -> Sequence[Any]:
        """Compute the outputs."""
        ...


@dataclass(frozen=True, slots=True)
class StampModel:
    """A model that is ready to use.

    Attributes:
        facts: What is known about it.
        embedder: Grid luma, its deviation and the carrier to a residual in [-1, 1] x the picture's mask.
        extractor: Grid luma to an estimate of the residual.
    """

    facts: ModelFacts
    embedder: Network
    extractor: Network

    @property
    def version(self) -> str:
        """Name and version, such as "rs_aug-1"."""
        return f"{self.facts.name}-{self.facts.version}"

    def residual(
        self, mean: NDArray[np.float32], deviation: NDArray[np.float32], carrier: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Make the residual of a picture.

        Args:
            mean: float32 (rows, columns), luma of the cells in [0, 1].
            deviation: Its standard deviation within the cells.
            carrier: The key's tile, laid over the grid.

        Returns:
            float32 (rows, columns), 8-bit levels, at most `cap_levels`.
        """
        given = {"mean": mean, "deviation": deviation, "carrier": carrier}
        (found,) = self.embedder.run(None, {name: plane[None, None] for name, plane in given.items()})
        return np.asarray(found, np.float32)[0, 0] * np.float32(self.facts.cap_levels)

    def estimate(self, mean: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate the residual that a picture may hold; no key is needed.

        Args:
            mean: float32 (rows, columns), luma of the cells in [0, 1], at any of `views.LEVELS`.

        Returns:
            float32 (rows, columns), of no particular scale.
        """
        (found,) = self.extractor.run(None, {"mean": mean[None, None]})
        return np.asarray(found, np.float32)[0, 0]


def load_model(name: str | Path = DEFAULT_MODEL) -> StampModel:
    """Load a model, after checking that no byte of it has changed.

    Args:
        name: A released model, or the folder of one that you trained.

    Returns:
        The model; the same object when asked again in the same process, as long as its facts stay the same.

    Raises:
        ModelNotFound: There is none.
        InvalidWeights: A file is missing, damaged or not the one that was released.
    """
    if isinstance(name, str) and name in RELEASED:
        return _loaded(WEIGHTS / name, RELEASED[name])
    folder = Path(name)
    if not (folder / _FACTS).is_file():
        raise ModelNotFound(str(name), available=sorted(RELEASED))
    facts = hashlib.sha256(_read(folder / _FACTS, None)).hexdigest()  # it may have been trained or calibrated again
    return _loaded(folder, facts)


def read_facts(folder: Path, *, sha256: str | None = None) -> ModelFacts:
    """Read what is known about a model.

    Args:
        folder: Of the model.
        sha256: What its file must hash to; None for a model of your own.

    Returns:
        The facts.

    Raises:
        InvalidWeights: The file is missing, damaged or another one.
    """
    path = folder / _FACTS
    data = _read(path, sha256)
    try:
        return ModelFacts.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        said = ": ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])
        raise InvalidWeights(path, reason=said, expected="the facts of a stamp model") from error


@lru_cache(maxsize=8)
def _loaded(folder: Path, sha256: str) -> StampModel:
    facts = read_facts(folder, sha256=sha256)
    embedder = _session(folder / "embedder.onnx", facts.embedder_sha256, {"mean", "deviation", "carrier"})
    extractor = _session(folder / "extractor.onnx", facts.extractor_sha256, {"mean"})
    return StampModel(facts, embedder, extractor)


def _session(path: Path, sha256: str, inputs: set[str]) -> Network:
    onnxruntime: Any = import_module("onnxruntime")

    data = _read(path, sha256)
    options = onnxruntime.SessionOptions()
    # one thread: files are what is done in parallel, and a grid is too small to share
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:  # from bytes, so that a model cannot name other files as its data
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a dozen kinds
        raise InvalidWeights(path, reason="it is no network that ONNX Runtime takes", expected="ONNX") from error
    found: set[str] = {given.name for given in session.get_inputs()}
    if found != inputs:
        raise InvalidWeights(path, reason=f"it takes {sorted(found)}", expected=f"a network of {sorted(inputs)}")
    _check_planes(session, path, inputs)
    return session


def _check_planes(session: Network, path: Path, inputs: set[str]) -> None:
    """Refuse a network that does not make one finite plane of planes of the same size."""
    shape = (1, 1, 48, 64)
    try:
        found = [np.asarray(one) for one in session.run(None, dict.fromkeys(inputs, np.full(shape, 0.5, np.float32)))]
    except Exception as error:  # as above: planes of another type or rank are asked for, or it fails
        raise InvalidWeights(
            path, reason="it does not take planes", expected="float32 (1, 1, rows, columns)"
        ) from error
    if [(one.shape, one.dtype) for one in found] != [(shape, np.float32)] or not np.isfinite(found[0]).all():
        told = ", ".join(f"{one.dtype} {one.shape}" for one in found)
        raise InvalidWeights(
            path, reason=f"of planes of {shape} it makes {told}", expected="one finite float32 plane of that size"
        )


def _read(path: Path, sha256: str | None) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InvalidWeights(path, reason=error.strerror or "it cannot be read", expected="a file") from error
    if len(data) > LARGEST_BYTES:
        raise InvalidWeights(path, reason=f"it has more than {LARGEST_BYTES:,} bytes", expected="a small network")
    got = hashlib.sha256(data).hexdigest()
    if sha256 is not None and got != sha256:
        raise InvalidWeights(path, reason=f"its SHA-256 is {got}", expected=f"{sha256}: it was changed or damaged")
    return data
