"""What `fedbridge configure` recommends is there to be tried, and what it cannot write it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import FakeBridge, Reply, fake_bridge, put_session

TRY = "Written. Try: AWS_PROFILE={} aws sts get-caller-identity\n"
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
    with fake_bridge() as made:
        made.answers["/api/v1/roles"] = Reply(body={"roles": ROLES})
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    (tmp_path / ".aws").mkdir()
    return Person(tmp_path, bridge.address)


def configured(ada: Person, config: str, credentials: str = "", **variables: str) -> tuple[int, str]:
    (ada.home / ".aws/config").write_text(config)
    (ada.home / ".aws/credentials").write_text(credentials)
    status, _, told = ada.run("configure", "--yes", variables=variables)
    return status, told


def test_the_last_profile_is_recommended(ada: Person) -> None:
    assert configured(ada, "") == (0, TRY.format("testing-Developer"))


def test_a_profile_that_was_not_written_is_not_recommended(ada: Person) -> None:
    status, told = configured(ada, "[profile testing-Developer]\nregion = a\n")
    assert (status, told.endswith(TRY.format("production-Developer"))) == (0, True)
    both = "".join(f"[profile {name}-Developer]\nregion = a\n" for name in ("testing", "production"))
    status, told = configured(ada, both)
    assert (status, "Try" in told) == (0, False)


def test_a_profile_that_the_credentials_file_hides_is_not_recommended(ada: Person) -> None:
    assert configured(ada, "", "[testing-Developer]\naws_access_key_id = a\n")[1] == TRY.format("production-Developer")


def test_a_profile_that_this_shell_s_tools_do_not_find_is_not_recommended(ada: Person) -> None:
    assert configured(ada, "", AWS_CONFIG_FILE="") == (0, "Written.\n")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("[profile x]\nregion = a\n[profile x]\n", "line 3: [profile x] stands there twice"),
        ("\ufeff[profile x]\nregion = a\n", "it begins with a byte order mark"),
    ],
)
def test_a_file_that_aws_tools_refuse_is_left_alone_and_told(ada: Person, config: str, why: str) -> None:
    status, told = configured(ada, config)
    assert (status, why in told, "Try" in told) == (8, True, False)
    assert (ada.home / ".aws/config").read_text() == config
