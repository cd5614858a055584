"""A transmitter of shared signals and the people it tells of; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from transmitters import CAEP, RISC, Sender, transmitter_of
from web_factories import BASE, Person, door_of, person_at

from federation_bridge.administration import signals as streams
from federation_bridge.bridge import token_hash
from federation_bridge.model import Identity, ProviderSession, Session

REVOKED, DISABLED, ENABLED = f"{CAEP}session-revoked", f"{RISC}account-disabled", f"{RISC}account-enabled"
ADA, BOB = "ab" * 32, "cd" * 32


@pytest.fixture
def sender(clock: HeldClock) -> Sender:
    return Sender(clock)


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock, sender: Sender) -> Iterator[Person]:
    for opened in person_at(tmp_path, clock):
        door_of(opened.app).signals._parts.transmitters["corp"] = transmitter_of(sender)  # type: ignore[index]
        begin(opened, clock(), ADA, "00u-person")
        begin(opened, clock(), BOB, "00u-bob")
        yield opened


@pytest.fixture
def bearer(person: Person, clock: HeldClock) -> str:
    door = door_of(person.app)
    return streams.new_token(door.store, clock, door.randomness, "corp")


def begin(person: Person, now: datetime, token: str, subject: str) -> None:
    named = ProviderSession("id.example.test/realm", subject, "")
    session = Session(
        token_hash(token), Identity("corp", subject, subject), now, now, now + timedelta(hours=12), at_provider=named
    )
    door_of(person.app).store.sessions.admit(session, "issuer", f"_{token}{now}", now)


def is_live(person: Person, token: str) -> bool:
    return door_of(person.app).store.sessions.live(token_hash(token), timedelta(hours=1)) is not None


def push(person: Person, bearer: str, token: str, path: str = "/ssf/corp", **headers: str) -> Any:
    sent = {"Content-Type": "application/secevent+jwt", "Authorization": f"Bearer {bearer}", **headers}
    return person.client.post(path, base_url=BASE, data=token, headers=sent)
