"""What opens doors is ours alone: a secret, or a database, that others can read or replace stops the start."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from databases import INTEGRITY_KEY
from web_factories import write_files

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate import check, preparation
from federation_bridge.operate.check import Severity
from federation_bridge.private_files import check_private
from federation_bridge.settings import Secret, load_settings
from federation_bridge.store import open_store

US, OUR_GROUP = 1000, 2000


@pytest.fixture
def as_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process a service's own, whoever runs the tests."""
    monkeypatch.setattr(os, "geteuid", lambda: US)
    monkeypatch.setattr(os, "getegid", lambda: US)
    monkeypatch.setattr(os, "getgroups", lambda: [US, OUR_GROUP])


def _status(mode: int, owner: int, group: int) -> os.stat_result:
    return os.stat_result((0o100000 | mode, 1, 1, 1, owner, group, 10, 0, 0, 0))


GOOD = [
    (0o600, US, US),
    (0o400, US, US),
    (0o600, 0, 0),
    (0o440, US, OUR_GROUP),
    (0o440, 0, OUR_GROUP),
    (0o640, US, US),
    (0o440, 0, 0),
    (0o600, US, 9),
]
BAD = [
    (0o644, US, US),
    (0o604, US, US),
    (0o602, US, US),
    (0o601, US, US),
    (0o660, US, OUR_GROUP),
    (0o440, US, 9),
    (0o440, 0, 9),
    (0o600, 1001, US),
    (0o440, 1001, OUR_GROUP),
]


@pytest.mark.usefixtures("as_service")
@pytest.mark.parametrize(("mode", "owner", "group"), GOOD)
def test_a_file_of_ours_or_of_our_group_to_read_is_private(mode: int, owner: int, group: int) -> None:
    check_private(Path("key"), _status(mode, owner, group), "the secret file")


@pytest.mark.usefixtures("as_service")
@pytest.mark.parametrize(("mode", "owner", "group"), BAD)
def test_a_file_that_others_can_use_is_refused_with_the_way_out(mode: int, owner: int, group: int) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^the secret file key (can be|belongs)"):
        check_private(Path("key"), _status(mode, owner, group), "the secret file")


def test_root_may_look_at_the_services_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    check_private(Path("key"), _status(0o440, US, OUR_GROUP), "the secret file")
    with pytest.raises(ConfigurationInvalid, match="chmod 600 key"):
        check_private(Path("key"), _status(0o644, US, OUR_GROUP), "the secret file")


def test_a_secret_that_others_can_read_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    file.chmod(0o644)
    with pytest.raises(ConfigurationInvalid, match="chmod 600") as refused:
        Secret(file=file).read()
    assert "hunter2" not in refused.value.detail
    file.chmod(0o400)
    assert Secret(file=file).read() == "hunter2"
    (tmp_path / "mounted").symlink_to(file)
    assert Secret(file=tmp_path / "mounted").read() == "hunter2"
    file.chmod(0o444)
    with pytest.raises(ConfigurationInvalid, match="chmod 600"):
        Secret(file=tmp_path / "mounted").read()


def _opened(folder: Path) -> None:
    open_store(f"sqlite:///{folder}/bridge.db", clock=lambda: None, integrity_key=INTEGRITY_KEY, make=True).close()  # type: ignore[arg-type, return-value]


def _exposed(name: str, mode: int) -> Callable[[Path], None]:
    def expose(folder: Path) -> None:
        (folder / name).touch()
        (folder / name).chmod(mode)

    return expose


EXPOSED = {
    "the database": _exposed("bridge.db", 0o644),
    "its log": _exposed("bridge.db-wal", 0o644),
    "its index": _exposed("bridge.db-shm", 0o604),
    "a copy beside it": _exposed("bridge.db.2026-03-04", 0o644),
    "a folder that all can write to": lambda folder: folder.chmod(0o707),
    "a folder as open as /tmp": lambda folder: folder.chmod(0o1777),
}


@pytest.mark.parametrize("expose", EXPOSED.values(), ids=EXPOSED)
def test_a_database_that_others_can_read_or_replace_is_not_opened(
    tmp_path: Path, expose: Callable[[Path], None]
) -> None:
    _opened(tmp_path)
    expose(tmp_path)
    with pytest.raises(ConfigurationInvalid, match=r"by others|others can"):
        _opened(tmp_path)


def test_a_folder_that_others_can_only_look_into_is_taken(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    _opened(tmp_path)
    _opened(tmp_path)


def test_check_says_which_file_is_open_to_others(tmp_path: Path) -> None:
    path = write_files(tmp_path)
    preparation.migrate(load_settings(path))
    database = load_settings(path).data / "bridge.db"
    assert database.stat().st_mode & 0o777 == 0o600
    database.chmod(0o644)
    (wrong,) = [one.sentence for one in check.findings(path) if one.severity is Severity.WRONG]
    assert wrong.startswith(f"the database file {database} can be used by others (mode 0644)")
