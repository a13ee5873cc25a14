"""ComGAN: what a network does to pictures beyond what its profile knows, learned from pairs.

`ComGanRecipe` trains a residual on top of a profile's steps, `load_residual` reads it, and
`SurrogateChannel(profile, residual=...)` uses it. `load_published` reads generators in DF-RAP's published layout.
"""

from repost.core.extras import require

require("torch", extra="torch")

from repost.estimation.comgan.judge import ClosestRule, Judged, closest_rule, judge  # noqa: E402
from repost.estimation.comgan.load import load_published, load_residual  # noqa: E402
from repost.estimation.comgan.networks import PatchDiscriminator, ResidualUNet  # noqa: E402
from repost.estimation.comgan.published import PublishedGenerator  # noqa: E402
from repost.estimation.comgan.recipe import ComGanRecipe, ComGanSettings  # noqa: E402

__all__ = [
    "ClosestRule",
    "ComGanRecipe",
    "ComGanSettings",
    "Judged",
    "PatchDiscriminator",
    "PublishedGenerator",
    "ResidualUNet",
    "closest_rule",
    "judge",
    "load_published",
    "load_residual",
]
