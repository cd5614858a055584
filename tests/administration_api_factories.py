"""A command line that was let in to administer, and an application whose rulebook lies in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from databases import HeldClock
from oauth_factories import Program, approve
from web_factories import Person, door_of, made_app, write_files

from federation_bridge.administration.rules import Change, Rules, apply
from federation_bridge.bridge import token_hash
from federation_bridge.model import Author, Groups, Identity, Session
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web import cookies

ROOT = "/api/v1/administration"
CLIENT = "fedbridge-administration"
APPOINTED = """
administration:
  - {id: admins-of-this, as: administrator, connection: corp, when: {group: identity-team}}
  - {id: authors, as: author, connection: corp, when: {group: writers}, accounts: ["111122223333"]}
  - {id: auditors, as: auditor, connection: corp, when: {group: auditors}}
"""


def rulebook_of(person: Person, clock: HeldClock) -> Rules:
    here = door_of(person.app)
    known = Known(frozenset(here.settings.connections))
    return Rules(here.store.rulebook_versions, here.store.rulebook_proposals, known, clock)


def administered(folder: Path, clock: HeldClock, more: str = APPOINTED, **changes: Any) -> Iterator[Person]:
    """A browser of an application whose rulebook lies in the database, and says who administers."""
    write_files(folder)
    settings = {"rules": None, "accounts": None, "rulebook": {"source": "database"}} | changes
    app = made_app(folder, clock, **settings)
    person = Person(app, app.test_client())
    texts = Texts((folder / "rules.yaml").read_text() + more, (folder / "accounts.yaml").read_text())
    apply(rulebook_of(person, clock), texts, Change(Author("the operator"), "the first", ""))
    yield person
    door_of(app).store.close()


def browser_of(
    person: Person, clock: HeldClock, subject: str, *groups: str, is_time_told: bool = False
) -> tuple[Person, str]:
    """Another browser of the same application, with the secret of its cookie.

    `is_time_told`: whether the provider says when it saw the person, which is now.
    """
    now, token = clock(), subject.encode().hex().ljust(64, "0")
    seen = now if is_time_told else None
    who = Identity("corp", subject, subject.title(), groups=Groups(groups), authenticated_at=seen)
    session = Session(token_hash(token), who, now, now, now + timedelta(hours=12))
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", f"_{subject}{now}", now + timedelta(1))
    other = Person(person.app, person.app.test_client())
    other.client.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)
    return other, token


@dataclass
class Line:
    """A command line with tokens, and its calls."""

    program: Program
    tokens: dict[str, Any]

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET below the API's root."""
        token = self.tokens["access_token"]
        return self.program.call("GET", ROOT + path, token, query_string={k: str(v) for k, v in query.items()})

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """The answer to a JSON object that is posted below the API's root."""
        sent = {"data": json.dumps(body or {}), "content_type": "application/json"} | more
        return self.program.call("POST", ROOT + path, self.tokens["access_token"], **sent)


def let_in(
    person: Person, clock: HeldClock, *groups: str, subject: str = "ada", client: str = CLIENT, **told: bool
) -> Line:
    """The command line of a person in these groups, let in by a typed code; `told` as `browser_of` has it."""
    browser, token = browser_of(person, clock, subject, *groups, **told)
    program = Program(person, clock, client_id=client)
    begun = program.begin(**({"scope": "administration"} if client == CLIENT else {}))
    answer = approve(browser, begun["user_code"], token=token)
    assert answer.status_code == 200, answer.text
    tokens = program.poll(begun["device_code"])
    assert tokens.status_code == 200, tokens.get_json()
    return Line(program, tokens.get_json())


def stands(person: Person) -> tuple[int, str, Texts]:
    """Number, digest and texts of the version in force."""
    found = door_of(person.app).store.rulebook_versions.in_force()
    assert found is not None
    return found.number, found.digest, Texts.from_kept(found.text)
