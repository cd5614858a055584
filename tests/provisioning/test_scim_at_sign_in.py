"""What SCIM told has its say when somebody signs in: whether at all, and in which groups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from flask import Flask
from held_answers import signed_in
from scim_factories import ALICE, ScimClient, client_of, scim_app
from web_factories import door_of

from federation_bridge.bridge import Admission
from federation_bridge.errors import Blocked, ConfigurationInvalid, NotSignedIn, SignInRejected
from federation_bridge.group_lookup import GroupLookup
from federation_bridge.model import Groups

GAP = Groups(gap="more than 150")


def at(folder: Path, clock: HeldClock, **scim: Any) -> tuple[Flask, ScimClient]:
    app = scim_app(folder, clock, scim)
    return app, client_of(app)


def groups_now(app: Flask, admitted: Admission) -> Groups:
    return door_of(app).bridge.session(admitted.token).identity.groups


def test_where_only_known_people_are_admitted_nobody_else_comes_in(tmp_path: Path, clock: HeldClock) -> None:
    app, client = at(tmp_path, clock, known_only=True)
    whole = Groups(("admins",))
    with pytest.raises(SignInRejected):
        signed_in(app, whole)
    alice = client.made()
    assert groups_now(app, signed_in(app, whole)) == whole
    with pytest.raises(SignInRejected):
        signed_in(app, whole, "00u1ALICE")
    client.ask("DELETE", f"/Users/{alice}")
    with pytest.raises(SignInRejected):
        signed_in(app, whole)
    (first, *_) = reversed(door_of(app).store.audit.entries(event="sign_in.refused"))
    assert "SCIM has not told of this person" in str(first.details)
    door_of(app).store.close()


def test_where_it_is_not_demanded_people_come_in_of_whom_nothing_was_told(tmp_path: Path, clock: HeldClock) -> None:
    app, client = at(tmp_path, clock)
    assert groups_now(app, signed_in(app, Groups(("admins",)))) == Groups(("admins",))
    assert groups_now(app, signed_in(app, GAP, "somebody")) == GAP
    client.made(active=False)
    with pytest.raises(Blocked):
        signed_in(app, Groups(("admins",)))
    door_of(app).store.close()


def test_by_a_user_name_nobody_comes_in_under_another_spelling(tmp_path: Path, clock: HeldClock) -> None:
    app, client = at(tmp_path, clock, joined_by="userName", known_only=True)
    alice = client.made("Alice@example.com", None)
    with pytest.raises(SignInRejected):
        signed_in(app, GAP, "alice@example.com")
    admitted = signed_in(app, GAP, "Alice@example.com")
    client.patch(f"/Users/{alice}", {"op": "replace", "path": "userName", "value": "alice@example.com"})
    with pytest.raises(NotSignedIn):
        door_of(app).bridge.session(admitted.token)
    door_of(app).store.close()


@pytest.mark.parametrize("mode", ["complete", "source", "none"])
@pytest.mark.parametrize("told", [GAP, Groups(("from the sign-in",))])
def test_the_setting_says_whose_groups_count(tmp_path: Path, clock: HeldClock, mode: str, told: Groups) -> None:
    app, client = at(tmp_path, clock, groups=mode)
    client.made_group("admins", client.made())
    found = groups_now(app, signed_in(app, told))
    if mode == "none" or (mode == "complete" and told.why_incomplete is None):
        assert found == told
    else:
        assert found.names == ("admins",)
        assert (found.why_incomplete is None) is (mode == "source")
    door_of(app).store.close()


def test_where_scim_is_the_source_a_sign_in_s_own_groups_give_nothing(tmp_path: Path, clock: HeldClock) -> None:
    app, client = at(tmp_path, clock, groups="source")
    assert groups_now(app, signed_in(app, Groups(("admins",)))).names == ()
    client.made()
    assert groups_now(app, signed_in(app, Groups(("admins",)))) == Groups((), as_of=clock())
    door_of(app).store.close()


def test_a_group_that_is_lost_while_somebody_signs_in_is_not_in_their_session(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at an arrival and the session's first row there is no session in which it could be taken out."""
    app, client = at(tmp_path, clock, groups="source")
    group = client.made_group("admins", client.made())
    sessions = door_of(app).store.sessions
    admit = type(sessions).admit

    def late(*given: Any, **named: Any) -> None:
        monkeypatch.undo()
        assert client.patch(f"/Groups/{group}", {"op": "remove", "path": "members"}).status_code == 204
        admit(*given, **named)

    monkeypatch.setattr(type(sessions), "admit", late)
    admitted = signed_in(app, GAP)
    assert admitted.session.identity.groups.names == ("admins",)
    assert groups_now(app, admitted).names == ()
    door_of(app).store.close()


