"""Every route says what it needs before it is answered, and no answer is given without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from web_factories import ACCOUNT, BASE, TOKEN, Person, made_app, person_at
from werkzeug.routing import Rule

from federation_bridge.errors import BridgeError, NotFound
from federation_bridge.mapping import AdministrativeRights, AdministrativeRole
from federation_bridge.web import cookies, forms, guards
from federation_bridge.web.guards import Leading

VALUES = {"account": ACCOUNT, "role": "Administrator", "connection": "corp", "hashed_name": "x.css"}
FRESH = guards.recent(lambda _: timedelta(minutes=10))


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from person_at(tmp_path, clock)


def guard_of(person: Person, rule: Rule) -> Any:
    return getattr(person.app.view_functions[rule.endpoint], "guard", None)


def guarded_by(person: Person, *found: Any) -> list[tuple[str, str]]:
    """Method and path of every route behind one of these guards."""
    adapter = person.app.url_map.bind("aws.example.com")
    return [
        (method, adapter.build(rule.endpoint, {name: VALUES[name] for name in rule.arguments}, method=method))
        for rule in person.app.url_map.iter_rules()
        if guard_of(person, rule) in found
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def test_every_route_names_its_guard(ada: Person) -> None:
    assert [rule.rule for rule in ada.app.url_map.iter_rules() if guard_of(ada, rule) is None] == []


def test_an_application_with_a_route_that_names_none_does_not_start(tmp_path: Path, clock: HeldClock) -> None:
    app = made_app(tmp_path, clock)
    app.add_url_rule("/forgotten", "forgotten", lambda: "everybody's")
    with pytest.raises(TypeError, match="routes without a guard: forgotten"):
        guards.install(app, leading())


def test_nobody_gets_past_a_guard_without_a_session(ada: Person) -> None:
    routes = guarded_by(ada, guards.signed_in_here, guards.called)
    assert len(routes) > 15
    for method, path in routes:
        answer = ada.client.open(path, base_url=BASE, method=method, json={} if "/api/" in path else None)
        assert answer.status_code in (401, 403), (method, path, answer.status_code)


def test_no_other_site_makes_a_signed_in_browser_change_anything(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "admins")
    for method, path in guarded_by(ada, guards.signed_in_here, guards.called):
        if method == "POST":
            answer = ada.post(path, token=None)
            assert answer.status_code == 403, path
            answer = ada.post(path, Origin="https://evil.example.com")
            assert answer.status_code == 403, path


RIGHTS = AdministrativeRights(AdministrativeRole.ADMINISTRATOR, frozenset(), ("admins",), ())


def leading(*, is_administrator: bool = False) -> Leading:
    def to(name: str) -> Any:
        return lambda *found: f"{name} {found[-1]}"

    return Leading(to("sign in"), to("confirm"), to("anew"), to("anew"), lambda _: RIGHTS if is_administrator else None)


def asked(person: Person, guard: Any, found: Leading, *, token: str = TOKEN, method: str = "GET") -> Any:
    """What this guard gives before the page of a device's code."""
    cookie = {"Cookie": f"{cookies.SESSION}={token}"}
    data = {forms.TOKEN_FIELD: forms.form_token(token)} if method == "POST" else None
    with person.app.test_request_context("/device?a=b", base_url=BASE, method=method, headers=cookie, data=data):
        return guard(found)


@pytest.mark.parametrize("guard", [guards.confirmed, FRESH, guards.administrator], ids=["confirmed", "recent", "admin"])
def test_who_is_not_here_is_led_to_a_sign_in_or_a_confirmation_and_back(
    ada: Person, clock: HeldClock, guard: Any
) -> None:
    assert asked(ada, guard, leading()) == "sign in /device"
    ada.sign_in(clock, "admins", confirmed=False)
    assert asked(ada, guard, leading(is_administrator=True)) == "confirm /device"


def test_a_sign_in_is_recent_until_its_time_is_over_and_then_made_anew(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "admins")
    clock.now += timedelta(minutes=10)
    assert asked(ada, FRESH, leading()) is None
    clock.now += timedelta(seconds=1)
    assert asked(ada, FRESH, leading()) == "anew /device"


def test_pages_of_administrators_are_there_for_administrators_alone(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "admins")
    assert asked(ada, guards.administrator, leading(is_administrator=True)) is None
    assert asked(ada, guards.administrator, leading(is_administrator=True), method="POST") is None
    with pytest.raises(NotFound):
        asked(ada, guards.administrator, leading(is_administrator=False))


def test_an_administrators_form_is_taken_from_no_unconfirmed_session(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, "admins", confirmed=False)
    with pytest.raises(BridgeError):
        asked(ada, guards.administrator, leading(is_administrator=True), method="POST")


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/device", f"/go/{ACCOUNT}/Reader", "/oauth/authorize?a=b", "/v1/authorize?a=b"),
        *("/why", "/command-lines", "/administration/audit?person=corp/ada", "/administration/people/corp/ada"),
    ],
)
def test_a_sign_in_leads_back_to_what_a_route_says_of_itself(ada: Person, path: str) -> None:
    assert forms.checked_return_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/confirm?to=/",
            "/sign-out",
            "/api/v1/me",
            "/device?a=b",
            "//evil.example.com",
            "/device/../why",
            "/device\n",
        ),
        *(
            "/v1/sessions/confirmation?code=x",
            "/administration/people/../audit",
            "/administration/people/a/..",
            "/why\\x",
        ),
        *("/administration/people/corp//x", "/administration/people/" + "a" * 201, "/why#x", "/why?a=\r\n"),
    ],
)
def test_a_sign_in_leads_back_to_no_other_page(ada: Person, path: str) -> None:
    assert forms.checked_return_path(path) == "/"
