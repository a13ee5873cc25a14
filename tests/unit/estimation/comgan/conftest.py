"""Pairs and the command line for ComGAN's tests."""

import sys

import pytest

pytest.importorskip("torch")

from comgan_pairs import tiles, write_pairs

from repost.cli.app import main


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"), tiles(120))


@pytest.fixture
def cli(monkeypatch, capsys):
    """Call `repost` as a person would, in this process; returns its exit code, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["repost", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call
