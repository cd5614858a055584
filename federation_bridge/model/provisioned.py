"""ProvisionedUser and ProvisionedGroup: whom an identity provider told of by SCIM, before or after they sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProvisionedUser:
    """A User as a connection's SCIM client told it (RFC 7643 section 4.1)."""

    connection: str
    id: str
    """Ours, for the client to name this user by; says nothing of the person."""
    user_name: str
    external_id: str | None
    is_active: bool
    """False: disabled at the identity provider. What is not said counts as active."""
    resource: str = field(repr=False)
    """The rest of what was told, as JSON. Decides nothing."""
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ProvisionedGroup:
    """A Group as a connection's SCIM client told it (RFC 7643 section 4.2). Its members are kept beside it."""

    connection: str
    id: str
    display_name: str
    external_id: str | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ScimToken:
    """A bearer token of a connection's SCIM client. What opens the door is not here: only its hash is kept."""

    connection: str
    id: str
    made_at: datetime
    last_used_at: datetime | None
    """As exactly as a minute; None: never."""
