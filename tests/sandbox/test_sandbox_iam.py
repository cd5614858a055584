# ruff: noqa: F811 - fixtures are named where they are asked for
"""IAM of the local AWS, with unmodified boto3: providers, roles and users, held to their limits."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from local_aws_factories import ENTITY_ID, ServedAws, allow, metadata, policy, refusal, signer
from local_aws_fixtures import iam, served_aws  # noqa: F401 - fixtures

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
