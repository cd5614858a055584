"""What the service's own user of PostgreSQL may do, where another user owns the tables: what it does, and no more.

Whoever takes over the service has its database user too. Then still nobody can change the audit's past, the versions of
the rules and the names of AWS sessions, make or drop a table, or switch off a trigger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from federation_bridge.store.tables import (
    AUDIT,
    AUDIT_SEALS,
    METADATA,
    RESTORATIONS,
    RULEBOOK_IN_FORCE,
    RULEBOOK_PROPOSALS,
    RULEBOOK_VERSIONS,
    SERVICE_MARKS,
    SESSION_NAMES,
)

_LOOKS_AND_ADDS = ("SELECT", "INSERT")
_CHANGES = (*_LOOKS_AND_ADDS, "UPDATE")
_ALL = (*_CHANGES, "DELETE")

_LESS = {
    AUDIT.name: _LOOKS_AND_ADDS,
    RULEBOOK_VERSIONS.name: _LOOKS_AND_ADDS,
    RESTORATIONS.name: _LOOKS_AND_ADDS,
    SESSION_NAMES.name: _LOOKS_AND_ADDS,
    AUDIT_SEALS.name: _CHANGES,
    RULEBOOK_IN_FORCE.name: _CHANGES,
    RULEBOOK_PROPOSALS.name: _CHANGES,
    SERVICE_MARKS.name: _CHANGES,
}
_STEPS = "alembic_version"
SEQUENCES = ("audit_number_seq", "refusals_number_seq")


def rights(*, archives: bool = False) -> Mapping[str, tuple[str, ...]]:
    """Of each table what the service needs; `archives`: it deletes entries of the audit that were archived."""
    each = {name: _LESS.get(name, _ALL) for name in sorted(METADATA.tables)} | {_STEPS: ("SELECT",)}
    # Triggers allow nothing but what was sealed and archived.
    return each | ({AUDIT.name: (*_LOOKS_AND_ADDS, "DELETE")} if archives else {})


def statements(user: str, *, archives: bool = False) -> Iterator[str]:
    """What gives these rights to this user (a quoted name), and takes every other one away."""
    for table, allowed in rights(archives=archives).items():
        yield f"REVOKE ALL ON {table} FROM {user}"
        yield f"GRANT {', '.join(allowed)} ON {table} TO {user}"
    for sequence in SEQUENCES:
        yield f"GRANT USAGE ON SEQUENCE {sequence} TO {user}"
