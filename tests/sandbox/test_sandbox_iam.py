# ruff: noqa: F811 - fixtures are named where they are asked for
"""IAM, CloudTrail, faults and the state file of the local AWS, with unmodified boto3."""

# ruff: noqa: E501 - the rows of a table stay on one line

from __future__ import annotations

import base64
import json
import stat
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from local_aws_factories import (
    ENTITY_ID,
    ServedAws,
    allow,
    metadata,
    policy,
    refusal,
    response,
    session,
    signer,
)
from local_aws_fixtures import iam, served_aws  # noqa: F401 - fixtures

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.aws.start import StartOptions, issuer_table, started, thumbprint_table
from federation_bridge.sandbox.aws.state import State
from federation_bridge.sandbox.aws.state_file import read_state, write_state

# ------------------------------------------------------------------------------------------------------------ providers


def test_a_federation_is_provisioned_by_boto3_and_then_works(served_aws: ServedAws, iam: Any) -> None:
    made = iam.create_saml_provider(Name="second", SAMLMetadataDocument=metadata().decode())
    trust = served_aws.trust(Principal={"Federated": made["SAMLProviderArn"]})
    role = iam.create_role(
        RoleName="Second", AssumeRolePolicyDocument=json.dumps(trust), MaxSessionDuration=7200, Path="/team/"
    )["Role"]
    assert role["AssumeRolePolicyDocument"] == trust
    managed = iam.create_policy(PolicyName="Buckets", PolicyDocument=json.dumps(policy(allow("s3:ListAllMyBuckets"))))
    iam.attach_role_policy(RoleName="Second", PolicyArn=managed["Policy"]["Arn"])
    message = served_aws.message(attributes={"Role": [f"{role['Arn']},{made['SAMLProviderArn']}"]})
    answer = served_aws.assume(message, RoleArn=role["Arn"], PrincipalArn=made["SAMLProviderArn"], DurationSeconds=7200)
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/Second/alice@example.com")
    assert served_aws.client("s3", answer["Credentials"]).list_buckets()["Buckets"]
    iam.detach_role_policy(RoleName="Second", PolicyArn=managed["Policy"]["Arn"])
    assert refusal(served_aws.client("s3", answer["Credentials"]).list_buckets)[0] == "AccessDenied"


def test_a_saml_provider_tells_what_it_was_made_of(served_aws: ServedAws, iam: Any) -> None:
    arn = iam.create_saml_provider(Name="second", SAMLMetadataDocument=metadata().decode())["SAMLProviderArn"]
    key = signer("decrypts").private_pem.decode()
    iam.update_saml_provider(SAMLProviderArn=arn, AssertionEncryptionMode="Required", AddPrivateKey=key)
    told = iam.get_saml_provider(SAMLProviderArn=arn)
    assert told["SAMLMetadataDocument"] == metadata().decode()
    assert told["AssertionEncryptionMode"] == "Required"
    assert told["SAMLProviderUUID"].startswith("SAMLSP")
    assert len(told["PrivateKeyList"]) == 1
    assert arn in [one["Arn"] for one in iam.list_saml_providers()["SAMLProviderList"]]
    iam.delete_saml_provider(SAMLProviderArn=arn)
    assert refusal(lambda: iam.get_saml_provider(SAMLProviderArn=arn))[::2] == ("NoSuchEntity", 404)


def test_plain_assertions_are_refused_where_encryption_is_required(served_aws: ServedAws, iam: Any) -> None:
    key = signer("decrypts").private_pem.decode()
    iam.update_saml_provider(
        SAMLProviderArn=served_aws.provider_arn, AssertionEncryptionMode="Required", AddPrivateKey=key
    )
    assert refusal(served_aws.assume)[1].startswith("Invalid base64 SAMLResponse")
    assert served_aws.assume(served_aws.message(encrypt_to=signer("decrypts").certificate_pem))["Subject"] == "alice"


def test_a_rotation_publishes_both_keys_for_a_while(served_aws: ServedAws, iam: Any) -> None:
    def update(*names: str) -> None:
        document = metadata(*map(signer, names)).decode()
        iam.update_saml_provider(SAMLProviderArn=served_aws.provider_arn, SAMLMetadataDocument=document)

    update("first", "other")
    assert served_aws.assume(by=signer("first"))["Subject"] == served_aws.assume(by=signer("other"))["Subject"]
    update("other")
    assert refusal(lambda: served_aws.assume(by=signer("first")))[1] == "Response signature invalid"


