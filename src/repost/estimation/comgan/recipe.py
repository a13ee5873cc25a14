"""How ComGAN is trained: L1 to what the network served, and a discriminator that compares patches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from repost.channel.surrogate import SurrogateChannel
from repost.channel.surrogate.quantiser import Gradient
from repost.core.errors import UsageError
from repost.estimation.comgan.crops import CropPair, Crops
from repost.estimation.comgan.networks import PatchDiscriminator, ResidualUNet
from repost.pairs.dataset import PairedDataset
from repost.pairs.dataset_records import PairRecord
from repost.platforms import Profile
from repost.training import Items, Networks, Recipe, StepContext, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class ComGanSettings:
    """What decides a ComGAN besides the pairs and the training settings.

    Attributes:
        widths: Channels of the residual's levels.
        discriminator_width: Channels of the discriminator's first layer.
        adversarial_weight: Weight of the adversarial loss beside the L1 loss in [0, 1]; 0 trains without.
        learning_rate: Of the residual.
        discriminator_rate: Of the discriminator.
        crop_px: Side of the training crops, a multiple of 16.
        validation_px: Side of the crops that select the weights.
        gradient: Slope of the quantiser of the last JPEG.
        rule_index: The profile's rule; see `SurrogateChannel`. None takes what matches a picture of a tile's size.
        seed: Of the places of crops.
    """

    widths: tuple[int, ...] = (24, 48, 96)
    discriminator_width: int = 32
    adversarial_weight: float = 2e-4
    learning_rate: float = 1e-3
    discriminator_rate: float = 2e-4
    crop_px: int = 64
    validation_px: int = 192
    gradient: Gradient = "zero_bin"
    rule_index: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise UsageError(f"got widths={self.widths}, expected one or more whole numbers from 1")
        if not 0 <= self.adversarial_weight < math.inf:
            raise UsageError(f"got adversarial_weight={self.adversarial_weight}, expected a number from 0")


class ComGanRecipe(Recipe):
    """The residual of one network on top of its profile.

    Args:
        profile: What is known of the network.
        train: Pairs to learn from.
        validation: Pairs that select the weights; of other sources.
        settings: Architecture, losses, crops.

    Raises:
        NoSurrogate: A step of the profile has no gradient.
        UsageError: There are no pairs, or the profile has no such rule.
    """

    name = "comgan"
    selects_by = "psnr_db"
    shipped = ("residual",)

    def __init__(
        self,
        profile: Profile,
        *,
        train: PairedDataset,
        validation: PairedDataset,
        settings: ComGanSettings | None = None,
    ) -> None:
        self.settings = settings or ComGanSettings()
        self.profile = profile
        self._train = Crops(train, size_px=self.settings.crop_px, seed=self.settings.seed)
        self._validation = Crops(validation, size_px=self.settings.validation_px, seed=None)
        self._names = [record.source_id for record in train.records]
        self._pairs = _fingerprint((*train.records, *validation.records))
        self.channel(None)  # what is wrong with the profile is told before anything is written

    def facts(self) -> Mapping[str, str | int | float | bool | None]:
        """Settings, the profile and the pairs."""
        settings = asdict(self.settings) | {"widths": "-".join(map(str, self.settings.widths))}
        return {"profile": self.profile.id, "profile_digest": self.profile.digest, "pairs": self._pairs, **settings}

    def networks(self) -> dict[str, nn.Module]:
        """The residual and, where there is an adversarial loss, its discriminator."""
        found: dict[str, nn.Module] = {"residual": ResidualUNet(self.settings.widths)}
        if self.settings.adversarial_weight:
            found["discriminator"] = PatchDiscriminator(self.settings.discriminator_width)
        return found

    def optimisers(self, networks: Networks) -> dict[str, Optimizer]:
        """Adam for both."""
        rates = {"residual": self.settings.learning_rate, "discriminator": self.settings.discriminator_rate}
        return {name: Adam(network.parameters(), rates[name], (0.5, 0.99)) for name, network in networks.items()}

    def step(self, networks: Networks, batch: Any, context: StepContext) -> Iterator[Turn]:  # noqa: ANN401
        """One turn of the discriminator, one of the residual."""
        del context  # the channel draws from torch's generator, which the loop seeds for each step
        pair = CropPair(*batch)
        made = self.channel(networks["residual"])(pair.original)
        losses = {"l1": functional.l1_loss(made, pair.transmitted)}
        if self.settings.adversarial_weight:
            judge = networks["discriminator"]
            real, fake = judge(pair.original, pair.transmitted), judge(pair.original, made.detach())
            hinge = functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
            yield Turn("discriminator", {"hinge": hinge})
            losses["adversarial"] = -self.settings.adversarial_weight * judge(pair.original, made).mean()
        yield Turn("residual", losses)

    def train_data(self) -> Items:
        """Crops at random places."""
        return self._train

    def validation_data(self) -> Items:
        """Crops of the middle."""
        return self._validation

    def validate(self, networks: Networks, batches: Iterable[Any], context: StepContext) -> Mapping[str, float]:
        """Mean PSNR against what was served, and that of the profile alone beside it, dB."""
        del context
        found: dict[str, list[Tensor]] = {"psnr_db": [], "psnr_db_profile": []}
        for batch in batches:
            pair = CropPair(*batch)
            for name, residual in (("psnr_db", networks["residual"]), ("psnr_db_profile", None)):
                found[name].append(psnr_db(self.channel(residual)(pair.original), pair.transmitted))
        return {name: float(torch.cat(values).mean()) for name, values in found.items()}

    def item_name(self, index: int) -> str:
        """The source of a pair."""
        return self._names[index]

    def channel(self, residual: nn.Module | None) -> SurrogateChannel:
        """The profile with a residual, or alone."""
        return SurrogateChannel(
            self.profile, gradient=self.settings.gradient, residual=residual, rule_index=self.settings.rule_index
        )


def psnr_db(made: Tensor, real: Tensor) -> Tensor:
    """PSNR of each picture of a batch in [0, 1], at most 100 dB."""
    error = (made - real).square().flatten(1).mean(1)
    return -10 * torch.log10(error.clamp(min=1e-10))


def _fingerprint(records: Iterable[PairRecord]) -> str:
    """Of names and file sizes, which tell nearly every changed picture without reading them all."""
    named = sorted(
        f"{record.platform}/{record.source_id} {_size_bytes(record.original)} {_size_bytes(record.transmitted)}"
        for record in records
    )
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0  # a picture that is gone is an error when it is loaded
