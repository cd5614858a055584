"""Groups that a SCIM client told reach sessions and command lines that live, in the transaction that changes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from federation_bridge.audit import Entry, ScimGroupsReached
from federation_bridge.claimed import groups_of
from federation_bridge.model import Cause, Groups, Identity, ProvisionedGroup, ProvisionedUser, RequestOrigin
from federation_bridge.provisioning.client import Client, Parts
from federation_bridge.provisioning.joining import Joining
from federation_bridge.store.held_groups import change_in, live_people_in
from federation_bridge.store.live_grants import of_person_in
from federation_bridge.store.people import one_in
from federation_bridge.store.provisioned_changes import ProvisionedChanges

NOT_ALL = "SCIM tells only of the groups that are assigned to the application there"
"""Why nobody counts as not being in a group that SCIM did not tell, where it only completes."""
_FEW = 50
"""Up to so many people are looked up one by one; for more, everybody who is signed in is read once."""


def reach(parts: Parts, changes: ProvisionedChanges, client: Client, lost: Mapping[str, Collection[str]]) -> None:
    """Gives the users with these ids what they are in now; `lost`: the names of groups that each is in no more."""
    if client.joining.scim.groups == "none" or not lost:
        return
    users = changes.users_among(lost)
    end_older_answers(parts, changes, client, [user for user in users if lost[user.id]])
    if len(users) > _FEW:
        here = live_people_in(changes.writing)
        users = [user for user in users if here.holds(client.joining.person(user) or "")]
    for user in users:
        gone = frozenset(lost[user.id])
        identities = reach_one(changes, client.joining, user, gone, parts.clock(), client.origin)
        if gone and client.joining.scim.lost_groups_end_aws:
            _end_in_aws(parts, changes, client, user, gone, identities)


def end_older_answers(
    parts: Parts, changes: ProvisionedChanges, client: Client, users: Iterable[ProvisionedUser]
) -> None:
    """Ends answers about these people that their provider issued before this moment: some may be on their way.

    Where SCIM only completes, an answer's own groups count: one that was held back would bring a lost group along.
    """
    if client.joining.scim.groups == "complete":
        people = filter(None, map(client.joining.person, users))
        parts.store.provider_endings.mark_people_in(changes.writing, people, parts.clock())


def reach_one(
    changes: ProvisionedChanges,
    joining: Joining,
    user: ProvisionedUser,
    lost: frozenset[str],
    now: datetime,
    origin: RequestOrigin,
) -> list[Identity]:
    """The same for one user; gives who they are in each session and command line now."""
    person = joining.person(user)
    if person is None:
        return []
    told = changes.groups_of(user.id)
    held = change_in(changes.writing, person, lambda groups: completed(joining, groups, told, lost, now))
    changed = [(before, after.groups) for before, after in held if before != after.groups]
    if changed:
        before = {name for groups, _ in changed for name in groups.names}
        after = {name for _, groups in changed for name in groups.names}
        event = ScimGroupsReached(len(changed), len(after - before), len(before - after))
        changes.record(Entry(now, origin, event, person=person, connection=joining.connection))
    return [after for _, after in held]


def _end_in_aws(
    parts: Parts,
    changes: ProvisionedChanges,
    client: Client,
    user: ProvisionedUser,
    lost: frozenset[str],
    identities: Sequence[Identity],
) -> None:
    """Ends what AWS issued to this user for a role that no rule gives them any more, by whatever request.

    For somebody who is not signed in any more, their last sign-in is looked at, completed as it would be now.
    """
    person = client.joining.person(user)
    alive = of_person_in(changes.writing, person) if person else ()
    if not alive or person is None or parts.rules is None:
        return
    now, known = parts.clock(), list(identities)
    seen = None if known else one_in(changes.writing, person)
    if seen is not None:
        told = changes.groups_of(user.id)
        groups = completed(client.joining, seen.identity.groups, told, lost, now)
        known = [replace(seen.identity, groups=groups)]
    kept = {key for identity in known for key in parts.rules.possible_roles(identity, now)}
    cause = Cause("scim", f"scim token {client.token_id}", "left the group that gave the role", client.connection)
    # AWS cannot tell apart what has one name in one role: to end one grant of them ends all. Each by itself would read
    # all others again, and a person can have very many.
    lost_roles = {
        (one.account, one.role_arn, one.session_name): one for one in alive if f"{one.account}/{one.role}" not in kept
    }
    for one in lost_roles.values():
        parts.endings.end_grant_in(changes.writing, one, cause, origin=client.origin)


def completed(
    joining: Joining, held: Groups, told: Collection[ProvisionedGroup], lost: frozenset[str], now: datetime
) -> Groups:
    """The groups of a person who held these and whom SCIM tells in those.

    Where SCIM is the source, they are what it tells. Where it completes, they are what the sign-in told, without what
    was lost since; and if the sign-in could not tell all, what SCIM tells as well.
    """
    names = [name for name in map(joining.name_of, told) if name]
    if joining.scim.groups == "source":
        checked = groups_of(names, "SCIM")
        return replace(checked, as_of=now) if checked != replace(held, as_of=None) else held
    gone = lost - set(names)
    kept = [name for name in held.names if name not in gone]
    if held.as_of is None and held.why_incomplete is None:
        return replace(held, names=tuple(kept))
    checked = groups_of(dict.fromkeys([*kept, *names]), "SCIM")
    anew = replace(checked, left_out=checked.left_out or NOT_ALL)
    return held if anew == replace(held, as_of=None) else replace(anew, as_of=now)
