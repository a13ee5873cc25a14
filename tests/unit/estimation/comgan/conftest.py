"""Pairs for ComGAN's tests."""

import pytest

pytest.importorskip("torch")

from comgan_pairs import tiles, write_pairs


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"), tiles(120))
