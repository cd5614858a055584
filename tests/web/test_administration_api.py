# ruff: noqa: F811 - fixtures are named where they are asked for
"""The administration's API: there for whoever administers alone, paged in one form, and as its document says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from administration_api_factories import APPOINTED, ROOT, Line, administered, browser_of, let_in
from administration_factories import MARKED
from administration_lists_factories import READING, ada, all_pages, changed, fits, in_force  # noqa: F401 - a fixture
from databases import HeldClock
from jsonschema import Draft202012Validator
from live_grant_factories import sold
from oauth_factories import Program
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.audit import AuditQuery, Entry, SignInRefused
from federation_bridge.model import RequestOrigin
from federation_bridge.web.api.administration.document import OPERATIONS
from federation_bridge.web.api.openapi import DOCUMENT

FILLED = {"number": "1", "asked": "0" * 16, "rule": "administrators", "account": ACCOUNT, "reference": "none"}
FILLED |= {"access_key_id": "ASIAEXAMPLEEXAMPLE12"}
QUERIES = {"/explanation": {"person": "corp/ada"}, "/aws/files": {"format": "json"}}


@pytest.fixture
def marked(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock, APPOINTED + MARKED)


@pytest.mark.parametrize("path", READING)
def test_an_auditor_reads_everything_as_the_document_says_it(ada, clock, path) -> None:
    line = let_in(ada, clock, "auditors")
    where = path.format(**FILLED)
    answer = line.get(where, **QUERIES.get(path, {}))
    if path.startswith("/proposals/{asked}") or path in ("/sign-ins/{reference}", "/grants/by-key/{access_key_id}"):
        assert answer.status_code == 404
    elif path == "/audit/export":
        assert answer.mimetype == "application/jsonl"
        schema = {**DOCUMENT["components"]["schemas"]["AuditEntry"]}
        for row in answer.text.splitlines():
            Draft202012Validator(schema).validate(json.loads(row))
        return
    else:
        assert answer.status_code == 200, answer.get_json()
    fits(answer, path)


def refused_sign_in(person: Person, clock: HeldClock, reference: str) -> None:
    checks = {"passed": ["address"], "failed": "aud", "not_reached": ["nonce"]}
    event = SignInRefused("ID token: audience", "sign_in_rejected", checks, {"said": {"aud": ["other"]}})
    entry = Entry(clock(), RequestOrigin(reference), event, "", "corp", is_somebodys=True)
    door_of(person.app).store.audit.record(entry)


def test_a_sign_in_is_told_whole_by_its_reference(ada, clock) -> None:
    refused_sign_in(ada, clock, "ref-7")
    line = let_in(ada, clock, "auditors")
    (item,) = fits(line.get("/sign-ins/ref-7"), "/sign-ins/{reference}")["items"]
    found = item["told"]
    assert (item["reference"], found["failed"], found["cause"]) == ("ref-7", "aud", "ID token: audience")
    assert {one["name"]: one["verdict"] for one in found["checks"]}["aud"] == "failed"
    assert found["arrived"] == [{"name": "aud", "values": "other", "is_signed": True}]
    assert found["advice"].startswith("Compare `client_id`")
    outcomes = {one: len(line.get("/sign-ins", outcome=one).get_json()["items"]) for one in ("refused", "signed-in")}
    assert outcomes == {"refused": 1, "signed-in": 0}
    assert line.get("/sign-ins", outcome="other").status_code == 400


def test_the_document_names_each_route_with_its_right_and_no_other(ada) -> None:
    rules = [rule for rule in ada.app.url_map.iter_rules() if rule.rule.startswith(ROOT)]
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(ROOT)))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(OPERATIONS)
    from federation_bridge.web import guards  # noqa: PLC0415 - for its three guards

    by_guard = {
        guards.administering_auditor: "auditor",
        guards.administering_author: "author",
        guards.administering_administrator: "administrator",
    }
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(ROOT))
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        assert OPERATIONS[method, path].right == by_guard[ada.app.view_functions[rule.endpoint].guard], path


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_no_route_answers_without_the_scope_the_right_or_a_recent_sign_in(
    ada, clock, monkeypatch, method, path
) -> None:
    where, before = path.format(**FILLED), rows_of_rules(ada)

    def asked(line: Line) -> int:
        return int((line.get(where) if method == "GET" else line.post(where)).status_code)

    ada.sign_in(clock, "identity-team")
    assert ada.client.open(ROOT + where, method=method, base_url="https://aws.example.com", json={}).status_code == 401
    assert asked(let_in(ada, clock, "identity-team", "admins", client="fedbridge")) == 404
    line = let_in(ada, clock, "identity-team", subject="bob")
    rule_set = type(door_of(ada.app).rulebook.current())
    with monkeypatch.context() as without:
        without.setattr(rule_set, "administrative_rights", lambda *_: None)
        assert asked(line) == 404
    assert asked(line) != 401
    with monkeypatch.context() as shorter:
        limits = door_of(ada.app).settings.sessions
        clock.advance(timedelta(minutes=2))
        shorter.setitem(limits.__dict__, "administration", timedelta(minutes=1))
        assert asked(line) == 401
    clock.advance(timedelta(hours=1))
    assert asked(line) == 401
    assert rows_of_rules(ada) == before


def rows_of_rules(person: Person) -> tuple[int, int]:
    store = door_of(person.app).store
    return store.rulebook_versions.number_in_force(), len(store.rulebook_proposals.waiting(10))


def test_versions_are_listed_shown_and_compared(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    for group in ("staff", "friends", "staff"):
        changed(ada, clock, group)
    assert [one["number"] for one in all_pages(line, "/versions", limit=3)] == [4, 3, 2, 1]
    whole = fits(line.get("/versions/3"), "/versions/{number}")
    assert (whole["against"], "+    when: {group: friends}" in whole["difference"]) == (2, True)
    whole = fits(line.get("/versions/4", against=2), "/versions/{number}")
    assert whole["difference"] == []
    stands = fits(line.get("/rulebook"), "/rulebook")
    assert (stands["number"], stands["rules"], stands["is_writable"]) == (4, in_force(ada).rules, True)
    for number in ("9", "999999999999", "2147483648"):
        assert fits(line.get(f"/versions/{number}"), "/versions/{number}")["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/audit", {"evnt": "x"}),
        ("/audit", {"since": "yesterday"}),
        ("/audit", {"since": "0001-01-01T00:00:00+14:00"}),
        ("/audit", {"until": "9999-12-31T23:59:59.999999-12:00"}),
        ("/audit", {"person": "a\x00b"}),
        ("/audit", {"person": "a" * 300}),
        ("/audit/export", {"form": "xml"}),
        ("/audit/export", {"limit": 5}),
        ("/sign-ins", {"event": "grant.made"}),
        ("/review", {"form": "xml"}),
        ("/versions/1", {"against": "one"}),
        ("/versions/1", {"against": "9" * 40}),
        ("/explanation", {"person": "corp/ada", "at": "soon"}),
        ("/explanation", {"person": "corp/ada", "version": "-1"}),
        ("/me", {"x": "y"}),
    ],
)
def test_what_cannot_be_understood_is_told_and_is_no_fault_of_ours(ada, clock, path, query) -> None:
    line = let_in(ada, clock, "auditors")
    answer = line.get(path, **query)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["detail"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/explanation", {}),
        ("/explanation", {"person": "corp/adda"}),
        ("/explanation", {"person": "corp/ada", "role": f"{ACCOUNT}/Nothing"}),
        ("/explanation", {"person": "corp/ada", "version": "7"}),
        ("/review", {"account": "Prodution"}),
        ("/review", {"person": "corp/adda"}),
        ("/rules/nothing", {}),
        ("/proposals/nothing", {}),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest_name(ada, clock, path, query) -> None:
    line = let_in(ada, clock, "auditors")
    answer = line.get(path, **query)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "not_found")
    assert "detail" in answer.get_json()["error"]


def test_a_person_is_explained_by_the_rules_in_force_or_by_an_older_version(ada, clock) -> None:
    line = let_in(ada, clock, "auditors", "staff")
    changed(ada, clock, "staff")
    now = fits(line.get("/explanation", person="corp/ada"), "/explanation")
    assert [one["role"] for one in now["roles"]] == [f"{ACCOUNT}/Administrator"]
    before = fits(line.get("/explanation", person="corp/ada", version=1), "/explanation")
    assert before["roles"] == []


def test_the_review_is_json_and_csv_and_the_audit_is_lines(ada, clock) -> None:
    line = let_in(ada, clock, "auditors", "admins")
    review = fits(line.get("/review", role="Administrator"), "/review")
    assert [(one["kind"], one["person"]) for one in review["access"]] == [("has", "corp/ada")]
    table = line.get("/review", form="csv")
    assert (table.mimetype, table.text.splitlines()[0][:13]) == ("text/csv", "kind,account,")
    entries = line.get("/audit/export", event="token.issued").text.splitlines()
    assert [json.loads(one)["person"] for one in entries] == ["corp/ada"]
    assert line.get("/audit/export", form="csv", event="token.issued").text.count("\n") == 2


def test_only_looking_changes_nothing(marked, clock) -> None:
    line = let_in(marked, clock, "auditors")
    changed(marked, clock, "staff")
    asked = fits(line.get("/proposals"), "/proposals")["items"][0]["id"]
    whole = fits(line.get(f"/proposals/{asked}"), "/proposals/{asked}")
    assert (whole["obstacle"], len(whole["touched"]), len(whole["because"])) == ("", 1, 1)
    refused_sign_in(marked, clock, FILLED["reference"])
    sold(door_of(marked.app).store, clock())
    line.get("/aws/files", format="json")  # the key that AWS is told of is made when it is first told
    before = list(door_of(marked.app).store.audit.found(AuditQuery()))
    for path in READING:
        line.get(path.format(**FILLED | {"asked": asked}), **QUERIES.get(path, {}))
    assert list(door_of(marked.app).store.audit.found(AuditQuery())) == before


def test_a_second_line_has_rights_of_its_own(ada, clock) -> None:
    browser_of(ada, clock, "cy", "writers")
    rights = let_in(ada, clock, "writers", subject="dan").get("/me").get_json()["rights"]
    assert rights == {"role": "author", "accounts": [ACCOUNT], "by": ["authors"]}
    assert isinstance(let_in(ada, clock, "auditors", subject="eve").program, Program)
