"""A bridge that hands out web identity tokens, and who asks for one; import these where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from web_factories import BASE, TOKEN, Person, door_of, person_at

from federation_bridge.web import cookies
from federation_bridge.web.forms import form_token

OIDC, SAML = "222233334444", "111122223333"
DEVELOPER = f"/api/v1/roles/{OIDC}/Developer/web-identity-token"

ACCOUNTS = f"""
version: 1
accounts:
  - id: "{OIDC}"
    name: Development
    provider: arn:aws:iam::{OIDC}:oidc-provider/aws.example.com
    roles:
      - {{name: Developer, max_session: 2h, web_identity_file: true}}
      - {{name: Unpinned, max_session: 2h}}
  - id: "{SAML}"
    name: Production
    provider: arn:aws:iam::{SAML}:saml-provider/bridge
    roles: [{{name: Developer, max_session: 2h}}]
"""


def _rule(group: str, role: str, more: str = "max_duration: 2h", when: str = "") -> str:
    condition = f"all: [{{group: {group}}}, {when}]" if when else f"group: {group}"
    return f"""
  - id: {group}
    connection: corp
    when: {{{condition}}}
    grant: {{role: "{role}", {more}}}"""


_POLICY = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:Get*", Resource: "*"}]}'
RULES = "version: 1\nrules:" + "".join(
    (
        _rule("developers", f"{OIDC}/Developer", 'max_duration: 2h, tags: {Team: "core"}'),
        _rule("unpinned", f"{OIDC}/Unpinned"),
        _rule("saml", f"{SAML}/Developer"),
        _rule("brief", f"{OIDC}/Developer", "max_duration: 119m"),
        _rule("narrow", f"{OIDC}/Developer", f"max_duration: 2h, session_policy: {_POLICY}"),
        _rule("ending", f"{OIDC}/Developer", when="dates: {not_after: 2026-03-04}"),
    )
)


@pytest.fixture
def make(tmp_path: Path, clock: HeldClock) -> Iterator[Callable[..., Person]]:
    """Gives the browser of a person of these groups, at a bridge that hands tokens out or does not."""
    opened: list[Iterator[Person]] = []

    def made(*groups: str, is_on: bool = True, confirmed: bool = True) -> Person:
        (tmp_path / "own-accounts.yaml").write_text(ACCOUNTS)
        (tmp_path / "own-rules.yaml").write_text(RULES)
        changes: dict[str, Any] = {"accounts": "own-accounts.yaml", "rules": "own-rules.yaml"}
        if is_on:
            changes["command_line"] = {"web_identity_files": True}
        opened.append(person_at(tmp_path, clock, **changes))
        person = next(opened[-1])
        if groups:
            person.sign_in(clock, *groups, confirmed=confirmed)
        else:
            # Who signed in before the bridge was started anew.
            person.client.set_cookie(cookies.SESSION, TOKEN, domain="aws.example.com", secure=True)
        return person

    yield made
    for one in opened:
        next(one, None)


def ask(person: Person, path: str = DEVELOPER, body: Any = None, **headers: str) -> Any:
    sent = {"X-CSRF-Token": form_token(TOKEN)} | headers
    return person.client.post(path, base_url=BASE, json=body or {}, headers=sent)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def audit_of(person: Person) -> dict[str, Any]:
    """The newest of each kind of event, newest first, with its details."""
    found: dict[str, Any] = {}
    for entry in door_of(person.app).store.audit.entries():
        if entry.event.startswith("grant."):
            found.setdefault(entry.event, entry.details)
    return found
