"""The directory that identity providers fill by SCIM: it asks nobody, for what they told lies here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from federation_bridge.errors import SignInRejected
from federation_bridge.model import Groups, Identity


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of somebody who signs in."""

    is_active: bool
    complete: Callable[[Groups], Groups]
    """What becomes of the groups that the sign-in told."""


class ProvisionedDirectory:
    """A `Directory`. Where the settings say so, nobody is admitted of whom nothing was told."""

    def __init__(self, told_of: Callable[[Identity], Told | None], *, known_only: bool, is_source: bool) -> None:
        """`is_source`: its groups alone count, whatever a sign-in told."""
        self._told_of = told_of
        self._known_only = known_only
        self._is_source = is_source

    @property
    def is_asked_always(self) -> bool:
        """Whether it has a say about a sign-in that told all groups too."""
        return self._known_only or self._is_source

    def groups_of(self, identity: Identity) -> Groups:
        """The person's groups; SignInRejected where only people are admitted who were told of, and are active."""
        told = self._told_of(identity)
        if self._known_only and told is None:
            raise SignInRejected("SCIM has not told of this person, and the connection admits nobody else")
        if self._known_only and told is not None and not told.is_active:
            raise SignInRejected("SCIM has told that this person is disabled")
        if told is not None:
            return told.complete(identity.groups)
        if self._is_source:
            return Groups(gap="SCIM tells the groups, and has not told of this person")
        return identity.groups
