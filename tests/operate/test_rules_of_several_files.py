"""Commands on rules of several files: they come into force, are shown, compared, foreseen and checked as one set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from web_factories import write_files

from federation_bridge.operate.check import Finding, Severity
from federation_bridge.operate.check import files as files_of_rules
from federation_bridge.operate.commands import commands
from federation_bridge.settings import load_settings

DENIES = """\
version: 1
rules:
  - {id: leavers, connection: corp, when: {group: out}, deny: {role: "*/*"}}
"""
NAMES = "version: 1\ngroups: {known: admins}\n"


def run(settings: Path, *words: str, status: int = 0) -> str:
    result = CliRunner().invoke(commands, [*words, "--settings", str(settings)])
    said = result.output + (getattr(result.exception, "detail", "") or "")
    assert (result.exit_code == 0) is (status == 0), said
    return said


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A rulebook in the database, a register, and a folder of rules; no version is in force yet."""
    path = write_files(tmp_path)
    document = yaml.safe_load(path.read_text()) | {"rulebook": {"source": "database"}}
    del document["rules"], document["accounts"]
    path.write_text(yaml.safe_dump(document))
    folder = tmp_path / "rules.d"
    folder.mkdir()
    (tmp_path / "rules.yaml").rename(folder / "20-rules.yaml")
    (folder / "10-denies.yaml").write_text(DENIES)
    run(path, "migrate")
    return path


def applied(settings: Path, *files: str, status: int = 0) -> str:
    paths = (str(settings.parent / one) for one in files)
    return run(settings, "rules", "apply", *paths, "--reason", "a ticket", status=status)


def test_a_folder_comes_into_force_is_shown_and_compared_file_by_file(settings: Path) -> None:
    folder = settings.parent / "rules.d"
    assert "Version 1 is in force" in applied(settings, "rules.d", "accounts.yaml")
    assert run(settings, "rules", "show", "--file", "10-denies.yaml") == DENIES
    whole = run(settings, "rules", "show")
    assert whole == f"# 10-denies.yaml\n{DENIES}# 20-rules.yaml\n{(folder / '20-rules.yaml').read_text()}"
    assert "has no text '10-denis.yaml'; did you mean '10-denies.yaml'?" in run(
        settings, "rules", "show", "--file", "10-denis.yaml", status=1
    )

    (folder / "10-denies.yaml").rename(folder / "30-denies.yaml")
    (folder / "20-rules.yaml").write_text((folder / "20-rules.yaml").read_text().replace("admins", "staff"))
    applied(settings, "rules.d")
    told = run(settings, "rules", "diff", "1", "2")
    heads = [line for line in told.splitlines() if line.startswith(("---", "+++"))]
    assert heads == [
        "--- rules/10-denies.yaml 1",
        "+++ rules/10-denies.yaml 2",
        "--- rules/20-rules.yaml 1",
        "+++ rules/20-rules.yaml 2",
        "--- rules/30-denies.yaml 1",
        "+++ rules/30-denies.yaml 2",
    ]
    assert "+  - {id: leavers," in told

    run(settings, "rules", "return", "1", "--reason", "back")
    assert run(settings, "rules", "show") == whole


def test_the_register_alone_leaves_all_files_of_rules_as_they_are(settings: Path) -> None:
    applied(settings, "rules.d", "accounts.yaml")
    before = run(settings, "rules", "show")
    accounts = settings.parent / "accounts.yaml"
    accounts.write_text(accounts.read_text() + "# a remark\n")
    applied(settings, "accounts.yaml")
    assert run(settings, "rules", "show") == before
    accounts.write_text(accounts.read_text().replace("Administrator", "Other"))
    told = applied(settings, "accounts.yaml", status=1)
    assert "20-rules.yaml of version 2: line" in told


@pytest.mark.parametrize(
    ("files", "missing"),
    [(["rules.d/20-rules.yaml"], "10-denies.yaml"), (["rules.d/10-denies.yaml", "names.yaml"], "20-rules.yaml")],
)
def test_one_of_several_files_does_not_take_the_others_away(settings: Path, files: list[str], missing: str) -> None:
    """Whoever names the file that they changed must not lift the denials of another."""
    (settings.parent / "names.yaml").write_text(NAMES)
    applied(settings, "rules.d", "accounts.yaml")
    assert f"{missing} of version 1 would go: name all files" in applied(settings, *files, status=1)

    assert "Version 2" in applied(settings, *files, f"rules.d/{missing}")
    (settings.parent / "rules.d" / "10-denies.yaml").unlink()
    assert "Version 3" in applied(settings, "rules.d")
    assert DENIES not in run(settings, "rules", "show")


def test_a_file_of_names_alone_is_rules_and_files_are_taken_by_what_they_hold(settings: Path) -> None:
    folder = settings.parent / "rules.d"
    (folder / "names.yaml").write_text(NAMES)
    (settings.parent / "accounts.yaml").rename(folder / "accounts.yaml")
    applied(settings, "rules.d")
    assert run(settings, "rules", "show", "--file", "names.yaml") == NAMES
    assert "111122223333" in run(settings, "rules", "show", "--part", "accounts")


