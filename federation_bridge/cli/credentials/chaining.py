"""From one role into another: sts:AssumeRole with credentials just taken, asked of AWS by this computer itself.

The session keeps its name, so that CloudTrail still shows the person. AWS ends such a session after an hour.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from federation_bridge.cli.address import checked_address
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.signature import signed_headers
from federation_bridge.cli.failures import AwsFailed, BridgeUnreachable, UsageWrong
from federation_bridge.cli.http_client import OK, HttpClient
from federation_bridge.cli.i18n import say
from federation_bridge.model import AwsCredentials

LONGEST = timedelta(hours=1)
"""AWS's limit for role chaining (STS AssumeRole)."""
_SHORTEST = timedelta(minutes=15)
_ARN = re.compile(r"arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:[\x21-\x7e]{1,511}/)?([\w+=,.@-]{1,64})", re.ASCII)
_ASSUMED = re.compile(r"arn:(aws[a-z-]*):sts::[0-9]{12}:assumed-role/[^/]+/([\w+=,.@-]{2,64})", re.ASCII)
_DOMAINS = MappingProxyType(
    {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
)
"""Of STS's regional endpoints, by partition."""
_NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"


def chained(context: Context, first: AwsCredentials, role_arn: str, duration: timedelta) -> AwsCredentials:
    """Credentials of the role `role_arn`, for `duration` (seconds are cut), taken as `first`.

    Raises:
        UsageWrong: not a role's ARN, or one of another partition, which no role of this one can reach.
        AwsFailed: AWS refuses, or cannot be reached.
    """
    target, own = checked_target(role_arn), _ASSUMED.fullmatch(first.assumed_role_arn)
    if own is None or own[1] not in _DOMAINS:
        raise AwsFailed(say("The bridge does not say to which session these credentials belong."))
    partition, account, role = target
    if partition != own[1]:
        raise UsageWrong(say("{text} is in another partition than {role}.", text=role_arn, role=first.role))
    fields = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role_arn, "RoleSessionName": own[2]}
    fields["DurationSeconds"] = str(int(min(max(duration, _SHORTEST), LONGEST).total_seconds()))
    answer = _asked(context, first, _endpoint(context, own[1], first.region), urlencode(fields, quote_via=quote))
    return replace(_read(answer, first), account_id=account, role=role)


def checked_target(role_arn: str) -> tuple[str, str, str]:
    """Partition, account and name of a role's ARN; UsageWrong for any other text."""
    found = _ARN.fullmatch(role_arn)
    if found is None:
        raise UsageWrong(say("{text} is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME", text=role_arn[:200]))
    return found[1], found[2], found[3]


def _endpoint(context: Context, partition: str, region: str) -> str:
    """Of the region that the bridge names for the account; as every AWS tool, one that the person names comes first."""
    named = context.environ.get("AWS_ENDPOINT_URL_STS", "")
    return checked_address(named) if named else f"https://sts.{region}.{_DOMAINS[partition]}"


def _asked(context: Context, first: AwsCredentials, endpoint: str, form: str) -> bytes:
    now = context.clock() + context.http.clock_offset
    url, body = f"{endpoint}/", form.encode()
    headers = signed_headers(url, body, first, (first.region, "sts"), now)
    try:
        status, text = HttpClient(endpoint, context.environ, context.clock).post_text(url, body, headers)
    except BridgeUnreachable as failure:
        raise AwsFailed(failure.detail) from None
    if status != OK:
        raise AwsFailed(say("AWS refuses the second role: {reason}", reason=_reason(text) or str(status)))
    return text


def _reason(text: bytes) -> str:
    try:
        found = ET.fromstring(text)  # noqa: S314 - AWS's own answer, bounded; expat bounds its entities
    except ET.ParseError:
        return ""
    return str(found.findtext(f"{_NAMESPACE}Error/{_NAMESPACE}Message", ""))[:400]


def _read(text: bytes, first: AwsCredentials) -> AwsCredentials:
    try:
        found = ET.fromstring(text)  # noqa: S314 - as above
        result = next(found.iter(f"{_NAMESPACE}AssumeRoleResult"))
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        given = [result.findtext(f"{_NAMESPACE}Credentials/{_NAMESPACE}{name}", "") for name in names]
        expires_at = datetime.fromisoformat(given.pop()).astimezone(UTC)
        key, secret, token = (one for one in given if one and one.isprintable())
    except (ET.ParseError, ValueError, StopIteration):
        raise AwsFailed(say("AWS answered with credentials that cannot be used.")) from None
    return replace(
        first, access_key_id=key, secret_access_key=secret, session_token=token, expires_at=expires_at, cap=""
    )
