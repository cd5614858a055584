"""What is alive in AWS now, from the ledger; and who used an access key, from the audit, which is kept longer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.audit import GrantMade, GrantRedeemed, Recorded
from federation_bridge.errors import NotFound
from federation_bridge.model import LiveGrant, LiveGrantCursor, LiveGrantQuery
from federation_bridge.redaction import quoted
from federation_bridge.store import Store

_PAGE = 500
_ACCESS_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_OF_IAM_USERS = "AKIA"
"""How AWS begins access keys that have no end."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Whose session an access key belongs to, as it was granted."""

    access_key_id: str
    grant_id: str
    person: str
    """`connection/subject`, as the audit prints it."""
    account: str
    role: str
    session_name: str
    source_identity: str
    rule: str
    reason: str
    """What the person gave as the reason."""
    made_at: datetime
    ends_at: datetime
    reference: str
    """Of the request that brought the key."""
    address: str
    is_handed_out: bool
    """False: AWS issued something else than was granted, and nobody received it."""

    def is_alive(self, now: datetime) -> bool:
        """Whether the session has not ended yet by its own time."""
        return now < self.ends_at


def alive(store: Store, query: LiveGrantQuery) -> Iterator[LiveGrant]:
    """Everything that is alive and is asked for, what lives longest first, a page in memory at a time; Unavailable."""
    after: LiveGrantCursor | None = None
    while True:
        page, after = store.live_grants.living(query, _PAGE, after)
        yield from page
        if after is None:
            return


def use_of_key(store: Store, access_key_id: str) -> KeyUse:
    """Who used this access key: told for as long as the audit is kept, which is longer than the ledger.

    NotFound, with what that means, where the bridge has no such key in its books.
    """
    asked = access_key_id.strip()
    if not _ACCESS_KEY_ID.fullmatch(asked):
        raise NotFound(f"{quoted(asked)} is no access key id, such as ASIAEXAMPLEEXAMPLE12")
    sold = next(iter(store.audit.entries(access_key_id=asked, limit=1)), None)
    if sold is None:
        raise NotFound(_why_unknown(asked))
    grant_id = str(sold.details.get("grant_id", ""))
    made = next(iter(store.audit.entries(grant_id=grant_id, event=GrantMade.name, limit=1)), None) if grant_id else None
    if made is None or "expires_at" not in sold.details or not made.details.get("account"):
        told = f"{sold.at:%Y-%m-%d %H:%M} UTC, reference {sold.reference}"
        raise NotFound(f"{asked} was given out on {told}; whose it is was erased from the audit, or archived")
    return _use(asked, sold, made)


def _why_unknown(asked: str) -> str:
    if asked.startswith(_OF_IAM_USERS):
        return f"{asked} is the key of an IAM user: the bridge gives out none of these, and AWS alone knows whose it is"
    return (
        f"the bridge received no key {asked}: it is of another source, its entry was archived, or AWS issued it for a "
        "statement that was handed over, whose keys nobody tells us (CloudTrail's sourceIdentity names the person)"
    )


def _use(asked: str, sold: Recorded, made: Recorded) -> KeyUse:
    names = ("account", "role", "session_name", "source_identity", "rule", "reason")
    granted: dict[str, str] = {name: str(made.details.get(name, "")) for name in names}
    return KeyUse(
        access_key_id=asked,
        grant_id=str(made.details["grant_id"]),
        person=made.person,
        made_at=made.at,
        ends_at=datetime.fromisoformat(str(sold.details["expires_at"])),
        reference=made.reference,
        address=made.address,
        is_handed_out=sold.event == GrantRedeemed.name,
        **granted,
    )
