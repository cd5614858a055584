# ruff: noqa: F811 - fixtures are named where they are asked for
"""What is asked of STS, what becomes of each of its answers, and of what is no answer of AWS."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from aws_factories import account, grant
from sts_fixtures import PROXY_PAGES, SECRET, STATEMENT, Pauses, clients, closed, own_aws_environment, stub  # noqa: F401 - fixtures
from sts_stub import Answer, StubSts, granted, refused

from federation_bridge.errors import AwsRefused, AwsUnreachable
from federation_bridge.model import Grant

OIDC_GRANTED = granted("AssumeRoleWithWebIdentity")


def test_a_saml_grant_is_redeemed_with_exactly_its_terms_and_no_signature(stub: StubSts) -> None:
    redeemed = clients(stub.url).redeem(grant(), STATEMENT)
    (asked,) = stub.asked
    assert asked == {
        "Action": "AssumeRoleWithSAML",
        "Version": "2011-06-15",
        "RoleArn": "arn:aws:iam::123456789012:role/Admin",
        "PrincipalArn": "arn:aws:iam::123456789012:saml-provider/Bridge",
        "SAMLAssertion": SECRET,
        "DurationSeconds": "3600",
        "authorization": "",
    }
    assert (redeemed.request_id, redeemed.region) == ("request-1", "us-east-1")
    credentials = redeemed.credentials
    assert (credentials.access_key_id, credentials.secret_access_key) == ("ASIAEXAMPLEEXAMPLE12", "the-secret-key")
    assert credentials.session_token == "the-session-token"
    assert credentials.expires_at == datetime(2026, 3, 4, 6, 6, 7, tzinfo=UTC)
    assert (credentials.account_id, credentials.role, credentials.region) == ("123456789012", "Admin", "eu-central-1")
    assert "the-secret-key" not in repr(redeemed)
    assert "the-session-token" not in repr(redeemed)


def test_an_oidc_grant_carries_session_name_and_duration_in_the_call(stub: StubSts) -> None:
    stub.answers = [OIDC_GRANTED]
    clients(stub.url).redeem(grant("oidc"), STATEMENT)
    (asked,) = stub.asked
    assert asked["Action"] == "AssumeRoleWithWebIdentity"
    assert asked["WebIdentityToken"] == SECRET
    assert asked["RoleSessionName"] == "alice@example.com"
    assert asked["DurationSeconds"] == "3600"
    assert "PrincipalArn" not in asked
    assert "ProviderId" not in asked


@pytest.mark.parametrize("road", ["saml", "oidc"])
def test_session_policies_are_sent_with_the_call(stub: StubSts, road: str) -> None:
    stub.answers = [granted("AssumeRoleWithSAML" if road == "saml" else "AssumeRoleWithWebIdentity")]
    arns = ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/Narrow")
    clients(stub.url).redeem(grant(road, policy='{"Version":"2012-10-17"}', policy_arns=arns), STATEMENT)
    (asked,) = stub.asked
    assert asked["Policy"] == '{"Version":"2012-10-17"}'
    assert (asked["PolicyArns.member.1.arn"], asked["PolicyArns.member.2.arn"]) == arns


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_is_told_in_words_to_the_log_alone_and_is_not_repeated(stub: StubSts, status: int) -> None:
    stub.answers = [refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", status)]
    with pytest.raises(AwsRefused, match=r"AccessDenied: Not authorized.*trust policy") as refusal:
        clients(stub.url).redeem(grant(), STATEMENT)
    assert len(stub.asked) == 1
    assert "trust policy" not in refusal.value.public


def test_an_unknown_refusal_is_told_as_it_came(stub: StubSts) -> None:
    stub.answers = [refused("SomethingNew", "never seen")]
    with pytest.raises(AwsRefused, match=r"AWS answered SomethingNew: never seen$"):
        clients(stub.url).redeem(grant(), STATEMENT)


def test_a_refusal_that_echoes_the_statement_does_not_reach_the_log(stub: StubSts) -> None:
    stub.answers = [refused("ValidationError", f"Value '{SECRET}' at 'webIdentityToken'\r\nfailed")]
    with pytest.raises(AwsRefused) as refusal:
        clients(stub.url).redeem(grant(), STATEMENT)
    assert SECRET[:80] not in refusal.value.detail
    assert "\n" not in refusal.value.detail


WRONG_ANSWERS = [
    (200, "not xml at all"),
    (200, "<AssumeRoleWithSAMLResponse/>"),
    granted(arn="arn:aws:sts::999999999999:assumed-role/Admin/alice@example.com"),
    granted(arn="arn:aws:sts::123456789012:assumed-role/Other/alice@example.com"),
    granted(arn="arn:aws:sts::123456789012:assumed-role/Admin/mallory"),
    granted(expiration="soon"),
    refused("AccessDenied", "x", 200),
]


@pytest.mark.parametrize("answer", WRONG_ANSWERS)
def test_an_answer_that_is_not_for_this_grant_is_refused(stub: StubSts, answer: Answer) -> None:
    stub.answers = [answer]
    with pytest.raises((AwsRefused, AwsUnreachable)):
        clients(stub.url).redeem(grant(), STATEMENT)


@pytest.mark.parametrize(
    "made", [grant(policy="x" * 2049), grant("oidc", session_name="x"), grant(role="Audit", duration=timedelta(0))]
)
def test_what_botocore_will_not_send_is_refused_in_our_words(stub: StubSts, made: Grant) -> None:
    stub.answers = [refused("ValidationError", "1 validation error detected")]
    with pytest.raises(AwsRefused) as refusal:
        clients(stub.url).redeem(made, STATEMENT)
    assert SECRET[:40] not in refusal.value.detail


def test_the_log_holds_no_secret_even_at_level_debug(stub: StubSts, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        clients(stub.url).redeem(grant(), STATEMENT)
    assert "the-secret-key" not in caplog.text
    assert SECRET[:40] not in caplog.text


def test_a_role_with_a_path_is_recognised_in_the_answer_by_its_name(stub: StubSts) -> None:
    stub.answers = [granted(arn="arn:aws:sts::123456789012:assumed-role/Audit/alice@example.com")]
    clients(stub.url).redeem(grant(role="Audit", account=account()), STATEMENT)
    assert stub.asked[0]["RoleArn"] == "arn:aws:iam::123456789012:role/people/Audit"


def test_where_aws_could_not_fetch_our_documents_each_region_is_asked_once(stub: StubSts) -> None:
    pauses = Pauses()
    stub.answers = [refused("IDPCommunicationError", "could not reach")]
    with pytest.raises(AwsUnreachable, match="could not fetch the issuer's documents"):
        clients(stub.url, pauses).redeem(grant("oidc"), STATEMENT)
    assert (len(stub.asked), pauses) == (2, [])
    stub.answers = [refused("IDPCommunicationError"), OIDC_GRANTED]
    assert clients(stub.url).redeem(grant("oidc"), STATEMENT).region == "us-west-2"


@pytest.mark.parametrize("answer", PROXY_PAGES.values(), ids=PROXY_PAGES)
def test_what_is_no_answer_of_aws_is_told_as_such_and_the_next_region_is_asked(stub: StubSts, answer: Answer) -> None:
    pauses = Pauses()
    stub.answers = [answer, granted()]
    assert clients(stub.url, pauses).redeem(grant(), STATEMENT).region == "us-west-2"
    stub.answers = [answer]
    with pytest.raises(AwsUnreachable) as refusal:
        clients(stub.url, pauses).redeem(grant(), STATEMENT)
    told = f"something between the bridge and AWS answered {answer[0]} (text/xml)"
    assert refusal.value.detail.count(told) == 2
    assert ("Ask the help desk" in refusal.value.detail) is ("Ask the help desk" in answer[1])
    assert pauses == []


def test_a_refusal_of_aws_itself_is_final_whatever_a_proxy_says_elsewhere(stub: StubSts) -> None:
    stub.answers = [PROXY_PAGES["HTML that is XML"], refused("AccessDenied", "Not authorized", 403), granted()]
    with pytest.raises(AwsRefused, match="AWS answered AccessDenied: Not authorized"):
        clients(stub.url).redeem(grant(), STATEMENT)
    assert len(stub.asked) == 2


@pytest.mark.parametrize(
    "page",
    [
        f"<html>You sent SAMLAssertion={SECRET}</html>",
        f"<html><script>send('{SECRET}')</script>no {SECRET}</html>",
        f"<html>no <!-- {SECRET} --> Zx8Qp2Lm4Rt6Vb0Nc3Ks5Wd7Yf9Hg1Jt2Ua4Eo6</html>",
        "<p>\x1b]0;owned\x07</p>" + "w " * 5_000,
    ],
    ids=["echoed by name", "echoed without", "in a comment, and a secret key", "long, and to steer a terminal"],
)
def test_what_a_proxys_page_repeats_reaches_no_log(stub: StubSts, page: str) -> None:
    stub.answers = [(403, page)]
    with pytest.raises(AwsUnreachable, match="answered 403") as refusal:
        clients(stub.url).redeem(grant(), STATEMENT)
    assert SECRET[:20] not in refusal.value.detail
    assert "Zx8Qp2Lm4Rt6" not in refusal.value.detail
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 700


def test_a_damaged_success_is_not_repeated_in_the_log(stub: StubSts) -> None:
    stub.answers = [(200, "the-secret-key " + granted()[1])]
    with pytest.raises(AwsUnreachable) as refusal:
        clients(stub.url).redeem(grant(), STATEMENT)
    assert "the-secret-key" not in refusal.value.detail
