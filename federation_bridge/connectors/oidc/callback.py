"""The provider's answer as it comes through the browser (RFC 6749 4.1.2, RFC 9207): one reading of it, or none."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from federation_bridge.connectors.not_assigned import tells_not_assigned
from federation_bridge.errors import (
    BridgeError,
    ConnectionMisconfigured,
    InteractionRequired,
    NotAssigned,
    NotAuthenticatedAsAsked,
    ProviderUnreachable,
    SignInDeclined,
    SignInRejected,
)
from federation_bridge.model import Callback, SignIn
from federation_bridge.shown_text import quoted
from federation_bridge.sign_in_checks import check

_TOKENS = frozenset({"id_token", "access_token", "response", "token_type"})
"""Answers of response types that we never ask for (attack I19)."""
_KINDS: Mapping[str, type[BridgeError]] = {
    **dict.fromkeys(("server_error", "temporarily_unavailable"), ProviderUnreachable),
    **dict.fromkeys(("unauthorized_client", "invalid_scope", "unsupported_response_type"), ConnectionMisconfigured),
    **dict.fromkeys(
        ("login_required", "interaction_required", "account_selection_required", "consent_required"),
        InteractionRequired,
    ),
    "unmet_authentication_requirements": NotAuthenticatedAsAsked,
    "access_denied": SignInDeclined,
}
"""Errors (RFC 6749 4.1.2.1; OpenID Connect Core 3.1.2.6; OpenID Connect Core Error Code
unmet_authentication_requirements 1.0) that say whether trying again helps. They come by the browser: only words hang on
them, and whether who was asked silently is led there once more."""
_LONGEST_CODE = 4096
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """The authorization code, which `repr` hides, and the issuer that the answer names, where it names one."""

    code: str = field(repr=False)
    issuer: str | None = None


def read_answer(
    callback: Callback,
    sign_in: SignIn,
    *,
    response_mode: Literal["query", "form_post"],
    issuers: Collection[str],
    announces_iss: bool,
) -> Answer:
    """The code that answers this sign-in. SignInRejected where the answer came another way than we asked, repeats
    a parameter, belongs to another sign-in or issuer, or is an error; the error's text is for the log alone. Some
    errors pass (ProviderUnreachable), some are of settings (ConnectionMisconfigured).
    """
    with check("response mode"):
        parameters = _parameters(callback, response_mode)
    with check("state"):
        _check_state(parameters, sign_in)
    with check("iss of the answer"):
        _check_issuer(parameters, issuers, announces_iss=announces_iss)
    with check("code"):
        return Answer(_code(parameters), parameters.get("iss"))


def _check_state(parameters: Mapping[str, str], sign_in: SignIn) -> None:
    state = parameters.get("state", "")
    if not hmac.compare_digest(state.encode("utf-8", "surrogatepass"), sign_in.handle.encode()):
        # Neither state is told: whoever knows the one that is expected could make use of it.
        told = "is another one than was sent" if state else "is missing"
        raise SignInRejected(f"answer: is not of this sign-in: its state {told}")


def _code(parameters: Mapping[str, str]) -> str:
    if "error" in parameters:
        said = f"{parameters['error'][:80]!r}: {parameters.get('error_description', '')[:300]!r}"
        kind = _KINDS.get(parameters["error"], SignInRejected)
        if kind is SignInDeclined and tells_not_assigned(parameters.get("error_description", "")):
            kind = NotAssigned
        raise kind(f"answer: the identity provider refused: {said}")
    surprises = sorted(_TOKENS & parameters.keys())
    if surprises:
        raise SignInRejected(f"answer: carries {surprises!r}, though a code was asked for")
    code = parameters.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE or not code.isascii() or not code.isprintable():
        raise SignInRejected("answer: carries no usable code")
    return code


def _parameters(callback: Callback, response_mode: str) -> dict[str, str]:
    if response_mode == "query":
        right_way = callback.method == "GET" and not callback.form
        pairs = callback.query
    else:
        media_type = callback.content_type.split(";")[0].strip().lower()
        right_way = callback.method == "POST" and not callback.query and media_type == _FORM
        pairs = callback.form
    if not right_way:
        came = f"by {quoted(callback.method, 20)}, as {quoted(callback.content_type, 80)}"
        raise SignInRejected(f"answer: did not come as {response_mode}, but {came}")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise SignInRejected("answer: a parameter stands twice")
    return parameters


def _check_issuer(parameters: dict[str, str], issuers: Collection[str], *, announces_iss: bool) -> None:
    """The answer names its issuer where the provider announced that it does (RFC 9207 2.4; attack I16)."""
    if "iss" not in parameters and not announces_iss:
        return
    if parameters.get("iss") not in issuers:
        wanted = " or ".join(quoted(one) for one in issuers)
        raise SignInRejected(
            f"answer: its issuer {quoted(parameters.get('iss'))} is not this connection's, which is {wanted}"
        )
