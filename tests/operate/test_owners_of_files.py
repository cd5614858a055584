"""Whose files are: root makes none that the service could not open, and what may not be written stops the start."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from web_factories import write_files

from federation_bridge import file_owners, first_start
from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.operate import commands
from federation_bridge.settings import load_settings

DAEMON = 1
"""The user whom every system calls daemon."""
UNKNOWN = 4_000_000


def change(settings: Path, **changes: Any) -> None:
    settings.write_text(json.dumps({**yaml.safe_load(settings.read_text()), **changes}))


def run(settings: Path, *words: str) -> Result:
    return CliRunner().invoke(commands.commands, [*words, "--settings", str(settings)])


def said(done: Result) -> str:
    assert isinstance(done.exception, BridgeError), done.output or done.exception
    return done.exception.detail


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Makes this process root's, and a folder another user's, whoever runs the tests."""
    real, owners = Path.stat, dict[Path, int]()

    def stat_of(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = real(path, follow_symlinks=follow_symlinks)
        rest = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        return os.stat_result((*found[:4], owners.get(path, 0), *found[5:10]), rest)

    def own(folder: Path, owner: int) -> None:
        owners[folder] = owner

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", stat_of)
    return own


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Before the first start, with a folder of its own for what is kept."""
    path = write_files(tmp_path)
    (tmp_path / "kept").mkdir(mode=0o700)
    change(path, data=str(tmp_path / "kept"))
    return path


FOLDER = "the folder {} belongs to another user (daemon), who could not use what root puts there: "
TODO = "run this as that user (runuser -u daemon -- federation-bridge ...)"


@pytest.mark.parametrize("words", [("migrate",), ("serve",)])
def test_root_makes_no_database_and_no_key_in_another_users_folder(
    settings: Path, owned: Callable[[Path, int], None], words: tuple[str, ...]
) -> None:
    kept = settings.parent / "kept"
    owned(kept, DAEMON)
    assert said(run(settings, *words)) == FOLDER.format(kept) + TODO
    assert list(kept.iterdir()) == []


def test_root_makes_no_key_in_another_users_folder_beside_a_database_that_lies_elsewhere(
    settings: Path, owned: Callable[[Path, int], None]
) -> None:
    (settings.parent / "databases").mkdir(mode=0o700)
    change(settings, database=f"sqlite:///{settings.parent}/databases/bridge.db")
    owned(settings.parent / "kept", DAEMON)
    assert said(run(settings, "migrate")) == FOLDER.format(settings.parent / "kept") + TODO
    assert list((settings.parent / "databases").iterdir()) == []


def test_root_makes_all_of_it_in_its_own_folder(settings: Path, owned: Callable[[Path, int], None]) -> None:
    owned(settings.parent / "kept", 0)
    assert run(settings, "migrate").exit_code == 0
    assert {one.name for one in (settings.parent / "kept").iterdir()} >= {"bridge.db", "sealing.key"}


def test_root_may_change_another_users_database_but_neither_serves_nor_makes_a_backup_there(
    settings: Path, owned: Callable[[Path, int], None]
) -> None:
    """SQLite itself gives its log to whom the database belongs."""
    assert run(settings, "migrate").exit_code == 0
    (settings.parent / "backups").mkdir(mode=0o700)
    for one in ("kept", "backups"):
        owned(settings.parent / one, DAEMON)
    assert run(settings, "keys", "rotate", "audit").exit_code == 0
    change(settings, serving={"listen": "192.0.2.1:8400"})
    assert said(run(settings, "serve")) == FOLDER.format(settings.parent / "kept") + TODO
    monday = settings.parent / "backups" / "monday"
    assert said(run(settings, "backup", str(monday))) == FOLDER.format(monday.parent) + TODO
    assert not monday.exists()


def test_root_makes_no_file_of_the_audit_in_another_users_folder(
    settings: Path, owned: Callable[[Path, int], None]
) -> None:
    lines = settings.parent / "lines"
    lines.mkdir()
    change(settings, audit={"also_to": str(lines / "audit.jsonl")})
    owned(lines, DAEMON)
    assert said(run(settings, "serve")) == FOLDER.format(lines) + TODO
    assert list(lines.iterdir()) == []
    (lines / "audit.jsonl").touch(mode=0o600)
    change(settings, serving={"listen": "192.0.2.1:8400"})
    assert "192.0.2.1:8400 is no address of this machine" in said(run(settings, "serve"))


def test_on_postgresql_no_file_is_made_and_root_may_do_it(settings: Path, owned: Callable[[Path, int], None]) -> None:
    key = settings.parent / "key"
    key.write_text(base64.b64encode(bytes(32)).decode())
    key.chmod(0o600)
    change(
        settings,
        database="postgresql+psycopg://bridge@db.example.com/bridge",
        keys={"sealing_key": {"file": str(key)}},
        rulebook={"files_on_many_nodes": True},
    )
    owned(settings.parent / "kept", DAEMON)
    assert first_start.begin(load_settings(settings), is_told=True).sealing_key == bytes(32)


# ------------------------------------------------------------------------------------------------ nothing half-written


def _unreadable_password(settings: Path) -> None:
    change(settings, database_password={"file": "nowhere"})


def _password_that_others_read(settings: Path) -> None:
    (settings.parent / "password").write_text("x")
    (settings.parent / "password").chmod(0o644)
    change(settings, database_password={"file": "password"})


def _open_folder(settings: Path) -> None:
    (settings.parent / "kept").chmod(0o777)


def _copy_that_others_read(settings: Path) -> None:
    (settings.parent / "kept" / "bridge.db.old").touch(mode=0o600)
    (settings.parent / "kept" / "bridge.db.old").chmod(0o644)


def _database_in_no_folder(settings: Path) -> None:
    change(settings, database=f"sqlite:///{settings.parent}/nowhere/bridge.db")


def _key_in_no_folder(settings: Path) -> None:
    change(settings, data="nowhere", database=f"sqlite:///{settings.parent}/kept/bridge.db")


@pytest.mark.parametrize(
    ("wrong", "words", "sentence"),
    [
        (_unreadable_password, (), "database_password: the secret file"),
        (_password_that_others_read, (), "database_password: the secret file"),
        (_open_folder, (), "others can put files into the folder"),
        (_copy_that_others_read, (), "can be used by others"),
        (_database_in_no_folder, (), "nowhere is not there"),
        (_key_in_no_folder, (), "nowhere is not there"),
        (lambda _: None, ("--owner", "bridge_owner"), "--owner is for PostgreSQL"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_made(
    settings: Path, wrong: Callable[[Path], None], words: tuple[str, ...], sentence: str
) -> None:
    wrong(settings)
    before = sorted(settings.parent.rglob("*"))
    assert sentence in said(run(settings, "migrate", *words))
    assert sorted(settings.parent.rglob("*")) == before


# --------------------------------------------------------------------------------------------- what may not be written


@pytest.fixture
def may_not(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Takes a right away from this user, whoever runs the tests."""
    real, taken = os.access, dict[Path, int]()

    def access(path: Path, mode: int, *, effective_ids: bool = False, **_: Any) -> bool:
        return not mode & taken.get(Path(path), 0) and real(path, mode, effective_ids=effective_ids)

    def take(path: Path, mode: int) -> None:
        taken[path] = mode

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "supports_effective_ids", {*os.supports_effective_ids, access})
    return take


