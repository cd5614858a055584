"""Sign-ins as the audit has them, failed ones too: when, who as far as known, from where, and the cause in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import merge

from federation_bridge.audit import AuditQuery, Recorded, SignInFinished, SignInRefused, VerifiersDisagreed, printable
from federation_bridge.shown_text import is_shown_text
from federation_bridge.store import Store

_EVENTS = (SignInFinished.name, SignInRefused.name, VerifiersDisagreed.name)


def sign_ins(store: Store, query: AuditQuery) -> Iterator[Recorded]:
    """Every sign-in that the query means, newest first, refusals that belong to nobody among them; Unavailable."""
    asked = (store.audit.found(replace(query, event=event)) for event in _EVENTS)
    return merge(*asked, key=lambda row: row.at, reverse=True)


def line_of(row: Recorded) -> str:
    """One sign-in for people to read, on one line."""
    details = row.details
    if row.event == SignInFinished.name:
        methods = details.get("authn_methods") or ()
        gap = f", incomplete: {details['groups_gap']}" if details.get("groups_gap") else ""
        how = f", by {' '.join(map(str, methods))}" if isinstance(methods, list | tuple) and methods else ""
        verdict = f"signed in with {details.get('groups', 0)} groups{gap}{how}"
    else:
        verdict = f"refused ({details.get('code', '')}): {details.get('reason', '')}"
    who = row.person or f"{row.connection}/?"
    parts = (f"{row.at:%Y-%m-%d %H:%M:%S} UTC", who, verdict, f"reference {row.reference}", f"from {row.address}")
    # Entries are printable already; a row that somebody put into the database may not be.
    return "  ".join(part if is_shown_text(part) else printable(part) for part in parts)
