"""Two processes of ours meet at a file: neither loses, ends or misleads the other."""

from __future__ import annotations

import base64
import fcntl
import io
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_factories import Person, told
from databases import INTEGRITY_KEY, HeldClock
from fake_bridge import Reply, fake_bridge, put_session
from sealed_keys_in_memory import SealedKeysInMemory
from store_factories import entry
from structlog.testing import capture_logs
from web_factories import door_of, made_app, write_files

from federation_bridge import first_start
from federation_bridge.administration import archiving
from federation_bridge.administration import resealing as administration_resealing
from federation_bridge.administration.archiving import AuditArchiving
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.cli import files as cli_files
from federation_bridge.cli.aws_config import sso
from federation_bridge.cli.aws_config.neutral_profile import stepped_around
from federation_bridge.cli.context import Context, folder_of
from federation_bridge.cli.session.leftovers import forget_answers
from federation_bridge.cli.single_flight import lock
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.errors import BridgeError, ConfigurationInvalid, Unavailable
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.operate import opening, preparation, resealing
from federation_bridge.settings import Settings, load_settings
from federation_bridge.signing import KeyRing, Purpose, waiting_beside
from federation_bridge.store import Store, bounds, changing_place, open_store, open_store_to_read, putting_back, schema
from federation_bridge.store.seals import AuditSeals
from federation_bridge.store.sqlite_file import SqliteFile

_DAY = timedelta(days=1)
_BRIDGE = "https://aws.example.com"
_ROLE = "123456789012/Admin"


class _Killed(BaseException):
    """As SIGKILL would end it: nothing catches it."""


def _killed(*_: object, **__: object) -> None:
    raise _Killed


