"""What no code foresaw is a refusal that can be found by its reference; its secret text stands in the log at most."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from openid_provider import world
from passing_checks import pass_all
from structlog.testing import capture_logs
from web_factories import ACCOUNT, BASE, Person, door_of, person_at

from federation_bridge.connectors.changes import DocumentRefused
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.errors import SignInRejected, signature_held
from federation_bridge.model import Arrival, Callback, Departure, Identity, SignIn
from federation_bridge.sign_in_checks import _CURRENT

SECRET = "hunter-2-of-the-innermost"


class Raising:
    """A connector that meets at each arrival what nobody foresaw."""

    connection = title = "corp"

    def __init__(self, after: Callable[[], Arrival]) -> None:
        self._after = after

    def depart(self, sign_in: SignIn) -> Departure:
        return Departure(f"https://idp.example.com/?state={sign_in.handle}")

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None]) -> Arrival:
        return self._after()


def _overflows() -> Arrival:
    raise OverflowError(SECRET)


def _overflows_in_a_believed_message() -> Arrival:
    with signature_held():
        raise OverflowError(SECRET)


@pytest.fixture
def person(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def _arrives(person: Person, after: Callable[[], Arrival]) -> tuple[Any, list[Any]]:
    door_of(person.app).bridge._parts.connectors["corp"] = Raising(after)  # type: ignore[index]
    left = person.post("/sign-in", {"connection": "corp"}, token=None, **{"Sec-Fetch-Site": "same-origin"})
    state = left.headers["Location"].partition("state=")[2]
    with capture_logs() as log:
        answer = person.get(f"/sign-in/corp/oidc?state={state}&code=c")
    return answer, [line for line in log if line["log_level"] == "error"]


@pytest.mark.parametrize("after", [_overflows, _overflows_in_a_believed_message])
def test_what_nobody_foresaw_at_an_arrival_is_a_refusal_and_is_found_by_its_reference(
    person: Person, after: Callable[[], Arrival]
) -> None:
    answer, errors = _arrives(person, after)
    assert answer.status_code == 403
    assert "We could not sign you in." in answer.text
    (row,) = (row for row in door_of(person.app).store.audit.entries() if row.event == "sign_in.refused")
    assert row.reference in answer.text
    assert row.details["code"] == "sign_in_rejected"
    assert str(row.details["reason"]).startswith("what no code foresaw: OverflowError at federation_bridge.")
    assert SECRET not in answer.text + str(row)
    assert [str(line["exc_info"]) for line in errors if "exc_info" in line] == [SECRET]


def test_the_same_arrival_with_a_connector_that_raises_nothing_comes_in(person: Person, clock: HeldClock) -> None:
    def comes() -> Arrival:
        pass_all()
        return Arrival(Identity("corp", "ada", "Ada"), "https://idp.example.com", "m", clock() + timedelta(minutes=5))

    answer, errors = _arrives(person, comes)
    assert (answer.status_code, errors) == (303, [])


def test_nobody_comes_in_by_a_connector_that_leaves_a_check_out(person: Person, clock: HeldClock) -> None:
    def comes() -> Arrival:
        pass_all()
        record = _CURRENT.get()
        assert record is not None
        del record.verdicts["aud"]
        return Arrival(Identity("corp", "ada", "Ada"), "https://idp.example.com", "m", clock() + timedelta(minutes=5))

    answer, _ = _arrives(person, comes)
    assert answer.status_code == 403
    (row,) = (row for row in door_of(person.app).store.audit.entries() if row.event == "sign_in.refused")
    assert row.details["reason"] == "no session without these checks, which were not made: aud"


def test_a_refusal_of_ours_stays_what_it_is(person: Person) -> None:
    def refuses() -> Arrival:
        raise SignInRejected("the reason")

    answer, _ = _arrives(person, refuses)
    assert answer.status_code == 403
    (row,) = (row for row in door_of(person.app).store.audit.entries() if row.event == "sign_in.refused")
    assert row.details["reason"] == "the reason"


DOORS: list[tuple[str, str, str, Any]] = [
    ("page", "GET", "/", None),
    ("api", "GET", "/api/v1/roles", None),
    ("oauth", "POST", "/oauth/token", {"grant_type": "refresh_token", "client_id": "fedbridge", "refresh_token": "x"}),
    ("departure", "POST", "/sign-in", {"connection": "corp"}),
]


@pytest.mark.parametrize(("door", "method", "path", "form"), DOORS, ids=[one[0] for one in DOORS])
def test_behind_every_other_door_it_is_an_audited_failure_in_the_doors_own_dialect(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, door: str, method: str, path: str, form: Any
) -> None:
    person.sign_in(clock, "admins")

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError(SECRET)

    found = door_of(person.app)
    monkeypatch.setattr(found.rulebook, "current", fails)
    monkeypatch.setattr(found.oauth.tokens, "refresh", fails)
    monkeypatch.setattr(type(found.connectors["corp"]), "depart", fails)
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = person.client.open(path, method=method, base_url=BASE, data=form, headers=headers)
    assert answer.status_code == 500
    (row,) = (row for row in found.store.audit.entries() if row.event == "request.refused")
    assert row.reference in answer.text
    assert (row.details["code"], SECRET in str(row)) == ("internal", False)
    assert "RuntimeError at federation_bridge." in str(row.details["detail"])
    assert SECRET not in answer.text
    if door == "oauth":
        assert answer.get_json()["error"] == "server_error"
    if door == "api":
        assert answer.get_json()["error"]["code"] == "internal"


def test_a_grant_that_ends_in_what_nobody_foresaw_is_told_as_failed(
    person: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sign_in(clock, "admins")

    def fails(*_: Any) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(type(door_of(person.app).bridge._parts.sts), "redeem", fails)
    answer = person.post(f"/roles/{ACCOUNT}/Administrator/credentials")
    assert answer.status_code == 500
    (row,) = (row for row in door_of(person.app).store.audit.entries() if row.event == "grant.failed")
    assert row.details["code"] == "internal"
    assert str(row.details["detail"]).startswith("what no code foresaw: KeyError at federation_bridge.bridge")


# ----------------------------------------------------------------------------------------------- beside the requests


def test_a_document_that_meets_what_nobody_foresaw_is_told_and_the_last_good_one_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "quiet secret")
    asked = world()
    asked.sign_in()

    def fails(*_: Any, **__: Any) -> None:
        raise LookupError(SECRET)

    asked.clock[0] += timedelta(hours=2)
    with monkeypatch.context() as patched:
        patched.setattr(asked.outgoing, "fetch", fails)
        asked.connector.refresher._refresh()
    notice, *_ = asked.notices
    assert isinstance(notice, DocumentRefused)
    assert notice.connection == "company"
    assert notice.detail.startswith("what no code foresaw: LookupError at federation_bridge.connectors.")
    assert SECRET not in str(asked.notices)
    assert asked.sign_in().identity.subject == "00u-person"


def test_no_failure_ends_the_refreshing() -> None:
    tried, again = [], threading.Event()

    def refresh() -> None:
        tried.append(1)
        if len(tried) > 1:
            again.set()
        raise RuntimeError("unforeseen")

    refresher = Refresher("r", refresh, timedelta(milliseconds=5))
    refresher.start()
    try:
        assert again.wait(60)
    finally:
        refresher.stop()
