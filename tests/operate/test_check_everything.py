# ruff: noqa: F811 - fixtures are named where they are asked for
"""`federation-bridge check` tells all mistakes in one run: each with kind, severity, place and sentence."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_fixtures import change, settings, wrong  # noqa: F401 - a fixture
from click.testing import CliRunner
from documents.readme_files import three_files

from federation_bridge import system_clock
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.operate import commands
from federation_bridge.operate.check import Kind, Severity, findings

_BY_ADDRESS = {"subject": "mail", "subject_kind": "email"}
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def doubtful(file: Path, kind: Kind) -> list[str]:
    """The warnings of one kind."""
    return [one.sentence for one in findings(file) if one.severity is Severity.DOUBTFUL and one.kind is kind]


def test_mistakes_of_settings_secrets_rules_and_register_are_told_in_one_run(settings: Path) -> None:
    folder = settings.parent
    change(settings, bas_url="x", database_password={"environment": "NOT_THERE"}, keys={"sealing_key": {"file": "no"}})
    rules = (folder / "rules.yaml").read_text()
    (folder / "rules.yaml").write_text(rules + "\n  - {id: more, connection: nowhere}\n  - {id: other, grup: x}\n")
    found = wrong(settings)
    assert {one.kind for one in found} == {Kind.SETTINGS, Kind.SECRET, Kind.RULEBOOK}
    (of_settings,) = (one for one in found if one.kind is Kind.SETTINGS)
    line = settings.read_text().splitlines().index("bas_url: x") + 1
    assert (of_settings.place.file, of_settings.place.line, of_settings.place.column) == (str(settings), line, 1)
    assert "did you mean `base_url`?" in of_settings.sentence
    assert [one.sentence.partition(":")[0] for one in found if one.kind is Kind.SECRET] == [
        "database_password",
        "keys.sealing_key",
    ]
    last = len(rules.splitlines()) + 2
    of_rules = {(one.place.file, one.place.line): None for one in found if one.kind is Kind.RULEBOOK}
    assert list(of_rules) == [(str(folder / "rules.yaml"), last), (str(folder / "rules.yaml"), last + 1)]


def test_every_account_that_is_wrong_is_told_and_the_rules_wait_for_the_register(settings: Path) -> None:
    register = settings.parent / "accounts.yaml"
    written = register.read_text()
    register.write_text(written + "\n  - {id: '1', name: one}\n  - {id: '2', name: two}\n")
    found = wrong(settings)
    last = len(written.splitlines()) + 2
    each = ["needs `provider`", "needs `roles`", "is not an account id"]
    told = [(one.place.line, [word for word in each if word in one.sentence]) for one in found]
    assert told == [(line, [word]) for line in (last, last + 1) for word in each]
    assert any(
        "has to be corrected first" in one.sentence for one in findings(settings) if one.severity is Severity.NOTE
    )
    (settings.parent / "rules.yaml").write_text("version: 1\nrules: [\n")
    assert {one.place.file for one in wrong(settings)} == {str(register), str(settings.parent / "rules.yaml")}


def test_a_detail_that_is_wrong_in_the_register_hides_no_mistake_of_the_rules(settings: Path) -> None:
    register, rules = settings.parent / "accounts.yaml", settings.parent / "rules.yaml"
    register.write_text(register.read_text().replace("    name: ", "    color: rde\n    name: ", 1))
    more = "\nadministration:\n  - {id: a, as: auditer, connection: x, when: {}}\nsecond_person: {rules: [x, y]}\n"
    rules.write_text(rules.read_text() + more)
    found = wrong(settings)
    assert [one.place.file for one in found] == [str(register)] + [str(rules)] * 5
    lines = rules.read_text().splitlines()
    entry = len(lines) - 1
    assert [(one.place.line, one.place.column) for one in found if one.place.file == str(rules)] == [
        (entry, lines[entry - 1].index(word) + 1) for word in ("auditer", "x,", "{}}")
    ] + [(entry + 1, lines[entry].index(word) + 1) for word in ("x,", "y]")]
    assert not any("mended first" in one.sentence for one in findings(settings))


@pytest.mark.parametrize("holds", ["", "  \n", None])
def test_secrets_that_are_empty_or_missing_are_all_told(settings: Path, holds: str | None) -> None:
    names = {}
    for name in ("one", "two"):
        if holds is not None:
            (settings.parent / name).write_text(holds)
            (settings.parent / name).chmod(0o600)
        names[name] = {
            "protocol": "oidc",
            "title": name,
            "issuer": f"https://{name}.example.com",
            "client_id": "bridge",
            "client_secret": {"file": name},
        }
    change(settings, connections={**yaml.safe_load(settings.read_text())["connections"], **names})
    told = [one.sentence for one in wrong(settings) if one.kind is Kind.SECRET]
    assert [one.partition(":")[0] for one in told] == ["connections.one.client_secret", "connections.two.client_secret"]
    for name in names:
        (settings.parent / name).write_text("quiet")
        (settings.parent / name).chmod(0o600)
    assert wrong(settings) == []


@pytest.mark.parametrize("name", ["rules.yaml", "accounts.yaml", "federation-bridge.yaml"])
def test_a_file_that_others_can_write_is_a_warning_and_one_that_they_read_is_none(settings: Path, name: str) -> None:
    file = settings.parent / name
    file.chmod(0o644)
    assert doubtful(settings, Kind.FILE) == []
    file.chmod(0o666)
    (told,) = doubtful(settings, Kind.FILE)
    assert f"chmod go-w {file}" in told


def test_a_port_that_is_taken_is_told(settings: Path) -> None:
    assert doubtful(settings, Kind.PORT) == []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        change(settings, serving={"listen": listen})
        (told,) = doubtful(settings, Kind.PORT)
    assert told.startswith(f"serving.listen: {listen} is taken")
    change(settings, serving={"listen": "192.0.2.1:8400"})
    assert doubtful(settings, Kind.PORT) == ["serving.listen: 192.0.2.1:8400 is no address of this machine"]


def _oidc(issuer: str, client: str) -> dict[str, Any]:
    return {"protocol": "oidc", "title": "T", "issuer": issuer, "client_id": client, "public_client": True}


@pytest.mark.parametrize(
    ("issuer", "client", "is_told"),
    [
        ("https://one.example.com", "bridge", True),
        ("https://one.example.com", "other", False),
        ("https://two.example.com", "bridge", False),
    ],
)
def test_two_connections_of_one_provider_are_told(settings: Path, issuer: str, client: str, is_told: bool) -> None:
    known = yaml.safe_load(settings.read_text())["connections"]
    two = {"one": _oidc("https://one.example.com", "bridge"), "again": _oidc(issuer, client)}
    change(settings, connections={**known, **two})
    assert any("are the same identity provider" in one.sentence for one in wrong(settings)) is is_told


def _ending(begins: datetime, ends: datetime) -> Ending:
    return Ending("signing certificate", "ab12", ends, "look at it", begins)


@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        (timedelta(days=1), timedelta(days=400), "is not valid before 2026-03-02 12:00 UTC"),
        (timedelta(days=-9), timedelta(days=20), "ends 2026-03-21, in 20 days"),
        (timedelta(days=-9), timedelta(days=-2), "ended 2026-02-27"),
        (timedelta(days=-9), timedelta(days=400), ""),
    ],
)
def test_a_certificate_is_told_before_it_holds_and_around_its_end(
    begins: timedelta, ends: timedelta, told: str
) -> None:
    found = Standing("", (_ending(NOW + begins, NOW + ends),)).told(NOW)
    assert bool(found) is bool(told)
    assert told in "".join(found)


def test_before_the_first_start_a_saml_connection_is_looked_at_as_after_it(tmp_path: Path) -> None:
    """It was told that a key of ours was missing, and nothing of what is doubtful there."""
    file = three_files(tmp_path)
    change(file, connections={"entra": yaml.safe_load(file.read_text())["connections"]["entra"] | _BY_ADDRESS})
    before = doubtful(file, Kind.CONNECTION)
    assert [one.partition(":")[2].partition("`:")[0] for one in before] == [" `subject_kind: email"]
    assert CliRunner().invoke(commands.commands, ["migrate", "--settings", str(file)]).exit_code == 0
    assert doubtful(file, Kind.CONNECTION) == before


def test_as_json_each_finding_has_kind_severity_place_and_sentence(settings: Path) -> None:
    change(settings, bas_url="x")
    result = CliRunner().invoke(commands.commands, ["check", "--settings", str(settings), "--json"])
    assert result.exit_code == 1
    (found,) = [one for one in json.loads(result.output) if one["severity"] == "wrong"]
    assert set(found) == {"kind", "severity", "place", "sentence"}
    assert (found["kind"], found["place"]["file"]) == ("settings", str(settings))


def test_what_gave_nothing_for_long_is_a_note(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = settings.parent
    more = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump({name: more[name] for name in more if name not in ("rules", "accounts")}))
    change(settings, rulebook={"source": "database", "unused_after": "1h"})
    files = [str(folder / "rules.yaml"), str(folder / "accounts.yaml")]
    for said in (["migrate"], ["rules", "apply", *files, "--reason", "first"]):
        made = CliRunner().invoke(commands.commands, [*said, "--settings", str(settings)])
        assert made.exit_code == 0, made.output
    assert not [one for one in findings(settings) if "gave nothing" in one.sentence]
    monkeypatch.setattr(system_clock, "utc_now", lambda: datetime.now(UTC) + timedelta(hours=2))
    told = [one for one in findings(settings) if "gave nothing" in one.sentence]
    assert {one.severity for one in told} == {Severity.NOTE}
    assert "rule administrators: it gave nothing" in told[0].sentence