def _once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, meanwhile: Callable[[], object]) -> None:
    """Lets `meanwhile` happen right before the first call of this function, which is the real one again within."""
    real = getattr(owner, name)

    def first(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        meanwhile()
        return real(*given, **named)

    monkeypatch.setattr(owner, name, first)


def _in_a_thread(work: Callable[[], object]) -> None:
    """As another process: it holds nothing of what the present one does."""
    with ThreadPoolExecutor(1) as there:
        there.submit(work).result()


# ------------------------------------------------------------------------------------------------ the audit's archive


def _opened(folder: Path, clock: HeldClock) -> Store:
    return open_store(f"sqlite:///{folder}/bridge.db", clock=clock, integrity_key=INTEGRITY_KEY, make=True)


@pytest.fixture
def sealed(tmp_path: Path, clock: HeldClock) -> Iterator[tuple[Callable[[], AuditArchiving], Store]]:
    """Six entries in two seals, old enough; and what one worker archives with, as often as wanted."""
    ring = KeyRing(bytes(32), SealedKeysInMemory(), clock, "bridge.example.com")
    with closing(_opened(tmp_path, clock)) as store, closing(_opened(tmp_path, clock)) as other:
        for _ in range(6):
            store.audit.record(entry(clock()))
        AuditSealing(store, ring, clock, lambda _: None, most=3).seal()
        clock.advance(3 * _DAY)
        stores = iter((store, other))
        yield lambda: AuditArchiving(next(stores), ring, clock, _DAY, tmp_path / "archive"), store


def test_a_worker_whose_rows_another_one_archived_meanwhile_sees_no_tampering(
    sealed: tuple[Callable[[], AuditArchiving], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, store = sealed
    late, quick = worker(), worker()
    _once(monkeypatch, AuditSeals, "rows", quick.archive)
    with capture_logs() as logged:
        late.archive()
    assert [one for one in logged if one["log_level"] == "error"] == []
    assert len(list((tmp_path / "archive").iterdir())) == 2
    assert {one.event for one in store.audit.entries()} == {"audit.archived"}


def test_nodes_whose_processes_have_one_number_do_not_write_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers number their processes alike, and may share the archive: a half of it took the place of the whole."""
    path, whole = tmp_path / "audit-00000001.jsonl", b"x" * 100

    def another_that_is_killed() -> None:
        with monkeypatch.context() as patch, pytest.raises(_Killed):
            patch.setattr(os, "fsync", _killed)
            archiving._write_durably(path, whole[:10])

    _once(monkeypatch, os, "fsync", another_that_is_killed)
    archiving._write_durably(path, whole)
    assert path.read_bytes() == whole


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_one_and_a_living_one_s_stays(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in ("audit-1.a.unfinished", "audit-2.b.unfinished", "x.unfinished"))
    for file in (old, young, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    archiving._write_durably(tmp_path / "audit-00000003.jsonl", b"x")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["audit-00000003.jsonl", young.name, other.name]


# ---------------------------------------------------------------------------------------------------- the first start


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(write_files(tmp_path))


def _started(folder: Path) -> None:
    door_of(made_app(folder, HeldClock())).store.close()


@pytest.mark.parametrize("step", ["_demand_folder", "_demand_place", "_demand_one_key", "read_or_make_sealing_key"])
def test_a_first_start_lets_another_one_be_first(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    _once(monkeypatch, first_start, step, lambda: _started(tmp_path))
    begun = first_start.begin(settings)
    assert begun.sealing_key == first_start.resume(settings).sealing_key
    _started(tmp_path)


def test_a_first_start_goes_on_where_another_one_has_not_made_the_tables_yet(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[bytes] = []
    _once(monkeypatch, first_start, "_demand_folder", lambda: others.append(first_start.begin(settings).sealing_key))
    _started(tmp_path)
    assert others == [first_start.resume(settings).sealing_key]


@pytest.mark.parametrize("step", ["_demand_one_key", "read_or_make_sealing_key", "Beginning"])
def test_a_first_start_that_was_killed_at_any_step_is_begun_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch, pytest.raises(_Killed):
        patch.setattr(first_start, step, _killed)
        first_start.begin(settings)
    _started(tmp_path)


@pytest.mark.parametrize("step", ["read_or_make_sealing_key", "Beginning"])
def test_a_migrate_that_was_killed_is_run_again_and_tells_of_the_key(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What was noted of the seals of a database that is gone would keep the new one from serving."""
    noted = tmp_path / "last-seal.json"
    noted.write_text("of a database that is gone")
    with monkeypatch.context() as patch, pytest.raises(_Killed):
        patch.setattr(first_start, step, _killed)
        preparation.migrate(settings)
    assert not noted.exists()
    told = preparation.migrate(settings)
    made, key, current = told
    assert made == f"Made: {tmp_path / 'bridge.db'}"
    assert key.startswith(f"Its sealing key is {tmp_path / 'sealing.key'}: keep a copy of it")
    assert current == "The database is current."
    _started(tmp_path)


@pytest.mark.parametrize("steps_done", [0, 1, len(Purpose) - 1])
@pytest.mark.parametrize("first", [preparation.migrate, preparation.prepare], ids=["migrate", "serve"])
@pytest.mark.parametrize("again", ["migrate", "serve"])
def test_a_first_start_that_was_killed_at_its_tables_or_keys_is_ended_by_one_that_tells_what_was_made(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[[Settings], object],
    again: str,
    steps_done: int,
) -> None:
    with monkeypatch.context() as patch, pytest.raises(_Killed):
        if steps_done:
            real, done = KeyRing.current, iter(range(steps_done))
            patch.setattr(
                KeyRing, "current", lambda ring, purpose: _killed() if next(done, -1) < 0 else real(ring, purpose)
            )
        else:
            patch.setattr(schema, "migrate", _killed)
        first(settings)
    for times in (1, 0):
        with capture_logs() as logged:
            told = preparation.migrate(settings) if again == "migrate" else ()
            preparation.prepare(settings)
        said = " ".join((*told, *(one["detail"] for one in logged if one["event"] == "made")))
        assert said.count(f"Its sealing key is {tmp_path / 'sealing.key'}: keep a copy of it") == times


# ------------------------------------------------------------------------------------- a restore, a reader and a reseal


def test_a_restore_beside_a_service_that_starts_is_refused_and_mixes_nothing(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of the old database was taken for the new one's: rows of both, and `integrity_check` called it well."""
    old, new = tmp_path / "bridge.db", tmp_path / "new.db"
    for path in (old, new):
        with closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("CREATE TABLE rows (text)")
            made.executemany("INSERT INTO rows VALUES (?)", [(path.name + "y" * 500,)] * 300)
            made.commit()
    with closing(sqlite3.connect(old, isolation_level=None)) as service:
        _once(monkeypatch, os, "replace", lambda: service.execute("INSERT INTO rows VALUES ('of the service')"))
        with pytest.raises(ConfigurationInvalid, match="is in use: stop the service first"):
            putting_back.put_back(new, old, clock())
    with closing(sqlite3.connect(old)) as after:
        names = {text[:6] for (text,) in after.execute("SELECT text FROM rows")}
    assert names == {old.name[:6], "of the"}


@pytest.fixture
def replaced(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Store]]:
    """A database that is to take the place, and a store of the old one that has no connection open yet."""
    monkeypatch.setattr(bounds, "BUSY_MS", 50)
    (tmp_path / "beside").mkdir()
    for folder, entries in ((tmp_path, 2), (tmp_path / "beside", 5)):
        with closing(_opened(folder, clock)) as made:
            for _ in range(entries):
                made.audit.record(entry(clock()))
    with closing(_opened(tmp_path, clock)) as store:
        store.close()  # what it opened; it is used on
        yield tmp_path / "beside" / "bridge.db", store


def _entries_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = found.execute("SELECT count(*) FROM audit").fetchone()
        return int(count)


@pytest.mark.parametrize("step", ["before", "behind"])
def test_whoever_is_about_to_open_the_database_has_it_to_themselves_or_not_at_all(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The look at the name was the last one: then it wrote to the file that had gone, or into a new one unawares."""
    new, store = replaced
    path, real, refused = tmp_path / "bridge.db", sqlite3.connect, []

    def restore() -> None:
        monkeypatch.setattr(sqlite3, "connect", real)
        with pytest.raises(ConfigurationInvalid, match="is in use: stop the service first") as told:
            putting_back.take_place(new, path, clock())
        refused.append(told)

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        if step == "before":
            restore()
            return real(*given, **named)
        opened = real(*given, **named)
        restore()
        return opened

    monkeypatch.setattr(sqlite3, "connect", connect)
    store.audit.record(entry(clock()))
    assert len(refused) == 1
    store.close()
    assert (_entries_in(path), _entries_in(new)) == (3, 5)
    assert [one.name for one in tmp_path.glob("bridge.db*")] == ["bridge.db"]


@pytest.mark.parametrize("call", ["link", "replace"])
def test_whoever_comes_while_the_place_changes_waits_and_writes_to_neither(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    new, store = replaced
    path, told = tmp_path / "bridge.db", []

    def come() -> None:
        with pytest.raises(Unavailable) as refused:
            store.audit.record(entry(clock()))
        told.append(refused.value.detail)

    _once(monkeypatch, os, call, come)
    aside = putting_back.take_place(new, path, clock())
    come()
    assert "is being put back" in told[0]
    assert "was removed or replaced" in told[1]
    assert aside is not None
    assert (_entries_in(path), _entries_in(aside)) == (5, 2)


def test_a_connection_that_was_only_opened_holds_off_a_restore(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock
) -> None:
    new, _ = replaced
    path = tmp_path / "bridge.db"
    with closing(SqliteFile(path, 1).connect()), pytest.raises(ConfigurationInvalid, match="is in use"):
        putting_back.take_place(new, path, clock())
    putting_back.take_place(new, path, clock())
    assert _entries_in(path) == 5


def test_a_folder_that_cannot_be_locked_holds_nobody_up(
    replaced: tuple[Path, Store], tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", none)
    new, store = replaced
    store.audit.record(entry(clock()))
    store.close()
    putting_back.take_place(new, tmp_path / "bridge.db", clock())
    assert _entries_in(tmp_path / "bridge.db") == 5


def test_a_reader_notices_that_the_database_came_into_use(tmp_path: Path, clock: HeldClock) -> None:
    """It took no locks, saw pages change, and said that the file is damaged: whoever puts a backup back loses data."""
    with closing(_opened(tmp_path, clock)) as store:
        for _ in range(1500):
            store.audit.record(entry(clock()))
    url = f"sqlite:///{tmp_path}/bridge.db"
    with closing(open_store_to_read(url, clock=clock, integrity_key=INTEGRITY_KEY)) as reader:
        rows = reader.seals.rows(1, 10**9)
        assert next(iter(rows)).number == 1
        with closing(_opened(tmp_path, clock)) as service, closing(sqlite3.connect(tmp_path / "bridge.db")) as archive:
            for trigger in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                archive.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            archive.execute("DELETE FROM audit WHERE number BETWEEN 600 AND 1400")
            archive.commit()
            for _ in range(300):
                service.audit.record(entry(clock()))
            archive.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with pytest.raises(Unavailable, match="came into use while it was read: run this once more"):
            list(rows)


def test_a_second_reseal_leaves_the_key_that_the_first_one_laid_beside(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it a start under the old key would not be refused while the first one writes."""
    _started(tmp_path)
    new = tmp_path / "new.key"
    new.write_bytes(base64.b64encode(os.urandom(32)))
    new.chmod(0o600)
    key_file = first_start.key_file_of(settings)
    assert key_file is not None
    seen: list[bool] = []

    def in_use(*_: object) -> None:
        raise ConfigurationInvalid("the database is in use: stop the service first")

    def once_more() -> None:
        with monkeypatch.context() as patch, pytest.raises(ConfigurationInvalid, match="in use"):
            patch.setattr(administration_resealing, "reseal", in_use)
            list(resealing.resealed(settings, new, "", None))
        seen.append(waiting_beside(key_file).exists())

    _once(monkeypatch, administration_resealing, "reseal", once_more)
    list(resealing.resealed(settings, new, "", None))
    assert seen == [True]


def test_whoever_read_the_old_key_opens_nothing_while_the_rows_change_and_fits_nothing_afterwards(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that had read it before the new one lay there served by it on, beside rows that have the new one."""
    preparation.migrate(settings)
    new = tmp_path / "new.key"
    new.write_bytes(base64.b64encode(os.urandom(32)))
    new.chmod(0o600)
    before = first_start.resume(settings)
    refused: list[str] = []

    def start() -> None:
        try:
            with opening.store_of(settings, before) as store:
                key_ring(settings, before.sealing_key, store).made(Purpose.AUDIT)
                store.audit.record(entry(HeldClock()()))
        except BridgeError as refusal:
            refused.append(refusal.detail)

    def come() -> None:
        monkeypatch.setattr(bounds, "BUSY_MS", 50)
        _in_a_thread(start)
        monkeypatch.undo()

    _once(monkeypatch, administration_resealing, "reseal", come)
    list(resealing.resealed(settings, new, "", None))
    with opening.store_of(settings) as store:
        assert [one.event for one in store.audit.entries(limit=1)] == ["sealing_key.changed"]
        assert not store.audit.entries(event="sign_in.finished"), "nothing was written by the old key"
    start()
    while_it_changes, afterwards = refused
    assert "is given another sealing key: start this after that" in while_it_changes
    assert "this is not the sealing key that sealed it" in afterwards


def test_a_reseal_beside_a_service_that_opens_is_refused_and_changes_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _started(tmp_path)
    new = tmp_path / "new.key"
    new.write_bytes(base64.b64encode(os.urandom(32)))
    new.chmod(0o600)
    monkeypatch.setattr(bounds, "BUSY_MS", 50)
    held = (tmp_path / "sealing.key").read_bytes()
    with ExitStack() as opened:
        hold = changing_place.opening(tmp_path / "bridge.db", 1)
        _once(monkeypatch, administration_resealing, "is_done", lambda: opened.enter_context(hold))
        with pytest.raises(ConfigurationInvalid, match="is in use: stop the service first"):
            list(resealing.resealed(settings, new, "", None))
    assert (tmp_path / "sealing.key").read_bytes() == held
    assert not (tmp_path / "sealing.key.new").exists()
    list(resealing.resealed(settings, new, "", None))


# ---------------------------------------------------------------------------------------------- commands of one person


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    environ = {"HOME": str(tmp_path), "FEDBRIDGE_FOLDER": str(tmp_path / "f"), "FEDBRIDGE_TOKEN_STORE": "file"}
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    terminal = Terminal(environ, io.StringIO(), io.StringIO(), io.StringIO())
    made = Context(_BRIDGE, folder_of(_BRIDGE, environ), environ, HeldClock(), terminal)
    made.make_folders()
    return made


def test_an_answer_is_kept_though_a_login_swept_its_draft(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cli_files._write

    def write(draft: Path, data: bytes, mode: int) -> None:
        real(draft, data, mode)
        monkeypatch.setattr(cli_files, "_write", real)
        forget_answers(context)

    monkeypatch.setattr(cli_files, "_write", write)
    cli_files.write_private(context.answer_path(_ROLE), b"answer")
    assert context.answer_path(_ROLE).read_bytes() == b"answer"


def test_a_token_of_stock_clients_that_is_gone_already_is_told_to_the_bridge_all_the_same(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sso.token_path(context)
    path.parent.mkdir(parents=True)
    path.write_text(f'{{"startUrl": "{_BRIDGE}/start", "refreshToken": "r"}}')
    _once(monkeypatch, Path, "unlink", lambda: os.unlink(path))  # noqa: PTH108 - pathlib's is the one that is patched
    assert sso.forget_token(context) == "r"


def test_processes_of_one_number_have_files_of_their_own(context: Context) -> None:
    """Containers and computers may share a home: the second one's end took the first one's profile away."""
    (Path.home() / ".aws").mkdir()
    (Path.home() / ".aws" / "config").write_text("[default]\ncredential_process = x\n")
    with stepped_around(context, "") as mine:
        with stepped_around(context, "") as theirs:
            assert theirs["AWS_PROFILE"] == mine["AWS_PROFILE"]
            assert theirs["AWS_CONFIG_FILE"] != mine["AWS_CONFIG_FILE"]
        assert Path(mine["AWS_CONFIG_FILE"]).exists()


def test_two_configures_at_once_write_one_after_the_other(tmp_path: Path) -> None:
    with fake_bridge() as bridge:
        offered = {"account": "123456789012", "account_name": "x", "role": "Admin", "key": _ROLE, "name": "x/Admin"}
        more = {"max_duration": "1h", "region": "eu-west-1", "alias": "x"}
        bridge.answers["/api/v1/roles"] = Reply(body={"roles": [offered | more]})
        folder = put_session(tmp_path, bridge, ends_at=4_000_000_000)
        person, config = Person(tmp_path, bridge.address), tmp_path / ".aws" / "config"
        config.parent.mkdir()
        config.touch()
        with (folder.parent / "configure.lock").open("w+b") as held:
            (folder.parent / "configure.lock").chmod(0o600)
            assert lock(held)
            running = person.start("configure", "--yes")
            told(running, re.compile("(Waiting for .*)"))
            config.write_text("[profile b]\n")
        _, said = running.communicate(timeout=60)
    assert "changed by another program" in said
    assert config.read_text() == "[profile b]\n"
