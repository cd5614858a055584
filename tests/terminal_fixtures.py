"""Somebody who is signed in, at a terminal or with a pipe; import these where they are needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cli_factories import MAIN, Person
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session
from pseudo_terminal import Sitting, sitting

LATER = 4_000_000_000
ROLES = [("111122223333", "production", "Developer"), ("111122223333", "production", "Administrator")]
ROLES += [("444455556666", "分析平台", "Developer"), ("777788889999", "é-store", "Reader")]


def role(account: str, name: str, role_name: str) -> dict[str, Any]:
    """One line of the list that the bridge offers."""
    arn = f"arn:aws:iam::{account}:role/{role_name}"
    about = {"account": account, "account_name": name, "role": role_name, "role_arn": arn, "partition": "aws"}
    return {**about, "max_duration": "8h", "because": [], "region": "eu-central-1"}


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    """A bridge with roles of long and wide names, at which nobody has approved a code yet."""
    with fake_bridge() as made:
        made.answers["/api/v1/roles"] = Reply(body={"roles": [role(*one) for one in ROLES]})
        about = {"person": "ada@example.com", "name": "Ada 墨", "ends_at": "2026-11-23T20:00:00+00:00"}
        made.answers["/api/v1/me"] = Reply(body=about)
        code = {"device_code": "d", "user_code": "BCDF-GHJK", "expires_in": 600, "interval": 1}
        made.answers["/oauth/device"] = lambda _: Reply(body={**code, "verification_uri": f"{made.address}/device"})
        made.answers["/oauth/token"] = Reply(400, {"error": "authorization_pending"})
        for _, _, name in ROLES[:1]:
            made.answers[f"/api/v1/roles/111122223333/{name}/credentials"] = made.credentials()
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody who is signed in, at a terminal that speaks UTF-8."""
    put_session(tmp_path, bridge, ends_at=LATER)
    return Person(tmp_path, bridge.address, {"TERM": "xterm-256color", "LANG": "C.UTF-8"})


def at_terminal(person: Person, *words: str, columns: int = 100, **variables: str) -> AbstractContextManager[Sitting]:
    """The command on a terminal of this width."""
    command = [sys.executable, "-I", str(MAIN), *words]
    return sitting(command, person.environ() | variables, columns)


def redirected(person: Person, *words: str, **variables: str) -> tuple[int, bytes, bytes]:
    """As in a pipe, with an interpreter that reads the PYTHON variables: exit status, stdout and stderr."""
    command = [sys.executable, str(MAIN), *words]
    done = subprocess.run(
        command,
        env=person.environ() | variables,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
