"""Section `sessions`."""

from __future__ import annotations

from datetime import timedelta

from federation_bridge.settings.values import Duration, Section


class SessionLimits(Section):
    """How long a person stays signed in at the bridge."""

    idle: Duration = timedelta(hours=1)
    """A session that nobody uses ends after this."""
    absolute: Duration = timedelta(hours=12)
    """Every session ends after this at the latest."""
    people_kept: Duration = timedelta(days=90)
    """For how long after their last sign-in a person's groups and claims are kept, to foresee what other rules give."""
    administration: Duration = timedelta(hours=1)
    """A person may administer for this long after their sign-in at the identity provider. Then they sign in
    again."""
    own_end_in_aws: bool = False
    """Whether a person who ends everything of theirs also ends their AWS sessions."""
