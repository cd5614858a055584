"""Accounts of a register are edited in one step: what was written by hand stays as it was typed."""

from __future__ import annotations

import pytest
from mapping_factories import REGISTER_TEXT

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import load_register
from federation_bridge.mapping.item_editing import Item
from federation_bridge.mapping.register_editing import accounts_of, with_accounts

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
HAND = REGISTER_TEXT.replace("    name: Development\n", "    # of the web team\n    name: Development   # since 2019\n")
NEW: Item = {
    "id": "044444444444",
    "name": "New",
    "provider": "arn:aws:iam::044444444444:saml-provider/bridge",
    "roles": ["A"],
}


def test_accounts_are_changed_taken_out_and_added_in_one_step_and_remarks_stay() -> None:
    renamed = accounts_of(HAND)[TWO] | {"name": "Web", "color": "blue"}
    edited = with_accounts(HAND, {TWO: renamed, THREE: None}, [NEW])
    assert "    # of the web team\n    name: Web           # since 2019\n    color: blue\n" in edited
    assert edited.startswith(HAND[: HAND.index('  - id: "222')])
    register = load_register(edited)
    assert {one.id: one.name for one in register.accounts.values()} == {
        ONE: "Production",
        TWO: "Web",
        "044444444444": "New",
    }
    # A reader that guesses types must not take it for a number.
    assert '- id: "044444444444"' in edited


@pytest.mark.parametrize("text", [HAND, "\ufeff" + HAND, HAND.replace("\n", "\r\n"), HAND.rstrip("\n")])
def test_nothing_is_touched_where_nothing_changes(text: str) -> None:
    assert with_accounts(text, dict(accounts_of(text)) | {"999999999999": None}) == text


def test_the_last_account_is_not_taken_out() -> None:
    with pytest.raises(ConfigurationInvalid, match="only one of its text"):
        with_accounts(HAND, dict.fromkeys((ONE, TWO, THREE)))
