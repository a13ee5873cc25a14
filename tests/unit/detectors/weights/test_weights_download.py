"""A download over connections that break, from servers that lie."""

import resource
import socket
import ssl
from http.client import IncompleteRead
from urllib.error import URLError

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_site import (
    CONTENT,
    cut_after,
    endless,
    redirect,
    running_site,
    sha256_of,
    silent_after,
    status,
    web_page,
    whole,
)

from repost.core.errors import DownloadFailed, InvalidWeights, OutputUnwritable
from repost.detectors import web
from repost.detectors.download import Patience, Received, Remote, Retrying, download
from repost.detectors.web import check_address

QUICK = Patience(timeout_s=5, attempts=3, pause_s=0.001)
OTHER = CONTENT[::-1]
HALF = 70_000


@pytest.fixture
def fetch(site, tmp_path):
    """Download from the site; gives the part and what was told."""

    def call(*, content=CONTENT, size=True, patience=QUICK, listen=None):
        told = []
        remote = Remote(site.url, sha256_of(content), len(content) if size else None)
        download(remote, tmp_path / "part", patience=patience, listen=listen or told.append)
        return told

    call.part = tmp_path / "part"
    return call


def nothing_is_left(part):
    return not list(part.parent.iterdir())


def test_a_whole_file_arrives_and_is_told_of(fetch, site):
    told = fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert [path.name for path in fetch.part.parent.iterdir()] == ["part"]
    counts = [event.received_bytes for event in told if isinstance(event, Received)]
    assert counts == sorted(counts) and counts[-1] == len(CONTENT)
    assert {event.total_bytes for event in told} == {len(CONTENT)}
    ((_, headers),) = site.asked
    assert headers["User-Agent"].startswith("repost/") and headers["Accept-Encoding"] == "identity"


def test_a_cut_connection_is_gone_on_from_where_it_broke(fetch, site):
    site.script.append(cut_after(HALF))
    told = fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert site.ranges_asked == [None, f"bytes={HALF}-"]
    assert site.asked[1][1]["If-Range"] == '"v1"'
    (broke,) = (event for event in told if isinstance(event, Retrying))
    assert (broke.received_bytes, broke.reason) == (HALF, "the connection ended after 70,000 of 156,128 bytes")


def test_a_server_without_ranges_starts_over(fetch, site):
    site.ranges = False
    site.script.append(cut_after(HALF))
    told = fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert site.ranges_asked == [None, f"bytes={HALF}-"]
    counts = [event.received_bytes for event in told if isinstance(event, Received)]
    assert counts != sorted(counts), "it began again at the first byte"


def test_a_file_that_changed_starts_over(fetch, site):
    site.script.append(cut_after(HALF))
    with pytest.raises(DownloadFailed) as raised:
        fetch(content=OTHER, patience=Patience(attempts=1))
    assert raised.value.kept_bytes == HALF and "70,000 bytes are kept" in str(raised.value)
    site.content, site.etag = OTHER, '"v2"'
    fetch(content=OTHER)
    assert fetch.part.read_bytes() == OTHER
    assert site.ranges_asked == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize("etag", [None, 'W/"v1"'])
def test_a_file_that_changed_unseen_is_told_by_its_checksum_and_fetched_again(fetch, site, etag):
    """No strong validator to send, so that the server goes on with other bytes than those that are here."""
    site.etag = etag
    site.script.append(cut_after(HALF))
    with pytest.raises(DownloadFailed):
        fetch(content=OTHER, patience=Patience(attempts=1))
    site.content = OTHER
    fetch(content=OTHER)
    assert fetch.part.read_bytes() == OTHER
    assert site.ranges_asked == [None, f"bytes={HALF}-", None]
    assert "If-Range" not in site.asked[1][1]


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(fetch, site):
    with pytest.raises(InvalidWeights, match=sha256_of(CONTENT)) as raised:
        fetch(content=OTHER)
    assert sha256_of(OTHER) in str(raised.value)
    assert len(site.asked) == 1 and nothing_is_left(fetch.part)


@pytest.mark.parametrize("code", [401, 403, 404, 410, 451])
def test_what_a_server_refuses_is_not_asked_again(fetch, site, code):
    site.script.extend([status(code)] * 3)
    with pytest.raises(DownloadFailed, match=f"answers {code} .*repost weights add FILE"):
        fetch()
    assert len(site.asked) == 1 and nothing_is_left(fetch.part)


