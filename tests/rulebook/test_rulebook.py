"""The rulebook: follows its files, never falls below the last good rules, and says what is wrong."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kept_factories import VersionsInMemory
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, identity, keys, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.mapping import load_rules
from federation_bridge.model import Notice, ProposedVersion
from federation_bridge.rulebook import (
    FilesSource,
    Known,
    Rulebook,
    Versions,
    parsing,
    reload,
    source,
)
from federation_bridge.rulebook.changes import RulesInForce, RulesNotKept, RulesRefused

GOOD = rules_text(rule("{group: g}"))
OTHER = rules_text(rule("{group: h}"))
BROKEN = GOOD.replace("when", "wen")
ADMINISTRATOR = ("111111111111/Administrator",)


class Kept(VersionsInMemory):
    """Keeps versions in memory; can be told to be down."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False

    def keep(self, proposed: ProposedVersion, *notices: Notice) -> int | None:
        if self.is_down:
            raise Unavailable("the database is down")
        return super().keep(proposed, *notices)

    def texts(self) -> str:
        """The text in force."""
        found = self.in_force()
        return "" if found is None else found.text


class House:
    """A folder with both files, and a rulebook to whose clock they are old."""

    def __init__(self, folder: Path) -> None:
        self.rules, self.accounts = folder / "rules.yaml", folder / "accounts.yaml"
        self.kept = Kept()
        self.kept.hear = self.hear
        self.notices: list[Notice] = []
        self.now = time.time() + 3600
        self.is_deaf = False
        self.write(GOOD)
        self.accounts.write_text(REGISTER_TEXT, encoding="utf-8")

    def write(self, text: str) -> None:
        # A new file under the old name, as editors and mounts do it: its inode differs however coarse the clock is.
        draft = self.rules.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, self.rules)  # noqa: PTH105 - the same as Path.replace

    def open(self, connections: tuple[str, ...] = CONNECTIONS) -> Rulebook:
        source = FilesSource(self.rules, self.accounts, wall=lambda: self.now)
        return Rulebook(source, Versions(self.kept), Known(frozenset(connections)), self.hear)

    def hear(self, notice: Notice) -> None:
        if self.is_deaf:
            raise Unavailable("the audit is down")
        self.notices.append(notice)

    def events(self) -> list[type[Notice]]:
        return [type(one) for one in self.notices]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def has_admin(book: Rulebook, group: str) -> bool:
    return keys(book.current(), identity(groups=(group,)), NOW) == ADMINISTRATOR


def test_a_saved_rule_decides_at_once(house: House) -> None:
    book = house.open()
    assert has_admin(book, "g")
    house.write(OTHER)

    assert has_admin(book, "h")
    assert not has_admin(book, "g")
    assert house.events() == [RulesInForce, RulesInForce]


def test_a_change_of_the_register_takes_effect_as_well(house: House) -> None:
    book = house.open()
    before = book.current().version
    house.accounts.write_text(REGISTER_TEXT.replace("Developer]", "Developer, Auditor]"), encoding="utf-8")

    assert book.current().version != before


def test_a_broken_file_is_told_once_with_line_and_reason_and_changes_nothing(house: House) -> None:
    book = house.open()
    house.write(BROKEN)

    for _ in range(3):
        assert has_admin(book, "g")

    assert house.events() == [RulesInForce, RulesRefused]
    assert book.problem is not None
    assert f"{house.rules}: line 5: unknown key 'wen' in a rule; did you mean 'when'?" in book.problem
    told = house.notices[-1]
    assert isinstance(told, RulesRefused)
    assert book.problem in told.detail


def test_a_mended_file_is_in_force_again(house: House) -> None:
    book = house.open()
    house.write(BROKEN)
    book.current()
    house.write(OTHER)
    assert has_admin(book, "h")
    assert book.problem is None


def test_files_put_back_as_they_were_are_no_event_but_no_problem_either(house: House) -> None:
    book = house.open()
    house.write(BROKEN)
    book.current()
    house.write(GOOD)
    book.current()

    assert book.problem is None
    assert house.events() == [RulesInForce, RulesRefused]


@pytest.mark.parametrize("harm", ["broken", "missing", "not_utf8", "a_folder", "too_large", "broken_register"])
def test_the_last_good_rules_survive_a_restart_with_a_harmed_file(house: House, harm: str, monkeypatch) -> None:
    house.open()
    harm_file(house, harm, monkeypatch)

    book = house.open()

    assert has_admin(book, "g")
    assert house.events() == [RulesInForce, RulesRefused]
    assert str(house.rules.parent) in str(book.problem)


