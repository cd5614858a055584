"""What a connection's identity provider may tell of its people by SCIM, and what follows from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from federation_bridge.settings.values import LONGEST_NAME, Duration, Section


class Scim(Section):
    """What the identity provider tells of its people and groups by SCIM 2.0 (docs/scim.md)."""

    joined_by: Literal["externalId", "userName"] = "externalId"
    """Which attribute of a SCIM user equals the lasting subject of a sign-in, and so links the two. `externalId` is
    Entra's object id or Okta's user id. A `userName` can pass to another person, so it must be set here explicitly, and
    needs `known_only`."""
    subject_prefix: str = Field(default="", max_length=LONGEST_NAME)
    """What stands before that attribute in the subject of a sign-in. With the preset `entra` and OpenID Connect a
    subject is `TENANT.OBJECT`: write `TENANT.` here; with one tenant in `tenants` it is known."""
    groups: Literal["none", "complete", "source"] = "complete"
    """How the groups from SCIM are used. `complete`: where a sign-in could not tell all groups. `source`: only they are
    used, whatever a sign-in tells. `none`: not at all."""
    group_name: Literal["displayName", "externalId"] | None = None
    """Which attribute of a SCIM group is its name in rules; if left out: `externalId` (the object id) with the preset
    `entra`, else `displayName`."""
    known_only: bool = False
    """Admits a sign-in only of somebody whom SCIM has told of, and who is active there."""
    ends_aws: bool = True
    """Whether a person who is disabled or deleted loses live AWS sessions too, and not only their sessions here."""

    lost_groups_end_aws: bool = True
    """Whether an AWS session ends where its person left the group that gave its role, and no other rule gives it."""

    quiet_after: Duration | None = Field(default=None, gt=timedelta(0))
    """A client that did not call for this long is reported by `check`, by the log and by metrics. If left out: 3 hours
    with the preset `entra`, which comes by about every 40 minutes; else 24."""

    @model_validator(mode="after")
    def _names_that_pass_on(self) -> Scim:
        if self.joined_by == "userName" and not self.known_only:
            raise ValueError(
                "joined_by: a `userName` can be written in two ways and pass to somebody else; with `known_only: true` "
                "nobody comes in under a name that SCIM has not told exactly so"
            )
        return self
