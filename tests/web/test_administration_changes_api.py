# ruff: noqa: F811 - fixtures are named where they are asked for
"""The rulebook changes by programs: by the same verbs, rights and second person as on the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from administration_api_factories import APPOINTED, ROOT, Line, administered, let_in, rulebook_of, stands
from administration_changes_factories import CHANGING, ada, fits, rows, rules_of, wish  # noqa: F401 - a fixture
from administration_factories import MARKED
from databases import HeldClock
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.administration.rules import Change, apply
from federation_bridge.audit import AuditQuery, Entry, RulebookEmergency
from federation_bridge.model import Author, RequestOrigin
from federation_bridge.rulebook.texts import Texts


@pytest.fixture
def marked(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock, APPOINTED + MARKED)


@pytest.mark.parametrize("path", CHANGING)
def test_an_auditor_changes_nothing(marked, clock, path) -> None:
    admin, auditor = let_in(marked, clock, "identity-team"), let_in(marked, clock, "auditors", subject="bob")
    asked = admin.post("/rulebook", wish(marked)).get_json()["waits_as"]
    _, digest, _ = stands(marked)
    emergency = RulebookEmergency("eve", "the role was gone", 1, digest, "marked")
    door_of(marked.app).store.audit.record(Entry(clock(), RequestOrigin("operator"), emergency))
    bodies = {
        "/rulebook": wish(marked),
        "/rulebook/check": wish(marked),
        "/rulebook/preview": wish(marked),
        "/versions/{number}/return": {"base_digest": digest, "reason": "back"},
        "/proposals/{asked}/approve": {"digest": "0" * 64, "reason": "looked"},
        "/proposals/{asked}/close": {"reason": "no"},
        "/emergencies/{number}/seen": {"note": "it was right"},
        "/accounts/import": {"lists": [{"name": "list.csv", "text": f"id,name\n{ACCOUNT},Live\n"}]},
        "/aws/check": {},
        "/aws/end": {"kind": "person", "name": "corp/nobody", "reason": "left"},
        "/blocks": {"person": "corp/bob", "reason": "left"},
        "/blocks/lift": {"person": "corp/bob"},
        "/incident": {"excepted": ["corp/bob"], "reason": "a break-in"},
        "/incident/end": {},
        "/signals": {"do": "remove", "connection": "corp", "access": ""},
        "/people/end": {"person": "corp/bob", "reason": "a stolen laptop"},
    }
    assert set(bodies) == set(CHANGING)
    before, where = rows(marked), path.format(number="1", asked=asked)
    answer = auditor.post(where, bodies[path])
    assert (answer.status_code, set(fits(answer, path)["error"])) == (404, {"code", "message", "reference"})
    assert rows(marked) == before
    refused = next(iter(door_of(marked.app).store.audit.found(AuditQuery(event="request.refused"))))
    assert (refused.person, refused.details["path"]) == ("corp/bob", ROOT + where)
    # The twin: the administrator is understood there, also where there is nothing to lift.
    understood = admin.post(where, bodies[path])
    assert understood.status_code != 404 or "detail" in understood.get_json()["error"]


def test_a_change_is_looked_at_compared_and_put_in_force(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team", "staff")
    checked = fits(line.post("/rulebook/check", wish(ada)), "/rulebook/check")
    assert (checked["problems"], checked["because"]) == ([], [])
    seen = fits(line.post("/rulebook/preview", wish(ada)), "/rulebook/preview")
    assert [(one["kind"], one["people"]) for one in seen["changes"]] == [("gains", ["corp/ada"])]
    assert "+    when: {group: staff}" in seen["difference"]
    assert stands(ada)[0] == 1

    became = fits(line.post("/rulebook", wish(ada)), "/rulebook")
    assert became == {"version": 2, "waits_as": None, "because": []}
    assert (stands(ada)[0], stands(ada)[1]) == (2, checked["digest"])
    told = line.get("/versions/2").get_json()
    (let,) = door_of(ada.app).store.audit.found(AuditQuery(event="command_line.approved"))
    by = f"corp/ada by command line {str(let.details['family_id'])[:8]} (Ada)"
    assert (told["author"], told["origin"], told["reason"]) == (by, "api", "a ticket")
    newest = next(iter(door_of(ada.app).store.audit.found(AuditQuery(event="rulebook.changed"))))
    assert (newest.person, newest.details["author"]) == ("corp/ada", by)


def test_more_people_are_tried_who_were_never_here(ada, clock) -> None:
    line = let_in(ada, clock, "writers")
    people = json.dumps([{"connection": "corp", "subject": "new", "groups": ["staff"]}])
    seen = fits(line.post("/rulebook/preview", wish(ada) | {"people": people}), "/rulebook/preview")
    assert [one["people"] for one in seen["changes"]] == [["corp/new"]]
    answer = line.post("/rulebook/preview", wish(ada) | {"people": "- {connection: crop, subject: x}"})
    assert answer.status_code == 400
    assert "corp" in fits(answer, "/rulebook/preview")["error"]["detail"]


def test_a_part_that_is_left_out_stays_as_it_is(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    accounts = stands(ada)[2].accounts.replace("Production", "Live")
    body = {"accounts": accounts, "base_digest": stands(ada)[1], "reason": "a name"}
    rules = rules_of(ada)
    assert line.post("/rulebook", body).status_code == 200
    assert stands(ada)[2] == Texts(rules, accounts)


def test_of_several_files_the_named_one_changes_and_no_text_takes_the_place_of_all(ada, clock) -> None:
    line, texts = let_in(ada, clock, "identity-team"), stands(ada)[2]
    rule = "{id: more, connection: corp, when: {group: more}, grant: {role: 111122223333/Reader}}"
    more = f"version: 1\nrules: [{rule}]\n"
    several = Texts((("main.yaml", texts.joined), ("more.yaml", more)), texts.accounts)
    apply(rulebook_of(ada, clock), several, Change(Author("the operator"), "two files", stands(ada)[1]))

    body = wish(ada, rules=f"# of the team\n{more}")
    for bad in ({}, {"file": ""}, {"file": "other.yaml"}):
        answer = line.post("/rulebook", body | bad)
        assert "file names the one" in fits(answer, "/rulebook")["error"]["detail"]
    assert line.post("/rulebook", {"file": "more.yaml", "accounts": texts.accounts}).status_code == 400
    assert line.post("/rulebook", body | {"file": "more.yaml"}).status_code == 200
    assert stands(ada)[2].rules == (("main.yaml", texts.joined), ("more.yaml", body["rules"]))


def test_comments_and_line_ends_stay_as_they_were_typed(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    rules = f"# why: ticket 17\n{rules_of(ada)}"
    assert line.post("/rulebook", wish(ada, rules=rules.replace("\n", "\r\n"))).status_code == 200
    assert rules_of(ada) == rules


def test_of_two_who_change_at_once_the_second_is_told_what_came_between(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    late, back = wish(ada, "friends"), {"base_digest": stands(ada)[1], "reason": "back"}
    assert line.post("/rulebook", wish(ada)).status_code == 200
    for path, body in [
        ("/rulebook", late),
        ("/rulebook/check", late),
        ("/rulebook/preview", late),
        ("/versions/1/return", back),
    ]:
        answer = line.post(path, body)
        error = fits(answer, path.replace("1", "{number}"))["error"]
        assert (answer.status_code, error["code"], error["in_force"]["number"]) == (409, "changed_meanwhile", 2), path
        assert "+    when: {group: staff}" in error["difference"]
    assert stands(ada)[0] == 2
    assert "friends" not in rules_of(ada)


def test_a_marked_change_waits_until_another_administrator_agrees(marked, clock) -> None:
    line, other = let_in(marked, clock, "identity-team"), let_in(marked, clock, "identity-team", subject="bob")
    became = fits(line.post("/rulebook", wish(marked)), "/rulebook")
    assert (became["version"], stands(marked)[0]) == (None, 1)
    assert "rule administrators" in became["because"][0]
    where = f"/proposals/{became['waits_as']}"
    shown = other.get(where).get_json()
    assert (shown["touched"], shown["because"]) == ([f"administrators: {ACCOUNT}/Administrator"], became["because"])
    digest = shown["digest"]
    yes = {"digest": digest, "reason": "looked at it"}
    path = "/proposals/{asked}/approve"
    assert "cannot approve it" in fits(line.post(f"{where}/approve", yes), path)["error"]["detail"]
    assert "another text" in fits(other.post(f"{where}/approve", yes | {"digest": ""}), path)["error"]["detail"]
    assert let_in(marked, clock, "writers", subject="cy").post(f"{where}/approve", yes).status_code == 404
    assert stands(marked)[0] == 1
    assert fits(other.post(f"{where}/approve", yes), path) == {"version": 2}
    assert "group: staff" in rules_of(marked)
    assert other.post(f"{where}/approve", yes).status_code == 400


def test_a_yes_to_what_another_version_has_overtaken_is_told_so(marked, clock) -> None:
    line, other = let_in(marked, clock, "identity-team"), let_in(marked, clock, "identity-team", subject="bob")
    asked = line.post("/rulebook", wish(marked)).get_json()["waits_as"]
    comment = wish(marked, rules=f"# more\n{rules_of(marked)}")
    assert line.post("/rulebook", comment).get_json()["version"] == 2
    shown = other.get(f"/proposals/{asked}").get_json()
    assert "another version is in force by now: 2" in shown["obstacle"]
    digest = shown["digest"]
    answer = other.post(f"/proposals/{asked}/approve", {"digest": digest, "reason": "looked"})
    error = fits(answer, "/proposals/{asked}/approve")["error"]
    assert (answer.status_code, error["in_force"]["number"], "+# more" in error["difference"]) == (409, 2, True)


def test_a_marked_change_that_is_closed_comes_into_force_no_more(marked, clock) -> None:
    line = let_in(marked, clock, "identity-team")
    asked = line.post("/rulebook", wish(marked)).get_json()["waits_as"]
    path = "/proposals/{asked}/close"
    assert line.post(f"/proposals/{asked}/close", {"reason": ""}).status_code == 400
    assert fits(line.post(f"/proposals/{asked}/close", {"reason": "no"}), path) == {"closed": True}
    assert line.get(f"/proposals/{asked}").get_json()["state"] == "closed"
    assert fits(line.post(f"/proposals/{asked}/close", {"reason": "no"}), path)["error"]["code"] == "bad_request"


def test_an_older_version_comes_back_as_a_new_one(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    line.post("/rulebook", wish(ada))
    body = {"base_digest": stands(ada)[1], "reason": "back"}
    path = "/versions/{number}/return"
    assert fits(line.post("/versions/1/return", body), path)["version"] == 3
    assert "group: admins" in rules_of(ada)
    for number in ("77", "99999999999999999999"):
        assert fits(line.post(f"/versions/{number}/return", body), path)["error"]["code"] == "not_found"


def test_a_role_that_it_gives_is_there_at_the_next_click_on_every_door(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team", "staff")
    own = let_in(ada, clock, "staff", "admins", subject="dan", client="fedbridge")
    assert isinstance(own, Line)
    token = own.tokens["access_token"]
    assert line.post("/rulebook", wish(ada, "nobody")).status_code == 200
    assert own.program.call("GET", "/api/v1/roles", token).status_code == 401
    assert f"{ACCOUNT}/Administrator" not in json.dumps(line.get("/explanation", person="corp/dan").get_json()["roles"])
