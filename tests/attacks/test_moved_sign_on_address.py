"""A sign-on address by SAML that moves to another host waits for an administrator's yes (ADR 0018)."""

from __future__ import annotations

from typing import Any

from saml_factories import ENTITY_ID, IDP, NOW, Kept, Wire, idp_signer, key_ring, sign_in

from federation_bridge.connectors.accepting import accept_held
from federation_bridge.connectors.changes import DocumentHeld
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.model import Notice
from federation_bridge.sandbox.identity_provider.saml_message import metadata_xml
from federation_bridge.settings import SamlConnection

EVIL = "https://evil.example.test"


URL = "https://idp.example.test/metadata"


def published(sign_on: str) -> bytes:
    return metadata_xml(IDP, sign_on, [idp_signer()])


def by_address(wire: Wire, kept: Kept, notices: list[Notice], **more: Any) -> SamlConnector:
    kept.hears = notices.append
    chosen = SamlConnection(protocol="saml", title="Company", metadata_url=URL, **more)
    around = Surroundings(wire, kept, lambda: NOW, notices.append)  # type: ignore[arg-type]
    return SamlConnector("company", chosen, ("https://bridge.example.test", ENTITY_ID), key_ring(), around)


def test_a_sign_on_address_that_moves_waits_for_a_yes() -> None:
    wire, kept = Wire({URL: published("https://idp.example.test/sso")}), Kept()
    notices: list[Notice] = []
    company = by_address(wire, kept, notices)
    assert company.depart(sign_in()).url.startswith("https://idp.example.test/sso?")
    wire.documents[URL] = published(f"{EVIL}/sso")
    for _ in range(3):
        company.refresher._refresh()
        assert company.depart(sign_in()).url.startswith("https://idp.example.test/sso?")
    assert [type(one) for one in notices] == [DocumentHeld]
    assert any("metadata accept" in doubt for doubt in company.check())
    assert accept_held(kept, "company", NOW)
    company.refresher._refresh()
    assert company.depart(sign_in()).url.startswith(f"{EVIL}/sso?")


def test_another_path_and_a_host_of_the_settings_need_none() -> None:
    wire, kept = Wire({URL: published("https://idp.example.test/sso")}), Kept()
    notices: list[Notice] = []
    company = by_address(wire, kept, notices, endpoint_hosts=("evil.example.test",))
    company.depart(sign_in())
    for sign_on in ("https://idp.example.test/sso/2", f"{EVIL}/sso"):
        wire.documents[URL] = published(sign_on)
        company.refresher._refresh()
        assert company.depart(sign_in()).url.startswith(sign_on + "?")
    assert not notices


def test_a_file_is_an_administrators_own_word(tmp_path: Any) -> None:
    path, kept, notices = tmp_path / "idp.xml", Kept(), list[Notice]()
    path.write_bytes(published("https://idp.example.test/sso"))
    chosen = SamlConnection(protocol="saml", title="Company", metadata_file=path)
    around = Surroundings(Wire(), kept, lambda: NOW, notices.append)  # type: ignore[arg-type]
    company = SamlConnector("company", chosen, ("https://bridge.example.test", ENTITY_ID), key_ring(), around)
    path.write_bytes(published("https://new.example.test/sso"))
    company.refresher._refresh()
    assert company.depart(sign_in()).url.startswith("https://new.example.test/sso?")
