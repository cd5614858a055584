"""Generated trust policies pin everything that STS itself does not look at (attack J01)."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from aws_factories import ENTITY_ID, ISSUER, NOW, account, grant, signing_key

from federation_bridge.aws import assertion, id_token, trust_policies
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Account, JsonObject
from federation_bridge.signing import Purpose


def statement(of: Account, role: str = "Admin", issuer: str = ISSUER) -> JsonObject:
    policy = trust_policies.for_role(of, role, entity_id=ENTITY_ID, issuer=issuer)
    (only,) = policy["Statement"]
    assert policy["Version"] == "2012-10-17"
    assert len(json.dumps(policy)) <= 2048, "IAM's limit for a trust policy"
    return dict(only)


@pytest.mark.parametrize("name", PARTITIONS)
def test_the_saml_road_pins_recipient_and_issuer_and_allows_tags_and_source_identity(name: str) -> None:
    of = account(partition=name)
    assert statement(of) == {
        "Effect": "Allow",
        "Principal": {"Federated": of.provider_arn},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {
            "StringEquals": {
                "saml:aud": PARTITIONS[name].sign_in()[0].saml_acs,
                "saml:iss": ENTITY_ID,
                "saml:sub_type": "persistent",
            }
        },
    }


def test_the_assertion_satisfies_what_the_policy_pins() -> None:
    text = b64decode(assertion.build(grant(), key=signing_key(), issuer_entity_id=ENTITY_ID, now=NOW).text).decode()
    for pinned in statement(account())["Condition"]["StringEquals"].values():
        assert pinned in text


def test_the_oidc_road_pins_audience_account_and_role() -> None:
    of = account("oidc")
    assert statement(of) == {
        "Effect": "Allow",
        "Principal": {"Federated": of.provider_arn},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {
            "StringEquals": {"bridge.example.com:aud": "sts.amazonaws.com"},
            "StringLike": {"bridge.example.com:sub": "123456789012/Admin/*"},
        },
    }


def test_a_token_for_one_role_fits_that_roles_policy_and_no_other() -> None:
    made = grant("oidc", role="Audit")
    claims = id_token.claims_of(made, ISSUER, NOW)
    pattern = {
        role: statement(made.account, role)["Condition"]["StringLike"]["bridge.example.com:sub"]
        for role in ("Audit", "Admin")
    }
    assert fnmatchcase(claims["sub"], pattern["Audit"])
    assert not fnmatchcase(claims["sub"], pattern["Admin"])


def pinned(of: Account, *roles: str) -> Account:
    """The account, whose register entry allows web identity files for these roles."""
    allowed = {name: replace(role, web_identity_file=name in roles) for name, role in of.roles.items()}
    return replace(of, roles=allowed)


def test_a_role_with_web_identity_files_pins_the_session_name_to_the_subject() -> None:
    of = pinned(account("oidc"), "Admin")
    policy = trust_policies.for_role(of, "Admin", entity_id=ENTITY_ID, issuer=ISSUER)
    assuming, marking = policy["Statement"]
    assert assuming == {
        "Effect": "Allow",
        "Principal": {"Federated": of.provider_arn},
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Condition": {
            "StringEquals": {
                "bridge.example.com:aud": "sts.amazonaws.com",
                "bridge.example.com:sub": "123456789012/Admin/${sts:RoleSessionName}",
            }
        },
    }
    assert marking["Action"] == ["sts:TagSession", "sts:SetSourceIdentity"]
    assert marking["Condition"] == statement(of, "Audit")["Condition"] | {
        "StringLike": {"bridge.example.com:sub": "123456789012/Admin/*"}
    }
    assert len(json.dumps(policy)) <= 2048, "IAM's limit for a trust policy"


def test_the_subject_of_the_token_is_what_the_pin_makes_of_the_session_name() -> None:
    made = grant("oidc", session_name="ada@example.com")
    policy = trust_policies.for_role(pinned(made.account, "Admin"), "Admin", entity_id=ENTITY_ID, issuer=ISSUER)
    pin = policy["Statement"][0]["Condition"]["StringEquals"]["bridge.example.com:sub"]
    assert id_token.claims_of(made, ISSUER, NOW)["sub"] == pin.replace("${sts:RoleSessionName}", made.session_name)


def test_an_issuer_with_a_path_is_named_without_its_scheme() -> None:
    conditions = statement(account("oidc"), issuer="https://id.example.com/aws")["Condition"]
    assert list(conditions["StringEquals"]) == ["id.example.com/aws:aud"]


@pytest.mark.parametrize(
    ("of", "role"), [(account(), "Root"), (account(), "*"), (replace(account(), partition="aws-iso"), "Admin")]
)
def test_no_policy_is_made_for_what_is_not_registered(of: Account, role: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        statement(of, role)


def test_every_purpose_has_its_own_key_so_the_roads_cannot_be_mixed() -> None:
    assert signing_key(Purpose.AWS_SAML).kid != signing_key(Purpose.AWS_OIDC).kid