@pytest.mark.parametrize("words", [("serve",), ("migrate",), ("sessions", "end", "--person", "corp/ada")])
@pytest.mark.parametrize("is_file", [True, False], ids=["the file", "its folder"])
def test_a_database_that_may_not_be_written_stops_the_start(
    settings: Path, may_not: Callable[[Path, int], None], words: tuple[str, ...], is_file: bool
) -> None:
    assert run(settings, "migrate").exit_code == 0
    place = settings.parent / "kept" / ("bridge.db" if is_file else "")
    may_not(place, os.W_OK)
    told = f"may not write to the file {place} (" if is_file else f"may put no file into the folder {place} ("
    assert told in said(run(settings, *words))
    assert run(settings, "sessions", "list").exit_code == 0


def test_a_folder_that_may_not_be_looked_into_is_no_first_start(
    settings: Path, may_not: Callable[[Path, int], None]
) -> None:
    """`os.path.exists` says no there, too: all would look well, or lost."""
    assert run(settings, "migrate").exit_code == 0
    may_not(settings.parent / "kept", os.X_OK)
    for words in (("serve",), ("migrate",), ("sessions", "list"), ("restore", str(settings))):
        assert "may not look into the folder" in said(run(settings, *words)), words
    done = run(settings, "check")
    assert (done.exit_code, "may not look into the folder" in done.output) == (1, True)


def test_the_sentence_names_the_owner_and_the_command(
    tmp_path: Path, owned: Callable[[Path, int], None], may_not: Callable[[Path, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    owned(tmp_path, UNKNOWN)
    with pytest.raises(ConfigurationInvalid, match=rf"\(setpriv --reuid {UNKNOWN} --regid \d+ --clear-groups "):
        file_owners.demand_own_folder(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: DAEMON)
    file_owners.demand_own_folder(tmp_path)
    may_not(tmp_path, os.W_OK)
    owned(tmp_path, 0)
    begins = rf"this user \(daemon\) may put no file into the folder {tmp_path}"
    with pytest.raises(ConfigurationInvalid, match=rf"{begins}, which belongs to root: give it to the service's user"):
        file_owners.demand_folder_to_write(tmp_path)
    owned(tmp_path, 2)
    with pytest.raises(ConfigurationInvalid, match=rf"{begins}, which belongs to bin: .* \(sudo -u bin -- federation-"):
        file_owners.demand_folder_to_write(tmp_path)
    owned(tmp_path, DAEMON)
    with pytest.raises(ConfigurationInvalid, match=rf"{begins} \(mode 0\d+\), which is its own: chmod u\+rwx "):
        file_owners.demand_folder_to_write(tmp_path)
    real = os.statvfs
    read_only = os.statvfs_result([*real(tmp_path)[:8], os.ST_RDONLY, 255])
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    with pytest.raises(ConfigurationInvalid, match=rf"{begins}, for its file system is mounted to be read only"):
        file_owners.demand_folder_to_write(tmp_path)
