"""One request over HTTP: only to addresses that are safe to follow, through the proxy the environment names."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Generator, Mapping
from http.client import HTTPResponse
from typing import cast
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from repost import __version__
from repost.core.errors import DownloadFailed

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PLAIN = re.compile(r"[!-~]+")
_OURS = {"User-Agent": f"repost/{__version__}", "Accept-Encoding": "identity"}


@contextlib.contextmanager
def answer_of(url: str, *, headers: Mapping[str, str], timeout_s: float) -> Generator[HTTPResponse, None, None]:
    """Ask an address for its content, following redirects.

    Args:
        url: https, or http on this machine.
        headers: Besides those that name repost and ask for the bytes as they are.
        timeout_s: How long to wait for each sign of life.

    Yields:
        The answer, with a status of 200 to 299; its body is read inside the block.

    Raises:
        DownloadFailed: The address, or one it redirects to, is not safe to ask; or it redirects without end.
        HTTPError: Another status; it is closed.
        OSError: There is no connection, or it broke.
        http.client.HTTPException: The answer is not HTTP.
    """
    before: str | None = None
    for _ in range(_MOST_REDIRECTS + 1):
        check_address(url, before=before)
        try:
            request = Request(url, headers={**_OURS, **headers})  # noqa: S310 - the address was checked
            answer = _opener().open(request, timeout=timeout_s)
        except HTTPError as error:
            error.close()  # unread: what stands in a redirect or an error page is of no use
            if error.code not in _REDIRECTS:
                raise
            before, url = url, _target(url, error.headers.get("Location", ""))
            continue
        with answer:
            yield cast("HTTPResponse", answer)
        return
    raise DownloadFailed(url, reason=f"it redirects more than {_MOST_REDIRECTS} times")


def check_address(url: str, *, before: str | None = None) -> None:
    """Refuse an address that is not safe to ask.

    Args:
        url: The address.
        before: The one that redirects to it.

    Raises:
        DownloadFailed: It is neither https nor, on this machine, http; or an https address redirects to it.
    """
    if _is_safe(url) and (before is None or urlsplit(url).scheme == "https" or urlsplit(before).scheme == "http"):
        return
    if before is not None:
        raise DownloadFailed(before, reason=f"it redirects to {url!a}, expected an https address")
    raise DownloadFailed(url, reason="got an address without encryption, expected https")


def _is_safe(url: str) -> bool:
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError:
        return False
    if not host or _PLAIN.fullmatch(url) is None:
        return False
    return scheme == "https" or (scheme == "http" and _is_here(host))


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _opener() -> OpenerDirector:
    """HTTP and HTTPS alone: the usual opener also reads local files and FTP, and follows redirects by itself."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
        UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
