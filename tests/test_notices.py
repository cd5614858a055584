"""What parts notice by themselves: each kind is a value, and becomes the audit event that says what happened."""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from databases import HeldClock, OwnDatabase
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, rule, rules_text
from web_factories import door_of, made_app

import federation_bridge
from federation_bridge import audit
from federation_bridge.connectors import changes
from federation_bridge.model import Notice
from federation_bridge.notices import (
    EVENTS,
    Notices,
    UnheardNotices,
    VersionsAndNotices,
    entry_of,
    sentence_of,
)
from federation_bridge.rulebook import FilesSource, Known, Rulebook, Versions
from federation_bridge.rulebook.changes import RulesInForce, RulesNotKept, RulesRefused
from federation_bridge.signing.changes import FirstKeyMade
from federation_bridge.store import Store

BECOMES: dict[Notice, audit.Event] = {
    RulesInForce("v1", 3): audit.RulesLoaded("3 rules", "v1"),
    RulesRefused("line 5: no", "the last good rules stay in force"): audit.RulesRejected(
        "line 5: no (the last good rules stay in force)"
    ),
    RulesNotKept("v2", "away"): audit.RulesNotKept(
        "away (they are in force, and will be kept when that is possible)", "v2"
    ),
    # No word of a detail decides what it becomes.
    changes.NewKeys("corp", "refused"): audit.MetadataChanged("metadata.new_key", "refused"),
    changes.DocumentChanged("corp", "refused"): audit.MetadataChanged("metadata.changed", "refused"),
    changes.DocumentHeld("corp", "refused"): audit.MetadataChanged("metadata.held", "refused"),
    changes.DocumentWithdrawn("corp", "refused"): audit.MetadataChanged("metadata.withdrawn", "refused"),
    changes.DocumentRefused("corp", "changed"): audit.MetadataRefused("metadata.refused", "changed"),
    changes.DocumentNotKept("corp", "refused"): audit.MetadataNotKept("metadata.not_kept", "refused"),
    FirstKeyMade("tokens", "kid"): audit.KeyMade("tokens", "kid"),
}


def _kinds(of: type[Notice] = Notice) -> Iterator[type[Notice]]:
    for kind in of.__subclasses__():
        yield from _kinds(kind)
        # A dataclass with slots is made anew of a first class, which may still be there: it is in no module.
        if getattr(sys.modules[kind.__module__], kind.__name__, None) is kind and not kind.__subclasses__():
            yield kind


def test_every_kind_of_notice_has_its_audit_event() -> None:
    for module in pkgutil.walk_packages(federation_bridge.__path__, "federation_bridge."):
        if module.name.endswith(".changes"):
            import_module(module.name)

    kinds = {kind for kind in _kinds() if kind.__module__.startswith("federation_bridge.")}

    assert set(EVENTS) == kinds
    assert {type(notice) for notice in BECOMES} == kinds


@pytest.mark.parametrize("notice", BECOMES, ids=lambda notice: type(notice).__name__)
def test_a_notice_becomes_the_event_of_its_kind(notice: Notice) -> None:
    entry = entry_of(notice, lambda: NOW)

    assert entry.event == BECOMES[notice]
    assert entry.event.name in audit.EVENTS
    assert entry.connection == ("corp" if isinstance(notice, changes.DocumentNotice) else "")
    assert entry.origin.reference == sentence_of(notice).partition(":")[0]


class _Log:
    def __init__(self) -> None:
        self.entries: list[audit.Entry] = []

    def record(self, *entries: audit.Entry, durable: bool = True) -> None:
        self.entries += entries


def test_a_command_that_looks_audits_nothing_of_what_it_notices() -> None:
    heard, unheard = _Log(), _Log()
    Notices(heard, lambda: NOW).tell(FirstKeyMade("tokens", "kid"))
    UnheardNotices(unheard, lambda: NOW).tell(FirstKeyMade("tokens", "kid"))

    assert (len(heard.entries), len(unheard.entries)) == (1, 0)


