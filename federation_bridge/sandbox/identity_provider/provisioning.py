"""Tells the bridge of the company's people and groups by SCIM, as Entra ID does and as Okta does (RFC 7644)."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.parse import quote

from federation_bridge.sandbox.directory import Directory, Person

Dialect = Literal["entra", "okta"]
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_AGENTS = {"entra": "", "okta": "Okta SCIM Client 1.0.0"}
_PATIENCE = 10.0


class Refused(Exception):
    """The bridge did not take what it was told: status and answer."""


class Provisioning:
    """One application's provisioning. It knows by which ids the bridge names whom it was told of."""

    def __init__(self, address: str, token: str, dialect: Dialect) -> None:
        self._address = address
        self._token = token
        self._dialect = dialect
        self._users: dict[str, str] = {}
        self._groups: dict[str, str] = {}

    def follow(self, directory: Directory) -> None:
        """Tells of everybody who is there, and from then on of each change in the request that makes it."""
        for person in directory:
            self.changed(None, person)
        directory.listeners.append(self.changed)

    def changed(self, before: Person | None, after: Person) -> None:
        """Tells of one person; `before`: as they were told last. Who is not assigned any more is disabled."""
        if after.login not in self._users:
            self._users[after.login] = self._create(after)
        elif before != after:
            self._update(after)
        told = set(before.groups) if before is not None else set()
        for name in sorted(set(after.groups) - told):
            self._move(name, after, is_in=True)
        for name in sorted(told - set(after.groups)):
            self._move(name, after, is_in=False)

    def _create(self, person: Person) -> str:
        by = ("externalId", person.subject) if self._dialect == "entra" else ("userName", person.email)
        found = self._call("GET", f"/Users?filter={quote(f'{by[0]} eq {json.dumps(by[1])}')}&startIndex=1&count=100")
        if found["Resources"]:
            self._users[person.login] = str(found["Resources"][0]["id"])
            self._update(person)
            return self._users[person.login]
        return str(self._call("POST", "/Users", self._user(person))["id"])

    def _user(self, person: Person) -> dict[str, Any]:
        first, _, last = person.name.partition(" ")
        user: dict[str, Any] = {
            "schemas": [_USER],
            "userName": person.email,
            "externalId": person.subject,
            "active": person.is_assigned,
            "displayName": person.name,
            "name": {"givenName": first, "familyName": last},
            "emails": [{"primary": True, "type": "work", "value": person.email}],
        }
        if self._dialect == "entra":
            department = {_ENTERPRISE: {"department": person.department}}
            return {
                **user,
                "schemas": [_USER, _ENTERPRISE],
                "roles": [],
                "meta": {"resourceType": "User"},
                **department,
            }
        return {**user, "locale": "en-US", "groups": [], "password": "means nothing"}

    def _update(self, person: Person) -> None:
        place = f"/Users/{self._users[person.login]}"
        if self._dialect == "okta":
            self._call("PUT", place, {"id": self._users[person.login], **self._user(person)})
            return
        # The text, as Entra ID sends it without the flag aadOptscim062020.
        operations = [
            {"op": "Replace", "path": "active", "value": str(person.is_assigned)},
            {"op": "Replace", "path": "displayName", "value": person.name},
        ]
        self._call("PATCH", place, {"schemas": [_PATCH], "Operations": operations})

    def _move(self, name: str, person: Person, *, is_in: bool) -> None:
        user, place = self._users[person.login], f"/Groups/{self._group(name)}"
        if is_in:
            op = "Add" if self._dialect == "entra" else "add"
            operation: dict[str, Any] = {"op": op, "path": "members", "value": [{"value": user}]}
        elif self._dialect == "entra":
            operation = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": user}]}
        else:
            operation = {"op": "remove", "path": f'members[value eq "{user}"]'}
        self._call("PATCH", place, {"schemas": [_PATCH], "Operations": [operation]})

    def _group(self, name: str) -> str:
        if name not in self._groups:
            asked = quote(f"displayName eq {json.dumps(name)}")
            found = self._call("GET", f"/Groups?excludedAttributes=members&filter={asked}")["Resources"]
            schemas = [_GROUP, _ENTRA_GROUP] if self._dialect == "entra" else [_GROUP]
            group = {"schemas": schemas, "displayName": name, "externalId": f"group {name}", "members": []}
            self._groups[name] = str((found[0] if found else self._call("POST", "/Groups", group))["id"])
        return self._groups[name]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/scim+json; charset=utf-8"}
        if _AGENTS[self._dialect]:
            headers["User-Agent"] = _AGENTS[self._dialect]
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self._address + path, data, headers, method=method)  # noqa: S310 - on loopback
        try:
            with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:  # noqa: S310 - the same
                return json.loads(answer.read() or b"{}")
        except HTTPError as refusal:
            raise Refused(f"{method} {path}: {refusal.code} {refusal.read().decode(errors='replace')}") from None