def test_trouble_of_the_server_is_waited_for_with_longer_pauses(fetch, site):
    site.script.extend([status(503), status(429)])
    told = fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert [event.pause_s for event in told if isinstance(event, Retrying)] == [0.001, 0.002]


def test_trouble_without_an_end_is_given_up(fetch, site):
    site.script.extend([status(500)] * 5)
    with pytest.raises(DownloadFailed, match="answers 500"):
        fetch()
    assert len(site.asked) == QUICK.attempts


def test_breaks_that_win_bytes_are_not_counted(fetch, site):
    site.script.extend([cut_after(30_000)] * 5)
    told = fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert [event.received_bytes for event in told if isinstance(event, Retrying)] == [30_000 * n for n in range(1, 6)]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_keeps_the_range(fetch, site, code):
    site.script.extend([redirect("/elsewhere", code), cut_after(HALF), redirect("/elsewhere", code)])
    fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert [path for path, _ in site.asked] == ["/weights.h5", "/elsewhere"] * 2
    assert site.ranges_asked == [None, None, f"bytes={HALF}-", f"bytes={HALF}-"]


def test_redirects_without_an_end_are_refused(fetch, site):
    site.script.extend([redirect("/weights.h5")] * 50)
    with pytest.raises(DownloadFailed, match="redirects more than 5 times"):
        fetch()
    assert len(site.asked) == 6


@pytest.mark.parametrize(
    "target",
    ["http://weights.invalid/a", "file:///etc/passwd", "ftp://127.0.0.1/a", "", "//weights.invalid/a", "http://[/"],
)
def test_a_redirect_to_an_unsafe_address_is_refused(fetch, site, target):
    """The empty one leads to itself, so that it ends by the number of redirects."""
    site.script.extend([redirect(target)] * 10)
    with pytest.raises(DownloadFailed, match=r"redirects (to|more than)"):
        fetch()
    assert nothing_is_left(fetch.part)


@pytest.mark.parametrize(
    ("url", "before", "safe"),
    [
        ("https://weights.invalid/a", None, True),
        ("http://weights.invalid/a", None, False),
        ("http://127.0.0.1:80/a", None, True),
        ("http://[::1]/a", None, True),
        ("http://localhost/a", None, True),
        ("http://localhost.weights.invalid/a", None, False),
        ("http://127.0.0.1@weights.invalid/a", None, False),
        ("file:///etc/passwd", None, False),
        ("https:///a", None, False),
        ("https://weights.invalid/\r\nX: 1", None, False),
        ("https://weights.invalid/b", "https://weights.invalid/a", True),
        ("http://127.0.0.1/b", "https://weights.invalid/a", False),
        ("http://127.0.0.1/b", "http://127.0.0.1/a", True),
        ("https://weights.invalid/b", "http://127.0.0.1/a", True),
    ],
)
def test_convention_only_https_is_asked_and_never_left(url, before, safe):
    if safe:
        check_address(url, before=before)
        return
    with pytest.raises(DownloadFailed, match=r"expected .*https"):
        check_address(url, before=before)


def test_another_size_than_the_card_says_is_refused_before_a_byte_is_read(fetch, site):
    site.content, told = CONTENT + b"x", []
    with pytest.raises(InvalidWeights, match="got 156,129 bytes; expected 156,128 bytes"):
        fetch(listen=told.append)
    assert not told and nothing_is_left(fetch.part)


def test_a_server_that_sends_more_than_there_is_is_left_at_once(fetch, site):
    site.script.append(endless)
    with pytest.raises(InvalidWeights, match="got more than 156,128 bytes"):
        fetch()
    assert nothing_is_left(fetch.part)
    assert site.sent_bytes < 64 << 20  # what the system's buffers take, and no more


def test_without_a_known_size_the_servers_word_is_taken(fetch, site):
    site.script.append(cut_after(HALF))
    told = fetch(size=False)
    assert fetch.part.read_bytes() == CONTENT
    assert told[0].total_bytes == len(CONTENT)


def test_a_silent_server_is_not_waited_for_for_ever(fetch, site):
    site.script.extend([silent_after(HALF), silent_after(0)])
    with pytest.raises(DownloadFailed, match="timed out"):
        fetch(patience=Patience(timeout_s=0.2, attempts=2, pause_s=0.001))
    assert 0 < fetch.part.stat().st_size <= HALF
    kept = fetch.part.stat().st_size
    fetch()
    assert fetch.part.read_bytes() == CONTENT and site.ranges_asked[-1] == f"bytes={kept}-"


