"""No AWS session is handed out for longer than was granted: what is asked, and what a late answer is held against."""

from __future__ import annotations

import base64
import gc
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from aws_factories import ENTITY_ID, NOW, grant, signing_key
from sts_stub import StubSts, granted, stub_sts

from federation_bridge.aws import assertion
from federation_bridge.aws.lifetimes import asked_seconds, latest_end, session_not_on_or_after, told_end
from federation_bridge.aws.redeemed import Redeemed
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import StsClients
from federation_bridge.errors import AwsRefused, RoleNotGranted
from federation_bridge.model import Grant
from federation_bridge.settings import Aws, Outgoing

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
CALL = timedelta(seconds=13)
STATEMENT = Statement("c3RhdGVtZW50", "_id", NOW + timedelta(minutes=5))


@pytest.fixture
def stub() -> Iterator[StubSts]:
    with stub_sts() as server:
        yield server
    gc.collect()


@pytest.mark.parametrize(
    ("road", "ends_in", "called_after", "seconds"),
    [
        ("saml", None, 0, 3600),
        ("oidc", None, 0, 3600),
        ("oidc", None, 20, 3600),  # a length is a length: AWS keeps it, however late it begins
        ("oidc", 3613, 0, 3600),
        ("oidc", 3613, 7, 3593),
        ("oidc", 3600.5, 0, 3587),
        ("saml", 3600, 7, 3600),  # its statement names the end
        ("oidc", 913, 0, 900),
    ],
)
def test_a_rules_end_shortens_what_is_asked_by_the_time_that_aws_may_take(
    road: str, ends_in: float | None, called_after: float, seconds: int
) -> None:
    ends_at = None if ends_in is None else NOW + timedelta(seconds=ends_in)
    asked = asked_seconds(grant(road, ends_at=ends_at), NOW + timedelta(seconds=called_after), CALL)
    assert asked == seconds


def test_what_aws_does_not_sell_is_not_asked_for() -> None:
    made = grant("oidc", ends_at=NOW + timedelta(seconds=913))
    with pytest.raises(RoleNotGranted):
        asked_seconds(made, NOW + SECOND, CALL)


@pytest.mark.parametrize(("ends_in", "lasts_until"), [(None, 3600), (3600, 3600), (3600.9, 3600), (7200, 3600)])
def test_the_assertion_names_no_end_past_the_grants_and_the_rules(ends_in: float | None, lasts_until: float) -> None:
    made = grant(ends_at=None if ends_in is None else NOW + timedelta(seconds=ends_in))
    assert session_not_on_or_after(made) == NOW + timedelta(seconds=lasts_until)


def test_the_latest_end_counts_how_long_aws_takes_a_statement() -> None:
    """An assertion names the end; a token is taken for ten minutes, and the session begins then."""
    assert latest_end(grant("saml")) == NOW + HOUR
    assert latest_end(grant("oidc")) == NOW + HOUR + timedelta(minutes=10)


def test_an_assertion_that_is_signed_late_ends_its_session_with_the_rule() -> None:
    made, key = grant(ends_at=NOW + HOUR), signing_key()
    late = assertion.build(made, key=key, issuer_entity_id=ENTITY_ID, now=NOW + 7 * SECOND)
    assert _session_end(late) == "2026-03-04T06:06:07Z"


def _session_end(statement: Statement) -> str:
    (end,) = re.findall(r'SessionNotOnOrAfter="([^"]+)"', base64.b64decode(statement.text).decode())
    return str(end)


@pytest.mark.parametrize(
    ("ends_in", "expires_in", "told"),
    [
        (None, 3600, 3600),
        (None, 3598, 3598),  # AWS may cut
        (None, 3607, 3600),  # AWS answered late: the holder is told the end that was granted
        (None, 3600 + 300, 3600),
        (3600, 3600, 3600),
        (3600, 3601, 3600),  # AWS's rounding
        (7200, 3607, 3600),
    ],
)
def test_the_holder_is_told_no_end_past_the_grants(ends_in: int | None, expires_in: int, told: int) -> None:
    made = grant("oidc", ends_at=None if ends_in is None else NOW + timedelta(seconds=ends_in))
    assert told_end(made, NOW + timedelta(seconds=expires_in)) == NOW + timedelta(seconds=told)


@pytest.mark.parametrize(
    ("ends_in", "expires_in"), [(3600, 3602), (3600, 3607), (7200, 7202), (None, 3600 + 301), (None, 43_200)]
)
def test_a_session_that_outlives_its_rule_or_was_never_asked_for_is_refused(
    ends_in: int | None, expires_in: int
) -> None:
    made = grant("oidc", ends_at=None if ends_in is None else NOW + timedelta(seconds=ends_in))
    with pytest.raises(AwsRefused, match="handed to nobody"):
        told_end(made, NOW + timedelta(seconds=expires_in))


def redeemed(stub: StubSts, made: Grant, answered_until: datetime) -> Redeemed:
    operation = "AssumeRoleWithSAML" if made.account.road == "saml" else "AssumeRoleWithWebIdentity"
    stub.answers = [granted(operation, expiration=answered_until.strftime("%Y-%m-%dT%H:%M:%SZ"))]
    sts = StsClients(Aws(local_endpoint=stub.url), Outgoing(), clock=lambda: NOW)
    return sts.redeem(made, STATEMENT)


@pytest.mark.parametrize("road", ["saml", "oidc"])
def test_an_sts_that_answers_seven_seconds_late_gives_nothing_past_the_rules_end(stub: StubSts, road: str) -> None:
    made = grant(road, ends_at=NOW + HOUR)
    with pytest.raises(AwsRefused, match="handed to nobody"):
        redeemed(stub, made, NOW + HOUR + 7 * SECOND)
    in_time = redeemed(stub, made, NOW + HOUR)
    assert in_time.credentials.expires_at == in_time.expires_at == NOW + HOUR


def test_an_sts_that_takes_all_its_time_still_ends_with_the_rule(stub: StubSts) -> None:
    made = grant("oidc", ends_at=NOW + HOUR)
    redeemed(stub, made, NOW + HOUR)
    asked = timedelta(seconds=int(stub.asked[0]["DurationSeconds"]))
    assert NOW + CALL + asked <= NOW + HOUR


def test_a_late_answer_without_a_rules_end_is_told_as_the_grants_end_and_recorded_as_awss(stub: StubSts) -> None:
    late = redeemed(stub, grant("oidc"), NOW + HOUR + 7 * SECOND)
    assert late.credentials.expires_at == NOW + HOUR
    assert late.expires_at == NOW + HOUR + 7 * SECOND
