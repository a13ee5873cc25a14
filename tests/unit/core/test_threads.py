"""Threads that something else starts: found, and waited for."""

import _thread
import threading

import pytest

from repost.core.threads import can_watch_threads, threads_started, wait_until_asleep

pytestmark = pytest.mark.skipif(not can_watch_threads(), reason="threads can be watched on Linux only")


@pytest.fixture
def start():
    """Starts threads as a library does, without a name, that sleep until the test is over."""
    over = threading.Event()

    def run():
        told = threading.Event()
        found = []

        def work():
            found.append(threading.get_native_id())
            told.set()
            over.wait()

        _thread.start_new_thread(work, ())
        told.wait()
        return found[0]

    yield run
    over.set()


def own_name():
    with open(f"/proc/self/task/{threading.get_native_id()}/comm") as file:
        return file.read()


def test_threads_are_found_in_the_order_they_were_started(start):
    start()
    name = own_name()
    with threads_started() as found:
        wanted = [start(), start()]
    assert found == wanted
    assert own_name() == name


def test_threads_that_another_thread_starts_meanwhile_are_not_meant(start):
    beside, go = [], threading.Event()

    def elsewhere():
        go.wait()
        beside.append(start())

    other = threading.Thread(target=elsewhere)
    other.start()
    with threads_started() as found:
        wanted = start()
        go.set()
        other.join()
    assert beside
    assert found == [wanted]


def test_the_name_comes_back_after_an_error():
    name = own_name()
    with pytest.raises(ValueError, match="broken"), threads_started():
        raise ValueError("broken")
    assert own_name() == name


def test_threads_that_sleep_or_ended_are_not_waited_for(start):
    assert wait_until_asleep([start(), 2**31 - 1], patience_s=60)


def test_a_thread_that_works_is_waited_for_no_longer_than_asked():
    assert not wait_until_asleep([threading.get_native_id()], patience_s=0.01)
