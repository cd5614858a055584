"""The head of one request: from bytes to a WSGI environment, or a refusal. Strict, so that nobody reads it another way.

Where one request ends is decided here and nowhere else: at the blank line, or Content-Length bytes after it. llhttp
(in httptools) checks the grammar of exactly those bytes; whoever stands in front of us can disagree about nothing that
passes (attack: request smuggling).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools

MOST_HEAD = 32_768
"""Bytes of a whole head."""

_MOST_LINE = 8_190
_MOST_HEADERS = 100
_FIRST_LINE = re.compile(rb"[A-Z]+(?:-[A-Z]+)? [\x21-\x7e]+ HTTP/1\.[01]\r\n")
_AUTHORITY = r"(?:[A-Za-z0-9._\-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{0,5})?"
_HOST = re.compile(_AUTHORITY)
_TARGET = re.compile(rf"(?:https?://({_AUTHORITY})(?=[/?]|$))?((?:/[^?#]*)?)(?:\?([^#]*))?")
_TOKEN_OF_AWS_CLIENTS = "X-AMZ-SSO_BEARER_TOKEN"  # noqa: S105 - the name of a header
_CLOSING = frozenset({"close", "upgrade"})
_SINGLE = frozenset({"HTTP_HOST", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})


class NotHttp(Exception):
    """The bytes are no request that we would answer; `status` says which refusal fits."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """What a request says before its body."""

    environ: dict[str, Any]
    path: str
    length: int
    """Bytes of the body that follow."""
    is_chunked: bool
    keeps_open: bool
    """Whether the client wants to go on with this connection."""
    waits_for_word: bool
    """Whether it sends the body only after `100 Continue`."""


def read_head(raw: bytes, surroundings: dict[str, Any]) -> Head:
    """The head in these bytes, which end with its blank line; `surroundings` is what every environment holds.

    Raises:
        NotHttp: with the status to refuse it by.
    """
    if not _FIRST_LINE.match(raw):
        raise NotHttp(400)
    found = _Found(dict(surroundings))
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # We change to no other protocol; the request itself is answered as if it had not asked.
    except httptools.HttpParserError as problem:
        raise problem.__context__ if isinstance(problem.__context__, NotHttp) else NotHttp(400) from None
    return _head(found, parser)


class _Found:
    """What llhttp tells of one head."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.target = b""
        self.headers = 0
        self.is_whole = False

    def on_url(self, url: bytes) -> None:
        self.target += url
        if len(self.target) > _MOST_LINE:
            raise NotHttp(414)

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        self.headers += 1
        if self.headers > _MOST_HEADERS or len(raw_name) + len(raw_value) > _MOST_LINE:
            raise NotHttp(431)
        name = raw_name.decode("latin-1").upper()
        # WSGI writes both blanks of a name as `_`: X_Forwarded_For would arrive as X-Forwarded-For, which only trusted
        # peers may write. One header of stock AWS clients has an underscore by itself.
        if "_" in name and name != _TOKEN_OF_AWS_CLIENTS:
            return
        key = name.replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        self._keep(key, raw_value.decode("latin-1").strip(" \t"))

    def _keep(self, key: str, value: str) -> None:
        earlier = self.environ.get(key)
        if earlier is None:
            self.environ[key] = value
        elif key in _SINGLE:
            raise NotHttp(400)
        else:
            self.environ[key] = f"{earlier}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"

    def on_headers_complete(self) -> None:
        self.is_whole = True


def _head(found: _Found, parser: httptools.HttpRequestParser) -> Head:
    environ, version = found.environ, parser.get_http_version()
    if not found.is_whole or version not in ("1.0", "1.1"):
        raise NotHttp(400)
    method = parser.get_method().decode("latin-1")
    _check_host(environ.get("HTTP_HOST"), version)
    path, query = _split(method, found.target.decode("latin-1"), environ)
    expected = environ.get("HTTP_EXPECT", "").lower()
    if expected not in ("", "100-continue"):
        raise NotHttp(417)
    environ["REQUEST_METHOD"], environ["SERVER_PROTOCOL"] = method, f"HTTP/{version}"
    environ["PATH_INFO"], environ["QUERY_STRING"] = path, query
    return Head(
        environ=environ,
        path=path,
        length=_length(environ.get("CONTENT_LENGTH", "0")),
        is_chunked="HTTP_TRANSFER_ENCODING" in environ,
        keeps_open=version == "1.1" and method != "CONNECT" and _CLOSING.isdisjoint(_tokens(environ)),
        waits_for_word=bool(expected) and version == "1.1",
    )


def _check_host(host: str | None, version: str) -> None:
    """RFC 9112, 3.2: without a Host, or with one that is none, proxies and we could take it for different services."""
    if host is None:
        if version == "1.1":
            raise NotHttp(400)
    elif host and not _HOST.fullmatch(host):
        raise NotHttp(400)


def _split(method: str, target: str, environ: dict[str, Any]) -> tuple[str, str]:
    """Path, its percent-encodings decoded, and query of the request's target (RFC 9112, 3.2).

    A host in the target replaces the header's (3.2.2).
    """
    if method == "CONNECT" or (method == "OPTIONS" and target == "*"):
        return target, ""
    parts = _TARGET.fullmatch(target)
    if not parts or not (parts[1] or parts[2]):
        raise NotHttp(400)
    if parts[1]:
        environ["HTTP_HOST"] = parts[1]
    path = parts[2] or "/"
    return (unquote_to_bytes(path).decode("latin-1") if "%" in path else path), parts[3] or ""


def _tokens(environ: dict[str, Any]) -> set[str]:
    """What the client says of its connection (RFC 9110, 7.6.1)."""
    return {token.strip() for token in environ.get("HTTP_CONNECTION", "").lower().split(",")}


def _length(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 15:  # noqa: PLR2004 - a petabyte, which nobody sends
        raise NotHttp(400)
    return int(value)


def surroundings_of(listening: tuple[str, int], peer: tuple[str, int]) -> dict[str, Any]:
    """What every request of one connection has in its environment (PEP 3333)."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": listening[0],
        "SERVER_PORT": str(listening[1]),
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
