"""The application with one signed-in person, as the tests of the browser's door need it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from flask import Flask
from flask.testing import FlaskClient

from federation_bridge.app import create_app
from federation_bridge.bridge import token_hash
from federation_bridge.model import Clock, Groups, Identity, Session
from federation_bridge.settings import settings_from
from federation_bridge.web import cookies
from federation_bridge.web.door import EXTENSION, Door
from federation_bridge.web.forms import form_token

BASE = "https://aws.example.com"
ACCOUNT = "111122223333"
TOKEN = "ab" * 32

_ACCOUNTS = f"""
version: 1
accounts:
  - id: "{ACCOUNT}"
    name: Production
    partition: aws
    region: us-east-1
    provider: arn:aws:iam::{ACCOUNT}:saml-provider/bridge
    roles: [Administrator, Reader]
"""
_RULES = f"""
version: 1
rules:
  - id: administrators
    connection: corp
    when: {{group: admins}}
    grant: {{roles: ["{ACCOUNT}/Administrator"], max_duration: 2h}}
  - id: narrow-readers
    connection: corp
    when: {{group: readers}}
    grant:
      roles: ["{ACCOUNT}/Reader"]
      session_policy: {{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: "s3:Get*", Resource: "*"}}]}}
"""


def counted_randomness() -> Callable[[int], bytes]:
    """Bytes that differ from call to call and are the same in every run."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


_SETTINGS: dict[str, Any] = {
    "base_url": BASE,
    "rules": "rules.yaml",
    "accounts": "accounts.yaml",
    "audit": {"also_to": "nowhere"},
    "connections": {
        "corp": {
            "protocol": "oidc",
            "issuer": "https://idp.example.com",
            "client_id": "bridge",
            "title": "Corporate account",
            "email_domains": ["example.com"],
        },
        "partner": {
            "protocol": "oidc",
            "issuer": "https://partner.example.com",
            "client_id": "bridge",
            "title": "Partner account",
        },
    },
}


def settings_of_tests() -> dict[str, Any]:
    """The settings, for who changes some."""
    return _SETTINGS


def write_files(folder: Path) -> Path:
    """The three files of an administrator in `folder`; gives the settings file."""
    (folder / "rules.yaml").write_text(_RULES)
    (folder / "accounts.yaml").write_text(_ACCOUNTS)
    settings = folder / "federation-bridge.yaml"
    settings.write_text(yaml.dump(_SETTINGS, Dumper=yaml.CSafeDumper))
    return settings


def made_app(folder: Path, clock: Clock, **changes: Any) -> Flask:
    """The application on a SQLite database in `folder`, with the connections `corp` and `partner`."""
    write_files(folder)
    settings = settings_from({**_SETTINGS, **changes}, folder)
    app = create_app(settings, clock=clock, randomness=counted_randomness())
    app.config["TESTING"] = False  # refusals are to look as they do for people
    return app


def door_of(app: Flask) -> Door:
    found: Door = app.extensions[EXTENSION]
    return found


@dataclass(frozen=True)
class Person:
    """A browser of the application, signed in or not."""

    app: Flask
    client: FlaskClient

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, base_url=BASE, headers=headers, buffered=True)

    def post(self, path: str, data: Any = None, *, token: str | None = TOKEN, **headers: str) -> Any:
        """Posts a form as our own page would."""
        fields = {"press": secrets.token_hex(8)} | dict(data or {}) if path.startswith("/roles/") else dict(data or {})
        if token is not None:
            fields["csrf_token"] = form_token(token)
        return self.client.post(path, base_url=BASE, data=fields, headers=headers, buffered=True)

    def sign_in(self, clock: Clock, *groups: str, token: str = TOKEN, confirmed: bool = True) -> Session:
        """Puts a session behind this browser's cookie, as a sign-in would."""
        now = clock()
        identity = Identity(
            connection="corp", subject="ada", name="Ada", email="ada@example.com", groups=Groups(groups)
        )
        session = Session(token_hash(token), identity, now, now, now + timedelta(hours=12), confirmed=confirmed)
        store = door_of(self.app).store
        store.sessions.admit(session, "https://idp.example.com", f"_{token[:8]}{now}", now + timedelta(minutes=5))
        self.client.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)
        return session


def person_at(folder: Path, clock: Clock, **changes: Any) -> Iterator[Person]:
    """A browser of a fresh application; the application's store is closed afterwards."""
    app = made_app(folder, clock, **changes)
    yield Person(app, app.test_client())
    door_of(app).store.close()
