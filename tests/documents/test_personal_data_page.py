"""docs/personal-data.md names every column of the database and every cookie: a new one has to be told there first."""

from __future__ import annotations

import re

import pytest
from documents.blocks import ROOT

from federation_bridge.store.kept_of_a_person import PERSON_IN
from federation_bridge.store.tables import METADATA
from federation_bridge.web import cookies

PAGE = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8")
_NOT_BY_NAME = {
    "device_codes": "what a program says of itself, before anybody let it in",
    "provider_material": "sealed, and of a session that is shown",
    "provider_endings": "a hash of the provider's own name for somebody",
    "refusals": "they belong to nobody",
    "rulebook_versions": "an author is a text that somebody wrote",
    "scim_members": "shown with the user",
    "scim_users": "found by how SCIM's users are joined with people",
    "errands": "gone when it is done",
    "tries": "a hash of an address or of a person with the limit's name",
}
"""Tables that are about people, in which `people show` finds nobody by name, and why."""


def _told() -> dict[str, tuple[set[str], set[str]]]:
    """Of each table the columns that are about a person, and those that are not."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = [set(re.findall(r"`(\w+)`", cell)) for cell in cells]
        if len(cells) in (2, 5) and len(names[0]) == 1 and (table := next(iter(names[0]))) in METADATA.tables:
            found[table] = (names[1], names[2]) if len(cells) == 5 else (set(), names[1])
    return found


@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_every_column_is_told_as_being_about_a_person_or_not(table: str) -> None:
    personal, others = _told()[table]
    assert personal | others == {column.name for column in METADATA.tables[table].c}
    assert not personal & others


def test_every_table_that_is_about_people_is_shown_or_says_why_not() -> None:
    about_people = {table for table, (personal, _) in _told().items() if personal}
    assert about_people == set(PERSON_IN) | set(_NOT_BY_NAME)
    assert not set(PERSON_IN) & set(_NOT_BY_NAME)


def test_every_cookie_is_told() -> None:
    kept = {value for value in vars(cookies).values() if isinstance(value, str) and value.startswith("__Host-")}
    assert kept
    assert {name for name in kept if f"`{name}`" not in PAGE} == set()
