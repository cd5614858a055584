"""The bridge's authorization server as this computer sees it: its metadata (RFC 8414) and what its refusals mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import BridgeRefused, BridgeUnreachable, CommandFailed, LoginRefused
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.token_store import StoredSession

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_EARLY = 30
"""Seconds before its end at which an access token is no longer used."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to ask for what. Every address lies at the bridge's own (attack N11)."""

    authorization: str
    token: str
    device: str
    revocation: str


def discover(context: Context) -> Endpoints:
    """The endpoints of the bridge.

    Raises:
        BridgeUnreachable: no bridge answers there, or one of another name or with foreign addresses (RFC 8414 3.3).
    """
    answer = context.http.get(f"{context.address}/.well-known/oauth-authorization-server")
    if not answer.is_ok or answer.text("issuer").rstrip("/") != context.address:
        told = say("{address} is not a bridge that command lines can sign in to.", address=context.address)
        raise BridgeUnreachable(told)
    names = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "revocation_endpoint")
    found = [answer.text(name) for name in names]
    if foreign := [url for url in found if url and not (context.http.is_ours(url) and url.isprintable())]:
        raise BridgeUnreachable(say("The bridge names an address that is not its own: {url}", url=foreign[0][:200]))
    return Endpoints(*found)


def ask_for_tokens(context: Context, endpoints: Endpoints, key: DpopKey, fields: dict[str, str]) -> Answer:
    """What the token endpoint answers. A proof that our clock spoiled is made again by the bridge's."""
    answer = _post(context, endpoints, key, fields)
    if answer.text("error") == "invalid_dpop_proof" and context.http.clock_offset:
        answer = _post(context, endpoints, key, fields)
    return answer


def _post(context: Context, endpoints: Endpoints, key: DpopKey, fields: dict[str, str]) -> Answer:
    now = context.clock() + context.http.clock_offset
    proof = key.proof("POST", endpoints.token, now)
    return context.http.post_form(endpoints.token, {**context.client, **fields}, {"DPoP": proof})


def stored_session(context: Context, key: DpopKey, answer: Answer) -> StoredSession:
    """The session that a token answer begins or renews (RFC 6749 5.1, RFC 9449 5).

    Raises:
        CommandFailed: the answer is a refusal, or tokens that are not bound to our key.
    """
    if not answer.is_ok:
        raise refusal(answer)
    access, refresh = answer.text("access_token"), answer.text("refresh_token")
    if not access or not refresh or answer.text("token_type").lower() != "dpop":
        raise BridgeUnreachable(say("The bridge answered with tokens that cannot be used."))
    ends_at = context.clock() + timedelta(seconds=answer.number("expires_in", 60) - _EARLY)
    return StoredSession(context.address, access, ends_at.timestamp(), refresh, key.text())


def refusal(answer: Answer) -> CommandFailed:
    """The failure that a refusing answer of the token endpoints means, in words (RFC 6749 5.2, RFC 8628 3.5)."""
    if answer.is_ok:
        return BridgeUnreachable(say("The bridge's answer was cut off or missing. Please try again."))
    code = answer.text("error")
    sentences = {
        "access_denied": say("The sign-in was refused in the browser."),
        "expired_token": say("Nobody approved the sign-in in time. Please start again."),
        "invalid_grant": say("This sign-in is no longer valid. Please start again: fedbridge login"),
        "unauthorized_client": say("The bridge's operator has switched off this way of signing in. Try the other one."),
        "invalid_dpop_proof": say("The bridge did not accept this computer's proof. See fedbridge doctor."),
        "invalid_scope": say("The bridge does not know this kind of sign-in. Is its release older than yours?"),
        "slow_down": say("The bridge gets too many requests. Please wait a moment and start again."),
    }
    if code in sentences:
        return LoginRefused(sentences[code])
    what = answer.text("error_description") or code or str(answer.status)
    return BridgeRefused(say("The bridge refused: {what}", what=what[:300]))
