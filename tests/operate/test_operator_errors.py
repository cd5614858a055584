# ruff: noqa: ISC004 - a sentence that takes more than one line
"""What an operator got wrong is one sentence: what is wrong, where (the setting's name), and what to do. No trace.

A table of faults; each is met by every command that comes across it, and all of them say the same.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import pwd
import resource
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import postgresql
import pytest
import yaml
from click.testing import CliRunner
from web_factories import write_files

from federation_bridge import system_clock
from federation_bridge.errors import BridgeError
from federation_bridge.operate import commands
from federation_bridge.store.tables import HEAD

LOOKING = (("sessions", "list"), ("people", "blocked"), ("audit",), ("rules", "history"), ("grants", "alive"))
KEYS = (("keys", "show"), ("issuer", "export", "--to", "public"), ("aws", "publish-keys"))
CHANGING = (
    ("sessions", "end", "--person", "corp/ada"),
    ("people", "erase", "corp/ada", "--reason", "x"),
    ("aws", "publish-keys", "--write"),
)
EVERY = (("serve",), ("check",), ("migrate",), *LOOKING, *CHANGING)


@dataclass
class Place:
    """The files of a bridge that was started once; `DIR` in a sentence is their folder."""

    settings: Path

    @property
    def folder(self) -> Path:
        return self.settings.parent

    @property
    def database(self) -> Path:
        return self.folder / "bridge.db"

    def change(self, **changes: Any) -> None:
        self.settings.write_text(json.dumps({**yaml.safe_load(self.settings.read_text()), **changes}))

    def on(self, url: str) -> None:
        """Moves it to this PostgreSQL."""
        for name, text in (("password", "wrong"), ("sealing", base64.b64encode(b"k" * 32).decode())):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o600)
        self.change(
            database=url,
            database_password={"file": "password"},
            keys={"sealing_key": {"file": "sealing"}},
            rulebook={"files_on_many_nodes": True},
        )

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def said(self, words: tuple[str, ...]) -> tuple[int, str]:
        """Exit status and what is said; of `check` what is wrong."""
        done = CliRunner().invoke(commands.commands, [*words, "--settings", str(self.settings)])
        if isinstance(done.exception, BridgeError):
            return 1, done.exception.detail.replace(str(self.folder), "DIR")
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        wrong = [line for line in done.output.splitlines() if words != ("check",) or line.startswith("wrong ")]
        return done.exit_code, "\n".join(wrong).removeprefix("wrong    ").replace(str(self.folder), "DIR")


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("started")
    settings = write_files(folder)
    assert CliRunner().invoke(commands.commands, ["migrate", "--settings", str(settings)]).exit_code == 0
    return folder


@pytest.fixture
def place(started_once: Path, tmp_path: Path) -> Place:
    shutil.copytree(started_once, tmp_path, dirs_exist_ok=True)
    found = Place(tmp_path / "federation-bridge.yaml")
    found.change(serving={"listen": "127.0.0.1:0"}, data=str(tmp_path))
    return found


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


def _without_key(place: Place) -> None:
    (place.folder / "sealing.key").unlink()


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
        _without_key,
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


# ------------------------------------------------------------------------------------- the user's rights, and the disk


@contextmanager
def without_powers() -> Iterator[None]:
    """As a user who is not root: this thread gives its capabilities (Linux) back until the block ends."""
    asked, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    system = ctypes.CDLL(None, use_errno=True)
    assert system.capget(asked, held) == 0
    none = (ctypes.c_uint32 * 6)(0, held[1], held[2], 0, held[4], held[5])
    assert system.capset(asked, none) == 0
    try:
        yield
    finally:
        assert system.capset(asked, held) == 0


@pytest.fixture
def locked(place: Place) -> Iterator[Place]:
    """The place, in a folder that its user cannot write to."""
    place.folder.chmod(0o500)
    with without_powers():
        yield place
    place.folder.chmod(0o700)


@pytest.mark.parametrize("words", [("serve",), ("migrate",), *CHANGING])
def test_a_folder_that_cannot_be_written_is_told_with_how_to_mend_it(locked: Place, words: tuple[str, ...]) -> None:
    assert locked.said(words) == (1, _no_file_into(locked))


def _no_file_into(place: Place) -> str:
    me = pwd.getpwuid(os.geteuid()).pw_name
    return f"this user ({me}) may put no file into the folder DIR (mode 0500), which is its own: chmod u+rwx DIR"


@pytest.mark.parametrize("words", [("serve",), ("migrate",)])
def test_a_folder_that_cannot_be_written_is_told_before_the_first_start(place: Place, words: tuple[str, ...]) -> None:
    for path in place.folder.glob("bridge.db*"):
        path.unlink()
    _without_key(place)
    place.folder.chmod(0o500)
    with without_powers():
        said = place.said(words)
    place.folder.chmod(0o700)
    assert said == (1, _no_file_into(place))


@pytest.mark.skipif(
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip() != "1024",
    reason="every user may listen at every port of this machine",
)
def test_a_port_that_needs_a_right_of_its_own_is_told(place: Place) -> None:
    place.change(serving={"listen": "127.0.0.1:443"})
    told = "this user may not listen at 127.0.0.1:443: a port below 1024 needs a right of its own"
    with without_powers():
        assert place.said(("serve",)) == (1, f"serving.listen: {told}")


@contextmanager
def without_room() -> Iterator[None]:
    """No file grows: for SQLite that is a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("words", [("migrate",), *CHANGING])
