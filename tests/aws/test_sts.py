# ruff: noqa: F811 - fixtures are named where they are asked for
"""Redeeming at STS: where we turn when a region throttles, does not answer, or is down."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from aws_factories import NOW, grant
from sts_fixtures import NO_PROXY, PROXY_PAGES, SECRET, STATEMENT, Pauses, clients, closed, own_aws_environment, stub  # noqa: F401 - fixtures
from sts_stub import Answer, StubSts, dripping_sts, granted, refused, unused_address

from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.sts import StsClients
from federation_bridge.errors import AwsBusy, AwsRefused, AwsUnreachable, ConfigurationInvalid
from federation_bridge.settings import Aws, Outgoing

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


ONE_REGION: dict[str, Any] = {"home_regions": {"aws": ("us-east-1",)}}


REACHABLE = [
    *THROTTLED,
    refused("IDPCommunicationError"),
    refused("AccessDenied", "no", 403),
    (200, "not xml at all"),
    *PROXY_PAGES.values(),
]


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
