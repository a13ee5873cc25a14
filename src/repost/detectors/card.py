"""What is known about a detector: how to feed it, what its outputs mean, where its weights are, how good it is."""

from __future__ import annotations

import difflib
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from repost.core.errors import DetectorNotFound

CARDS = Path(__file__).parent / "cards"
"""Where the cards are, one TOML file each, named as the detector."""

NetworkName = Literal["meso4", "mesoinception4", "meso4-shared-bn", "mesoinception4-shared-bn", "xception"]

_DEFAULTS: dict[NetworkName, str] = {
    "meso4": "meso4-df",
    "mesoinception4": "mesoinception4-df",
    "meso4-shared-bn": "meso4-shared-bn",
    "mesoinception4-shared-bn": "mesoinception4-shared-bn",
    "xception": "xception-ffpp-c23",
}
"""By architecture, the card that says how weights of no card's own are fed and read."""

_Triple = Annotated[tuple[float, float, float], Field(description="red, green, blue")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputFacts(_Part):
    """How a face is fed.

    Attributes:
        size_px: Side of the square the network takes.
        resize: How a face is brought to that size: Pillow's filter of that name.
        mean: Subtracted from pixels in [0, 1].
        std: What the difference is divided by.
    """

    size_px: int = Field(ge=32, le=1024)
    resize: Literal["nearest", "bilinear", "bicubic"]
    mean: _Triple
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=3, max_length=3)]


class HeadFacts(_Part):
    """What the network's output means.

    Attributes:
        kind: "sigmoid": one output, whose sigmoid is the probability of class 1. "logits": two outputs, for a softmax.
        fake_index: Which class is fake. So "sigmoid" with 0 means that the sigmoid is the probability of real.
        evidence: How that is known, or that it is not.
    """

    kind: Literal["sigmoid", "logits"]
    fake_index: Literal[0, 1]
    evidence: str = Field(min_length=1)


class Source(_Part):
    """An address the weights were published at.

    Attributes:
        url: Of the file, or of an archive that holds it.
        member: In a zip archive, the path of the file; None where `url` is the file itself.
        size_bytes: Of the file of weights; None where it is not known.
        sha256: Of the file of weights; None where it is not known.
    """

    url: str = Field(pattern=r"^https?://[!-~]+$")
    member: str | None = None
    size_bytes: int | None = Field(default=None, ge=1)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Figure(_Part):
    """One number about a detector.

    Attributes:
        metric: Such as "frame AUC" or "share of real faces called fake".
        value: The number.
        interval: Its 95 % interval; None where none was given.
        data: What it was measured on.
        n: How many faces, frames or videos, in words; None where it is not known.
        source: Who says so: an address or a citation of a claim, the script of a measurement of ours.
    """

    metric: str
    value: float
    interval: tuple[float, float] | None = None
    data: str
    n: str | None = None
    source: str


class DetectorCard(_Part):
    """Everything known about one detector.

    Attributes:
        schema_version: Of this format.
        name: Such as "meso4-df".
        title: For people.
        network: The architecture.
        input: How a face is fed.
        head: What the output means.
        format: How the weights were published; the content of a file decides how it is read.
        licence: SPDX identifier, or words where it has none.
        licence_url: Where it stands.
        sources: Where the weights were published; empty where no address is known.
        trained_on: The data.
        claimed: What its authors or others published.
        remeasured: What was measured here.
        known_failures: What it is known to get wrong; read these before use.
        references: The paper and the code.
    """

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)
    title: str
    network: NetworkName
    input: InputFacts
    head: HeadFacts
    format: Literal["keras", "state_dict", "pickle"]
    licence: str
    licence_url: str | None = None
    sources: tuple[Source, ...] = ()
    trained_on: str
    claimed: tuple[Figure, ...] = ()
    remeasured: tuple[Figure, ...] = ()
    known_failures: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


def list_cards() -> list[DetectorCard]:
    """Every card, sorted by name."""
    return [_read(path) for path in sorted(CARDS.glob("*.toml"))]


def card_names() -> list[str]:
    """The name of every card, sorted."""
    return sorted(path.stem for path in CARDS.glob("*.toml"))


def find_card(name: str) -> DetectorCard:
    """The card of a detector, or of an architecture.

    Args:
        name: A detector such as "meso4-df", or an architecture such as "meso4", for weights that have no card.

    Returns:
        The card. Of an architecture it says how faces are fed and outputs read as its best-known weights do, and holds
        neither addresses nor numbers: those belong to weights.

    Raises:
        DetectorNotFound: There is none; near names are suggested.
    """
    asked = name.strip().lower()
    names = card_names()
    if asked in names:
        return _read(CARDS / f"{asked}.toml")
    for network, default in _DEFAULTS.items():
        if asked == network:
            return _without_weights(_read(CARDS / f"{default}.toml"))
    known = sorted({*names, *_DEFAULTS})
    raise DetectorNotFound(name, suggestions=difflib.get_close_matches(asked, known, n=3), available=known)


def _without_weights(card: DetectorCard) -> DetectorCard:
    evidence = f"as the weights of {card.name}; check yours on faces whose label you know"
    changes: dict[str, object] = {
        "name": card.network,
        "title": f"Weights of your own for the network {card.network}",
        "head": card.head.model_copy(update={"evidence": evidence}),
        "licence": "of whoever trained the weights",
        "licence_url": None,
        "trained_on": "not known",
        "known_failures": (),
    }
    return card.model_copy(update=changes | dict.fromkeys(("sources", "claimed", "remeasured"), ()))


@lru_cache(maxsize=64)
def _read(path: Path) -> DetectorCard:
    return DetectorCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
