"""One training loop for every network: resume, mixed precision, averages of weights, logs."""
