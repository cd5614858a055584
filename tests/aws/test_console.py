"""Into the console: the login link, the form, and the only pages that they may lead to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aws_factories import CREDENTIALS, NOW, account, grant

from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.console import Endpoints, Fetching, checked_destination, federation_link, saml_form
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws.statement import Statement
from federation_bridge.errors import AnswerUnusable, AwsRefused, AwsUnreachable, BadRequest, ProviderUnreachable
from federation_bridge.model import Departure, Grant

AWS = Endpoints.of(account(), None)
PAGE = "https://eu-central-1.console.aws.amazon.com/s3/buckets?region=eu-central-1"
STATEMENT = Statement("c3RhdGVtZW50", "_id", NOW)
TOKEN = b'{"SigninToken":"a-token+/="}'


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = TOKEN
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/html"})


@dataclass
class SigninService:
    """Answers in turn and remembers what was posted."""

    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    posted: list[tuple[str, str, dict[str, str], tuple[str, ...]]] = field(default_factory=list)

    def fetch(
        self, url: str, *, method: str, data: Mapping[str, str], networks: Sequence[str], max_bytes: int
    ) -> Answer:
        assert max_bytes < 1_000_000
        self.posted.append((url, method, dict(data), tuple(networks)))
        return self.answers.pop(0)


def link(service: Fetching, endpoints: Sequence[Endpoints] = AWS, calls: AwsCalls | None = None) -> Departure:
    return federation_link(
        CREDENTIALS,
        PAGE,
        issuer_url="https://bridge.example.com/go/123456789012/Admin",
        endpoints=endpoints,
        fetch=service,
        calls=calls or AwsCalls(1),
    )


def test_the_credentials_are_posted_and_never_stand_in_an_address() -> None:
    service = SigninService()
    departure = link(service)
    ((url, method, fields, networks),) = service.posted
    assert (url, method, networks) == ("https://signin.aws.amazon.com/federation", "POST", ())
    assert fields["Action"] == "getSigninToken"
    assert json.loads(fields["Session"]) == {
        "sessionId": CREDENTIALS.access_key_id,
        "sessionKey": CREDENTIALS.secret_access_key,
        "sessionToken": CREDENTIALS.session_token,
    }
    assert CREDENTIALS.secret_access_key not in url + departure.url


def test_the_link_is_a_redirect_with_issuer_destination_and_token() -> None:
    departure = link(SigninService())
    assert departure.form is None
    parts = urlsplit(departure.url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "signin.aws.amazon.com", "/federation")
    assert parse_qs(parts.query) == {
        "Action": ["login"],
        "Issuer": ["https://bridge.example.com/go/123456789012/Admin"],
        "Destination": [PAGE],
        "SigninToken": ["a-token+/="],
    }


def test_a_console_session_never_outlives_its_credentials() -> None:
    service = SigninService()
    link(service)
    assert set(service.posted[0][2]) == {"Action", "Session"}


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (Answer(400, b"<html>no</html>"), AwsRefused),
        (Answer(403), AwsUnreachable),
        (Answer(302), AwsUnreachable),
        (Answer(200, b"<html>"), AwsUnreachable),
        (Answer(200, b"\xff"), AwsUnreachable),
        (Answer(200, b"[]"), AwsRefused),
        (Answer(200, b"null"), AwsUnreachable),
        (Answer(200, b"{}"), AwsRefused),
        (Answer(200, b'{"SigninToken":""}'), AwsRefused),
        (Answer(200, b'{"SigninToken":7}'), AwsRefused),
        (Answer(500), AwsUnreachable),
        (Answer(503, b""), AwsUnreachable),
    ],
)
def test_an_answer_without_a_token_is_refused_and_shows_no_secret(
    answer: Answer, refusal: type[AwsRefused | AwsUnreachable]
) -> None:
    with pytest.raises(refusal) as refused:
        link(SigninService([answer]))
    assert CREDENTIALS.secret_access_key not in refused.value.detail


@pytest.mark.parametrize("status", [200, 302, 403, 407, 451])
def test_what_answers_in_place_of_the_sign_in_service_is_told_as_just_that(status: int) -> None:
    page = b"<html><title>Blocked</title><body>Ask the help desk</body></html>"
    with pytest.raises(AwsUnreachable, match=rf"something between the bridge and AWS answered {status} \(text/html\)"):
        link(SigninService([Answer(status, page)]))
    with pytest.raises(AwsRefused, match="the AWS sign-in service answered 400"):
        link(SigninService([Answer(400, page)]))


def test_a_sign_in_service_that_does_not_answer_is_aws_unreachable() -> None:
    class Silent(SigninService):
        def fetch(self, *_: Any, **__: Any) -> Answer:
            raise ProviderUnreachable("no route")

    with pytest.raises(AwsUnreachable, match="no route"):
        link(Silent())


def test_a_local_aws_answers_at_its_own_address_and_may_be_on_this_machine() -> None:
    service = SigninService()
    local = Endpoints.of(account(), "http://127.0.0.1:4566/")
    departure = link(service, endpoints=local)
    assert service.posted[0][0] == "http://127.0.0.1:4566/federation"
    assert service.posted[0][3] == ("127.0.0.0/8", "::1/128")
    assert departure.url.startswith("http://127.0.0.1:4566/federation?Action=login&")
    assert saml_form(grant(), STATEMENT, PAGE, local).url == "http://127.0.0.1:4566/saml"


@pytest.mark.parametrize("name", PARTITIONS)
def test_the_form_posts_to_the_partitions_own_sign_in_address(name: str) -> None:
    endpoints = Endpoints.of(account(partition=name), None)
    departure = saml_form(grant(account=account(partition=name)), STATEMENT, PAGE, endpoints)
    assert departure == Departure(
        PARTITIONS[name].sign_in()[0].saml_acs, {"SAMLResponse": STATEMENT.text, "RelayState": PAGE}
    )


@pytest.mark.parametrize(
    "made",
    [
        grant("oidc"),
        grant(policy='{"Version":"2012-10-17"}'),
        grant(policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",)),
    ],
)
def test_a_grant_that_the_statement_alone_does_not_enforce_never_becomes_a_form(made: Grant) -> None:
    assert saml_form(grant(), STATEMENT, PAGE, AWS).form, "the twin without those terms may"
    with pytest.raises(AwsRefused, match="never leaves the bridge"):
        saml_form(made, STATEMENT, PAGE, AWS)


def test_without_a_page_the_regions_first_page_is_opened() -> None:
    home = "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"
    assert checked_destination(PARTITIONS["aws"], "", "eu-west-1") == home


@pytest.mark.parametrize("name", PARTITIONS)
def test_every_partitions_first_page_is_a_page_of_its_console(name: str) -> None:
    region = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}.get(name, "eusc-de-east-1")
    home = checked_destination(PARTITIONS[name], "", region)
    assert checked_destination(PARTITIONS[name], home, region) == home


@pytest.mark.parametrize(
    ("partition", "text", "checked"),
    [
        ("aws", PAGE, PAGE),
        ("aws", "https://console.aws.amazon.com/", "https://console.aws.amazon.com/"),
        ("aws", "https://s3.console.aws.amazon.com/s3/home#x=1", "https://s3.console.aws.amazon.com/s3/home#x=1"),
        (
            "aws",
            "/ec2/home?region=eu-central-1",
            "https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1",
        ),
        (
            "aws",
            "https://123456789012-ab12cd34.us-east-1.console.aws.amazon.com/lambda/home?a=%2F#/functions",
            "https://us-east-1.console.aws.amazon.com/lambda/home?a=%2F#/functions",
        ),
        ("aws-cn", "https://console.amazonaws.cn/s3/home", "https://console.amazonaws.cn/s3/home"),
        ("aws-cn", "https://cn-north-1.console.amazonaws.cn/s3", "https://cn-north-1.console.amazonaws.cn/s3"),
        ("aws-us-gov", "https://console.amazonaws-us-gov.com/", "https://console.amazonaws-us-gov.com/"),
        (
            "aws-eusc",
            "https://eusc-de-east-1.console.amazonaws-eusc.eu/s3",
            "https://eusc-de-east-1.console.amazonaws-eusc.eu/s3",
        ),
    ],
)
def test_a_page_of_the_partitions_console_is_taken(partition: str, text: str, checked: str) -> None:
    assert checked_destination(PARTITIONS[partition], text, "eu-central-1") == checked


def test_a_grant_id_and_region_do_not_change_another_partitions_address() -> None:
    with pytest.raises(BadRequest):
        checked_destination(PARTITIONS["aws-cn"], PAGE, "cn-north-1")
    moved = replace(account(), partition="aws-cn", region="cn-north-1")
    assert checked_destination(PARTITIONS[moved.partition], "/s3", moved.region).startswith(
        "https://cn-north-1.console.amazonaws.cn/"
    )


def test_a_sign_in_service_that_is_down_is_not_asked_until_a_probe_is_due() -> None:
    calls, service = AwsCalls(1, monotonic=lambda: 0.0), SigninService([Answer(503)] * 4)
    for _ in range(3):
        with pytest.raises(AwsUnreachable, match="answered 503"):
            link(service, calls=calls)
    with pytest.raises(AwsUnreachable, match="is not asked") as refusal:
        link(service, calls=calls)
    assert (len(service.posted), refusal.value.retry_after) == (3, 5)


@pytest.mark.parametrize("problem", [AnswerUnusable("is longer than 64000 bytes"), None])
def test_a_sign_in_service_that_answers_otherwise_is_asked_again(problem: Exception | None) -> None:
    class Odd(SigninService):
        def fetch(self, *_: Any, **__: Any) -> Answer:
            self.posted.append(("", "", {}, ()))
            if problem:
                raise problem
            return Answer(400)

    calls, service = AwsCalls(1), Odd()
    for _ in range(5):
        with pytest.raises((AwsRefused, AwsUnreachable)):
            link(service, calls=calls)
    assert len(service.posted) == 5
