"""The back-channel logout endpoint: what it answers, what it ends, and what the audit hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from logout_tokens import token
from openid_provider import World, world
from passing_checks import pass_all
from web_factories import BASE, Person, door_of, person_at

from federation_bridge.audit.sparing import MOST_OF_BELIEVED, SparingAudit
from federation_bridge.bridge import token_hash
from federation_bridge.errors import Unavailable
from federation_bridge.model import Arrival, Callback, Departure, Identity, ProviderSession, Session, SignIn
from federation_bridge.store.writing import Writing

PATH = "/oidc/corp/backchannel-logout"
ADA, BOB = "ab" * 32, "cd" * 32


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")
    return world("generic")


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock, company: World) -> Iterator[Person]:
    """The application with the connection `corp` at the small provider; Ada and Bob are signed in there."""
    for opened in person_at(tmp_path, clock):
        door_of(opened.app).bridge._parts.connectors["corp"] = company.connector  # type: ignore[index]
        for key, subject, sid in ((ADA, "00u-person", "there-1"), (BOB, "00u-bob", "there-2")):
            begin(opened, clock(), key, subject, ProviderSession("id.example.test/realm", subject, sid))
        yield opened


def begin(person: Person, now: datetime, token: str, subject: str, at_provider: ProviderSession) -> None:
    identity = Identity("corp", subject, subject)
    session = Session(token_hash(token), identity, now, now, now + timedelta(hours=12), at_provider=at_provider)
    door_of(person.app).store.sessions.admit(session, "issuer", f"_{token}", now)


def is_live(person: Person, token: str) -> bool:
    return door_of(person.app).store.sessions.live(token_hash(token), timedelta(hours=1)) is not None


def post(person: Person, *tokens: str, path: str = PATH, **headers: str) -> Any:
    fields = [("logout_token", one) for one in tokens]
    return person.client.post(path, base_url=BASE, data=_encoded(fields), headers={"Content-Type": _FORM, **headers})


_FORM = "application/x-www-form-urlencoded"


def _encoded(fields: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in fields)


def events(person: Person, name: str) -> list[Any]:
    return [row for row in door_of(person.app).store.audit.entries() if row.event == name]


def test_the_session_that_a_logout_token_names_ends_and_the_colleagues_lives_on(person: Person, company: World) -> None:
    answer = post(person, token(company))
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, b"", "no-store")
    assert (is_live(person, ADA), is_live(person, BOB)) == (False, True)
    (told,) = events(person, "session.ended_by_provider")
    assert (told.person, told.connection) == ("corp/00u-person", "corp")
    assert told.details["way"] == "back-channel logout"
    assert (told.details["sessions"], told.details["message_id"]) == (1, "out-1")


@pytest.mark.parametrize("changes", [{"sub": "nobody", "sid": ...}, {"sub": ..., "sid": "there-9"}])
def test_somebody_unknown_is_answered_and_audited_and_nothing_else(
    person: Person, company: World, changes: dict[str, Any]
) -> None:
    assert post(person, token(company, **changes)).status_code == 200
    assert (is_live(person, ADA), is_live(person, BOB)) == (True, True)
    (told,) = events(person, "session.ended_by_provider")
    assert (told.person, told.details["sessions"]) == ("", 0)


def test_a_token_that_was_used_is_refused_and_ends_no_later_session(
    person: Person, company: World, clock: HeldClock
) -> None:
    assert post(person, token(company)).status_code == 200
    later = ProviderSession("id.example.test/realm", "00u-person", "there-1")
    begin(person, clock(), "ef" * 32, "00u-person", later)
    answer = post(person, token(company))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
    assert answer.json["error"] == "invalid_request"
    assert is_live(person, "ef" * 32)
    assert post(person, token(company, jti="out-2")).status_code == 200
    assert not is_live(person, "ef" * 32)


BAD: dict[str, Callable[[Person, World], Any]] = {
    "no token": lambda person, _: post(person),
    "two tokens": lambda person, company: post(person, token(company), token(company, jti="out-2")),
    "an unsigned token": lambda person, company: post(person, token(company).rpartition(".")[0] + "."),
    "a token of another kind": lambda person, company: post(person, token(company, events={})),
    "a token in the address": lambda person, company: post(person, path=f"{PATH}?logout_token={token(company)}"),
    "no form": lambda person, company: post(person, token(company), **{"Content-Type": "application/json"}),
}


@pytest.mark.parametrize("how", BAD)
def test_what_is_not_believed_is_a_400_with_a_reference_and_ends_nothing(
    person: Person, company: World, how: str
) -> None:
    answer = BAD[how](person, company)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
    assert answer.json["error"] == "invalid_request"
    assert (is_live(person, ADA), is_live(person, BOB)) == (True, True)
    person.app.extensions["federation_bridge"].observers[0].close(5.0)
    reference = answer.json["error_description"].rpartition("(")[2].rstrip(")")
    assert reference in {row.reference for row in door_of(person.app).store.audit.entries()}
    assert post(person, token(company)).status_code == 200


def test_a_provider_that_does_not_give_its_keys_is_a_400_too(person: Person, company: World) -> None:
    company.outgoing.is_down = True  # type: ignore[attr-defined]
    assert post(person, token(company)).status_code == 400
    assert is_live(person, ADA)


@pytest.mark.parametrize(("path", "status"), [("/oidc/nowhere/backchannel-logout", 404), (f"{PATH}/", 404)])
def test_other_addresses_are_not_there(person: Person, company: World, path: str, status: int) -> None:
    assert post(person, token(company), path=path).status_code == status


def test_the_address_answers_to_no_get(person: Person) -> None:
    answer = person.get(PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_tokens_that_name_nobody_fill_the_audit_only_so_far(person: Person, company: World) -> None:
    """A provider tells of everybody in the company: what means nobody here is counted where there is much of it."""
    said = [token(company, sub=f"nobody-{number}", sid=..., jti=f"n-{number}") for number in range(12)]
    audit = door_of(person.app).audit
    assert isinstance(audit, SparingAudit)
    audit._believed.one_more("", audit._clock())
    audit._believed.counts[""] = MOST_OF_BELIEVED - 5
    for one in said:
        assert post(person, one).status_code == 200
    audit.close(5.0)
    found = events(person, "session.ended_by_provider")
    in_the_audit, in_the_ring = ([one for one in found if (one.number is None) is ring] for ring in (False, True))
    assert (len(in_the_audit), len(in_the_ring)) == (5, 7)
    (counted,) = events(person, "refusals.counted")
    assert counted.details["counts"] == {"session.ended_by_provider corp": 7}


class Arriving:
    """A connector whose provider says once that somebody has come, and just then that it is over."""

    connection = title = "corp"

    def __init__(self, arrival: Callable[[], Arrival]) -> None:
        self._arrival = arrival

    def depart(self, sign_in: SignIn) -> Departure:
        return Departure(f"https://idp.example.com/?state={sign_in.handle}")

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None]) -> Arrival:
        pass_all()
        return self._arrival()


@pytest.mark.parametrize(
    ("issued_later", "status"), [(timedelta(seconds=-1), 403), (timedelta(0), 403), (timedelta(seconds=1), 303)]
)
def test_a_sign_in_that_the_provider_ends_while_it_is_on_its_way_begins_nothing(
    person: Person, company: World, clock: HeldClock, issued_later: timedelta, status: int
) -> None:
    """Its ID token is from before the logout, its session would be from after it."""
    at_provider = ProviderSession("id.example.test/realm", "00u-carla", "there-3")
    issued_at = company.clock[0] + issued_later

    def arrival() -> Arrival:
        assert post(person, token(company, sub="00u-carla", sid="there-3")).status_code == 200
        company.connector.connection = "corp"
        arrived = Arrival(Identity("corp", "00u-carla", "Carla"), "issuer", "m", clock() + timedelta(minutes=5))
        return replace(arrived, at_provider=at_provider, issued_at=issued_at)

    connectors = door_of(person.app).bridge._parts.connectors
    left_by = Arriving(arrival)

    def depart_there() -> Any:
        connectors["corp"] = left_by  # type: ignore[index]
        gone = person.post("/sign-in", {"connection": "corp"}, token=None, **{"Sec-Fetch-Site": "same-origin"})
        state = gone.headers["Location"].partition("state=")[2]
        return f"/sign-in/corp/oidc?state={state}&code=c"

    back = depart_there()
    real = left_by.arrive

    def arrive(sign_in: SignIn | None, callback: Callback, take: Callable[[], None]) -> Arrival:
        connectors["corp"] = company.connector  # type: ignore[index]
        return real(sign_in, callback, take)

    left_by.arrive = arrive  # type: ignore[method-assign]
    assert person.get(back).status_code == status
    living = [one.identity.subject for one in door_of(person.app).store.sessions.living()]
    assert ("00u-carla" in living) is (status == 303)


def test_a_logout_that_cannot_be_audited_ends_nothing_and_counts_when_it_comes_again(
    person: Person, company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Writing, "record", _takes_nothing)
        # OpenID Connect Back-Channel Logout 2.8: 400 also where the logout failed.
        assert post(person, token(company)).status_code == 400
    assert is_live(person, ADA)
    # Its one use was not spent on a try that came to nothing.
    assert post(person, token(company)).status_code == 200
    assert not is_live(person, ADA)


def test_a_logout_that_comes_twice_at_once_ends_and_is_audited_once(person: Person, company: World) -> None:
    form = {"base_url": BASE, "data": _encoded([("logout_token", token(company))]), "headers": {"Content-Type": _FORM}}
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(person.app.test_client().post, PATH, **form) for _ in range(4)]
        answers = sorted(one.result().status_code for one in sent)
    assert answers == [200, 400, 400, 400]
    assert len(events(person, "session.ended_by_provider")) == 1
    assert (is_live(person, ADA), is_live(person, BOB)) == (False, True)


def _takes_nothing(*_: object) -> None:
    raise Unavailable("the audit takes nothing")
