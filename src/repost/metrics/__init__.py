"""Pure functions that compare pictures, judge scores, and say how sure a share is."""

from repost.metrics.auc import auc
from repost.metrics.bootstrap import Interval, draw_groups, percentile_interval
from repost.metrics.fidelity import exact_share, mean_absolute_difference, psnr_db
from repost.metrics.roc import (
    Decisions,
    Ranking,
    Roc,
    area_under,
    average_precision,
    decisions_at,
    equal_error_rate,
    roc,
    true_positive_rate_at,
)
from repost.metrics.ssim import ssim

__all__ = [
    "Decisions",
    "Interval",
    "Ranking",
    "Roc",
    "area_under",
    "auc",
    "average_precision",
    "decisions_at",
    "draw_groups",
    "equal_error_rate",
    "exact_share",
    "mean_absolute_difference",
    "percentile_interval",
    "psnr_db",
    "roc",
    "ssim",
    "true_positive_rate_at",
]