def test_rules_are_kept_and_told_together_or_not_at_all(
    store: Store, own_database: OwnDatabase, clock: HeldClock, tmp_path: Path
) -> None:
    # Else a process that ends before the audit is back takes `rules.loaded` with it: the next one finds nothing new.
    files = tmp_path / "rules.yaml", tmp_path / "accounts.yaml"
    for file, text in zip(files, (rules_text(rule("{group: g}")), REGISTER_TEXT), strict=True):
        file.write_text(text, encoding="utf-8")

    def started() -> Rulebook:
        kept, told = VersionsAndNotices(store.rulebook_versions, clock), Notices(store.audit, clock)
        return Rulebook(FilesSource(*files), Versions(kept), Known(frozenset(CONNECTIONS)), told.tell)

    own_database.admin("ALTER TABLE audit RENAME TO away")
    try:
        version = started().current().version
    finally:
        own_database.admin("ALTER TABLE away RENAME TO audit")
    assert Versions(VersionsAndNotices(store.rulebook_versions, clock)).last() is None

    for _ in range(2):
        started()
    (loaded,) = store.audit.entries()
    assert (loaded.event, loaded.reference, loaded.details["version"]) == ("rules.loaded", "rules.loaded", version)


def test_the_version_of_loaded_rules_is_the_one_that_grants_name(tmp_path: Path, clock: HeldClock) -> None:
    door = door_of(made_app(tmp_path, clock))
    try:
        (loaded,) = door.store.audit.entries(event="rules.loaded")
        assert loaded.details["version"] == door.rulebook.in_force.version
    finally:
        door.store.close()


def _tellers(own_database: OwnDatabase, *names: str) -> list[Notices]:
    """As many processes, each with a connection of its own to one database."""
    made = []
    for name in names:
        store = own_database.open()
        made.append(Notices(store.audit, own_database.clock, store.service_marks, name))
    return made


def _count(own_database: OwnDatabase, event: str) -> int:
    return len(own_database.open().audit.entries(event=event))


@pytest.mark.parametrize(
    ("notice", "event"),
    [
        (changes.DocumentRefused("corp", "does not answer"), "metadata.refused"),
        (changes.DocumentNotKept("corp", "away"), "metadata.not_kept"),
        (RulesRefused("line 5: no", "the rules kept last are in force"), "rules.rejected"),
        (RulesNotKept("v2", "away"), "rules.not_kept"),
    ],
)
def test_what_every_process_notices_at_its_start_is_audited_once(
    own_database: OwnDatabase, notice: Notice, event: str
) -> None:
    workers = _tellers(own_database, "node/1", "node/2", "other/1")
    for worker in workers:
        worker.tell(notice)
    assert _count(own_database, event) == 1


def test_another_connection_another_sentence_and_a_later_hour_are_news(own_database: OwnDatabase) -> None:
    first, second = _tellers(own_database, "node/1", "node/2")
    first.tell(changes.DocumentRefused("corp", "does not answer"))
    for notice in (changes.DocumentRefused("other", "does not answer"), changes.DocumentRefused("corp", "is no XML")):
        second.tell(notice)
    assert _count(own_database, "metadata.refused") == 3
    own_database.clock.advance(timedelta(minutes=59))
    second.tell(changes.DocumentRefused("corp", "does not answer"))
    assert _count(own_database, "metadata.refused") == 3
    own_database.clock.advance(timedelta(minutes=2))
    second.tell(changes.DocumentRefused("corp", "does not answer"))
    assert _count(own_database, "metadata.refused") == 4


def test_a_process_says_again_what_it_said_itself(own_database: OwnDatabase) -> None:
    """It decides by itself what is news: broken, mended and broken again are two."""
    first, second = _tellers(own_database, "node/1", "node/2")
    for _ in range(2):
        first.tell(RulesRefused("line 5: no", "the last good rules stay in force"))
        second.tell(RulesRefused("line 5: no", "the last good rules stay in force"))
    assert _count(own_database, "rules.rejected") == 2


def test_a_mark_that_somebody_wrote_keeps_nothing_from_being_told(own_database: OwnDatabase) -> None:
    (first,) = _tellers(own_database, "node/1")
    for number, text in enumerate(("[]", "nonsense", '{"x": 7}', '{"x": ["a", "b"]}')):
        marks, name = own_database.open().service_marks, "noticed metadata.refused corp"
        assert marks.change(name, marks.value(name), text)
        first.tell(changes.DocumentRefused("corp", f"does not answer {number}"))
    assert _count(own_database, "metadata.refused") == 4


def test_the_workers_of_a_service_share_what_they_told(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (11, 12):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        app = made_app(tmp_path, clock)
        door = door_of(app)
        (tmp_path / "rules.yaml").write_text("rules: [")
        door.rulebook.watch()
        told = door.store.audit.entries(event="rules.rejected")
        door.store.close()
    assert len(told) == 1
