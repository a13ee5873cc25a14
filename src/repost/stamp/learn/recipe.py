"""How a stamp is learned: the embedder and the extractor together, by the cosine that the scan decides with."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from repost.core.errors import UsageError
from repost.stamp.grid import STAMP_CELLS
from repost.stamp.learn.distort import add_noise, distort, luma, to_eight_bits
from repost.stamp.learn.geometry import Geometry, draw_geometry, untouched
from repost.stamp.learn.photos import Photos
from repost.stamp.networks import Embedder, Extractor, mask
from repost.stamp.tile import TILE_CELLS, lattice
from repost.training import Items, Networks, Recipe, StepContext, Turn

RecipeName: TypeAlias = Literal["baseline", "rs", "rs_aug"]

_SHARE_OF_CELLS = len(lattice().frequencies) / TILE_CELLS**2  # independent numbers to a cell, within the band
_SIDES_PX = (192, 256, 320)
_GAINS = 1.8  # about the range in which `gain` scales residuals


@dataclass(frozen=True, slots=True, kw_only=True)
class StampRecipeSettings:
    """What decides a stamp besides the photographs and the training settings.

    Attributes:
        augment: Whether stamped pictures are turned, cut, jittered, softened, compressed and shared on networks.
        sigma: The most Gaussian noise on smoothed copies, on the scale of [0, 1]; 0 has none.
        noisy: How many of the steps see smoothed copies.
        cap_levels: The most by which a pixel changes, 8-bit levels.
        stronger: How much stronger the stamp is in the beginning; geometry is full from the start.
        psnr_db: Of every picture the residual is pressed to at least this.
        wanted: The margin over a wrong key that is aimed at, in standard deviations of the null.
        perceptual: Weight of the residual in places that hide nothing.
        embedder_width: Channels of the embedder.
        extractor_width: Channels of the extractor.
        learning_rate: Of both.
    """

    augment: bool = True
    sigma: float = 0.25
    noisy: float = 0.15
    cap_levels: float = 4.5
    stronger: float = 1.8
    psnr_db: float = 45.0
    wanted: float = 16.0
    perceptual: float = 0.02
    embedder_width: int = 24
    extractor_width: int = 32
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        if not 0 <= self.sigma <= 1:
            raise UsageError(f"got sigma={self.sigma}, expected 0 to 1")
        if not 0 < self.cap_levels <= 32:
            raise UsageError(f"got cap_levels={self.cap_levels}, expected up to 32")


RECIPES: dict[RecipeName, StampRecipeSettings] = {
    "baseline": StampRecipeSettings(augment=False, sigma=0.0),
    "rs": StampRecipeSettings(augment=False, sigma=0.25, noisy=0.5),
    "rs_aug": StampRecipeSettings(),
}
"""DeepRAFT's three: plain; with randomized smoothing; with a stochastic concatenation of augmentations as well."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamped batch.

    Attributes:
        pictures: (n, channels, side, side), 8-bit levels in [0, 1].
        carrier: (n, 1, 96, 96), what the keys asked for.
        residual: (n, 1, 96, 96), in [0, 1] scale, before rounding.
        quiet: (n, 1, 96, 96), the mask.
        psnr_db: (n,).
    """

    pictures: Tensor
    carrier: Tensor
    residual: Tensor
    quiet: Tensor
    psnr_db: Tensor


class StampRecipe(Recipe):
    """A stamp.

    Args:
        name: One of `RECIPES`, for the settings that are not given.
        train: Photographs to learn from.
        validation: Photographs that select the weights; others.
        settings: Instead of the recipe's own.
    """

    selects_by = "z_low"

    def __init__(
        self, name: RecipeName, *, train: Photos, validation: Photos, settings: StampRecipeSettings | None = None
    ) -> None:
        if name not in RECIPES:
            raise UsageError(f"got the recipe '{name}', expected one of {', '.join(RECIPES)}")
        self.name = name
        self.settings = settings or RECIPES[name]
        self._train, self._validation = train, validation

    def facts(self) -> Mapping[str, str | int | float | bool | None]:
        """Settings and photographs."""
        photos = {"train": self._train.fingerprint(), "validation": self._validation.fingerprint()}
        sizes = {"train_photos": len(self._train.paths), "validation_photos": len(self._validation.paths)}
        return {**asdict(self.settings), **photos, **sizes, "crop_px": self._train.size_px}

    def networks(self) -> dict[str, nn.Module]:
        """The embedder and the extractor."""
        told = self.settings
        made: dict[str, nn.Module] = {
            "embedder": Embedder(told.embedder_width),
            "extractor": Extractor(told.extractor_width),
        }
        return {name: network.to(memory_format=torch.channels_last) for name, network in made.items()}  # pyright: ignore[reportCallIssue]

    def optimisers(self, networks: Networks) -> dict[str, Optimizer]:
        """One for both."""
        parameters = [one for network in networks.values() for one in network.parameters()]
        return {"both": AdamW(parameters, self.settings.learning_rate, weight_decay=1e-4)}

    def step(self, networks: Networks, batch: Any, context: StepContext) -> Iterator[Turn]:  # noqa: ANN401
        """Stamp with a fresh key each, distort, estimate, and compare with the carriers, distorted likewise."""
        told, rng = self.settings, context.rng
        stronger = 1 + (told.stronger - 1) * max(0.0, 1 - context.step / (0.3 * context.steps))
        strength = stronger * _around(len(batch), _GAINS, context)
        stamped = self.stamp(networks, _sized(batch, rng), context, strength=strength)
        z, wrong = self.look(networks, stamped, context)
        # beyond the margin there is little to gain; the last term keeps the strong ones from being given up
        detection = functional.softplus((told.wanted - (z - wrong)) / 4).mean() - 0.5 * z.clamp(min=1).log().mean()
        allowed = told.psnr_db - 20 * torch.log10(strength)
        excess = functional.relu(allowed - stamped.psnr_db).square().mean()
        seen = (stamped.residual.square() / stamped.quiet.square()).mean((1, 2, 3)) / strength.square()
        losses = {
            "detection": 0.6 * detection,
            "residual": 0.15 * excess,
            "perceptual": told.perceptual * seen.mean() * 255**2,
        }
        yield Turn("both", losses)

    def stamp(self, networks: Networks, batch: Tensor, context: StepContext, *, strength: Tensor) -> Stamped:
        """Stamp a batch, every picture with a key of its own.

        Args:
            networks: By name.
            batch: float32 (n, 3, side, side) in [0, 1].
            context: Where keys are drawn from.
            strength: (n,), multiplies the cap.

        Returns:
            Stamped pictures; most batches in grey, where everything but colour is the same and three times as fast.
        """
        grey = luma(batch)
        mean = _cells(grey)
        deviation = (_cells(grey.square()) - mean.square()).clamp(min=0).sqrt()
        carrier = draw_carriers(len(batch), context)
        share = networks["embedder"](mean, deviation, carrier).float()
        residual = share * (self.settings.cap_levels / 255 * strength).view(-1, 1, 1, 1)
        shown = batch if context.rng.random() < 0.3 else grey
        added = functional.interpolate(residual, shown.shape[-2:], mode="bicubic", align_corners=False)
        pictures = to_eight_bits(shown + added)
        error = (pictures - shown).square().mean((1, 2, 3))
        with torch.no_grad():
            quiet = mask(mean, deviation)
        return Stamped(pictures, carrier, residual, quiet, -10 * torch.log10(error + 1e-9))

    def look(self, networks: Networks, stamped: Stamped, context: StepContext) -> tuple[Tensor, Tensor]:
        """Distort a stamped batch, and compare its estimates with the carriers.

        Args:
            networks: By name.
            stamped: The batch.
            context: Where distortions are drawn from.

        Returns:
            For the right key and for a wrong one, (n,): cosines in standard deviations of the null.
        """
        n, rng = len(stamped.pictures), context.rng
        touched = self.settings.augment and rng.random() >= 0.08
        geometry = draw_geometry(n, rng) if touched else untouched(n)
        pictures = stamped.pictures
        if touched:
            pictures = to_eight_bits(distort(pictures, geometry, rng, context.generator))
        if self.settings.sigma and rng.random() < self.settings.noisy:
            sigma = torch.rand(n, generator=context.generator, device=pictures.device) * self.settings.sigma
            pictures = add_noise(pictures, sigma, context.generator)
        estimate = networks["extractor"](_cells(luma(pictures), geometry.level)).float()
        return _standardised(estimate, stamped.carrier, geometry)

    def train_data(self) -> Items:
        """Pieces at random places."""
        return self._train

    def validation_data(self) -> Items:
        """The middle of every photograph."""
        return self._validation

    def validate(self, networks: Networks, batches: Iterable[Any], context: StepContext) -> Mapping[str, float]:
        """What the weakest tenth reaches, in standard deviations; the mean; a wrong key; PSNR, dB."""
        found: dict[str, list[Tensor]] = {"z": [], "wrong": [], "psnr_db": []}
        for batch in batches:
            strength = torch.ones(len(batch), device=batch.device)
            stamped = self.stamp(networks, batch.float() / 255, context, strength=strength)
            found["psnr_db"].append(stamped.psnr_db)
            for _ in range(6):
                z, wrong = self.look(networks, stamped, context)
                found["z"].append(z)
                found["wrong"].append(wrong)
        joined = {name: torch.cat(parts) for name, parts in found.items()}
        return {
            "z_low": float(joined["z"].quantile(0.1)),
            "z_mean": float(joined["z"].mean()),
            "wrong_key_deviation": float(joined["wrong"].std()),
            "psnr_db": float(joined["psnr_db"].mean()),
        }

    def item_name(self, index: int) -> str:
        """The file of a photograph."""
        return self._train.name(index)


def draw_carriers(n: int, context: StepContext) -> Tensor:
    """Carriers of keys that nobody has: a random direction and shift each.

    Args:
        n: How many.
        context: Where they are drawn from.

    Returns:
        (n, 1, 96, 96) of root mean square 1.
    """
    found = lattice()
    directions = torch.randn((n, found.dimensions), generator=context.generator, device=context.device)
    spread = directions / torch.as_tensor(found.orbit_sizes, device=context.device).sqrt()
    spectrum = torch.zeros((n, TILE_CELLS, TILE_CELLS), device=context.device)
    rows, columns = (torch.as_tensor(part % TILE_CELLS) for part in found.frequencies.T)
    spectrum[:, rows, columns] = spread[:, torch.as_tensor(found.orbit)].float()
    tiles: Tensor = cast("Any", torch.fft).ifft2(spectrum).real
    tiles = tiles / tiles.square().mean((1, 2), keepdim=True).sqrt()
    return torch.stack([_laid(tile, context.rng) for tile in tiles])[:, None]


def _laid(tile: Tensor, rng: random.Random) -> Tensor:
    place = torch.arange(STAMP_CELLS)
    down, across = ((place - rng.randrange(TILE_CELLS)) % TILE_CELLS for _ in range(2))
    return tile[down[:, None], across]


def _standardised(estimate: Tensor, carrier: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Cosines times the root of how many independent numbers the picture holds: the null's standard deviation is 1."""
    numbers = geometry.cells(torch.ones_like(carrier)) * _SHARE_OF_CELLS
    length = estimate.square().sum((1, 2, 3)).sqrt() + 1e-6
    found: list[Tensor] = []
    for carried in (geometry.carry(carrier), geometry.carry(carrier.roll(1, 0))):
        product = (estimate * carried).sum((1, 2, 3))
        cosine = product / (length * carried.square().sum((1, 2, 3)).sqrt() + 1e-6)
        found.append(cosine * numbers.sqrt())
    return found[0], found[1]


def _sized(batch: Tensor, rng: random.Random) -> Tensor:
    """In [0, 1], at one of the sizes that are trained with."""
    pictures = batch.float() / 255
    side = rng.choice([side for side in _SIDES_PX if side <= pictures.shape[-1]] or [pictures.shape[-1]])
    if side == pictures.shape[-1]:
        return pictures
    return functional.interpolate(pictures, (side, side), mode="area")


def _cells(plane: Tensor, side: int = STAMP_CELLS) -> Tensor:
    """Means of cells."""
    if plane.shape[-1] >= side:
        return functional.adaptive_avg_pool2d(plane, side)
    return functional.interpolate(plane, (side, side), mode="bilinear", align_corners=False)


def _around(n: int, spread: float, context: StepContext) -> Tensor:
    """Log-uniform within a factor of `spread` of 1."""
    drawn = torch.rand(n, generator=context.generator, device=context.device)
    return torch.exp((2 * drawn - 1) * math.log(spread))
