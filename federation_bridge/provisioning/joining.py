"""Which person a SCIM user is: joined by an attribute that the settings state, and never by a likeness."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.model import ProvisionedGroup, ProvisionedUser
from federation_bridge.settings import Connection, OidcConnection, Scim
from federation_bridge.store.provisioned import Asked


@dataclass(frozen=True, slots=True)
class Joining:
    """How one connection's SCIM users and groups are named elsewhere."""

    connection: str
    scim: Scim
    prefix: str
    """What stands before the user's attribute in the subject of a sign-in."""
    group_name: str

    @classmethod
    def of(cls, name: str, settings: Connection) -> Joining | None:
        """The joining of a connection; None where it has nothing to do with SCIM."""
        if settings.scim is None:
            return None
        preset = "externalId" if settings.preset == "entra" else "displayName"
        return cls(name, settings.scim, _prefix(settings, settings.scim), settings.scim.group_name or preset)

    def person(self, user: ProvisionedUser | None) -> str | None:
        """The person (`connection/subject`) that this user is; None where the attribute is not there."""
        if user is None:
            return None
        value = user.external_id if self.scim.joined_by == "externalId" else user.user_name
        return f"{self.connection}/{self.prefix}{value}" if value else None

    def asked(self, subject: str) -> Asked | None:
        """Which SCIM user a subject is; None where none can be."""
        value = subject.removeprefix(self.prefix)
        if not value or not subject.startswith(self.prefix):
            return None
        return Asked(external_id=value) if self.scim.joined_by == "externalId" else Asked(name=value)

    def name_of(self, group: ProvisionedGroup) -> str | None:
        """The group as rules name it; None where it has no such name."""
        return group.external_id if self.group_name == "externalId" else group.display_name


def _prefix(settings: Connection, scim: Scim) -> str:
    is_entra = isinstance(settings, OidcConnection) and settings.preset == "entra" and settings.subject is None
    if scim.subject_prefix or not is_entra:
        return scim.subject_prefix
    return f"{settings.tenants[0]}." if isinstance(settings, OidcConnection) else ""
