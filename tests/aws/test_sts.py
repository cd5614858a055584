"""Redeeming at STS: what is asked, what becomes of each answer, and where we turn when a region does not answer."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_factories import NOW, account, grant
from sts_stub import Answer, StubSts, dripping_sts, granted, refused, stub_sts, unused_address

from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import StsClients
from federation_bridge.errors import AwsBusy, AwsRefused, AwsUnreachable, ConfigurationInvalid
from federation_bridge.model import Grant
from federation_bridge.settings import Aws, Outgoing

SECRET = "c3RhdGVtZW50" * 10
STATEMENT = Statement(SECRET, "_id", NOW + timedelta(minutes=5))
OIDC_GRANTED = granted("AssumeRoleWithWebIdentity")
NO_PROXY = Outgoing()


@pytest.fixture(autouse=True)
def _own_aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def stub() -> Iterator[StubSts]:
    with stub_sts() as server:
        yield server


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Clients of botocore and their sockets form cycles: closed here, no open socket is left for another test."""
    yield
    while _made:
        _made.pop().close()


_made: list[StsClients] = []


class Pauses(list[float]):
    """Sleeps nothing and remembers for how long it was told to; as jitter it gives the longest."""

    def sleep(self, seconds: float) -> None:
        self.append(seconds)


def clients(
    address: str | None,
    pauses: Pauses | None = None,
    *,
    outgoing: Outgoing = NO_PROXY,
    calls: AwsCalls | None = None,
    **changes: Any,
) -> StsClients:
    pauses = Pauses() if pauses is None else pauses
    aws = Aws(local_endpoint=address, **changes)
    made = StsClients(aws, outgoing, calls, sleep=pauses.sleep, jitter=lambda longest: longest, clock=lambda: NOW)
    _made.append(made)
    return made


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


THROTTLED = [
    refused("Throttling", "Rate exceeded"),
    refused("ThrottlingException", "Rate exceeded"),
    refused("RequestLimitExceeded", "", 503),
    refused("Unheard", "", 429),
]


@pytest.mark.parametrize("answer", THROTTLED, ids=lambda answer: str(answer[1].split("Code>")[1]))
def test_throttling_is_met_with_longer_and_longer_pauses_and_then_another_region(stub: StubSts, answer: Answer) -> None:
    pauses = Pauses()
    stub.answers = [answer, answer, answer, granted()]
    assert clients(stub.url, pauses).redeem(grant(), STATEMENT).region == "us-west-2"
    assert pauses == [0.4, 0.8]


def test_throttling_that_passes_stays_in_the_first_region(stub: StubSts) -> None:
    pauses = Pauses()
    stub.answers = [refused("Throttling"), granted()]
    assert clients(stub.url, pauses).redeem(grant(), STATEMENT).region == "us-east-1"
    assert pauses == [0.4]


def test_when_every_region_throttles_the_attempts_end(stub: StubSts) -> None:
    stub.answers = [refused("Throttling", "Rate exceeded")]
    with pytest.raises(AwsBusy, match=r"us-east-1: Throttling.*3 times.*us-west-2: Throttling") as refusal:
        clients(stub.url).redeem(grant(), STATEMENT)
    assert len(stub.asked) == 6
    assert refusal.value.retry_after
    assert refusal.value.is_unissued


def test_one_region_that_is_down_beside_one_that_throttles_is_told_as_an_outage(stub: StubSts) -> None:
    stub.answers = [*[refused("Throttling")] * 3, refused("InternalFailure", status=500)]
    with pytest.raises(AwsUnreachable) as refusal:
        clients(stub.url).redeem(grant(), STATEMENT)
    assert type(refusal.value) is AwsUnreachable


def test_the_pause_is_a_random_part_of_the_longest() -> None:
    chosen = StsClients(Aws(), Outgoing())._jitter
    drawn = {chosen(1.0) for _ in range(20)}
    assert len(drawn) > 1
    assert all(0 <= pause <= 1 for pause in drawn)


@pytest.mark.parametrize(
    "answer",
    [refused("RegionDisabledException", "STS is not activated", 403), refused("InternalFailure", "", 500), (503, "no")],
)
def test_a_region_that_is_off_or_broken_is_left_for_the_next_at_once(stub: StubSts, answer: Answer) -> None:
    pauses = Pauses()
    stub.answers = [answer, granted()]
    assert clients(stub.url, pauses).redeem(grant(), STATEMENT).region == "us-west-2"
    assert pauses == []


