"""Whose files are: root makes none that the service could not open, and what may not be written stops the start."""

from __future__ import annotations

import base64
import json
import os
import socket
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
from federation_bridge.operate.port_words import port_words
from federation_bridge.settings import load_settings
from federation_bridge.signing import read_sealing_key

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
    with pytest.raises(ConfigurationInvalid, match=rf"{begins}, which belongs to root: name one of the service's user"):
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


# ------------------------------------------------------------------------------------- what `check` and the start tell


def wrong_and_doubtful(settings: Path) -> str:
    lines = run(settings, "check").output.splitlines()
    return "\n".join(line for line in lines if line.startswith(("wrong", "warning")))


def test_check_tells_before_the_first_start_what_it_could_not_make(
    settings: Path, may_not: Callable[[Path, int], None]
) -> None:
    kept = settings.parent / "kept"
    assert "may put no file" not in wrong_and_doubtful(settings)
    may_not(kept, os.W_OK)
    assert f"may put no file into the folder {kept}" in wrong_and_doubtful(settings)
    assert list(kept.iterdir()) == []


def test_check_tells_root_with_whose_eyes_to_look(settings: Path, owned: Callable[[Path, int], None]) -> None:
    owned(settings.parent / "kept", DAEMON)
    done = run(settings, "check")
    assert "note     this looked as root, who may do everything" in done.output
    assert "(runuser" not in done.output.replace("this tells: runuser -u daemon -- federation-bridge ...", "")
    assert "belongs to another user" not in done.output


@pytest.mark.parametrize(
    ("audit", "sentence"),
    [
        ({"also_to": "nowhere/audit.jsonl"}, "audit.also_to: "),
        ({"also_to": "kept"}, "audit.also_to: "),
        ({"also_to": "locked/audit.jsonl"}, "audit.also_to: this user"),
        ({"also_to": "locked.jsonl"}, "audit.also_to: this user"),
        ({"keep": "90d", "archive": "locked/some/where"}, "audit.archive: this user"),
    ],
)
def test_check_warns_of_a_place_of_the_audit_that_takes_nothing(
    settings: Path, may_not: Callable[[Path, int], None], audit: dict[str, str], sentence: str
) -> None:
    """The service starts all the same: the database has every entry."""
    (settings.parent / "locked").mkdir()
    (settings.parent / "locked.jsonl").touch(mode=0o600)
    for one in ("locked", "locked.jsonl"):
        may_not(settings.parent / one, os.W_OK)
    change(settings, audit=audit)
    assert f"warning  {sentence}" in wrong_and_doubtful(settings)
    change(settings, audit={"also_to": str(settings.parent / "kept" / "audit.jsonl")})
    assert "audit." not in wrong_and_doubtful(settings)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"portal": {"logo": "/nowhere.svg"}}, "portal.logo: /nowhere.svg: cannot be read"),
        ({"command_line": {"geoip": "/nowhere.mmdb"}}, "command_line.geoip"),
    ],
)
def test_what_only_a_worker_reads_stops_the_start(settings: Path, changes: dict[str, Any], sentence: str) -> None:
    """There it would be tried for ever, and nobody be served."""
    change(settings, **changes)
    for words in (("serve",), ("check",)):
        done = run(settings, *words)
        assert sentence in (str(getattr(done.exception, "detail", "")) + done.output), words
        assert done.exit_code != 0


def test_data_that_is_a_file_is_told_as_that(settings: Path) -> None:
    change(settings, data="rules.yaml")
    assert (
        said(run(settings, "migrate"))
        == f"`data` or `database`: {settings.parent}/rules.yaml is no folder, and one is needed"
    )


def test_rules_in_a_folder_that_may_not_be_looked_into_are_told(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Path.is_dir` raises there."""
    inside, real = settings.parent / "shut" / "rules.yaml", Path.stat

    def stat_of(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path == inside:
            raise PermissionError(13, "Permission denied")
        return real(path, follow_symlinks=follow_symlinks)

    change(settings, rules=str(inside))
    monkeypatch.setattr(Path, "stat", stat_of)
    assert f"{inside}: cannot be read" in wrong_and_doubtful(settings)


def test_a_settings_file_by_a_relative_name_is_told_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = said(run(Path("federation-bridge.yaml"), "migrate"))
    assert told.startswith(f"the settings file federation-bridge.yaml (in {tmp_path}) cannot be read: No such file")


def test_a_host_to_listen_at_that_nobody_knows_is_told_in_words() -> None:
    problem = socket.gaierror(-2, "Name or service not known")
    assert port_words(problem, "nohost.invalid:8400") == "the name nohost.invalid is not known"
