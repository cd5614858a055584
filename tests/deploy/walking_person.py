"""People of the example company at their browsers, with the company's identity provider: one line asks, one answers.

Run in the network of the walk. Says first where the provider's metadata lie; then, for each line:

- `sign-in`: somebody signs in; the words of the page of roles. `look`: the same page once more, in the same browser.
- `node ADDRESS`: that page at one node, past the proxy.
- `visit CONNECTION`: the same person in a new browser signs in by this connection; the words of the page of roles.
- `learn`: the provider's administrator reads the bridge's SAML metadata anew; assertions are encrypted from then on.
- `secret TEXT`, `keys JSON`: the same gives the client that has a secret another one, and the other client these keys.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from typing import Any

from federation_bridge.sandbox.browser import Browser, BrowserStopped, Page
from federation_bridge.sandbox.directory import example_company
from federation_bridge.sandbox.identity_provider.application import serve_identity_provider
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider

BRIDGE, CONNECTION, LOGIN = "https://aws.example.com", "entra", "ada"
PROVIDER = "https://idp.example.com:8443"
BY_SECRET, BY_KEY = "by-secret", "by-key"
"""Connections of the walk, and the client ids that the provider gave them."""
FIRST_SECRET = "the first secret of the client"
_ask = socket.getaddrinfo


def _found(host: Any, *rest: Any, **more: Any) -> Any:
    # The names of the walk stand in that machine's /etc/hosts, and this program is not on it.
    return _ask("127.0.0.1" if str(host).endswith("example.com") else host, *rest, **more)


class Day:
    """What people and the provider's administrator do, each by its first word."""

    def __init__(self, provider: IdentityProvider) -> None:
        self.provider = provider
        self.browser = Browser()
        self.secret(FIRST_SECRET)
        self.keys('{"keys": []}')

    def sign_in(self) -> str:
        self.learn(encrypts=False)
        return self._signed_in(self.browser, CONNECTION)

    def visit(self, connection: str) -> str:
        return self._signed_in(Browser(), connection)

    def look(self) -> str:
        return self.browser.open(BRIDGE).words

    def node(self, address: str) -> str:
        cookies = "; ".join(f"{one.name}={one.value}" for one in self.browser.cookies if "example.com" in one.domain)
        there = http.client.HTTPConnection(address, timeout=60)
        there.request("GET", "/", headers={"Host": "aws.example.com", "Cookie": cookies})
        return there.getresponse().read().decode()

    def learn(self, *, encrypts: bool = True) -> str:
        told = Browser().open(f"{BRIDGE}/sign-in/{CONNECTION}/metadata")
        self.provider.register_service_provider(told.body.encode(), encrypts=encrypts)
        return told.body

    def secret(self, text: str) -> str:
        self.provider.register_client(OidcClient(BY_SECRET, _addresses(BY_SECRET), secret=text))
        return "given"

    def keys(self, told: str) -> str:
        self.provider.register_client(OidcClient(BY_KEY, _addresses(BY_KEY), keys=json.loads(told)))
        return "given"

    def _signed_in(self, browser: Browser, connection: str) -> str:
        page = browser.open(BRIDGE)
        page = browser.submit(page, page.form("/sign-in"), connection=connection)
        return self._let_in(browser, page).words

    def _let_in(self, browser: Browser, page: Page) -> Page:
        if not page.has_form("/login"):
            return page
        person = self.provider.directory[LOGIN]
        return browser.submit(page, page.form("/login"), login=LOGIN, password=person.password)


def _addresses(connection: str) -> tuple[str]:
    return (f"{BRIDGE}/sign-in/{connection}/oidc",)


def tell(line: str) -> None:
    """One line to whoever asked."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Answers until nobody asks any more."""
    socket.getaddrinfo = _found
    # Behind TLS, as the bridge's page lets a form lead only there.
    served = serve_identity_provider(lambda _: IdentityProvider(PROVIDER, example_company(), style="entra"), port=8401)
    day = Day(served.provider)
    tell(f"{served.provider.address}/saml/metadata")
    for line in sys.stdin:
        asked, _, words = line.strip().partition(" ")
        try:
            said = getattr(day, asked.replace("-", "_"))(*([words] if words else []))
        except (LookupError, OSError, BrowserStopped) as problem:
            said = f"went no further: {problem}"
        tell(json.dumps(said))
    served.served.stop()


if __name__ == "__main__":
    main()
