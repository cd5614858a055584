"""Our keys in an account's provider: what is told where AWS is slow, silent or another one than a moment ago."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from onboarding_factories import registered
from reached_provider import Iam

from federation_bridge.administration import keys as key_verbs
from federation_bridge.administration import provider_keys
from federation_bridge.administration.keys import Keys
from federation_bridge.administration.provider_keys import Publishing, Standing
from federation_bridge.aws import issuer
from federation_bridge.aws.account_access import Unanswered
from federation_bridge.errors import Unavailable
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store
from federation_bridge.store.audit_log import AuditTable

ACCOUNT = registered()
_SETTINGS = SimpleNamespace(
    saml_entity_id="https://bridge.example.com/saml/metadata",
    issuer="https://bridge.example.com",
    base_url="https://bridge.example.com",
)


@dataclass
class Bridge:
    """A bridge whose key was rotated since the account was onboarded."""

    store: Store
    keys: Keys
    old: str
    new: str
    iam: Iam
    pauses: list[float] = field(default_factory=list)

    @property
    def publishing(self) -> Publishing:
        settings: Any = _SETTINGS
        retired = provider_keys.retired_keys(self.store)
        return Publishing(settings, self.keys.ring, self.iam.reach, self.iam.clock, self.pauses.append, retired)

    def publish(self) -> Standing:
        return provider_keys.publish(self.publishing, self.store, ACCOUNT)

    def document(self) -> str:
        return issuer.saml_metadata(self.keys.ring, _SETTINGS.saml_entity_id, _SETTINGS.base_url).decode()

    def events(self) -> list[tuple[str, Any, Any]]:
        told = [one for one in self.store.audit.entries() if one.event.startswith("provider.")]
        return [(one.event, one.details.get("state"), one.details["kids"]) for one in reversed(told)]


def bridge_of(store: Store, clock: HeldClock) -> Bridge:
    ring = KeyRing(bytes(32), SealedKeysAndNotices(store.sealed_keys, clock), clock, "bridge.example.com")
    looks = iter(range(0, 10**9, 6))
    ring._monotonic = lambda: next(looks)  # each look at the keys is a new one
    keys = Keys(ring, store.sealed_keys, clock)
    old = ring.current(Purpose.AWS_SAML).kid
    before = issuer.saml_metadata(ring, _SETTINGS.saml_entity_id, _SETTINGS.base_url).decode()
    return Bridge(store, keys, old, key_verbs.rotate(keys, Purpose.AWS_SAML).kid, Iam(clock, before))


@pytest.fixture
def bridge(own_database: OwnDatabase, clock: HeldClock) -> Bridge:
    return bridge_of(own_database.open(), clock)


def test_what_iam_tells_late_is_waited_for(bridge: Bridge) -> None:
    before = bridge.iam.metadata
    bridge.iam.answers = [before, before, before]
    found = bridge.publish()
    assert (found.state, found.is_updated) == ("current", True)
    assert bridge.iam.done == ["read", "update", "read", "read", "read"]
    assert bridge.pauses == [0.0, 1.0, 2.0]
    assert bridge.events() == [
        ("provider.update_asked", None, [bridge.old, bridge.new]),
        ("provider.update_settled", "current", [bridge.old, bridge.new]),
    ]


def test_what_iam_never_tells_is_still_to_do(bridge: Bridge) -> None:
    bridge.iam.answers = [bridge.iam.metadata] * 9
    found = bridge.publish()
    assert (found.state, found.told) == ("to update", f"lacks key {bridge.new}")
    assert sum(bridge.pauses) == 7
    assert bridge.events()[-1] == ("provider.update_settled", "to update", [bridge.old])


@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        (Unanswered("the credentials may not call it", "AccessDenied"), "the credentials may not call it"),
        (Unanswered("no answer"), "no answer; whether AWS took our keys, another run tells"),
    ],
    ids=["refused", "silent"],
)
def test_what_aws_did_not_take_is_audited_as_that(bridge: Bridge, refuses: Unanswered, told: str) -> None:
    bridge.iam.refuses = refuses
    found = bridge.publish()
    assert (found.state, found.told, found.is_updated) == ("could not", told, False)
    assert bridge.events()[-1] == ("provider.update_settled", "could not", [])


def test_what_cannot_be_read_again_is_not_called_current(bridge: Bridge) -> None:
    bridge.iam.answers = [bridge.iam.metadata, Unanswered("no answer")]
    found = bridge.publish()
    assert (found.state, found.told) == ("could not", "AWS took our keys, and does not tell what it has now: no answer")


def test_a_key_that_was_retired_meanwhile_does_not_come_back(bridge: Bridge, clock: HeldClock) -> None:
    key_verbs.use(bridge.keys, Purpose.AWS_SAML)
    clock.advance(timedelta(days=1))
    publishing = bridge.publishing

    def another_retires() -> None:
        bridge.iam.while_read = lambda: None
        key_verbs.retire(bridge.keys, Purpose.AWS_SAML)

    bridge.iam.while_read = another_retires
    assert provider_keys.publish(publishing, bridge.store, ACCOUNT).state == "current"
    assert bridge.iam.metadata == bridge.document()
    assert bridge.events()[0] == ("provider.update_asked", None, [bridge.new])


def test_aws_is_not_asked_to_change_what_the_audit_did_not_take(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    monkeypatch.setattr(AuditTable, "record", refused)
    with pytest.raises(Unavailable, match="takes nothing"):
        bridge.publish()
    assert bridge.iam.done == ["read"]


def test_what_was_changed_and_could_not_be_audited_afterwards_is_told(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = AuditTable.record

    def once(table: AuditTable, *entries: Any) -> None:
        monkeypatch.setattr(AuditTable, "record", refused)
        records(table, *entries)

    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    monkeypatch.setattr(AuditTable, "record", once)
    with pytest.raises(Unavailable) as failure:
        bridge.publish()
    assert failure.value.detail == (
        f"account {ACCOUNT.id} was asked to believe our keys, and the audit did not take what came of it: "
        "the audit takes nothing"
    )
    assert bridge.events() == [("provider.update_asked", None, [bridge.old, bridge.new])]
