"""Where a source identity became somebody else's as well while an end was written, session names are denied instead."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from federation_bridge.model import LiveGrant, Revocation, RevocationState
from federation_bridge.store import Store


def told_apart(store: Store, kept: Sequence[Revocation]) -> list[Revocation]:
    """The same ends, but one that would cover somebody else too is replaced by ends of the person's session names.

    To be called before AWS is first told. It misses a line of the ledger that began before the end was committed and is
    committed only after this look. A node that is killed in between leaves old and new: the next one removes the old.
    """
    known = {one.id for one in kept}
    found: list[Revocation] = []
    for one in kept:
        if not _means_somebody_else(store, one):
            found.append(one)
            continue
        named = _by_session_names(store, one)
        store.revocations.add(each for each in named if each.id not in known)
        store.revocations.remove([one])
        found += [each for each in named if each.id not in known]
    return found


def _means_somebody_else(store: Store, one: Revocation) -> bool:
    if one.kind != "person" or not one.source_identity or one.state is not RevocationState.ENDING:
        return False
    alike = store.live_grants.of_source_identity(one.account, one.source_identity)
    return any(live.person != one.person and live.made_at < one.issued_before for live in alike)


def _by_session_names(store: Store, one: Revocation) -> list[Revocation]:
    names = {live.session_name for live in store.live_grants.of_person(one.person) if _is_meant(one, live)}
    return [replace(one, id=_id(one, name), source_identity="", session_name=name) for name in sorted(names)]


def _is_meant(one: Revocation, live: LiveGrant) -> bool:
    return (live.account, live.source_identity) == (one.account, one.source_identity)


def _id(one: Revocation, name: str) -> str:
    """The same id on each node: two that do this at once write one row."""
    return hashlib.sha256(f"{one.id} {name}".encode()).hexdigest()[:32]
