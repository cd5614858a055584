"""An issuer and its tokens for the local AWS; import these where they are needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from local_aws_factories import ISSUER, ServedAws, served
from made_once import kept

from federation_bridge.sandbox.aws import provisioning

KEYS_URL = f"{ISSUER}/keys"


TAGS = "https://aws.amazon.com/tags"


@kept
def rsa(kid: str = "one") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@cache
def ec(curve: str) -> ECKey:
    return ECKey.generate_key(curve, {"kid": curve, "use": "sig"})


def public(key: RSAKey | ECKey, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


@dataclass
class Documents:
    """What the issuer answers; changed by a case before the token is sent."""

    discovery: dict[str, Any] = field(
        default_factory=lambda: {
            "issuer": ISSUER,
            "jwks_uri": KEYS_URL,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["aud", "iat", "iss", "sub"],
        }
    )
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public(rsa())])
    fetched: list[str] = field(default_factory=list)

    def fetch(self, address: str) -> bytes:
        self.fetched.append(address)
        assert address.startswith("http://127.0.0.1:9/")
        if address.endswith("/keys"):
            return json.dumps({"keys": self.keys}).encode()
        return json.dumps(self.discovery).encode()


@dataclass
class Web:
    served_aws: ServedAws
    documents: Documents

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.served_aws.clock().timestamp())
        plain = {"iss": ISSUER, "sub": "person-1", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 300}
        return {name: value for name, value in (plain | changes).items() if value is not MISSING}

    def ask(self, claims: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None, **call: Any) -> Any:
        return self.send(token(self.claims() if claims is None else claims, header=header), **call)

    def send(self, text: str, **call: Any) -> Any:
        wanted = {"RoleArn": self.served_aws.role.arn, "RoleSessionName": "alice", "WebIdentityToken": text, **call}
        return self.served_aws.sts().assume_role_with_web_identity(**wanted)


MISSING = object()


def token(claims: Any, header: Mapping[str, Any] | None = None, key: RSAKey | ECKey | None = None) -> str:
    key = key or rsa()
    head = {"alg": "RS256", "kid": key.kid} | dict(header or {})
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(
        {name: value for name, value in head.items() if value is not MISSING}, body, key, algorithms=[head["alg"]]
    )


@pytest.fixture
def web() -> Iterator[Web]:
    documents = Documents()
    with served(issuers={ISSUER: "http://127.0.0.1:9"}) as served_aws:
        served_aws.local.fetch = documents.fetch
        provider = provisioning.put_oidc_provider(
            served_aws.local.state, served_aws.account, ISSUER, ["sts.amazonaws.com", "other"]
        )
        actions = ("sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity")
        trust = served_aws.trust(*actions, Principal={"Federated": provider.arn})
        served_aws.role = served_aws.put_role("Web", trust, max_session=timedelta(hours=2))
        yield Web(served_aws, documents)
