"""Which role a name or its letters mean, and how a person picks one."""

from __future__ import annotations

import io

import pytest

from federation_bridge.cli import failures
from federation_bridge.cli.credentials.picking import pick
from federation_bridge.cli.credentials.roles import RoleOnOffer, matching, named_role
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.terminal.streams import Terminal

ROLES = [
    RoleOnOffer("111122223333", "production", "aws", "Developer", "arn:a", "1h"),
    RoleOnOffer("111122223333", "production", "aws", "Administrator", "arn:b", "1h"),
    RoleOnOffer("444455556666", "analytics", "aws", "Administrator", "arn:c", "1h"),
]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("proddev", ["production/Developer"]),
        ("ANA", ["analytics/Administrator"]),
        ("4444", ["analytics/Administrator"]),
        ("zzz", []),
        (".*", []),
        ("prod admin", ["production/Administrator"]),
    ],
)
def test_a_role_is_found_by_letters_of_its_name_in_order(pattern: str, names: list[str]) -> None:
    assert [role.name for role in matching(pattern, ROLES)][: len(names) or None] == names


@pytest.mark.parametrize("text", ["production/Developer", "111122223333/Developer", "Developer", "arn:a"])
def test_a_role_is_named_exactly(text: str) -> None:
    assert named_role(text, ROLES) is ROLES[0]


@pytest.mark.parametrize("text", ["production/developer", "Administrator", "Dev", "", "production/"])
def test_a_name_that_fits_no_single_role_is_refused_never_replaced(text: str) -> None:
    with pytest.raises(failures.RoleRefused):
        named_role(text, ROLES)


class _Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_role_is_picked_by_narrowing_the_list_and_taking_its_number() -> None:
    words = _Typed()
    terminal = Terminal({"NO_COLOR": "1"}, io.StringIO(), words, _Typed("admin\n9\n2\n"))
    picked = pick(terminal, ROLES)
    assert picked in ROLES[1:]
    assert "\x1b" not in words.getvalue()


def test_without_a_person_no_role_is_picked() -> None:
    with pytest.raises(UsageWrong):
        pick(Terminal({}, io.StringIO(), io.StringIO(), io.StringIO()), ROLES)
