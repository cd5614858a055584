"""Runs of the real AWS CLI v2 that cannot leave this machine."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absent_software import absent

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.aws_cli import unpacked_cli

_LONGEST_RUN = 60.0
_NOBODY = "http://127.0.0.1:9"


def aws_program() -> Path:
    """The program `aws`, unpacked once into the user's cache; a test that asks ends loudly where it is not there."""
    try:
        return Path(unpacked_cli().command[0])
    except ConfigurationInvalid as missing:
        absent("the AWS CLI v2", missing.detail)
        raise


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
        ran = subprocess.run(
            command, env=environment, cwd=self.home, capture_output=True, text=True, timeout=_LONGEST_RUN, check=False
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)
