"""What an author may write between the rules: remarks about their own, and nothing beside those of others."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, REGISTER_TEXT

from federation_bridge.mapping import Written, foreign_text, load_register, load_rules

OWN = frozenset({"222222222222"})
TEXT = """# all rules of the company
version: 1
# who is called what
groups: {platform: g-1}
rules:
  # agreed by the board
  - id: payroll
    # only these
    connection: entra
    when: {group: pay}   # not temps
    grant: {role: "111111111111/Administrator"}
      # until the audit

  # ---- analytics from here on

  # ours
  - id: first
    connection: entra
    when: {group: a}
    grant: {role: "222222222222/Developer"}
  # ours too
  - id: second
    connection: entra
    when: {group: b}
    grant: {role: "222222222222/Developer"}

  # the end of it
  - id: billing
    connection: entra
    when: {group: c}
    grant: {role: "111111111111/ReadOnly"}
# see ticket 7
administration: [{id: a, as: administrator, connection: entra, when: {group: z}}]
"""
MINE = """  # mine
  - id: third
    connection: entra
    when: {group: d}
    grant: {role: "222222222222/Developer"}
"""


def written(*documents: tuple[str, str], register: str = REGISTER_TEXT) -> Written:
    return Written(load_rules(documents, load_register(register), CONNECTIONS), documents, register)


def told(after: str, before: str = TEXT) -> tuple[str, ...]:
    return foreign_text(written(("", before)), written(("", after)), OWN)


HONEST = {
    "nothing": TEXT,
    "a remark above one's own": TEXT.replace("# ours\n", "# ours, since March\n"),
    "a remark above one's own goes": TEXT.replace("  # ours\n", ""),
    "a remark between one's own": TEXT.replace("  # ours too", "\n  # both are reviewed in June\n\n  # ours too"),
    "a remark behind a line of one's own": TEXT.replace("{group: a}", "{group: a} # trainees"),
    "a remark within one's own": TEXT.replace("when: {group: b}", "# more\n    when: {group: b}"),
    "a rule behind one's own": TEXT.replace("\n  # the end", f"{MINE}\n  # the end"),
    "a rule before one's own": TEXT.replace("  # ours\n", f"{MINE}  # ours\n"),
    "a rule between two of others": TEXT.replace("  # the end", f"{MINE}\n  # the end"),
    "a rule at the end of the list": TEXT.replace("# see ticket", f"{MINE}\n# see ticket"),
    "one's own goes with its remark": TEXT.replace("  # ours too\n", "").replace(
        TEXT.partition("# ours too\n")[2].partition("\n\n")[0], ""
    ),
    "empty lines": TEXT.replace("\n\n", "\n\n\n"),
    "line ends": TEXT.replace("\n", "   \n"),
}


@pytest.mark.parametrize("after", HONEST.values(), ids=list(HONEST))
def test_an_author_writes_remarks_about_their_own_rules(after: str) -> None:
    assert told(after) == ()


FOREIGN = {
    "above": TEXT.replace("by the board", "by nobody"),
    "above it goes": TEXT.replace("  # agreed by the board\n", ""),
    "one more above": TEXT.replace("  # agreed", "  # for everybody\n  # agreed"),
    "above, where none stood": TEXT.replace("  # the end of it\n", "  # unused, may go\n"),
    "within": TEXT.replace("    # only these\n", ""),
    "behind a line": TEXT.replace("# not temps", "# temps too"),
    "behind a line, where none stood": TEXT.replace("{group: c}", "{group: c} # unused"),
    "deeper, at its end": TEXT.replace("      # until the audit\n", ""),
    "one's own rule comes between": TEXT.replace("board\n", f"board\n{MINE}"),
    "one's own remark is left to another's rule": TEXT.replace("  # the end", f"{MINE}  # the end").replace(
        MINE.partition("\n")[2], ""
    ),
    "other quotes": TEXT.replace('"111111111111/ReadOnly"', "'111111111111/ReadOnly'"),
    "in another order": TEXT.replace("payroll", "x").replace("billing", "payroll").replace("x", "billing"),
    "at the head": TEXT.replace("of the company", "of nobody"),
    "at a section": TEXT.replace("# who is called what\n", ""),
    "one more at a section": TEXT.replace("# see ticket", "# all of them left\n# see ticket"),
    "behind a section's line": TEXT.replace("{group: z}}]", "{group: z}}] # left"),
    "it moves to another section": TEXT.replace("# who is called what\n", "").replace(
        "# see ticket", "# who is called what\n# see ticket"
    ),
    "at the end": f"{TEXT}# nothing of it holds\n",
    "in a line between": TEXT.replace("analytics from here on", "all agreed"),
    "a name for a group": TEXT.replace("{platform: g-1}", "{platform: g-1, administrators: g-3}"),
    "a name for a group in other quotes": TEXT.replace("{platform: g-1}", "{platform: 'g-1'}"),
    "detached between": TEXT.replace("  # the end", "  # agreed\n\n  # the end"),
}


@pytest.mark.parametrize("after", FOREIGN.values(), ids=list(FOREIGN))
def test_a_remark_at_a_rule_of_others_is_no_authors(after: str) -> None:
    assert after != TEXT
    assert told(after)


def test_the_refusal_names_the_rule_or_the_remark() -> None:
    assert told(FOREIGN["within"]) == ("rule payroll is not yours: you may change neither its text nor its comments",)
    assert "'# all rules of the company'" in told(FOREIGN["at the head"])[0]
    assert told(FOREIGN["a name for a group"])[0].startswith(
        "line 4: only administrators change what the text holds besides"
    )


def test_rules_that_no_line_tells_apart_keep_every_remark() -> None:
    rules = '{id: a, connection: entra, when: {group: a}, grant: {role: "222222222222/Developer"}}'
    flow = f"version: 1 # one\nrules: [{rules}]\n"
    assert told(flow.replace("one", "two"), flow)
    assert told(flow.replace("group: a", "group: b"), flow) == ()


def test_the_register_is_no_authors_to_the_last_remark() -> None:
    before = written(("", TEXT))
    assert foreign_text(before, written(("", TEXT), register=f"{REGISTER_TEXT}# agreed\n"), OWN)
    assert foreign_text(before, written(("", TEXT), register=f"{REGISTER_TEXT}\n"), OWN) == ()


ALONE = f"# of analytics\nversion: 1\nrules:\n{MINE}"
FILES = (("10-all.yaml", TEXT), ("20-analytics.yaml", ALONE))


@pytest.mark.parametrize(
    ("after", "is_own"),
    [
        (FILES, True),
        ((FILES[0], ("20-analytics.yaml", ALONE.replace("of analytics", "ours alone"))), True),
        ((FILES[0], ("30-other.yaml", ALONE)), True),
        (FILES[:1], True),
        (FILES[::-1], True),
        ((*FILES, ("30.yaml", ALONE.replace("third", "fourth"))), True),
        ((*FILES, ("30.yaml", "version: 1\ngroups: {mine: g-3}\n")), False),
        ((("10.yaml", TEXT), FILES[1]), False),
        ((*FILES, ("30.yaml", "version: 1\n# agreed\ngroups: {mine: g-3}\n")), False),
        (
            (
                (FILES[0][0], TEXT.partition("administration:")[0]),
                FILES[1],
                ("30.yaml", f"version: 1\n# all of them left\nadministration:{TEXT.partition('administration:')[2]}"),
            ),
            False,
        ),
    ],
)
def test_a_file_is_an_authors_where_nothing_of_others_stands_in_it(
    after: tuple[tuple[str, str], ...], is_own: bool
) -> None:
    assert (foreign_text(written(*FILES), written(*after), OWN) == ()) is is_own
