"""HTTP to one bridge and to nothing else: https or loopback, no redirects, bounded, with the system's proxy and CAs."""

from __future__ import annotations

import email.utils
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from federation_bridge import __version__
from federation_bridge.cli.failures import AnswerLost, BridgeUnreachable
from federation_bridge.cli.i18n import say
from federation_bridge.cli.proxy import Proxy, proxy_for
from federation_bridge.model import Clock, JsonObject

_SECONDS = 40
_MOST_BYTES = 4_000_000
_MOST_SECONDS = 10_000_000_000
_CA_VARIABLES = ("FEDBRIDGE_CA_BUNDLE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_NOTICED = timedelta(seconds=5)
_TUNNEL = re.compile(r"Tunnel connection failed: (?P<status>\d+)")
"""What a proxy answered: `http.client` has no class for it, and tells the status in its words alone."""
_NOT_NOW = (9, 10)
_OTHER_HOST = (62, 64)
"""OpenSSL's X509_V_ERR_* for a certificate that is not yet or no longer valid, and for one of another host."""
OK = 200
_WHO_ARE_YOU = 407


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bridge answered: a JSON object, or an empty one where it sent something else."""

    status: int
    body: JsonObject

    @property
    def is_ok(self) -> bool:
        """Whether the bridge did what it was asked."""
        return self.status == OK

    def text(self, name: str) -> str:
        """The text under that name; empty where there is none."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str, otherwise: int) -> int:
        """The whole number under that name, from 0 to what an instant or a span can be made of."""
        value = self.body.get(name)
        return (
            min(max(value, 0), _MOST_SECONDS) if isinstance(value, int) and not isinstance(value, bool) else otherwise
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An answer that sends us elsewhere is an answer, not an order: tokens go to the pinned address alone."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class HttpClient:
    """Requests to the bridge at `address` (attack N11: nothing is ever sent to another host)."""

    def __init__(self, address: str, environ: Mapping[str, str], clock: Clock) -> None:
        self.address = address
        self._environ, self._clock = environ, clock
        self.clock_offset = timedelta()
        """How far the bridge's clock is ahead of this computer's; zero below five seconds."""
        self.proxy = proxy_for(address)
        """What leads to the bridge; None where it is asked directly."""

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        """Made at the first request. It loads the certificate authorities, which takes time and can fail."""
        return urllib.request.build_opener(*_handlers(self.address, self.proxy, self._environ))

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET."""
        return self._ask("GET", url, None, dict(headers or {}))

    def post_form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a posted form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", url, urlencode(fields).encode(), {**kind, **(headers or {})})

    def post_json(self, url: str, body: JsonObject, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a posted JSON object."""
        kind = {"Content-Type": "application/json"}
        return self._ask("POST", url, json.dumps(body).encode(), {**kind, **(headers or {})})

    def _ask(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        if not self.is_ours(url):
            raise BridgeUnreachable(say("The bridge names an address that is not its own: {url}", url=url[:200]))
        headers |= {"Accept": "application/json", "User-Agent": f"fedbridge/{__version__}"}
        status, text = self._sent(urllib.request.Request(url, data, headers, method=method))  # noqa: S310 - checked
        return _answer(status, text)

    def post_text(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and the text that answer a POST to what is no bridge and speaks no JSON."""
        return self._sent(urllib.request.Request(url, body, dict(headers), method="POST"))  # noqa: S310 - its own address

    def _sent(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with self._opened(request) as response:
                self._notice_clock(response.headers.get("Date", ""))
                return response.status, response.read(_MOST_BYTES)
        except (urllib.error.URLError, ValueError) as failure:
            raise BridgeUnreachable(self._words(failure)) from None
        except (OSError, HTTPException) as failure:
            # urllib tells what fails before the answer as its own URLError: here the question was on its way.
            raise AnswerLost(self._words(failure)) from None

    def _opened(self, request: urllib.request.Request) -> Any:
        """The answer, of whatever status."""
        try:
            return self._opener.open(request, timeout=_SECONDS)
        except urllib.error.HTTPError as refusal:
            return refusal

    def is_ours(self, url: str) -> bool:
        """Whether the URL lies at the pinned address: same scheme, host and port, below its path."""
        return url == self.address or url.startswith((f"{self.address}/", f"{self.address}?"))

    def _notice_clock(self, date: str) -> None:
        try:
            offset = email.utils.parsedate_to_datetime(date) - self._clock()
        except (TypeError, ValueError, OverflowError):
            return
        self.clock_offset = offset if abs(offset) >= _NOTICED else timedelta()

    def _words(self, failure: Exception) -> str:
        reason = getattr(failure, "reason", failure)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return _certificate_words(self.address, reason)
        if isinstance(reason, TimeoutError):
            return say("{address} does not answer. Is the network up? Do you need a VPN?", address=self.address)
        why = str(getattr(reason, "strerror", None) or reason)[:200]
        if self.proxy is not None and (answered := _TUNNEL.match(why)):
            status = int(answered["status"])
            return _proxy_words(self.address, self.proxy, status, why[answered.start("status") :])
        before_it = not isinstance(reason, ssl.SSLError | ConnectionResetError)
        if self.proxy is not None and isinstance(reason, OSError) and before_it:
            # Only the way to the proxy itself is refused like this: the tunnel is not there yet.
            return say("The proxy {proxy} cannot be reached: {reason}", proxy=str(self.proxy), reason=why)
        return say("{address} cannot be reached: {reason}", address=self.address, reason=why)


def _answer(status: int, text: bytes) -> Answer:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return Answer(status, found if isinstance(found, dict) else {})


def _certificate_words(address: str, failure: ssl.SSLCertVerificationError) -> str:
    why = failure.verify_message
    if failure.verify_code in _NOT_NOW:
        return say(
            "The certificate of {address} is not valid now ({reason}). Is this computer's clock right? If it is, only "
            "the people who run the bridge can repair this.",
            address=address,
            reason=why,
        )
    if failure.verify_code in _OTHER_HOST:
        return say(
            "The server at {address} has a certificate for another host ({reason}). Is this the address that your "
            "company gave you?",
            address=address,
            reason=why,
        )
    return say(
        "The certificate of {address} is not trusted here ({reason}). If your company has its own authority, "
        "set FEDBRIDGE_CA_BUNDLE to its file.",
        address=address,
        reason=why,
    )


def _proxy_words(address: str, proxy: Proxy, status: int, why: str) -> str:
    if status == _WHO_ARE_YOU:
        return say(
            "The proxy {proxy} asks who you are. Set HTTPS_PROXY=http://NAME:PASSWORD@{proxy}, and percent-encode "
            "every character except letters and digits.",
            proxy=str(proxy),
        )
    return say("The proxy {proxy} does not lead to {address}: {reason}", proxy=str(proxy), address=address, reason=why)


def _handlers(address: str, proxy: Proxy | None, environ: Mapping[str, str]) -> tuple[urllib.request.BaseHandler, ...]:
    if proxy is not None:
        check_proxy(proxy)
    proxies = urllib.request.ProxyHandler({"https": proxy.url} if proxy is not None else {})
    if not address.startswith("https:"):
        return _NoRedirects(), proxies
    return _NoRedirects(), proxies, urllib.request.HTTPSHandler(context=trust(environ))


def check_proxy(proxy: Proxy) -> None:
    """Raises BridgeUnreachable for a proxy that we cannot speak to."""
    if not proxy.is_usable:
        raise BridgeUnreachable(
            say(
                "fedbridge cannot use a proxy of this kind: {proxy}. It can use http:// proxies only.", proxy=str(proxy)
            )
        )


def authorities_of(environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable that names a file or folder of authorities, and what it names; empty: the system's are taken."""
    return next(((name, environ[name]) for name in _CA_VARIABLES if environ.get(name)), ("", ""))


def trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """The system's authorities, or those of the first file or folder that the environment names.

    Raises:
        BridgeUnreachable: what is named there holds no certificates that can be read.
    """
    name, bundle = authorities_of(environ)
    try:
        if bundle and Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle or None)
    except (OSError, ValueError) as failure:
        raise BridgeUnreachable(
            say(
                "{name} names {path}, which is not a readable file of certificates (PEM): {reason}",
                name=name,
                path=bundle,
                reason=str(getattr(failure, "strerror", None) or failure),
            )
        ) from None
