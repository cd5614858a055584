"""An endpoint on another host waits for an administrator's yes, and nothing goes there meanwhile (I16, ADR 0018)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from openid_provider import ISSUERS, World, joined, world
from web_factories import door_of, person_at

from federation_bridge.connectors.accepting import accept_held, acceptance_of, description_of
from federation_bridge.connectors.changes import DocumentChanged, DocumentHeld
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable, Unavailable
from federation_bridge.model import Notice
from federation_bridge.pending_sign_in import PendingSignIns
from federation_bridge.settings import settings_from

EVIL = "https://evil.example.test"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")


# ------------------------------------------------------------------------------------------------------ OpenID Connect


def later(around: World) -> None:
    """Time passes until the documents are fetched again, and they are."""
    around.clock[0] += timedelta(hours=2)
    around.connector.refresher._refresh()


def went_to(around: World, host: str) -> list[str]:
    begun, _ = around.begin()
    departure = around.connector.depart(begun).url
    return [url for url in (*around.provider.fetched, departure) if host in url]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("to", [f"{EVIL}/x", "https://id.example.test:8443/x", "https://id.example.test.evil.test/x"])
def test_a_moved_endpoint_waits_and_sign_ins_go_on_at_the_old_one(endpoint: str, to: str) -> None:
    around = world()
    assert around.sign_in().identity.subject
    around.provider.discovery[endpoint] = to
    for _ in range(3):
        later(around)
        assert around.sign_in().identity.subject
    assert not went_to(around, to.removesuffix("/x"))
    held = [one.detail for one in around.notices if isinstance(one, DocumentHeld)]
    assert len(held) == 1, "told once"
    assert endpoint in held[0]


def test_another_path_on_the_same_host_is_no_move() -> None:
    around = world()
    around.sign_in()
    around.provider.discovery["authorization_endpoint"] = ISSUERS["generic"] + "/authorize/v2"
    later(around)
    assert around.connector.depart(around.begin()[0]).url.startswith(ISSUERS["generic"] + "/authorize/v2?")


def test_a_yes_lets_it_move_and_the_next_move_waits_again() -> None:
    around = world()
    around.sign_in()
    around.provider.discovery["authorization_endpoint"] = f"{EVIL}/authorize"
    later(around)
    assert not went_to(around, EVIL)
    assert accept_held(around.memory, "company", around.clock[0])
    assert not accept_held(around.memory, "company", around.clock[0])
    later(around)
    assert went_to(around, EVIL)
    around.provider.discovery["authorization_endpoint"] = "https://third.example.test/authorize"
    later(around)
    assert not went_to(around, "third.example.test")


def test_the_pin_holds_over_a_restart_and_however_old_it_is() -> None:
    around = world()
    around.sign_in()
    around.provider.discovery["token_endpoint"] = f"{EVIL}/token"
    around.clock[0] += timedelta(days=30)
    again = joined(
        around.preset, around.provider, around.connector._settings, around.outgoing, around.memory, around.clock
    )
    with pytest.raises(ProviderUnreachable, match="metadata accept"):
        again.sign_in()
    assert not [url for url in around.provider.fetched if EVIL in url]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_first_discovery_pins_only_hosts_that_are_permitted(endpoint: str) -> None:
    around = world()
    around.provider.discovery[endpoint] = f"{EVIL}/x"
    with pytest.raises(ProviderUnreachable, match="metadata accept"):
        around.sign_in()
    assert any("metadata accept" in doubt for doubt in around.connector.check())
    assert not around.provider.token_requests
    named = world(endpoint_hosts=("evil.example.test",))
    named.provider.discovery["authorization_endpoint"] = f"{EVIL}/x"
    assert went_to(named, EVIL)


def test_a_yes_to_the_first_discovery_is_the_pin() -> None:
    around = world()
    around.provider.discovery["authorization_endpoint"] = f"{EVIL}/x"
    with pytest.raises(ProviderUnreachable):
        around.begin()
    assert accept_held(around.memory, "company", around.clock[0])
    later(around)
    assert went_to(around, EVIL)


def asking_userinfo(around: World) -> World:
    """The same connection when its administrator has said that groups are read at userinfo."""
    told = {"groups_from": "userinfo", "groups": "groups"}
    settings = around.connector._settings.model_copy(update=told)
    return joined(around.preset, around.provider, settings, around.outgoing, around.memory, around.clock)


@pytest.mark.parametrize("when", ["before the first sign-in", "later"])
def test_where_userinfo_lay_while_nobody_used_it_is_no_pin(when: str) -> None:
    around = world()
    if when == "later":
        around.sign_in()
    around.provider.discovery["userinfo_endpoint"] = f"{EVIL}/userinfo"
    later(around)
    assert around.sign_in().identity.subject
    asking = asking_userinfo(around)
    with pytest.raises(ProviderUnreachable, match=r"userinfo_endpoint lies on 'evil.example.test'"):
        asking.sign_in()
    assert not [url for url in around.provider.fetched if EVIL in url]


def test_a_connection_that_begins_to_ask_userinfo_does_so_where_its_provider_lies() -> None:
    around = world()
    around.sign_in()
    around.provider.userinfo = {"groups": ["admins"]}
    assert asking_userinfo(around).sign_in().identity.groups.names == ("admins",)


def test_a_yes_names_every_endpoint_to_which_it_is_given() -> None:
    around = world(groups_from="userinfo")
    around.sign_in()
    around.provider.discovery["userinfo_endpoint"] = f"{EVIL}/userinfo"
    later(around)
    yes = acceptance_of(around.memory, "company", around.clock[0])
    assert yes is not None
    assert f"userinfo_endpoint: {EVIL}/userinfo" in description_of(yes, around.connector._settings)


def test_the_hosts_that_google_has_are_known() -> None:
    around = world("google")
    around.provider.discovery |= {
        "token_endpoint": "https://oauth2.googleapis.com/token",
        "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
    }
    around.begin()
    around.provider.discovery["token_endpoint"] = "https://www.googleapis.com/token"
    with suppress(ProviderUnreachable):  # there is nothing at Google's address of keys here
        later(around)
    assert DocumentHeld in [type(one) for one in around.notices], "a later move waits always"


def test_what_waits_is_told_when_the_audit_is_back_where_it_was_away() -> None:
    # Else a move would wait of which nobody ever heard: the next look finds it kept already.
    around = world()
    around.sign_in()
    around.provider.discovery["token_endpoint"] = f"{EVIL}/token"
    hear = around.memory.hears

    def is_away(_: Notice) -> None:
        raise Unavailable("the audit is away")

    around.memory.hears = is_away
    later(around)
    assert not [one for one in around.notices if isinstance(one, DocumentHeld)]
    around.memory.hears = hear
    for _ in range(2):
        later(around)
    assert len([one for one in around.notices if isinstance(one, DocumentHeld)]) == 1


def test_another_document_in_force_is_told_when_the_audit_is_back_where_it_was_away() -> None:
    around = world(endpoint_hosts=("evil.example.test",))
    around.sign_in()
    around.provider.discovery["authorization_endpoint"] = f"{EVIL}/authorize"
    hear = around.memory.hears

    def is_away(_: Notice) -> None:
        raise Unavailable("the audit is away")

    around.memory.hears = is_away
    later(around)
    assert went_to(around, EVIL), "it is good, and decides"
    around.memory.hears = hear
    for _ in range(2):
        later(around)
    assert len([one for one in around.notices if isinstance(one, DocumentChanged)]) == 1


def test_a_host_that_the_settings_name_needs_no_yes() -> None:
    around = world(endpoint_hosts=("evil.example.test",))
    around.sign_in()
    around.provider.discovery["authorization_endpoint"] = f"{EVIL}/authorize"
    later(around)
    assert went_to(around, EVIL)


@pytest.mark.parametrize("host", ["https://a.example", "A.example", "a.example/", "", "*.example", "user@a.example"])
def test_a_permitted_host_is_written_plainly(tmp_path: Any, host: str) -> None:
    connection = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml", "endpoint_hosts": ["a.b:8443"]}
    document = {"base_url": "https://b.example", "rules": "r", "accounts": "a", "connections": {"company": connection}}
    assert settings_from(document, tmp_path).connections["company"].endpoint_hosts == ("a.b:8443",)
    connection["endpoint_hosts"] = [host]
    with pytest.raises(ConfigurationInvalid, match="host"):
        settings_from(document, tmp_path)


# --------------------------------------------------------------------------------------------------------- the pipeline


def test_a_sign_in_that_fails_for_its_provider_is_audited(
    tmp_path: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ProviderUnreachable("waits for `federation-bridge metadata accept`: token_endpoint")

    for person in person_at(tmp_path, clock):
        monkeypatch.setattr(PendingSignIns, "open", lambda *_: None)
        monkeypatch.setattr(OidcConnector, "arrive", refuse)
        assert person.get("/sign-in/corp/oidc?state=x&code=y").status_code == 502
        entry = door_of(person.app).store.audit.entries()[0]
        assert (entry.event, entry.connection, entry.details["code"]) == (
            "sign_in.refused", "corp", "provider_unreachable",
        )  # fmt: skip
        assert "metadata accept" in str(entry.details["reason"])
