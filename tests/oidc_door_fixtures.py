"""The public door of a connection by OpenID Connect with settings of a test; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from databases import HeldClock
from flask.testing import FlaskClient
from oidc_secret_fixtures import SECRET
from openid_provider import CLIENT_ID, OpenIdProvider, served
from web_factories import BASE, door_of, made_app

from federation_bridge.model import Identity
from federation_bridge.web import cookies


@dataclass(frozen=True)
class Door:
    """The bridge with one connection, and its provider; both on this machine."""

    provider: OpenIdProvider
    client: FlaskClient

    def sign_in(self) -> Any:
        begun = self.client.post(
            "/sign-in", base_url=BASE, data={"connection": "corp"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        if begun.status_code != 303:
            return begun
        back = self.provider.authorize(begun.headers["Location"])
        return self.client.get("/sign-in/corp/oidc", base_url=BASE, query_string=back)

    @property
    def identity(self) -> Identity:
        bridge = door_of(self.client.application).bridge
        cookie = self.client.get_cookie(cookies.SESSION, domain="aws.example.com")
        assert cookie is not None
        return bridge.session(cookie.value).identity

    @property
    def reasons(self) -> list[str]:
        """What the audit says of refused sign-ins and documents."""
        rows = door_of(self.client.application).store.audit.entries()
        return [str(row.details.get("reason", row.details.get("detail"))) for row in rows if "refused" in row.event]


@contextmanager
def door(folder: Path, clock: HeldClock, **settings: Any) -> Iterator[Door]:
    provider = OpenIdProvider("", {"email_verified": True}, clock, secret=SECRET)
    with served(provider.respond) as address:
        provider.issuer = address + "/realm"
        connection = {
            "protocol": "oidc",
            "title": "Company",
            "issuer": provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": {"environment": "TEST_CLIENT_SECRET"},
            "networks": ["127.0.0.0/8"],
            **{name: value(address) if callable(value) else value for name, value in settings.items()},
        }
        kept = {name: value for name, value in connection.items() if value is not None}
        app = made_app(folder, clock, connections={"corp": kept, "partner": {**kept, "client_id": "other"}})
        try:
            yield Door(provider, app.test_client())
        finally:
            door_of(app).store.close()


def comes_in(opened: Door) -> Identity:
    answer = opened.sign_in()
    assert (answer.status_code, opened.reasons) == (303, [])
    return opened.identity
