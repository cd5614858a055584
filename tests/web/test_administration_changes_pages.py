# ruff: noqa: F811 - fixtures are named where they are asked for
"""The rulebook changes on its pages: looked at first, by a second person where it is marked, and within its rights."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from administration_factories import MORE, base_of, text_in_force, texts
from administration_fixtures import ada, marked  # noqa: F401 - fixtures
from administration_pages_factories import posted
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.bridge import token_hash
from federation_bridge.model import Groups, Identity, Session
from federation_bridge.web import cookies


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
