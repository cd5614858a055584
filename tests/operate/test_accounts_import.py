"""`federation-bridge accounts import`: shows a difference, and changes the register by one road in each place."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from web_factories import ACCOUNT, write_files

from federation_bridge.mapping import load_register
from federation_bridge.operate import accounts
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import store_looked_at
from federation_bridge.rulebook.texts import Texts
from federation_bridge.settings import load_settings

NEW = "444455556666"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = write_files(tmp_path)
    register = tmp_path / "accounts.yaml"
    register.write_text("# ours\n" + register.read_text())
    (tmp_path / "list.json").write_text(
        json.dumps({"Accounts": [{"Id": ACCOUNT, "Name": "Production"}, {"Id": NEW, "Name": "New"}]})
    )
    return file


def run(settings: Path, *words: str, given: str = "list.json", stdin: str | None = None) -> Result:
    file = given if given == "-" else str(settings.parent / given)
    return CliRunner().invoke(commands, ["accounts", "import", file, "--settings", str(settings), *words], input=stdin)


def in_database(settings: Path, *, rules: str = "") -> None:
    folder = settings.parent
    (folder / "rules.yaml").write_text((folder / "rules.yaml").read_text() + rules)
    document = yaml.safe_load(settings.read_text())
    files = [str(folder / document.pop(name)) for name in ("rules", "accounts")]
    settings.write_text(yaml.safe_dump(document | {"rulebook": {"source": "database"}}))
    for words in (["migrate"], ["rules", "apply", *files, "--reason", "first"]):
        done = CliRunner().invoke(commands, [*words, "--settings", str(settings)])
        assert done.exit_code == 0, done.output


def in_force(settings: Path) -> tuple[int, str]:
    with store_looked_at(load_settings(settings)) as store:
        version = store.rulebook_versions.in_force()
    assert version is not None
    return version.number, Texts.from_kept(version.text).accounts


def test_in_files_a_difference_is_shown_and_written_only_when_it_is_said(settings: Path) -> None:
    register = settings.parent / "accounts.yaml"
    register.chmod(0o640)
    before = register.read_text()
    shown = run(settings, "--role", "Reader")
    assert (shown.exit_code, register.read_text()) == (0, before)
    assert f"new        {NEW}  New" in shown.output
    assert f'+  - id: "{NEW}"' in shown.output
    text = run(settings, "--role", "Reader", "--text").output
    written = run(settings, "--role", "Reader", "--write")
    assert written.output.endswith("accounts.yaml is written.\n")
    assert register.read_text() == text
    assert text.startswith(before) and NEW in load_register(text).accounts
    assert stat.S_IMODE(register.stat().st_mode) == 0o640
    assert [one.name for one in settings.parent.iterdir() if one.name.startswith(".accounts")] == []
    again = run(settings, "--write")
    assert again.output == "nothing would change in the register\n"


def test_in_the_database_a_reason_makes_a_version_and_without_one_nothing_changes(settings: Path) -> None:
    in_database(settings)
    assert run(settings, "--role", "Reader").exit_code == 0
    assert in_force(settings)[0] == 1
    done = run(settings, "--role", "Reader", "--reason", "they joined")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "Version 2 is in force.")
    number, accounts = in_force(settings)
    assert (number, accounts.startswith("# ours\n"), NEW in load_register(accounts).accounts) == (2, True, True)


def test_a_marked_account_waits_for_a_second_person_here_too(settings: Path) -> None:
    in_database(settings, rules=f'\nsecond_person: {{accounts: ["{ACCOUNT}"]}}\n')
    (settings.parent / "list.json").write_text(json.dumps({"Accounts": [{"Id": ACCOUNT, "Name": "Live"}]}))
    done = run(settings, "--reason", "renamed")
    assert (done.exit_code, in_force(settings)[0]) == (3, 1)
    assert "is marked" in done.output


@pytest.mark.parametrize(
    ("is_in_database", "words", "told"),
    [
        (False, ("--reason", "x"), "the rulebook lies in files: --write"),
        (True, ("--write",), "the rulebook lies in the database: --reason"),
        (False, (), "say which roles it has"),
        (False, ("--role", "Reader", "--remove", "--keep-names", "--format", "csv"), "unknown column"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    settings: Path, is_in_database: bool, words: tuple[str, ...], told: str
) -> None:
    if is_in_database:
        in_database(settings)
    before = (settings.parent / "accounts.yaml").read_text()
    refused = run(settings, *(() if told.startswith("say") else ("--role", "Reader")), *words)
    assert refused.exception is not None
    assert told in str(getattr(refused.exception, "detail", refused.exception))
    assert (settings.parent / "accounts.yaml").read_text() == before


def test_an_account_that_rules_need_is_not_removed(settings: Path) -> None:
    (settings.parent / "list.json").write_text(json.dumps({"Accounts": [{"Id": NEW, "Name": "New"}]}))
    refused = run(settings, "--role", "Reader", "--remove", "--write")
    detail = str(getattr(refused.exception, "detail", ""))
    assert "rules: line" in detail and "is not in the register" in detail


def test_a_file_that_changed_meanwhile_is_not_written_over(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = settings.parent / "accounts.yaml"
    write = accounts.write

    def late(*words: object) -> Path:
        register.write_text(register.read_text() + "# theirs\n")
        return write(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(accounts, "write", late)
    refused = run(settings, "--role", "Reader", "--write")
    assert "was changed meanwhile" in str(getattr(refused.exception, "detail", ""))
    assert register.read_text().endswith("# theirs\n") and NEW not in register.read_text()


def test_what_an_editor_saves_while_the_new_register_goes_to_the_disk_stays(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, real = settings.parent / "accounts.yaml", os.fsync

    def slow(descriptor: int) -> None:
        register.write_text(register.read_text() + "# theirs\n")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    refused = run(settings, "--role", "Reader", "--write")
    assert "was changed meanwhile" in str(getattr(refused.exception, "detail", ""))
    assert register.read_text().endswith("# theirs\n") and NEW not in register.read_text()
    assert [one.name for one in settings.parent.iterdir() if one.name.startswith(".accounts")] == []


def test_of_two_imports_at_one_file_the_second_waits_for_no_half_and_changes_nothing(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look of the first and its rename, the second's change would be lost."""
    others: list[Result] = []
    real = accounts._replace

    def first(*given: Any) -> None:
        monkeypatch.setattr(accounts, "_replace", real)
        others.append(run(settings, "--role", "Writer", "--write"))
        real(*given)

    monkeypatch.setattr(accounts, "_replace", first)
    assert run(settings, "--role", "Reader", "--write").exit_code == 0
    assert "another command changes it now" in str(getattr(others[0].exception, "detail", ""))
    assert set(load_register((settings.parent / "accounts.yaml").read_text()).accounts[NEW].roles) == {"Reader"}


def test_a_lock_of_a_file_that_was_replaced_meanwhile_holds_nothing(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, real = settings.parent / "accounts.yaml", fcntl.flock

    def late(*given: Any) -> None:
        beside = register.with_name("beside")
        beside.write_text(register.read_text())
        beside.replace(register)
        real(*given)

    monkeypatch.setattr(fcntl, "flock", late)
    refused = run(settings, "--role", "Reader", "--write")
    assert "was changed meanwhile" in str(getattr(refused.exception, "detail", ""))


def test_where_the_file_system_has_no_locks_it_is_written_all_the_same(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", none)
    assert run(settings, "--role", "Reader", "--write").exit_code == 0
    assert NEW in (settings.parent / "accounts.yaml").read_text()


def test_50_megabytes_are_refused_in_a_sentence(settings: Path) -> None:
    with (settings.parent / "list.json").open("wb") as file:
        file.truncate(50_000_000)
    refused = run(settings)
    assert "has more than 40000000 bytes" in str(getattr(refused.exception, "detail", ""))
