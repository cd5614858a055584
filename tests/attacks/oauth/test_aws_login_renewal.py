# ruff: noqa: F811 - fixtures are named where they are asked for
"""Renewals of `aws login`: a refresh token is used up only for what AWS issued, and a replay still ends all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aws_login_factories import Aws, AwsLogin, refusal, stand_in
from databases import HeldClock
from oauth_factories import Program
from oauth_fixtures import make_person, person, program  # noqa: F401 - fixtures
from web_factories import Person, door_of

from federation_bridge.errors import AwsRefused, AwsUnreachable, BridgeError

EXPIRED = (401, "AccessDeniedException", "TOKEN_EXPIRED")
OUTAGES = {
    "AWS is out of reach": (AwsUnreachable(), (500, "InternalServerException", "server_error")),
    "AWS refuses": (AwsRefused(), (403, "AccessDeniedException", "INSUFFICIENT_PERMISSIONS")),
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clock: HeldClock) -> Aws:
    return stand_in(monkeypatch, clock)


@pytest.fixture
def cli(program: Program, aws: Aws) -> AwsLogin:
    return AwsLogin(program)


def failing(failure: BridgeError) -> Any:
    def fail() -> None:
        raise failure

    return fail


def events(person: Person, name: str) -> list[dict[str, Any]]:
    entries = door_of(person.app).store.audit.entries()
    return [dict(entry.details) for entry in entries if entry.event == name]


@pytest.mark.parametrize(("outage", "told"), OUTAGES.values(), ids=OUTAGES)
def test_a_renewal_that_aws_failed_can_be_tried_again_with_the_same_token(
    cli: AwsLogin, aws: Aws, clock: HeldClock, outage: BridgeError, told: tuple[int, str, str]
) -> None:
    first = cli.redeem(cli.code()).get_json()
    aws.before = failing(outage)
    assert refusal(cli.renew(first["refreshToken"])) == told
    # Well past the leniency for two who ask at once.
    clock.advance(timedelta(minutes=2))
    aws.before = lambda: None
    second = cli.renew(first["refreshToken"])
    assert second.status_code == 200, second.get_json()
    assert second.get_json()["refreshToken"] != first["refreshToken"]


def test_a_renewal_for_which_the_sign_in_is_too_short_says_that_the_session_is_over(
    cli: AwsLogin, aws: Aws, clock: HeldClock
) -> None:
    """The sign-in lasts twelve hours: half an hour before its end AWS still issues, ten minutes before it does not."""
    token = cli.redeem(cli.code()).get_json()["refreshToken"]
    clock.advance(timedelta(hours=11, minutes=30))
    renewed = cli.renew(token)
    assert renewed.status_code == 200, renewed.get_json()
    clock.advance(timedelta(minutes=20))
    sold = aws.sold
    assert refusal(cli.renew(renewed.get_json()["refreshToken"])) == EXPIRED
    assert aws.sold == sold


def test_after_the_renewal_that_succeeded_the_token_is_a_replay_and_ends_the_family(
    person: Person, cli: AwsLogin, aws: Aws, clock: HeldClock
) -> None:
    first = cli.redeem(cli.code()).get_json()
    aws.before = failing(AwsUnreachable())
    cli.renew(first["refreshToken"])
    aws.before = lambda: None
    second = cli.renew(first["refreshToken"]).get_json()
    sold = aws.sold
    clock.advance(timedelta(seconds=11))
    assert refusal(cli.renew(first["refreshToken"])) == EXPIRED
    assert refusal(cli.renew(second["refreshToken"])) == EXPIRED
    assert aws.sold == sold, "nothing is bought for a replay"
    assert [one["reason"] for one in events(person, "command_line.ended")] == ["a refresh token was used again"]


def test_of_two_who_renew_with_one_token_at_once_one_is_answered_and_nobody_is_signed_out(
    person: Person, cli: AwsLogin, aws: Aws, clock: HeldClock
) -> None:
    first = cli.redeem(cli.code()).get_json()
    won: list[Any] = []

    def meanwhile() -> None:
        """AWS is slow to answer the first one: the second asks, is answered, and half a minute goes by."""
        aws.before = lambda: None
        won.append(cli.renew(first["refreshToken"]))
        clock.advance(timedelta(seconds=30))

    aws.before = meanwhile
    lost = cli.renew(first["refreshToken"])
    assert refusal(lost) == EXPIRED
    assert "accessToken" not in lost.get_json()
    assert won[0].status_code == 200
    assert cli.renew(won[0].get_json()["refreshToken"]).status_code == 200
    # Both purchases stand in the audit; the loser's own reference number tells that it was refused.
    assert len(events(person, "grant.redeemed")) == 4
    assert [one["reason"] for one in events(person, "token.refused")] == ["refresh token: just_used"]


def test_a_sign_out_while_aws_is_slow_leaves_nobody_with_credentials(person: Person, cli: AwsLogin, aws: Aws) -> None:
    first = cli.redeem(cli.code()).get_json()

    def sign_out() -> None:
        assert person.post("/sign-out").status_code == 200

    aws.before = sign_out
    answer = cli.renew(first["refreshToken"])
    assert refusal(answer) == EXPIRED
    assert "accessToken" not in answer.get_json()


def test_a_renewal_is_refused_as_one_whatever_the_reason_says(cli: AwsLogin, aws: Aws) -> None:
    # This reason speaks of "a code or token": the client shall not ask for a code where none was given.
    assert refusal(cli.renew("x" * 1000)) == EXPIRED
    assert refusal(cli.redeem("x" * 1000)) == (401, "AccessDeniedException", "AUTHCODE_EXPIRED")


def test_another_key_buys_nothing_and_uses_nothing_up(
    person: Person, cli: AwsLogin, aws: Aws, clock: HeldClock
) -> None:
    first = cli.redeem(cli.code()).get_json()
    sold = aws.sold
    assert refusal(AwsLogin(Program(person, clock)).renew(first["refreshToken"])) == EXPIRED
    assert refusal(AwsLogin(cli.program, remote=True).renew(first["refreshToken"])) == EXPIRED
    assert aws.sold == sold
    assert cli.renew(first["refreshToken"]).status_code == 200


def test_a_code_is_good_for_one_try_even_where_aws_fails_and_leaves_no_command_line(
    person: Person, cli: AwsLogin, aws: Aws
) -> None:
    code = cli.code()
    aws.before = failing(AwsUnreachable())
    assert refusal(cli.redeem(code)) == (500, "InternalServerException", "server_error")
    aws.before = lambda: None
    assert refusal(cli.redeem(code)) == (401, "AccessDeniedException", "AUTHCODE_EXPIRED")
    assert door_of(person.app).store.token_families.living() == ()
    reasons = [one["reason"] for one in events(person, "command_line.ended")]
    assert reasons == ["its first credentials could not be had"]
