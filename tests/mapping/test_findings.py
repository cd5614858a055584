"""What is odd about rules: each finding beside its twin that is in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mapping_factories import NOW, identity, rule, rule_set

from federation_bridge.mapping.findings import FindingKind, RuleUses, findings

PEOPLE = (identity(("admins", "Readers")), identity(("staff",)))
_SHORT = '{role: "111111111111/Administrator", max_duration: 30m}'


def found(*rules: str, people: tuple = PEOPLE) -> list[tuple[str, FindingKind]]:  # type: ignore[type-arg]
    return [(one.rule, one.kind) for one in findings(rule_set(*rules), people, NOW)]


def dated(end: str, group: str = "admins") -> str:
    return rule(f"{{all: [{{group: {group}}}, {{dates: {{not_after: {end}}}}}]}}")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule("{group: admins}")], []),
        ([dated("2026-03-20")], [("r", FindingKind.ENDS_SOON)]),
        ([dated("2026-06-20")], []),
        ([dated("2026-03-01")], [("r", FindingKind.ENDED), ("r", FindingKind.GIVES_NOTHING)]),
        ([rule("{group: nobodys}")], [("r", FindingKind.GIVES_NOTHING), ("r", FindingKind.UNKNOWN_GROUP)]),
        ([rule("{group: readers}")], [("r", FindingKind.GIVES_NOTHING), ("r", FindingKind.NEARLY_A_GROUP)]),
        ([rule("{group: Readers}")], []),
        ([rule("{all: [{group: admins}, {source_network: [192.0.2.0/24]}]}")], []),
        ([rule("{any: [{group: staff}, {group: nobodys}]}")], [("r", FindingKind.UNKNOWN_GROUP)]),
        ([rule("{group: admins}", _SHORT, "a"), rule("{group: Readers}", name="b")], [("b", FindingKind.SHADOWED)]),
        (
            [rule("{group: admins}", '{role: "111111111111/ReadOnly", max_duration: 5h}')],
            [("r", FindingKind.ABOVE_MAXIMUM)],
        ),
        ([rule("{group: admins}", '{role: "111111111111/ReadOnly", max_duration: 4h}')], []),
    ],
)
def test_what_is_odd_is_found_and_nothing_else(rules: list[str], expected: list[tuple[str, FindingKind]]) -> None:
    assert found(*rules) == expected


def test_without_people_nothing_is_said_about_who_has_what() -> None:
    assert found(rule("{group: nobodys}"), people=()) == []


def test_a_finding_names_the_line_of_its_rule() -> None:
    (one,) = findings(rule_set(rule("{group: admins}", name="a"), dated("2026-03-20")), (), NOW)
    assert one.line == 7
    assert one.sentence == "rule r: it ends at 2026-03-21 00:00 UTC"


def denial(group: str) -> str:
    written = rule(f"{{group: {group}}}", '{role: "*/*"}', name="z")
    return written.replace("grant:", "deny:")


def denying(role: str, group: str, name: str = "z") -> str:
    return rule(f"{{group: {group}}}", f'{{role: "{role}"}}', name=name).replace("grant:", "deny:")


_BOTH = '{roles: ["111111111111/Administrator", "111111111111/ReadOnly"]}'
_ADMINISTRATOR, _READER = "111111111111/Administrator", "111111111111/ReadOnly"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule("{group: admins}"), denial("admins")], [("r", FindingKind.DENIED)]),
        ([rule("{group: admins}"), denial("staff")], []),
        ([rule("{group: admins}"), denial("Readers")], [("r", FindingKind.DENIED)]),
        # One of two roles, and the rule stands for the other one.
        ([rule("{group: admins}", _BOTH), denying(_ADMINISTRATOR, "admins")], [("r", FindingKind.DENIED)]),
        # Somebody else has it: whoever is looked at first.
        (
            [rule("{any: [{group: admins}, {group: staff}]}", _BOTH), denying(_ADMINISTRATOR, "admins")],
            [],
        ),
        (
            [rule("{any: [{group: admins}, {group: staff}]}", _BOTH), denying(_ADMINISTRATOR, "staff")],
            [],
        ),
        # What is not denied is had on narrower terms: both are told, each with its own rules.
        (
            [
                rule("{group: admins}", _BOTH),
                rule("{group: Readers}", f'{{role: "{_READER}", max_duration: 30m}}', "narrow"),
                denying(_ADMINISTRATOR, "admins"),
            ],
            [("r", FindingKind.DENIED), ("r", FindingKind.SHADOWED)],
        ),
    ],
)
@pytest.mark.parametrize("people", [PEOPLE, PEOPLE[::-1]], ids=["in order", "the other way round"])
def test_what_is_denied_is_told_apart_from_what_is_shadowed(rules: list[str], expected: list, people: tuple) -> None:  # type: ignore[type-arg]
    assert found(*rules, people=people) == expected


def test_each_finding_names_the_rules_that_are_in_the_way() -> None:
    told = {
        one.kind: one.sentence for one in findings(rule_set(rule("{group: admins}"), denial("admins")), PEOPLE, NOW)
    }
    assert told[FindingKind.DENIED] == (
        "rule r: it grants 111111111111/Administrator, but z denies that to everybody to whom it applies"
    )
    narrow = rule_set(rule("{group: admins}", _SHORT, "a"), rule("{group: Readers}", name="b"))
    (one,) = findings(narrow, PEOPLE, NOW)
    assert one.sentence == "rule b: everybody to whom it applies has each of its roles on narrower terms, by a"
    (one, _) = findings(rule_set(denial("nobodys")), PEOPLE, NOW)
    assert one.sentence == "rule z: it denies nothing to anybody who was seen"


_SPAN = timedelta(days=90)


def uses(*used: str, known: int = 100, there: tuple[str, ...] = ("r",), untold: int = 0) -> RuleUses:
    """`known`: since how many days."""
    return RuleUses(_SPAN, used, NOW - timedelta(days=known), there, untold)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (uses(), "it gave nothing in the last 90d"),
        (
            uses(known=10),
            "it gave nothing since 2026-02-28 12:00 UTC; what it gave before, in the last 90d, is not known",
        ),
        (
            uses(untold=3),
            ("it gave nothing in the last 90d; 3 grants to people who were erased belong to no rule that is known"),
        ),
        (uses("r"), ""),
        (uses("other"), "it gave nothing in the last 90d"),
        # It is younger than that: nobody can say so of it.
        (uses(there=()), ""),
    ],
)
def test_what_gave_nothing_for_long_is_told_as_far_as_it_is_known(known: RuleUses, words: str) -> None:
    told = findings(rule_set(rule("{group: admins}")), PEOPLE, NOW, known)
    assert [(one.kind, one.sentence) for one in told] == ([(FindingKind.UNUSED, f"rule r: {words}")] if words else [])


def test_a_rule_that_denies_or_has_ended_is_not_called_unused() -> None:
    kinds = {one.kind for one in findings(rule_set(dated("2026-03-01")), (), NOW, uses())}
    assert kinds == {FindingKind.ENDED}
    assert not findings(rule_set(denial("admins")), PEOPLE[:1], NOW, uses(there=("z",)))
