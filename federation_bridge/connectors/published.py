"""What identity providers publish, fetched; what an administrator has to mend is told apart from what passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from federation_bridge.errors import (
    AnswerUnusable,
    BridgeError,
    ConfigurationInvalid,
    ConnectionMisconfigured,
    ProviderUnreachable,
    SignInRejected,
)
from federation_bridge.outgoing import Outgoing

_OK = 200
_PASSES = frozenset({408, 421, 425, 429})
"""Of the statuses that blame the request, those that another try may change."""
_BLAMES_THE_REQUEST = range(400, 500)


def fetched(
    outgoing: Outgoing,
    setting: str,
    url: str,
    *,
    networks: Sequence[str],
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The document at this address, which follows from `setting`.

    ProviderUnreachable where trying again may help, ConnectionMisconfigured where it will not.
    """
    try:
        answer = outgoing.fetch(url, headers=headers, networks=networks, max_bytes=max_bytes)
    except AnswerUnusable as refusal:
        raise ConnectionMisconfigured(f"`{setting}`: {refusal.detail}") from None
    if answer.status == _OK:
        return answer.body
    told = f"`{setting}`: {url} answered {answer.status}"
    if answer.status in _BLAMES_THE_REQUEST and answer.status not in _PASSES:
        raise ConnectionMisconfigured(f"{told}: is the address right, and may we read it without signing in?")
    raise ProviderUnreachable(told)


def is_to_be_mended(problem: BridgeError) -> bool:
    """Whether an administrator has to change something: then it is no use to say "please try again"."""
    return isinstance(problem, ConnectionMisconfigured | ConfigurationInvalid | SignInRejected)


def lacking(detail: str, *, is_misconfigured: bool) -> ProviderUnreachable:
    """The refusal of who needs a document that is not to be had."""
    return ConnectionMisconfigured(detail) if is_misconfigured else ProviderUnreachable(detail)
