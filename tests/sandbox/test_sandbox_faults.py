# ruff: noqa: F811 - fixtures are named where they are asked for
"""Faults of the local AWS: they strike what they name, as often and as long as they say."""

# ruff: noqa: E501 - the rows of a table stay on one line

from __future__ import annotations

import time
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from local_aws_factories import ServedAws, metadata, refusal, response, signer
from local_aws_fixtures import iam, served_aws  # noqa: F401 - fixtures

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault


def test_faults_strike_what_they_name_as_often_as_they_say(served_aws: ServedAws) -> None:
    served_aws.local.faults.set(Fault("throttle", "sts", "AssumeRoleWithSAML", times=1))
    assert refusal(served_aws.assume)[0] == "Throttling"
    assert served_aws.assume()["Subject"] == "alice"
    s3 = served_aws.client("s3", served_aws.credentials())
    served_aws.local.faults.set(Fault("outage", "s3"))
    assert refusal(s3.list_buckets)[::2] == ("ServiceUnavailable", 503)
    assert served_aws.assume()["Subject"] == "alice"
    served_aws.local.faults.set(Fault("region-disabled"))
    assert refusal(served_aws.assume)[::2] == ("RegionDisabledException", 403)
    served_aws.local.faults.set()
    assert s3.list_buckets()["Buckets"]


def test_a_clock_that_is_ahead_sees_an_assertion_as_expired(served_aws: ServedAws) -> None:
    served_aws.local.faults.set(Fault("clock-skew", seconds=301))
    assert refusal(served_aws.assume)[0] == "ExpiredTokenException"
    served_aws.local.faults.set(Fault("clock-skew", seconds=-301))
    assert served_aws.assume()["Subject"] == "alice"
    served_aws.local.faults.set()
    assert served_aws.assume()["Subject"] == "alice"


def test_a_clock_that_is_off_refuses_what_is_signed_by_another(served_aws: ServedAws, iam: Any) -> None:
    for seconds in (901, -901):
        served_aws.local.faults.set(Fault("clock-skew", seconds=seconds))
        assert refusal(iam.list_roles)[0] in {"SignatureDoesNotMatch", "RequestExpired"}
    served_aws.local.faults.set(Fault("clock-skew", seconds=120))
    assert iam.list_roles()["Roles"]


def test_an_outage_of_one_region_leaves_the_others(served_aws: ServedAws) -> None:
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    keys: dict[str, Any] = {"aws_access_key_id": root.id, "aws_secret_access_key": root.secret}
    config = Config(retries={"max_attempts": 0})
    here, there = (
        boto3.client("sts", region_name=region, endpoint_url=served_aws.address, config=config, **keys)
        for region in ("us-east-1", "eu-central-1")
    )
    served_aws.local.faults.set(Fault("outage", "sts", region="eu-central-1"))
    assert refusal(there.get_caller_identity)[::2] == ("ServiceUnavailable", 503)
    assert here.get_caller_identity()["Account"] == served_aws.account.id
    served_aws.local.faults.set(Fault("region-disabled", "sts", region="eu-central-1"))
    assert refusal(there.get_caller_identity)[::2] == ("RegionDisabledException", 403)
    assert here.get_caller_identity()["Account"] == served_aws.account.id


def test_a_slow_answer_outlasts_a_client_that_does_not_wait(served_aws: ServedAws) -> None:
    served_aws.local.faults.set(Fault("slow", "sts", "AssumeRoleWithSAML", times=1, seconds=0.6))
    config = Config(signature_version=UNSIGNED, read_timeout=0.2, retries={"max_attempts": 0})
    hasty = boto3.client("sts", region_name="us-east-1", endpoint_url=served_aws.address, config=config)
    call: dict[str, Any] = {
        "RoleArn": served_aws.role.arn,
        "PrincipalArn": served_aws.provider_arn,
        "SAMLAssertion": response(served_aws.message(), signer()),
    }
    with pytest.raises(ReadTimeoutError):
        hasty.assume_role_with_saml(**call)
    config = Config(signature_version=UNSIGNED)
    patient = boto3.client("sts", region_name="us-east-1", endpoint_url=served_aws.address, config=config)
    assert patient.assume_role_with_saml(**call)["Subject"] == "alice"


def test_a_slow_answer_is_the_ordinary_one_in_the_end(served_aws: ServedAws) -> None:
    served_aws.local.faults.set(Fault("slow", seconds=0.3))
    began = time.monotonic()
    assert served_aws.assume()["Subject"] == "alice"
    assert time.monotonic() - began >= 0.3


def test_what_is_new_in_iam_is_unknown_to_sts_for_as_long_as_is_asked(served_aws: ServedAws, iam: Any) -> None:
    served_aws.local.faults.set(Fault("propagation", seconds=7))
    denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403)
    assert refusal(served_aws.assume) == denied
    served_aws.clock.now += timedelta(seconds=6)
    assert refusal(served_aws.assume) == denied
    served_aws.clock.now += timedelta(seconds=1)
    assert served_aws.assume()["Subject"] == "alice"
    iam.delete_saml_provider(SAMLProviderArn=served_aws.provider_arn)
    iam.create_saml_provider(Name="bridge", SAMLMetadataDocument=metadata().decode())
    assert refusal(served_aws.assume) == denied
    served_aws.local.faults.set()
    assert served_aws.assume()["Subject"] == "alice"


def _put(served_aws: ServedAws, body: bytes, content_type: str = "application/json") -> int:
    request = urllib.request.Request(
        f"{served_aws.address}/_local/faults", body, {"Content-Type": content_type}, method="PUT"
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_faults_are_ordered_over_http_as_json_only(served_aws: ServedAws) -> None:
    body = b'[{"kind": "throttle", "times": 1}]'
    assert _put(served_aws, body, "text/plain") == 405
    assert served_aws.assume()["Subject"] == "alice"
    assert _put(served_aws, body) == 204
    assert refusal(served_aws.assume)[0] == "Throttling"


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"{}x", b"[1]", b"5", b'[{"kind": "quake"}]', b'[{"kind": "slow", "seconds": "x"}]', b'[{"kind": "slow", "more": 1}]', b'[{"kind": "clock-skew", "seconds": 1e300}]', b'[{"kind": "clock-skew", "seconds": NaN}]'],
)  # fmt: skip
def test_a_list_of_faults_that_cannot_be_read_sets_none(body: bytes, served_aws: ServedAws) -> None:
    assert _put(served_aws, body) == 400
    assert served_aws.assume()["Subject"] == "alice"
