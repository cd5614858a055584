"""A person of the example company at their browser, with the company's identity provider: one line asks, one answers.

Run in the network of the walk. Says first where the provider's metadata lie; then, for each line: `sign-in` (the words
of the page of roles), `look` (the same page once more), `node ADDRESS` (that page at one node, past the proxy).
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from typing import Any

from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.directory import example_company
from federation_bridge.sandbox.identity_provider.application import serve_identity_provider
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider

BRIDGE, CONNECTION, LOGIN = "https://aws.example.com", "entra", "ada"
PROVIDER = "https://idp.example.com:8443"
_ask = socket.getaddrinfo


def _found(host: Any, *rest: Any, **more: Any) -> Any:
    # The names of the walk stand in that machine's /etc/hosts, and this program is not on it.
    return _ask("127.0.0.1" if str(host).endswith("example.com") else host, *rest, **more)


def tell(line: str) -> None:
    """One line to whoever asked."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Answers until nobody asks any more."""
    socket.getaddrinfo = _found
    # Behind TLS, as the bridge's page lets a form lead only there.
    served = serve_identity_provider(lambda _: IdentityProvider(PROVIDER, example_company(), style="entra"), port=8401)
    provider, browser = served.provider, Browser()
    tell(f"{provider.address}/saml/metadata")
    for line in sys.stdin:
        asked, *words = line.split()
        if asked == "sign-in":
            told = browser.open(f"{BRIDGE}/sign-in/{CONNECTION}/metadata")
            provider.register_service_provider(told.body.encode())
            page = browser.open(BRIDGE)
            page = browser.submit(page, page.form("/sign-in"), connection=CONNECTION)
            person = provider.directory[LOGIN]
            page = browser.submit(page, page.form("/login"), login=LOGIN, password=person.password)
            said = page.words
        elif asked == "look":
            said = browser.open(BRIDGE).words
        else:
            cookies = "; ".join(f"{one.name}={one.value}" for one in browser.cookies if "example.com" in one.domain)
            there = http.client.HTTPConnection(words[0], timeout=60)
            there.request("GET", "/", headers={"Host": "aws.example.com", "Cookie": cookies})
            said = there.getresponse().read().decode()
        tell(json.dumps(said))
    served.served.stop()


if __name__ == "__main__":
    main()
