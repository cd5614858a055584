# ruff: noqa: F811 - fixtures are named where they are asked for
"""Versions of rules in the database, by commands: what is taken, what is refused, and what files beside it mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from databases import HeldClock
from versions_fixtures import applied, for_group, run, settings  # noqa: F401 - a fixture
from web_factories import door_of, made_app, write_files

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.commands import commands
from federation_bridge.settings import load_settings


def test_what_does_not_parse_never_comes_into_force(settings: Path) -> None:
    applied(settings)
    before = run(settings, "rules", "show")
    rules = settings.parent / "rules.yaml"
    rules.write_text(rules.read_text().replace("when: {group: readers}", "wen: {group: readers}"))
    said = applied(settings, status=1)
    assert "rules.yaml: line " in said
    assert "column" in said
    assert "`wen`" in said or "'wen'" in said
    assert run(settings, "rules", "show") == before
    assert len(run(settings, "rules", "history").splitlines()) == 1


def test_of_two_changes_over_the_same_version_the_second_is_refused(settings: Path) -> None:
    applied(settings)
    base = run(settings, "rules", "history").split()[3]
    for_group(settings, "first")
    applied(settings, "--base", base)
    for_group(settings, "second")
    said = applied(settings, "--base", base, status=1)
    assert "another version is in force by now: 2 (" in said
    assert "first" in run(settings, "rules", "show")


def test_the_text_is_kept_byte_for_byte_and_its_history_is_told(settings: Path) -> None:
    applied(settings, "--author", "ada")
    for_group(settings, "platform")
    text = (settings.parent / "rules.yaml").read_text()
    applied(settings, "--author", "bob")
    assert run(settings, "rules", "show") == text
    assert run(settings, "rules", "show", "2", "--part", "accounts") == (settings.parent / "accounts.yaml").read_text()
    newest, oldest = run(settings, "rules", "history").splitlines()
    assert (newest.split()[:2], oldest.split()[:1]) == (["*", "2"], ["1"])
    assert "bob (command)  a ticket" in newest
    assert "+# for platform, as asked" in run(settings, "rules", "diff", "1", "2").splitlines()
    changed = [line for line in run(settings, "audit", "--event", "rulebook.changed").splitlines() if line]
    assert len(changed) == 2
    assert '"before_number": 1' in changed[0] or '"before_number":1' in changed[0]


def test_a_part_that_no_file_is_about_stays_as_it_is(settings: Path) -> None:
    applied(settings)
    for_group(settings, "platform")
    run(settings, "rules", "apply", str(settings.parent / "rules.yaml"), "--reason", "rules alone")
    assert run(settings, "rules", "show", "--part", "accounts") == (settings.parent / "accounts.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rules", "return", "7", "--reason", "x"), "no version 7"),
        (("rules", "return", "1", "--reason", " "), "a reason is needed"),
        (("rules", "return", "1", "--reason", "x"), "nothing would change: version 1"),
        (("rules", "show", "9"), "no version 9"),
        (("rules", "diff", "1", "9"), "no version 9"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_command_that_cannot_be_is_refused_in_words(settings: Path, words: Any, said: str) -> None:
    applied(settings)
    assert said in run(settings, *words, status=1)


def test_rules_in_files_have_versions_and_are_changed_in_their_files(tmp_path: Path, clock: HeldClock) -> None:
    app = made_app(tmp_path, clock)
    settings = tmp_path / "federation-bridge.yaml"
    try:
        for_group(settings, "platform")
        door_of(app).rulebook.current()
        newest, _ = run(settings, "rules", "history").splitlines()
        assert newest.split()[:2] == ["*", "2"]
        assert newest.split()[-1] == "files"
        assert "change the files" in applied(settings, status=1)
    finally:
        door_of(app).store.close()


@pytest.mark.parametrize(
    ("database", "rulebook", "is_refused"),
    [
        ("postgresql+psycopg://bridge@db/bridge", {}, True),
        ("postgresql+psycopg://bridge@db/bridge", {"files_on_many_nodes": True}, False),
        ("sqlite:///bridge.db", {}, False),
        (None, {}, False),
    ],
)
def test_files_on_a_database_of_many_nodes_need_a_word_of_the_operator(
    tmp_path: Path, database: str | None, rulebook: dict[str, Any], is_refused: bool
) -> None:
    path = write_files(tmp_path)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"database": database, "rulebook": rulebook}))
    if not is_refused:
        assert load_settings(path).rulebook.source == "files"
        return
    with pytest.raises(ConfigurationInvalid, match="each node on this PostgreSQL would decide by files of its own"):
        load_settings(path)


def test_check_tells_of_rules_in_files_beside_postgresql_as_text_and_as_json(tmp_path: Path) -> None:
    path = write_files(tmp_path)
    document = yaml.safe_load(path.read_text()) | {"database": "postgresql+psycopg://bridge@127.0.0.1:1/bridge"}
    document["rulebook"] = {"files_on_many_nodes": True}
    path.write_text(yaml.safe_dump(document))
    found = CliRunner().invoke(commands, ["check", "--settings", str(path), "--json"])
    assert found.exit_code == 1
    told = [one["sentence"] for one in json.loads(found.output) if one["severity"] == "warning"]
    assert any(one.startswith("rulebook.source: the rules lie in files") for one in told)
    path.write_text(yaml.safe_dump({name: document[name] for name in document if name != "database"}))
    alone = CliRunner().invoke(commands, ["check", "--settings", str(path)])
    assert alone.exit_code == 0
    assert "rulebook.source" not in alone.output
