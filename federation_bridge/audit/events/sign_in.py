"""SignIn → Identity: whether an identity provider's answer was believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class SignInFinished(Event):
    """The identity provider's answer was believed and a session began."""

    name: ClassVar[str] = "sign_in.finished"
    message_id: str
    response_id: str
    groups: int
    """How many groups the answer named; which ones decided stands in `grant.made`."""
    groups_gap: str = ""
    """Why these are not all groups, or some were left out."""
    unsolicited: bool = False
    message_issuer: str = ""
    authn_methods: tuple[str, ...] = ()
    checks: Mapping[str, object] = field(default_factory=dict)
    """The checks of `sign_in_checks` by their verdict: `passed`, `failed`, `not_reached`."""
    received: Mapping[str, object] = field(default_factory=dict)
    """What the answer said of itself (`model.Received`), bounded; its values as `audit.sign_in_values` says."""


@dataclass(frozen=True, slots=True)
class SignInRefused(Event):
    """The answer was not believed, or belongs to no sign-in of this browser."""

    name: ClassVar[str] = "sign_in.refused"
    reason: str
    code: str
    checks: Mapping[str, object] = field(default_factory=dict)
    received: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerifiersDisagreed(Event):
    """Our verifier accepted a message that the second opinion refused: somebody should look at it."""

    name: ClassVar[str] = "sign_in.verifiers_disagreed"
    reason: str
    code: str = "sign_in_rejected"
    checks: Mapping[str, object] = field(default_factory=dict)
    received: Mapping[str, object] = field(default_factory=dict)
