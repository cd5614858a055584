# ruff: noqa: F811 - fixtures are named where they are asked for
"""Files of rules that change while they are read: everybody decides by the new ones or by none, nothing is lost."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mapping_factories import NOW, REGISTER_TEXT, identity, keys, rule, rules_text
from rulebook_factories import ADMINISTRATOR, BROKEN, GOOD, OTHER, House, has_admin, house  # noqa: F401 - a fixture

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.mapping import load_rules
from federation_bridge.model import Notice, ProposedVersion
from federation_bridge.rulebook import parsing, reload, source
from federation_bridge.rulebook.changes import RulesInForce, RulesNotKept, RulesRefused


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
