"""Two ways into the AWS console: a login link bought with credentials, and a form that posts our assertion itself.

Either leads only to a page of the partition's own console (attack L05).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

from federation_bridge.aws import foreign_answers
from federation_bridge.aws.calls import AwsCalls, CircuitOpen, EndpointDown, unreachable
from federation_bridge.aws.partitions import Partition, sign_in_of
from federation_bridge.aws.statement import Statement
from federation_bridge.errors import AnswerUnusable, AwsRefused, AwsUnreachable, BadRequest, ProviderUnreachable
from federation_bridge.model import Account, AwsCredentials, Departure, Grant
from federation_bridge.redaction import quoted

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_LONGEST_ADDRESS = 2048
_MOST_BYTES = 64_000
"""A sign-in token has a few thousand."""
_LABEL = re.compile(r"[a-z][a-z0-9-]{0,40}")
_SESSION_LABEL = re.compile(r"[0-9]{12}-[a-z0-9]{1,32}")
_ADDRESS = re.compile(r"[!-~]+")  # printable ASCII without a blank
_OK, _BAD_REQUEST, _SERVER_ERROR = 200, 400, 500


class _Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Fetching(Protocol):
    """The part of `outgoing.Outgoing` that is needed here."""

    def fetch(
        self, url: str, *, method: str, data: Mapping[str, str], networks: Sequence[str], max_bytes: int
    ) -> _Answer:
        """Posts the form and gives the answer; ProviderUnreachable where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the sign-in service is reached: an address of AWS's own, or the local AWS of the settings."""

    federation: str
    saml: str
    networks: tuple[str, ...] = ()

    @classmethod
    def of(cls, account: Account, local_endpoint: str | None) -> tuple[Endpoints, ...]:
        """Those of the account, the first before the others.

        `local_endpoint` as in the settings, already held to be on this machine.
        """
        if local_endpoint is None:
            return tuple(cls(one.federation, one.saml_acs) for one in sign_in_of(account))
        here = local_endpoint.rstrip("/")
        return (cls(f"{here}/federation", f"{here}/saml", _LOOPBACK),)


def checked_destination(partition: Partition, text: str, region: str) -> str:
    """The console page that `text` names; empty: the region's first page; a path: that page in the region.

    The random label of a multi-session console is dropped: it belongs to the session that has ended. BadRequest for
    anything that is not an https address of this partition's console.
    """
    if not text:
        return partition.console_home(region)
    if text.startswith("/") and not text.startswith("//"):
        text = f"https://{partition.console_origin(region)}{text}"
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text) or "\\" in text:
        raise BadRequest("the console page is too long or holds a character that no address has")
    try:
        parts = urlsplit(text)
        # Browsers and parsers differ about everything but a bare host, so the whole authority must be one.
        host = _console_host(partition, parts.netloc)
    except ValueError:
        host = None
    if host is None or parts.scheme != "https":
        raise BadRequest(f"{quoted(text, 200)} is no page of the console of partition {partition.name}")
    return urlunsplit(("https", host, parts.path, parts.query, parts.fragment))


def federation_link(
    credentials: AwsCredentials,
    destination: str,
    *,
    issuer_url: str,
    endpoints: Sequence[Endpoints],
    fetch: Fetching,
    calls: AwsCalls,
) -> Departure:
    """A redirect that signs in with these credentials; good for 15 minutes, and a bearer secret: never show or log it.

    Leads to the first of the endpoints that answers: a sign-in token is good where it was made.

    `issuer_url`: the page of ours to which AWS leads back when the console session has ended. SessionDuration is never
    sent: counted from the click, up to 15 minutes later, it would outlive the grant. Without it the console session
    ends with the credentials (IAM: enabling custom identity broker access, rules of SessionDuration).

    Raises:
        AwsRefused: no sign-in token for these credentials.
        AwsUnreachable: the sign-in service did not answer, or something else did in its place; it failed a moment ago;
            or too many requests wait for AWS.
    """
    fields = {"Action": "getSigninToken", "Session": _session_of(credentials)}
    found, answer = _first_answer(fetch, calls, endpoints, fields)
    query = {
        "Action": "login",
        "Issuer": issuer_url,
        "Destination": destination,
        "SigninToken": _signin_token(answer),
    }
    return Departure(f"{found.federation}?{urlencode(query)}")


