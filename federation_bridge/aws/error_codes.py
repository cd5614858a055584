"""What AWS's refusals mean, in words: a table from code and message to the likely cause and the way to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.durations import format_duration
from federation_bridge.errors import AwsRefused, SessionTooLong
from federation_bridge.sentence import Sentence
from federation_bridge.shown_text import shown

_ANY = ""


@dataclass(frozen=True, slots=True)
class _Cause:
    code: str
    fragment: str
    """Of AWS's message, in lower case; empty: any message."""
    sentence: str


_TRUST = (
    "the role does not exist under exactly this name, or its trust policy does not trust the bridge's provider, or one "
    "of its conditions fails (saml:aud and saml:iss, or the issuer's aud and sub), or it does not allow sts:TagSession "
    "while session tags are sent, or not sts:SetSourceIdentity, which the bridge always needs; "
    "docs/aws.md shows the policy that is needed"
)
_SIGNATURE = (
    "the metadata at the IAM SAML provider does not hold the key that signed this; upload the bridge's current metadata"
)

# The first row that fits is taken. Wire codes are looked at before texts: AWS rewords its messages.
_CAUSES = (
    _Cause("AccessDenied", _ANY, _TRUST),
    _Cause("ExpiredToken", "redeemed within 5 minutes", "the bridge's clock is behind, or the call was delayed"),
    _Cause("ExpiredToken", _ANY, "the bridge's clock is wrong: AWS found the statement expired as soon as it was made"),
    _Cause("InvalidIdentityToken", "signature invalid", _SIGNATURE),
    _Cause(
        "InvalidIdentityToken",
        "issuer not present",
        "the entityID in the metadata at the IAM SAML provider is not the bridge's (setting `entity_id`)",
    ),
    _Cause(
        "InvalidIdentityToken",
        "provider doesn't exist",
        "there is no IAM SAML provider with the ARN that the account register names",
    ),
    _Cause(
        "InvalidIdentityToken",
        "requested role and metadata",
        "AWS read another role or provider from the assertion than was asked for; the register's provider ARN is wrong",
    ),
    _Cause("InvalidIdentityToken", "source identity must match", "the source identity is not one that AWS takes"),
    _Cause("InvalidIdentityToken", "rolesessionname", "the session name is not one that AWS takes"),
    _Cause(
        "InvalidIdentityToken",
        "no openidconnect provider",
        "the account has no IAM OIDC provider whose URL is the bridge's issuer (setting `aws_issuer`)",
    ),
    _Cause(
        "InvalidIdentityToken",
        "couldn't retrieve verification key",
        "AWS could not read the bridge's discovery document and JWKS over public HTTPS, or they lack the signing key",
    ),
    _Cause(
        "InvalidIdentityToken",
        "thumbprint",
        "the certificate of the issuer's address matches no thumbprint of the IAM OIDC provider",
    ),
    _Cause("InvalidIdentityToken", "issued in the future", "the bridge's clock is ahead"),
    _Cause("InvalidIdentityToken", "not yet valid", "the bridge's clock is ahead"),
    _Cause(
        "InvalidIdentityToken",
        "could not be validated",
        "the IAM OIDC provider does not list the audience sts.amazonaws.com among its client ids",
    ),
    _Cause("InvalidIdentityToken", "principal_tags", "AWS could not read the session tags"),
    _Cause(
        "InvalidIdentityToken",
        _ANY,
        "the statement does not fit the provider that the account register names: its kind, its keys or its issuer",
    ),
    _Cause("IDPRejectedClaim", _ANY, "AWS was told that the sign-in failed, or the token has been revoked"),
    _Cause(
        "MalformedPolicyDocument",
        _ANY,
        "the rule's session policy is no IAM policy, or a managed policy's ARN is wrong",
    ),
    _Cause(
        "PackedPolicyTooLarge",
        _ANY,
        "session policies and session tags together are too large for AWS; shorten the policy or send fewer tags",
    ),
    _Cause(
        "ValidationError",
        "maxsessionduration",
        "the role's MaxSessionDuration in IAM is shorter than the register says (`max_session`), which lets people ask "
        "for more than they can get",
    ),
    _Cause("ValidationError", _ANY, "a value is outside what STS takes"),
)

_TOO_LONG = re.compile(r"exceeds the maxsessionduration|'durationseconds' .*less than or equal to ([0-9]{3,6})\b")
"""Of a ValidationError, in lower case; AWS names the most only where it is the same for every role."""
_NEVER_TOO_LONG = timedelta(hours=1)
"""The least that a role's MaxSessionDuration can be (IAM API, CreateRole)."""

_LONG_RUN = re.compile(r"[^\s]{80,}")
_MESSAGE_LENGTH = 300


def refusal_of(code: str, message: str, asked: timedelta) -> AwsRefused:
    """The refusal that AWS's answer to a call for a session of this length means; `SessionTooLong` where that is it."""
    told = explained(code, message)
    if code.removesuffix("Exception") != "ValidationError" or (found := _TOO_LONG.search(message.lower())) is None:
        return AwsRefused(told)
    return SessionTooLong(told, _less(asked, timedelta(seconds=int(found[1])) if found[1] else None))


def _less(asked: timedelta, most: timedelta | None) -> str:
    """What the person can do; empty where AWS's answer does not fit what was asked."""
    length = format_duration(asked)
    if most is not None and most < asked:
        most_told = format_duration(most)
        return Sentence(
            "%(asked)s is more than this role's maximum of %(most)s. Please ask for less.", asked=length, most=most_told
        )
    if most is not None or asked <= _NEVER_TOO_LONG:
        return ""
    always = format_duration(_NEVER_TOO_LONG)
    return Sentence(
        "%(asked)s is more than this role's maximum in AWS. Please ask for less: %(always)s is never too much.",
        asked=length,
        always=always,
    )


def explained(code: str, message: str) -> str:
    """One sentence for log and audit: AWS's code, its message, and the likely cause where we know one."""
    cause = likely_cause(code, message)
    told = f"AWS answered {printable(code)}: {printable(message)}"
    return f"{told} (likely: {cause})" if cause else told


def likely_cause(code: str, message: str) -> str:
    """What probably has to be mended; empty for a code that is not in the table."""
    plain_code = code.removesuffix("Exception")
    lowered = message.lower()
    for cause in _CAUSES:
        if cause.code == plain_code and cause.fragment in lowered:
            return cause.sentence
    return ""


def printable(text: str) -> str:
    """AWS's text fit for a log: one line, bounded, without the long runs in which it echoes a token back."""
    one_line = shown(text, " ")
    return _LONG_RUN.sub("[...]", one_line)[:_MESSAGE_LENGTH]
