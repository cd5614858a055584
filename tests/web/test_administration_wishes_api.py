# ruff: noqa: F811 - fixtures are named where they are asked for
"""Programs do what commands do: files of rules, an emergency, the register from a list, all of it previewed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from administration_api_factories import APPOINTED, administered, let_in, stands
from administration_factories import MARKED
from administration_wishes_factories import ada, posted  # noqa: F401 - a fixture
from databases import HeldClock
from documents.blocks import blocks
from web_factories import ACCOUNT, Person, door_of

from federation_bridge.audit import AuditQuery

BLOCKS = blocks()


MORE = """version: 1
rules: [{id: more, connection: corp, when: {group: more}, grant: {role: 111122223333/Reader}}]
"""


@pytest.fixture
def allowing(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    emergency = {"source": "database", "emergency": True}
    yield from administered(tmp_path, clock, APPOINTED + MARKED, rulebook=emergency)


@pytest.fixture
def forbidding(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock, APPOINTED + MARKED)


def files(person: Person, *wanted: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"files": list(wanted), "base_digest": stands(person)[1], "reason": "a ticket"} | more


def test_files_of_rules_are_added_renamed_reordered_and_removed(ada, clock) -> None:
    line, whole = let_in(ada, clock, "identity-team"), stands(ada)[2].joined
    add = files(ada, {"name": "main.yaml", "was": ""}, {"name": "more.yaml", "text": MORE})
    seen = posted(line, "/rulebook/preview", add)
    assert "more: 111122223333/Reader" in seen["touched"]
    assert stands(ada)[0] == 1
    assert posted(line, "/rulebook", add)["version"] == 2
    assert stands(ada)[2].rules == (("main.yaml", whole), ("more.yaml", MORE))

    rename = files(ada, {"name": "10-extra.yaml", "was": "more.yaml"}, {"name": "main.yaml"})
    assert posted(line, "/rulebook", rename)["version"] == 3
    assert stands(ada)[2].rules == (("10-extra.yaml", MORE), ("main.yaml", whole))

    both = files(
        ada, {"name": "20-extra.yaml", "was": "10-extra.yaml", "text": f"# why\n{MORE}"}, {"name": "main.yaml"}
    )
    assert posted(line, "/rulebook", both)["version"] == 4
    assert stands(ada)[2].document("20-extra.yaml") == f"# why\n{MORE}"

    assert posted(line, "/rulebook", files(ada, {"name": "main.yaml"}))["version"] == 5
    assert stands(ada)[2].rules == (("main.yaml", whole),)


def test_the_files_of_the_page_are_taken(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    begin = files(ada, {"name": "10-platform.yaml", "was": ""}, {"name": "20-sales.yaml", "text": MORE})
    assert posted(line, "/rulebook", begin)["version"] == 2
    shown = json.loads(BLOCKS["docs/administration.md json 1"].text)
    assert posted(line, "/rulebook", files(ada) | shown)["version"] == 3
    documents = dict(stands(ada)[2].documents)
    assert list(documents) == ["10-platform.yaml", "30-sales.yaml", "40-new.yaml"]
    assert documents["30-sales.yaml"] == MORE


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([], "need a file"),
        ([{"name": "nothing.yaml"}], "no text named"),
        ([{"name": "a.yaml", "was": "nothing.yaml", "text": MORE}], "no text named"),
        ([{"name": "../a.yaml", "was": ""}], "is named with"),
        ([{"name": ".hidden", "was": ""}], "is named with"),
        ([{"name": "a\u202e.yaml", "was": ""}], "is named with"),
        ([{"name": "a.yaml", "was": ""}, {"name": "a.yaml", "text": MORE}], "two files have this name"),
        ([{"text": MORE}], "needs name"),
        ([{"name": "a.yaml", "txt": MORE}], "unknown field"),
        ([{"name": 7}], "is not a text"),
        (["a.yaml"], "not made of objects"),
        ({"name": "a.yaml"}, "not a list"),
        ([{"name": f"{number}.yaml", "text": ""} for number in range(1_001)], "not a list of at most"),
    ],
)
def test_files_that_cannot_be_are_refused_and_nothing_changes(ada, clock, wanted, told) -> None:
    line = let_in(ada, clock, "identity-team")
    for path in ("/rulebook", "/rulebook/check", "/rulebook/preview"):
        error = posted(line, path, files(ada) | {"files": wanted})["error"]
        assert (error["code"], told in error["detail"]) == ("bad_request", True), error
    assert stands(ada)[0] == 1


def test_files_and_one_text_of_rules_are_not_sent_together(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    body = files(ada, {"name": "main.yaml", "was": ""}, rules=MORE)
    assert "say something else" in posted(line, "/rulebook", body)["error"]["detail"]


def test_a_name_of_a_file_is_that_of_the_version_over_which_the_change_was_made(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    posted(line, "/rulebook", files(ada, {"name": "main.yaml", "was": ""}, {"name": "more.yaml", "text": MORE}))
    late = files(ada, {"name": "main.yaml"}, {"name": "last.yaml", "was": "more.yaml"})
    posted(line, "/rulebook", files(ada, {"name": "main.yaml"}, {"name": "extra.yaml", "was": "more.yaml"}))
    error = posted(line, "/rulebook", late)["error"]
    assert (error["code"], error["in_force"]["number"]) == ("changed_meanwhile", 3)


def test_an_emergency_does_without_the_second_person_where_the_settings_allow_it(allowing, clock) -> None:
    line = let_in(allowing, clock, "identity-team")
    rules = stands(allowing)[2].joined.replace("when: {group: admins}", "when: {group: staff}")
    body = {"rules": rules, "base_digest": stands(allowing)[1], "reason": "the pager", "emergency": True}
    assert posted(line, "/rulebook/preview", body)["because"]
    assert "reason" in posted(line, "/rulebook", body | {"reason": ""})["error"]["detail"]
    became = posted(line, "/rulebook", body)
    assert (became["version"], became["waits_as"], len(became["because"])) == (2, None, 1)
    (told,) = door_of(allowing.app).store.audit.found(AuditQuery(event="rulebook.emergency"))
    assert (told.person, told.details["reason"]) == ("corp/ada", "the pager")
    overview = line.get("/overview").get_json()
    assert [(one["version"], one["reason"]) for one in overview["emergencies"]] == [(2, "the pager")]

    back = {"base_digest": stands(allowing)[1], "reason": "over", "emergency": True}
    assert line.post("/versions/1/return", back).get_json()["version"] == 3
    # The twin: without the word it waits.
    assert line.post("/versions/2/return", back | {"base_digest": stands(allowing)[1], "emergency": False}).get_json()[
        "waits_as"
    ]


def test_an_emergency_is_refused_to_authors_and_where_the_settings_do_not_allow_it(allowing, clock) -> None:
    writer = let_in(allowing, clock, "writers")
    rules = stands(allowing)[2].joined.replace("when: {group: admins}", "when: {group: staff}")
    body = {"rules": rules, "base_digest": stands(allowing)[1], "reason": "now", "emergency": True}
    for path in ("/rulebook", "/rulebook/check", "/rulebook/preview"):
        assert "only an administrator" in posted(writer, path, body)["error"]["detail"]
    assert posted(writer, "/rulebook", body | {"emergency": False})["waits_as"]
    assert posted(writer, "/rulebook", body | {"emergency": "yes"})["error"]["code"] == "bad_request"
    assert stands(allowing)[0] == 1


def test_an_emergency_is_refused_where_the_settings_do_not_allow_it(forbidding, clock) -> None:
    line = let_in(forbidding, clock, "identity-team")
    rules = stands(forbidding)[2].joined.replace("when: {group: admins}", "when: {group: staff}")
    body = {"rules": rules, "base_digest": stands(forbidding)[1], "reason": "now", "emergency": True}
    assert "rulebook.emergency" in posted(line, "/rulebook", body)["error"]["detail"]
    assert stands(forbidding)[0] == 1


def test_what_waits_and_what_would_return_are_previewed(forbidding, clock) -> None:
    line = let_in(forbidding, clock, "identity-team", "staff")
    rules = stands(forbidding)[2].joined.replace("when: {group: admins}", "when: {group: staff}")
    body = {"rules": rules, "base_digest": stands(forbidding)[1], "reason": "a ticket"}
    asked = posted(line, "/rulebook", body)["waits_as"]
    seen = line.get(f"/proposals/{asked}/preview").get_json()
    assert [(one["kind"], one["people"]) for one in seen["changes"]] == [("gains", ["corp/ada"])]
    assert line.get("/versions/1/return/preview").get_json()["changes"] == []
    assert line.get("/versions/7/return/preview").status_code == 404
    line.post(f"/proposals/{asked}/close", {"reason": "no"})
    assert line.get(f"/proposals/{asked}/preview").status_code == 400


def test_rules_are_narrowed_as_on_their_page(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    every = {one["rule"] for one in line.get("/rules").get_json()["items"]}
    readers = {one["rule"] for one in line.get("/rules", role="Reader").get_json()["items"]}
    assert readers < every
    assert line.get("/rules", show="unused").get_json()["items"]
    assert line.get("/rules", show="denying").get_json()["items"] == []
    assert line.get("/rules", show="odd").status_code == 400


def test_a_person_is_explained_by_given_groups_and_at_a_past_time(ada, clock) -> None:
    line = let_in(ada, clock, "auditors")
    given = line.get("/explanation", person="corp/ada", group="admins").get_json()
    assert [one["role"] for one in given["roles"]] == [f"{ACCOUNT}/Administrator"]
    assert "were given" in given["notes"][0]
    then = line.get("/explanation", person="corp/ada", at="2000-01-31T17:00:00Z").get_json()
    assert then["roles"] == []
    assert len(then["notes"]) == 2


def test_a_look_at_the_accounts_is_asked_for_where_the_settings_allow_it(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    assert "aws.check_accounts" in posted(line, "/aws/check", {})["error"]["detail"]
    assert line.get("/aws").get_json() == {"is_allowed": False, "asked_at": None, "asked_by": None, "last": None}
    assert line.get("/aws/files", format="xml").status_code == 400
    assert line.get("/aws/files", format="json", account="999999999999").status_code == 400
    found = line.get("/aws/files", format="terraform", account=ACCOUNT).get_json()
    assert all(ACCOUNT in one["text"] for one in found["files"] if one["name"].endswith(".tf"))


def test_what_gave_nothing_for_long_is_found_on_the_page_and_by_programs(ada, clock) -> None:
    young = let_in(ada, clock, "auditors").get("/findings").get_json()["items"]
    assert "unused" not in {one["kind"] for one in young}
    clock.advance(timedelta(days=91))
    line = let_in(ada, clock, "auditors", subject="dan")
    found = {(one["kind"], one["rule"]): one["sentence"] for one in line.get("/findings").get_json()["items"]}
    assert found["unused", "administrators"].endswith("it gave nothing in the last 90d")
    ada.sign_in(clock, "auditors")
    page = ada.get("/administration/findings?kind=unused").text
    assert "rule administrators: it gave nothing in the last 90d" in page
    assert "It has granted nothing for a long time" in page
    assert ada.get("/administration/findings?kind=denied").status_code == 200


def test_what_is_denied_to_everybody_is_found_on_the_page_and_by_programs(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team", "admins")
    denial = f"""
  - id: nobody
    connection: corp
    when: {{group: admins}}
    deny: {{role: "{ACCOUNT}/*"}}
"""
    rules = stands(ada)[2].joined.replace("rules:\n", f"rules:{denial}", 1)
    posted(line, "/rulebook", {"rules": rules, "base_digest": stands(ada)[1], "reason": "why"})
    found = [one["rule"] for one in line.get("/findings").get_json()["items"] if one["kind"] == "denied"]
    assert found == ["administrators"]
    ada.sign_in(clock, "auditors", "admins")
    page = ada.get("/administration/findings?kind=denied").text
    assert f"it grants {ACCOUNT}/Administrator, but nobody denies that to everybody to whom it applies" in page
