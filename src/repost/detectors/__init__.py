"""Networks that tell deepfakes from real faces: their architectures, weights, cards and scores."""
