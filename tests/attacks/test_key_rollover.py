# ruff: noqa: F811 - fixtures are named where they are asked for
"""A provider's new key lets people in at once, and a flood of unknown keys costs the provider nothing more.

Attacks D02, D06, I03, I18, O01: what a message says of its own key is believed by nobody, and chooses no address.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from key_rollover_fixtures import MINUTE, URL, Company, clock, published, two_nodes  # noqa: F401 - fixtures
from saml_factories import NOW, Kept, Wire, idp_signer, message, pinned, posted, sign_in, stranger

from federation_bridge.connectors.accepting import accept_held
from federation_bridge.connectors.changes import DocumentHeld, DocumentNotKept, DocumentWithdrawn, NewKeys
from federation_bridge.connectors.saml.metadata_source import MetadataSource, Surroundings
from federation_bridge.errors import ProviderUnreachable, SignInRejected, Unavailable, UnknownSigner
from federation_bridge.model import Notice
from federation_bridge.notices import DocumentsAndNotices
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection
from federation_bridge.store import Store
from federation_bridge.store.documents import Documents
from federation_bridge.store.writing import Writing


class Auditing:
    """A node of a company whose documents and their notices go where they go in the service."""

    def __init__(self, wire: Wire, store: Store, clock: HeldClock) -> None:
        self.told: list[Notice] = []
        chosen = SamlConnection(protocol="saml", title="Company", metadata_url=URL)
        kept = DocumentsAndNotices(store.documents, clock)
        around = Surroundings(wire, kept, clock, self.told.append)  # type: ignore[arg-type]
        self.source = MetadataSource("company", chosen, around)

    def believed(self) -> set[str]:
        """The fingerprints of the keys that would let somebody in now."""
        return {key.fingerprint for key in self.source.current().keys}


def _refused(*_: object, **__: object) -> None:
    raise Unavailable("the database takes nothing")


def test_keys_that_cannot_be_told_hold_at_once_and_are_told_before_they_are_next_used(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, they would keep a withdrawn key believed. Told late, they would let people in whom no entry explains."""
    store, wire = own_database.open(), Wire({URL: published(idp_signer())})
    here, third = Auditing(wire, store, clock), made.make_signer()
    assert here.believed() == {pinned(idp_signer()).fingerprint}
    with monkeypatch.context() as broken:
        broken.setattr(Writing, "record", _refused)
        for signer in (stranger(), third):
            wire.documents[URL] = published(signer)
            for _ in range(2):
                here.source.refresh()
            assert here.believed() == {pinned(signer).fingerprint}
        assert [type(one) for one in here.told] == [DocumentNotKept], "told once"
    assert store.audit.entries(event="metadata.changed") == ()
    assert here.believed() == {pinned(third).fingerprint}
    told = " ".join(str(one.details["detail"]) for one in store.audit.entries(event="metadata.changed"))
    assert all(pinned(one).fingerprint in told.replace(" ", "") for one in (stranger(), third))
    assert Auditing(Wire(), own_database.open(), clock).believed() == {pinned(third).fingerprint}, (
        "and a restart knows them"
    )


