"""One grant over the API against an STS that answers at once, beside a bare boto3 call and one assertion signature."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from lxml import etree

from federation_bridge.sandbox.identity_provider import saml_message
from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, Signer
from tests.benchmarks.bridge import ACCOUNT, PERSON, ROLE, Browser
from tests.benchmarks.processes import DoesNotWork
from tests.benchmarks.table import Row, in_turns, median, milliseconds

_TIMES, _WARM_UP = 80, 10
_SLOWEST_CALL = 3.0
_PATH = f"/api/v1/roles/{ACCOUNT}/{ROLE}/credentials"
_AWS = "https://aws.amazon.com/SAML/Attributes/"


def assumed_role_arn() -> str:
    """What STS is to answer, but for the name of the session."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}"


def measure(browser: Browser, signer: Signer, sts_port: int, where: str) -> Row:
    """The median grant of the person who is signed in at `browser`."""
    headers = headers_of(browser)
    client = sts_client(sts_port)
    message = aws_message()
    statement = saml_message.form_value(message, signer)
    ours: list[float] = []
    calls: list[float] = []
    signatures: list[float] = []
    for turn in in_turns([saml_message.unsigned_tree(message) for _ in range(_WARM_UP + _TIMES)]):
        ours.extend(milliseconds(lambda: take(browser, headers)) for _ in turn)
        calls.extend(milliseconds(lambda: call_sts(client, statement)) for _ in turn)
        signatures.extend(milliseconds(lambda tree=unsigned: _sign(tree, signer)) for unsigned in turn)
    client.close()
    call, signature = median(calls[_WARM_UP:]), median(signatures[_WARM_UP:])
    if call > _SLOWEST_CALL:
        raise DoesNotWork(f"a bare boto3 call took {call:.1f} ms: the local STS is broken, or the machine overloaded")
    return Row(
        f"grant, {where}", median(ours[_WARM_UP:]), "ms", call + signature, most=2.5 if where == "SQLite" else 3.0
    )


def headers_of(browser: Browser) -> dict[str, str]:
    """What a call of the API that changes something must send along."""
    return {"X-CSRF-Token": browser.api_token(), "Content-Type": "application/json"}


def take(browser: Browser, headers: dict[str, str]) -> None:
    """One grant; DoesNotWork unless credentials come."""
    status, _, text = browser.ask("POST", _PATH, "{}", headers)
    if status != 200 or "session_token" not in json.loads(text):
        raise DoesNotWork(f"a grant answered {status}: {text[:500]}")


def sts_client(port: int) -> Any:
    """A bare client of the STS at this port of loopback."""
    return boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, proxies={}),
    )


def call_sts(client: Any, statement: str) -> Any:
    """What STS answers to this assertion."""
    return client.assume_role_with_saml(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
        PrincipalArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/bridge",
        SAMLAssertion=statement,
        DurationSeconds=3600,
    )


def _sign(response: etree._Element, signer: Signer) -> None:
    assertion = response.find(f"{{{saml_message.ASSERTION}}}Assertion")
    assert assertion is not None
    saml_message.sign(assertion, signer)


def aws_message(**changes: Any) -> SamlMessage:
    """What an issuer tells AWS of one role: the four attributes of every federated sign-in."""
    told: dict[str, Any] = {
        "issuer": "https://bridge.example.test/saml/metadata",
        "audience": "urn:amazon:webservices",
        "recipient": "https://signin.aws.amazon.com/saml",
        "name_id": "company/00u1a2b3c4",
        "attributes": {
            f"{_AWS}Role": (f"arn:aws:iam::{ACCOUNT}:role/{ROLE},arn:aws:iam::{ACCOUNT}:saml-provider/bridge",),
            f"{_AWS}RoleSessionName": (PERSON,),
            f"{_AWS}SessionDuration": ("3600",),
            f"{_AWS}SourceIdentity": (PERSON,),
        },
    }
    return SamlMessage(**{**told, **changes})
