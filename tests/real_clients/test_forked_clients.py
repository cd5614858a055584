"""AWS clients that are forked from one that has loaded its modules answer as those that were started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aws_cli import preloaded
from begun_programs import Begun, begin

from federation_bridge.sandbox.aws_cli import AwsCli
from real_clients.real_client_factories import BOTO3, PRELOADED_BOTO3, WITHIN, Clients, begun_cli

pytestmark = pytest.mark.interop

_NOBODY = "http://127.0.0.1:9"
_PRINTS = '{"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "x"}'
_PROCESS = f"""#!/bin/sh
env | sort > told
ls -l /proc/self/fd | grep -c . >> told
pwd >> told
echo '{_PRINTS}'
"""
_MORE = {
    "AWS_PROFILE": "one",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_ENDPOINT_URL": _NOBODY,
}
CALLER = ("sts", "get-caller-identity")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose profile asks a program: it tells what it was given."""
    program = tmp_path / "process"
    program.write_text(_PROCESS)
    program.chmod(0o755)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(f"[profile one]\ncredential_process = {program}\n")
    return tmp_path


def _answer(process: subprocess.Popen[str], home: Path) -> tuple[int, str, str]:
    """Its status, its words, and what its credential process found."""
    said, _ = process.communicate(timeout=WITHIN)
    told = home / "told"
    found = told.read_text() if told.exists() else ""
    told.unlink(missing_ok=True)
    return process.returncode, said, found


def _both(cli: AwsCli, home: Path, *words: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    forked = begun_cli(cli, home, *words, more=_MORE)
    assert isinstance(forked, Begun), "it was not forked"
    return _answer(forked, home), _answer(cli.start(home, *words, more=_MORE), home)


@pytest.mark.parametrize("version", ["cli", "cli_v1"])
@pytest.mark.parametrize("words", [CALLER, ("--version",), ("no-such-command",)], ids=" ".join)
def test_the_aws_cli_answers_the_same_and_starts_what_it_starts_in_the_same_environment(
    clients: Clients, home: Path, version: str, words: tuple[str, ...]
) -> None:
    forked, started = _both(getattr(clients, version), home, *words)
    assert forked == started
    assert (forked[0] == 0, "AWS_PROFILE=one\n" in forked[2]) == (words == ("--version",), words == CALLER)


def test_boto3_answers_the_same(home: Path) -> None:
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", **_MORE}
    command = [sys.executable, *BOTO3]
    pipe = subprocess.PIPE
    forked = begin(command, programs=[PRELOADED_BOTO3], env=environ, cwd=home, stdout=pipe, stderr=pipe, text=True)
    assert isinstance(forked, Begun), "it was not forked"
    started = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False)
    words = forked.communicate(timeout=WITHIN)[1]
    assert (forked.returncode, words.splitlines()[-1]) == (started.returncode, started.stderr.splitlines()[-1])
    assert _NOBODY in words


def test_no_client_is_forked_where_it_would_start_in_another_way(cli_v1: AwsCli, home: Path) -> None:
    process = begun_cli(cli_v1, home, "--version", more={"LC_ALL": "C"})
    assert not isinstance(process, Begun)
    assert _answer(process, home)[0] == 0
    assert preloaded(cli_v1).starts_alike(cli_v1.environment(home))
