"""The bridge's own role, with which it ends sessions, stands in no register: so no rule can grant it (an attack)."""

from __future__ import annotations

import pytest

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import load_register
from federation_bridge.rulebook.parsing import Known, parsed
from federation_bridge.rulebook.texts import Texts

REGISTER = """version: 1
accounts:
  - id: "111122223333"
    name: Production
    provider: arn:aws:iam::111122223333:saml-provider/Bridge
    roles: [Reader, {role}]
"""
RULES = """version: 1
rules:
  - name: readers
    connection: corp
    group: staff
    accounts: all
    role: Reader
"""


@pytest.mark.parametrize(
    "role", ["federation-bridge-revoker", "Federation-Bridge-Revoker", "{name: federation-bridge-revoker}"]
)
def test_a_register_that_names_the_revoking_role_is_refused_with_its_place(role: str) -> None:
    with pytest.raises(
        ConfigurationInvalid, match=r"(?i)line 6: role 'federation-bridge-revoker' is the bridge's own.*\(column 21\)"
    ):
        load_register(REGISTER.format(role=role), reserved_role="federation-bridge-revoker")


def test_the_settings_name_the_role_to_whoever_reads_the_texts() -> None:
    known = Known(frozenset({"corp"}), reserved_role="federation-bridge-revoker")
    with pytest.raises(ConfigurationInvalid, match="the bridge's own"):
        parsed(Texts(RULES, REGISTER.format(role="federation-bridge-revoker")), known)


def test_any_other_role_is_as_good_as_before() -> None:
    found = load_register(REGISTER.format(role="federation-bridge-reader"), reserved_role="federation-bridge-revoker")
    assert set(found.accounts["111122223333"].roles) == {"Reader", "federation-bridge-reader"}
