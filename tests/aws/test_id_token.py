"""The JWT for AWS: RS256, five minutes, one person and one role, read back by another hand."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aws_factories import ISSUER, NOW, account, grant, key_ring, signing_key
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from federation_bridge.aws import id_token, issuer
from federation_bridge.errors import AwsRefused
from federation_bridge.model import Grant
from federation_bridge.signing import Purpose

GOLDEN = Path(__file__).parents[1] / "golden" / "aws_id_token.json"
TAGGED = grant("oidc", tags={"Team": "data", "Cost Center": "987654"}, transitive_tags=("Team",))


def text_of(made: Grant, purpose: Purpose = Purpose.AWS_OIDC) -> str:
    return id_token.build(made, key=signing_key(purpose), issuer=ISSUER, now=NOW).text


def decoded(made: Grant) -> jwt.Token:
    return jwt.decode(text_of(made), KeySet.import_key_set(cast("Any", issuer.jwks(key_ring()))), algorithms=["RS256"])


def test_header_and_claims_are_the_golden_ones() -> None:
    token = decoded(TAGGED)
    header: dict[str, Any] = dict(token.header) | {"kid": "..."}
    written = json.dumps({"header": header, "claims": token.claims}, indent=2) + "\n"
    assert written == GOLDEN.read_text()


def test_our_published_keys_verify_it_and_another_purposes_key_is_not_among_them() -> None:
    assert decoded(grant("oidc")).claims["iss"] == ISSUER
    forged = text_of(grant("oidc"), Purpose.AWS_SAML)
    header, payload, signature = forged.split(".")
    real = text_of(grant("oidc")).split(".")
    with pytest.raises(BadSignatureError):
        jwt.decode(
            f"{real[0]}.{payload}.{signature}",
            KeySet.import_key_set(cast("Any", issuer.jwks(key_ring()))),
            algorithms=["RS256"],
        )
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["kid"] != signing_key(Purpose.AWS_OIDC).kid


def test_it_lives_five_minutes_and_its_times_are_integers() -> None:
    made = id_token.build(
        grant("oidc"), key=signing_key(Purpose.AWS_OIDC), issuer=ISSUER, now=NOW + timedelta(microseconds=700_000)
    )
    claims = decoded(grant("oidc")).claims
    assert claims["exp"] - claims["iat"] == 300
    assert made.ends_at == NOW + timedelta(minutes=5)
    assert type(claims["iat"]) is type(claims["exp"]) is int


def test_the_subject_is_bound_to_account_role_and_the_persons_session_name() -> None:
    subjects = {
        decoded(made).claims["sub"]
        for made in (
            grant("oidc"),
            grant("oidc", role="Audit"),
            grant("oidc", session_name="other-person"),
            grant("oidc", account=account("oidc", id="210987654321", provider_arn=_provider("210987654321"))),
        )
    }
    assert len(subjects) == 4
    assert all(6 <= len(subject) <= 255 and subject.count("/") == 2 for subject in subjects)


def _provider(account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:oidc-provider/bridge.example.com"


def test_nothing_that_aws_would_read_as_more_stands_in_it() -> None:
    assert set(decoded(grant("oidc")).claims) == {
        "iss",
        "sub",
        "aud",
        "iat",
        "exp",
        "jti",
        "https://aws.amazon.com/source_identity",
    }


def test_without_transitive_tags_their_list_is_left_out() -> None:
    tags = decoded(grant("oidc", tags={"Team": "data"})).claims["https://aws.amazon.com/tags"]
    assert tags == {"principal_tags": {"Team": ["data"]}}


def test_a_token_beyond_what_sts_takes_is_refused() -> None:
    tags = {f"{number:03}" + "k" * 125: "v" * 256 for number in range(50)}
    with pytest.raises(AwsRefused, match="20000"):
        text_of(grant("oidc", tags=tags))
