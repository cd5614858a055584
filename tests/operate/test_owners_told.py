# ruff: noqa: F811 - fixtures are named where they are asked for
"""What may not be written stops the start, and `check` and the start tell whose it is and what to do."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from owners_fixtures import DAEMON, UNKNOWN, change, owned, run, said, settings  # noqa: F401 - fixtures

from federation_bridge import file_owners
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.port_words import port_words

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
