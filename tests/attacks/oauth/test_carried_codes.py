# ruff: noqa: F811 - fixtures are named where they are asked for
"""A code that a person carries by hand (`aws login --remote`) is as good a bait as a device code (attack N01)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_login_factories import Aws, AwsLogin, refusal, stand_in
from databases import HeldClock
from oauth_factories import Program
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import Person, door_of

HERE, AWAY = "127.0.0.1", "192.0.2.7"
OTHER = "cd" * 32


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, clock: HeldClock) -> Aws:
    return stand_in(monkeypatch, clock)


def reasons(person: Person, name: str) -> list[str]:
    entries = door_of(person.app).store.audit.entries()
    return [str(entry.details["reason"]) for entry in entries if entry.event == name]


def test_an_honest_remote_login_goes_through(program: Program) -> None:
    remote = AwsLogin(program, remote=True)
    assert remote.look().status_code == 200
    assert remote.redeem(remote.code()).status_code == 200


OFF: dict[str, dict[str, Any]] = {
    "for everybody": {"device_flow": False},
    "for the connection": {"device_flow_connections": ["partner"]},
    "for a group": {"device_flow_refused_groups": {"corp": ["admins"]}},
}


@pytest.mark.parametrize("settings", OFF.values(), ids=OFF)
def test_whoever_may_let_no_device_in_may_carry_no_code(
    make_person: Callable[..., Person], clock: HeldClock, settings: dict[str, Any]
) -> None:
    program = Program(make_person(**settings), clock)
    remote, local = AwsLogin(program, remote=True), AwsLogin(program)
    for answer in (remote.look(), remote.pick()):
        assert answer.status_code == 400
        assert "switched off" in answer.text
        assert "Location" not in answer.headers
    assert local.redeem(local.code()).status_code == 200
    assert "command_line.approved" in [entry.event for entry in door_of(program.person.app).store.audit.entries()]


def test_an_old_sign_in_carries_no_code_until_it_is_renewed_and_comes_back_to_the_roles(
    person: Person, program: Program, clock: HeldClock
) -> None:
    remote, local = AwsLogin(program, remote=True), AwsLogin(program)
    clock.advance(timedelta(minutes=16))
    page = remote.look().text
    assert 'action="/device/sign-in"' in page
    assert 'value="/v1/authorize?response_type=code&amp;client_id=arn' in page
    assert 'name="role"' not in page
    assert remote.pick().status_code == 403
    assert reasons(person, "device.refused")
    assert local.look().status_code == 200
    person.sign_in(clock, "admins", token=OTHER)
    assert remote.pick(token=OTHER).status_code == 303


def test_an_unconfirmed_sign_in_carries_no_code(person: Person, program: Program, clock: HeldClock) -> None:
    person.sign_in(clock, "admins", token=OTHER, confirmed=False)
    for cli in (AwsLogin(program), AwsLogin(program, remote=True)):
        answer = cli.pick(token=OTHER)
        assert (answer.status_code, answer.headers.get("Location")) == (401, None)


def test_where_the_operator_refuses_another_address_a_carried_code_is_redeemed_where_it_was_given_alone(
    make_person: Callable[..., Person], clock: HeldClock
) -> None:
    person = make_person(refuse_other_address=True)
    away, here = (AwsLogin(Program(person, clock, address), remote=True) for address in (AWAY, HERE))
    code = away.code()
    assert refusal(away.redeem(code)) == (401, "AccessDeniedException", "AUTHCODE_EXPIRED")
    assert refusal(here.redeem(code)) == (401, "AccessDeniedException", "AUTHCODE_EXPIRED"), "one try"
    assert f"approved from {HERE}, redeemed from another address" in reasons(person, "token.refused")[-1]
    assert here.redeem(here.code()).status_code == 200


def test_without_that_setting_a_carried_code_may_go_to_another_address(program: Program) -> None:
    away = AwsLogin(program, remote=True)
    assert program.address == AWAY
    assert away.redeem(away.code()).status_code == 200


def test_a_code_for_this_machine_is_not_held_to_the_address(
    make_person: Callable[..., Person], clock: HeldClock
) -> None:
    """Browser and program of one machine may well leave by two addresses: the redirect proves that they are one."""
    local = AwsLogin(Program(make_person(refuse_other_address=True), clock, AWAY))
    assert local.redeem(local.code()).status_code == 200
