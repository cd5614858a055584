"""A number or a name that no database can hold is that of nothing, on either database."""

from __future__ import annotations

import pytest

from federation_bridge.store import Store


@pytest.mark.parametrize("number", [-1, 0, 2**31 - 1, 2**31, 2**63, 10**30])
def test_no_version_has_such_a_number(store: Store, number: int) -> None:
    assert store.rulebook_versions.version(number) is None
    assert store.rulebook_versions.history(1, number) == ()


@pytest.mark.parametrize("name", ["\0", "a\0b", "\ud800", "é", "x" * 5_000])
def test_no_change_has_such_a_name(store: Store, name: str) -> None:
    assert store.rulebook_proposals.find(name) is None
