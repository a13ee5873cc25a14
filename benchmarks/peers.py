"""An environment of their own for the libraries that are compared with, so that none is a dependency.

It sees the packages of the environment it is made from, so that torch is not installed twice.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

PACKAGES = ("kornia==0.9.*", "kornia_rs")
FOLDER = Path(__file__).parent / ".peers" / f"{sys.version_info.major}.{sys.version_info.minor}"
_STARTED = "REPOST_BENCHMARK_PEERS"


def enter_peers() -> None:
    """Go on with kornia at hand: as it is where it is installed, else the same command again in its environment.

    Where it cannot be installed, say so and go on without.
    """
    if has_kornia() or os.environ.get(_STARTED):
        return
    try:
        python = _made()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"kornia is not measured: it could not be installed ({error})", file=sys.stderr)
        return
    finished = subprocess.run([python, *sys.argv], env=os.environ | {_STARTED: "1"}, check=False)
    sys.exit(finished.returncode)


def has_kornia() -> bool:
    """Whether kornia can be imported here."""
    return importlib.util.find_spec("kornia") is not None


def _made() -> Path:
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = FOLDER / "complete"
    if complete.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
    packages = Path(_printed(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    seen = sysconfig.get_path("purelib")
    (packages / "host.pth").write_text(f"import site; site.addsitedir({seen!r})\n", encoding="utf-8")
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *PACKAGES)
    subprocess.run(install, check=True)
    complete.touch()
    return python


def _printed(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
