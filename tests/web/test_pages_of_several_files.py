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
FILES = "/administration/files"
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


def files_sent(person: Person, do: str = "save", **changes: Any) -> Any:
    named = [name for name, _ in text_in_force(person).documents]
    stands = {"was": named, "name": named, "new_name": "", "new_text": "version: 1\n", "reason": "why"}
    return person.post(FILES, {**stands, "base_digest": base_of(person), "do": do, **changes})


def test_files_are_renamed_added_and_taken_out_as_one_change(ada) -> None:
    before = text_in_force(ada)
    page = ada.get(FILES).text
    assert (f'name="name" maxlength="128" value="{WHO}"' in page, FILES in ada.get(EDIT).text) == (True, True)
    added = "version: 1\ngroups: {pals: others}\n"
    wanted: dict[str, Any] = {"name": [RULES, "15-who.yaml"], "new_name": "30-more.yaml", "new_text": added}
    looked = files_sent(ada, "check", **wanted)
    assert (looked.status_code, "15-who.yaml" in looked.text, text_in_force(ada)) == (200, True, before)
    assert files_sent(ada, **wanted).headers["Location"] == "/administration/versions/2"
    who = before.document(WHO)
    assert text_in_force(ada).documents == (
        (RULES, before.document(RULES)),
        ("15-who.yaml", who),
        ("30-more.yaml", added),
    )

    assert files_sent(ada, gone=["30-more.yaml"]).status_code == 303
    assert [name for name, _ in text_in_force(ada).documents] == [RULES, "15-who.yaml"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"gone": [RULES, WHO]}, "the rules need a file"),
        ({"gone": [WHO]}, "nobody would be administrator any more"),
        ({"name": [RULES, RULES]}, "two files have this name"),
        ({"name": [RULES, "../who.yaml"]}, "is named with at most 128"),
        ({"new_text": "version: 1\ngroups: {pals: others}\n"}, "the new file needs a name"),
        ({"new_name": "30.yaml", "new_text": "version: 1\nrule: []\n"}, "30.yaml"),
        ({"was": [RULES], "name": [RULES]}, "sent in part"),
        ({"was": [RULES, RULES]}, "sent in part, or twice"),
        ({"was": [RULES, "10-other.yaml"]}, "none of these rules"),
        ({"base_digest": "0" * 64}, "not among the newest"),
    ],
)
@pytest.mark.parametrize("do", ["save", "check"])
def test_files_that_cannot_be_are_refused_and_change_nothing(ada, changes, told, do) -> None:
    before = text_in_force(ada)
    answer = files_sent(ada, do, **changes)
    newest = door_of(ada.app).store.audit.entries(event="request.refused")
    assert answer.status_code == 400
    assert told in answer.text or told in str(newest[0].details), answer.text
    assert text_in_force(ada) == before


def test_files_are_not_renamed_over_what_somebody_else_put_in_force_meanwhile(ada) -> None:
    base = base_of(ada)
    assert files_sent(ada, name=[RULES, "15-who.yaml"]).status_code == 303
    now = text_in_force(ada)
    late = files_sent(ada, was=[RULES, WHO], name=[RULES, "25-who.yaml"], base_digest=base)
    assert (late.status_code, 'value="25-who.yaml"' in late.text, "15-who.yaml" in late.text) == (400, True, True)
    assert text_in_force(ada) == now
