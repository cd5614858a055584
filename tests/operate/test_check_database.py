# ruff: noqa: F811 - fixtures are named where they are asked for
"""What `federation-bridge check` says of a database: in words, with its place, and never by its message."""

from __future__ import annotations

import copy
import socket
from pathlib import Path

import psycopg
import pytest
from check_fixtures import change, settings, wrong  # noqa: F401 - a fixture

from federation_bridge.errors import ConfigurationInvalid, DatabaseFailure
from federation_bridge.operate import preparation
from federation_bridge.operate.check import Kind
from federation_bridge.operate.check.joined import kind_of
from federation_bridge.operate.opening import told_with_place
from federation_bridge.settings import load_settings
from federation_bridge.store.postgresql_server import words_of

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
