"""AssumeRoleWithWebIdentity of the local AWS: what the real STS was seen to answer, token by token."""

# ruff: noqa: E501 - the rows of a table stay on one line; odd digits are the point of their case

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from local_aws_factories import ISSUER, ServedAws, refusal, served, signer
from made_once import kept

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.identity_provider.saml_message import Signer

KEYS_URL = f"{ISSUER}/keys"
NO_KEY = (
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
    "documentation for requirements"
)
NOT_VALIDATED = "The web identity token provided could not be validated."
NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
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


def test_an_ordinary_token_buys_a_session(web: Web) -> None:
    answer = web.ask()
    assert answer["Provider"] == web.served_aws.account.arn("oidc-provider/issuer.example.test")
    assert answer["Audience"] == "sts.amazonaws.com"
    assert answer["SubjectFromWebIdentityToken"] == "person-1"
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/Web/alice"
    assert web.documents.fetched == [
        "http://127.0.0.1:9/.well-known/openid-configuration",
        "http://127.0.0.1:9/keys",
    ]


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        *((name, rsa) for name in ("RS256", "RS384", "RS512")),
        ("ES256", lambda: ec("P-256")),
        ("ES384", lambda: ec("P-384")),
        ("ES512", lambda: ec("P-521")),
    ],
)
def test_these_algorithms_are_taken(algorithm: str, key: Callable[[], Any], web: Web) -> None:
    web.documents.keys = [public(key())]
    assert web.send(token(web.claims(), {"alg": algorithm}, key()))["Provider"]


@pytest.mark.parametrize("algorithm", ["PS256", "PS512"])
def test_no_other_algorithm_is_taken(algorithm: str, web: Web) -> None:
    assert refusal(lambda: web.ask(header={"alg": algorithm}))[:2] == ("InvalidIdentityToken", NOT_A_JWT)


def test_a_token_without_signature_is_no_token(web: Web) -> None:
    parts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()
        for one in ({"alg": "none"}, web.claims())
    ]
    assert refusal(lambda: web.send(".".join([*parts, ""])))[:2] == ("InvalidIdentityToken", NOT_A_JWT)


def test_a_mac_made_with_the_public_key_is_no_token(web: Web) -> None:
    text = token(web.claims())
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    assert refusal(lambda: web.send(head + text[text.index(".") :]))[:2] == ("InvalidIdentityToken", NOT_A_JWT)


@pytest.mark.parametrize(
    "text", ["aaaa", "aa.bb", "a.b.c", "....", "é.b.c", "W10.W10.W10", "e30.e30.e30", "[[[[.[[[[.a"]
)
def test_what_is_no_jwt_is_refused_as_such(text: str, web: Web) -> None:
    assert refusal(lambda: web.send(text))[:2] == ("InvalidIdentityToken", NOT_A_JWT)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp"])
def test_five_claims_are_required(name: str, web: Web) -> None:
    code, message, status = refusal(lambda: web.ask(web.claims(**{name: MISSING})))
    assert (code, message, status) == ("InvalidIdentityToken", f"Missing a required claim: {name}", 400)


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", [1.5, None, True, "soon", []])
def test_a_time_is_a_whole_number(name: str, value: Any, web: Web) -> None:
    assert refusal(lambda: web.ask(web.claims(**{name: value})))[:2] == (
        "InvalidIdentityToken",
        "Invalid timestamp in token claims.",
    )


@pytest.mark.parametrize("changes", [{"exp": -1}, {"iat": 280}, {"nbf": 280}, {"exp": -299}], ids=str)
def test_times_are_taken_with_five_minutes_of_tolerance(changes: dict[str, int], web: Web) -> None:
    now = int(web.served_aws.clock().timestamp())
    assert web.ask(web.claims(**{name: str(now + ahead) for name, ahead in changes.items()}))["Provider"]