def test_a_mistake_in_one_of_the_files_names_it_and_nothing_comes_into_force(settings: Path) -> None:
    folder = settings.parent / "rules.d"
    (folder / "10-denies.yaml").write_text(DENIES.replace("deny", "denny"))
    (folder / "30-more.yaml").write_text(DENIES.replace("corp", "nowhere"))
    told = applied(settings, "rules.d", "accounts.yaml", status=1)
    assert f"{folder}/10-denies.yaml: line 3:" in told
    assert f"{folder}/30-more.yaml: line 3:" in told
    assert run(settings, "rules", "history") == ""


def test_marks_in_any_of_the_files_are_seen_also_where_the_version_fits_the_settings_no_more(settings: Path) -> None:
    folder = settings.parent / "rules.d"
    (folder / "90-marks.yaml").write_text("version: 1\nsecond_person: {rules: [leavers]}\n")
    (folder / "30-more.yaml").write_text(DENIES.replace("corp", "partner").replace("leavers", "partners"))
    applied(settings, "rules.d", "accounts.yaml")
    (folder / "30-more.yaml").unlink()
    assert "Version 2" in applied(settings, "rules.d")
    run(settings, "rules", "return", "1", "--reason", "back")

    document = yaml.safe_load(settings.read_text())
    del document["connections"]["partner"]
    settings.write_text(yaml.safe_dump(document))
    told = "Two people have to agree: the version in force does not fit the settings"
    assert told in applied(settings, "rules.d", status=3)


@pytest.fixture
def on_files(settings: Path) -> Path:
    """The same folder as the truth of one machine."""
    document = yaml.safe_load(settings.read_text()) | {"rules": "rules.d", "accounts": "accounts.yaml"}
    del document["rulebook"]
    settings.write_text(yaml.safe_dump(document))
    return settings


def test_a_folder_in_the_settings_is_foreseen_with_a_changed_copy(on_files: Path) -> None:
    assert run(on_files, "preview", str(on_files.parent / "rules.d")).startswith("0 of 0 people change")
    assert "0 of 0 people change" in run(on_files, "preview", str(on_files.parent / "accounts.yaml"))


def found(settings: Path) -> list[Finding]:
    return list(files_of_rules.look(load_settings(settings)))


def test_check_tells_each_mistake_with_the_path_of_its_file_and_what_is_not_read(on_files: Path) -> None:
    folder = on_files.parent / "rules.d"
    assert found(on_files) == []
    (folder / "10-denies.yaml").write_text(DENIES.replace("corp", "nowhere"))
    (folder / "30-more.yaml").write_text(DENIES.replace("deny", "denny"))
    (folder / "40-more.yml").write_text(DENIES)
    (folder / "20-rules.yaml~").write_text("")
    folder.chmod(0o777)
    placed = {(one.severity, one.place.file.rpartition("/")[2], one.place.line) for one in found(on_files)}
    assert placed == {
        (Severity.WRONG, "10-denies.yaml", 3),
        (Severity.WRONG, "30-more.yaml", 3),
        (Severity.DOUBTFUL, "40-more.yml", 0),
        (Severity.NOTE, "20-rules.yaml~", 0),
        (Severity.DOUBTFUL, "rules.d", 0),
    }


def test_a_finding_about_a_rule_names_the_file_where_it_stands(on_files: Path) -> None:
    folder = on_files.parent / "rules.d"
    ended = DENIES.replace("{group: out}", "{all: [{group: out}, {dates: {not_after: 2001-01-01}}]}")
    (folder / "10-denies.yaml").write_text(ended)
    CliRunner().invoke(commands, ["migrate", "--settings", str(on_files)])
    told = CliRunner().invoke(commands, ["check", "--json", "--settings", str(on_files)]).output
    (finding,) = (one for one in json.loads(told) if one["kind"] == "rule" and "leavers: " in one["sentence"])
    assert finding["place"] == {"file": str(folder / "10-denies.yaml"), "line": 3}
    assert finding["sentence"].startswith("10-denies.yaml: line 3: rule leavers")


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([], "rules: is the path of a file or of a folder, or a list of such paths"),
        ([1], "rules: is the path of a file or of a folder, or a list of such paths"),
        ({"a": "b"}, "rules: is the path of a file or of a folder, or a list of such paths"),
        (["a.yaml", "a.yaml"], "rules: names the same path twice"),
    ],
)
def test_settings_that_name_no_rules_are_refused_in_words(on_files: Path, rules: object, told: str) -> None:
    document = yaml.safe_load(on_files.read_text()) | {"rules": rules}
    on_files.write_text(yaml.safe_dump(document))
    assert told in run(on_files, "check", status=1)


def test_mistakes_of_the_files_are_told_beside_broken_settings(on_files: Path) -> None:
    folder = on_files.parent / "rules.d"
    (folder / "10-denies.yaml").write_text(DENIES.replace("deny", "denny"))
    for rules in ("rules.d", ["rules.d/20-rules.yaml", "rules.d/10-denies.yaml"]):
        document = yaml.safe_load(on_files.read_text()) | {"rules": rules, "nonsense": 1}
        on_files.write_text(yaml.safe_dump(document))
        told = run(on_files, "check", status=1)
        assert "nonsense: there is no such setting" in told
        assert f"{folder}/10-denies.yaml: line 3: unknown key 'denny'" in told
