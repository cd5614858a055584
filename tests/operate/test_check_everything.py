"""`federation-bridge check` tells all mistakes in one run: each with kind, severity, place and sentence."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from documents.readme_files import three_files
from web_factories import write_files

from federation_bridge import system_clock
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.errors import ConfigurationInvalid, DatabaseFailure, ProviderUnreachable
from federation_bridge.operate import commands, preparation
from federation_bridge.operate.check import Finding, Kind, Severity, findings
from federation_bridge.operate.check.joined import kind_of
from federation_bridge.operate.opening import told_with_place
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import load_settings
from federation_bridge.store.postgresql_server import words_of

_BY_ADDRESS = {"subject": "mail", "subject_kind": "email"}
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files of an administrator, and a port of their own; no identity provider answers."""

    def nobody(_: Outgoing, url: str, **__: Any) -> None:
        raise ProviderUnreachable(f"{url}: nobody answers")

    monkeypatch.setattr(Outgoing, "fetch", nobody)
    file = write_files(tmp_path)
    change(file, serving={"listen": "127.0.0.1:0"})
    yield file


def change(file: Path, **changes: Any) -> None:
    """Writes these settings over what stands in the file."""
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}, sort_keys=False))


def wrong(file: Path) -> list[Finding]:
    """What is wrong."""
    return [one for one in findings(file) if one.severity is Severity.WRONG]


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


MESSAGES = [
    (
        'connection failed: could not translate host name "db" to address: Name or service not known',
        "host is not known",
    ),
    ('connection to server at "::1", port 5432 failed: Connection refused', "nothing listens"),
    ("connection timeout expired", "no answer came in time"),
    ('FATAL:  password authentication failed for user "hidden"', "this user with this password"),
    ("fe_sendauth: no password supplied", "`database_password` names none"),
    ('FATAL:  database "hidden" does not exist', "there is no database of this name"),
    ('FATAL:  role "hidden" does not exist', "there is no role of this name"),
    ('FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "hidden"', "pg_hba.conf lets this user not in"),
    ('FATAL:  permission denied for database "hidden"', "GRANT CONNECT"),
    ("FATAL:  sorry, too many clients already", "no more connections"),
    ("server certificate for hidden does not match host name", "TLS"),
    ("something that nobody foresaw: hidden", ""),
]


@pytest.mark.parametrize(("message", "words"), MESSAGES)
def test_a_database_that_cannot_be_reached_is_told_in_words_and_never_by_its_message(message: str, words: str) -> None:
    told = words_of(psycopg.OperationalError(message))
    assert words in told
    assert "hidden" not in told
    assert bool(told) is bool(words)


def test_a_missing_right_is_told_by_its_number() -> None:
    assert "GRANT" in words_of(psycopg.errors.InsufficientPrivilege("permission denied for table sessions"))


def _on(settings: Path, url: str) -> list[str]:
    key = settings.parent / "sealing"
    key.write_text("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    key.chmod(0o600)
    change(
        settings,
        database=url,
        keys={"sealing_key": {"file": "sealing"}},
        rulebook={"files_on_many_nodes": True},
    )
    return [one.sentence for one in wrong(settings)]


@pytest.mark.parametrize("has_database", [False, True])
def test_a_sealing_key_of_another_length_is_told_once_beside_a_database_that_is_missing(
    settings: Path, *, has_database: bool
) -> None:
    key = settings.parent / "short"
    key.write_text("MDEyMzQ1Njc4OTAxMjM0NTY3ODk=")
    key.chmod(0o600)
    if has_database:
        (settings.parent / "bridge.db").touch(0o600)
    change(settings, keys={"sealing_key": {"file": "short"}})
    told = [one.sentence for one in wrong(settings) if "keys.sealing_key" in one.sentence]
    assert told == ["keys.sealing_key must hold 32 bytes as base64 (make them with: openssl rand -base64 32)"]


def test_a_refused_connection_names_the_server_and_what_failed(settings: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        (told,) = _on(settings, f"postgresql+psycopg://bridge@127.0.0.1:{port}/bridge")
    assert told.startswith(f"database: bridge@127.0.0.1:{port}/bridge: the connection was refused")


def test_a_refusal_is_about_the_database_where_that_does_not_open_and_never_by_its_words(settings: Path) -> None:
    preparation.prepare(load_settings(settings))
    named = ConfigurationInvalid("rule database: no such database")
    assert kind_of(load_settings(settings), named) is Kind.SETTINGS
    (settings.parent / "bridge.db").unlink()
    (told,) = (one for one in wrong(settings) if "is not there" in one.sentence)
    assert told.kind is Kind.DATABASE
    assert kind_of(load_settings(settings), ConfigurationInvalid("anything")) is Kind.DATABASE


def test_where_the_database_is_is_told_of_what_failed_there_and_of_nothing_else(settings: Path) -> None:
    failed = copy.deepcopy(DatabaseFailure("its disk is full"))
    assert failed == "the database failed: its disk is full"
    placed = f"database: {settings.parent / 'bridge.db'}: its disk is full"
    assert told_with_place(load_settings(settings), failed) == placed
    assert told_with_place(load_settings(settings), str(failed)) == str(failed)


def test_what_is_broken_beside_the_database_is_told_with_it(settings: Path) -> None:
    rules = settings.parent / "rules.yaml"
    rules.write_text(rules.read_text().replace("group: admins", "grup: admins"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        told = _on(settings, f"postgresql+psycopg://bridge@127.0.0.1:{port}/bridge")
    assert any("grup" in one for one in told)
    assert any("the connection was refused" in one for one in told)


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
