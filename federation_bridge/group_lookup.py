"""When a directory is asked for somebody's groups, and what becomes of its answer (ADR 31)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from federation_bridge import audit
from federation_bridge.directories import Directory, told_by
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.model import Arrival, Caller, Clock, Groups, Identity, RequestOrigin

Settle = Callable[[Identity, RequestOrigin], None]
"""Gives all sessions of a person the groups that were told here by now."""


class GroupLookup:
    """When a directory is asked: at an arrival, and never by itself within a session."""

    def __init__(self, directories: Mapping[str, Directory], clock: Clock, settle: Settle | None = None) -> None:
        """`directories`: by the connection whose people each knows. `settle`: see `settled`."""
        self._directories = directories
        self._settle = settle
        self._clock = clock

    def at_arrival(self, arrival: Arrival, take: Callable[[], None]) -> tuple[Arrival, tuple[audit.Event, ...]]:
        """The arrival with its groups completed, and what the audit says of that.

        Asked is where the sign-in could not tell all, or where the directory has a say about every sign-in.

        `take` spends the sign-in before the directory is asked: an answer that is sent again and again asks once. A
        directory that cannot be asked leaves the groups as they were told, and a gap never grants. Raises what `take`
        raises, and SignInRejected where the directory says so.
        """
        identity = arrival.identity
        directory = self._directories.get(identity.connection)
        if directory is None or (identity.groups.why_incomplete is None and not directory.is_asked_always):
            return arrival, ()
        take()
        try:
            groups = told_by(directory, identity, self._clock)
        except ProviderUnreachable as failure:
            return arrival, (_failed(failure),)
        if replace(groups, as_of=identity.groups.as_of) == identity.groups:
            return arrival, ()  # it adds nothing: the groups are those of the sign-in
        completed = replace(arrival, identity=replace(identity, groups=groups))
        return completed, (_looked_up(identity.groups, groups),)

    def settled(self, caller: Caller) -> None:
        """Compares a session that has just begun with what was told meanwhile, so that no lost group stays in it.

        A change that was made between the look at an arrival and the session's first row found no session to change.
        """
        if self._settle is not None:
            self._settle(caller.session.identity, caller.origin)


def _looked_up(held: Groups, told: Groups) -> audit.Event:
    before, now = set(held.names), set(told.names)
    return audit.GroupsLookedUp(
        groups=len(now), groups_gap=told.why_incomplete or "", gained=len(now - before), lost=len(before - now)
    )


def _failed(failure: ProviderUnreachable) -> audit.Event:
    return audit.GroupsNotLookedUp(reason=failure.detail, code=failure.code)
