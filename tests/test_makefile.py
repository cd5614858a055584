"""`make test`: in which order, and where npm fails: its reason is shown, and what needed it is told as not run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import slow_tests
from absent_software import folder

MAKEFILE = Path(__file__).parent.parent / "Makefile"
REASON = "npm error code SELF_SIGNED_CERT_IN_CHAIN"
NPM = """#!/bin/sh
echo "$@" >> {place}/asked
mkdir -p {place}/part/node_modules/half
case "$*" in *--silent*) ;; *) [ {status} = 0 ] || echo '{reason}' >&2 ;; esac
echo 'added 3 packages'
[ {status} != 0 ] || touch {place}/part/node_modules/.package-lock.json
exit {status}
"""


@dataclass
class Listed:
    """An item of a collection, as far as its order goes."""

    path: Path
    markers: list[str] = field(default_factory=list)

    def add_marker(self, name: str) -> None:
        self.markers.append(name)


def made(place: Path, status: int) -> subprocess.CompletedProcess[str]:
    """What `make` does for a part that needs modules of npm, with an npm that ends with this status."""
    (place / "part").mkdir()
    (place / "part" / "package-lock.json").write_text("{}")
    npm = place / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM.format(place=place, status=status, reason=REASON))
    npm.chmod(0o755)
    make = shutil.which("make")
    assert make is not None
    return subprocess.run(
        [make, "-f", str(MAKEFILE), "part/node_modules/.package-lock.json"],
        cwd=place,
        env={"PATH": f"{npm.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_npm_s_reason_is_shown_and_the_run_goes_on_without_half_of_the_modules(tmp_path: Path) -> None:
    done = made(tmp_path, 1)
    assert done.returncode == 0, done.stderr
    assert REASON in done.stderr
    assert "its tests will be told as not run" in done.stderr
    assert not (tmp_path / "part" / "node_modules").exists()


def test_an_npm_that_works_says_nothing(tmp_path: Path) -> None:
    done = made(tmp_path, 0)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "part" / "node_modules" / ".package-lock.json").exists()
    assert "ci --prefix part" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_tests_that_need_the_modules_are_told_as_not_run_and_fail_under_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    made(tmp_path, 1)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="NOT RUN"):
        folder(tmp_path / "part" / "node_modules", "apt-get install nodejs npm")


def test_all_tests_run_by_files_and_those_that_start_programs_come_first() -> None:
    make = shutil.which("make")
    assert make is not None
    for target in ("test", "coverage"):
        told = subprocess.run(
            [make, "-n", target], cwd=MAKEFILE.parent, capture_output=True, text=True, timeout=60, check=True
        ).stdout
        assert "--dist loadfile --no-loadscope-reorder" in told
    files = ["test_grant.py", "stories/test_service.py", "aws/test_sts.py", "browser/test_browser_pages.py"]
    items = [Listed(MAKEFILE.parent / "tests" / name) for name in files]
    slow_tests.pytest_collection_modifyitems(items)  # type: ignore[arg-type]  # what it asks of items
    assert [item.path.name for item in items] == [
        "test_browser_pages.py",
        "test_service.py",
        "test_sts.py",
        "test_grant.py",
    ]
    assert [item.markers for item in items] == [["slow"], ["slow"], ["slow"], []]


def test_what_tests_start_finds_the_package_compiled() -> None:
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert not sys.dont_write_bytecode


def test_all_that_is_measured_is_found_without_pytest() -> None:
    """`make bench` loads some of it at its end, minutes after its start."""
    code = "from tests.benchmarks import __main__ as benchmarks; benchmarks.imported_late()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=MAKEFILE.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
