"""When a directory is asked for somebody's groups, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from passing_checks import pass_all
from web_factories import ACCOUNT, Person, door_of, person_at

from federation_bridge.bridge import Admission, Bridge
from federation_bridge.directories import Directory
from federation_bridge.errors import BridgeError, ProviderUnreachable, SignInOver, SignInRejected
from federation_bridge.group_lookup import GroupLookup
from federation_bridge.model import (
    Arrival,
    Callback,
    Caller,
    Departure,
    Groups,
    Identity,
    RequestOrigin,
    Session,
    SignIn,
)
from federation_bridge.pending_sign_in import Browser

VISIT = RequestOrigin("ref-1", "192.0.2.7", "Browser/1")
OVERAGE = Groups(gap="too many (overage)")
ADMIN = [f"{ACCOUNT}/Administrator"]


class Telling:
    """A connector whose person comes with these groups, by the same message each time."""

    connection = title = "corp"

    def __init__(self, groups: Groups) -> None:
        self.groups = groups

    def depart(self, sign_in: SignIn) -> Departure:
        return Departure(f"https://idp.example.com/?state={sign_in.handle}")

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None]) -> Arrival:
        assert sign_in is not None
        pass_all()
        identity = Identity("corp", "ada", "Ada", groups=self.groups)
        return Arrival(identity, "https://idp.example.com", f"_m {sign_in.handle}", sign_in.expires_at)


class Listing:
    """A directory that answers with these groups, or raises this."""

    is_asked_always = False

    def __init__(self, answer: Groups | BridgeError) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def groups_of(self, identity: Identity) -> Groups:
        self.asked.append(identity.person)
        if isinstance(self.answer, BridgeError):
            raise self.answer
        return self.answer


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def _beside(person: Person, clock: HeldClock, directory: Directory, told: Groups = OVERAGE) -> Bridge:
    """The bridge with this directory beside `corp`, whose sign-ins tell these groups."""
    parts = replace(door_of(person.app).bridge._parts, group_lookup=GroupLookup({"corp": directory}, clock))
    parts.connectors["corp"] = Telling(told)  # type: ignore[index]
    return Bridge(parts)


def _answer(bridge: Bridge) -> Callable[[], Admission]:
    """An answer on its way to a browser that has left; it can be sent more than once."""
    leaving = bridge.begin_sign_in("corp", "secret", "/")
    browser = Browser("secret", {leaving.handle: leaving.sealed})
    callback = Callback("GET", (("state", leaving.handle),), (), arrived_at="oidc")
    return lambda: bridge.finish_sign_in("corp", callback, browser, VISIT)


def _may(bridge: Bridge, session: Session) -> list[str]:
    return [one.key for one in bridge.entitlements(Caller(session, VISIT))]


def _audited(person: Person, *names: str) -> Sequence[Any]:
    entries = sorted(door_of(person.app).store.audit.entries(), key=lambda entry: entry.number or 0)
    return [(entry.event, entry.person, dict(entry.details)) for entry in entries if entry.event.startswith(names)]


# ------------------------------------------------------------------------------------------------------- at arrival


def test_a_directory_completes_what_the_sign_in_left_out_and_its_answer_decides(
    person: Person, clock: HeldClock
) -> None:
    bridge = _beside(person, clock, directory := Listing(Groups(("admins", "staff"))))
    admitted = _answer(bridge)()
    kept = bridge.session(admitted.token)
    assert kept.identity.groups == Groups(("admins", "staff"), as_of=clock())
    assert (_may(bridge, kept), directory.asked) == (ADMIN, ["corp/ada"])
    finished, looked_up = _audited(person, "sign_in", "groups")
    assert (finished[2]["groups"], finished[2]["groups_gap"]) == (2, "")
    assert looked_up == (
        "groups.looked_up",
        "corp/ada",
        {"groups": 2, "groups_gap": "", "gained": 2, "lost": 0},
    )


def test_who_came_with_all_their_groups_is_asked_about_nowhere(person: Person, clock: HeldClock) -> None:
    bridge = _beside(person, clock, directory := Listing(Groups(("admins",))), told=Groups(("readers",)))
    session = _answer(bridge)().session
    assert session.identity.groups == Groups(("readers",))
    assert directory.asked == []


@pytest.mark.parametrize(
    ("told", "may"),
    [(OVERAGE, []), (replace(OVERAGE, names=("admins",)), []), (Groups(("admins",), left_out="one"), ADMIN)],
)
def test_a_directory_that_cannot_be_asked_leaves_the_groups_as_they_were_and_a_gap_never_grants(
    person: Person, clock: HeldClock, told: Groups, may: list[str]
) -> None:
    bridge = _beside(person, clock, Listing(ProviderUnreachable("directory: no answer in 5 s")), told)
    session = bridge.session(_answer(bridge)().token)
    assert (session.identity.groups, _may(bridge, session)) == (told, may)
    (failed,) = _audited(person, "groups")
    assert failed == (
        "groups.not_looked_up",
        "corp/ada",
        {"reason": "directory: no answer in 5 s", "code": "provider_unreachable"},
    )


def test_who_may_not_sign_in_by_the_directorys_word_stays_out(person: Person, clock: HeldClock) -> None:
    bridge = _beside(person, clock, Listing(SignInRejected("directory: the account is disabled")))
    with pytest.raises(SignInRejected):
        _answer(bridge)()
    assert door_of(person.app).store.sessions.living() == ()
    (refused,) = _audited(person, "sign_in", "groups")
    assert refused[2]["reason"] == "directory: the account is disabled"


def test_an_answer_that_is_sent_again_and_again_asks_the_directory_once(person: Person, clock: HeldClock) -> None:
    bridge = _beside(person, clock, directory := Listing(Groups(("admins",))))
    answer = _answer(bridge)
    answer()
    for _ in range(3):
        with pytest.raises(SignInOver):
            answer()
    assert directory.asked == ["corp/ada"]


@pytest.mark.parametrize("hidden", ["adm\u200bins", "admins\n", "x" * 3000, ""])
def test_a_group_that_hides_something_is_not_taken_from_a_directory_either(
    person: Person, clock: HeldClock, hidden: str
) -> None:
    bridge = _beside(person, clock, Listing(Groups((hidden, "staff"))))
    groups = _answer(bridge)().session.identity.groups
    assert groups.names == ("staff",)
    assert (groups.left_out is None) == (hidden == "")


@pytest.mark.parametrize(("number", "may"), [(5000, ADMIN), (5001, [])])
def test_more_groups_than_are_read_are_a_gap(person: Person, clock: HeldClock, number: int, may: list[str]) -> None:
    names = ("admins", *(f"g{n}" for n in range(number - 1)))
    bridge = _beside(person, clock, Listing(Groups(names)))
    assert _may(bridge, _answer(bridge)().session) == may


def test_an_answer_that_is_not_whole_is_a_gap_as_at_sign_in(person: Person, clock: HeldClock) -> None:
    bridge = _beside(person, clock, Listing(Groups(("admins",), gap="the directory gave the first page only")))
    session = _answer(bridge)().session
    assert _may(bridge, session) == []
    (outcome, *_) = [one for one in bridge.explain(Caller(session, VISIT)).outcomes if one.rule == "administrators"]
    assert "first page only" in str(outcome.reasons[0])


def test_as_of_when_is_the_instant_before_it_was_asked(person: Person, clock: HeldClock) -> None:
    """What changed while it answered may be missing from the answer, so an answer that was asked for later is newer."""
    asked_at = clock()

    class Slow(Listing):
        def groups_of(self, identity: Identity) -> Groups:
            clock.advance(timedelta(seconds=20))
            return super().groups_of(identity)

    groups = _answer(_beside(person, clock, Slow(Groups(("admins",)))))().session.identity.groups
    assert groups.as_of == asked_at


def test_without_a_directory_nothing_is_asked_and_nothing_is_written(person: Person, clock: HeldClock) -> None:
    bridge = door_of(person.app).bridge
    bridge._parts.connectors["corp"] = Telling(OVERAGE)  # type: ignore[index]
    admitted = _answer(bridge)()
    assert bridge.session(admitted.token).identity.groups == OVERAGE
    assert _audited(person, "groups") == []
