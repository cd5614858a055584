# ruff: noqa: F811 - fixtures are named where they are asked for
"""Shared signals at their address: who may send, what ends, who is blocked, who is let in again, and who never is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock
from signals_fixtures import ADA, BOB, DISABLED, ENABLED, REVOKED, bearer, begin, is_live, person, push, sender  # noqa: F401 - fixtures
from transmitters import CAEP, RISC, Sender
from web_factories import BASE, Person, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.errors import Unavailable
from federation_bridge.model import Block, Identity, Session
from federation_bridge.store.writing import Writing


def blocks(person: Person) -> list[tuple[str, str]]:
    return [(one.scope, one.source) for one in door_of(person.app).store.blocks.standing()]


def told(person: Person, event: str = "signal.taken") -> list[Any]:
    return [row for row in door_of(person.app).store.audit.entries() if row.event == event]


@pytest.mark.parametrize("kind", [REVOKED, f"{CAEP}credential-change", f"{RISC}sessions-revoked"])
def test_sessions_from_before_the_event_end_and_later_ones_and_colleagues_live_on(
    person: Person, bearer: str, sender: Sender, clock: HeldClock, kind: str
) -> None:
    happened_at = int(clock().timestamp())
    clock.advance(timedelta(minutes=2))
    begin(person, clock(), "ef" * 32, "00u-person")
    answer = push(person, bearer, sender.event(kind, payload={"event_timestamp": happened_at}))
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (202, b"", "no-store")
    assert [is_live(person, one) for one in (ADA, BOB, "ef" * 32)] == [False, True, True]
    (ended,) = told(person, "session.ended_by_provider")
    assert (ended.person, ended.details["way"]) == ("corp/00u-person", f"shared signal: {kind.rpartition('/')[2]}")


@pytest.mark.parametrize(
    ("seen", "asked", "began", "lives"),
    [
        (timedelta(minutes=-1), None, timedelta(seconds=30), False),
        (timedelta(seconds=10), None, timedelta(seconds=30), True),
        (timedelta(minutes=-1), None, timedelta(minutes=20), True),
        (None, timedelta(minutes=-1), timedelta(seconds=30), False),
        (None, timedelta(seconds=10), timedelta(seconds=30), True),
        (None, None, timedelta(seconds=30), True),
    ],
    ids=[
        "held back",
        "signed in anew",
        "by a session that outlived the event there",
        "no time is told, and the request is from before",
        "no time is told, and the request is newer",
        "nothing is known",
    ],
)
def test_an_answer_from_before_the_event_that_was_held_back_until_after_it_begins_nothing_that_lasts(
    person: Person,
    bearer: str,
    sender: Sender,
    clock: HeldClock,
    seen: timedelta | None,
    asked: timedelta | None,
    began: timedelta,
    lives: bool,
) -> None:
    """Whoever has a stolen sign-in can keep an answer, and come in with it when the provider says that all is over."""
    clock.advance(timedelta(minutes=5))
    happened = clock()
    clock.advance(began)
    seen_at, asked_at = (None if one is None else happened + one for one in (seen, asked))
    who = Identity("corp", "00u-person", "p", authenticated_at=seen_at, answered_after=asked_at)
    session = Session(token_hash("ef" * 32), who, clock(), clock(), clock() + timedelta(hours=12))
    door_of(person.app).store.sessions.admit(session, "issuer", "_held", clock())
    clock.advance(timedelta(seconds=10))
    event = sender.event(REVOKED, payload={"event_timestamp": int(happened.timestamp())})
    assert push(person, bearer, event).status_code == 202
    assert [is_live(person, one) for one in (ADA, BOB, "ef" * 32)] == [False, True, lives]


def test_an_event_counts_once_and_is_taken_again(person: Person, bearer: str, sender: Sender, clock: HeldClock) -> None:
    token = sender.event(REVOKED)
    assert push(person, bearer, token).status_code == 202
    begin(person, clock(), "ef" * 32, "00u-person")
    assert push(person, bearer, token).status_code == 202
    assert is_live(person, "ef" * 32)
    assert push(person, bearer, sender.event(REVOKED, jti="event-2")).status_code == 202
    assert not is_live(person, "ef" * 32)


def test_a_disabled_account_is_blocked_and_an_enabled_one_is_let_in_again(
    person: Person, bearer: str, sender: Sender, clock: HeldClock
) -> None:
    assert push(person, bearer, sender.event(DISABLED)).status_code == 202
    assert (is_live(person, ADA), is_live(person, BOB)) == (False, True)
    assert blocks(person) == [("corp/00u-person", "signal")]
    clock.advance(timedelta(minutes=1))
    assert push(person, bearer, sender.event(ENABLED, jti="event-2")).status_code == 202
    assert blocks(person) == []
    assert [(one.details["did"], one.person) for one in told(person)][::-1] == [
        ("blocked", "corp/00u-person"),
        ("lifted", "corp/00u-person"),
    ]


@pytest.mark.parametrize("source", ["administrator", "scim", "incident"])
def test_no_signal_lifts_what_somebody_else_blocked(
    person: Person, bearer: str, sender: Sender, clock: HeldClock, source: Any
) -> None:
    block = Block("corp/00u-person", source, "operator", "a reason", clock())
    door_of(person.app).store.blocks.put(block, lambda _: ())
    clock.advance(timedelta(minutes=1))
    assert push(person, bearer, sender.event(ENABLED)).status_code == 202
    assert blocks(person) == [("corp/00u-person", source)]


def test_an_older_word_that_comes_late_lets_nobody_in(
    person: Person, bearer: str, sender: Sender, clock: HeldClock
) -> None:
    enabled_before = sender.event(ENABLED, jti="late")
    clock.advance(timedelta(minutes=1))
    push(person, bearer, sender.event(DISABLED))
    clock.advance(timedelta(minutes=1))
    enabled_between = sender.event(ENABLED, jti="between")
    clock.advance(timedelta(minutes=1))
    push(person, bearer, sender.event(DISABLED, jti="again"))
    for token in (enabled_before, enabled_between):
        assert push(person, bearer, token).status_code == 202
        assert blocks(person) == [("corp/00u-person", "signal")]
    clock.advance(timedelta(minutes=1))
    push(person, bearer, sender.event(ENABLED, jti="after"))
    assert blocks(person) == []


def test_who_never_came_here_is_neither_blocked_nor_refused(person: Person, bearer: str, sender: Sender) -> None:
    stranger = {"format": "opaque", "id": "00u-stranger"}
    assert push(person, bearer, sender.event(DISABLED, sub_id=stranger)).status_code == 202
    assert blocks(person) == []
    assert is_live(person, ADA)


def test_a_verification_event_is_answered_and_an_unknown_one_does_nothing(
    person: Person, bearer: str, sender: Sender
) -> None:
    verification = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    assert push(person, bearer, sender.event(verification, payload={"state": "x"}, sub_id=...)).status_code == 202
    assert push(person, bearer, sender.event(f"{RISC}recovery-activated", jti="2")).status_code == 202
    assert [one.details["kind"] for one in told(person)][::-1] == ["verification", "recovery-activated"]
    assert is_live(person, ADA)


def test_signals_are_counted_by_connection_and_kind_and_only_those_that_are_believed(
    person: Person, bearer: str, sender: Sender
) -> None:
    assert push(person, bearer, sender.event(DISABLED)).status_code == 202
    assert push(person, bearer, sender.event(f"{RISC}invented-by-it", jti="2")).status_code == 202
    assert person.post("/ssf/invented-connection", {}).status_code != 202
    shown = person.get("/metrics").text
    assert 'bridge_signals_total{connection="corp",kind="account-disabled"}' in shown
    assert 'bridge_signals_total{connection="corp",kind="other"}' in shown
    assert "invented" not in shown


@pytest.mark.parametrize(
    "written", [10**400, 10**30, 1e300, -5, "noon", True], ids=["400 digits", "30", "float", "before", "text", "bool"]
)
def test_an_event_at_no_time_is_refused_with_its_reason(
    person: Person, bearer: str, sender: Sender, clock: HeldClock, written: Any
) -> None:
    answer = push(person, bearer, sender.event(REVOKED, payload={"event_timestamp": written}))
    assert (answer.status_code, answer.json["err"]) == (400, "invalid_request")
    (refused,) = told(person, "session.ending_refused")
    assert "event_timestamp" in refused.details["reason"]
    assert is_live(person, ADA)
    milliseconds = int(clock().timestamp() * 1000)
    assert push(person, bearer, sender.event(REVOKED, payload={"event_timestamp": milliseconds})).status_code == 202
    assert not is_live(person, ADA)


def test_keys_that_are_not_to_be_had_are_no_refusal_and_the_event_may_come_again(
    person: Person, bearer: str, sender: Sender
) -> None:
    sender.is_down = True
    answer = push(person, bearer, sender.event(REVOKED))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Please send it again later" in answer.json["description"]
    sender.is_down = False
    assert is_live(person, ADA)


_PHONE = {"format": "phone_number", "phone_number": "+12065550100"}
_ADA = {"format": "opaque", "id": "00u-person"}


@pytest.mark.parametrize("identifiers", [[_ADA], [_PHONE, _ADA], [_ADA, {"format": "email", "email": "a@example.com"}]])
def test_of_aliases_the_one_counts_by_which_somebody_is_known_here(
    person: Person, bearer: str, sender: Sender, identifiers: list[Any]
) -> None:
    subject = {"format": "aliases", "identifiers": identifiers}
    assert push(person, bearer, sender.event(REVOKED, sub_id=subject)).status_code == 202
    assert (is_live(person, ADA), is_live(person, BOB)) == (False, True)


@pytest.mark.parametrize(
    "identifiers",
    [
        [],
        None,
        [_PHONE],
        [_ADA, {"format": "opaque", "id": "00u-bob"}],
        [{"format": "aliases", "identifiers": [_ADA]}],
        [{"format": "complex", "user": _ADA}],
        [{"user": _ADA}],
        ["00u-person"],
        [_ADA] * 21,
    ],
)
def test_aliases_that_name_nobody_or_two_end_nothing(
    person: Person, bearer: str, sender: Sender, identifiers: Any
) -> None:
    subject = {"format": "aliases", "identifiers": identifiers}
    answer = push(person, bearer, sender.event(REVOKED, sub_id=subject))
    assert (answer.status_code, answer.json["err"]) == (400, "invalid_request")
    assert is_live(person, ADA)
    assert is_live(person, BOB)


def test_a_signal_that_cannot_be_audited_blocks_nobody_and_counts_when_it_comes_again(
    person: Person, bearer: str, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sender.event(DISABLED)
    with monkeypatch.context() as broken:
        broken.setattr(Writing, "record", _takes_nothing)
        assert push(person, bearer, token).status_code == 503
    assert (is_live(person, ADA), blocks(person)) == (True, [])
    assert push(person, bearer, token).status_code == 202
    assert (is_live(person, ADA), blocks(person)) == (False, [("corp/00u-person", "signal")])


def test_a_signal_that_comes_twice_at_once_blocks_and_ends_once(person: Person, bearer: str, sender: Sender) -> None:
    sent = {"Content-Type": "application/secevent+jwt", "Authorization": f"Bearer {bearer}"}
    form = {"base_url": BASE, "data": sender.event(DISABLED), "headers": sent}
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(person.app.test_client().post, "/ssf/corp", **form) for _ in range(4)]
        assert [one.result().status_code for one in asked] == [202] * 4
    assert blocks(person) == [("corp/00u-person", "signal")]
    assert sum(one.details["sessions"] for one in told(person, "block.put")) == 1
    assert (is_live(person, ADA), is_live(person, BOB)) == (False, True)


def _takes_nothing(*_: object) -> None:
    raise Unavailable("the audit takes nothing")


def test_a_word_from_before_the_database_was_put_back_lets_nobody_in(
    person: Person, bearer: str, sender: Sender, clock: HeldClock
) -> None:
    """The account may have been disabled again since then, in a row that is lost."""
    store = door_of(person.app).store
    push(person, bearer, sender.event(DISABLED))
    clock.advance(timedelta(minutes=1))
    enabled = sender.event(ENABLED, jti="older")
    # Its sender's clock is ahead, by as much as the connection forgives.
    ahead = sender.event(ENABLED, jti="ahead", iat=int(clock().timestamp()) + 120)
    clock.advance(timedelta(minutes=1))
    store.restorations.begin(clock(), Block("", "restore", "operator", "put back", clock()), lambda _: ())
    store.restorations.confirm()
    clock.advance(timedelta(minutes=1))
    for one in (enabled, ahead):
        assert push(person, bearer, one).status_code == 202
        assert blocks(person) == [("corp/00u-person", "signal")]
    clock.advance(timedelta(minutes=1))
    assert push(person, bearer, sender.event(ENABLED, jti="newer")).status_code == 202
    assert blocks(person) == []
