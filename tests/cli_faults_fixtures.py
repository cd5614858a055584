"""A person who is signed in, and their bridge, before something goes wrong; import these where they are needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_factories import MAIN, Person
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session, tokens

FAR = 4_000_000_000.0
ME: dict[str, Any] = {"person": "corp/ada", "name": "Ada Moss", "ends_at": "2030-01-01T00:00:00+00:00"}
DEVELOPER: dict[str, Any] = {
    "account": "111122223333",
    "account_name": "production",
    "partition": "aws",
    "role": "Developer",
    "role_arn": "arn:aws:iam::111122223333:role/Developer",
    "max_duration": "1h",
    "because": ["engineers"],
    "region": "eu-central-1",
}
KEYS = f"/api/v1/roles/{ROLE}/credentials"
PROCESS = ("credential-process", "--role", ROLE)
CONFIGURE = ("configure", "--yes")


def offering(*roles: object) -> Reply:
    """The answer that lists these roles."""
    return Reply(body={"roles": list(roles)})


@dataclass
class Scene:
    """A signed-in person and their bridge, before something goes wrong."""

    bridge: FakeBridge
    person: Person
    folder: Path

    def run_without_room(self, *words: str) -> tuple[int, str, str]:
        """The command where no file can take a byte, as on a full disk; pipes still can."""
        limited = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-I", str(MAIN), *words]
        process = self.person.start_command(limited)
        out, told = process.communicate(timeout=60)
        return process.returncode, out, told

    def session_is_over(self) -> None:
        """Her next command needs a new token."""
        path = self.folder / "session.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"access_ends_at": 0}))

    def files(self) -> dict[str, bytes]:
        """Everything below the home with content, and what it is."""
        return {
            str(path.relative_to(self.person.home)): path.read_bytes()
            for path in self.person.home.rglob("*")
            if path.is_file() and path.stat().st_size
        }


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Ada, who is signed in at a bridge that gives one role."""
    with fake_bridge() as bridge:
        bridge.answers |= {
            "/api/v1/me": Reply(body=ME),
            "/api/v1/roles": offering(DEVELOPER),
            "/oauth/token": tokens(1),
            "/oauth/revoke": Reply(body={}),
            KEYS: lambda _: bridge.credentials(),
        }
        folder = put_session(tmp_path, bridge, ends_at=FAR)
        yield Scene(bridge, Person(tmp_path, bridge.address), folder)


def told_once(words: str) -> bool:
    """One sentence for a person, and no traceback."""
    return words.count("\n") == 1 and words.startswith("fedbridge: ") and "Traceback" not in words
