# ruff: noqa: F811 - fixtures are named where they are asked for
"""What a program may not change, and how each refusal is told: authors, broken texts, bad bodies, rules in files."""

from __future__ import annotations

import json

import pytest
from administration_api_factories import APPOINTED, let_in, stands
from administration_changes_factories import CHANGING, ada, fits, rows, rules_of, wish  # noqa: F401 - a fixture
from web_factories import ACCOUNT, Person, door_of, made_app

FILLED = {"number": "1", "asked": "0" * 16}


def test_an_author_changes_rules_of_their_accounts_and_nothing_else(ada, clock) -> None:
    line = let_in(ada, clock, "writers")
    assert line.post("/rulebook", wish(ada)).status_code == 200
    more = wish(ada, rules=rules_of(ada).replace("as: auditor", "as: administrator"))
    assert "authors do not change who administers" in line.post("/rulebook", more).get_json()["error"]["detail"]
    register = wish(ada, accounts=stands(ada)[2].accounts.replace("Production", "Another"))
    for path in ("/rulebook/check", "/rulebook/preview"):
        assert fits(line.post(path, register), path)["error"]["code"] == "bad_request"
    assert "authors do not change the register" in line.post("/rulebook", register).get_json()["error"]["detail"]
    assert stands(ada)[0] == 2


def test_an_author_writes_no_remark_at_a_rule_of_somebody_elses(ada, clock) -> None:
    admin, line = let_in(ada, clock, "identity-team", subject="bob"), let_in(ada, clock, "writers")
    register = stands(ada)[2].accounts
    other = register.partition("accounts:")[2].replace(ACCOUNT, "444455556666").replace("Production", "Other")
    foreign = """  # agreed by the board
  - id: foreign
    connection: corp
    when: {group: z}
    grant: {role: "444455556666/Reader"}
"""
    rules = rules_of(ada).replace("rules:\n", f"rules:\n{foreign}  # ours\n", 1)
    both = wish(ada, rules=rules, accounts=register + other.lstrip("\n"))
    assert admin.post("/rulebook", both).get_json()["version"] == 2

    for path in ("/rulebook", "/rulebook/check", "/rulebook/preview"):
        answer = line.post(path, wish(ada, rules=rules_of(ada).replace("by the board", "by nobody")))
        assert "rule foreign is not yours" in fits(answer, path)["error"]["detail"]
    assert line.post("/versions/1/return", {"base_digest": stands(ada)[1], "reason": "back"}).status_code == 400
    assert "by the board" in rules_of(ada)
    # The twin: a remark at a rule of their own.
    own = wish(ada, rules=rules_of(ada).replace("# ours", "# ours, since March"))
    assert line.post("/rulebook", own).get_json()["version"] == 3


def test_nobody_locks_themselves_out(ada, clock) -> None:
    line = let_in(ada, clock, "identity-team")
    answer = line.post("/rulebook", wish(ada, rules=rules_of(ada).replace("identity-team", "others")))
    assert "you would be administrator no more" in fits(answer, "/rulebook")["error"]["detail"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nrules:\n  - {id: a, wen: b}\n", "line 3"),
        ("version: 1\nrules: &a [*a]\n", "anchors and aliases"),
        ("a: &a [x,x]\nb: &b [*a,*a]\n", "line"),
        ("rules: [" * 3000, ""),
        ("version: 1\nversion: 1\nrules: []\n", "line 2"),
        ("\x00", ""),
        ("\x1b[31m", ""),
        ("", ""),
    ],
)
def test_a_text_that_does_not_parse_is_told_with_every_place_and_never_in_force(ada, clock, text, told) -> None:
    line = let_in(ada, clock, "identity-team")
    checked = fits(line.post("/rulebook/check", wish(ada) | {"rules": text}), "/rulebook/check")
    assert checked["problems"]
    assert told in " ".join(checked["problems"])
    for path in ("/rulebook", "/rulebook/preview"):
        error = fits(line.post(path, wish(ada, rules=text)), path)["error"]
        assert (error["code"], error["problems"]) == ("rulebook_invalid", checked["problems"])
    assert stands(ada)[0] == 1


BODIES = [
    b"",
    b"[]",
    b"{",
    b'"x"',
    b"\xff",
    b"[" * 60_000,
    b'{"nix": 1}',
    b'{"reason": 7}',
    b'{"rules": null, "reason": "a"}',
    b'{"rules": "\\ud800", "reason": "a", "base_digest": ""}',
    b'{"reason": "a\\u0000b"}',
    b'{"reason": "a\\nb"}',
    b'{"base_digest": "' + b"a" * 65 + b'"}',
    b'{"reason": "' + b"a" * 1_001 + b'"}',
    b'{"digest": ["a"]}',
    b'{"people": {}}',
]


@pytest.mark.parametrize("path", CHANGING)
def test_a_bad_body_is_refused_and_changes_nothing(ada, clock, path) -> None:
    line, before = let_in(ada, clock, "identity-team"), rows(ada)
    for body in BODIES:
        answer = line.post(path.format(**FILLED), data=body)
        assert answer.status_code in (400, 404), (body[:60], answer.status_code)
        assert fits(answer, path)["error"]["detail"]
    assert line.post(path.format(**FILLED), content_type="text/plain").status_code == 400
    assert line.post(path.format(**FILLED) + "?x=y", {"reason": "a"}).status_code in (400, 401)
    assert rows(ada) == before


@pytest.mark.parametrize(("path", "most"), [("/rulebook", 1_000_000), ("/proposals/0/close", 65_536)])
def test_a_body_is_read_no_further_than_its_path_deserves(ada, clock, path, most) -> None:
    line = let_in(ada, clock, "identity-team")
    body = json.dumps({"rules": "#" * (most - 200), "base_digest": "0" * 64, "reason": "a"}).encode()
    assert line.post(path, data=body).status_code in (400, 409)
    assert line.post(path, data=body + b" " * 300).status_code == 413


def test_rules_in_files_are_read_and_not_changed(tmp_path, clock) -> None:
    app = made_app(tmp_path, clock)
    rules = tmp_path / "rules.yaml"
    rules.write_text(rules.read_text() + APPOINTED)
    person = Person(app, app.test_client())
    person.get("/")
    line = let_in(person, clock, "identity-team")
    assert line.get("/rulebook").get_json()["is_writable"] is False
    assert fits(line.post("/rulebook/check", wish(person)), "/rulebook/check")["problems"] == []
    answer = line.post("/rulebook", wish(person))
    assert "lies in files" in fits(answer, "/rulebook")["error"]["detail"]
    door_of(app).store.close()