LOSSES: dict[str, Callable[[ScimClient, str, str], Any]] = {
    "put out of it": lambda client, group, alice: client.patch(
        f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{alice}"]'}
    ),
    "the list is told anew": lambda client, group, _: client.patch(
        f"/Groups/{group}", {"op": "replace", "path": "members", "value": []}
    ),
    "it is gone": lambda client, group, _: client.ask("DELETE", f"/Groups/{group}"),
    "it is renamed": lambda client, group, _: client.patch(
        f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "formerly admins"}
    ),
    "the user is made anew": lambda client, _, alice: (client.ask("DELETE", f"/Users/{alice}"), client.made()),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("told", [Groups(("admins",)), Groups(("admins",), left_out="one")], ids=["all", "not all"])
def test_an_answer_that_was_held_back_until_a_group_is_lost_brings_it_back_to_nobody(
    tmp_path: Path, clock: HeldClock, loss: Callable[[ScimClient, str, str], Any], told: Groups
) -> None:
    app, client = at(tmp_path, clock)
    alice = client.made()
    group = client.made_group("admins", alice)
    issued_at = clock()
    clock.advance(timedelta(minutes=2))
    loss(client, group, alice)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(SignInRejected):
        signed_in(app, told, issued_at=issued_at)
    assert door_of(app).store.sessions.living() == ()
    # The valid twins: what the provider says later is its newer word; nobody else has lost anything.
    assert groups_now(app, signed_in(app, Groups(("staff",)), issued_at=clock())).names == ("staff",)
    client.made("bob", "00u2bob")
    assert groups_now(app, signed_in(app, told, "00u2bob", issued_at)).names == ("admins",)
    door_of(app).store.close()


@pytest.mark.parametrize("seen_before", [None, timedelta(hours=1)], ids=["not told", "told"])
def test_by_openid_connect_a_code_that_was_held_back_until_a_group_is_lost_signs_nobody_in(
    tmp_path: Path, clock: HeldClock, seen_before: timedelta | None
) -> None:
    """The ID token is issued when the code is redeemed, so its time tells nothing of the answer's age."""
    app, client = at(tmp_path, clock)
    group, admins = client.made_group("admins", client.made()), Groups(("admins",))
    seen = None if seen_before is None else clock() - seen_before

    def lost() -> None:
        clock.advance(timedelta(minutes=1))
        client.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
        clock.advance(timedelta(minutes=1))

    with pytest.raises(SignInRejected):
        signed_in(app, admins, authenticated_at=seen, meanwhile=lost)
    assert door_of(app).store.sessions.living() == ()
    # The valid twins: who is asked for, or was seen, after it; the provider may be backdating its tokens.
    assert groups_now(app, signed_in(app, admins, authenticated_at=seen)).names == ("admins",)
    client.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": client.made("b", "00u2")}]})
    later = clock() + timedelta(seconds=61)
    assert groups_now(app, signed_in(app, admins, "00u2", authenticated_at=later, meanwhile=lost)).names == ("admins",)
    door_of(app).store.close()


def test_where_scim_is_the_source_a_held_answer_comes_in_without_the_lost_group(
    tmp_path: Path, clock: HeldClock
) -> None:
    app, client = at(tmp_path, clock, groups="source")
    group, issued_at = client.made_group("admins", client.made()), clock()
    clock.advance(timedelta(minutes=2))
    client.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
    assert groups_now(app, signed_in(app, Groups(("admins",)), issued_at=issued_at)).names == ()
    door_of(app).store.close()


def test_a_loss_that_was_about_to_stand_when_the_session_began_is_waited_for(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked for sessions before this one was there; settling waits for the lock that it holds."""
    app, client = at(tmp_path, clock)
    client.made()
    store, issued_at = door_of(app).store, clock()
    clock.advance(timedelta(minutes=2))
    settled = GroupLookup.settled

    def late(*given: Any) -> None:
        store.audit.transact(lambda writing: store.provider_endings.mark_people_in(writing, [f"corp/{ALICE}"], clock()))
        settled(*given)

    monkeypatch.setattr(GroupLookup, "settled", late)
    with pytest.raises(SignInRejected):
        signed_in(app, Groups(("admins",)), issued_at=issued_at)
    assert store.sessions.living() == ()
    store.close()


@pytest.mark.parametrize(
    ("scim", "wrong"),
    [
        ({"joined_by": "userName"}, "known_only"),
        ({"joined_by": "email"}, "joined_by"),
        ({"joind_by": "externalId"}, "joind_by"),
    ],
)
def test_settings_by_which_people_could_be_confused_are_refused(
    tmp_path: Path, clock: HeldClock, scim: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ConfigurationInvalid, match=wrong):
        scim_app(tmp_path, clock, scim)