def test_an_interruption_keeps_what_is_here(fetch, site):
    def interrupt(event):
        if event.received_bytes > HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(listen=interrupt)
    kept = fetch.part.stat().st_size
    assert HALF < kept < len(CONTENT)
    fetch()
    assert fetch.part.read_bytes() == CONTENT and site.ranges_asked[-1] == f"bytes={kept}-"


def test_what_is_whole_is_not_asked_for(fetch, site):
    fetch.part.write_bytes(CONTENT)
    fetch()
    assert not site.asked


@pytest.mark.parametrize("here", [OTHER, CONTENT + b"x"])
def test_what_is_longer_than_the_file_is_thrown_away(fetch, site, here):
    fetch.part.write_bytes(here)
    fetch()
    assert fetch.part.read_bytes() == CONTENT
    assert site.ranges_asked == [f"bytes={len(here)}-", None]


def test_an_answer_of_another_range_is_not_appended(fetch, site):
    def from_byte_five(answer):
        answer.begin(206, Content_Range=f"bytes 5-9/{len(CONTENT)}", Content_Length=5)
        answer.wfile.write(CONTENT[5:10])

    site.script.extend([cut_after(HALF), from_byte_five])
    fetch()
    assert fetch.part.read_bytes() == CONTENT and site.ranges_asked == [None, f"bytes={HALF}-", None]


def test_a_web_page_is_not_taken_for_a_file(fetch, site):
    site.script.append(web_page)
    with pytest.raises(DownloadFailed, match="got a web page, expected a file"):
        fetch()
    assert nothing_is_left(fetch.part)


def test_the_proxy_of_the_environment_is_asked(fetch, site, monkeypatch, tmp_path):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{site.server_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    remote = Remote("http://127.0.0.1:9/of-another-machine", sha256_of(CONTENT))
    download(remote, tmp_path / "part", patience=QUICK, listen=lambda _: None)
    assert [path for path, _ in site.asked] == ["http://127.0.0.1:9/of-another-machine"]


def test_no_server_is_said_at_once(fetch, tmp_path):
    told = []
    with pytest.raises(DownloadFailed, match="Connection refused"):
        download(Remote("http://127.0.0.1:9/a", "0" * 64), tmp_path / "part", patience=QUICK, listen=told.append)
    assert not told


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (URLError(ssl.SSLCertVerificationError(1, "certificate verify failed")), False),
        (URLError(socket.gaierror(-2, "Name or service not known")), False),
        (URLError(ConnectionRefusedError(111, "Connection refused")), False),
        (URLError(TimeoutError("timed out")), True),
        (URLError(ConnectionResetError(104, "Connection reset by peer")), True),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), True),
        (IncompleteRead(b"a", 9), True),
    ],
)
def test_only_what_may_pass_is_tried_again(fetch, monkeypatch, error, passes):
    asked = []

    def fail(*_, **__):
        asked.append(error)
        raise error

    monkeypatch.setattr(web.OpenerDirector, "open", fail)
    with pytest.raises(DownloadFailed):
        fetch()
    assert len(asked) == (QUICK.attempts if passes else 1)


def test_a_full_disk_keeps_what_is_here(fetch, site):
    """A real write failure: the process may not make files over a limit, as with a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OutputUnwritable, match="goes on from there"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert fetch.part.stat().st_size == 50_000
    fetch()
    assert fetch.part.read_bytes() == CONTENT and site.ranges_asked == [None, "bytes=50000-"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, len(CONTENT)), max_size=5),
    ranges=st.booleans(),
    if_range=st.booleans(),
    etag=st.sampled_from([None, '"v1"', 'W/"v1"']),
    here=st.sampled_from([b"", CONTENT[:1], CONTENT[:HALF], OTHER[:HALF], OTHER, CONTENT]),
)
def test_whatever_breaks_only_the_whole_file_is_taken(tmp_path, cuts, ranges, if_range, etag, here):
    with running_site() as site:
        site.ranges, site.if_range, site.etag = ranges, if_range, etag
        site.script.extend([*map(cut_after, cuts), whole])
        part = tmp_path / "part"
        part.write_bytes(here)
        remote = Remote(site.url, sha256_of(CONTENT), len(CONTENT))
        download(remote, part, patience=Patience(attempts=7, pause_s=0), listen=lambda _: None)
        assert part.read_bytes() == CONTENT
