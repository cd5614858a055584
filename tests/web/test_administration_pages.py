# ruff: noqa: F811 - fixtures are named where they are asked for
"""Pages for those who administer: there for them alone, and every change goes through the verbs."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import yaml
from administration_factories import MORE, administrator_of_files, base_of, text_in_force, texts
from administration_fixtures import ada, marked  # noqa: F401 - fixtures
from databases import HeldClock
from web_factories import ACCOUNT, TOKEN, Person, door_of

from federation_bridge.administration.rules import Change, Rules, apply
from federation_bridge.audit import AuditQuery, Entry, RulebookEmergency, SignInFinished, SignInRefused
from federation_bridge.bridge import token_hash
from federation_bridge.errors import Unavailable
from federation_bridge.model import Author, Groups, Identity, RequestOrigin, Session
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.following import FollowedRulebook
from federation_bridge.store.tables import METADATA
from federation_bridge.web import cookies
from federation_bridge.web.administration.rules import lines_of

GET = (
    "/administration",
    "/administration/rules",
    "/administration/accounts",
    "/administration/people",
    "/administration/blocks",
    "/administration/audit",
    "/administration/sign-ins",
    "/administration/grants",
    "/administration/grants/key",
    "/administration/aws",
    "/administration/aws/endings",
    "/administration/connections",
    "/administration/scim",
    "/administration/signals",
    "/administration/findings",
    "/administration/review",
)
EDIT = "/administration/edit"


def posted(person: Person, what: str, *, group: str = "staff", do: str = "save", **changes: str) -> Any:
    """Sends the form of the text, with another group for administrators in AWS."""
    stands = text_in_force(person)
    rules = stands.document().replace("when: {group: admins}", f"when: {{group: {group}}}")
    fields = {"rules": rules, "accounts": stands.accounts, "base_digest": base_of(person), "reason": what, "do": do}
    return person.post(EDIT, fields | changes)


@pytest.mark.parametrize("path", GET)
@pytest.mark.parametrize("group", ["identity-team", "writers", "auditors"])
def test_whoever_administers_finds_the_pages_and_a_link_to_them(ada, clock, path, group) -> None:
    ada.sign_in(clock, group)
    assert ada.get(path).status_code == 200
    assert 'href="/administration"' in ada.get("/").text


def test_a_page_that_decides_nothing_asks_for_no_newer_rules(ada, clock, monkeypatch) -> None:
    """The link to the pages for administrators is in the frame of every page: it takes the rules as they are."""
    ada.sign_in(clock, "identity-team")
    assert ada.get("/").status_code == 200
    asked = []
    monkeypatch.setattr(FollowedRulebook, "current", lambda *_: asked.append(1))
    assert 'href="/administration"' in ada.get("/device").text
    assert asked == []


@pytest.mark.parametrize(
    "path",
    [
        *GET,
        EDIT,
        "/administration/people/corp/ada",
        "/administration/rules/administrators",
        f"/administration/accounts/{ACCOUNT}",
        "/administration/audit/export?form=csv",
    ],
)
def test_for_everybody_else_there_is_no_such_page(ada, clock, path) -> None:
    ada.sign_in(clock, "admins", "Identity-Team")
    assert ada.get(path).status_code == 404
    assert "/administration" not in ada.get("/").text


def test_rights_are_those_of_the_version_in_force_at_each_request(ada, clock, tmp_path) -> None:
    ada.sign_in(clock, "identity-team")
    assert ada.get("/administration").status_code == 200
    here = door_of(ada.app)
    rules = Rules(
        here.store.rulebook_versions, here.store.rulebook_proposals, Known(frozenset(here.settings.connections)), clock
    )
    other = texts(tmp_path, MORE.replace("identity-team", "others"))
    apply(rules, other, Change(Author("the operator"), "moved", base_of(ada)))

    assert ada.get("/administration").status_code == 404


def test_an_old_sign_in_is_made_anew_before_anything_is_shown_or_changed(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    for _ in range(4):
        clock.advance(timedelta(minutes=20))
        ada.get("/")

    page = ada.get("/administration/rules")
    assert "Please sign in again before you administer" in page.text
    assert 'value="/administration/rules"' in page.text
    assert posted(ada, "late").status_code == 401
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 1


def test_an_auditor_reads_and_changes_nothing(ada, clock) -> None:
    ada.sign_in(clock, "auditors")

    assert ada.get(EDIT).status_code == 404
    assert posted(ada, "me too").status_code == 404
    assert ada.post("/administration/versions/return", {"number": "1", "reason": "r"}).status_code == 404
    assert ada.post("/administration/changes/decision", {"change": "a", "decision": "close"}).status_code == 404


def test_a_change_is_looked_at_first_and_then_put_in_force(ada, clock) -> None:
    ada.sign_in(clock, "identity-team", "staff")

    looked = posted(ada, "", do="check")
    assert looked.status_code == 200
    assert "1 person gains" in looked.text
    assert "<ins>+    when: {group: staff}</ins>" in looked.text
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 1

    assert posted(ada, "a ticket").headers["Location"] == "/administration/versions/2"
    page = ada.get("/administration/versions/2").text
    assert "a ticket" in page
    assert "corp/ada (Ada) (page)" in page
    assert f"{ACCOUNT}" in ada.get("/").text
    newest = door_of(ada.app).store.audit.entries(limit=1)[0]
    assert (newest.event, newest.person) == ("rulebook.changed", "corp/ada")


def test_comments_and_line_ends_stay_as_they_were_typed(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    stands = text_in_force(ada)
    typed = f"# why: ticket 17\n{stands.rules}".replace("\n", "\r\n")

    assert posted(ada, "a comment", rules=typed).status_code == 303
    assert text_in_force(ada).rules == f"# why: ticket 17\n{stands.rules}"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rules": "version: 1\nrules:\n  - {id: a, wen: b}\n"}, "rules: line 3"),
        ({"accounts": "version: 1\naccounts: 7\n"}, "accounts: line 2"),
        ({"reason": ""}, "a reason is needed"),
        ({"rules": "version: 1\nrules: &a [*a]\n"}, "anchors and aliases"),
    ],
)
def test_what_is_wrong_is_told_beside_the_text_that_was_typed(ada, clock, changes, told) -> None:
    ada.sign_in(clock, "identity-team")
    answer = posted(ada, "a ticket", **changes)

    assert answer.status_code == 400
    assert told in answer.text
    assert "wen: b" in answer.text if "wen" in str(changes) else True
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 1


def test_of_two_who_change_at_once_the_second_sees_both_changes_and_overwrites_nothing(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    base = base_of(ada)
    assert posted(ada, "the first").status_code == 303

    second = posted(ada, "the second", group="friends", base_digest=base)
    assert second.status_code == 400
    assert "another version is in force by now: 2" in second.text
    assert "<ins>+    when: {group: staff}</ins>" in second.text
    assert "group: friends" not in text_in_force(ada).rules


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", "nobody would be administrator any more"),
        (MORE.replace("identity-team", "others"), "you would be administrator no more"),
    ],
)
def test_nobody_locks_everybody_or_themselves_out(ada, clock, tmp_path, more, told) -> None:
    ada.sign_in(clock, "identity-team")
    answer = posted(ada, "out", rules=texts(tmp_path, more).document())

    assert (answer.status_code, told in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("group: admins", "group: staff"), ""),
        (("as: auditor", "as: administrator"), "authors do not change who administers"),
        (("group: auditors", "group: writers"), "authors do not change who administers"),
    ],
)
def test_an_author_changes_rules_of_their_accounts_and_nothing_else(ada, clock, change, told) -> None:
    ada.sign_in(clock, "writers")
    answer = posted(ada, "a ticket", rules=text_in_force(ada).document().replace(*change))

    assert (answer.status_code, told in answer.text) == ((400, True) if told else (303, True))


def test_an_author_does_not_change_the_register(ada, clock) -> None:
    ada.sign_in(clock, "writers")
    answer = posted(ada, "a ticket", accounts=text_in_force(ada).accounts.replace("Production", "Another"))
    assert "authors do not change the register" in answer.text


def test_an_older_version_comes_back_as_a_new_one(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    posted(ada, "a ticket")
    fields = {"number": "1", "reason": "back", "base_digest": base_of(ada)}

    assert ada.post("/administration/versions/return", fields).headers["Location"] == "/administration/versions/3"
    assert "group: admins" in text_in_force(ada).rules


def as_bob(person: Person, clock: HeldClock) -> Person:
    """Another browser, of another administrator."""
    now, token = clock(), "cd" * 32
    who = Identity(connection="corp", subject="bob", name="Bob", groups=Groups(("identity-team",)))
    session = Session(token_hash(token), who, now, now, now + timedelta(hours=12))
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", "_bob", now + timedelta(minutes=5))
    other = Person(person.app, person.app.test_client())
    other.client.set_cookie(cookies.SESSION, token, domain="aws.example.com", secure=True)
    return other


def test_a_marked_change_waits_until_another_administrator_agrees(marked, clock) -> None:
    marked.sign_in(clock, "identity-team")
    where = posted(marked, "a ticket").headers["Location"]
    assert where.startswith("/administration/changes/")
    assert door_of(marked.app).store.rulebook_versions.number_in_force() == 1
    own = marked.get(where).text
    assert 'value="approve"' not in own
    assert where in marked.get("/administration").text

    bob = as_bob(marked, clock)
    page = bob.get(where).text
    assert "<ins>+    when: {group: staff}</ins>" in page
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert digest is not None
    fields = {"change": where.rpartition("/")[2], "digest": digest[1], "decision": "approve", "reason": "looked"}
    assert marked.post("/administration/changes/decision", fields).status_code == 400
    assert bob.post("/administration/changes/decision", fields, token="cd" * 32).status_code == 303
    assert "group: staff" in text_in_force(marked).rules
    assert "It was approved by" in marked.get(where).text


def test_a_marked_change_that_is_closed_comes_into_force_no_more(marked, clock) -> None:
    marked.sign_in(clock, "identity-team")
    change = posted(marked, "a ticket").headers["Location"].rpartition("/")[2]
    fields = {"change": change, "digest": "", "decision": "close", "reason": "no"}

    assert marked.post("/administration/changes/decision", fields).status_code == 303
    assert "It was closed by" in marked.get(f"/administration/changes/{change}").text
    assert marked.post("/administration/changes/decision", fields | {"decision": "perhaps"}).status_code == 400


def newest(person: Person) -> tuple[str, str]:
    one = door_of(person.app).store.audit.entries(limit=1)[0]
    return one.event, str(one.details.get("detail"))


def test_a_refused_yes_or_no_is_told_on_the_page_of_the_change(marked, clock) -> None:
    marked.sign_in(clock, "identity-team")
    where = posted(marked, "a ticket").headers["Location"]
    change = where.rpartition("/")[2]
    fields = {"change": change, "digest": "0" * 64, "decision": "approve", "reason": "looked"}
    told = {
        "the change that waits has another text": fields,
        "a reason is needed": fields | {"reason": ""},
        "neither yes nor no": fields | {"decision": "perhaps"},
    }
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', marked.get(where).text)
    assert digest is not None
    told["who proposed a change cannot approve it"] = fields | {"digest": digest[1]}
    for sentence, sent in told.items():
        answer = marked.post("/administration/changes/decision", sent)
        assert (answer.status_code, sentence in answer.text) == (400, True), sentence
        assert 'role="alert"' in answer.text
        assert newest(marked)[0] == "request.refused"
        assert sentence in newest(marked)[1]
    assert marked.post("/administration/changes/decision", fields | {"change": "f" * 16}).status_code == 404

    assert marked.post("/administration/changes/decision", fields | {"decision": "close"}).status_code == 303
    late = marked.post("/administration/changes/decision", fields | {"decision": "close"})
    assert "the change does not wait any more" in late.text
    assert "It was closed by" in late.text


def test_a_refused_return_is_told_on_the_page_of_the_version(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    old = base_of(ada)
    posted(ada, "a ticket")
    fields = {"number": "1", "reason": "back", "base_digest": base_of(ada)}
    told = {"another version is in force by now": {"base_digest": old}, "a reason is needed": {"reason": ""}}
    told["nothing would change"] = {"number": "2"}
    for sentence, changes in told.items():
        answer = ada.post("/administration/versions/return", fields | changes)
        assert (answer.status_code, sentence in answer.text, 'role="alert"' in answer.text) == (400, True, True)
        assert sentence in newest(ada)[1]
    assert ada.post("/administration/versions/return", fields | {"number": "9"}).status_code == 404
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 2


@pytest.mark.parametrize(
    ("group", "more", "told"),
    [
        ("writers", MORE.replace("as: auditor", "as: administrator"), "authors do not change who administers"),
        ("identity-team", "", "nobody would be administrator any more"),
        ("identity-team", MORE.replace("identity-team", "others"), "you would be administrator no more"),
    ],
)
def test_a_look_is_refused_as_the_save_would_be(ada, clock, tmp_path, group, more, told) -> None:
    """Else whoever looks first is told of a change that they cannot make."""
    ada.sign_in(clock, group)
    for do in ("check", "save"):
        answer = posted(ada, "a ticket", do=do, rules=texts(tmp_path, more).document())
        assert (answer.status_code, told in answer.text) == (400, True), do
        assert told in newest(ada)[1], do


def test_a_change_that_waits_says_why(marked, clock) -> None:
    marked.sign_in(clock, "identity-team")
    page = marked.get(posted(marked, "a ticket").headers["Location"]).text
    assert "A second person has to agree: rule administrators is marked" in page


@pytest.mark.parametrize("path", GET)
def test_every_page_tells_of_an_emergency_for_a_set_time(ada, clock, path) -> None:
    ada.sign_in(clock, "identity-team")
    words = "Changed in an emergency, without a second person"
    assert words not in ada.get(path).text
    event = RulebookEmergency("corp/bob (Bob)", "<b>the role was gone", 3, "f" * 64, "marked")
    door_of(ada.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), event))
    told = ada.get(path).text
    assert (words in told, "corp/bob (Bob)" in told, "&lt;b&gt;the role was gone" in told) == (True, True, True)
    clock.advance(timedelta(days=8))
    ada.sign_in(clock, "identity-team", token="v" * 64)
    assert words not in ada.get(path).text


def emergency(person: Person, clock: HeldClock, by: str = "") -> None:
    event = RulebookEmergency("corp/bob (Bob)", "the role was gone", 3, "f" * 64, "marked")
    door_of(person.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), event, by, "corp" if by else ""))


def seen_to(person: Person, **fields: str) -> int:
    return int(
        person.post("/administration/emergencies/seen", {"number": "3", "note": "it was right"} | fields).status_code
    )


def open_emergencies(person: Person) -> str:
    return next(
        line for line in person.get("/metrics").text.splitlines() if line.startswith("bridge_rulebook_emergenc")
    )


def test_an_emergency_is_told_until_another_administrator_has_seen_to_it(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    assert open_emergencies(ada) == "bridge_rulebook_emergencies 0.0"
    assert seen_to(ada) == 404, "there is none"
    emergency(ada, clock, "corp/bob")
    clock.advance(timedelta(minutes=1))
    assert open_emergencies(ada) == "bridge_rulebook_emergencies 1.0"
    assert "I have dealt with it" in ada.get("/administration/rules").text
    assert [seen_to(ada, note=""), seen_to(ada, number="4"), seen_to(ada, number="x")] == [400, 404, 400]
    assert seen_to(ada) == 303
    assert "Changed in an emergency" not in ada.get("/administration").text
    assert open_emergencies(ada) == "bridge_rulebook_emergencies 0.0"
    (row,) = door_of(ada.app).store.audit.found(AuditQuery(event="rulebook.emergency_seen"))
    assert (row.person, row.details["number"], row.details["note"]) == ("corp/ada", 3, "it was right")
    assert seen_to(ada) == 404, "once"
    # A later one is told anew.
    event = RulebookEmergency("x", "again", 4, "e" * 64, "marked")
    door_of(ada.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), event))
    assert "again" in ada.get("/administration").text


def test_who_made_it_and_who_may_only_read_do_not_end_its_notice(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    emergency(ada, clock, "corp/ada")
    page = ada.get("/administration").text
    assert "Changed in an emergency" in page and "I have dealt with it" not in page
    assert seen_to(ada) == 400
    ada.sign_in(clock, "auditors", token=TOKEN[::-1])
    assert (
        ada.post("/administration/emergencies/seen", {"number": "3", "note": "n"}, token=TOKEN[::-1]).status_code == 404
    )
    assert "I have dealt with it" not in ada.get("/administration").text


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


def test_no_page_that_is_only_looked_at_changes_anything(marked, clock) -> None:
    marked.sign_in(clock, "identity-team")
    change = posted(marked, "a ticket").headers["Location"]
    more = (EDIT, change, "/administration/versions/1", "/administration/people/corp/ada")
    paths = (*GET, *more, f"/administration/accounts/{ACCOUNT}", "/administration/audit/export?form=csv")
    with closing(sqlite3.connect(door_of(marked.app).settings.data / "bridge.db")) as database:

        def rows() -> dict[str, list[Any]]:
            return {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in METADATA.tables}

        before = rows()
        for path in paths:
            assert marked.get(path).status_code == 200, path
            assert rows() == before, path
        assert posted(marked, "another", group="others").status_code == 303
        assert rows() != before


def test_rules_in_files_are_shown_and_not_changed(tmp_path, clock) -> None:
    person = administrator_of_files(tmp_path, clock)
    person.get("/")

    page = person.get(EDIT).text
    assert "The rules are files on the server" in page
    assert 'value="save"' not in page
    assert "the rulebook lies in files" in posted(person, "a ticket").text
    fields, stands = {"number": "1", "reason": "back", "base_digest": base_of(person)}, text_in_force(person)
    assert person.post("/administration/versions/return", fields).status_code == 400
    assert person.post("/administration/changes/decision", {"decision": "approve", "reason": "r"}).status_code == 400
    assert text_in_force(person) == stands
    assert yaml.safe_load((tmp_path / "rules.yaml").read_text())["rules"][0]["when"] == {"group": "admins"}
    door_of(person.app).store.close()


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


def test_a_refused_change_is_audited_with_its_reason(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    posted(ada, "", do="check")
    assert list(door_of(ada.app).store.audit.found(AuditQuery(event="request.refused"))) == []
    assert posted(ada, " ").status_code == 400
    (told,) = door_of(ada.app).store.audit.found(AuditQuery(event="request.refused"))
    assert (told.person, told.details["path"]) == ("corp/ada", EDIT)
    assert "a reason is needed" in str(told.details["detail"])


def test_command_lines_can_be_ended_while_the_rules_cannot_be_had(ada, clock, monkeypatch) -> None:
    ada.sign_in(clock, "identity-team")

    def gone(*_: object) -> None:
        raise Unavailable("the rules cannot be had")

    monkeypatch.setattr(type(door_of(ada.app).rulebook), "current", gone)
    assert ada.get("/command-lines").status_code == 200
    assert ada.get("/administration").status_code == 503


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
