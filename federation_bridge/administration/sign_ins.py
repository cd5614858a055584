"""Sign-ins as the audit has them, failed ones too: when, who as far as known, from where, and the cause in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from heapq import merge
from typing import Literal

from federation_bridge.audit import AuditQuery, Recorded, SignInFinished, SignInRefused, VerifiersDisagreed, printable
from federation_bridge.errors import BadRequest
from federation_bridge.shown_text import is_shown_text
from federation_bridge.store import Store

_REFUSED = (SignInRefused.name, VerifiersDisagreed.name)
Outcome = Literal["", "signed-in", "refused"]
OUTCOMES: Mapping[Outcome, tuple[str, ...]] = {
    "": (SignInFinished.name, *_REFUSED),
    "signed-in": (SignInFinished.name,),
    "refused": _REFUSED,
}
"""Which sign-ins may be asked for, and by which events each leaves its entry."""


MOST_OF_A_REFERENCE = 20
"""Sign-ins that are told whole under one reference number: mostly there is one."""


def outcome_of(word: str) -> Outcome:
    """Which outcome a word asks for, "" for all; BadRequest for any other word."""
    found = next((one for one in OUTCOMES if one == word), None)
    if found is None:
        raise BadRequest("the outcome of a sign-in is signed-in or refused")
    return found


def sign_ins(store: Store, query: AuditQuery, outcome: Outcome = "") -> Iterator[Recorded]:
    """Every sign-in that the query means, newest first, refusals that belong to nobody among them; Unavailable."""
    asked = (store.audit.found(replace(query, event=event)) for event in OUTCOMES[outcome])
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
