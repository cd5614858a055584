"""One connection to an identity provider: the interface that the other parts use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from federation_bridge.connectors.authentication_methods import AuthenticationMethods
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.connectors.standing import Standing
from federation_bridge.model import Arrival, Callback, Departure, SignIn


class Connector(Protocol):
    """One connection to an identity provider."""

    connection: str
    """Its name in settings, rules and addresses."""
    title: str
    """What people read on the choice page."""
    methods: AuthenticationMethods
    """What its provider can be asked for, and be held to."""
    refresher: Refresher
    """Keeps what the provider publishes fresh; started and stopped by the process that serves."""

    def depart(self, sign_in: SignIn) -> Departure:
        """The way to the identity provider; raises ProviderUnreachable."""

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None], /) -> Arrival:
        """Who has come back; None: unsolicited. Raises SignInRejected, ProviderUnreachable.

        `take` takes the sign-in, once for all nodes, or raises SignInExpired: to be called before the provider is asked
        anything about this answer, so that one sign-in asks once. A connector that asks nothing need not call it.
        """

    def sign_out(self, material: Mapping[str, str], handle: str, /) -> Departure | None:
        """The way to sign out at the identity provider; None where it offers none. ProviderUnreachable.

        `material`: what the arrival asked to keep; `handle`: unguessable, and told again by the answer.
        """

    def recheck(self, material: Mapping[str, str], /) -> dict[str, str] | None:
        """Asks the provider again whether a session may go on, and gives the material to keep; None: it cannot be asked
        without the person. GrantEnded where it may not; ProviderUnreachable.
        """

    def standing(self) -> Standing:
        """What waits for an administrator, and what ends; nothing is fetched. Unavailable as the store."""

    def refresh(self) -> str:
        """Looks now at what the provider publishes; gives what is wrong, or nothing. Unavailable as the store."""

    def watch(self) -> None:
        """Follows its files, where it has any. Cheap: called each second, beside the requests."""
