# ruff: noqa: F811 - fixtures are named where they are asked for
"""What an operator got wrong is one sentence: what is wrong, where (the setting's name), and what to do. No trace.

A table of faults; each is met by every command that comes across it, and all of them say the same.
"""

# ruff: noqa: ISC004 - a sentence that takes more than one line

from __future__ import annotations

import base64
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import postgresql
import pytest
from operator_faults_fixtures import CHANGING, EVERY, KEYS, LOOKING, Place, place, started_once, without_key  # noqa: F401 - fixtures

from federation_bridge.store.tables import HEAD


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield f"127.0.0.1:{other.getsockname()[1]}"


def _later(place: Place) -> None:
    place.execute(
        "UPDATE alembic_version SET version_num = '9999'",
        "UPDATE service_marks SET value = '9998' WHERE name = 'oldest program'",
    )


def _earlier(place: Place) -> None:
    place.execute("UPDATE alembic_version SET version_num = '0028'")


def _without_password(place: Place) -> None:
    place.on("postgresql+psycopg://bridge@127.0.0.1:1/bridge")
    (place.folder / "password").unlink()


def _without_settings(place: Place) -> None:
    place.settings.unlink()


def _without_database(place: Place) -> None:
    place.database.unlink()


_SPEAKS = "the settings file DIR/federation-bridge.yaml cannot be read: "
_ANOTHER_KEY = (
    "the stored {purpose} key does not open: this is not the sealing key that sealed it; put that one back "
    "(`keys.sealing_key`, or sealing.key in `data`)"
)
_LOST = "`federation-bridge migrate` makes a new one, with new signing keys that AWS must be told"
FAULTS: dict[str, tuple[Callable[[Place], object], tuple[tuple[str, ...], ...], str]] = {
    "no settings file": (
        _without_settings,
        EVERY,
        f"{_SPEAKS}No such file or directory; --settings or FEDERATION_BRIDGE_SETTINGS names another one",
    ),
    "wrong YAML": (
        lambda place: place.settings.write_text("base_url: [\n"),
        EVERY,
        "DIR/federation-bridge.yaml: line 2: is not YAML: expected the node content, but found "
        "'<stream end>' (column 1)",
    ),
    "no data folder": (
        lambda place: place.change(data=f"{place.folder}/nowhere"),
        EVERY,
        "`data` or `database`: the folder DIR/nowhere is not there; make it for the service's user alone "
        "(install -d -m 0700 -o federation-bridge DIR/nowhere)",
    ),
    "another sealing key": (
        lambda place: (place.folder / "sealing.key").write_text(base64.b64encode(b"k" * 32).decode()),
        (*LOOKING, *CHANGING),
        _ANOTHER_KEY.format(purpose="audit"),
    ),
    "another sealing key, to serve": (
        lambda place: (place.folder / "sealing.key").write_text(base64.b64encode(b"k" * 32).decode()),
        (("serve",), ("check",), ("migrate",), ("keys", "show")),
        _ANOTHER_KEY.format(purpose="aws-saml"),
    ),
    "no sealing key": (
        without_key,
        EVERY,
        "the database DIR/bridge.db is there, but the sealing key DIR/sealing.key is not: put the key back, for "
        "nothing in the database opens without it",
    ),
    "no database": (
        _without_database,
        (*LOOKING, *CHANGING),
        f"the database file DIR/bridge.db is not there: `data` or `database` says so; {_LOST}",
    ),
    "a database that others can read": (
        lambda place: place.database.chmod(0o644),
        EVERY,
        "the database file DIR/bridge.db can be used by others (mode 0644): it must be ours alone (chmod 600 "
        "DIR/bridge.db), or readable by the service's own group (0440)",
    ),
    "a file that is no database": (
        lambda place: place.database.write_bytes(b"no database at all" * 500),
        EVERY,
        "database: DIR/bridge.db: the file is no SQLite database, or is damaged: put a backup back (DatabaseError "
        "SQLITE_NOTADB)",
    ),
    "a database of a later release": (
        _later,
        (*EVERY, *KEYS),
        "database: the database is of a later release (step 9999) and takes programs from step 9998 on; this one "
        f"knows {HEAD}: update this node",
    ),
    "a database of an earlier release, to look at": (
        _earlier,
        (("check",), *LOOKING, *KEYS),
        f"database: the database is of an earlier release (step 0028, this program needs {HEAD}): run "
        "`federation-bridge migrate`",
    ),
    "a setting that does not exist": (
        lambda place: place.change(bas_url="x"),
        tuple(words for words in (*EVERY, *KEYS) if words != ("check",)),  # which tells the line, too
        "DIR/federation-bridge.yaml: bas_url: there is no such setting; did you mean `base_url`?",
    ),
    "an address of another machine": (
        lambda place: place.change(serving={"listen": "192.0.2.1:8400"}),
        (("serve",),),
        "serving.listen: 192.0.2.1:8400 is no address of this machine",
    ),
    "a URL of another kind": (
        lambda place: place.on("postgres://bridge@127.0.0.1:1/bridge"),
        tuple(words for words in EVERY if words != ("check",)),  # which tells the line, too
        "DIR/federation-bridge.yaml: database: 'postgres' is no database that the bridge works with (did you mean "
        "`postgresql`?): write `postgresql+psycopg://USER@HOST/NAME` for PostgreSQL, `sqlite:////FOLDER/bridge.db` for "
        "SQLite, or leave it out for SQLite in `data`",
    ),
    "nothing listens at the database's port": (
        lambda place: place.on("postgresql+psycopg://bridge@127.0.0.1:1/bridge"),
        EVERY,
        "database: bridge@127.0.0.1:1/bridge: the connection was refused: nothing listens at that host and port "
        "(OperationalError)",
    ),
    "an option that the driver does not know": (
        lambda place: place.on("postgresql+psycopg://bridge@127.0.0.1:1/bridge?sslmod=require"),
        EVERY,
        "database: bridge@127.0.0.1:1/bridge: `database` has an option behind the `?` that PostgreSQL does not know "
        "(ProgrammingError)",
    ),
    "no database password": (
        _without_password,
        EVERY,
        "database_password: the secret file DIR/password cannot be read: No such file or directory",
    ),
}
"""A fault: how it comes about, which commands meet it, and what all of them say."""


