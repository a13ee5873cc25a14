"""One training loop for every network: resume, mixed precision, averages of weights, logs."""

from repost.core.extras import require

for _package in ("torch", "safetensors"):  # Fabric takes seconds to import, so it is asked for when a training starts
    require(_package, extra="torch")
