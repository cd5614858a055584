"""Two ways into the AWS console: a login link made with credentials, and a form that posts our assertion itself.

Either leads only to a page of the partition's own console (attack L05).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlencode

from federation_bridge.aws import foreign_answers
from federation_bridge.aws.calls import AwsCalls, CircuitOpen, EndpointDown, unreachable
from federation_bridge.aws.partitions import PARTITIONS, Partition, sign_in_of
from federation_bridge.aws.statement import Statement
from federation_bridge.console_pages import checked_page
from federation_bridge.errors import AnswerUnusable, AwsRefused, AwsUnreachable, ProviderUnreachable
from federation_bridge.model import Account, AwsCredentials, Departure, Grant

LINK_LIVES = timedelta(minutes=15)
"""How long a login link is good (IAM: enabling custom identity broker access)."""
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_MOST_BYTES = 64_000
"""A sign-in token has a few thousand."""
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
    sign_out: str = ""
    """Where a browser signs out and is led on; "" where no such place is known."""

    @classmethod
    def of(cls, account: Account, local_endpoint: str | None) -> tuple[Endpoints, ...]:
        """Those of the account, the first before the others.

        `local_endpoint` as in the settings, already held to be on this machine.
        """
        if local_endpoint is None:
            partition = PARTITIONS[account.partition]
            out = f"https://{partition.signs_out_at}/oauth" if partition.signs_out_at else ""
            return tuple(cls(one.federation, one.saml_acs, sign_out=out) for one in sign_in_of(account))
        here = local_endpoint.rstrip("/")
        return (cls(f"{here}/federation", f"{here}/saml", _LOOPBACK, f"{here}/oauth"),)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a person wants the console to be opened."""

    signs_out_first: bool = False
    """The browser signs out of the console before: without AWS's multi-session a second role ends in a refusal."""


PLAINLY = Manner()


def checked_destination(partition: Partition, text: str, region: str) -> str:
    """The page of this partition's console that `text` names, as `console_pages.checked_page` does."""
    return checked_page(partition.name, text, region)


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


def signed_out_first(departure: Departure, endpoints: Sequence[Endpoints], partition: Partition) -> Departure:
    """The same sign-in link, behind AWS's sign-out; as it is where no sign-out is known to lead on."""
    out = endpoints[0].sign_out
    if not out:
        return departure
    # The sign-out leads on to a region's host alone: that of the home region is the partition's own by another name.
    link = departure.url.replace(f"https://{partition.signin_host}/", f"https://{partition.signs_out_at}/", 1)
    return Departure(f"{out}?{urlencode({'Action': 'logout', 'redirect_uri': link})}")


def saml_form(grant: Grant, statement: Statement, destination: str, endpoints: Sequence[Endpoints]) -> Departure:
    """A form that posts the assertion from the browser; AwsRefused for a grant that AWS would not enforce in full.

    It leads to the first of the endpoints, to which the statement is addressed.
    """
    if grant.account.road != "saml" or not grant.is_enforced_by_statement:
        raise AwsRefused("a grant with a session policy, or of an OIDC provider, never leaves the bridge as a form")
    return Departure(endpoints[0].saml, {"SAMLResponse": statement.text, "RelayState": destination})


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
