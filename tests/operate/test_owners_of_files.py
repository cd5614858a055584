# ruff: noqa: F811 - fixtures are named where they are asked for
"""Whose files are: root makes none that the service could not open, and what may not be written stops the start."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from owners_fixtures import DAEMON, UNKNOWN, change, owned, run, said, settings  # noqa: F401 - fixtures

from federation_bridge import first_start
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import load_settings
from federation_bridge.signing import read_sealing_key

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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_root_looks_at_what_the_service_made_and_puts_nothing_back_there(settings: Path) -> None:
    """The owner of `sealing.key` was refused, and the sentence spoke of its mode."""
    kept = settings.parent / "kept"
    assert run(settings, "migrate").exit_code == 0
    for one in (kept, *kept.iterdir()):
        os.chown(one, DAEMON, DAEMON)
    for words in (("sessions", "list"), ("keys", "show"), ("keys", "rotate", "audit")):
        assert run(settings, *words).exit_code == 0, words
    assert {one.stat().st_uid for one in kept.iterdir()} == {DAEMON}
    new = settings.parent / "new-key"
    new.write_text(base64.b64encode(bytes(32)).decode())
    new.chmod(0o600)
    for asked in (("restore", str(settings)), ("keys", "reseal", "--new-key", str(new))):
        assert said(run(settings, *asked)) == FOLDER.format(kept) + TODO


def test_a_sealing_key_of_another_user_is_told_as_that(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(settings, "migrate").exit_code == 0
    monkeypatch.setattr(os, "geteuid", lambda: UNKNOWN)
    owner, key = (settings.parent / "kept").stat().st_uid, settings.parent / "kept" / "sealing.key"
    if owner == 0:
        real = os.fstat
        monkeypatch.setattr(os, "fstat", lambda one: os.stat_result((*real(one)[:4], DAEMON, *real(one)[5:10])))
    with pytest.raises(
        ConfigurationInvalid, match=rf"^the sealing key {key} belongs to another user \(\w+\): run this"
    ):
        read_sealing_key(key)


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
