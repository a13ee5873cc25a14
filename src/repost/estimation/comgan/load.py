"""Read trained residuals and published generators."""

from __future__ import annotations

from pathlib import Path

from repost.core.errors import InvalidWeights
from repost.estimation.comgan.networks import ResidualUNet
from repost.estimation.comgan.published import PublishedGenerator
from repost.training import fit_into, read_foreign_weights, read_weights


def load_residual(path: Path) -> ResidualUNet:
    """A residual that `ComGanRecipe` trained, for `SurrogateChannel(profile, residual=...)`.

    Args:
        path: The file of weights.

    Returns:
        The network, in evaluation mode, on the CPU.

    Raises:
        InputNotFound: It is not there.
        InvalidWeights: It is damaged, or of another recipe or architecture.
    """
    weights = read_weights(path, recipe="comgan")
    widths = str(weights.card.facts.get("widths", ""))
    try:
        network = ResidualUNet(tuple(int(width) for width in widths.split("-")))
    except ValueError as error:
        expected = "widths such as '24-48-96'"
        raise InvalidWeights(path, reason=f"got widths '{widths}' in its card", expected=expected) from error
    weights.load_into(network)
    return network.eval()


def load_published(path: Path) -> PublishedGenerator:
    """A generator in the layout DF-RAP published; only tensors are read, no code in the file is run.

    Args:
        path: A file of `torch.save` or safetensors with the state dict of `ComG`.

    Returns:
        The network in training mode, as its authors run it; see `PublishedGenerator`.

    Raises:
        InputNotFound: It is not there.
        InvalidWeights: It holds more than tensors, or other tensors.
    """
    tensors = read_foreign_weights(path)
    network = PublishedGenerator()
    fit_into(network, {name.removeprefix("module."): tensor for name, tensor in tensors.items()}, path=path)
    return network.train()
