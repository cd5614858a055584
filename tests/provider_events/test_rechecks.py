"""A session goes on only as long as its provider vouches for it: asked again, ended by a no, and spared an outage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from databases import HeldClock
from family_factories import let_in
from openid_provider import World, world
from web_factories import TOKEN, Person, door_of, person_at

from federation_bridge.bridge import token_hash
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.errors import GrantEnded, InvalidToken, ProviderUnreachable
from federation_bridge.model import RequestOrigin

_CORP = {"protocol": "oidc", "issuer": "https://idp.example.com", "client_id": "bridge", "title": "Corporate account"}
KEY = token_hash(TOKEN)


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock, company: World) -> Iterator[Person]:
    """Ada is signed in by a connection that is asked again every ten minutes."""
    corp = {**_CORP, "recheck_every": "10m", "recheck_grace": "20m"}
    for opened in person_at(tmp_path, clock, connections={"corp": corp}):
        door_of(opened.app).bridge._parts.connectors["corp"] = company.connector  # type: ignore[index]
        opened.sign_in(clock, "admins")
        yield opened


def keep(person: Person, **material: str) -> None:
    parts = door_of(person.app).bridge._parts
    parts.store.provider_material.keep(KEY, parts.sealed_material.seal(KEY, material))


def answers(company: World, status: int, document: Any) -> None:
    company.provider.raw_token_answer = (status, json.dumps(document).encode())


RENEWED = {"access_token": "a", "token_type": "Bearer", "refresh_token": "second"}
ENDED = {"error": "invalid_grant"}


def is_signed_in(person: Person) -> bool:
    return bool(person.get("/api/v1/me").status_code == 200)


def sent(company: World) -> list[str]:
    return [fields.get("refresh_token", "") for fields, _ in company.provider.token_requests]


def test_the_refresh_token_of_a_sign_in_is_asked_for_and_kept(company: World) -> None:
    sign_in, answer = company.begin()
    asked = dict(parse_qsl(urlsplit(company.connector.depart(sign_in).url).query))
    assert "offline_access" in asked["scope"].split()
    company.provider.token_answer = {"refresh_token": "first"}
    assert company.sign_in().material == {"refresh_token": "first"}
    assert "offline_access" not in str(world("generic").connector.depart(sign_in).url)
    assert answer["code"]


@pytest.mark.parametrize(
    ("status", "document", "raised"),
    [
        (400, ENDED, GrantEnded),
        (401, {"error": "invalid_client"}, ProviderUnreachable),
        (400, {"error": "invalid_request"}, ProviderUnreachable),
        (429, {"error": "slow_down"}, ProviderUnreachable),
        (503, {}, ProviderUnreachable),
        (200, {"access_token": "a"}, ProviderUnreachable),
        (200, [], ProviderUnreachable),
    ],
)
def test_only_a_clear_no_of_the_provider_is_a_no(
    company: World, status: int, document: Any, raised: type[Exception]
) -> None:
    answers(company, status, document)
    with pytest.raises(raised):
        company.connector.recheck({"refresh_token": "first"})
    answers(company, 200, RENEWED)
    assert company.connector.recheck({"refresh_token": "first", "id_token": "t"}) == {
        "refresh_token": "second",
        "id_token": "t",
    }
    assert company.connector.recheck({}) is None


def test_the_provider_is_asked_when_that_is_due_and_not_before(
    person: Person, company: World, clock: HeldClock
) -> None:
    keep(person, refresh_token="first")
    answers(company, 200, RENEWED)
    clock.advance(timedelta(minutes=9))
    assert is_signed_in(person)
    assert sent(company) == []
    clock.advance(timedelta(minutes=1))
    assert is_signed_in(person)
    assert is_signed_in(person)
    assert sent(company) == ["first"]
    clock.advance(timedelta(minutes=10))
    assert is_signed_in(person)
    assert sent(company) == ["first", "second"], "rotated"


def test_a_no_ends_the_session_and_its_command_lines(person: Person, company: World, clock: HeldClock) -> None:
    keep(person, refresh_token="first")
    store = door_of(person.app).store
    identity = store.sessions.living()[0].identity
    let_in(store, clock(), "family", approved_in=KEY, identity=identity)
    answers(company, 400, ENDED)
    clock.advance(timedelta(minutes=11))
    assert not is_signed_in(person)
    assert store.sessions.living() == ()
    assert store.token_families.living() == ()
    (ended,) = [one for one in store.audit.entries() if one.event == "session.ended_by_provider"]
    assert (ended.person, ended.details["way"]) == ("corp/ada", "re-check")


def test_an_outage_is_no_end_for_a_while_and_nobody_waits_for_it_each_time(
    person: Person, company: World, clock: HeldClock
) -> None:
    keep(person, refresh_token="first")
    answers(company, 503, {})
    clock.advance(timedelta(minutes=11))
    for _ in range(5):
        assert is_signed_in(person)
    assert len(sent(company)) == 1
    clock.advance(timedelta(minutes=20))
    assert not is_signed_in(person)
    assert door_of(person.app).store.sessions.living(), "not ended: the provider has not said so"
    answers(company, 200, RENEWED)
    clock.advance(timedelta(minutes=2))
    assert is_signed_in(person)


def test_of_many_that_ask_at_once_one_uses_the_refresh_token(person: Person, company: World, clock: HeldClock) -> None:
    keep(person, refresh_token="first")
    clock.advance(timedelta(minutes=11))
    material = door_of(person.app).store.provider_material
    assert [material.claim(KEY, timedelta(minutes=1)) for _ in range(3)] == [True, False, False]
    assert is_signed_in(person)
    assert sent(company) == [], "another one is asking"
    clock.advance(timedelta(minutes=2))
    answers(company, 200, RENEWED)
    assert is_signed_in(person)
    assert sent(company) == ["first"]


def vouch(person: Person, clock: HeldClock) -> None:
    """As another node does it."""
    parts = door_of(person.app).bridge._parts
    clock.advance(timedelta(seconds=1))
    parts.store.provider_material.vouched(KEY, parts.sealed_material.seal(KEY, {"refresh_token": "second"}))


@pytest.mark.parametrize("looks", [1, 3])
def test_after_a_long_idle_time_the_second_of_two_requests_waits_for_the_answer_of_the_first(
    person: Person, company: World, clock: HeldClock, looks: int
) -> None:
    keep(person, refresh_token="first")
    clock.advance(timedelta(minutes=31))
    door_of(person.app).store.provider_material.claim(KEY, timedelta(minutes=1))
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == looks:
            vouch(person, clock)

    door_of(person.app).bridge.rechecks._wait = wait
    assert is_signed_in(person)
    assert (len(waited), sent(company)) == (looks, [])


def test_who_waits_for_an_answer_that_does_not_come_is_not_let_in(
    person: Person, company: World, clock: HeldClock
) -> None:
    keep(person, refresh_token="first")
    clock.advance(timedelta(minutes=31))
    door_of(person.app).store.provider_material.claim(KEY, timedelta(minutes=1))
    waited: list[float] = []
    rechecks = door_of(person.app).bridge.rechecks
    rechecks._wait = waited.append
    assert not is_signed_in(person)
    assert 0 < sum(waited) <= 5
    waited.clear()
    while rechecks._waiting.acquire(blocking=False):
        pass
    assert not is_signed_in(person)
    assert (waited, sent(company)) == ([], []), "threads are not held without end"


def test_a_session_that_ends_while_its_provider_is_asked_is_waited_for_no_longer(
    person: Person, clock: HeldClock
) -> None:
    keep(person, refresh_token="first")
    clock.advance(timedelta(minutes=31))
    store = door_of(person.app).store
    store.provider_material.claim(KEY, timedelta(minutes=1))
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        store.sessions.end(KEY)

    door_of(person.app).bridge.rechecks._wait = wait
    assert not is_signed_in(person)
    assert len(waited) == 1


def test_a_refresh_token_that_another_one_has_just_used_is_not_used_again(
    person: Person, company: World, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(person, refresh_token="first")
    answers(company, 400, ENDED)  # what a provider says to a token that was rotated
    clock.advance(timedelta(minutes=11))
    material = door_of(person.app).store.provider_material
    claim = material.claim

    def late(session: str, pause: timedelta) -> bool:
        vouch(person, clock)
        return claim(session, pause)

    monkeypatch.setattr(material, "claim", late)
    assert is_signed_in(person)
    assert sent(company) == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_without_a_refresh_token_a_fresh_sign_in_is_wanted_when_that_is_due(
    person: Person, clock: HeldClock, is_kept: bool
) -> None:
    if is_kept:
        keep(person)
    clock.advance(timedelta(minutes=9))
    assert is_signed_in(person)
    clock.advance(timedelta(minutes=2))
    assert not is_signed_in(person)
    left = person.get("/")
    assert left.status_code == 303, "a page leads to the provider, which lets in who is still signed in there"
    assert left.headers["Location"].startswith("https://id.example.test/realm/authorize")


def test_who_is_to_sign_in_afresh_can_sign_out_instead(person: Person, clock: HeldClock) -> None:
    clock.advance(timedelta(minutes=11))
    assert not is_signed_in(person)
    assert "signed out here" in person.post("/sign-out").text
    assert door_of(person.app).store.sessions.living() == ()


def test_a_sealed_text_of_another_session_asks_nobody(person: Person, company: World, clock: HeldClock) -> None:
    parts = door_of(person.app).bridge._parts
    parts.store.provider_material.keep(KEY, parts.sealed_material.seal("b" * 64, {"refresh_token": "stolen"}))
    clock.advance(timedelta(minutes=11))
    assert not is_signed_in(person)
    assert sent(company) == []


def test_command_lines_are_asked_about_in_the_same_way(person: Person, company: World, clock: HeldClock) -> None:
    store, families = door_of(person.app).store, door_of(person.app).oauth.families
    identity = store.sessions.living()[0].identity
    family = let_in(store, clock(), "family", approved_in=KEY, identity=identity)
    keep(person, refresh_token="first")
    answers(company, 200, RENEWED)
    clock.advance(timedelta(minutes=11))
    families.check_lives(family, RequestOrigin("r"))
    assert sent(company) == ["first"]
    answers(company, 400, ENDED)
    clock.advance(timedelta(minutes=11))
    with pytest.raises(InvalidToken):
        families.check_lives(family, RequestOrigin("r"))
    assert store.token_families.living() == ()


def test_a_connection_without_the_setting_is_never_asked(tmp_path: Path, clock: HeldClock, company: World) -> None:
    for person in person_at(tmp_path, clock, connections={"corp": _CORP}):
        door_of(person.app).bridge._parts.connectors["corp"] = company.connector  # type: ignore[index]
        person.sign_in(clock, "admins")
        keep(person, refresh_token="first")
        clock.advance(timedelta(minutes=50))
        assert is_signed_in(person)
        assert sent(company) == []
        assert isinstance(company.connector, OidcConnector)
