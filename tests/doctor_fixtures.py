"""Somebody for whom all is well, and what the doctor finds; import these where they are needed."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import pytest
from cli_factories import Person
from fake_bridge import FakeBridge, Reply, fake_bridge

from federation_bridge import __version__

ROLES = [
    {
        "account": "111122223333",
        "account_name": "production",
        "role": "Developer",
        "partition": "aws",
        "role_arn": "arn:aws:iam::111122223333:role/Developer",
        "max_duration": "8h",
    }
]
NO_KEYRING = {"FEDBRIDGE_TOKEN_STORE": "keyring", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
RUNS = f"fedbridge {__version__} runs with Python {platform.python_version()}."


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    """A bridge that offers one role."""
    with fake_bridge() as made:
        made.answers["/api/v1/roles"] = Reply(body={"roles": ROLES})
        yield made


def findings(ada: Person, **variables: str) -> tuple[int, list[str], list[str]]:
    """Exit status, what is well, and what is wrong."""
    status, out, words = ada.run("doctor", variables=variables)
    assert words == ""
    lines = out.splitlines()
    assert all(line.startswith(("ok   ", "BAD  ")) for line in lines), out
    return status, [line[5:] for line in lines if line[:2] == "ok"], [line[5:] for line in lines if line[:3] == "BAD"]
