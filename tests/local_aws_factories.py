"""A served local AWS with one account, one provider and one role, and the messages and clients that go with it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from lxml import etree
from made_once import kept

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.app import serve_local_aws
from federation_bridge.sandbox.aws.local_aws import LocalAws, make_local_aws
from federation_bridge.sandbox.aws.state import AccountState, Role
from federation_bridge.sandbox.identity_provider import saml_message
from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, Signer

ACCOUNT = "111122223333"
ENTITY_ID = "https://bridge.example.test/saml/metadata"
ISSUER = "https://issuer.example.test"
SIGNIN = "https://signin.aws.amazon.com/saml"
ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
SAML = f"{{{saml_message.ASSERTION}}}"
FEDERATED_ACTIONS = ("sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity")

Change = Callable[[etree._Element], None]
"""Changes an unsigned Response in place."""


@kept
def signer(name: str = "first") -> Signer:
    """A signing key whose certificate has expired long ago: AWS does not mind."""
    return saml_message.make_signer(f"Signer {name}", not_after=datetime(2021, 1, 1, tzinfo=UTC))


@cache
def metadata(*signers: Signer) -> bytes:
    """Metadata of our issuer, long enough for IAM."""
    return saml_message.metadata_xml(ENTITY_ID, "https://bridge.example.test/sso", signers or (signer(),))


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


@dataclass
class HeldClock:
    """A clock that stands still until it is moved; it begins now, because boto3 signs with the machine's clock."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class ServedAws:
    """A served local AWS, and shortcuts."""

    local: LocalAws
    clock: HeldClock
    address: str
    account: AccountState
    role: Role

    @property
    def provider_arn(self) -> str:
        return self.account.arn("saml-provider/bridge")

    def trust(self, *actions: str, condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider_arn},
            "Action": list(actions or FEDERATED_ACTIONS),
            **more,
        }
        return policy(statement | ({"Condition": condition} if condition else {}))

    def message(self, **changes: Any) -> SamlMessage:
        """An ordinary Response that AWS takes; `attributes` are added, None takes one away."""
        attributes = {
            f"{ATTRIBUTE}Role": [f"{self.role.arn},{self.provider_arn}"],
            f"{ATTRIBUTE}RoleSessionName": ["alice@example.com"],
            **{ATTRIBUTE + name: values for name, values in changes.pop("attributes", {}).items()},
        }
        kept = {name: values for name, values in attributes.items() if values is not None}
        plain = SamlMessage(
            issuer=ENTITY_ID,
            audience="urn:amazon:webservices",
            recipient=SIGNIN,
            name_id="alice",
            name_id_format=PERSISTENT,
            issued_at=self.clock(),
            attributes=kept,
        )
        return replace(plain, **changes)

    def assume(
        self,
        message: SamlMessage | str | None = None,
        *,
        by: Signer | None = None,
        change: Change | None = None,
        **call: Any,
    ) -> Any:
        """What boto3 gives for the message (an ordinary one when None), changed before it was signed."""
        if not isinstance(message, str):
            message = response(message or self.message(), by or signer(), change)
        wanted = {"RoleArn": self.role.arn, "PrincipalArn": self.provider_arn, "SAMLAssertion": message, **call}
        return self.sts().assume_role_with_saml(**wanted)

    def sts(self, credentials: Any = None) -> Any:
        return self.client("sts", credentials)

    def client(self, service: str, credentials: Any = None, **more: Any) -> Any:
        if credentials is None:
            return _unsigned_client(service, self.address)
        return session().client(
            service,
            region_name="us-east-1",
            endpoint_url=self.address,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"),
            config=Config(retries={"max_attempts": 0}, parameter_validation=False, **more),
        )

    def credentials(self, **call: Any) -> Any:
        return self.assume(**call)["Credentials"]

    def user(self, name: str, *statements: dict[str, Any]) -> dict[str, str]:
        """Long-term keys of a new user with these permissions."""
        key = provisioning.put_user(
            self.local.state, self.account, name, {"own": policy(*statements)} if statements else {}
        )
        return {"AccessKeyId": key.id, "SecretAccessKey": key.secret}

    def put_role(self, name: str, trust: Any, **more: Any) -> Role:
        return provisioning.put_role(self.local.state, self.account, name, trust, **more)


@cache
def session() -> Any:
    return boto3.Session(region_name="us-east-1")


@cache
def _unsigned_client(service: str, address: str) -> Any:
    config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0}, parameter_validation=False)
    return session().client(service, region_name="us-east-1", endpoint_url=address, config=config)


def response(message: SamlMessage, by: Signer, change: Change | None = None) -> str:
    """The form value, with a change made to the tree before it is signed and encrypted."""
    tree = saml_message.unsigned_tree(message)
    if change is not None:
        change(tree)
    assertion = tree.find(f"{SAML}Assertion")
    assert assertion is not None
    if message.signed in ("assertion", "both"):
        saml_message.sign(assertion, by, message.style)
    if message.encrypt_to is not None:
        saml_message.encrypt(assertion, message.encrypt_to, message.encryption)
    if message.signed in ("response", "both"):
        saml_message.sign(tree, by, message.style)
    return base64.b64encode(saml_message.serialized(tree, message.style)).decode()


def refusal(call: Callable[[], Any]) -> tuple[str, str, int]:
    """Code, message and HTTP status with which the call is refused."""
    try:
        answer = call()
    except ClientError as refused:
        error = refused.response["Error"]
        return error["Code"], error["Message"], refused.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"was not refused: {answer}")


@contextmanager
def served(**options: Any) -> Iterator[ServedAws]:
    """A served local AWS: account, provider `bridge`, role `Reader` that trusts it, bucket `reports`."""
    clock = HeldClock()
    local = make_local_aws(clock=clock, **options)
    account = local.account(ACCOUNT)
    provisioning.put_saml_provider(local.state, account, "bridge", metadata())
    running = serve_local_aws(local)
    served_aws = ServedAws(local, clock, running.address, account, None)  # type: ignore[arg-type]
    served_aws.role = served_aws.put_role(
        "Reader",
        served_aws.trust(),
        permissions={"read": policy(allow("s3:Get*", "s3:List*", "s3:PutObject"))},
        max_session=timedelta(hours=4),
    )
    provisioning.put_bucket(local.state, account, "reports", {"a.txt": b"hello", "team/b.txt": b"numbers"})
    try:
        yield served_aws
    finally:
        running.stop()


def refusal_code(call: Any) -> str:
    return refusal(call)[0]


def code_of_refused(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])
