"""A detector whose scores can be worked out by hand."""

import numpy as np


class RedIsFake:
    """Logit: a tenth of how much redder than blue a picture is."""

    def score_pixels(self, faces):
        return np.array([(face[..., 0].mean() - face[..., 2].mean()) / 10 for face in faces])
