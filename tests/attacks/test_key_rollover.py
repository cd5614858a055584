"""A provider's new key lets people in at once, and a flood of unknown keys costs the provider nothing more.

Attacks D02, D06, I03, I18, O01: what a message says of its own key is believed by nobody, and chooses no address.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from openid_provider import DirectOutgoing, World, joined, public_jwk, rs256, rsa_key, signed, world
from saml_factories import (
    ENTITY_ID,
    IDP,
    NOW,
    Kept,
    Wire,
    idp_signer,
    key_ring,
    message,
    pinned,
    posted,
    sign_in,
    stranger,
)

from federation_bridge.connectors.accepting import accept_held
from federation_bridge.connectors.changes import (
    DocumentHeld,
    DocumentNotKept,
    DocumentRefused,
    DocumentWithdrawn,
    NewKeys,
)
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import MetadataSource, Surroundings
from federation_bridge.connectors.shared_look import PAUSE
from federation_bridge.errors import ProviderUnreachable, SignInRejected, Unavailable, UnknownSigner
from federation_bridge.model import KeptDocuments, Notice
from federation_bridge.notices import DocumentsAndNotices
from federation_bridge.outgoing import Fetched
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection
from federation_bridge.store import Store
from federation_bridge.store.documents import Documents
from federation_bridge.store.writing import Writing

URL = "https://idp.example.test/metadata"
WITHIN = 60
MINUTE = timedelta(minutes=1)


def published(*signers: made.Signer, **more: Any) -> bytes:
    return made.metadata_xml(IDP, "https://idp.example.test/sso", signers, **more)


class Heard:
    """Documents whose notices are heard where they are kept."""

    def __init__(self, kept: KeptDocuments, notices: list[Notice]) -> None:
        self._kept, self._notices = kept, notices

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        is_new = self._kept.keep(kind, name, text)
        self._notices.extend(notices if is_new else ())
        return is_new

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


class Company:
    """One node's connection to a company by SAML, and the company's messages."""

    def __init__(self, wire: Wire, kept: KeptDocuments, clock: Callable[[], datetime], **settings: Any) -> None:
        self.notices: list[Notice] = []
        self.clock = clock
        settings = {"subject_kind": "email", **settings}
        if "metadata_file" not in settings:
            settings["metadata_url"] = URL
        chosen = SamlConnection(protocol="saml", title="Company", **settings)
        around = Surroundings(wire, Heard(kept, self.notices), clock, self.notices.append)  # type: ignore[arg-type]
        house = ("https://bridge.example.test", ENTITY_ID)
        self.connector = SamlConnector("company", chosen, house, key_ring(), around)

    def arrives(self, signer: made.Signer, **told: Any) -> str:
        """The subject of a sign-in that is pending, with a message of just now that this key signed."""
        now = self.clock()
        answer = message(issued_at=now - timedelta(seconds=1), **told)
        left = sign_in(started_at=now - timedelta(seconds=5), expires_at=now + timedelta(minutes=5))
        return self.connector.arrive(left, posted(made.response_xml(answer, signer))).identity.subject


@pytest.fixture
def clock(clock: HeldClock) -> HeldClock:
    clock.now = NOW
    return clock


@pytest.fixture
def two_nodes(own_database: OwnDatabase, clock: HeldClock) -> Callable[..., tuple[Company, Company]]:
    """Makes two nodes on one database, with what they see at the company's address."""
    return lambda wire, **settings: (
        Company(wire, DocumentsAndNotices(own_database.open().documents, clock), clock, **settings),
        Company(wire, DocumentsAndNotices(own_database.open().documents, clock), clock, **settings),
    )


# ----------------------------------------------------------------------------------------------------- SAML, by address


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


# ------------------------------------------------------------------------------------------------ one of several waits


