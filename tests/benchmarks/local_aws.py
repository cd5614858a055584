"""The local AWS: how soon it answers, and its AssumeRoleWithSAML calls a second beside moto's in the same run."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.config import Config

from federation_bridge.sandbox.identity_provider import saml_message
from federation_bridge.sandbox.identity_provider.saml_message import Signer
from tests.benchmarks.bridge import ACCOUNT, ROLE
from tests.benchmarks.grant import aws_message
from tests.benchmarks.processes import DoesNotWork, python, running
from tests.benchmarks.table import Row, median, milliseconds
from tests.free_ports import free_port

_TIMES, _WARM_UP, _STARTS = 100, 10, 3
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Host": "sts.us-east-1.amazonaws.com"}


def measure(folder: Path, signer: Signer) -> list[Row]:
    """Start-up, and calls a second with the same message, one after the other, each over a connection of its own."""
    starts = [_start(folder) for _ in range(_STARTS)]
    ours_at, moto_at = free_port(), free_port()
    with (
        running(_command(ours_at), ours_at, "/", folder / "local-aws.log"),
        running(python("-m", "tests.benchmarks.moto_server", str(moto_at)), moto_at, "/", folder / "moto.log"),
    ):
        _provision(ours_at, folder, signer)
        form = _form(signer)
        ours, theirs = [], []
        for _ in range(_WARM_UP + _TIMES):
            ours.append(milliseconds(lambda: _assume_role(ours_at, form)))
            theirs.append(milliseconds(lambda: _assume_role(moto_at, form)))
    per_second = [1000 / median(times[_WARM_UP:]) for times in (ours, theirs)]
    return [
        Row("local AWS, start-up", median(starts), "s", most=1.0),
        Row("local AWS, AssumeRoleWithSAML", per_second[0], "/s", per_second[1], most=1.0, more_is_better=True),
    ]


def _command(port: int) -> list[str]:
    wanted = ("sandbox", "aws", "--port", str(port), "--account", ACCOUNT)
    return python("-m", "federation_bridge.operate", *wanted)


def _start(folder: Path) -> float:
    port = free_port()
    with running(_command(port), port, "/", folder / "local-aws-start.log") as (_, seconds):
        return seconds


def _provision(port: int, folder: Path, signer: Signer) -> None:
    words = (folder / "local-aws.log").read_text().split()
    secret = {word.partition("=")[0]: word.partition("=")[2] for word in words if word.startswith("AWS_")}
    iam = boto3.client(
        "iam",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=secret["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=secret["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )
    issuer = aws_message().issuer
    metadata = saml_message.metadata_xml(issuer, "https://bridge.example.test/sso", [signer]).decode()
    provider = iam.create_saml_provider(Name="bridge", SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithSAML", "sts:SetSourceIdentity"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
    iam.close()


def _form(signer: Signer) -> str:
    return urlencode(
        {
            "Action": "AssumeRoleWithSAML",
            "Version": "2011-06-15",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
            "PrincipalArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/bridge",
            "SAMLAssertion": saml_message.form_value(aws_message(issued_at=datetime.now(UTC)), signer),
        }
    )


def _assume_role(port: int, form: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/", form, _HEADERS)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200 or "<SessionToken>" not in text:
        raise DoesNotWork(f"AssumeRoleWithSAML answered {answer.status}: {text[:500]}")
