"""botocore's clients of STS, one for each region, made once: unsigned, without retries, over connections of ours.

botocore lends itself to that by its own hook `before-send`: whoever answers there sends the request. So the time of a
call and the size of an answer are bounded as a whole, which its settings cannot do.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path

from federation_bridge.aws import foreign_answers, sts_messages
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.kept_connections import Answer, Bounds, KeptConnections
from federation_bridge.settings import Aws, Outgoing

_MOST_BYTES = 256_000
"""An answer of STS has a few thousand."""


class ForeignAnswer(Exception):
    """What came is no answer of STS, whatever its status; the text says so, and is fit for a log."""


def keep_bodies_out_of_logs() -> None:
    """At level DEBUG botocore logs whole bodies: the statement on the way out, the secret key on the way back."""
    for name in ("botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)


class RegionalClients:
    """The clients, by region. Safe for threads."""

    _is_answer = staticmethod(foreign_answers.is_of_sts)

    def __init__(self, aws: Aws, outgoing: Outgoing) -> None:
        self._aws = aws
        self._outgoing = outgoing
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._call = threading.local()

    def of(self, region: str) -> Any:
        """The client of this region, made if there is none; ConfigurationInvalid where it cannot be made."""
        client = self._clients.get(region)
        if client is not None:
            return client
        with self._lock:
            if region not in self._clients:
                self._clients[region] = self._make(region)
            return self._clients[region]

    @contextmanager
    def bounded(self, seconds: float) -> Iterator[None]:
        """Lets the call that this thread makes inside take so many seconds in all, the connection included."""
        now = time.monotonic()
        connecting = min(self._aws.connect_timeout.total_seconds(), seconds)
        self._call.bounds, self._call.status = Bounds(now + connecting, now + seconds, _MOST_BYTES), 0
        try:
            yield
        finally:
            del self._call.bounds

    def last_status(self) -> int:
        """The HTTP status of the last answer to a call of this thread; 0 where there was none."""
        status: int = self._call.status
        return status

    def close(self) -> None:
        """Closes connections that are kept and not in use."""
        for client in self._clients.values():
            client.close()
        if self._session is not None:
            self._connections.close()

    def _make(self, region: str) -> Any:
        keep_bodies_out_of_logs()
        config = Config(
            signature_version=UNSIGNED,
            retries={"total_max_attempts": 1},
            # Never None: botocore would then take proxies from the environment.
            proxies={},
            user_agent=sts_messages.USER_AGENT,
        )
        try:
            if self._session is None:
                self._session = self._made_session()
            return self._session.create_client(
                "sts", region_name=region, config=config, endpoint_url=self._aws.local_endpoint
            )
        except (BotoCoreError, ValueError) as problem:
            raise ConfigurationInvalid(f"the STS client for {region} cannot be made: {problem}") from None

    def _made_session(self) -> Any:
        session = botocore.session.get_session()
        session.set_config_variable("sts_regional_endpoints", "regional")
        sts_messages.quicken(session)
        self._connections = KeptConnections(self._tls(), self._proxy())
        send: Any = self._send  # its type says that handlers give nothing; botocore takes a response from this one
        session.register("before-send.sts", send)
        return session

    def _send(self, request: Any, **_: object) -> AWSResponse:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self._connections.post(request.url, body, request.headers, self._call.bounds)
        self._call.status = answer.status
        if not self._is_answer(answer.body):
            # Before botocore parses it: a page of a proxy in well-formed HTML would pass for a refusal without a code.
            raise ForeignAnswer(foreign_answers.told(answer.status, _content_type(answer), answer.body))
        headers: Any = answer.headers
        return AWSResponse(request.url, answer.status, headers, _Body(answer))

    def _tls(self) -> ssl.SSLContext:
        # Not ssl.create_default_context: that one would write our session keys to the file that SSLKEYLOGFILE names.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        bundle = self._outgoing.ca_bundle
        try:
            context.load_verify_locations(cafile=str(bundle) if bundle else get_cert_path(True))
        except OSError as problem:
            raise ConfigurationInvalid(
                f"`outgoing.ca_bundle` {bundle}: cannot be read as PEM: {problem.strerror or problem}"
            ) from None
        return context

    def _proxy(self) -> tuple[str, int] | None:
        proxy = self._outgoing.proxy
        if proxy is None or self._aws.local_endpoint is not None:
            return None
        parts = urlsplit(proxy)
        return parts.hostname or "", parts.port or 3128


def _content_type(answer: Answer) -> str:
    return next((value for name, value in answer.headers.items() if name.lower() == "content-type"), "")


class _Body:
    """An answer's body as botocore reads it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def stream(self) -> Iterator[bytes]:
        """All of it, at once."""
        yield self._answer.body
