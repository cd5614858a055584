# ruff: noqa: F811 - fixtures are named where they are asked for
"""The rulebook: follows its files, never falls below the last good rules, and says what is wrong."""

from __future__ import annotations

import pytest
from kept_factories import VersionsInMemory
from mapping_factories import REGISTER_TEXT, rule, rules_text
from rulebook_factories import BROKEN, GOOD, OTHER, House, has_admin, house  # noqa: F401 - a fixture

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import ProposedVersion
from federation_bridge.rulebook import source
from federation_bridge.rulebook.changes import RulesInForce, RulesNotKept, RulesRefused


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