@pytest.mark.parametrize("harm", ["broken", "missing", "not_utf8", "a_folder", "too_large", "broken_register"])
def test_the_start_is_refused_where_nothing_good_was_ever_kept(house: House, harm: str, monkeypatch) -> None:
    harm_file(house, harm, monkeypatch)

    with pytest.raises(ConfigurationInvalid, match=str(house.rules.parent)):
        house.open()
    assert house.kept.versions == {}


def harm_file(house: House, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if harm == "broken":
        house.write(BROKEN)
    elif harm == "not_utf8":
        house.rules.write_bytes(b"version: 1\nrules: \xff")
    elif harm == "too_large":
        monkeypatch.setattr(source, "_MAX_BYTES", 10)
    elif harm == "broken_register":
        house.accounts.write_text("accounts: []", encoding="utf-8")
    else:
        house.rules.unlink()
        if harm == "a_folder":
            house.rules.mkdir()


def test_rules_and_register_are_kept_together_so_that_they_always_fit(house: House) -> None:
    house.open()
    # The register loses an account that the kept rules name, and the new rules are broken.
    house.accounts.write_text(REGISTER_TEXT.replace("[Administrator, {", "[{"), encoding="utf-8")
    house.write(BROKEN)

    assert has_admin(house.open(), "g")
    assert len(house.kept.versions) == 1


def test_kept_rules_that_fit_no_longer_are_not_forced_on_the_service(house: House) -> None:
    house.open()
    house.write(BROKEN)

    with pytest.raises(ConfigurationInvalid, match="nor do the rules kept last fit any more"):
        house.open(connections=("okta",))


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"rules": "x"}', '{"rules": 1, "accounts": 2}'])
def test_a_kept_document_that_cannot_be_read_is_refused_in_words(house: House, kept: str) -> None:
    VersionsInMemory.keep(house.kept, ProposedVersion(kept, "files", "", "files"))
    house.write(BROKEN)

    with pytest.raises(ConfigurationInvalid):
        house.open()


def test_good_rules_are_in_force_even_while_they_cannot_be_kept(house: House) -> None:
    book = house.open()
    house.kept.is_down = True
    house.write(OTHER)
    assert has_admin(book, "h")
    assert house.events() == [RulesInForce, RulesNotKept]


def test_each_version_that_cannot_be_kept_is_told_of_once(house: House) -> None:
    book = house.open()
    house.kept.is_down = True
    told = []
    for text in (OTHER, rules_text(rule("{group: i}"))):
        house.write(text)
        told.append(book.current().version)
        book.watch()

    assert [one.version for one in house.notices if isinstance(one, RulesNotKept)] == told


def test_new_rules_are_told_of_once_however_many_processes_read_them(house: House) -> None:
    house.open()
    house.open()

    assert house.events() == [RulesInForce]


def test_what_could_not_be_kept_is_kept_when_the_store_is_back(house: House) -> None:
    house.kept.is_down = True
    book = house.open()
    house.kept.is_down = False
    book.watch()

    assert len(house.kept.versions) == 1


def test_nobody_decides_on_old_rules_while_one_thread_reads_the_new_ones(house: House, monkeypatch) -> None:
    book = house.open()
    house.write(OTHER)
    reading, go_on = threading.Event(), threading.Event()
    load = load_rules

    def slow_load(*arguments):
        reading.set()
        assert go_on.wait(60)
        return load(*arguments)

    monkeypatch.setattr(parsing, "load_rules", slow_load)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(has_admin, book, "g")
        assert reading.wait(60)
        others = [threads.submit(has_admin, book, "g") for _ in range(7)]
        go_on.set()

    assert [one.result() for one in (first, *others)] == [False] * 8


def test_a_decision_that_would_wait_too_long_for_new_rules_is_refused(house: House, monkeypatch) -> None:
    book = house.open()
    house.write(OTHER)
    monkeypatch.setattr(reload, "_LONGEST_WAIT", 0.001)
    reading, go_on = threading.Event(), threading.Event()

    def stuck_load(*_):
        reading.set()
        assert go_on.wait(60)
        raise ConfigurationInvalid("enough")

    monkeypatch.setattr(parsing, "load_rules", stuck_load)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(book.current)
        assert reading.wait(60)
        try:
            with pytest.raises(Unavailable):
                book.current()
            assert keys(book.in_force, identity(groups=("g",)), NOW) == ADMINISTRATOR
        finally:
            go_on.set()


def test_a_change_that_leaves_size_and_time_as_they_were_is_noticed(house: House, monkeypatch) -> None:
    # A file that is written twice within one step of the file system's clock looks the same from outside.
    book = house.open()
    house.now = time.time()
    monkeypatch.setattr(source, "signature_of", lambda _: (1, 1, 1, *[int(house.now * 1e9)] * 2))
    assert has_admin(book, "g")
    house.write(OTHER)

    assert has_admin(book, "h")


