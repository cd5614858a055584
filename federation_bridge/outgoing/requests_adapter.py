"""For libraries that fetch with `requests`: their fetches go through Outgoing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from federation_bridge.outgoing.fetching import Outgoing

_OURS = frozenset({"host", "connection", "accept-encoding", "content-length", "transfer-encoding"})


class OutgoingAdapter(BaseAdapter):
    """Lets a library that speaks `requests` fetch through Outgoing: mount it for `https://` and `http://`.

    What the caller passes for timeouts, certificates and proxies is ignored: Outgoing's own rules hold.
    """

    def __init__(self, outgoing: Outgoing, networks: Sequence[str] = (), max_bytes: int = 1_000_000) -> None:
        super().__init__()
        self._outgoing, self._networks, self._max_bytes = outgoing, networks, max_bytes

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The answer as `requests` has it; ProviderUnreachable as Outgoing.fetch."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        fetched = self._outgoing.fetch(
            request.url or "",
            method=request.method or "GET",
            data=body,
            headers={name: value for name, value in request.headers.items() if name.lower() not in _OURS},
            networks=self._networks,
            max_bytes=self._max_bytes,
        )
        response = requests.Response()
        response.status_code, response.url, response.request = fetched.status, request.url or "", request
        response.headers = CaseInsensitiveDict(fetched.headers)
        response._content = fetched.body  # noqa: SLF001 - requests offers no other way to hand over a body
        return response

    def close(self) -> None:
        """Nothing is held open."""
