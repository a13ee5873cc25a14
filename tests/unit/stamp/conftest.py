import pytest
from toy_markers import write_photos


@pytest.fixture
def make_photos(tmp_path):
    """Write pictures of smooth noise into a folder of the test's own; see `write_photos`."""
    return lambda folder, count, **settings: write_photos(tmp_path / folder, count, **settings)
