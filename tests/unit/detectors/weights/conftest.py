"""A site that publishes weights, a store of its own for each test, and cards that name the site."""

import pytest
import tomli_w
from local_site import running_site

from repost.detectors import card as card_module
from repost.detectors import find_card


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running_site() as site:
        yield site


@pytest.fixture
def store(monkeypatch, tmp_path):
    monkeypatch.setenv("REPOST_WEIGHTS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def publish(monkeypatch, tmp_path, site, store):
    """Replace the cards: those there are, and `meso4-df` with the sources a test gives it."""
    folder = tmp_path / "cards"
    folder.mkdir()
    for path in card_module.CARDS.glob("*.toml"):
        (folder / path.name).write_bytes(path.read_bytes())

    def replace(*sources, name="meso4-df"):
        card = find_card(name).model_copy(update={"sources": sources})
        (folder / f"{name}.toml").write_text(tomli_w.dumps(card.model_dump(mode="json", exclude_none=True)))
        card_module._read.cache_clear()
        return find_card(name)

    monkeypatch.setattr(card_module, "CARDS", folder)
    yield replace
    card_module._read.cache_clear()
