"""Pure functions that compare pictures."""

from repost.metrics.fidelity import exact_share, mean_absolute_difference, psnr_db
from repost.metrics.ssim import ssim

__all__ = ["exact_share", "mean_absolute_difference", "psnr_db", "ssim"]