def test_a_region_that_nobody_answers_in_is_left_for_the_next(stub: StubSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", unused_address())
    sts = clients(None, home_regions={"aws": ("us-east-1",)})
    sts.prepare("aws")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
    sts._aws = Aws()
    assert sts.redeem(grant(), STATEMENT).region == "us-west-2"


def test_a_region_that_failed_is_asked_last_for_a_while(stub: StubSts) -> None:
    now = [1000.0]
    sts = clients(stub.url, calls=AwsCalls(1, monotonic=lambda: now[0]))
    stub.answers = [refused("InternalFailure", "", 500), granted()]
    regions = []
    for later in (0.0, 29.0, 2.0):
        now[0] += later
        regions.append(sts.redeem(grant(), STATEMENT).region)
    assert regions == ["us-west-2", "us-west-2", "us-east-1"]
    assert len(stub.asked) == 4


@pytest.mark.parametrize(
    ("home_regions", "wrong"),
    [
        ({"aws": ("us-east-1", "us-gov-west-1")}, "'us-gov-west-1' is no region of aws"),
        ({"aws-cn": ("us-east-1",)}, "'us-east-1' is no region of aws-cn"),
        ({"aws": ("us-east-1.example.com/",)}, "is no region of partition aws"),
        ({"aws": ("eu-centrall-1",)}, "did you mean 'eu-central-1'"),
        ({"aws-moon": ("moon-1",)}, "there is no partition 'aws-moon'"),
    ],
)
def test_a_region_of_another_partition_stops_the_start(home_regions: dict[str, tuple[str, ...]], wrong: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=wrong):
        clients(None, home_regions=home_regions)


def test_when_nobody_answers_anywhere_the_regions_are_named_and_the_statement_is_not() -> None:
    with pytest.raises(AwsUnreachable, match=r"us-east-1: .*us-west-2: ") as refusal:
        clients(unused_address()).redeem(grant(), STATEMENT)
    assert SECRET[:40] not in refusal.value.detail


def test_a_region_that_is_silent_is_left_after_the_read_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        sts = clients(address, read_timeout="1s", home_regions={"aws": ("us-east-1",)})
        with pytest.raises(AwsUnreachable, match="timeout"):
            sts.redeem(grant(), STATEMENT)


def test_the_environments_sts_address_is_honoured(stub: StubSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
    clients(None).redeem(grant(), STATEMENT)
    assert len(stub.asked) == 1


def test_the_settings_local_endpoint_goes_before_the_environment(
    stub: StubSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", unused_address())
    clients(stub.url).redeem(grant(), STATEMENT)
    assert len(stub.asked) == 1


def test_proxies_of_the_environment_are_not_heeded(stub: StubSts, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, unused_address())
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
    clients(None).redeem(grant(), STATEMENT)
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("partition", "region", "address"),
    [
        ("aws", "eu-central-1", "https://sts.eu-central-1.amazonaws.com"),
        ("aws", "us-east-1", "https://sts.us-east-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
        ("aws-eusc", "eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_each_region_is_asked_at_its_own_endpoint_even_where_the_environment_says_legacy(
    monkeypatch: pytest.MonkeyPatch, partition: str, region: str, address: str
) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    sts = clients(None, home_regions={partition: (region,)})
    sts.prepare(partition)
    assert sts._clients.of(region).meta.endpoint_url == address


def test_the_settings_proxy_is_used_for_aws_and_not_for_this_machine(stub: StubSts) -> None:
    refusing = unused_address()
    clients(stub.url, outgoing=Outgoing(proxy=refusing)).redeem(grant(), STATEMENT)
    with pytest.raises(AwsUnreachable, match=r"no connection: .*ConnectionRefused"):
        clients(None, outgoing=Outgoing(proxy=refusing)).redeem(grant(), STATEMENT)


def test_a_ca_bundle_that_cannot_be_read_is_the_operators_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="ca_bundle"):
        clients(None, outgoing=Outgoing(ca_bundle=tmp_path / "ca.pem")).prepare("aws")


def test_a_regions_client_is_made_once_for_all_threads(stub: StubSts) -> None:
    sts = clients(stub.url)
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: id(sts._clients.of("us-east-1")), range(16)))
        list(threads.map(lambda _: sts.redeem(grant(), STATEMENT), range(16)))
    assert len(made) == 1
    assert len(stub.asked) == 16


def test_credentials_that_lie_about_are_neither_read_nor_sent(stub: StubSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-powerful-secret")
    clients(stub.url).redeem(grant(), STATEMENT)
    assert stub.asked[0]["authorization"] == ""


def test_a_profile_that_does_not_exist_is_the_operators_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(ConfigurationInvalid, match="no-such-profile"):
        clients(None).prepare("aws")


def test_a_partition_without_regions_is_the_operators_to_mend() -> None:
    with pytest.raises(ConfigurationInvalid, match="home_regions"):
        clients(None, home_regions={}).redeem(grant(), STATEMENT)


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


ONE_REGION: dict[str, Any] = {"home_regions": {"aws": ("us-east-1",)}}
PROXY_PAGES = {
    "HTML that is XML": (403, "<html><head><title>Blocked</title></head><body>Ask the help desk</body></html>"),
    "HTML that is not": (403, "<!DOCTYPE html><html><br><p>Ask the help desk</html>"),
    "a sign-in page": (200, "<html><body>Welcome to the guest network</body></html>"),
    "nothing": (403, ""),
    "JSON": (403, '{"error": "blocked"}'),
    "another XML": (403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
    "a redirect": (302, ""),
    "a proxy that wants a password": (407, "<html>Proxy Authentication Required</html>"),
}
REACHABLE = [
    *THROTTLED,
    refused("IDPCommunicationError"),
    refused("AccessDenied", "no", 403),
    (200, "not xml at all"),
    *PROXY_PAGES.values(),
]


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


@pytest.mark.parametrize("answer", [refused("InternalFailure", "", 500), (503, "no")])
def test_a_region_that_is_down_is_not_asked_after_three_failures_until_a_probe_is_due(
    stub: StubSts, answer: Answer
) -> None:
    now = [1000.0]
    sts = clients(stub.url, calls=AwsCalls(4, monotonic=lambda: now[0]), **ONE_REGION)
    stub.answers = [answer]
    for _ in range(3):
        with pytest.raises(AwsUnreachable):
            sts.redeem(grant(), STATEMENT)
    with pytest.raises(AwsUnreachable, match="is not asked for another 5 s") as refusal:
        sts.redeem(grant(), STATEMENT)
    assert (len(stub.asked), refusal.value.retry_after) == (3, 5)
    now[0] += 5.0
    stub.answers = [granted()]
    assert sts.redeem(grant(), STATEMENT).region == "us-east-1"


@pytest.mark.parametrize("answer", REACHABLE, ids=str)
def test_what_a_region_that_is_there_says_never_counts_against_it(stub: StubSts, answer: Answer) -> None:
    sts = clients(stub.url, **ONE_REGION)
    stub.answers = [answer]
    for _ in range(5):
        with pytest.raises((AwsUnreachable, AwsRefused)):
            sts.redeem(grant(), STATEMENT)
    stub.answers = [granted()]
    assert sts.redeem(grant(), STATEMENT).region == "us-east-1"


def test_a_region_that_is_down_does_not_keep_the_next_from_answering(stub: StubSts) -> None:
    now = [1000.0]
    sts = clients(stub.url, calls=AwsCalls(1, monotonic=lambda: now[0]))
    for _ in range(3):
        stub.answers = [refused("InternalFailure", "", 500), granted()]
        assert sts.redeem(grant(), STATEMENT).region == "us-west-2"
        now[0] += 31.0
    stub.answers = [granted()]
    assert sts.redeem(grant(), STATEMENT).region == "us-east-1"  # a probe, due long since


def test_pauses_and_tries_over_all_regions_end_with_the_total_timeout(stub: StubSts) -> None:
    now = [1000.0]
    stub.answers = [refused("Throttling")]
    aws = Aws(local_endpoint=stub.url, total_timeout=timedelta(seconds=1))

    def sleep(seconds: float) -> None:
        now[0] += seconds

    sts = StsClients(
        aws,
        NO_PROXY,
        AwsCalls(1, monotonic=lambda: now[0]),
        sleep=sleep,
        jitter=lambda longest: longest,
        clock=lambda: NOW,
    )
    with pytest.raises(AwsUnreachable):
        sts.redeem(grant(), STATEMENT)
    assert now[0] <= 1001.0
    assert len(stub.asked) == 4  # at 0 s and 0.4 s, and in the next region at 0.4 s and 0.8 s


@pytest.mark.parametrize("dripping", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<"], ids=["head", "body"])
def test_an_answer_that_drips_ends_with_its_time(dripping: bytes) -> None:
    with dripping_sts(dripping) as address:
        sts = clients(address, read_timeout="1s", connect_timeout="1s", total_timeout="1s", **ONE_REGION)
        with pytest.raises(AwsUnreachable, match="timeout"):
            sts.redeem(grant(), STATEMENT)
        sts.close()


def test_an_answer_without_an_end_is_not_read(stub: StubSts) -> None:
    stub.answers = [(200, "x" * 300_000), granted()]
    sts = clients(stub.url, **ONE_REGION)
    with pytest.raises(AwsUnreachable, match="longer than 256000 bytes"):
        sts.redeem(grant(), STATEMENT)
    assert sts.redeem(grant(), STATEMENT).region == "us-east-1"
