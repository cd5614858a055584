"""Our AWS-SAML keys in the accounts' SAML providers: whether AWS believes the ones that we publish, and how it learns.

Everything goes with the AWS credentials of whoever runs the command; the bridge has none that write (ADR 68).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from federation_bridge.administration.account_plans import ours
from federation_bridge.audit import AuditQuery, Entry, KeyRetired, ProviderUpdateAsked, ProviderUpdateSettled
from federation_bridge.aws.account_access import Unanswered
from federation_bridge.aws.provider_check import (
    UNREADABLE,
    Compared,
    RealSamlProvider,
    compared,
    key_name,
    of_encryption,
    of_end,
)
from federation_bridge.errors import Unavailable
from federation_bridge.model import Account, Clock, RequestOrigin
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store

_OPERATOR = RequestOrigin(reference="operator")
_PAUSES = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each look at what was written: IAM may tell the state from before for a while."""

State = Literal["current", "to update", "no such provider", "left alone", "could not"]


class Reached(Protocol):
    """An account's SAML provider. Each call may raise Unanswered."""

    def read(self) -> RealSamlProvider:
        """As it stands there now."""

    def update(self, metadata: str) -> None:
        """Puts this document in place of the one before; nothing else of the provider changes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the SAML provider of an account stands to the keys that we publish."""

    account: str
    provider: str
    state: State
    told: str = ""
    """What is wrong, and why; nothing where it is current."""
    lacks: tuple[str, ...] = ()
    """Keys of ours that AWS does not believe."""
    believes: tuple[str, ...] = ()
    """Keys that AWS believes, and we do not publish."""
    is_updated: bool = False
    """Whether AWS took our metadata just now."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """What these verbs work with."""

    settings: Settings
    keys: KeyRing
    reach: Callable[[Account], AbstractContextManager[Reached]]
    clock: Clock
    pause: Callable[[float], None]
    retired: frozenset[str] = frozenset()
    """What the audit says of old keys, so that they can be named as such."""


def retired_keys(store: Store) -> frozenset[str]:
    """The AWS-SAML keys that the audit knows to be retired. Unavailable."""
    told = store.audit.found(AuditQuery(event=KeyRetired.name))
    return frozenset(str(one.details["kid"]) for one in told if one.details["purpose"] == Purpose.AWS_SAML.value)


def standing(publishing: Publishing, account: Account) -> Standing:
    """How this account's SAML provider stands now; changes nothing, and never raises for AWS."""
    try:
        with publishing.reach(account) as provider:
            return _judged(publishing, account, provider.read())[0]
    except Unanswered as problem:
        return _unanswered(account, problem)


def publish(publishing: Publishing, store: Store, account: Account) -> Standing:
    """Brings the keys that we publish now to this account's SAML provider, where it does not have them; audited.

    A provider with metadata of somebody else is left alone. The first entry stands before AWS is asked, the second
    tells what came of it. Unavailable: the audit takes nothing, and nothing was changed, or the sentence says so.
    """
    try:
        with publishing.reach(account) as provider:
            found, _ = _judged(publishing, account, provider.read())
            return _brought(publishing, store, account, provider) if found.state == "to update" else found
    except Unanswered as problem:
        return _unanswered(account, problem)


def _brought(publishing: Publishing, store: Store, account: Account, provider: Reached) -> Standing:
    # Made now: of many accounts this may be the last one, and a key that was retired meanwhile must not come back.
    document = _metadata(publishing, account)
    kids = _names(compared(document, document).published)
    asked = ProviderUpdateAsked(account.id, account.provider_arn, kids)
    store.audit.record(Entry(publishing.clock(), _OPERATOR, asked))
    held: tuple[str, ...] = ()
    try:
        provider.update(document)
    except Unanswered as problem:
        found = _unanswered(account, problem)
        if not problem.code:  # it may have come there, and its answer not here
            found = replace(found, told=f"{found.told}; whether AWS took our keys, another run tells")
    else:
        found, held = _read_back(publishing, account, provider)
    settled = ProviderUpdateSettled(account.id, account.provider_arn, found.state, found.told, held)
    try:
        store.audit.record(Entry(publishing.clock(), _OPERATOR, settled))
    except Unavailable as failure:
        told = f"account {account.id} was asked to believe our keys, and the audit did not take what came of it"
        raise Unavailable(f"{told}: {failure.detail}") from None
    return found


def _read_back(publishing: Publishing, account: Account, provider: Reached) -> tuple[Standing, tuple[str, ...]]:
    for pause in _PAUSES:
        publishing.pause(pause)
        try:
            found, held = _judged(publishing, account, provider.read())
        except Unanswered as problem:
            found, held = (
                _could_not(account, f"AWS took our keys, and does not tell what it has now: {problem}"),
                (),
            )
            break
        if found.state != "to update":
            break
    return replace(found, is_updated=True), held


def _judged(publishing: Publishing, account: Account, real: RealSamlProvider) -> tuple[Standing, tuple[str, ...]]:
    """How it stands, and the keys that it holds."""
    try:
        found = compared(_metadata(publishing, account), real.metadata)
    except ValueError:
        return _could_not(account, UNREADABLE), ()
    held = _names(found.held)
    if not found.is_ours:
        return Standing(account.id, account.provider_arn, "left alone", found.others()), held
    lacks, believes = _names(found.lacking), _names(found.foreign)
    wrong = (*_of_keys(found, publishing.retired), *(sentence for _, sentence in of_end(real)))
    state: State = "to update" if wrong else "current"
    if not wrong and (wrong := tuple(sentence for _, sentence in of_encryption(real))):
        state = "could not"
    return Standing(account.id, account.provider_arn, state, "; ".join(wrong), lacks, believes), held


def _of_keys(found: Compared, retired: frozenset[str]) -> Iterator[str]:
    for name in _names(found.lacking):
        yield f"lacks key {name}"
    for name in _names(found.foreign):
        yield (
            f"still believes the retired key {name}"
            if name in retired
            else (f"believes key {name}, which the bridge does not publish")
        )


def _metadata(publishing: Publishing, account: Account) -> str:
    return ours(publishing.settings, publishing.keys, [account])["metadata"]


def _names(keys: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(key_name(one) for one in keys)


def _unanswered(account: Account, problem: Unanswered) -> Standing:
    if problem.code == "NoSuchEntity":
        told = "`federation-bridge aws onboard` makes it"
        return Standing(account.id, account.provider_arn, "no such provider", told)
    return _could_not(account, str(problem))


def _could_not(account: Account, why: str) -> Standing:
    return Standing(account.id, account.provider_arn, "could not", why)