class Slow(Wire):
    """Answers when the test lets go, where it says so."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        super().__init__(documents)
        self.is_slow, self.was_asked, self.let_go = False, threading.Event(), threading.Event()

    def fetch(self, url: str, **more: Any) -> Fetched:
        if self.is_slow:
            self.was_asked.set()
            assert self.let_go.wait(WITHIN)
        return super().fetch(url, **more)


@pytest.fixture
def slow() -> Iterator[Slow]:
    wire = Slow({URL: published(idp_signer())})
    yield wire
    wire.let_go.set()


def test_who_comes_to_another_node_meanwhile_waits_for_its_look_and_gets_in(two_nodes: Any, slow: Slow) -> None:
    here, there = two_nodes(slow)
    here.arrives(idp_signer())
    slow.documents[URL], slow.is_slow = published(stranger()), True
    waits, has_ended = threading.Event(), threading.Event()

    def wait(_: float) -> bool:
        waits.set()
        return has_ended.wait(WITHIN)

    there.connector._source._shared._wait = wait
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(here.arrives, stranger())
        assert slow.was_asked.wait(WITHIN)
        others = [pool.submit(there.arrives, stranger()) for _ in range(2)]
        assert waits.wait(WITHIN)
        assert not first.done()
        slow.let_go.set()
        assert first.result(WITHIN)
        has_ended.set()
        assert all(one.result(WITHIN) for one in others)
    assert slow.asked == [URL, URL]


def test_a_look_whose_node_was_ended_holds_nobody_for_long(
    two_nodes: Any, own_database: OwnDatabase, clock: HeldClock
) -> None:
    wire = Wire({URL: published(idp_signer())})
    here, there = two_nodes(wire)
    here.arrives(idp_signer())
    assert DocumentsAndNotices(own_database.open().documents, clock).begin_look("company", PAUSE).is_ours
    waited: list[timedelta] = []
    there.connector._source._shared._wait = waited.append
    for _ in range(3):
        with pytest.raises(UnknownSigner):
            there.arrives(stranger())
    assert sum(waited, timedelta(0)) == timedelta(seconds=8), "once"
    wire.documents[URL] = published(stranger())
    clock.advance(PAUSE)
    assert there.arrives(stranger())


# --------------------------------------------------------------------------------------------------------- SAML, a file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "idp.xml"
    path.write_bytes(published(idp_signer()))
    return path


def test_a_changed_file_holds_for_the_very_next_message(file: Path) -> None:
    here = Company(Wire(), Kept(), lambda: NOW, metadata_file=file)
    here.arrives(idp_signer())
    file.write_bytes(published(stranger()))
    assert here.arrives(stranger())
    with pytest.raises(UnknownSigner):
        here.arrives(idp_signer())
    assert [type(one) for one in here.notices] == [NewKeys]


def test_a_file_that_rests_is_looked_at_and_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(file, (1_700_000_000, 1_700_000_000))
    reads: list[Path] = []
    honest = Path.open

    def noted(self: Path, *more: Any, **named: Any) -> Any:
        reads.append(self)
        return honest(self, *more, **named)

    monkeypatch.setattr(Path, "open", noted)
    here = Company(Wire(), Kept(), lambda: NOW, metadata_file=file)
    here.connector._source._file._wall = lambda: 1e12  # type: ignore[union-attr]  # long after the file was changed
    here.connector.refresher._refresh()
    reads.clear()
    for _ in range(3):
        here.arrives(idp_signer())
        here.connector.watch()
    assert reads == []


@pytest.mark.parametrize("broken", [b"", b"<html>", published(idp_signer())[:-20]])
def test_a_file_that_is_half_written_changes_nothing_and_is_read_when_it_is_whole(file: Path, broken: bytes) -> None:
    here = Company(Wire(), Kept(), lambda: NOW, metadata_file=file)
    file.write_bytes(broken)
    for _ in range(3):
        assert here.arrives(idp_signer())
    assert [type(one) for one in here.notices] == [DocumentRefused]
    file.write_bytes(published(stranger()))
    assert here.arrives(stranger())


def test_a_new_key_in_a_file_waits_too_and_the_yes_holds_at_once(file: Path) -> None:
    kept = Kept()
    here = Company(Wire(), kept, lambda: NOW, metadata_file=file, hold_new_keys=True)
    file.write_bytes(published(idp_signer(), stranger()))
    with pytest.raises(UnknownSigner):
        here.arrives(stranger())
    assert accept_held(kept, "company", NOW)
    assert here.arrives(stranger())


def test_each_node_follows_its_own_file(
    tmp_path: Path, two_nodes: Any, own_database: OwnDatabase, clock: HeldClock
) -> None:
    """While files are replaced one node after the other, neither goes back and forth with the other."""
    nodes = []
    for name in ("here", "there"):
        path = tmp_path / name
        path.write_bytes(published(idp_signer()))
        nodes.append(
            (
                path,
                Company(Wire(), DocumentsAndNotices(own_database.open().documents, clock), clock, metadata_file=path),
            )
        )
    nodes[0][0].write_bytes(published(stranger()))
    for _ in range(2):
        assert nodes[0][1].arrives(stranger())
        assert nodes[1][1].arrives(idp_signer())
        for _, node in nodes:
            node.connector.refresher._refresh()
    assert [type(one) for one in nodes[0][1].notices] == [NewKeys]
    assert nodes[1][1].notices == []


# ------------------------------------------------------------------------------------------------------- OpenID Connect


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


def another(around: World) -> World:
    """One more node on the same store."""
    settings = around.connector._settings
    return joined(around.preset, around.provider, settings, around.outgoing, around.memory, around.clock)


def rolls(around: World, name: str, *, has_kid: bool = True, keeps: bool = False) -> None:
    """The provider signs with another key, and publishes it."""
    kid = {"kid": name} if has_kid else {}
    header = {"alg": "RS256", "typ": "JWT", **kid}
    around.provider.make_token = lambda _, claims: signed(header, json.dumps(claims).encode(), rs256(rsa_key(name)))
    before = around.provider.keys if keeps else []
    around.provider.keys = [*before, public_jwk(rsa_key(name), **kid)]


def key_fetches(around: World) -> int:
    return sum(url.endswith("/keys") for url in around.provider.fetched)


@pytest.mark.parametrize("has_kid", [True, False])
def test_a_token_of_a_new_key_is_judged_by_the_keys_of_that_very_moment(*, has_kid: bool) -> None:
    here = world()
    there = another(here)
    assert here.sign_in().identity.subject
    rolls(here, "second", has_kid=has_kid)
    assert here.sign_in().identity.subject
    assert there.sign_in().identity.subject
    assert key_fetches(here) == 2


def test_another_key_under_the_same_name_is_found_too() -> None:
    here = world()
    here.sign_in()
    rolls(here, "first")
    assert here.sign_in().identity.subject


def test_a_flood_of_unknown_kids_asks_once_a_minute_over_all_nodes() -> None:
    here = world()
    nodes = (here, another(here))
    here.sign_in()
    honest = list(here.provider.keys)
    for minute in range(3):
        for number in range(5):
            rolls(here, f"unknown-{minute}-{number % 2}")
            here.provider.keys = honest
            for node in nodes:
                with pytest.raises(SignInRejected, match="kid"):
                    node.sign_in()
        assert key_fetches(here) == 2 + minute
        here.clock[0] += MINUTE


def test_a_second_change_of_keys_within_five_minutes_is_found_after_the_pause_at_most() -> None:
    here = world()
    here.sign_in()
    rolls(here, "second")
    assert here.sign_in().identity.subject
    here.clock[0] += timedelta(seconds=30)
    rolls(here, "third")
    with pytest.raises(SignInRejected):
        here.sign_in()
    here.clock[0] += timedelta(seconds=30)
    assert here.sign_in().identity.subject


def test_keys_that_moved_to_another_host_are_not_followed_for_an_unknown_key() -> None:
    here = world()
    here.sign_in()
    here.provider.discovery["jwks_uri"] = "https://evil.example.test/keys"
    rolls(here, "second")
    assert here.sign_in().identity.subject, "of the address that was pinned"
    assert not [url for url in here.provider.fetched if "evil" in url]


def test_a_provider_that_is_down_meanwhile_lets_nobody_in_and_known_keys_go_on() -> None:
    here = world()
    here.sign_in()
    honest = here.provider.make_token
    rolls(here, "second")
    found = here.provider.keys
    here.provider.raw_keys = b"<html>"
    with pytest.raises(SignInRejected):
        here.sign_in()
    rolled, here.provider.make_token = here.provider.make_token, honest
    assert here.sign_in().identity.subject
    here.provider.make_token, here.provider.raw_keys, here.provider.keys = rolled, None, found
    here.clock[0] += MINUTE
    assert here.sign_in().identity.subject


def test_the_nodes_share_what_one_of_them_fetched() -> None:
    here = world()
    there = another(here)
    here.sign_in()
    here.clock[0] += timedelta(hours=1)
    here.sign_in()
    there.sign_in()
    assert key_fetches(here) == 2
    assert isinstance(here.outgoing, DirectOutgoing)
