# ruff: noqa: F811 - fixtures are named where they are asked for
"""What of the environment counts when STS is asked: addresses, proxies, profiles and credentials that lie about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aws_factories import grant
from sts_fixtures import STATEMENT, clients, closed, own_aws_environment, stub  # noqa: F401 - fixtures
from sts_stub import StubSts, unused_address

from federation_bridge.errors import AwsUnreachable, ConfigurationInvalid
from federation_bridge.settings import Outgoing


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
