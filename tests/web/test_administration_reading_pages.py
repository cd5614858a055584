# ruff: noqa: F811 - fixtures are named where they are asked for
"""What whoever administers looks at: the audit, sign-ins, people, rules and their use, reviews, older versions."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from administration_factories import base_of, text_in_force
from administration_fixtures import ada  # noqa: F401 - a fixture
from administration_pages_factories import EDIT, posted
from web_factories import ACCOUNT, door_of

from federation_bridge.audit import Entry, SignInFinished, SignInRefused
from federation_bridge.model import RequestOrigin
from federation_bridge.web.administration.rules import lines_of


def test_the_audit_shows_the_checks_of_a_sign_in(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    checks = {"passed": ["address"], "failed": "aud", "not_reached": ["nonce"]}
    event = SignInRefused("ID token: audience", "sign_in_rejected", checks, {"said": {"aud": ["<i>other"]}})
    door_of(ada.app).store.audit.record(Entry(clock(), RequestOrigin("ref-7"), event, "", "corp", is_somebodys=True))
    listed = ada.get("/administration/audit?reference=ref-7").text
    assert 'href="/administration/sign-ins/ref-7"' in listed
    shown = ada.get("/administration/sign-ins/ref-7").text
    assert '<strong>failed</strong></td><td lang="en">aud</td><td>it is us, and azp says so too' in shown
    assert '<th scope="row">aud</th><td>&lt;i&gt;other' in shown
    assert "What to do: Compare `client_id` with the token&#39;s `aud`" in shown
    assert ada.get("/administration/sign-ins/ref-8").status_code == 404


def test_sign_ins_are_found_and_told_in_the_readers_language(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    checks = {"passed": ["address"], "failed": "nonce", "not_reached": ["times"]}
    record = door_of(ada.app).store.audit.record
    for place, (reference, who) in enumerate({"ref-1": "corp/ada", "ref-2": "", "ref-3": ""}.items()):
        origin = RequestOrigin(reference, f"192.0.2.{place}")
        refused = SignInRefused(f"reason <{reference}>", "sign_in_rejected", checks, {"attributes": {"groups": 12}})
        record(Entry(clock(), origin, refused, who, "corp", is_somebodys=True))
        clock.advance(timedelta(minutes=1))
    finished = SignInFinished("_m", "_r", 0, checks={"passed": ["address"]}, received={})
    record(Entry(clock(), RequestOrigin("ref-4", "192.0.2.9"), finished, "corp/ada", "corp", is_somebodys=True))

    def found(query: str) -> list[str]:
        return re.findall(r'href="/administration/sign-ins/(ref-\d)"', ada.get(f"/administration/sign-ins{query}").text)

    assert found("") == ["ref-4", "ref-3", "ref-2", "ref-1"]
    assert found("?outcome=refused") == ["ref-3", "ref-2", "ref-1"]
    assert found("?outcome=signed-in") == ["ref-4"]
    assert found("?person=corp/ada") == ["ref-4", "ref-1"]
    assert found("?address=192.0.2.1") == ["ref-2"]
    assert found("?reference=ref-3") == ["ref-3"]
    assert found("?connection=partner") == []
    assert found(f"?until={(clock() - timedelta(minutes=2)).isoformat().replace('+', '%2B')}") == ["ref-1"]
    assert ada.get("/administration/sign-ins?outcome=other").status_code == 400
    chinese = ada.get("/administration/sign-ins/ref-2", **{"Accept-Language": "zh-CN"}).text
    assert "它就是所发送的那个" in chinese and "12 个值" in chinese and "reason &lt;ref-2&gt;" in chinese
    assert "让此人在我们自己的页面上" in chinese


def test_a_person_is_found_and_explained_in_the_third_person(ada, clock) -> None:
    ada.sign_in(clock, "identity-team", "admins")

    assert "corp/ada" in ada.get("/administration/people?q=ADA").text
    assert "corp/ada" not in ada.get("/administration/people?q=bob").text.partition("<table>")[2]
    page = ada.get("/administration/people/corp/ada").text
    assert f"{ACCOUNT}/Administrator" in page
    assert ada.get("/administration/people/corp/adda").status_code == 404
    then = ada.get("/administration/people/corp/ada?at=2000-01-31T17:00:00%2B00:00").text
    assert "What this person could have then" in then
    assert "what the groups were at the time that was asked about is not known" in then
    assert ada.get("/administration/people/corp/ada?at=yesterday").status_code == 400


def test_the_audit_is_filtered_paged_and_exported(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    posted(ada, "=cmd()")
    page = ada.get("/administration/audit?event=rulebook.changed").text
    assert "rulebook.changed" in page.partition("<tbody>")[2]
    assert "<tbody></tbody>" in ada.get("/administration/audit?event=rulebook.changed&until=2000-01-01").text

    csv = ada.get("/administration/audit/export?form=csv&event=rulebook.changed")
    assert csv.headers["Content-Disposition"] == "attachment; filename=audit.csv"
    assert len(csv.text.splitlines()) == 3
    assert ada.get("/administration/audit/export?form=jsonl").mimetype == "application/jsonl"
    for bad in ("export?form=xml", "export", "?since=yesterday", "?event=a&event=b"):
        where = f"/administration/audit{'/' if bad.startswith('export') else ''}{bad}"
        assert ada.get(where).status_code == 400, where


def test_no_entry_falls_between_two_pages_of_the_audit(ada, clock) -> None:
    ada.sign_in(clock, "auditors")
    for number in range(250):
        clock.now += timedelta(seconds=number % 40 == 0)
        ada.get(f"/nothing-{number}")
    seen: list[int] = []
    path = "/administration/audit?event=request.refused"
    while path:
        found = ada.get(path).text
        seen += map(int, re.findall(r"path&#34;:&#34;/nothing-([0-9]+)", found))
        older = re.search(r'href="(/administration/audit\?[^"]*until=[^"]*)">Older', found)
        path = older[1].replace("&amp;", "&") if older else ""
    assert sorted(seen) == list(range(250))


def test_rules_are_found_by_words_without_a_script(ada, clock) -> None:
    ada.sign_in(clock, "auditors")
    assert "/administration/rules/narrow-readers" in ada.get("/administration/rules?q=READER+production").text
    assert "/administration/rules/narrow-readers" not in ada.get("/administration/rules?q=administrator").text
    assert "No rule fits." in ada.get("/administration/rules?q=nothing").text
    assert "/administration/rules/narrow-readers" in ada.get("/administration/rules?after=administrators").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("account=111122223333", ["administrators", "narrow-readers"]),
        ("account=999988887777", []),
        ("role=Reader", ["narrow-readers"]),
        (f"role={ACCOUNT}/Administrator", ["administrators"]),
        ("group=readers", ["narrow-readers"]),
        ("group=reader", []),
        ("owner=nobody", []),
        ("show=unused", ["narrow-readers"]),
        ("show=ended", []),
        ("show=denying", []),
        ("q=reader&show=unused&account=111122223333", ["narrow-readers"]),
    ],
)
def test_rules_are_narrowed_by_what_they_are_about_and_by_their_use(ada, clock, query, found) -> None:
    ada.sign_in(clock, "auditors", "admins")
    assert ada.post(f"/roles/{ACCOUNT}/Administrator/console").status_code == 200
    page = ada.get(f"/administration/rules?{query}").text
    assert re.findall(r'<td><a href="/administration/rules/([^"]+)', page) == found
    if "administrators" in found:
        assert re.search(r"2026-03-04 12:00 UTC<br><span class=\"soft\">people: 1<", page)


def test_a_rule_that_ended_is_told_and_found(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    rules = text_in_force(ada).document().replace("when: {group: readers}", "when: {dates: {not_after: 2026-03-01}}")
    assert posted(ada, "it ended", rules=rules).status_code == 303
    page = ada.get("/administration/rules?show=ended").text
    assert re.findall(r'<td><a href="/administration/rules/([^"]+)', page) == ["narrow-readers"]
    assert "ended on 2026-03-02 00:00 UTC" in page
    assert ada.get("/administration/rules?show=all").status_code == 400
    shown = ada.get("/administration/findings").text
    assert "narrow-readers" in shown and "can never match again" in shown
    assert "narrow-readers" not in ada.get("/administration/findings?kind=above-maximum").text.partition("<table>")[2]
    assert ada.get("/administration/findings?kind=other").status_code == 400


def test_what_is_foreseen_explained_and_found_is_said_in_chinese_and_about_somebody_else(ada, clock) -> None:
    ada.sign_in(clock, "identity-team", "staff")
    chinese = {"Accept-Language": "zh-CN"}
    stands = text_in_force(ada)
    rules = (
        stands.document("")
        .replace("when: {group: admins}", "when: {group: staff}")
        .replace("group: readers", "group: Staff")
    )
    fields = {"rules": rules, "accounts": stands.accounts, "base_digest": base_of(ada), "reason": "r", "do": "check"}
    foreseen = ada.post(EDIT, fields, **chinese).text.partition("<pre>")[2].partition("</pre>")[0]
    assert "1 人会有变化" in foreseen
    assert "1 人得到" in foreseen and "因为此人" in foreseen and "大小写有区别" in foreseen
    for words in ("people", "rule ", "because", "you ", "您"):
        assert words not in foreseen
    assert ada.post(EDIT, fields | {"do": "save"}).status_code == 303
    explained = ada.get("/administration/people/corp/ada", **chinese).text.partition("<pre>")[2].partition("</pre>")[0]
    assert "1 个角色" in explained and "不给予任何东西" in explained and "此人" in explained
    for words in ("role ", "rule ", "nothing", "you ", "您"):
        assert words not in explained
    assert "大小写有区别" in ada.get("/administration/findings", **chinese).text
    assert "带会话策略" in ada.get("/administration/rules", **chinese).text
    english = ada.get("/administration/people/corp/ada").text
    assert "they are in group &#39;staff&#39;" in english and "you are" not in english


def test_access_is_reviewed_and_exported(ada, clock) -> None:
    ada.sign_in(clock, "auditors", "admins")
    page = ada.get("/administration/review").text
    assert f"{ACCOUNT}/Administrator" in page and "/administration/people/corp/ada" in page
    assert "nobody who was seen has it" in page
    assert "never used by" in page
    ada.post(f"/roles/{ACCOUNT}/Administrator/console")
    assert "never used by" not in ada.get("/administration/review?role=Administrator").text
    narrowed = ada.get("/administration/review?role=Reader").text
    assert "nobody who was seen" in narrowed and f"{ACCOUNT}/Administrator" not in narrowed
    assert "did you mean &#39;Production&#39;" in ada.get("/administration/review?account=Productio").text
    csv = ada.get("/administration/review/export?form=csv&person=corp/ada")
    assert csv.text.splitlines()[1].startswith(f"has,{ACCOUNT},Production,Administrator,corp/ada,Ada")
    access = ada.get("/administration/review/export?form=json").json["access"]
    assert {one["kind"] for one in access} == {"has", "nobody"}
    assert ada.get("/administration/review/export?form=xml").status_code == 400
    assert ada.get("/administration/review/export?form=csv&account=x").status_code == 404


def test_versions_beyond_the_newest_are_a_page_away(ada, clock, monkeypatch) -> None:
    monkeypatch.setattr("federation_bridge.web.administration.rulebook._MOST_VERSIONS", 2)
    ada.sign_in(clock, "identity-team")
    assert "Older versions" not in ada.get("/administration").text
    for remark in ("one", "two"):
        assert posted(ada, remark, rules=f"# {remark}\n{text_in_force(ada).rules}").status_code == 303
    page = ada.get("/administration").text
    assert re.findall(r'href="/administration/versions/(\d)"', page) == ["3", "2"]
    (older,) = re.findall(r'href="(/administration\?before=\d)"', page)
    page = ada.get(older).text
    assert re.findall(r'href="/administration/versions/(\d)"', page) == ["1"]
    assert "Older versions" not in page
    assert ada.get("/administration?before=x").status_code == 400


def test_a_rule_is_shown_as_it_is_written_and_with_its_last_grant(ada, clock) -> None:
    ada.sign_in(clock, "auditors")
    shown = ada.get("/administration/rules/administrators").text
    assert "when: {group: admins}" in shown and "group: readers" not in shown
    assert "None of the last grants" in shown
    assert ada.get("/administration/rules/nothing").status_code == 404


def test_the_text_of_a_rule_ends_where_the_next_one_begins() -> None:
    text = "rules:\n  - id: one\n    when: x\n\n  # of two\n  - id: two\n    when: y\nmore: 1\n"
    assert lines_of(text, 2, "one") == "  - id: one\n    when: x"
    assert lines_of(text, 6, "two") == "  - id: two\n    when: y"
    assert lines_of(text, 2, "two") == lines_of(text, 3, "one") == lines_of(text, 99, "one") == ""
