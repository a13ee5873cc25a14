import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from repost.cli.app import main


class Said(NamedTuple):
    """What a call of `repost` ended with."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys) -> Callable[..., Said]:
    """Call `repost` as a person would, in this process."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["repost", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code, said = ended.value.code, capsys.readouterr()
        return Said(code if isinstance(code, int) else 0 if code is None else 1, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The measured files beside the repository; a test that asks for them carries the `shared` marker."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the measured files are not at {folder}")
    return folder
