# ruff: noqa: F811 - fixtures are named where they are asked for
"""AssumeRoleWithWebIdentity of the local AWS: what the real STS was seen to answer, token by token."""

# ruff: noqa: E501 - the rows of a table stay on one line; odd digits are the point of their case

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from local_aws_factories import refusal
from sandbox_web_identity_fixtures import MISSING, TAGS, Web, ec, public, rsa, token, web  # noqa: F401 - a fixture

NOT_VALIDATED = "The web identity token provided could not be validated."
NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"


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
