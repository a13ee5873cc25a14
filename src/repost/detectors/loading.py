"""A detector by its name, with its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from repost.core.errors import WeightsNotFound
from repost.core.extras import require
from repost.core.files import digest_file
from repost.detectors.card import DetectorCard, card_names, find_card, list_cards
from repost.detectors.store import find_weights

if TYPE_CHECKING:
    from repost.detectors.scorer import Scorer


def load(name: str | DetectorCard, weights: str | Path | None = None, *, device: str = "cpu") -> Scorer:
    """Load a detector.

    Args:
        name: Of a detector, such as "meso4-df"; of an architecture, such as "meso4", for weights of your own; or a
            card, such as one of `find_card` with another `fake_index`.
        weights: The file; None takes what `repost weights` put on this machine. Nothing is ever fetched here.
        device: Where it computes: "cpu"; "cuda", or "cuda:1" for the second GPU; "auto" takes a GPU where there is one.

    Returns:
        The detector, ready to be evaluated. Its weights take no gradients, its input does.

    Raises:
        DetectorNotFound: There is no such detector; near names are suggested.
        WeightsNotFound: No file was named, and none is on this machine.
        InputNotFound: There is no such file.
        UsageError: This machine has no such device.
        InvalidWeights: The file is damaged or hostile.
        WrongArchitecture: It holds weights of another network; what differs is named.
        MissingExtra: torch, or for Keras files h5py, is not installed.
    """
    card = name if isinstance(name, DetectorCard) else find_card(name)
    path = Path(weights) if weights is not None else _on_this_machine(card)
    require("torch", extra="detectors")
    from repost.detectors.networks import build
    from repost.detectors.networks.xception import Xception
    from repost.detectors.scorer import Deployed, Scorer
    from repost.detectors.weights import load_weights
    from repost.training.device import chosen_device

    where = chosen_device(device)
    network = build(card.network)
    load_weights(network, path, name=card.network)
    network.requires_grad_(requires_grad=False).eval()
    if isinstance(network, Xception):
        network.fuse()
    return Scorer(Deployed(network, card).ready_on(where), card, weights_sha256=digest_file(path))


def _on_this_machine(card: DetectorCard) -> Path:
    """Where `repost weights` put them."""
    if card.name not in card_names():
        published = [one.name for one in list_cards() if one.network == card.network and one.sources]
        raise WeightsNotFound(card.name, detectors=published)
    return find_weights(card)
