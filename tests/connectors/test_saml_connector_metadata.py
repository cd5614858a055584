"""The metadata of an identity provider, as a connection by SAML has it: fetched, kept, refreshed and believed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from saml_factories import IDP, NOW, Kept, Wire, connector, idp_signer, key_ring, stranger

from federation_bridge.connectors.accepting import accept_held
from federation_bridge.connectors.changes import DocumentHeld, DocumentNotice, DocumentRefused, NewKeys
from federation_bridge.connectors.from_settings import connectors_from
from federation_bridge.connectors.saml.metadata_source import HELD, KEPT, MetadataSource, Surroundings
from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable
from federation_bridge.model import Notice
from federation_bridge.sandbox.identity_provider import saml_message as made
from federation_bridge.settings import SamlConnection, settings_from

URL = "https://idp.example.test/metadata"


class Notices(list[DocumentNotice]):
    def __call__(self, notice: Notice) -> None:
        assert isinstance(notice, DocumentNotice)
        self.append(notice)


def _source(wire: Wire, kept: Kept, notices: Notices, **more: Any) -> MetadataSource:
    kept.hears = notices
    chosen = SamlConnection(protocol="saml", title="x", metadata_url=URL, **more)
    return MetadataSource("company", chosen, Surroundings(wire, kept, lambda: NOW, notices))  # type: ignore[arg-type]


def _document(*signers: made.Signer, **more: Any) -> bytes:
    return made.metadata_xml(IDP, "https://idp.example.test/sso", signers or [idp_signer()], **more)


def test_metadata_from_an_address_is_fetched_when_first_needed_and_kept() -> None:
    wire, kept = Wire({URL: _document()}), Kept()
    source = _source(wire, kept, Notices())
    assert wire.asked == []
    assert source.current().entity_id == IDP
    assert kept.last_good(KEPT, "company") is not None


def test_the_last_good_metadata_holds_over_a_restart_while_the_address_is_down() -> None:
    kept = Kept()
    _source(Wire({URL: _document()}), kept, Notices()).current()
    notices = Notices()
    again = _source(Wire(), kept, notices)
    again.refresh()
    again.refresh()
    assert again.current().entity_id == IDP
    assert [type(one) for one in notices] == [DocumentRefused]
    assert again.problem


def test_without_any_metadata_nobody_signs_in() -> None:
    with pytest.raises(ProviderUnreachable):
        _source(Wire(), Kept(), Notices()).current()


def test_o01_a_silent_address_holds_one_sign_in_and_not_each_that_waits() -> None:
    wire, now = Wire(), [NOW]
    chosen = SamlConnection(protocol="saml", title="x", metadata_url=URL)
    around = Surroundings(wire, Kept(), lambda: now[0], Notices())  # type: ignore[arg-type]
    source = MetadataSource("company", chosen, around)
    for _ in range(10):
        with pytest.raises(ProviderUnreachable):
            source.current()
    assert wire.asked == [URL]
    wire.documents[URL] = _document()
    now[0] += timedelta(seconds=5)
    assert source.current().entity_id == IDP


def test_a_broken_refresh_changes_nothing() -> None:
    wire, notices = Wire({URL: _document()}), Notices()
    source = _source(wire, Kept(), notices)
    before = source.current()
    wire.documents[URL] = b"<html>maintenance</html>"
    source.refresh()
    assert source.current() is before
    assert type(notices[0]) is DocumentRefused


def test_a_new_key_is_taken_and_noticed() -> None:
    wire, notices = Wire({URL: _document()}), Notices()
    source = _source(wire, Kept(), notices)
    source.current()
    wire.documents[URL] = _document(idp_signer(), stranger())
    source.refresh()
    assert len(source.current().keys) == 2
    assert type(notices[0]) is NewKeys


def test_a_new_key_waits_for_a_yes_where_the_connection_says_so() -> None:
    wire, kept, notices = Wire({URL: _document()}), Kept(), Notices()
    source = _source(wire, kept, notices, hold_new_keys=True)
    source.current()
    wire.documents[URL] = _document(idp_signer(), stranger())
    source.refresh()
    source.refresh()
    assert len(source.current().keys) == 1
    assert [type(one) for one in notices] == [DocumentHeld]
    assert kept.last_good(HELD, "company") is not None
    assert accept_held(kept, "company", NOW)
    source.refresh()
    assert len(source.current().keys) == 2
    assert not accept_held(kept, "company", NOW)


def test_another_entity_at_the_same_address_is_not_believed() -> None:
    wire, notices = Wire({URL: _document()}), Notices()
    source = _source(wire, Kept(), notices)
    source.current()
    wire.documents[URL] = made.metadata_xml("urn:evil", "https://evil.example.test/", [stranger()])
    source.refresh()
    assert source.current().entity_id == IDP
    assert "entityID changed" in notices[0].detail


def test_h03_older_signed_metadata_does_not_come_back(tmp_path: Path) -> None:
    pem = tmp_path / "signer.pem"
    pem.write_text(stranger().certificate_pem)
    later, earlier = NOW + timedelta(days=5), NOW + timedelta(days=3)
    wire, notices = Wire({URL: _document(signed_by=stranger(), valid_until=later)}), Notices()
    source = _source(wire, Kept(), notices, metadata_signing_certificate=pem)
    assert source.current().valid_until == later
    wire.documents[URL] = _document(signed_by=stranger(), valid_until=earlier)
    source.refresh()
    assert source.current().valid_until == later
    assert "older" in notices[0].detail


def test_a_file_that_is_no_metadata_stops_the_start_and_says_why() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"not one XML document|describes no identity provider"):
        connector(metadata=b"<x/>")


def test_a_thread_refreshes_and_ends() -> None:
    here = connector()
    here.refresher.start()
    here.refresher.stop()
    assert not here.refresher.is_running


def test_two_connections_to_one_identity_provider_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_bytes(_document())
    one = {"protocol": "saml", "title": "One", "metadata_file": "a.xml"}
    two = {"protocol": "saml", "title": "Two", "metadata_file": "b.xml"}
    document = {
        "base_url": "https://bridge.example.test",
        "rules": "r",
        "accounts": "a",
        "connections": {"one": one, "two": two},
    }
    with pytest.raises(ConfigurationInvalid, match="same identity provider"):
        connectors_from(
            settings_from(document, tmp_path),
            keys=key_ring(),
            outgoing=Wire(),  # type: ignore[arg-type]  # nothing is fetched
            kept=Kept(),
            clock=lambda: NOW,
            notice=lambda _: None,
        )
