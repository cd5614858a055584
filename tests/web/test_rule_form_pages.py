"""A rule as a form: the same text, the same checks, and what is wrong beside its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from administration_factories import MORE, administrator_of_files, base_of, browser, text_in_force
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of, write_files

from federation_bridge.mapping.rule_editing import rules_of

EDIT = "/administration/edit"
FORM = "/administration/form"
SETS = {name: ["", ""] for name in ("set_environment", "set_tags", "set_partition", "set_roles")}
NEW = {
    "id": "support",
    "connection": "corp",
    "groups": ["staff", ""],
    "roles": [f"{ACCOUNT}/Reader", ""],
    "max_duration": "1h",
    "owner": "Support team",
}
NAMED = "groups: {people-of-support: staff}\n"


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    write_files(tmp_path)
    yield from browser(tmp_path, clock, MORE + NAMED)


def sent(person: Person, *, do: str = "check", **changes: Any) -> Any:
    """Sends the form of a rule; without `rule`, of a new one."""
    fields = {"base_digest": base_of(person), "reason": "a ticket", "do": do}
    return person.post(FORM, fields | SETS | NEW | changes)


def fields_in(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form of this page, without its buttons."""
    form = page.partition('<form id="draft"')[2].partition("</form>")[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = (re.search(rf' {one}="([^"]*)"', tag) for one in ("name", "value"))
        if name and (("radio" not in tag and "checkbox" not in tag) or " checked" in tag):
            found.setdefault(name[1], []).append(value[1] if value else "")
    for name, value in re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\n([^<]*)</textarea>', form):
        found.setdefault(name, []).append(value.replace("&#34;", '"').replace("&#39;", "'").replace("&gt;", ">"))
    for name, options in re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = [chosen[1] if chosen else ""]
    return found


def beside(page: str, field: str) -> str:
    found = re.search(rf'id="mistake-{field}" data-live>(.*?)</span>(?:</div>|</fieldset>|\n)', page, re.DOTALL)
    return re.sub("<[^>]+>", "", found[1]) if found else ""


def test_a_new_rule_is_filled_in_looked_at_and_put_in_force(ada, clock) -> None:
    ada.sign_in(clock, "identity-team", "staff")
    page = ada.get(FORM).text
    assert f'<option value="{ACCOUNT}/Reader" label="Production">' in page
    assert '<option value="people-of-support" label="staff">' in page

    looked = sent(ada)
    assert looked.status_code == 200
    assert "1 person gains" in looked.text
    assert "<ins>+  - id: support</ins>" in looked.text
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 1

    before = text_in_force(ada).document()
    assert sent(ada, do="save").headers["Location"] == "/administration/versions/2"
    after = text_in_force(ada).document()
    assert rules_of(after)["support"]["owner"] == "Support team"
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert door_of(ada.app).store.audit.entries(limit=1)[0].event == "rulebook.changed"


def test_the_form_of_a_rule_that_nobody_touches_changes_nothing(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    for rule in ("administrators", "narrow-readers"):
        fields = fields_in(ada.get(f"{FORM}/{rule}").text)
        answer = ada.post(FORM, fields | {"do": "save", "reason": "r"})
        assert "nothing would change" in answer.text
    assert ada.get(f"{FORM}/nothing").status_code == 404


def test_a_changed_field_changes_its_line_alone_and_what_no_form_shows_stays(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    page = ada.get(f"{FORM}/narrow-readers").text
    assert "no form shows" in page and "policy" in page
    before = text_in_force(ada).document()
    fields = fields_in(page) | {"groups": ["people-of-support"], "do": "save", "reason": "r"}
    assert ada.post(FORM, fields).status_code == 303
    assert text_in_force(ada).document() == before.replace(
        "when: {group: readers}", "when: {group: {named: people-of-support}}"
    )


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"id": "no blanks here"}, "id", "is not a rule"),
        ({"id": "administrators"}, "id", "stands here twice"),
        ({"connection": "corps"}, "connection", "did you mean"),
        ({"groups": [""]}, "groups", "must not be empty"),
        ({"roles": [f"{ACCOUNT}/Readr"]}, "roles", "did you mean"),
        ({"roles": [""]}, "roles", "must not be empty"),
        ({"max_duration": "20h"}, "max_duration", "12h"),
        ({"not_after": "tomorrow"}, "not_after", "neither a date"),
        ({"networks": "192.0.2.7"}, "networks", "has no prefix length"),
        ({"days": "mon", "hours_from": "08:00", "hours_to": "8", "zone": "UTC"}, "hours_to", "8"),
        ({"policy": "nothing"}, "policy", "is named"),
        ({"owner": "a\u200bb"}, "owner", "cannot be seen"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_all_stays_as_typed(ada, clock, changes, field, told) -> None:
    ada.sign_in(clock, "identity-team")
    for do in ("check", "save"):
        answer = sent(ada, do=do, **changes)
        assert (answer.status_code, told in beside(answer.text, field)) == (400, True), beside(answer.text, field)
        assert 'value="Support team"' in answer.text or field == "owner"
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 1
    events = [one.event for one in door_of(ada.app).store.audit.entries(limit=5)]
    assert events.count("request.refused") == 1


def test_a_rule_is_taken_out(ada, clock) -> None:
    ada.sign_in(clock, "identity-team", "admins")
    fields = fields_in(ada.get(f"{FORM}/administrators").text) | {"remove": "yes", "reason": "r"}
    assert "1 person loses" in ada.post(FORM, fields | {"do": "check"}).text
    assert ada.post(FORM, fields | {"do": "save"}).status_code == 303
    assert list(rules_of(text_in_force(ada).document())) == ["narrow-readers"]


def test_form_and_text_go_on_with_one_draft(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    as_text = sent(ada, do="text")
    assert "- id: support" in as_text.text and 'action="/administration/edit"' in as_text.text

    draft = fields_in(as_text.text)
    draft["rules"] = [draft["rules"][0].replace("Support team", "Somebody else")]
    as_form = ada.post(FORM, draft | {"rule": "support", "do": "open"})
    assert as_form.status_code == 200
    fields = fields_in(as_form.text)
    assert (fields["owner"], fields["rule"]) == (["Somebody else"], ["support"])
    assert ada.post(FORM, fields | {"do": "save", "reason": "r"}).status_code == 303
    assert rules_of(text_in_force(ada).document())["support"]["owner"] == "Somebody else"
    # A new rule over the draft, and a text that cannot be read.
    assert ada.post(FORM, draft | {"rule": "", "do": "open"}).status_code == 200
    for rules, rule in (("rules: [", ""), ("version: 1", "administrators")):
        lost = ada.post(FORM, draft | {"rules": rules, "rule": rule, "do": "open"})
        assert (lost.status_code, f">\n{rules}</textarea>" in lost.text) == (400, True)


def test_of_two_at_once_the_second_sees_both_differences_and_can_go_on(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    base = base_of(ada)
    mine = fields_in(ada.get(f"{FORM}/administrators").text) | {"owner": "Mine", "reason": "r"}
    assert sent(ada, do="save").status_code == 303

    second = ada.post(FORM, mine | {"do": "save"})
    assert second.status_code == 400
    assert "<ins>+  - id: support</ins>" in second.text and "<ins>+    owner: Mine</ins>" in second.text
    assert "owner: Mine" not in text_in_force(ada).document()

    newest = ada.post(FORM, mine | {"do": "newest"})
    assert (newest.status_code, fields_in(newest.text)["base_digest"]) == (200, [base_of(ada)])
    assert ada.post(FORM, fields_in(newest.text) | {"do": "save", "reason": "r"}).status_code == 303
    assert {"support", "administrators"} <= rules_of(text_in_force(ada).document()).keys()

    # Where the rule itself was changed, nobody's words are written over.
    third = ada.post(FORM, mine | {"owner": "Another", "base_digest": base, "do": "newest"})
    assert "itself was changed meanwhile" in third.text


def test_an_author_is_held_to_their_accounts_by_the_form_too(ada, clock) -> None:
    ada.sign_in(clock, "writers")
    assert sent(ada, do="save").status_code == 303
    refused = sent(ada, do="save", id="everywhere", roles=["*/Reader"])
    assert (refused.status_code, "a set of accounts" in refused.text) == (400, True)
    clock.advance(timedelta(seconds=1))
    ada.sign_in(clock, "auditors", token="ef" * 32)
    assert (ada.get(FORM).status_code, ada.post(FORM, SETS | NEW, token="ef" * 32).status_code) == (404, 404)


def test_only_pages_that_look_while_somebody_types_may_ask_us_again(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    for path in (FORM, f"{FORM}/administrators", EDIT):
        assert "connect-src 'self';" in ada.get(path).headers["Content-Security-Policy"]
    assert "connect-src 'self';" in ada.get("/").headers["Content-Security-Policy"]  # it searches in the list of roles
    for path in ("/why", "/administration", "/administration/rules"):
        assert "connect-src" not in ada.get(path).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "changes",
    [{"set_roles": [""]}, {"roles": "x" * 20_001}, {"owner": "a\x00b"}, {"base_digest": "0" * 64}, {"id": ["a", "b"]}],
)
def test_what_no_form_of_ours_sends_is_refused(ada, clock, changes) -> None:
    ada.sign_in(clock, "identity-team")
    assert sent(ada, **changes).status_code == 400


def test_with_rules_in_files_the_form_checks_and_does_not_write(tmp_path, clock) -> None:
    person = administrator_of_files(tmp_path, clock)
    assert 'value="save"' not in person.get(FORM).text
    assert "<ins>+  - id: support</ins>" in sent(person).text
    assert "the rulebook lies in files" in sent(person, do="save").text
    door_of(person.app).store.close()