@pytest.mark.parametrize(
    ("name", "ahead", "code", "message"),
    [
        ("exp", -300, "ExpiredTokenException", "Token expired: current date/time {past} must be before the expiration date/time {value}"),
        ("iat", 301, "InvalidIdentityToken", "Token issued in the future: {value}"),
        ("nbf", 301, "InvalidIdentityToken", "Token not yet valid: current date/time {ahead} must be after or equal to the not-before date/time {value}"),
        ("iat", -441398, "ExpiredTokenException", "Token too old: 441398"),
    ],
)  # fmt: skip
def test_beyond_it_each_time_has_its_sentence(name: str, ahead: int, code: str, message: str, web: Web) -> None:
    now = int(web.served_aws.clock().timestamp())
    expected = message.format(past=now - 300, ahead=now + 300, value=now + ahead)
    assert refusal(lambda: web.ask(web.claims(**{name: now + ahead}))) == (code, expected, 400)


def test_the_token_s_life_does_not_cap_the_session(web: Web) -> None:
    now = int(web.served_aws.clock().timestamp())
    answer = web.ask(web.claims(exp=now + 60), DurationSeconds=7200)
    assert answer["Credentials"]["Expiration"] == web.served_aws.clock() + timedelta(hours=2)


@pytest.mark.parametrize(
    ("changes", "audience"),
    [
        ({"aud": ["sts.amazonaws.com"]}, "sts.amazonaws.com"),
        ({"aud": ["unknown", "more"], "azp": "other"}, "other"),
        ({"aud": "unknown", "azp": "other"}, "other"),
    ],
)
def test_the_authorized_party_is_what_counts_when_there_is_one(
    changes: dict[str, Any], audience: str, web: Web
) -> None:
    assert web.ask(web.claims(**changes))["Audience"] == audience


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aud": ["a", "b"]}, "Token audience contains more than one audience while authorized party is not present"),
        ({"aud": "unknown"}, NOT_VALIDATED),
        ({"aud": ""}, NOT_VALIDATED),
        ({"aud": 5}, NOT_VALIDATED),
        ({"azp": ""}, NOT_VALIDATED),
        ({"azp": "unknown"}, NOT_VALIDATED),
        ({"aud": []}, "Claim is not allowed to be empty: aud"),
        ({"iss": "https://unknown.example.test"}, "No OpenIDConnect provider found in your account for https://unknown.example.test"),
        ({"iss": "issuer.example.test"}, "No OpenIDConnect provider found in your account for issuer.example.test"),
        ({f"{TAGS}": {"principal_tags": {"team": "red"}}}, "principal_tags passed in claim is not in correct format."),
        ({f"{TAGS}": {"principal_tags": {"team": ["red", "blue"]}}}, "principal_tags passed in claim is not in correct format."),
        ({f"{TAGS}/principal_tags/team": ["red"]}, "principal_tags passed in claim is not in correct format."),
        ({"https://aws.amazon.com/source_identity": "aws:x"}, "Source Identity must match"),
        ({"https://aws.amazon.com/source_identity": "a b"}, "Source Identity must match"),
        ({"https://aws.amazon.com/roles": ["arn:aws:iam::111122223333:role/Other"]}, "The requested role"),
    ],
)  # fmt: skip
def test_a_claim_that_does_not_fit_is_refused_in_aws_words(changes: dict[str, Any], message: str, web: Web) -> None:
    code, text, status = refusal(lambda: web.ask(web.claims(**changes)))
    assert (code, status) == ("InvalidIdentityToken", 400)
    assert text.startswith(message)


@pytest.mark.parametrize(("subject", "told"), [("a", "a"), (12345, "12345"), ("s" * 300, "s" * 300)])
def test_a_subject_may_be_short_long_or_a_number(subject: Any, told: str, web: Web) -> None:
    assert web.ask(web.claims(sub=subject))["SubjectFromWebIdentityToken"] == told


