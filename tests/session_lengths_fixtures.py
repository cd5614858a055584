"""A bridge whose AWS sells sessions of set lengths, and sign-ins that end; import these where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from sts_stub import StubSts, granted, stub_sts
from web_factories import _SETTINGS, TOKEN, Person, door_of, person_at

from federation_bridge.aws.sts import answer_time
from federation_bridge.bridge import token_hash
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Groups, Identity, LiveGrant, RequestOrigin, Session
from federation_bridge.settings import Aws

SAML, OIDC = "111122223333", "222233334444"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ANSWER_TIME = answer_time(Aws())
ROADS = pytest.mark.parametrize("road", ["saml", "oidc"])

_ACCOUNTS = f"""
version: 1
accounts:
  - id: "{SAML}"
    name: Production
    provider: arn:aws:iam::{SAML}:saml-provider/bridge
    roles: [{{name: Developer, max_session: 4h}}]
  - id: "{OIDC}"
    name: Development
    provider: arn:aws:iam::{OIDC}:oidc-provider/aws.example.com
    roles: [{{name: Developer, max_session: 1h, web_identity_file: true}}]
"""
_RULES = "version: 1\nrules:" + "".join(
    f"""
  - id: {name}
    connection: corp
    when: {{group: developers}}
    grant: {{role: "{account}/Developer", max_duration: 4h}}"""
    for name, account in (("saml", SAML), ("oidc", OIDC))
)


@pytest.fixture
def sts() -> Iterator[StubSts]:
    with stub_sts() as stub:
        yield stub


Make = Callable[..., Person]


@pytest.fixture
def make(tmp_path: Path, clock: HeldClock, sts: StubSts) -> Iterator[Make]:
    opened: list[Iterator[Person]] = []

    def made(*, ends: bool = True, limit: str = "12h") -> Person:
        (tmp_path / "own-accounts.yaml").write_text(_ACCOUNTS)
        (tmp_path / "own-rules.yaml").write_text(_RULES)
        corp = {**_SETTINGS["connections"]["corp"], "aws_sessions_end_with_sign_in": ends, "max_session": limit}
        changes: dict[str, Any] = {
            "accounts": "own-accounts.yaml",
            "rules": "own-rules.yaml",
            "connections": {**_SETTINGS["connections"], "corp": corp},
            "aws": {"local_endpoint": sts.url},
            "command_line": {"web_identity_files": True},
        }
        opened.append(person_at(tmp_path, clock, **changes))
        return next(opened[-1])

    yield made
    for one in opened:
        next(one, None)


def session(clock: HeldClock, left: timedelta, *, lasts: timedelta = 12 * HOUR) -> Session:
    """A sign-in that ends in so long."""
    now = clock()
    who = Identity("corp", "ada", "Ada", email="ada@example.com", groups=Groups(("developers",)))
    return Session(token_hash(f"{left} {TOKEN}"), who, now + left - lasts, now, now + left)


def sells(sts: StubSts, road: str, until: datetime) -> None:
    operation, account = ("AssumeRoleWithSAML", SAML) if road == "saml" else ("AssumeRoleWithWebIdentity", OIDC)
    # The session name of somebody whose address is not known to be theirs.
    arn = f"arn:aws:sts::{account}:assumed-role/Developer/{NAME}"
    sts.answers = [granted(operation, arn, until.strftime("%Y-%m-%dT%H:%M:%SZ"))]


NAME = "Ada-misktlmwsucdkztb"


def acting(person: Person, session: Session) -> Caller:
    """Whoever is signed in so, with that sign-in in the store."""
    message = f"_{session.ends_at}"
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", message, session.last_seen_at + HOUR)
    return Caller(session, RequestOrigin("ref-1"))


def take(person: Person, caller: Session, road: str, duration: timedelta | None = None) -> Any:
    asked = RoleRequest(SAML if road == "saml" else OIDC, "Developer", duration)
    return door_of(person.app).bridge.credentials(acting(person, caller), asked)


def ledger(person: Person) -> tuple[LiveGrant, ...]:
    return door_of(person.app).store.live_grants.of_person("corp/ada")


def token(person: Person, caller: Session) -> Any:
    asked = RoleRequest(OIDC, "Developer")
    return door_of(person.app).bridge.web_identity_token(acting(person, caller), asked)