@pytest.mark.parametrize(
    ("fault", "words"), [(fault, words) for fault, (_, met_by, _) in FAULTS.items() for words in met_by]
)
def test_a_fault_is_one_sentence_and_status_1_for_every_command(
    place: Place, fault: str, words: tuple[str, ...]
) -> None:
    bring_about, _, sentence = FAULTS[fault]
    bring_about(place)
    assert place.said(words) == (1, sentence)


def test_a_port_that_is_taken_is_told_with_who_may_have_it(place: Place, taken: str) -> None:
    place.change(serving={"listen": taken})
    told = "by the bridge itself if it runs, else by another program (`ss -ltnp` names it)"
    assert place.said(("serve",)) == (1, f"serving.listen: {taken} is taken: {told}")


def test_a_file_that_another_program_holds_locked_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation_bridge.store.bounds.BUSY_MS", 20)
    monkeypatch.setattr("federation_bridge.store.schema._MOST_WAITS", 2)
    with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        todo = "end that one (fuser names it), and try again"
        told = f"another program holds it locked: {todo} (OperationalError SQLITE_BUSY)"
        for words in (("migrate",), ("sessions", "end", "--person", "corp/ada")):
            assert place.said(words) == (1, f"database: DIR/bridge.db: {told}")


SERVER = {
    "another password": ("bridge", "{database}", "it does not take this user with this password (`database_password`)"),
    "no such database": (postgresql.SERVING, "no_such_database", "there is no database of this name"),
    "TLS": (postgresql.SERVING, "{database}?sslmode=require",
            "TLS with it could not be set up: see sslmode and sslrootcert in `database`"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SERVER)
@pytest.mark.parametrize("words", [("migrate",), ("serve",), ("check",), ("sessions", "list")])
def test_what_a_server_refuses_is_told_with_its_place(
    place: Place, postgresql_server: postgresql.Server, _worker_database: str, fault: str, words: tuple[str, ...]
) -> None:
    user, database, sentence = SERVER[fault]
    place.on(postgresql_server.url(database.format(database=_worker_database), user))
    if fault != "another password":
        (place.folder / "password").write_text(postgresql_server.password)
    status, said = place.said(words)
    name = database.format(database=_worker_database).partition("?")[0]
    assert (status, said.partition(" (Operational")[0]) == (
        1,
        f"database: {user}@127.0.0.1:{postgresql_server.port}/{name}: {sentence}",
    )


@pytest.mark.parametrize("words", [("serve",), ("check",), *LOOKING, *CHANGING])
def test_a_database_without_tables_is_told_to_be_migrated(
    place: Place, postgresql_server: postgresql.Server, worker_id: str, words: tuple[str, ...]
) -> None:
    name = f"empty_errors_{worker_id}"
    postgresql_server.make_database(name)
    try:
        place.on(postgresql_server.url(name))
        (place.folder / "password").write_text(postgresql_server.password)
        status, said = place.said(words)
    finally:
        with suppress(Exception), postgresql_server.admin() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert status == 1
    assert "the database has no tables yet: run `federation-bridge migrate`" in said