def saml_form(grant: Grant, statement: Statement, destination: str, endpoints: Sequence[Endpoints]) -> Departure:
    """A form that posts the assertion from the browser; AwsRefused for a grant that AWS would not enforce in full.

    It leads to the first of the endpoints, to which the statement is addressed.
    """
    if grant.account.road != "saml" or not grant.is_enforced_by_statement:
        raise AwsRefused("a grant with a session policy, or of an OIDC provider, never leaves the bridge as a form")
    return Departure(endpoints[0].saml, {"SAMLResponse": statement.text, "RelayState": destination})


def _console_host(partition: Partition, authority: str) -> str | None:
    """The console host that this authority names, or None."""
    if authority == partition.console_host:
        return authority if partition.has_global_console else None
    labels = authority.removesuffix(f".{partition.console_host}")
    if labels == authority:
        return None
    session, _, rest = labels.rpartition(".")
    if not _LABEL.fullmatch(rest) or (session and not _SESSION_LABEL.fullmatch(session)):
        return None
    return f"{rest}.{partition.console_host}"


def _session_of(credentials: AwsCredentials) -> str:
    return json.dumps(
        {
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
        }
    )


def _first_answer(
    fetch: Fetching, calls: AwsCalls, endpoints: Sequence[Endpoints], fields: Mapping[str, str]
) -> tuple[Endpoints, _Answer]:
    for one in endpoints[:-1]:
        with suppress(AwsUnreachable):
            return one, _post(fetch, calls, one, fields)
    return endpoints[-1], _post(fetch, calls, endpoints[-1], fields)


def _post(fetch: Fetching, calls: AwsCalls, endpoints: Endpoints, fields: Mapping[str, str]) -> _Answer:
    """Posted, since an address that held credentials would stand in logs on the way."""
    try:
        with calls.to(f"sign-in {endpoints.federation}") as call:
            answer = _posted(fetch, endpoints, fields)
            call.is_answered = True
            return answer
    except CircuitOpen as circuit:
        raise unreachable(f"the AWS sign-in service {circuit}", circuit.seconds) from None
    except (EndpointDown, AnswerUnusable) as failure:
        raise AwsUnreachable(f"the AWS sign-in service did not answer: {failure}") from None


def _posted(fetch: Fetching, endpoints: Endpoints, fields: Mapping[str, str]) -> _Answer:
    try:
        answer = fetch.fetch(
            endpoints.federation, method="POST", data=fields, networks=endpoints.networks, max_bytes=_MOST_BYTES
        )
    except AnswerUnusable:
        raise
    except ProviderUnreachable as failure:
        raise EndpointDown(failure.detail) from None
    if answer.status >= _SERVER_ERROR:
        raise EndpointDown(f"it answered {answer.status}")
    return answer


def _signin_token(answer: _Answer) -> str:
    """The token of the answer. The service refuses with 400 and no stable body; nothing else is documented of it."""
    if answer.status == _BAD_REQUEST:
        raise AwsRefused(f"the AWS sign-in service answered {answer.status} to getSigninToken")
    try:
        said = json.loads(answer.body) if answer.status == _OK else None
    except ValueError:
        said = None
    if said is None:
        raise AwsUnreachable(f"no sign-in token: {_told(answer)}")
    token = said.get("SigninToken") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token:
        raise AwsRefused("the AWS sign-in service answered without a SigninToken")
    return token


def _told(answer: _Answer) -> str:
    return foreign_answers.told(answer.status, answer.headers.get("content-type", ""), answer.body)
