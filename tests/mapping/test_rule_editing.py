"""One rule of a text is added, changed or taken out: everything else stays as it was typed."""

from __future__ import annotations

import copy
import difflib
from typing import Any

import pytest
import ruamel.yaml
from hypothesis import given
from hypothesis import strategies as st

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.rule_editing import rules_of, with_rule, without_rule

TEXT = """\
# The rules of Example Inc.
version: 1
groups: {platform: 6f1b}   # names
rules:
  # about a
  - id: a   # the id
    description: The platform team
    owner: 'Platform'

    # who
    connection: corp
    when:
      all:
        - group: x   # people of x
        - {group:   y}
    grant:
      roles:
        - "111111111111/Administrator"   # one
        - 222222222222/Reader
      max_duration: 2h # short

  # about b
  - {id: b, connection: corp, when: {group: "b"}, grant: {role: 111111111111/Reader}}  # tail
  -
    id: c
    connection: corp
    note: >-
      folded
      text
    when: {group: 0123}
    grant: {role: 1/R}

# who administers
administration:
  - {id: z}
"""
IN_BRACKETS = "version: 1\nrules: [{id: a, when: 0x1F}, # of a\n  {id: b}]\n"


def changed(text: str, name: str, **values: Any) -> tuple[list[str], list[str]]:
    """What an edit takes out of a text and puts into it; None takes a key out."""
    rule: Any = copy.deepcopy(rules_of(text)[name])
    for key, value in values.items():
        rule.pop(key, None) if value is None else rule.update({key: value})
    return difference(text, with_rule(text, rule, name))


def difference(old: str, new: str) -> tuple[list[str], list[str]]:
    lines = [line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.rstrip("\n"), IN_BRACKETS])
def test_an_edit_that_changes_nothing_gives_the_same_text(text) -> None:
    for name, rule in rules_of(text).items():
        assert with_rule(text, rule, name) == text


@pytest.mark.parametrize(
    ("name", "values", "out", "put"),
    [
        ("a", {"owner": "Somebody: else"}, ["    owner: 'Platform'"], ['    owner: "Somebody: else"']),
        ("a", {"owner": None}, ["    owner: 'Platform'"], []),
        ("a", {"note": "no"}, [], ['    note: "no"']),
        ("a", {"connection": "111"}, ["    connection: corp"], ['    connection: "111"']),
        ("a", {"when": {"group": "z"}}, TEXT.splitlines()[12:15], ["      group: z"]),
        ("c", {"owner": "O", "id": "d"}, ["    id: c"], ["    id: d", "    owner: O"]),
        ("c", {"note": "one line"}, ["    note: >-", "      folded", "      text"], ["    note: one line"]),
    ],
)
def test_a_change_touches_the_lines_of_its_keys_alone(name, values, out, put) -> None:
    assert changed(TEXT, name, **values) == (out, put)


def test_comments_within_a_changed_list_stay() -> None:
    grant: Any = copy.deepcopy(rules_of(TEXT)["a"]["grant"])
    grant["roles"].insert(1, "333333333333/New")
    assert changed(TEXT, "a", grant=grant) == ([], ["        - 333333333333/New"])
    del grant["roles"][0]
    assert changed(TEXT, "a", grant=grant)[0] == ['        - "111111111111/Administrator"   # one']
    grant["max_duration"] = "4h"
    assert "      max_duration: 4h # short" in changed(TEXT, "a", grant=grant)[1]


def test_a_rule_in_brackets_keeps_its_form_and_the_remark_behind_it() -> None:
    (line,) = changed(TEXT, "b", owner="O")[1]
    assert line.startswith('  - {id: b, connection: corp, when: {group: "b"}') and line.endswith("# tail")
    assert "owner: O}" in line


def test_a_new_rule_stands_behind_the_last_one() -> None:
    new: Any = {"id": "n", "connection": "corp", "when": {"group": "07"}, "grant": {"roles": ["1/A", "*/B"]}}
    out, put = difference(TEXT, with_rule(TEXT, new))
    assert (out, put[:3]) == ([], ["  - id: n", "    connection: corp", '    when: {group: "07"}'])
    text = with_rule(TEXT, new)
    assert text.index("- id: n") < text.index("# who administers")
    assert rules_of(text)["n"] == new
    flat = "version: 1\nrules:\n- id: a\n  when: x"
    assert with_rule(flat, {"id": "b"}) == f"{flat}\n- id: b\n"
    spaced = "version: 1\nrules:\n  - id: a\n\n  - id: b\n"
    assert with_rule(spaced, {"id": "c"}) == f"{spaced}\n  - id: c\n"
    assert rules_of(with_rule("version: 1\n", {"id": "first"})) == {"first": {"id": "first"}}


