"""How a stamp's networks are trained, and made into a model; needs torch."""

from __future__ import annotations

from repost.stamp.learn.photos import Photos
from repost.stamp.learn.recipe import RECIPES, StampRecipe, StampRecipeSettings
from repost.stamp.learn.release import export_model

__all__ = ["RECIPES", "Photos", "StampRecipe", "StampRecipeSettings", "export_model"]