def test_a_null_subject_is_the_one_failure_of_aws_s_own(web: Web) -> None:
    expected = ("InternalFailure", "Unknown error validating third-party token", 500)
    assert refusal(lambda: web.ask(web.claims(sub=None))) == expected


def test_of_a_claim_told_twice_the_last_counts(web: Web) -> None:
    text = json.dumps(web.claims())[:-1] + ', "aud": "unknown"}'
    assert refusal(lambda: web.send(token(text.encode())))[1].startswith(NOT_VALIDATED)


def test_a_critical_header_that_is_not_understood_makes_it_no_token(web: Web) -> None:
    text = token(web.claims())
    head = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"one","crit":["x"],"x":1}').rstrip(b"=").decode()
    assert refusal(lambda: web.send(head + text[text.index(".") :]))[1] == NOT_A_JWT


def test_another_key_s_signature_is_not_believed(web: Web) -> None:
    text = token(web.claims(), {"kid": "one"}, rsa("two"))
    assert refusal(lambda: web.send(text))[:2] == (
        "InvalidIdentityToken",
        refusal(lambda: web.ask(web.claims(aud="")))[1],
    )


def _only(*keys: dict[str, Any]) -> Callable[[Documents], None]:
    def change(documents: Documents) -> None:
        documents.keys = list(keys)

    return change


def _discovery(**changes: Any) -> Callable[[Documents], None]:
    return lambda documents: documents.discovery.update(changes)


