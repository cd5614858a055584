"""The register in a browser: looked at by all who administer, changed by administrators, over the same text."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_factories import MORE, administrator_of_files, base_of, browser, text_in_force
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of, write_files

from federation_bridge.mapping import load_register
from federation_bridge.model import Account
from federation_bridge.web import limits
from federation_bridge.web.administration import accounts
from federation_bridge.web.limits import MOST_MESSAGE, most_body

ACCOUNTS = "/administration/accounts"
FORM, IMPORT = f"{ACCOUNTS}/form", f"{ACCOUNTS}/import"
NEW = "444455556666"
FILLED = {"name": "Production", "environment": "live", "color": "red", "aliases": "prod", "tags": "team=data"}


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from browser(tmp_path, clock)


def sent(person: Person, do: str = "save", **changes: Any) -> Any:
    fields = {"base_digest": base_of(person), "account": ACCOUNT, "reason": "a ticket", "do": do}
    return person.post(FORM, fields | FILLED | changes)


def given(*accounts: dict[str, str]) -> bytes:
    return json.dumps({"Accounts": [{"Id": ACCOUNT, "Name": "Production"}, *accounts]}).encode()


def uploaded(person: Person, content: bytes, name: str = "list.json", **changes: Any) -> Any:
    fields = {"list": (io.BytesIO(content), name), "roles": "Reader", **changes}
    return person.post(IMPORT, fields)


def account(person: Person) -> Account:
    return load_register(text_in_force(person).accounts).accounts[ACCOUNT]


def remarked(person: Person) -> None:
    """Somebody writes a remark into the register by hand."""
    texts = text_in_force(person)
    accounts = texts.accounts.replace("name: Production", "name: Production   # since 2019")
    fields = {"rules": texts.rules, "accounts": accounts, "base_digest": base_of(person), "reason": "r", "do": "save"}
    assert person.post("/administration/edit", fields).status_code == 303


def number(person: Person) -> int:
    return door_of(person.app).store.rulebook_versions.number_in_force()


def carried(page: str) -> dict[str, str]:
    """The texts that the form of a page carries on."""
    found = re.findall(r'<textarea hidden name="(\w+)"[^>]*>\n([^<]*)</textarea>', page)
    return {name: html.unescape(text) for name, text in found}


def test_an_account_is_changed_in_a_form_and_everything_else_stays_as_it_was_typed(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    assert 'value="Production"' in ada.get(f"{ACCOUNTS}/{ACCOUNT}").text
    looked = sent(ada, "check")
    assert (looked.status_code, number(ada)) == (200, 1)
    assert "<ins>+    environment: live</ins>" in looked.text

    before = text_in_force(ada)
    assert sent(ada).headers["Location"] == "/administration/versions/2"
    assert (account(ada).environment, account(ada).color, account(ada).tags) == ("live", "red", {"team": "data"})
    after = text_in_force(ada)
    assert after.rules == before.rules
    assert [line for line in before.accounts.splitlines() if line not in after.accounts.splitlines()] == []
    assert door_of(ada.app).store.audit.entries(limit=1)[0].event == "rulebook.changed"

    assert sent(ada, **dict.fromkeys(("environment", "color", "aliases", "tags"), "")).status_code == 303
    assert text_in_force(ada).accounts == before.accounts


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"name": ""}, "", "an account needs `name`"),
        ({"name": "a\u200bb"}, "name", "cannot be seen"),
        ({"environment": "Live!"}, "environment", "is not an environment"),
        ({"color": "rde"}, "color", "did you mean &#39;red&#39;"),
        ({"aliases": "x" * 65}, "aliases", "at most 64"),
        ({"tags": "aws:x=y"}, "tags", "keeps for itself"),
        ({"tags": "team=a!"}, "tags", "allows in no tag"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_changes_nothing(ada, clock, changes, field, told) -> None:
    ada.sign_in(clock, "identity-team")
    page = sent(ada, **changes)
    assert (page.status_code, number(ada)) == (400, 1)
    beside = re.search(rf'id="mistake-{field}" data-live>(.*?)</span>(?:</div>|</fieldset>|\n)', page.text, re.DOTALL)
    assert told in (beside[1] if field and beside else page.text)


def test_of_two_administrators_the_second_sees_what_the_first_changed(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    old = base_of(ada)
    assert sent(ada).status_code == 303
    late = sent(ada, base_digest=old, environment="test")
    assert (late.status_code, account(ada).environment) == (400, "live")
    assert "What was changed meanwhile" in late.text


@pytest.mark.parametrize("group", ["auditors", "writers"])
def test_the_register_is_changed_by_administrators_alone(ada, clock, group) -> None:
    ada.sign_in(clock, group)
    for path in (ACCOUNTS, f"{ACCOUNTS}/{ACCOUNT}"):
        page = ada.get(path)
        assert (page.status_code, 'method="post" action="/administration/accounts' in page.text) == (200, False)
    assert sent(ada).status_code == 404
    assert uploaded(ada, given()).status_code == 404
    assert number(ada) == 1


def test_a_marked_account_waits_for_a_second_person(tmp_path, clock) -> None:
    write_files(tmp_path)
    for person in browser(tmp_path, clock, f'{MORE}second_person: {{accounts: ["{ACCOUNT}"]}}\n'):
        person.sign_in(clock, "identity-team")
        assert "is marked, and changes in the register" in sent(person, "check").text
        assert sent(person).headers["Location"].startswith("/administration/changes/")
        assert number(person) == 1


def test_a_list_shows_the_difference_first_and_comes_into_force_with_a_reason(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    remarked(ada)
    page = uploaded(ada, given({"Id": NEW, "Name": "New <b>"}))
    assert (page.status_code, number(ada)) == (200, 2)
    assert f"new        {NEW}  New &lt;b&gt;" in page.text
    fields = carried(page.text) | {"base_digest": base_of(ada), "reason": "they joined", "do": "save"}
    done = ada.post("/administration/edit", fields)
    assert done.headers["Location"] == "/administration/versions/3"
    assert "# since 2019" in text_in_force(ada).accounts
    assert load_register(text_in_force(ada).accounts).accounts[NEW].name == "New <b>"
    assert "nothing would change" in uploaded(ada, given({"Id": NEW, "Name": "New <b>"})).text


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"", 400, "the files name no account|column `id`"),
        (b"\xff\xfe", 400, "is no text in UTF-8"),
        (b"id,name\n12,=x\n", 400, "line 2: .* begins like a formula"),
        (given({"Id": NEW, "Name": "Pr\u043eduction"}), 400, "only looks like"),
    ],
)
def test_a_list_that_cannot_be_taken_is_refused_in_words(ada, clock, content, status, told) -> None:
    ada.sign_in(clock, "identity-team")
    page = uploaded(ada, content)
    assert (page.status_code, number(ada)) == (status, 1)
    assert re.search(told, page.text)


def test_a_list_is_read_no_further_than_its_limit_and_never_lies_on_a_disk(ada, clock, monkeypatch) -> None:
    ada.sign_in(clock, "identity-team")
    assert most_body(IMPORT) == MOST_MESSAGE
    monkeypatch.setattr(accounts, "MOST_TEXT", 20)
    page = uploaded(ada, given())
    assert page.status_code == 400 and "`federation-bridge accounts import` takes larger" in page.text
    monkeypatch.setattr(limits, "MOST_MESSAGE", 50)
    assert uploaded(ada, given()).status_code == 413


def test_a_list_without_a_token_of_ours_is_another_sites(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    for token in (None, "0" * 64):
        files = {"list": (io.BytesIO(given()), "list.json")}
        assert ada.post(IMPORT, files, token=token).status_code == 403


def test_the_table_is_searched_and_tells_by_words_not_by_color_alone(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    sent(ada)
    page = ada.get(f"{ACCOUNTS}?q=team%3Ddata+LIVE").text
    assert '<span class="look look-red">live</span>' in page and ">red<" in page
    assert "2 of 2" in page or "1 of 2" in page
    assert "never, as far back as the audit goes" in page
    assert "No account fits." in ada.get(f"{ACCOUNTS}?q=nothing").text
    assert ada.get(f"{ACCOUNTS}/{NEW}").status_code == 404


def test_employees_find_an_account_by_its_environment_and_other_names(ada, clock) -> None:
    ada.sign_in(clock, "identity-team", "admins")
    sent(ada)
    page = ada.get("/").text
    assert '<span class="look look-red">live</span>' in page
    _, names, environment, *_ = next(one for one in ada.get("/roles/list").get_json()["accounts"] if one[2] == "live")
    assert (environment, "prod" in names) == ("live", True)


def test_where_the_rulebook_lies_in_files_the_page_shows_what_to_apply(tmp_path, clock) -> None:
    person = administrator_of_files(tmp_path, clock)
    person.get("/")
    page = sent(person, "check")
    assert "<ins>+    environment: live</ins>" in page.text
    assert 'value="save"' not in page.text
    assert sent(person).status_code == 400
    listed = uploaded(person, given({"Id": NEW, "Name": "New"}))
    assert NEW in listed.text and 'value="save"' not in listed.text
    door_of(person.app).store.close()
