"""A web server on this machine whose answers a test decides."""

import contextlib
import hashlib
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from repost.detectors.card import Source

CONTENT = np.random.default_rng(7).bytes(156_128)
PAGE = b"<html>Sign in to download</html>"


def sha256_of(content):
    return hashlib.sha256(content).hexdigest()


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        script = self.server.script
        (script.popleft() if script else whole)(self)
        self.close_connection = True

    def log_message(self, *_):
        pass

    def begin(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def whole(answer, *, cut=None, stall=False):
    """All of the file, or from the byte that was asked for; may be cut, or cut and silent from there on."""
    site = answer.server
    content, asked = site.content, answer.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and site.ranges else 0
    if site.if_range and answer.headers.get("If-Range", site.etag) != site.etag:
        start = 0
    named = {"ETag": site.etag} if site.etag else {}
    if start and start >= len(content):
        answer.begin(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
        return
    if start:
        named["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    answer.begin(206 if start else 200, Content_Length=len(content) - start, **named)
    answer.wfile.write(content[start:][:cut])
    if stall:
        site.over.wait()


def cut_after(count):
    return lambda answer: whole(answer, cut=count)


def silent_after(count):
    return lambda answer: whole(answer, cut=count, stall=True)


def status(code):
    return lambda answer: answer.begin(code, Content_Length=0)


def redirect(target, code=302):
    return lambda answer: answer.begin(code, Location=target, Content_Length=0)


def web_page(answer):
    answer.begin(200, Content_Type="text/html; charset=utf-8", Content_Length=len(PAGE))
    answer.wfile.write(PAGE)


def endless(answer):
    """Chunks without an end, and no word of how many; what was sent is counted."""
    answer.begin(200, Transfer_Encoding="chunked")
    with contextlib.suppress(OSError):
        while not answer.server.over.is_set():
            answer.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            answer.server.sent_bytes += 0x10000


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.content, self.etag, self.ranges, self.if_range = CONTENT, '"v1"', True, True
        self.script, self.asked, self.sent_bytes, self.over = deque(), [], 0, threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/weights.h5"

    def handle_error(self, *_):
        pass  # the client has gone, as it should

    @property
    def ranges_asked(self):
        return [headers.get("Range") for _, headers in self.asked]


@contextlib.contextmanager
def running_site():
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.over.set()
            site.shutdown()
            thread.join()


def source_of(site, content=CONTENT, **changes):
    return Source(**{"url": site.url, "size_bytes": len(content), "sha256": sha256_of(content), **changes})