@pytest.mark.parametrize(
    "change",
    [
        _only(),
        _only(public(rsa(), kid=None)),
        _only(public(rsa(), kid="")),
        _only(public(rsa(), use="enc")),
        _only(public(rsa(), key_ops=["verify"])),
        _only(public(rsa("two"))),
        _only(*({"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(100)), public(rsa())),
        _only({"kty": "RSA", "kid": "one", "x5c": ["AAAA"]}),
        _only({"kty": "RSA", "kid": "one", "n": "*", "e": "AQAB"}),
        _discovery(issuer=ISSUER + "/"),
        _discovery(jwks_uri="https://elsewhere.example.test/keys"),
        _discovery(jwks_uri=None),
        _discovery(response_types_supported=["code"]),
        _discovery(subject_types_supported=["pairwise"]),
        _discovery(id_token_signing_alg_values_supported=[]),
        _discovery(claims_supported=["aud", "iat", "iss"]),
        _discovery(claims_supported="all"),
    ],
)
def test_an_issuer_s_documents_must_be_as_aws_wants_them(change: Callable[[Documents], None], web: Web) -> None:
    change(web.documents)
    assert refusal(web.ask) == ("InvalidIdentityToken", NO_KEY, 400)


def test_too_many_keys_of_one_kind_spoil_only_tokens_of_that_kind(web: Web) -> None:
    many = [{"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(100)]
    web.documents.keys = [*many, public(rsa()), public(ec("P-256"))]
    assert refusal(web.ask) == ("InvalidIdentityToken", NO_KEY, 400)
    assert web.send(token(web.claims(), {"alg": "ES256"}, ec("P-256")))["Provider"]
    web.documents.keys = [*many[1:], public(rsa())]
    assert web.ask()["Provider"]


def test_more_than_a_hundred_ec_keys_spoil_tokens_signed_with_ec(web: Web) -> None:
    many = [public(ec("P-256"), kid=str(n)) for n in range(100)]
    web.documents.keys = [*many, public(ec("P-256"))]
    assert refusal(lambda: web.send(token(web.claims(), {"alg": "ES256"}, ec("P-256"))))[1] == NO_KEY
    web.documents.keys = [*many[1:], public(ec("P-256"))]
    assert web.send(token(web.claims(), {"alg": "ES256"}, ec("P-256")))["Provider"]


def _certified(key: Signer) -> dict[str, Any]:
    made = RSAKey.import_key(key.private_pem)
    return {**made.as_dict(private=False), "kid": "certified", "x5c": [key.certificate_b64]}


def test_a_key_beside_a_certificate_must_be_the_certificate_s_own(web: Web) -> None:
    key = RSAKey.import_key(signer().private_pem, {"kid": "certified"})
    text = token(web.claims(), key=key)
    web.documents.keys = [_certified(signer())]
    assert web.send(text)["Provider"]
    for foreign in ([signer("other").certificate_b64], [], ["AAAA"], "x", None, [5]):
        web.documents.keys = [_certified(signer()) | {"x5c": foreign}]
        assert refusal(lambda: web.send(text)) == ("InvalidIdentityToken", NO_KEY, 400), foreign


def test_an_issuer_known_by_its_thumbprint_only_needs_it_in_the_provider(web: Web) -> None:
    web.served_aws.local.thumbprints[ISSUER] = "0123456789ABCDEF0123456789abcdef01234567"
    sentence = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
    assert refusal(web.ask) == ("InvalidIdentityToken", sentence, 400)
    name = ISSUER.removeprefix("https://")
    provider = web.served_aws.account.oidc_providers[name]
    known = ("f" * 40, "0123456789abcdef0123456789abcdef01234567")
    web.served_aws.account.oidc_providers[name] = replace(provider, thumbprints=known)
    assert web.ask()["Provider"]


def test_paranoid_takes_a_careful_issuer_s_token_but_only_once(web: Web) -> None:
    web.served_aws.local.mode = "paranoid"
    text = token(web.claims(jti="first"))
    assert web.send(text)["Provider"]
    code, sentence, status = refusal(lambda: web.send(text))
    assert (code, sentence.rpartition(": ")[2], status) == ("ParanoidRefusal", "it was used before", 400)
    assert web.send(token(web.claims(jti="second")))["Provider"]
    web.served_aws.local.mode = "aws"
    assert web.send(text)["Provider"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"jti": MISSING}, "the token has no jti"),
        ({"jti": ""}, "the token has no jti"),
        ({"exp": 601}, "the token lives longer than 10 minutes"),
        ({"aud": ["other", "more"], "azp": "sts.amazonaws.com"}, "the token is good for more than one audience"),
    ],
    ids=range(4),
)
def test_paranoid_refuses_tokens_that_aws_lets_pass(changes: dict[str, Any], reason: str, web: Web) -> None:
    if "exp" in changes:
        changes = {"exp": int(web.served_aws.clock().timestamp()) + changes["exp"]}
    claims = web.claims(**({"jti": "one"} | changes))
    assert web.ask(claims)["Provider"]
    web.served_aws.local.mode = "paranoid"
    code, sentence, _ = refusal(lambda: web.ask(claims))
    assert (code, sentence.rpartition(": ")[2]) == ("ParanoidRefusal", reason)


@pytest.mark.parametrize(
    ("keys", "header", "is_found"),
    [
        ((public(rsa()),), {"kid": MISSING}, True),
        ((public(rsa()), public(rsa("two"))), {"kid": MISSING}, False),
        ((public(rsa()), public(rsa("two"))), {"kid": "three"}, False),
        ((public(rsa()), public(rsa("two"))), {}, True),
        ((public(rsa("two"), kid="one"), public(rsa())), {}, True),
        ((public(rsa(), alg="RS512"),), {}, True),
    ],
)
def test_a_key_is_found_by_its_id_or_because_it_is_the_only_one(
    keys: tuple[dict[str, Any], ...], header: dict[str, Any], is_found: bool, web: Web
) -> None:
    web.documents.keys = list(keys)
    if is_found:
        assert web.ask(header=header)["Provider"]
    else:
        assert refusal(lambda: web.ask(header=header))[1] == NO_KEY


def test_an_issuer_that_does_not_answer_is_a_communication_error(web: Web) -> None:
    def fetch(_address: str) -> bytes:
        raise Refused("IDPCommunicationError", "could not be reached")

    web.served_aws.local.fetch = fetch
    assert refusal(web.ask)[0] == "IDPCommunicationError"


@pytest.mark.parametrize(
    "claims",
    [
        {TAGS: {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}},
        {f"{TAGS}/principal_tags/team": "red", f"{TAGS}/transitive_tag_keys": ["team"]},
    ],
)
def test_tags_are_taken_nested_or_flat(claims: dict[str, Any], web: Web) -> None:
    web.ask(web.claims(**claims, **{"https://aws.amazon.com/source_identity": "alice"}))
    (session,) = web.served_aws.local.state.sessions.values()
    assert (session.tags, session.transitive_tags) == ({"team": "red"}, ("team",))
    assert session.source_identity == "alice"


@pytest.mark.parametrize(
    ("claims", "action"),
    [
        ({f"{TAGS}/principal_tags/team": "red"}, "sts:TagSession"),
        ({"https://aws.amazon.com/source_identity": "alice"}, "sts:SetSourceIdentity"),
    ],
)
def test_tags_and_source_identity_need_the_role_s_trust(claims: dict[str, Any], action: str, web: Web) -> None:
    actions = {"sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"} - {action}
    provider = web.served_aws.account.arn("oidc-provider/issuer.example.test")
    web.served_aws.role = web.served_aws.put_role(
        "Less", web.served_aws.trust(*actions, Principal={"Federated": provider})
    )
    expected = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    assert refusal(lambda: web.ask(web.claims(**claims))) == expected
    assert web.ask()["Provider"]


@pytest.mark.parametrize(
    ("condition", "is_let_in"),
    [
        ({"StringEquals": {"issuer.example.test:aud": "sts.amazonaws.com", "issuer.example.test:sub": "person-1"}}, True),
        ({"StringEquals": {"issuer.example.test:aud": "other"}}, False),
        ({"StringLike": {"issuer.example.test:sub": "person-*"}}, True),
        ({"StringEquals": {"issuer.example.test:email": "alice@example.com"}}, True),
        ({"ForAnyValue:StringEquals": {"issuer.example.test:amr": "mfa"}}, True),
        ({"StringEquals": {"issuer.example.test:oaud": "sts.amazonaws.com"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "alice"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "bob"}}, False),
        ({"StringEquals": {"aws:PrincipalType": "User"}, "Null": {"aws:PrincipalArn": "true"}}, True),
    ],
)  # fmt: skip
def test_a_trust_policy_sees_the_token_s_keys(condition: dict[str, Any], is_let_in: bool, web: Web) -> None:
    provider = web.served_aws.account.arn("oidc-provider/issuer.example.test")
    trust = web.served_aws.trust(
        "sts:AssumeRoleWithWebIdentity", Principal={"Federated": provider}, condition=condition
    )
    web.served_aws.role = web.served_aws.put_role("Narrow", trust)
    claims = web.claims(email="alice@example.com", amr=["pwd", "mfa"])
    if is_let_in:
        assert web.ask(claims)["Provider"]
    else:
        assert refusal(lambda: web.ask(claims))[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"ProviderId": "www.amazon.com"}, "InvalidIdentityToken"),
        ({"ProviderId": "graph.facebook.com"}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::111122223333:role/Nobody"}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::111122223333:role/web"}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::999999999999:role/Web"}, "InvalidIdentityToken"),
        ({"RoleSessionName": "a"}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"DurationSeconds": 7201}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"Policy": " " * 2049}, "ValidationError"),
        ({"WebIdentityToken": "a" * 20001}, "ValidationError"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_parameters_are_held_to_their_limits(call: dict[str, Any], code: str, web: Web) -> None:
    assert refusal(lambda: web.send(token(web.claims()), **call) if "WebIdentityToken" not in call else web.served_aws.sts().assume_role_with_web_identity(RoleArn=web.served_aws.role.arn, RoleSessionName="alice", **call))[0] == code  # fmt: skip