def test_a_full_disk_is_told_with_what_to_do(place: Place, words: tuple[str, ...]) -> None:
    with without_room():
        said = place.said(words)
    assert said == (
        1,
        "database: DIR/bridge.db: its disk is full: make room (OperationalError SQLITE_IOERR_SHMSIZE)",
    )


# ------------------------------------------------------------------------------------- what lies outside of the machine


NOBODY = "the connection was refused: nothing listens there"


@pytest.mark.parametrize(
    ("outgoing", "url", "told"),
    [
        ({"proxy": "http://127.0.0.1:1"}, "https://idp.example.com/metadata",
         f"by the proxy 127.0.0.1:1 (`outgoing.proxy`): {NOBODY}"),
        ({}, "http://127.0.0.1:1/metadata", NOBODY),
    ],
    ids=["the proxy", "the provider"],
)  # fmt: skip
def test_a_way_to_the_provider_that_is_shut_is_told_with_its_setting(
    place: Place, outgoing: dict[str, str], url: str, told: str
) -> None:
    corp = {"protocol": "saml", "title": "C", "metadata_url": url, "networks": ["127.0.0.0/8"] if not outgoing else []}
    place.change(outgoing=outgoing, connections={"corp": corp})
    assert place.said(("metadata", "refresh", "corp")) == (1, f"connection corp: {url}: {told}")
    done = CliRunner().invoke(commands.commands, ["check", "--settings", str(place.settings)])
    assert f"warning  connection corp: {url}: {told}" in done.output.splitlines()


@pytest.fixture
def on_postgresql(place: Place, postgresql_server: postgresql.Server, worker_id: str) -> Iterator[tuple[Place, str]]:
    """The place on a database of its own that is current, and how the database is told."""
    name = f"errors_{worker_id}"
    postgresql_server.make_database(name)
    try:
        place.on(postgresql_server.url(name))
        (place.folder / "password").write_text(postgresql_server.password)
        assert place.said(("migrate",))[0] == 0
        yield place, f"bridge@127.0.0.1:{postgresql_server.port}/{name}"
    finally:
        with suppress(Exception), postgresql_server.admin() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_rights_that_are_missing_and_a_clock_that_is_wrong_are_told(
    on_postgresql: tuple[Place, str], postgresql_server: postgresql.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, server = on_postgresql
    with monkeypatch.context() as wrong:
        now = system_clock.utc_now
        wrong.setattr(system_clock, "utc_now", lambda: now() - timedelta(hours=2))
        told = "s from the database's (at most 60 s may be): set the clocks by NTP"
        for asked, where in ((("check",), f"database: {server}: "), (("restore", "--database-is-restored"), "")):
            assert place.said(asked) in [(1, f"{where}this node's clock is {off} {told}") for off in (7199, 7200, 7201)]
    with postgresql_server.admin(server.rpartition("/")[2]) as connection:
        connection.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM bridge, PUBLIC")
    told = "this user lacks a right (GRANT): docs/store.md says which are needed (InsufficientPrivilege 42501)"
    for words in (*EVERY, *KEYS):
        assert place.said(words) == (1, f"database: {server}: {told}"), words


def test_a_service_on_a_database_of_an_earlier_release_is_told_to_migrate(
    on_postgresql: tuple[Place, str], postgresql_server: postgresql.Server
) -> None:
    place, server = on_postgresql
    with postgresql_server.admin(server.rpartition("/")[2]) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0028'")
        # As it was before its last steps: what the parts read while they are joined is not there.
        connection.execute("ALTER TABLE rulebook_versions RENAME TO of_another_name")
    told = f"the database is of an earlier release (step 0028, this program needs {HEAD}): run `federation-bridge"
    for words in (("serve",), *LOOKING, *CHANGING, *KEYS):
        assert place.said(words) == (1, f"database: {told} migrate`"), words
