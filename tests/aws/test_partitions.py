"""Partitions are rows of a closed table, and no two of them share an address or an audience by accident."""

from __future__ import annotations

import pytest

from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws_regions import REGIONS, USUAL_REGION
from federation_bridge.cli.credentials.chaining import _DOMAINS
from federation_bridge.console_pages import CONSOLES
from federation_bridge.operate.onboarding import _ARN
from federation_bridge.settings.aws import Aws

ROWS = [
    (
        "aws",
        "eu-central-1",
        "https://signin.aws.amazon.com/saml",
        "urn:amazon:webservices",
        "https://eu-central-1.console.aws.amazon.com/console/home?region=eu-central-1",
    ),
    (
        "aws-cn",
        "cn-north-1",
        "https://signin.amazonaws.cn/saml",
        "urn:amazon:webservices:cn-north-1",
        "https://cn-north-1.console.amazonaws.cn/console/home?region=cn-north-1",
    ),
    (
        "aws-us-gov",
        "us-gov-west-1",
        "https://signin.amazonaws-us-gov.com/saml",
        "urn:amazon:webservices:govcloud",
        "https://us-gov-west-1.console.amazonaws-us-gov.com/console/home?region=us-gov-west-1",
    ),
    (
        "aws-eusc",
        "eusc-de-east-1",
        "https://eusc-de-east-1.signin.amazonaws-eusc.eu/saml",
        "urn:amazon:webservices",
        "https://eusc-de-east-1.console.amazonaws-eusc.eu/console/home?region=eusc-de-east-1",
    ),
]


def test_every_row_of_the_table_is_tested() -> None:
    assert [row[0] for row in ROWS] == list(PARTITIONS)


def test_whatever_knows_partitions_by_name_knows_them_all() -> None:
    known = {
        "regions": set(REGIONS),
        "usual regions": set(USUAL_REGION),
        "consoles": set(CONSOLES),
        "home regions": set(Aws().home_regions),
        "domains of STS": set(_DOMAINS),
        "policies": {name for name in PARTITIONS if _ARN.fullmatch(f"arn:{name}:iam::aws:policy/ReadOnlyAccess")},
    }
    assert {what: set(PARTITIONS) ^ names for what, names in known.items() if names != set(PARTITIONS)} == {}


@pytest.mark.parametrize(("name", "region", "acs", "audience", "home"), ROWS)
def test_a_partition_has_its_own_addresses(name: str, region: str, acs: str, audience: str, home: str) -> None:
    partition = PARTITIONS[name]
    (sign_in,) = partition.sign_in()
    assert sign_in.saml_acs == acs
    assert sign_in.federation == acs.replace("/saml", "/federation")
    assert partition.saml_audience == audience
    assert partition.console_home(region) == home


@pytest.mark.parametrize("region", [row[1] for row in ROWS])
def test_a_region_belongs_to_exactly_one_partition(region: str) -> None:
    assert len([row for row in PARTITIONS.values() if row.region.fullmatch(region)]) == 1


@pytest.mark.parametrize("region", ["", "eu-central-1.evil", "eu-central-1/", "EU-CENTRAL-1", "xx-north-1", "us-gov"])
def test_what_is_no_region_belongs_to_no_partition(region: str) -> None:
    assert not [row for row in PARTITIONS.values() if row.region.fullmatch(region)]
