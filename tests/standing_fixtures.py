"""Nodes at which something lasts; import these where they are needed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import OwnDatabase
from notice_factories import BRIDGE

from federation_bridge.audit import AuditQuery, Recorded
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.operator_notices.kinds import followed
from federation_bridge.operator_notices.standing import StandingNotices
from federation_bridge.settings import NOTICE_KINDS, Settings, settings_from
from federation_bridge.store import Store
from federation_bridge.store.readiness import Readiness
from federation_bridge.upkeep import Seen

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


class Stands:
    """An upkeep that sees what a test says."""

    def __init__(self, waits: str = "", *endings: Ending, ours: tuple[Ending, ...] = ()) -> None:
        self.now = Seen({"corp": Standing(waits, endings)}, ours)

    def seen(self) -> Seen:
        return self.now


def settings(*kinds: str, scim: bool = False) -> Settings:
    one: dict[str, Any] = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml"}
    hook = {"url": "https://hooks.example.com/", "secret": {"environment": "X"}, "kinds": kinds or NOTICE_KINDS}
    document = {"base_url": BRIDGE, "rules": "r", "accounts": "a", "notices": {"webhook": {"ops": hook}}}
    return settings_from({**document, "connections": {"corp": {**one, **({"scim": {}} if scim else {})}}}, Path("/x"))


def node(own_database: OwnDatabase, stands: Stands, made: Settings | None = None, **more: Any) -> StandingNotices:
    store, told = own_database.open(), made or settings()
    store.follow(followed(told))
    facts: dict[str, Any] = {"machine": "node-1", **more}
    return StandingNotices(store, told, stands, own_database.clock, **facts)  # type: ignore[arg-type]


def due(store: Store) -> list[Recorded]:
    """What was told, the oldest first."""
    return list(store.audit.found(AuditQuery(event="notice.due")))[::-1]


def told(*nodes: StandingNotices, kind: str = "") -> list[str]:
    """What these nodes tell now, each looking twice."""
    store = nodes[0].store
    before = len(due(store))
    for _ in range(2):
        for one in nodes:
            one.look()
    found = due(store)[before:]
    return [str(row.details["detail"]) for row in found if kind in ("", row.details["kind"])]


@pytest.fixture(autouse=True)
def all_else_is_well(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The held clock is not PostgreSQL's, and nobody seals here: what a test is about is something else."""
    monkeypatch.setattr(Readiness, "problem", lambda _self: None)
    if "seal" not in request.node.name:
        monkeypatch.setattr(StandingNotices, "_audit", lambda _self: iter(()))
