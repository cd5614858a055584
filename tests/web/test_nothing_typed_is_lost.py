"""What somebody typed goes along: between form and text, between files, and through the parts of a long difference."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administration_factories import MORE, base_of, browser, text_in_force
from databases import HeldClock
from web_factories import Person, door_of, write_files

from federation_bridge.administration.rules import Change, Rules, apply
from federation_bridge.audit import AuditQuery
from federation_bridge.model import Author
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts

EDIT, FORM = "/administration/edit", "/administration/form"


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    write_files(tmp_path)
    for person in browser(tmp_path, clock):
        person.sign_in(clock, "identity-team", "admins")
        yield person


@pytest.fixture
def files(ada: Person, clock: HeldClock) -> Person:
    """The same rules as three files."""
    here, stands = door_of(ada.app), text_in_force(ada)
    rules = Rules(
        here.store.rulebook_versions, here.store.rulebook_proposals, Known(frozenset(here.settings.connections)), clock
    )
    more = "version: 1\nrules:\n  - {{id: {0}, connection: corp, when: {{group: {0}}}, grant: {{role: '*/Reader'}}}}\n"
    named = (("a.yaml", stands.document()), ("b.yaml", more.format("b")), ("c.yaml", more.format("c")))
    apply(rules, Texts(named, stands.accounts), Change(Author("the operator"), "in files", stands.digest))
    return ada


def sent(person: Person, page: str, **changes: Any) -> dict[str, Any]:
    """What the form of this page would send, with these changes."""
    found: dict[str, Any] = {
        "base_digest": base_of(person),
        "reason": "half a thought",
        "accounts": text_in_force(person).accounts,
    }
    others = re.findall(
        r'name="other_file" value="([^"]*)"><textarea hidden name="other_text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL
    )
    if others:
        found |= {"other_file": [one for one, _ in others], "other_text": [html.unescape(text) for _, text in others]}
    return {**found, **changes}


def typed(page: str, name: str = "rules") -> str:
    (text,) = re.findall(rf'<textarea[^>]*name="{name}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return html.unescape(text)


def test_another_file_is_opened_with_what_was_typed_in_this_one(files: Person) -> None:
    texts = dict(text_in_force(files).documents)
    a, b = texts["a.yaml"] + "# typed in a\n", texts["b.yaml"] + "# typed in b\n"
    first = files.post(EDIT, sent(files, "", file="a.yaml", rules=a, to_file="b.yaml")).text
    assert typed(first) == texts["b.yaml"] and "half a thought" in first and "changed here, and not in force" in first
    second = files.post(EDIT, sent(files, first, file="b.yaml", rules=b, to_file="c.yaml")).text
    assert typed(second) == texts["c.yaml"]
    back = files.post(EDIT, sent(files, second, file="c.yaml", rules=texts["c.yaml"], to_file="a.yaml")).text
    assert typed(back) == a
    saved = files.post(EDIT, sent(files, back, file="a.yaml", rules=a, do="save"))
    assert saved.status_code == 303, saved.text
    assert dict(text_in_force(files).documents) == {**texts, "a.yaml": a, "b.yaml": b}


def test_a_form_carries_the_other_files_and_the_reason(files: Person) -> None:
    texts = dict(text_in_force(files).documents)
    first = files.post(EDIT, sent(files, "", file="a.yaml", rules=texts["a.yaml"] + "# typed\n", to_file="b.yaml")).text
    form = files.post(FORM, sent(files, first, file="b.yaml", rules=texts["b.yaml"], rule="b", do="open")).text
    assert "half a thought" in form
    assert 'name="other_file" value="a.yaml"' in form and "# typed" in form


@pytest.mark.parametrize(
    "changes",
    [
        {"other_file": ["b.yaml"], "other_text": []},
        {"other_file": ["b.yaml", "b.yaml"], "other_text": ["", ""]},
        {"other_file": ["a.yaml"], "other_text": [""]},
        {"other_file": ["x.yaml"], "other_text": [""]},
        {"other_file": ["b.yaml"], "other_text": ["x" * 1_000_001]},
    ],
)
def test_other_files_that_no_page_of_ours_sends_are_refused(files: Person, changes: dict[str, Any]) -> None:
    texts = dict(text_in_force(files).documents)
    fields = sent(files, "", file="a.yaml", rules=texts["a.yaml"], **changes)
    assert files.post(EDIT, fields).status_code in (400, 413)
    unknown = sent(files, "", file="a.yaml", rules=texts["a.yaml"], to_file="x")
    assert files.post(EDIT, unknown).status_code == 404


def test_the_next_lines_of_a_long_difference_are_shown_with_what_was_typed(ada: Person) -> None:
    rules = text_in_force(ada).document() + "".join(f"# line {one}\n" for one in range(2_500))
    first = ada.post(EDIT, sent(ada, "", rules=rules, do="check")).text
    (place,) = re.findall(r'<button class="plain" form="draft" name="from" value="(\d+)">Next lines', first)
    assert place == "2000"
    following = ada.post(EDIT, sent(ada, first, rules=rules, **{"from": place})).text
    assert "# line 2499" in following.partition('class="difference"')[2] and typed(following) == rules
    assert ada.post(EDIT, sent(ada, "", rules=rules, **{"from": "x"})).status_code == 400


def test_a_mistake_is_said_in_the_readers_language_with_its_place(ada: Person) -> None:
    rules = text_in_force(ada).document().replace("when: {group: admins}", "wen: {group: admins}")
    english = ada.post(EDIT, sent(ada, "", rules=rules, do="check"))
    assert english.status_code == 400
    told = html.unescape(english.text)
    assert re.search(r"rules: line \d+: unknown key 'wen' in .*did you mean 'when'.*\(column \d+\)", told)
    chinese = ada.post(EDIT, sent(ada, "", rules=rules, do="check"), **{"Accept-Language": "zh-CN"}).text
    assert re.search(r"第 \d+ 行", chinese) and "未知的键" in chinese and "您是否想写" in chinese
    assert "a rule" in told and "规则" in chinese and "in a rule" not in html.unescape(chinese)


def test_what_an_author_may_not_name_is_said_in_the_readers_language_with_its_place(
    ada: Person, clock: HeldClock
) -> None:
    token = "d" * 64
    ada.sign_in(clock, "writers", token=token)
    rules = f"groups: {{administrators: mine}}\n{text_in_force(ada).document()}"
    wanted = sent(ada, "", rules=rules, do="check")
    english = html.unescape(ada.post(EDIT, wanted, token=token).text)
    assert "only administrators change what a group is called, here 'administrators'" in english
    chinese = ada.post(EDIT, wanted, token=token, **{"Accept-Language": "zh-CN"}).text
    assert "第 1 行：只有管理员可以更改组的名称" in chinese  # noqa: RUF001 - Chinese punctuation


def _refusals(person: Person) -> list[str]:
    found = door_of(person.app).store.audit.found(AuditQuery(event="request.refused"))
    return [str(row.details["detail"]) for row in found]


def test_a_refused_check_is_audited_where_somebody_pressed_it_and_wanted_what_they_may_not(
    ada: Person, clock: HeldClock, tmp_path: Path
) -> None:
    ada.sign_in(clock, "writers", token="c" * 64)
    mine = text_in_force(ada).document()
    wide = mine.replace('grant: {roles: ["111122223333/Administrator"]', 'grant: {roles: ["*/Administrator"]')
    assert wide != mine
    page = ada.post(EDIT, sent(ada, "", rules=wide, do="check"), token="c" * 64)
    assert page.status_code == 400
    (detail,) = _refusals(ada)
    assert "administrators" in detail
    # While somebody types, and for a text that is not finished, no entry is made.
    ada.post(EDIT, sent(ada, "", rules=wide, do="check"), token="c" * 64, **{"Sec-Fetch-Dest": "empty"})
    ada.post(EDIT, sent(ada, "", rules=mine + "  - {", do="check"), token="c" * 64)
    assert len(_refusals(ada)) == 1
    assert MORE
