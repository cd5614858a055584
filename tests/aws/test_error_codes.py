"""AWS's refusals in words: each code and message that AWS is known to give names what has to be mended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from federation_bridge.aws.error_codes import explained, printable, refusal_of
from federation_bridge.errors import AwsRefused, SessionTooLong

REFUSALS = [
    ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", "sts:TagSession"),
    ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", "trust policy"),
    ("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", "clock is behind"),
    ("ExpiredTokenException", "Response has expired", "clock is wrong"),
    ("ExpiredTokenException", "Token expired: current date/time 1 must be before 2", "clock"),
    ("InvalidIdentityToken", "Response signature invalid", "upload the bridge's current metadata"),
    ("InvalidIdentityToken", "Issuer not present in specified provider", "entityID"),
    ("InvalidIdentityToken", "Specified provider doesn't exist", "no IAM SAML provider"),
    (
        "InvalidIdentityToken",
        "SAML Assertion doesn't contain the requested Role and Metadata in the attributes",
        "provider ARN",
    ),
    ("InvalidIdentityToken", "RoleSessionName is required in AuthnResponse", "session name"),
    (
        "InvalidIdentityToken",
        "Source Identity must match [a-z]{2,64} and not",
        "source identity",
    ),
    ("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://x", "OIDC provider"),
    (
        "InvalidIdentityToken",
        "Couldn't retrieve verification key from your identity provider,  please reference",
        "public HTTPS",
    ),
    (
        "InvalidIdentityToken",
        "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
        "thumbprint",
    ),
    ("InvalidIdentityToken", "Token issued in the future: 1", "clock is ahead"),
    ("InvalidIdentityToken", "Token not yet valid: current date/time 1", "clock is ahead"),
    ("InvalidIdentityToken", "The web identity token provided could not be validated. See", "audience"),
    ("InvalidIdentityToken", "principal_tags passed in claim is not in correct format.", "session tags"),
    ("InvalidIdentityToken", "Invalid base64 SAMLResponse", "does not fit the provider"),
    ("IDPRejectedClaim", "x", "revoked"),
    ("MalformedPolicyDocument", "Syntax errors in policy.", "session policy"),
    ("PackedPolicyTooLarge", "Packed policy consumes 112% of allotted space", "fewer tags"),
    (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        "MaxSessionDuration in IAM is shorter",
    ),
    ("ValidationError", "1 validation error detected", "outside what STS takes"),
]


@pytest.mark.parametrize(("code", "message", "cause"), REFUSALS)
def test_a_refusal_names_the_code_the_message_and_the_likely_cause(code: str, message: str, cause: str) -> None:
    told = explained(code, message)
    assert told.startswith(f"AWS answered {code}: {message[:40]}")
    assert cause in told.partition("(likely: ")[2]


def test_an_unknown_refusal_is_told_without_a_guess() -> None:
    assert explained("SomethingNew", "never seen") == "AWS answered SomethingNew: never seen"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\x1b[2J", "a  b [2J"),
        ("Value '" + "A" * 500 + "' at", "Value [...] at"),
        ("w " * 400, ("w " * 400)[:300]),
    ],
)
def test_what_aws_says_is_bounded_on_one_line_and_without_tokens(text: str, shown: str) -> None:
    assert printable(text) == shown


# ----------------------------------------------------------------------------------------------- what a person can do

TOO_LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
OUT_OF_RANGE = (
    "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: "
    "Member must have value less than or equal to %d"
)


@pytest.mark.parametrize(
    ("code", "message", "hours", "told"),
    [
        (
            "ValidationError",
            TOO_LONG,
            12,
            "12h is more than this role's maximum in AWS. Please ask for less: 1h is never too much.",
        ),
        (
            "ValidationErrorException",
            TOO_LONG.lower(),
            2,
            "2h is more than this role's maximum in AWS. Please ask for less: 1h is never too much.",
        ),
        (
            "ValidationError",
            OUT_OF_RANGE % (43200, 14400),
            12,
            "12h is more than this role's maximum of 4h. Please ask for less.",
        ),
        # AWS's answer does not fit what was asked: no number is told that would not help.
        ("ValidationError", TOO_LONG, 1, SessionTooLong.public),
        ("ValidationError", OUT_OF_RANGE % (3600, 43200), 1, SessionTooLong.public),
    ],
)
def test_a_session_that_is_too_long_for_aws_is_told_with_what_helps(
    code: str, message: str, hours: int, told: str
) -> None:
    refusal = refusal_of(code, message, timedelta(hours=hours))
    assert isinstance(refusal, SessionTooLong)
    assert (refusal.code, refusal.public) == (AwsRefused.code, told)
    assert refusal.detail.startswith(f"AWS answered {code}: {message[:40]}")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationError", "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint"),
        ("AccessDenied", TOO_LONG),
        ("PackedPolicyTooLarge", "Packed policy consumes 112% of allotted space"),
        ("ValidationError", ""),
    ],
)
def test_what_a_person_cannot_change_is_told_in_the_one_sentence(code: str, message: str) -> None:
    refusal = refusal_of(code, message, timedelta(hours=12))
    assert (type(refusal), refusal.public) == (AwsRefused, AwsRefused.public)
