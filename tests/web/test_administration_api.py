"""The administration's API: there for whoever administers alone, paged in one form, and as its document says."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import APPOINTED, ROOT, Line, administered, browser_of, let_in, rulebook_of
from administration_factories import MARKED
from databases import HeldClock
from jsonschema import Draft202012Validator
from live_grant_factories import sold
from oauth_factories import Program
from store_factories import entry, revocation
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.administration.rules import Change, apply
from federation_bridge.audit import AuditQuery, Entry, SignInRefused
from federation_bridge.model import Author, RequestOrigin
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web.api.administration.document import OPERATIONS
from federation_bridge.web.api.openapi import DOCUMENT

FILLED = {"number": "1", "asked": "0" * 16, "rule": "administrators", "account": ACCOUNT, "reference": "none"}
FILLED |= {"access_key_id": "ASIAEXAMPLEEXAMPLE12"}
QUERIES = {"/explanation": {"person": "corp/ada"}, "/aws/files": {"format": "json"}}


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock)


@pytest.fixture
def marked(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock, APPOINTED + MARKED)


def fits(answer: Any, path: str, method: str = "get") -> Any:
    """The answer's body, where it is what the document promises for this path and status."""
    responses = DOCUMENT["paths"][f"/administration{path}"][method]["responses"]
    content = responses[str(answer.status_code)]["content"]
    assert answer.mimetype in content, path
    body = answer.get_json()
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(body)
    return body


def in_force(person: Person) -> Texts:
    stands = door_of(person.app).store.rulebook_versions.in_force()
    assert stands is not None
    return Texts.from_kept(stands.text)


def changed(person: Person, clock: HeldClock, group: str, reason: str = "a ticket") -> None:
    """Another version, with this group for administrators at AWS."""
    stands = in_force(person)
    texts = Texts(re.sub(r"(administrators\n.*\n.*group: )\w+", rf"\g<1>{group}", stands.document()), stands.accounts)
    apply(rulebook_of(person, clock), texts, Change(Author("the operator"), reason, stands.digest))


def all_pages(line: Line, path: str, **query: Any) -> list[Any]:
    """Every item of a list, page after page."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        body = fits(line.get(path, **query, **cursor), path)
        assert len(body["items"]) <= query.get("limit", 100)
        found += body["items"]
        if body["next"] is None:
            return found
        cursor = {"cursor": body["next"]}


READING = sorted(path for method, path in OPERATIONS if method == "GET")


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


@pytest.mark.parametrize("path", [path for path in READING if OPERATIONS["GET", path].is_list])
def test_every_list_pages_in_the_same_form(ada, clock, path) -> None:
    for number in range(3):
        line = let_in(ada, clock, "auditors", subject=f"person{number}")
        changed(ada, clock, f"group{number}")
        ada.get("/sign-in/corp/oidc?code=x&state=y")
        store = door_of(ada.app).store
        sold(store, clock(), f"ASIAEXAMPLEEXAMPLE1{number}", grant_id=f"_{number}")
        store.revocations.add([revocation(clock(), f"end{number}")], entry(clock()))
    whole = all_pages(line, path)
    assert all_pages(line, path, limit=1) == whole
    assert path in ("/proposals", "/accounts", "/scim/users", "/scim/groups") or len(whole) > 1, path
    for bad in ({"limit": 0}, {"limit": 501}, {"limit": "x"}, {"limit": -1}, {"cursor": "x"}, {"cursor": "bnVsbA=="}):
        assert line.get(path, **bad).status_code == 400, bad
    assert line.get(path, limit=500).status_code == 200


@pytest.mark.parametrize(
    "cursor",
    ["é", "A" * 3000, "W10=", "WyJ4Iiwi4oCcIl0=", "//8=", "e30=", "WyJhIiwgbnVsbF0=", "MQ==", "W1tbW1tbW1tbW10="],
)
@pytest.mark.parametrize("path", ["/versions", "/audit", "/people", "/findings"])
def test_a_cursor_that_is_none_of_ours_is_refused(ada, clock, path, cursor) -> None:
    line = let_in(ada, clock, "auditors")
    assert fits(line.get(path, cursor=cursor), path)["error"]["code"] == "bad_request"


def test_a_cursor_is_of_its_filters_and_of_its_list(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    for number in range(4):
        line.get(f"/nothing-{number}")
    following = line.get("/audit", limit=1).get_json()["next"]
    assert line.get("/audit", limit=3, cursor=following).status_code == 200
    assert line.get("/audit", limit=1, cursor=following, event="request.refused").status_code == 400
    assert line.get("/sign-ins", cursor=following).status_code == 400


def test_no_entry_falls_between_two_pages(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    for number in range(60):
        clock.now += timedelta(seconds=number % 20 == 0)
        ada.get(f"/nothing-{number}")
    found = all_pages(line, "/audit", event="request.refused", limit=7)
    assert sorted(one["details"]["path"] for one in found) == sorted(f"/nothing-{number}" for number in range(60))


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


@pytest.mark.parametrize("own_database", [2**63, 10**400, -1], ids=["63 bits", "400 digits", "negative"])
def test_a_cursor_that_a_caller_wrote_asks_for_nothing_that_cannot_be_counted(ada, clock, own_database) -> None:
    """What binds a cursor to its question is no secret, so anybody who may ask can make one."""
    line = let_in(ada, clock, "auditors")
    for number in range(3):
        line.get(f"/nothing-{number}")
    following = line.get("/audit", limit=1).get_json()["next"]
    written = json.loads(base64.urlsafe_b64decode(following))
    forged = base64.urlsafe_b64encode(json.dumps([*written[:-1], own_database]).encode()).decode()

    assert line.get("/audit", limit=1, cursor=following).status_code == 200
    assert line.get("/audit", limit=1, cursor=forged).status_code == 200