def test_a_rule_that_is_taken_out_takes_the_remark_above_it_along() -> None:
    assert without_rule(TEXT, "b") == TEXT.replace("  # about b\n", "").replace(TEXT.splitlines()[22] + "\n", "")
    assert "# about a" not in without_rule(TEXT, "a")
    assert "# who administers" in without_rule(TEXT, "c")
    with pytest.raises(ConfigurationInvalid, match="the only one"):
        without_rule("version: 1\nrules:\n  - id: a\n", "a")


def test_line_ends_stay_those_of_the_text() -> None:
    text = TEXT.replace("\n", "\r\n")
    for edited in (with_rule(text, {"id": "n", "when": {"group": "n"}}), with_rule(text, {"id": "c2"}, "c")):
        assert edited.count("\n") == edited.count("\r\n")


def test_a_list_in_brackets_is_edited_too() -> None:
    for edited in (with_rule(IN_BRACKETS, {"id": "c"}), with_rule(IN_BRACKETS, {"id": "a", "owner": "O"}, "a")):
        assert "# of a" in edited and "b" in rules_of(edited)
    assert "when: 0x1F" in with_rule(IN_BRACKETS, {"id": "c"})
    assert list(rules_of(without_rule(IN_BRACKETS, "b"))) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nrules: &a [*a]\n",
        "version: 1\nrules: [!!python/object:os.system {id: a}]\n",
        "version: 1\nversion: 1\nrules: [{id: a}]\n",
        "a: " + "[" * 60 + "]" * 60,
    ],
)
def test_what_the_strict_reader_refuses_is_never_read_by_the_other_one(text, monkeypatch) -> None:
    monkeypatch.setattr(ruamel.yaml.YAML, "load", lambda *_: pytest.fail("ruamel.yaml read it"))
    for edit in (
        lambda: with_rule(text, {"id": "n"}),
        lambda: with_rule(text, {"id": "n"}, "a"),
        lambda: rules_of(text),
    ):
        with pytest.raises(ConfigurationInvalid):
            edit()


def test_an_edit_that_would_touch_something_else_is_refused(monkeypatch) -> None:
    module = "federation_bridge.mapping.item_editing"
    monkeypatch.setattr(f"{module}.changed_piece", lambda piece, _: f"{piece}    note: slipped in\n")
    with pytest.raises(ConfigurationInvalid, match="change it as text"):
        with_rule(TEXT, rules_of(TEXT)["a"] | {"owner": "O"}, "a")
    with pytest.raises(ConfigurationInvalid, match="no rule 'x' stands"):
        with_rule(TEXT, {"id": "x"}, "x")


WORDS = st.text("aé中1:#{}[],'\"&*!|>%@`~-? .=\\", min_size=1, max_size=8)
VALUES = st.one_of(
    WORDS,
    st.lists(WORDS, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from("pqr"), st.one_of(WORDS, st.lists(WORDS, max_size=2)), min_size=1),
)
REMARKS = st.sampled_from(["", "  # a remark", "\n  # above\n", "\n\n"])


@st.composite
def documents(draw: Any) -> str:
    """A text of three rules, each in a style of its own, with remarks in between."""
    dashes = draw(st.sampled_from(["", "  "]))
    items = []
    for name in "abc":
        style = draw(st.sampled_from(["lines", "brackets", "below"]))
        if style == "brackets":
            items.append(f"{dashes}- {{id: {name}, when: {{group: '{name}' }},  owner: me}}  # tail")
        else:
            first = f"{dashes}- " if style == "lines" else f"{dashes}-\n{dashes}  "
            items.append(f"{first}id: {name}\n{dashes}  when:   {{group: {name}}} # who\n{dashes}  owner: me")
        items[-1] += "\n" + draw(REMARKS).strip(" ") + "\n"
    end = draw(st.sampled_from(["", "administration:\n  - {id: z}\n", "# the end\n"]))
    return f"# head\nversion: 1\nrules:\n{''.join(items)}{end}"


@given(
    documents(), st.sampled_from("abc"), st.dictionaries(st.sampled_from(["owner", "note", "when", "grant"]), VALUES)
)
def test_whatever_is_wished_is_what_the_text_says_and_other_rules_keep_their_lines(text, name, values) -> None:
    wished: Any = rules_of(text)[name] | values
    edited = with_rule(text, wished, name)
    assert rules_of(edited) == rules_of(text) | {name: wished}
    kept = iter(edited.splitlines())
    others = [
        line
        for line in text.splitlines()
        if not any(word in line for word in (f"id: {name}", f"group: {name}", "owner: me"))
    ]
    assert all(any(line == one for one in kept) for line in others if line.strip())
    # And back: the text says again what it said.
    assert rules_of(with_rule(edited, rules_of(text)[name], name)) == rules_of(text)
