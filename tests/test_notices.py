"""What parts notice by themselves: each kind is a value, and becomes the audit event that says what happened."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
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
from federation_bridge.notices import EVENTS, Notices, UnheardNotices, VersionsAndNotices, entry_of, sentence_of
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
