"""`make test` where npm fails: its reason is shown, the rest is run, and what needed it is told as not run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
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