def test_old_files_are_not_read_again_for_each_decision(house: House, monkeypatch) -> None:
    book = house.open()
    read: list[Path] = []
    monkeypatch.setattr(source, "text_of", read.append)

    for _ in range(3):
        book.current()

    assert read == []


def test_a_file_that_cannot_be_read_is_tried_again_though_it_looks_the_same(house: House, monkeypatch) -> None:
    book = house.open()
    text_of = source.text_of
    house.write(OTHER)

    def fail(path: Path) -> str:
        raise ConfigurationInvalid(f"{path}: cannot be read: Input/output error")

    monkeypatch.setattr(source, "text_of", fail)
    assert has_admin(book, "g")
    assert has_admin(book, "g")
    assert house.events() == [RulesInForce, RulesRefused]

    monkeypatch.setattr(source, "text_of", text_of)
    assert has_admin(book, "h")
    assert book.problem is None


def test_files_that_cannot_be_read_and_then_are_as_before_are_no_problem(house: House) -> None:
    book = house.open()
    house.rules.rename(house.rules.with_suffix(".away"))
    assert has_admin(book, "g")
    assert book.problem is not None
    house.rules.with_suffix(".away").rename(house.rules)

    assert has_admin(book, "g")
    assert book.problem is None


def test_rules_and_register_are_read_as_one_set(house: House, monkeypatch) -> None:
    # The register changes after the rules were read and before it is read itself.
    book = house.open()
    text_of, changes = source.text_of, ["Developer, Auditor]"]
    house.write(OTHER)

    def change_between(path: Path) -> str:
        text = text_of(path)
        if path == house.rules and changes:
            house.accounts.write_text(REGISTER_TEXT.replace("Developer]", changes.pop()), encoding="utf-8")
            house.write(GOOD)
        return text

    monkeypatch.setattr(source, "text_of", change_between)

    assert has_admin(book, "g")
    assert "Auditor" in house.kept.texts()


def test_files_that_never_rest_leave_the_last_good_rules_in_force(house: House, monkeypatch) -> None:
    book = house.open()
    text_of = source.text_of

    def change(path: Path) -> str:
        house.write(OTHER)
        return text_of(path)

    house.write(OTHER)
    monkeypatch.setattr(source, "text_of", change)

    assert has_admin(book, "g")
    assert "change while they are read" in str(book.problem)


def test_a_change_that_the_audit_could_not_take_is_told_later_and_once(house: House) -> None:
    book = house.open()
    house.is_deaf = True
    house.write(OTHER)
    assert has_admin(book, "h")
    assert house.events() == [RulesInForce]

    house.is_deaf = False
    book.watch()
    book.watch()

    # In the order in which it happened.
    assert house.events() == [RulesInForce, RulesNotKept, RulesInForce]


def test_rules_that_the_audit_could_not_take_are_told_by_the_process_that_comes_next(house: House) -> None:
    # The first one ends, as the parent of the workers does, before the audit is back.
    house.is_deaf = True
    house.open()
    house.is_deaf = False
    house.open()
    house.open()

    assert house.events() == [RulesInForce]


def test_rules_that_come_while_others_are_being_kept_are_kept_too(house: House, monkeypatch) -> None:
    # Else a restart with a broken file would bring back rules that were replaced long ago.
    book = house.open()
    newest = rules_text(rule("{group: i}"))
    keep, keeping, go_on = house.kept.keep, threading.Event(), threading.Event()

    def slow_keep(proposed: ProposedVersion, *notices: Notice) -> int | None:
        if not keeping.is_set():
            keeping.set()
            assert go_on.wait(60)
        return keep(proposed, *notices)

    monkeypatch.setattr(house.kept, "keep", slow_keep)
    house.write(OTHER)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(book.current)
        assert keeping.wait(60)
        house.write(newest)
        second = threads.submit(book.current)
        while keys(book.in_force, identity(groups=("i",)), NOW) != ADMINISTRATOR:
            threading.Event().wait(0.001)
        go_on.set()
        first.result(60)
        second.result(60)
    assert "group: i" in house.kept.texts()
    assert house.events() == [RulesInForce] * 3
    house.write(BROKEN)
    assert has_admin(house.open(), "i")


def test_the_watcher_reads_what_nobody_asked_for(house: House) -> None:
    book = house.open()
    house.write(OTHER)

    book.watch()

    assert keys(book.in_force, identity(groups=("h",)), NOW) == ADMINISTRATOR
