"""Runs of the real AWS CLI v2 that cannot leave this machine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from absent_software import absent
from begun_programs import run
from preloaded import Program, of_python
from preloaded_server import NOBODYS_HOME

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox import aws_cli as sandbox

_HERE = Path(__file__).parent
# Known before a test sets another HOME, into which all would be unpacked anew.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "federation-bridge"
_LONGEST_RUN = 60.0
_NOBODY = "http://127.0.0.1:9"


@cache
def unpacked(major: int = 2) -> sandbox.AwsCli:
    """The AWS CLI, as `unpacked_cli` finds it: once for all tests, also for those whose HOME is another."""
    return sandbox.unpacked_cli(major, _CACHE)


def aws_program() -> Path:
    """The program `aws`, unpacked once into the user's cache; a test that asks ends loudly where it is not there."""
    try:
        return Path(unpacked().command[0])
    except ConfigurationInvalid as missing:
        absent("the AWS CLI v2", missing.detail)
        raise


@cache
def preloaded(cli: sandbox.AwsCli) -> Program:
    """The same, loaded once, for `begun_programs.begin`."""
    environ = cli.environment(Path(NOBODYS_HOME))
    if cli.search_path:
        return of_python(
            "awscli.clidriver", "awscli.handlers", "encodings.idna",
            begins=[cli.command[1:]], options=("-s", "-P"), environ=environ,
        )  # fmt: skip
    environ["AWS_CONFIG_FILE"] = str(_HERE / "preloaded_aws_cli.ini")
    return Program((*cli.command, "--version"), (cli.command,), True, tuple(environ.items()), _HERE)


@dataclass(frozen=True)
class Ran:
    """What a run gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class AwsCli:
    """Runs `aws` against one address of this machine, from an empty home and with these credentials."""

    program: Path
    home: Path
    endpoint: str
    credentials: dict[str, str]

    def __call__(self, *words: str, by: dict[str, str] | None = None) -> Ran:
        """`by`: credentials as STS prints them, in place of its own."""
        known = self.credentials if by is None else by
        environment = {
            "HOME": str(self.home),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "AWS_CONFIG_FILE": str(self.home / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": known["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": known["SecretAccessKey"],
            # Whatever would leave this machine ends at a port where nobody listens.
            "HTTP_PROXY": _NOBODY,
            "HTTPS_PROXY": _NOBODY,
            "NO_PROXY": "127.0.0.1",
        }
        if "SessionToken" in known:
            environment["AWS_SESSION_TOKEN"] = known["SessionToken"]
        command = [str(self.program), *words, "--endpoint-url", self.endpoint, "--output", "json"]
        ran = run(
            command, programs=[preloaded(unpacked())], env=environment, cwd=self.home,
            capture_output=True, text=True, timeout=_LONGEST_RUN,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout, ran.stderr)
