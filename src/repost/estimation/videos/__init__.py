"""Pairs of videos: the rate factor and the scaling kernel a network used, found by encoding the upload again."""
