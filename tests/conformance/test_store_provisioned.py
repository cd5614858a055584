"""What SCIM clients told, on both databases: one at a time of a connection, all that follows in one transaction."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

import pytest
from databases import HeldClock
from family_factories import signed_in
from store_factories import entry, live_grant

from federation_bridge.ending import Endings
from federation_bridge.errors import ScimRefused
from federation_bridge.model import ProvisionedUser, RequestOrigin, ScimToken
from federation_bridge.provisioning.client import Client, Parts
from federation_bridge.provisioning.groups import GroupVerbs, ToldGroup
from federation_bridge.provisioning.joining import Joining
from federation_bridge.provisioning.users import ToldUser, UserVerbs
from federation_bridge.settings import Scim
from federation_bridge.store import Store
from federation_bridge.store.people import one_in
from federation_bridge.store.provisioned_changes import ProvisionedChanges

ALICE = ToldUser("alice@example.com", "alice", is_active=True, resource="{}")


def _client(store: Store, now: datetime) -> Client:
    assert store.scim_tokens.add(ScimToken("corp", "t", now, None), "secret")
    joining = Joining("corp", Scim(groups="source"), "", "displayName")
    return Client(joining, "t", RequestOrigin("ref-1"))


def test_who_is_told_to_be_gone_is_out_blocked_and_in_no_group(store: Store, clock: HeldClock) -> None:
    client = _client(store, clock())
    parts = Parts(store, Endings(store, clock), clock, secrets.token_bytes)
    users, groups = UserVerbs(parts), GroupVerbs(parts)
    alice = users.create(client, ALICE)
    signed_in(store, clock())
    others = [users.create(client, ToldUser(f"u{n}", f"x{n}", is_active=True, resource="{}")).id for n in range(120)]
    group = groups.create(client, ToldGroup("admins", "g", frozenset([alice.id, *others])))
    (session,) = store.sessions.living()
    assert session.identity.groups.names == ("admins",)
    groups.change(client, group.id, lambda _: ToldGroup("admins", "g", removed=frozenset([alice.id, *others[:60]])))
    assert store.sessions.living()[0].identity.groups.names == ()
    assert len(store.provisioned.members("corp", group.id)) == 60
    users.change(client, alice.id, lambda _: ToldUser("alice@example.com", "alice", is_active=False, resource="{}"))
    assert store.sessions.living() == ()
    assert [(one.scope, one.source) for one in store.blocks.standing()] == [("corp/alice", "scim")]
    users.change(client, alice.id, lambda _: ALICE)
    assert store.blocks.standing() == ()
    users.delete(client, others[-1])
    assert len(store.provisioned.members("corp", group.id)) == 59
    counts = store.provisioned.counts("corp")
    assert (counts.users, counts.disabled, counts.without_external_id) == (120, 0, 0)
    groups.delete(client, group.id)
    assert store.provisioned.groups_of("corp", others[-2]) == []


def test_of_a_connection_one_changes_at_a_time(store: Store, clock: HeldClock) -> None:
    _client(store, clock())
    inside, most, counted = 0, 0, threading.Lock()

    def tell(number: int) -> None:
        def work(changes: ProvisionedChanges) -> None:
            nonlocal inside, most
            with counted:
                inside += 1
                most = max(most, inside)
            user = ProvisionedUser("corp", f"{number}", f"user {number}", None, True, "{}", clock(), clock())
            changes.put_user(user)
            with counted:
                inside -= 1

        store.provisioned.change("corp", work)

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, store.provisioned.count_users("corp")) == (1, 6)


def test_what_is_asked_within_a_change_is_what_is_asked_beside_it(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    store.session_names.claim("alice", "corp/alice", entry(clock()), live=live_grant(clock()))
    seen = store.audit.transact(lambda writing: one_in(writing, "corp/alice"))
    assert seen == store.people.one("corp/alice")
    assert seen is not None


@pytest.mark.parametrize("kind", ["user", "group"])
def test_what_was_changed_while_it_was_to_be_deleted_stays(store: Store, clock: HeldClock, kind: str) -> None:
    client = _client(store, clock())
    parts = Parts(store, Endings(store, clock), clock, secrets.token_bytes)
    verbs = UserVerbs(parts) if kind == "user" else GroupVerbs(parts)
    made = verbs.create(client, ALICE if isinstance(verbs, UserVerbs) else ToldGroup("admins", "g"))  # type: ignore[arg-type]
    seen: list[object] = []

    def another_version(before: object, _: object) -> None:
        seen.append(before)
        raise ScimRefused("another version is there by now", status=412)

    with pytest.raises(ScimRefused):
        verbs.delete(client, made.id, another_version)
    assert seen == [made], "asked in the transaction that deletes, of what it deletes"
    assert store.blocks.standing() == ()
    assert store.provisioned.count_users("corp") + store.provisioned.count_groups("corp") == 1
    verbs.delete(client, made.id, lambda before, _: seen.append(before))
    assert store.provisioned.count_users("corp") + store.provisioned.count_groups("corp") == 0
