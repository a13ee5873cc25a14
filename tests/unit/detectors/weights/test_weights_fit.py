"""Weights of one's own go through the detectors' own reader; published ones are known by their content."""

import pickle

import pytest

from repost.core.errors import InvalidWeights
from repost.detectors import find_card
from repost.detectors.obtain import add_weights
from repost.detectors.store import examine, find_weights


def save_network(path, name):
    torch = pytest.importorskip("torch")
    from repost.detectors import networks

    torch.save(networks.build(name).state_dict(), path)
    return path


def test_weights_of_ones_own_are_loaded_and_found_again(store, tmp_path):
    mine = save_network(tmp_path / "mine.pt", "meso4-shared-bn")
    assert add_weights(mine, name="meso4-shared-bn").record.checked
    assert find_weights(find_card("meso4-shared-bn")).read_bytes() == mine.read_bytes()


def test_weights_of_another_network_are_refused_with_the_names_that_differ(store, tmp_path):
    mine = save_network(tmp_path / "mine.pt", "mesoinception4-shared-bn")
    with pytest.raises(InvalidWeights, match="conv"):
        add_weights(mine, name="meso4-shared-bn")
    assert examine(find_card("meso4-shared-bn")).state == "absent"


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_in_a_file_is_executed(store, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "hostile.pt").write_bytes(pickle.dumps(Touch(tmp_path / "executed"), protocol=2))
    with pytest.raises(InvalidWeights):
        add_weights(tmp_path / "hostile.pt", name="xception-ffpp-c23")
    assert not (tmp_path / "executed").exists()
    assert examine(find_card("xception-ffpp-c23")).state == "absent"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Meso4_DF.h5", "meso4-df"),
        ("Meso4_F2F.h5", "meso4-f2f"),
        ("MesoInception_DF.h5", "mesoinception4-df"),
        ("MesoInception_F2F.h5", "mesoinception4-f2f"),
    ],
)
def test_the_published_files_at_hand_are_recognised(store, shared_data, file, name):
    got = add_weights(shared_data / "weights" / "mesonet" / file)
    assert got.card.name == name and examine(got.card).published is True
