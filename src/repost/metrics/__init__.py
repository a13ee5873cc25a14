"""Pure functions that compare pictures, and say how sure a share is."""

from repost.metrics.auc import auc
from repost.metrics.fidelity import exact_share, mean_absolute_difference, psnr_db
from repost.metrics.ssim import ssim

__all__ = ["auc", "exact_share", "mean_absolute_difference", "psnr_db", "ssim"]
