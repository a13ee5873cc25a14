"""The differentiable channel: the same profiles, with gradients."""
