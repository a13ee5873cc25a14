"""Environments of their own for the libraries that are compared with, so that none is a dependency.

They see the packages of the environment they are made from, so that torch is not installed twice.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peers:
    """Libraries that are compared with.

    Attributes:
        name: Of the environment.
        packages: What pip is asked for; what they depend on is not installed with them.
        modules: What can be imported where they are there.
    """

    name: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def here(self) -> bool:
        """Whether they can be imported here."""
        return all(importlib.util.find_spec(module) is not None for module in self.modules)


KORNIA = Peers("", ("kornia==0.9.*", "kornia_rs"), ("kornia",))
WATERMARKS = Peers(
    "watermarks",
    ("invisible-watermark==0.2.0", "blind-watermark==0.4.4", "PyWavelets"),
    ("imwatermark", "blind_watermark", "pywt", "onnxruntime", "cv2", "torch"),
)

_ALL = Path(__file__).parent / ".peers"
_STARTED = "REPOST_BENCHMARK_PEERS"


def enter_peers(peers: Peers = KORNIA) -> None:
    """Go on with the peers at hand: as it is where they are installed, else the same command in their environment.

    Where they cannot be installed, say so and go on without.
    """
    if peers.here or os.environ.get(_STARTED):
        return
    named = ", ".join(peers.packages)
    try:
        python = _made(peers)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"{named}: not measured, they could not be installed ({error})", file=sys.stderr)
        return
    finished = subprocess.run([python, *sys.argv], env=os.environ | {_STARTED: "1"}, check=False)
    sys.exit(finished.returncode)


def has_kornia() -> bool:
    """Whether kornia can be imported here."""
    return KORNIA.here


def _made(peers: Peers) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = _ALL / "-".join(filter(None, (version, peers.name)))
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = folder / "complete"
    if complete.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    packages = Path(_printed(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    seen = sysconfig.get_path("purelib")
    (packages / "host.pth").write_text(f"import site; site.addsitedir({seen!r})\n", encoding="utf-8")
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *peers.packages)
    subprocess.run(install, check=True)
    complete.touch()
    return python


def _printed(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
