"""When a directory is asked for somebody's groups, and what becomes of its answer (ADR 31)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from federation_bridge import audit
from federation_bridge.audit import AuditLog, Entry
from federation_bridge.directories import Directory, told_by
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.model import Arrival, Caller, Clock, Groups, Identity, RequestOrigin
from federation_bridge.store import Store

Settle = Callable[[Identity, RequestOrigin], None]
"""Gives all sessions of a person the groups that were told here by now."""


class GroupLookup:
    """The two moments at which a directory is asked: at an arrival, and anew within a session."""

    def __init__(
        self,
        directories: Mapping[str, Directory],
        store: Store,
        audit_log: AuditLog,
        clock: Clock,
        settle: Settle | None = None,
    ) -> None:
        """`directories`: by the connection whose people each knows. `settle`: see `settled`."""
        self._directories = directories
        self._settle = settle
        self._store = store
        self._audit = audit_log
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

    def within(self, caller: Caller) -> Groups:
        """The caller's groups as their directory tells them now, or as they are where there is none.

        All sessions and command lines of the person hold them from then on, with the audit entry. Raises what
        `Directory.groups_of` raises; then all stays as it was, and that is audited.
        """
        identity = caller.session.identity
        directory = self._directories.get(identity.connection)
        if directory is None:
            return identity.groups
        try:
            groups = told_by(directory, identity, self._clock)
        except ProviderUnreachable as failure:
            self._audit.record(self._entry_of(caller, _failed(failure)))
            failure.is_recorded = True
            raise
        entry = self._entry_of(caller, _looked_up(identity.groups, groups))
        self._store.held_groups.replace(identity.person, groups, groups.as_of or self._clock(), entry)
        return groups

    def _entry_of(self, caller: Caller, event: audit.Event) -> Entry:
        identity = caller.session.identity
        return Entry(self._clock(), caller.origin, event, person=identity.person, connection=identity.connection)


def _looked_up(held: Groups, told: Groups) -> audit.Event:
    before, now = set(held.names), set(told.names)
    return audit.GroupsLookedUp(
        groups=len(now), groups_gap=told.why_incomplete or "", gained=len(now - before), lost=len(before - now)
    )


def _failed(failure: ProviderUnreachable) -> audit.Event:
    return audit.GroupsNotLookedUp(reason=failure.detail, code=failure.code)
