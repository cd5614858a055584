# ruff: noqa: F811 - fixtures are named where they are asked for
"""What an operator finds around the bridge is one sentence: the user's rights, the disk, the way out, PostgreSQL."""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import postgresql
import pytest
from click.testing import CliRunner
from operator_faults_fixtures import CHANGING, EVERY, KEYS, LOOKING, Place, place, started_once, without_key  # noqa: F401 - fixtures

from federation_bridge import system_clock
from federation_bridge.operate import commands
from federation_bridge.store.tables import HEAD

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
    without_key(place)
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
