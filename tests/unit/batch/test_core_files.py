"""Files that are there whole or not at all."""

import errno
import hashlib
import os

import pytest

from repost.core.files import atomic_writer, digest_file, write_atomic


@pytest.mark.parametrize("fsync", [False, True])
@pytest.mark.parametrize("name", ["a.jpg", "n" * 255, "é" * 127, os.fsdecode(b"\xff.jpg"), "line\nbreak"])
def test_a_file_is_written_and_replaced(tmp_path, name, fsync):
    for data in (b"first", b"second, longer", b""):
        write_atomic(tmp_path / name, data, fsync=fsync)
        assert (tmp_path / name).read_bytes() == data
        assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_nobody_sees_half_a_file(tmp_path):
    path = tmp_path / "a.jpg"
    write_atomic(path, b"old")
    with atomic_writer(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert path.read_bytes() == b"old"
        assert (tmp_path / ".a.jpg.part").read_bytes() == b"half"
        stream.write(b" and half")
    assert path.read_bytes() == b"half and half"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), ValueError("bug")])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.jpg"
    write_atomic(path, b"old")
    with pytest.raises(type(error)), atomic_writer(path, fsync=True) as stream:
        stream.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_full_device_is_reported(tmp_path):
    (tmp_path / ".a.jpg.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_atomic(tmp_path / "a.jpg", b"new")
    assert not list(tmp_path.iterdir())


def test_a_name_taken_by_a_folder_is_an_error_that_cleans_up(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "a.jpg", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.jpg"]


def test_the_digest_is_that_of_the_content(tmp_path):
    data = bytes(range(256)) * 5000
    write_atomic(tmp_path / "a", data)
    assert digest_file(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_folders_and_pipes_have_no_digest(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError):
        digest_file(tmp_path)
    with pytest.raises(OSError, match="expected a regular file"):
        digest_file(tmp_path / "pipe")
