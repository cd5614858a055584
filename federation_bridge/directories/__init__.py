"""Who else knows somebody's groups: directories, asked where a sign-in could not tell all (ADR 31).

A directory is one module here, and a line in `app.py` that names the connections it stands beside. What it answers is
looked at in `told_by`, where no directory can forget it. When it is asked is decided in `group_lookup`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from federation_bridge.claimed import groups_of
from federation_bridge.model import Clock, Groups, Identity

_MOST_GROUPS = 5000


class Directory(Protocol):
    """What knows the groups of a connection's people."""

    @property
    def is_asked_always(self) -> bool:
        """Whether it is asked at every arrival: also where the sign-in told all groups."""

    def groups_of(self, identity: Identity) -> Groups:
        """All groups of this person, written as the connection's rules name them; a gap where these may not be all.

        Raises:
            ProviderUnreachable: it could not be asked, or did not answer properly. It answers in bounded time.
            SignInRejected: it says that this person may not sign in.
        """


def told_by(directory: Directory, identity: Identity, clock: Clock) -> Groups:
    """What this directory says of the person now. Raises what `Directory.groups_of` raises.

    Names are held to the rule for claims: two that look alike and differ are not both taken. As of when is the instant
    before it was asked: what changed while it answered may be missing, and counts as newer.
    """
    asked_at = clock()
    answer = directory.groups_of(identity)
    if len(answer.names) > _MOST_GROUPS:
        return Groups(gap=f"the directory names more than {_MOST_GROUPS} groups", as_of=asked_at)
    checked = groups_of(answer.names, "the directory's answer")
    left_out = answer.left_out if checked.left_out is None else checked.left_out
    return replace(answer, names=checked.names, left_out=left_out, as_of=asked_at)
