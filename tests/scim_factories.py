"""The application with a connection whose identity provider tells of its people by SCIM, and that client."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from web_factories import BASE, door_of, made_app, settings_of_tests

from federation_bridge.administration.scim_tokens import new_token
from federation_bridge.bridge import token_hash
from federation_bridge.model import Clock, Groups, Identity, Session

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ALICE = "00u1alice"


def scim_app(folder: Path, clock: Clock, scim: dict[str, Any] | None = None, **changes: Any) -> Flask:
    """The application; `scim`: the settings of the connection `corp`, `partner` has the usual ones."""
    connections = copy.deepcopy(settings_of_tests()["connections"])
    connections["corp"]["scim"] = {} if scim is None else scim
    connections["partner"]["scim"] = {}
    return made_app(folder, clock, connections=connections, **changes)


@dataclass(frozen=True)
class ScimClient:
    """An identity provider's client, with a token of one connection."""

    app: Flask
    token: str
    connection: str = "corp"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request below the connection's address; a body that is no text is sent as JSON."""
        sent: dict[str, Any] = {"data": body} if isinstance(body, str | bytes) else {"json": body}
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json", **headers}
        address = f"/scim/v2/{self.connection}{path}"
        return self.app.test_client().open(address, method=method, base_url=BASE, headers=given, **sent)

    def made(self, user_name: str = "alice@example.com", external_id: str | None = ALICE, **members: Any) -> str:
        """The id of a new user."""
        told = {"schemas": [USER], "userName": user_name, "externalId": external_id, "active": True, **members}
        answer = self.ask("POST", "/Users", {name: value for name, value in told.items() if value is not None})
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def made_group(self, name: str, *members: str, **others: Any) -> str:
        """The id of a new group with these members."""
        told = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members], **others}
        answer = self.ask("POST", "/Groups", told)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        """A PATCH of these operations."""
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def members(self, group_id: str) -> set[str]:
        """Who is in a group."""
        told = self.ask("GET", f"/Groups/{group_id}").json
        return {one["value"] for one in told.get("members", ())}


def client_of(app: Flask, connection: str = "corp") -> ScimClient:
    """A client with a new token of the connection."""
    here = door_of(app)
    _, secret = new_token(here.store, here.clock, secrets.token_bytes, connection)
    return ScimClient(app, secret, connection)


def begun(app: Flask, clock: Clock, groups: Groups, subject: str = ALICE, number: int = 0) -> str:
    """A session of this person with these groups; gives the cookie's value."""
    token, now = f"{subject}{number}".encode().hex().ljust(64, "0"), clock()
    session = Session(token_hash(token), Identity("corp", subject, "A", groups=groups), now, now,
                      now + timedelta(hours=12))  # fmt: skip
    door_of(app).store.sessions.admit(session, "idp", f"_{token}{now}", now + timedelta(minutes=5))
    return token
