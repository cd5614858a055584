"""The first key and its audit entry stand or fall together, and it is told once."""

from __future__ import annotations

import pytest
from databases import HeldClock, OwnDatabase

from federation_bridge.errors import BridgeError, Unavailable
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.signing.changes import FirstKeyMade
from federation_bridge.store.writing import Writing


def test_a_first_key_that_cannot_be_audited_is_not_made(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = own_database.open()
    ring = KeyRing(bytes(32), SealedKeysAndNotices(store.sealed_keys, clock), clock, "bridge.example.com")

    def refused(*_: object, **__: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken, pytest.raises(BridgeError, match="takes nothing"):
        broken.setattr(Writing, "record", refused)
        ring.current(Purpose.TOKENS)
    assert store.sealed_keys.sealed("tokens") == ()
    made = ring.current(Purpose.TOKENS)
    (told,) = store.audit.entries(event="key.made")
    assert told.details == {"purpose": "tokens", "kid": made.kid}


def test_a_key_that_another_process_made_first_is_told_once(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
    kept = SealedKeysAndNotices(store.sealed_keys, clock)
    for _ in range(2):
        KeyRing(bytes(32), kept, clock, "bridge.example.com").current(Purpose.TOKENS)
    kept.put_first("tokens", b"another", FirstKeyMade("tokens", "another"))
    assert len(store.audit.entries(event="key.made")) == 1
