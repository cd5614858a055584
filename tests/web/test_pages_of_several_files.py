"""Pages that change rules of several files: one is edited, the whole set is checked, and the others stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import let_in
from administration_factories import MORE, base_of, text_in_force, texts
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of, made_app, write_files

from federation_bridge.administration.rules import Change, Rules, apply
from federation_bridge.mapping.rule_editing import rules_of
from federation_bridge.model import Author
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts

EDIT = "/administration/edit"
FORM = "/administration/form"
RULES, WHO = "10-rules.yaml", "20-who.yaml"
NEW = {"id": "support", "connection": "corp", "groups": ["friends"], "roles": [f"{ACCOUNT}/Reader"], "reason": "why"}


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    """A browser of an application whose rules are two files: the second holds who administers, and names of groups."""
    write_files(tmp_path)
    app = made_app(tmp_path, clock, rules=None, accounts=None, rulebook={"source": "database"})
    here = door_of(app)
    one = texts(tmp_path, "")
    several = ((RULES, one.document()), (WHO, f"version: 1{MORE}groups: {{friends: staff}}\n"))
    known = Known(frozenset(here.settings.connections))
    rules = Rules(here.store.rulebook_versions, here.store.rulebook_proposals, known, clock)
    apply(rules, Texts(several, one.accounts), Change(Author("the operator"), "the first", ""))
    person = Person(app, app.test_client())
    person.sign_in(clock, "identity-team")
    yield person
    here.store.close()


def saved(person: Person, file: str | None, rules: str, do: str = "save") -> Any:
    about = {} if file is None else {"file": file}
    fields = {"rules": rules, "accounts": text_in_force(person).accounts, "reason": "why", "do": do}
    return person.post(EDIT, fields | about | {"base_digest": base_of(person)})


def test_one_file_is_edited_and_the_whole_set_is_checked(ada) -> None:
    first, second = ada.get(EDIT).text, ada.get(f"{EDIT}?file={WHO}").text
    assert "when: {group: admins}" in first and "admins-of-this" not in first
    assert "admins-of-this" in second and "when: {group: admins}" not in second
    assert ada.get(f"{EDIT}?file=30-more.yaml").status_code == 404

    stands = text_in_force(ada)
    mine = stands.document(WHO).replace("group: auditors", "group: controllers")
    answer = saved(ada, WHO, mine)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/administration/versions/2")
    now = text_in_force(ada)
    assert now.documents == ((RULES, stands.document(RULES)), (WHO, mine))
    assert f"rules/{WHO}" in ada.get("/administration/versions/2").text

    # A rule of the other file would stand twice.
    refused = saved(ada, WHO, f"{mine}rules:\n{stands.document(RULES).partition('rules:')[2]}")
    assert refused.status_code == 400
    assert f"{WHO}: line" in refused.text and "stands here twice, first in line" in refused.text
    assert text_in_force(ada) == now


@pytest.mark.parametrize("file", ["", "30-more.yaml", None])
@pytest.mark.parametrize("do", ["save", "check"])
def test_a_form_about_a_file_that_is_not_in_force_replaces_nothing(ada, file, do) -> None:
    """A page that was opened while the rules were one text would else put that one in the place of all."""
    before = text_in_force(ada)
    assert saved(ada, file, before.document(RULES), do).status_code == 400
    fields = {"base_digest": base_of(ada), "do": do, **NEW, **({} if file is None else {"file": file})}
    assert ada.post(FORM, fields).status_code == 400
    assert text_in_force(ada) == before


def test_a_rule_of_any_file_is_shown_and_changed_as_a_form_where_it_stands(ada) -> None:
    assert "- id: administrators" in ada.get("/administration/rules/administrators").text
    page = ada.get(f"{FORM}/administrators").text
    assert f'name="file" value="{RULES}"' in page
    assert '<option value="friends" label="staff">' in page

    before = text_in_force(ada)
    sets = {name: [""] for name in ("set_environment", "set_tags", "set_partition", "set_roles")}
    asked = NEW | sets | {"base_digest": base_of(ada), "file": RULES}
    assert ada.post(FORM, asked | {"do": "save"}).status_code == 303
    now = text_in_force(ada)
    assert now.document(WHO) == before.document(WHO)
    # By the name that the other file gives to the group.
    assert rules_of(now.document(RULES))["support"]["when"] == {"group": {"named": "friends"}}

    twice = ada.post(FORM, asked | {"base_digest": base_of(ada), "id": "administrators", "do": "check"})
    assert twice.status_code == 400
    assert "stands here twice" in twice.text.partition('id="mistake-id"')[2].partition("</span>")[0]


def test_the_version_in_force_is_told_to_a_program_file_by_file(ada, clock) -> None:
    answer = let_in(ada, clock, "identity-team").get("/rulebook").get_json()
    assert [one["name"] for one in answer["files"]] == [RULES, WHO]
    assert answer["files"][1]["text"] == text_in_force(ada).document(WHO)
    assert answer["rules"].startswith(f"# {RULES}\n")