SHORT = "<x/>"
LONG = " " * 1000


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (SHORT, "ValidationError"),
        ("x" * 1000, "InvalidInput"),
        (SHORT + LONG, "InvalidInput"),
        ("\ufeff" + metadata().decode(), "InvalidInput"),
        ("<!DOCTYPE x>" + metadata().decode(), "InvalidInput"),
        (metadata().decode().replace("IDPSSODescriptor", "SPSSODescriptor"), "InvalidInput"),
        (metadata().decode().replace(f'entityID="{ENTITY_ID}"', f'x="{LONG}"'), "InvalidInput"),
        (metadata().decode().replace("SingleSignOnService", "SingleLogoutService"), "InvalidInput"),
        (metadata().decode().replace(signer().certificate_b64, "AAAA" * 250), "InvalidInput"),
    ],
    ids=range(9),
)  # fmt: skip
def test_metadata_that_iam_cannot_use_is_refused(document: str, code: str, iam: Any) -> None:
    assert refusal(lambda: iam.create_saml_provider(Name="new", SAMLMetadataDocument=document))[::2] == (code, 400)


def _certificate(key: Any, *extensions: bytes) -> str:
    """A certificate with these extensions (DER), in base64; put together by hand, for no library repeats one."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak")])
    began, issuer = datetime(2020, 1, 1, tzinfo=UTC), rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateBuilder(name, name, key, 1, began, began + timedelta(days=9999))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
    made = builder.add_extension(_SPARE, critical=False).sign(issuer, SHA256()).public_bytes(Encoding.DER)
    for old, new in zip(extensions[::2], extensions[1::2], strict=True):
        assert made.count(old) == 1
        made = made.replace(old, new)
    return base64.b64encode(made).decode()


def _key(bits: int) -> Any:
    """A public key of this length to which nobody has the private one."""
    return rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()


_BASIC, _OTHER = b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x7f"
_SPARE = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.127"), b"\x30\x00")


@pytest.mark.parametrize(
    ("certificate", "is_taken"),
    [
        (_certificate(_key(1024)), True),
        (_certificate(_key(1024), _OTHER, _BASIC), False),
        (_certificate(_key(1023)), False),
    ],
    ids=["the shortest key", "an extension twice", "a key of 1023 bits"],
)
def test_a_certificate_s_key_is_long_enough_and_no_extension_stands_twice(
    certificate: str, is_taken: bool, iam: Any
) -> None:
    document = metadata().decode().replace(signer().certificate_b64, certificate) + f"<!--{LONG}-->"

    def call() -> Any:
        return iam.create_saml_provider(Name="new", SAMLMetadataDocument=document)

    if is_taken:
        assert call()["SAMLProviderArn"]
    else:
        assert refusal(call) == ("InvalidInput", "Could not parse metadata", 400)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Url": "http://issuer.example.test"}, "ValidationError"),
        ({"Url": "https://issuer.example.test:8443"}, "ValidationError"),
        ({"Url": "https://issuer.example.test/?a=b"}, "ValidationError"),
        ({"Url": "https://" + "a" * 250 + ".test"}, "ValidationError"),
        ({"ClientIDList": [str(n) for n in range(101)]}, "LimitExceeded"),
        ({"ThumbprintList": ["a" * 40] * 6}, "InvalidInput"),
        ({"ThumbprintList": ["g" * 40]}, "ValidationError"),
        ({"ThumbprintList": ["a" * 39]}, "ValidationError"),
        ({"ThumbprintList": ["a" * 41]}, "ValidationError"),
        ({"ClientIDList": ["a" * 256]}, "ValidationError"),
    ],
    ids=str,
)
def test_an_oidc_provider_is_held_to_its_limits(changes: dict[str, Any], code: str, iam: Any) -> None:
    plain = {"Url": "https://issuer.example.test/tenant", "ClientIDList": ["sts.amazonaws.com"]}
    assert refusal(lambda: iam.create_open_id_connect_provider(**(plain | changes)))[0] == code


def test_an_oidc_provider_can_be_changed(iam: Any) -> None:
    url = "https://issuer.example.test/tenant"
    arn = iam.create_open_id_connect_provider(Url=url, ClientIDList=["one"])["OpenIDConnectProviderArn"]
    assert arn == "arn:aws:iam::111122223333:oidc-provider/issuer.example.test/tenant"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["a" * 40])
    told = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (told["Url"], told["ClientIDList"]) == ("issuer.example.test/tenant", ["two"])
    assert told["ThumbprintList"] == ["a" * 40]
    assert refusal(lambda: iam.create_open_id_connect_provider(Url=url))[::2] == ("EntityAlreadyExists", 409)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_a_second_private_key_is_the_last(served_aws: ServedAws, iam: Any) -> None:
    key = signer("decrypts").private_pem.decode()
    update = iam.update_saml_provider
    for _ in range(2):
        update(SAMLProviderArn=served_aws.provider_arn, AddPrivateKey=key)
    assert refusal(lambda: update(SAMLProviderArn=served_aws.provider_arn, AddPrivateKey=key))[0] == "LimitExceeded"
    first = iam.get_saml_provider(SAMLProviderArn=served_aws.provider_arn)["PrivateKeyList"][0]["KeyId"]
    both = {"AddPrivateKey": key, "RemovePrivateKey": first}
    assert refusal(lambda: update(SAMLProviderArn=served_aws.provider_arn, **both))[0] == "InvalidInput"
    update(SAMLProviderArn=served_aws.provider_arn, RemovePrivateKey=first)
    assert len(iam.get_saml_provider(SAMLProviderArn=served_aws.provider_arn)["PrivateKeyList"]) == 1


# ---------------------------------------------------------------------------------------------------- roles, users


def test_roles_are_read_changed_and_deleted(served_aws: ServedAws, iam: Any) -> None:
    iam.update_role(RoleName="Reader", MaxSessionDuration=3600, Description="reads")
    iam.tag_role(RoleName="Reader", Tags=[{"Key": "team", "Value": "red"}])
    told = iam.get_role(RoleName="Reader")["Role"]
    assert (told["MaxSessionDuration"], told["Description"]) == (3600, "reads")
    assert told["Tags"] == [{"Key": "team", "Value": "red"}]
    assert [one["RoleName"] for one in iam.list_roles()["Roles"]] == ["Reader"]
    assert iam.list_role_policies(RoleName="Reader")["PolicyNames"] == ["read"]
    assert refusal(lambda: iam.delete_role(RoleName="Reader"))[::2] == ("DeleteConflict", 409)
    assert iam.get_role_policy(RoleName="Reader", PolicyName="read")["PolicyDocument"]["Statement"]
    iam.delete_role_policy(RoleName="Reader", PolicyName="read")
    iam.delete_role(RoleName="Reader")
    assert refusal(lambda: iam.get_role(RoleName="Reader"))[::2] == ("NoSuchEntity", 404)


def test_a_changed_trust_policy_counts_at_once(served_aws: ServedAws, iam: Any) -> None:
    never = served_aws.trust(condition={"Bool": {"aws:SecureTransport": "true"}})
    iam.update_assume_role_policy(RoleName="Reader", PolicyDocument=json.dumps(never))
    assert refusal(served_aws.assume)[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RoleName": "Reader"}, "EntityAlreadyExists"),
        ({"RoleName": "a" * 65}, "ValidationError"),
        ({"RoleName": "a b"}, "ValidationError"),
        ({"MaxSessionDuration": 3599}, "ValidationError"),
        ({"MaxSessionDuration": 43201}, "ValidationError"),
        ({"Path": "team"}, "ValidationError"),
        ({"AssumeRolePolicyDocument": "{}"}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": json.dumps(policy(allow("sts:AssumeRole")))}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": " " * 5000}, "LimitExceeded"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_role_is_held_to_its_limits(changes: dict[str, Any], code: str, served_aws: ServedAws, iam: Any) -> None:
    plain = {"RoleName": "New", "AssumeRolePolicyDocument": json.dumps(served_aws.trust())}
    assert refusal(lambda: iam.create_role(**(plain | changes)))[0] == code


def test_users_get_keys_that_work_until_they_are_deleted(served_aws: ServedAws, iam: Any) -> None:
    iam.create_user(UserName="operator")
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    sts = served_aws.sts(key)
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/operator"
    iam.put_user_policy(
        UserName="operator", PolicyName="own", PolicyDocument=json.dumps(policy(allow("s3:ListAllMyBuckets")))
    )
    assert served_aws.client("s3", key).list_buckets()["Buckets"]
    assert refusal(served_aws.client("iam", key).list_roles)[0] == "AccessDenied"
    assert refusal(lambda: iam.delete_user(UserName="operator"))[0] == "DeleteConflict"
    iam.delete_access_key(UserName="operator", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="operator", PolicyName="own")
    iam.delete_user(UserName="operator")
    assert refusal(sts.get_caller_identity)[::2] == ("InvalidClientTokenId", 403)


def test_an_attached_policy_cannot_be_deleted(served_aws: ServedAws, iam: Any) -> None:
    arn = iam.create_policy(PolicyName="Own", PolicyDocument=json.dumps(policy(allow("s3:*"))))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="Reader", PolicyArn=arn)
    told = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert told == policy(allow("s3:*"))
    assert iam.list_attached_role_policies(RoleName="Reader")["AttachedPolicies"] == [
        {"PolicyName": "Own", "PolicyArn": arn}
    ]
    assert refusal(lambda: iam.delete_policy(PolicyArn=arn))[0] == "DeleteConflict"
    iam.detach_role_policy(RoleName="Reader", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    assert refusal(lambda: iam.get_policy(PolicyArn=arn))[0] == "NoSuchEntity"


def test_an_action_that_is_not_here_is_named(iam: Any) -> None:
    code, message, _ = refusal(iam.list_groups)
    assert (code, message) == ("InvalidAction", "Could not find operation ListGroups for version 2010-05-08")


# ------------------------------------------------------------------------------------------------------- CloudTrail


def _trail(served_aws: ServedAws) -> Any:
    keys = served_aws.user("auditor", allow("cloudtrail:LookupEvents"))
    return served_aws.client("cloudtrail", keys)


def _events(served_aws: ServedAws, **attribute: str) -> list[dict[str, Any]]:
    wanted = [{"AttributeKey": name, "AttributeValue": value} for name, value in attribute.items()]
    found = _trail(served_aws).lookup_events(LookupAttributes=wanted)["Events"]
    return [json.loads(one["CloudTrailEvent"]) for one in found]


def test_a_person_is_followed_from_the_sign_in_to_the_last_call(served_aws: ServedAws) -> None:
    attributes = {"SourceIdentity": ["alice"], "PrincipalTag:team": ["red"]}
    message = served_aws.message(attributes=attributes)
    answer = served_aws.assume(message)
    s3 = served_aws.client("s3", answer["Credentials"])
    s3.get_object(Bucket="reports", Key="a.txt")
    refusal(lambda: s3.delete_object(Bucket="reports", Key="a.txt"))
    denied, read = _events(served_aws, AccessKeyId=answer["Credentials"]["AccessKeyId"])
    assert (read["eventName"], denied["eventName"]) == ("GetObject", "DeleteObject")
    assert denied["errorCode"] == "AccessDenied"
    assert read["userIdentity"]["sessionContext"]["sourceIdentity"] == "alice"
    assert read["requestParameters"] == {"bucketName": "reports", "key": "a.txt"}
    (begun,) = _events_by_name(served_aws, "AssumeRoleWithSAML")
    assert begun["userIdentity"]["type"] == "SAMLUser"
    assert begun["userIdentity"]["principalId"] == f"{answer['NameQualifier']}:alice"
    assert begun["requestParameters"]["sAMLAssertionID"] == message.assertion_id
    assert begun["requestParameters"]["principalTags"] == {"team": "red"}
    assert begun["responseElements"]["credentials"]["accessKeyId"] == answer["Credentials"]["AccessKeyId"]
    assert begun["requestID"] == answer["ResponseMetadata"]["RequestId"]


def _events_by_name(served_aws: ServedAws, name: str) -> list[dict[str, Any]]:
    keys = served_aws.user("second-auditor", allow("cloudtrail:LookupEvents"))
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = served_aws.client("cloudtrail", keys).lookup_events(LookupAttributes=wanted)["Events"]
    return [json.loads(one["CloudTrailEvent"]) for one in found]


def test_every_event_has_an_id_of_its_own_in_the_shape_of_a_uuid(served_aws: ServedAws) -> None:
    served_aws.assume()
    served_aws.assume()
    identifiers = [event["eventID"] for event in _events_by_name(served_aws, "AssumeRoleWithSAML")]
    assert len(set(identifiers)) == 2
    assert [str(uuid.UUID(one)) for one in identifiers] == identifiers


def test_a_refused_call_leaves_its_code_and_no_secret(served_aws: ServedAws, tmp_path: Path) -> None:
    served_aws.local.events.path = tmp_path / "events.jsonl"
    answer = served_aws.assume()
    refusal(lambda: served_aws.assume(served_aws.message(attributes={"RoleSessionName": None})))
    text = served_aws.local.events.path.read_text(encoding="ascii")
    assert answer["Credentials"]["SecretAccessKey"] not in text
    assert answer["Credentials"]["SessionToken"] not in text
    made, refused = (json.loads(line) for line in text.splitlines())
    assert "errorCode" not in made
    assert refused["errorCode"] == "InvalidIdentityToken"
    assert stat.S_IMODE(served_aws.local.events.path.stat().st_mode) == 0o600


def test_events_belong_to_their_account_and_come_in_pages(served_aws: ServedAws) -> None:
    for _ in range(3):
        served_aws.assume()
    other = served_aws.local.account("444455556666")
    root = provisioning.put_access_key(served_aws.local.state, other)
    theirs = served_aws.client("cloudtrail", {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
    assert theirs.lookup_events()["Events"] == []
    trail = _trail(served_aws)
    first = trail.lookup_events(MaxResults=2)
    assert len(first["Events"]) == 2
    assert trail.lookup_events(MaxResults=2, NextToken=first["NextToken"])["Events"]
    assert refusal(lambda: trail.lookup_events(NextToken="x"))[0] == "InvalidNextTokenException"
    later = served_aws.clock() + timedelta(hours=1)
    assert trail.lookup_events(StartTime=later)["Events"] == []


# ------------------------------------------------------------------------------------------------------------ faults


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


# --------------------------------------------------------------------------------------------------- state file, start


def test_accounts_come_back_from_their_file(served_aws: ServedAws, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    provisioning.put_oidc_provider(served_aws.local.state, served_aws.account, "https://issuer.example.test", ["a"])
    provisioning.change_saml_provider(
        served_aws.local.state, served_aws.account, "bridge", add_private_key=signer("decrypts").private_pem.decode()
    )
    served_aws.user("operator", allow("s3:*"))
    write_state(path, served_aws.local.state)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = State(served_aws.clock)
    read_state(path, again)
    assert again.accounts == served_aws.local.state.accounts
    assert again.access_keys == served_aws.local.state.access_keys
    assert again.buckets == served_aws.local.state.buckets


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"accounts": {"x": 1}}', "\x00"])
def test_a_file_that_is_no_state_is_refused(text: str, tmp_path: Path, served_aws: ServedAws) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid):
        read_state(path, State(served_aws.clock))


def test_a_change_made_over_iam_survives_a_restart(tmp_path: Path) -> None:
    options = StartOptions(
        state=tmp_path / "state.json", accounts=("111122223333",), issuers=("https://a.test=http://127.0.0.1:1",)
    )
    first = started(options)
    (key,) = first.local.state.access_keys.values()
    iam = _client_of("iam", first.address, key.id, key.secret)
    iam.create_user(UserName="operator")
    first.stop()
    second = started(options)
    assert second.local.issuers == {"https://a.test": "http://127.0.0.1:1"}
    assert _client_of("iam", second.address, key.id, key.secret).get_user(UserName="operator")["User"]
    assert any(key.secret in line for line in second.lines)
    second.stop()


def _client_of(service: str, address: str, identifier: str, secret: str) -> Any:
    return session().client(service, endpoint_url=address, aws_access_key_id=identifier, aws_secret_access_key=secret)


@pytest.mark.parametrize(
    "pair",
    ["x", "http://a.test=http://127.0.0.1:1", "https://a.test=http://10.0.0.1:1", "https://a.test=https://127.0.0.1"],
)
def test_an_issuer_is_https_and_answers_on_this_machine(pair: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        issuer_table((pair,))


@pytest.mark.parametrize("pair", ["x", f"http://a.test={'a' * 40}", f"https://a.test={'a' * 39}", "https://a.test="])
def test_a_thumbprint_is_forty_hex_digits_of_an_https_issuer(pair: str) -> None:
    assert thumbprint_table((f"https://a.test={'a' * 40}",)) == {"https://a.test": "a" * 40}
    with pytest.raises(ConfigurationInvalid):
        thumbprint_table((pair,))


def test_it_listens_beyond_loopback_only_when_told_so() -> None:
    with pytest.raises(ConfigurationInvalid):
        started(StartOptions(host="0.0.0.0"))


def test_an_account_number_has_twelve_digits() -> None:
    with pytest.raises(ConfigurationInvalid):
        started(StartOptions(accounts=("12",)))


def test_client_errors_are_what_boto3_expects(served_aws: ServedAws, iam: Any) -> None:
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="Nobody")
    with pytest.raises(served_aws.sts().exceptions.ExpiredTokenException):
        served_aws.assume(served_aws.message(valid_for=timedelta(seconds=-1)))
    with pytest.raises(ClientError):
        served_aws.assume(SAMLAssertion="x")
