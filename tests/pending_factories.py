"""A bridge with SAML connections, browsers that leave and come back, and the provider's answers to what they asked."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from databases import HeldClock
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from saml_factories import idp_signer, stranger
from web_factories import BASE, made_app

from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.web import cookies
from federation_bridge.web.forms import form_token
from federation_bridge.web.pages import pending_cookies

IDP, SISTER_IDP = "https://idp.example.test/saml", "https://sister.example.test/saml"
GO = "/go/111122223333/Administrator"
_DOMAIN = "aws.example.com"
_OIDC = {"protocol": "oidc", "issuer": "https://idp.example.com", "client_id": "bridge", "title": "Corporate account"}


def bridge_at(folder: Path, clock: HeldClock, *, audit: dict[str, Any] | None = None, **company: Any) -> Flask:
    """A node with the SAML connections `company` (with these settings) and `sister`, and `corp` by OpenID Connect."""
    folder.mkdir(exist_ok=True)
    for name, issuer, signer in (("company", IDP, idp_signer()), ("sister", SISTER_IDP, stranger())):
        (folder / f"{name}.xml").write_bytes(made.metadata_xml(issuer, f"https://{name}.example.test/sso", [signer]))
    saml = {"protocol": "saml", "subject_kind": "email"}
    connections = {
        "corp": _OIDC,
        "company": {**saml, "title": "Company", "metadata_file": "company.xml", **company},
        "sister": {**saml, "title": "Sister", "metadata_file": "sister.xml"},
    }
    return made_app(folder, clock, connections=connections, **({"audit": audit} if audit else {}))


@dataclass(frozen=True)
class Left:
    """What a browser took along to the identity provider."""

    connection: str
    handle: str
    request_id: str


@dataclass
class ScriptedUser:
    """A browser of the bridge."""

    client: FlaskClient
    clock: HeldClock

    def cookie(self, name: str) -> str | None:
        found = self.client.get_cookie(name, domain=_DOMAIN)
        return None if found is None else found.value

    def set_cookie(self, name: str, value: str) -> None:
        self.client.set_cookie(name, value, domain=_DOMAIN, secure=True)

    @property
    def pending(self) -> dict[str, str]:
        """The cookies of pending sign-ins, by handle."""
        held = (self.client._cookies or {}).values()
        prefix = pending_cookies.PREFIX
        return {one.key.removeprefix(prefix): one.value for one in held if one.key.startswith(prefix)}

    @property
    def bytes_held(self) -> int:
        """What the browser's header takes for them, its secret included."""
        all_of_them = {cookies.SIGN_IN: self.cookie(cookies.SIGN_IN) or ""}
        all_of_them |= {pending_cookies.PREFIX + handle: value for handle, value in self.pending.items()}
        return sum(len(f"{name}={value}; ") for name, value in all_of_them.items())

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, base_url=BASE, headers=headers)

    def leave(self, connection: str = "company", return_to: str = "/") -> Left:
        """Chooses a connection on our page."""
        if self.cookie(cookies.SIGN_IN) is None:
            self.get(GO if self.cookie(cookies.CONNECTION) is None else "/")
        token = form_token(self.cookie(cookies.SIGN_IN) or "")
        fields = {"csrf_token": token, "connection": connection, "return_to": return_to}
        return left(connection, self.client.post("/sign-in", base_url=BASE, data=fields))

    def answer(self, gone: Left, **changes: Any) -> dict[str, str]:
        """The form with which the provider answers that request."""
        signer, issuer = (idp_signer(), IDP) if gone.connection == "company" else (stranger(), SISTER_IDP)
        told: dict[str, Any] = {
            "issuer": issuer,
            "audience": f"{BASE}/saml/metadata",
            "recipient": f"{BASE}/sign-in/{gone.connection}/saml",
            "in_response_to": gone.request_id,
            "issued_at": self.clock() - timedelta(seconds=1),
            "attributes": {"groups": ("admins",)},
        }
        xml = made.response_xml(made.SamlMessage(**{**told, **changes}), signer)
        return {"SAMLResponse": base64.b64encode(xml).decode(), "RelayState": gone.handle}

    def post(self, form: Mapping[str, str], connection: str = "company") -> Any:
        """Posts an answer from the provider's page."""
        return self.client.post(f"/sign-in/{connection}/saml", base_url=BASE, data=dict(form))

    def come_back(self, gone: Left, **changes: Any) -> Any:
        return self.post(self.answer(gone, **changes), gone.connection)

    @property
    def is_signed_in(self) -> bool:
        return bool(self.get("/api/v1/me").status_code == 200)


def left(connection: str, response: Any) -> Left:
    """What stands in the address that the browser was sent to."""
    assert response.status_code == 303, response.text
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
    return Left(connection, query["RelayState"][0], str(etree.fromstring(request).get("ID")))


def scripted_user(app: Flask, clock: HeldClock) -> ScriptedUser:
    return ScriptedUser(app.test_client(), clock)


def moved(browser: ScriptedUser, app: Flask) -> ScriptedUser:
    """The same browser, led to another node by the balancer."""
    other = scripted_user(app, browser.clock)
    jar, held = other.client._cookies, browser.client._cookies
    assert jar is not None
    assert held is not None
    jar.update(held)
    return other
