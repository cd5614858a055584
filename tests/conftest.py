"""What every test has: no network but loopback, a clock that stands still, and both databases."""

from __future__ import annotations

import gc
import ipaddress
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from psycopg import Connection
from pytest_socket import socket_allow_hosts

from federation_bridge.store import ServingUser, Store, open_store
from federation_bridge.store.schema import OLDEST_PROGRAM
from federation_bridge.store.tables import METADATA, OLDEST

sys.path.insert(0, str(Path(__file__).parent))

import free_ports
import in_memory
import made_once
import postgresql
from absent_software import pytest_terminal_summary  # noqa: F401 - a hook of the whole run
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from postgresql import ARCHIVING, OWNER, SERVING
from slow_tests import pytest_collection_modifyitems, pytest_ignore_collect  # noqa: F401 - hooks of the whole run

# jsonschema makes forty grammars of it when it is loaded, for formats that no test asks about: seconds in each process.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # not installed, for whoever imports it
made_once.install()
in_memory.use()
_configure_logs = structlog.configure


def _configure_logs_anew(**settings: Any) -> None:
    """As the programs do it, but no logger keeps what holds now: else the next test that looks at lines sees none."""
    _configure_logs(**{**settings, "cache_logger_on_first_use": False})


structlog.configure = _configure_logs_anew  # type: ignore[assignment]  # as it is called
# A slow machine is no fault of the code: how long an example may take, or its making, says nothing here.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")
# Else each program that a test starts compiles the whole package anew, and each run all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what it puts into the background. This run goes on ignoring Ctrl-C, but what it starts must not
    # inherit that, or no test could stop a program: a handler is not inherited, to ignore is.
    signal.signal(signal.SIGINT, lambda *_: None)
_ON_HANGUP = signal.getsignal(signal.SIGHUP)
if _ON_HANGUP is signal.SIG_IGN:
    _ON_HANGUP = lambda *_: None  # noqa: E731 - the same, for `nohup`
_LOOPBACK = ["127.0.0.1", "::1", "localhost"]
_FOLDER = pytest.StashKey[Path]()
_real_getaddrinfo = socket.getaddrinfo


# ------------------------------------------------------------------------------------------------------ the network


def _getaddrinfo(host: str | bytes | None, *rest: Any, **more: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in _LOOPBACK or _is_address(name):
        return _real_getaddrinfo(host, *rest, **more)
    raise socket.gaierror(socket.EAI_NONAME, f"tests look up no names: {name}")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Lets sockets reach this machine only, and names be looked up nowhere; a hang-up means what it meant at first."""
    socket_allow_hosts(_LOOPBACK, allow_unix_socket=True)
    socket.getaddrinfo = _getaddrinfo
    # A service that a test starts in this process ignores it until it serves. What tests start would inherit that.
    signal.signal(signal.SIGHUP, _ON_HANGUP)


@pytest.fixture
def free_port() -> int:
    """A port of this machine at which nobody answers."""
    return free_ports.free_port()


# -------------------------------------------------------------------------------------------------------- the clock


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


# --------------------------------------------------------------------------------------------------------- the memory


def pytest_collection_finish() -> None:
    """Fourteen thousand tests stay to the end: the collector of garbage need not walk them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)  # as the service has it (operate/entry.py)


# ---------------------------------------------------------------------------------------------------- the databases


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL server for the whole run: the first worker who needs it starts it."""
    worker = getattr(config, "workerinput", None)
    config.stash[_FOLDER] = Path(worker["postgresql"]) if worker else postgresql.new_folder()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells an xdist worker where the run's server is."""
    node.workerinput["postgresql"] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the run ends the server."""
    if not hasattr(config, "workerinput") and _FOLDER in config.stash:
        postgresql.stop(config.stash[_FOLDER])


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> postgresql.Server:
    return postgresql.started(pytestconfig.stash[_FOLDER])


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "bridge.db"
    open_store(f"sqlite:///{path}", clock=HeldClock(), integrity_key=INTEGRITY_KEY, make=True).close()
    return path


@pytest.fixture(scope="session")
def _worker_database(postgresql_server: postgresql.Server, worker_id: str) -> str:
    """All tests run as a user who may do what the service needs: a statement that needs more fails."""
    name = f"bridge_{worker_id}"
    postgresql_server.make_database(name, OWNER)
    url, password = postgresql_server.url(name, OWNER), postgresql_server.password
    store = open_store(url, clock=HeldClock(), integrity_key=INTEGRITY_KEY, password=password)
    store.migrate(ServingUser(SERVING, archives=False))
    store.migrate(ServingUser(ARCHIVING, archives=True))
    store.close()
    return name


@pytest.fixture
def sqlite_database(tmp_path: Path, clock: HeldClock, _migrated_sqlite: Path) -> Iterator[OwnDatabase]:
    """A SQLite database of this test's own, in the present shape."""
    path = tmp_path / "bridge.db"
    shutil.copy(_migrated_sqlite, path)

    def admin(statement: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)

    own_database = OwnDatabase(f"sqlite:///{path}", None, clock, admin)
    yield own_database
    own_database.close()


@pytest.fixture(scope="session")
def _worker_admin(postgresql_server: postgresql.Server, _worker_database: str) -> Iterator[Connection[Any]]:
    """A superuser's connection to the worker's database, past the triggers that keep the audit."""
    with postgresql_server.admin(_worker_database) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def postgresql_database(
    clock: HeldClock, postgresql_server: postgresql.Server, _worker_database: str, _worker_admin: Connection[Any]
) -> Iterator[OwnDatabase]:
    """The PostgreSQL database of the worker, in the present shape and empty."""

    def admin(statement: str) -> None:
        assert not _OF_ALL.match(statement), "other workers have the same server: say IN DATABASE"
        with postgresql_server.admin(_worker_database) as connection:
            connection.execute(statement)

    own_database = OwnDatabase(postgresql_server.url(_worker_database), postgresql_server.password, clock, admin)
    yield own_database
    own_database.close()
    _worker_admin.execute(_EMPTY_EACH)


# What a role or the server is set to holds in every worker's database: their tests would fail in the meantime.
_OF_ALL = re.compile(r"(?i)\s*(ALTER\s+SYSTEM|ALTER\s+ROLE(?!.*\bIN\s+DATABASE))")
_KEPT_MARKS = "name NOT LIKE ALL (ARRAY['look for %', 'told %', 'audit %', 'accounts %', 'notice%', 'nodes', 'mark'])"
# Not TRUNCATE: it makes new files for thirty tables and their indexes, and takes fifty times as long.
_EMPTY_EACH = "; ".join(
    [f"DELETE FROM {name}" for name in sorted(set(METADATA.tables) - {"service_marks"})]
    + [f"DELETE FROM service_marks WHERE NOT ({_KEPT_MARKS})"]
    + [f"UPDATE service_marks SET value = '{OLDEST}' WHERE name = '{OLDEST_PROGRAM}'"]
)


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest) -> OwnDatabase:
    """Either database: what uses it runs on both."""
    found: OwnDatabase = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def as_owner(own_database: OwnDatabase) -> None:
    """For what an operator does as the owner of the tables, as `people erase --owner` does."""
    own_database.be(OWNER)


@pytest.fixture
def as_archiving(own_database: OwnDatabase) -> None:
    """For what a service does where `audit.keep` is set."""
    own_database.be(ARCHIVING)


@pytest.fixture
def store(own_database: OwnDatabase) -> Store:
    """A store on either database."""
    return own_database.open()
