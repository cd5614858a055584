"""Somebody who is signed in, with roles to configure and a folder `.aws`; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session

ROLES = [
    {
        "account": account,
        "account_name": name,
        "partition": "aws",
        "role": "Developer",
        "role_arn": f"arn:aws:iam::{account}:role/Developer",
        "max_duration": "8h",
    }
    for account, name in (("111122223333", "production"), ("444455556666", "testing"))
]


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    """A bridge that offers two roles."""
    with fake_bridge() as made:
        made.answers["/api/v1/roles"] = Reply(body={"roles": ROLES})
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody who is signed in, and has a folder for AWS tools."""
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    (tmp_path / ".aws").mkdir()
    return Person(tmp_path, bridge.address)


def profiles_of(ada: Person) -> list[str]:
    """The names of all sections, in their order."""
    text = (ada.home / ".aws/config").read_text()
    return [line.strip("[]").removeprefix("profile ") for line in text.splitlines() if line.startswith("[")]