def test_what_another_node_kept_meanwhile_is_not_overwritten_by_what_could_not_be_kept(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire({URL: published(idp_signer())})
    here, there = (Auditing(wire, own_database.open(), clock) for _ in range(2))
    assert here.believed() == there.believed()
    with monkeypatch.context() as broken:
        broken.setattr(Documents, "keep", _refused)
        wire.documents[URL] = published(idp_signer(), stranger())
        here.source.refresh()
    wire.documents[URL] = published(stranger())
    there.source.refresh()
    for node in (here, there, here):
        assert node.believed() == {pinned(stranger()).fingerprint}


def test_a_message_of_a_new_key_is_judged_by_the_metadata_of_that_very_moment(two_nodes: Any) -> None:
    wire = Wire({URL: published(idp_signer())})
    here, there = two_nodes(wire)
    assert here.arrives(idp_signer())
    wire.documents[URL] = published(stranger())
    assert here.arrives(stranger())
    assert there.arrives(stranger()), "and the other node has it of the database"
    assert wire.asked == [URL, URL]
    assert [type(one) for one in here.notices] == [NewKeys]
    for node in (here, there):
        with pytest.raises(UnknownSigner):
            node.arrives(idp_signer())


def test_a_flood_of_messages_with_unknown_keys_asks_once_a_minute_over_all_nodes(
    two_nodes: Any, clock: HeldClock
) -> None:
    wire = Wire({URL: published(idp_signer())})
    nodes = two_nodes(wire)
    assert nodes[0].arrives(idp_signer())
    for minute in range(3):
        for _ in range(5):
            for node in nodes:
                with pytest.raises(UnknownSigner, match="none of this connection's keys"):
                    node.arrives(stranger(), issuer="https://attacker.example.test")
        assert wire.asked == [URL] * (2 + minute)
        clock.advance(MINUTE)
    assert nodes[1].arrives(idp_signer())


def test_a_second_change_within_five_minutes_is_found_after_the_pause_at_most(two_nodes: Any, clock: HeldClock) -> None:
    third = made.make_signer()
    wire = Wire({URL: published(idp_signer())})
    here, there = two_nodes(wire)
    here.arrives(idp_signer())
    wire.documents[URL] = published(stranger())
    assert here.arrives(stranger())
    clock.advance(timedelta(seconds=30))
    wire.documents[URL] = published(third)
    with pytest.raises(UnknownSigner):
        there.arrives(third)
    clock.advance(timedelta(seconds=30))
    assert there.arrives(third)
    assert here.arrives(third)


def test_what_does_not_pass_the_gate_asks_nobody() -> None:
    wire = Wire({URL: published(idp_signer())})
    here = Company(wire, Kept(), lambda: NOW)
    here.arrives(idp_signer())
    forged = made.response_xml(message(), stranger())
    for broken in (b"<!DOCTYPE a>" + forged, forged + b"<!-- -->", forged.replace(b"Assertion", b"assertion")):
        with pytest.raises(SignInRejected):
            here.connector.arrive(sign_in(), posted(broken))
    with pytest.raises(SignInRejected):
        here.connector.arrive(None, posted(forged))
    assert wire.asked == [URL]


def test_what_is_signed_by_a_known_key_and_refused_asks_nobody() -> None:
    wire = Wire({URL: published(idp_signer())})
    here = Company(wire, Kept(), lambda: NOW)
    with pytest.raises(SignInRejected, match="audience"):
        here.arrives(idp_signer(), audience="https://somebody.else.test")
    assert wire.asked == [URL]


def test_a_new_key_that_is_held_lets_nobody_in_before_the_yes_and_at_once_after_it(
    two_nodes: Any, own_database: OwnDatabase
) -> None:
    wire = Wire({URL: published(idp_signer())})
    here, there = two_nodes(wire, hold_new_keys=True)
    here.arrives(idp_signer())
    wire.documents[URL] = published(idp_signer(), stranger())
    for node in (here, there):
        with pytest.raises(UnknownSigner):
            node.arrives(stranger())
    with pytest.raises(UnknownSigner, match="metadata accept"):
        here.arrives(stranger())
    assert [type(one) for one in (*here.notices, *there.notices)] == [DocumentHeld]
    assert accept_held(DocumentsAndNotices(own_database.open().documents, clock), "company", NOW)
    assert there.arrives(stranger())
    assert here.arrives(stranger())
    assert len(wire.asked) == 2, "no further look is needed"


def test_what_is_published_no_more_waits_no_more(two_nodes: Any, clock: HeldClock, own_database: OwnDatabase) -> None:
    wire = Wire({URL: published(idp_signer())})
    here, _ = two_nodes(wire, hold_new_keys=True)
    here.arrives(idp_signer())
    wire.documents[URL] = published(idp_signer(), stranger())
    here.connector.refresher._refresh()
    wire.documents[URL] = published(idp_signer())
    here.connector.refresher._refresh()
    assert [type(one) for one in here.notices] == [DocumentHeld, DocumentWithdrawn]
    assert not accept_held(DocumentsAndNotices(own_database.open().documents, clock), "company", clock())
    with pytest.raises(UnknownSigner):
        here.arrives(stranger())


def test_a_yes_is_used_up_and_cannot_bring_an_old_document_back(own_database: OwnDatabase, clock: HeldClock) -> None:
    wire, kept = Wire({URL: published(idp_signer())}), DocumentsAndNotices(own_database.open().documents, clock)
    here = Company(wire, kept, clock, hold_new_keys=True)
    here.arrives(idp_signer())
    wire.documents[URL] = published(idp_signer(), stranger())
    here.connector.refresher._refresh()
    assert accept_held(kept, "company", NOW)
    wire.documents[URL] = published(stranger())
    here.connector.refresher._refresh()
    assert not accept_held(kept, "company", NOW)
    with pytest.raises(UnknownSigner):
        here.arrives(idp_signer())
    assert here.arrives(stranger())


def test_metadata_that_has_expired_is_looked_for_by_who_needs_it_once_a_minute(
    two_nodes: Any, clock: HeldClock
) -> None:
    ends = NOW + timedelta(minutes=20)
    wire = Wire({URL: published(idp_signer(), valid_until=ends)})
    here, there = two_nodes(wire)
    here.arrives(idp_signer())
    clock.now = ends
    for node in (here, there, here):
        with pytest.raises(ProviderUnreachable, match="valid until"):
            node.arrives(idp_signer())
    assert wire.asked == [URL, URL]
    wire.documents[URL] = published(idp_signer(), valid_until=ends + timedelta(days=1))
    clock.advance(MINUTE)
    assert there.arrives(idp_signer())
    assert here.arrives(idp_signer())


def test_metadata_that_has_expired_still_pins_its_keys_over_a_restart(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    ends = NOW + timedelta(minutes=20)
    wire, kept = (
        Wire({URL: published(idp_signer(), valid_until=ends)}),
        DocumentsAndNotices(own_database.open().documents, clock),
    )
    Company(wire, kept, clock, hold_new_keys=True).arrives(idp_signer())
    clock.now = ends
    wire.documents[URL] = published(stranger())
    again = Company(wire, kept, clock, hold_new_keys=True)
    with pytest.raises((ProviderUnreachable, SignInRejected)):
        again.arrives(stranger())
    assert [type(one) for one in again.notices] == [DocumentHeld]
