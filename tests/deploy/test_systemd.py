"""deploy/systemd: systemd understands the unit, it is as closed as it says, and starts the README's files."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from absent_software import program
from documents.blocks import ROOT
from documents.readme_files import BLOCKS, three_files
from service_factories import Service, until

UNIT = ROOT / "deploy" / "systemd" / "federation-bridge.service"
REMEDY = "apt-get install systemd"
EXPOSURE = 1.4
"""What systemd makes of the unit, of 10: the rest is that it serves a network."""
SHUT_IN = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for what, name in ((38, "no new privileges"), (65, "no memory that is written and run")):
    if libc.prctl(what, 1, 0, 0, 0):
        sys.exit(f"this kernel cannot hold {name}: {os.strerror(ctypes.get_errno())}")
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Holds for all that follows what NoNewPrivileges and MemoryDenyWriteExecute mean."""


def unit(section: str = "Service") -> configparser.SectionProxy:
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names keep their case
    read.read_string(UNIT.read_text(encoding="utf-8"))
    return read[section]


def started() -> list[str]:
    return shlex.split(unit()["ExecStart"])


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    systemd = program("systemd-analyze", REMEDY)
    return subprocess.run([systemd, *words], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(started()[0], sys.executable), encoding="utf-8")
    said = analyze("verify", "--man=no", copy)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_systemd_finds_the_unit_as_closed_as_the_page_says() -> None:
    said = analyze("security", "--offline=true", "--no-pager", UNIT)
    found = re.search(r"exposure level for .*: ([0-9.]+)", said.stdout)
    assert found, said.stdout + said.stderr
    assert float(found[1]) <= EXPOSURE
    assert f"{EXPOSURE} of 10" in (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def test_the_page_installs_the_unit_that_is_there() -> None:
    page = [block.text for name, block in BLOCKS.items() if name.startswith("docs/deployment.md console")]
    (shown,) = (text for text in page if "install -m 0644 deploy/systemd/federation-bridge.service" in text)
    assert f"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {unit()['User']}" in shown
    assert f"systemctl enable --now {UNIT.stem}" in shown
    assert Path(started()[0]).is_relative_to("/opt/federation-bridge")
    assert yaml.safe_load(BLOCKS["docs/deployment.md yaml 4"].text)["data"] == f"/var/lib/{unit()['StateDirectory']}"


def test_a_reload_that_comes_too_early_ends_nothing_for_good() -> None:
    """Until Python runs nobody can ignore the signal, and systemd takes an end by it for one that somebody wanted."""
    assert unit()["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert "SIGHUP" in unit()["RestartForceExitStatus"].split()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder that systemd would make of StateDirectory."""
    made = tmp_path / "state"
    made.mkdir(mode=int(unit()["StateDirectoryMode"], 8))
    return made


def test_the_unit_starts_the_readme_s_files_and_writes_to_its_state_alone(
    tmp_path: Path, state: Path, free_port: int
) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    settings = three_files(
        etc,
        data=str(state), audit={"also_to": "nowhere"}, serving={"listen": f"127.0.0.1:{free_port}", "workers": 1},
    )  # fmt: skip
    before = sorted(path.name for path in etc.iterdir())
    _, *words = started()
    assert words == ["serve", "--settings", "/etc/federation-bridge/federation-bridge.yaml"]
    service = Service(etc, free_port)
    log = tmp_path / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "federation_bridge.operate", words[0], words[1], str(settings)]
        service.process = subprocess.Popen(
            [sys.executable, "-c", SHUT_IN, *command], stdout=output, stderr=output, cwd=ROOT,
            umask=int(unit()["UMask"], 8),
        )  # fmt: skip
    try:
        until(lambda: service.process.poll() is not None or service.is_answering(), "never ready")
        assert service.process.poll() is None, log.read_text()
    finally:
        service.stop()
    assert sorted(path.name for path in etc.iterdir()) == before
    assert {"bridge.db", "sealing.key"} <= {path.name for path in state.iterdir()}
