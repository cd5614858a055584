"""One row at least in each table whose rows carry a MAC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from block_factories import appear, block
from family_factories import BROWSER, USER_CODE, let_in, request, signed_in
from sqlalchemy import Table
from store_factories import live_grant, proposal, revocation

from federation_bridge.model import ProposedVersion, ProvisionedGroup, ProvisionedUser, ScimToken
from federation_bridge.store import Store
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.store.tables import PROVIDER_MATERIAL

ELSEWHERE = "e" * 64


def every_row(store: Store, now: datetime, table: Table | None = None) -> None:
    """One row at least in each covered table."""
    let_in(store, now)
    let_in(store, now, "other")
    assert store.device_codes.begin("device", USER_CODE, request(now))
    assert store.device_codes.claim(USER_CODE, BROWSER)
    assert store.session_names.claim("alice", "corp/alice")
    assert store.session_names.claim("alice", "corp/alice", live=live_grant(now))
    store.documents.keep("rules", "r", "text")
    store.rulebook_versions.put(ProposedVersion("text", "files", "", "files"), lambda _: ())
    store.rulebook_proposals.add(proposal(now))
    appear(store, block(now, "corp/zoe", "administrator"))
    store.revocations.add([revocation(now)])
    assert store.scim_tokens.add(ScimToken("corp", "t", now, None), "secret")
    store.provisioned.change("corp", _told_by_scim(now))
    store.signal_streams.put("corp", "secret", "s-1")
    if table is PROVIDER_MATERIAL:  # a child holds its session's key fast
        signed_in(store, now, ELSEWHERE, "bob")
        store.provider_material.keep(ELSEWHERE, "sealed")


def _told_by_scim(now: datetime) -> Callable[[ProvisionedChanges], None]:
    def work(changes: ProvisionedChanges) -> None:
        for number in ("1", "2"):
            changes.put_user(ProvisionedUser("corp", f"u{number}", f"{number} user", number, True, "{}", now, now))
            changes.put_group(ProvisionedGroup("corp", f"g{number}", f"group {number}", number, now, now))
        changes.add_members("g1", ["u1"])

    return work
