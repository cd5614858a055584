"""What is odd about rules: each finding beside its twin that is in order."""

from __future__ import annotations

import pytest
from mapping_factories import NOW, identity, rule, rule_set

from federation_bridge.mapping.findings import FindingKind, findings

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


def test_a_rule_whose_people_are_all_denied_is_shadowed_by_the_denial() -> None:
    assert found(rule("{group: admins}"), denial("admins")) == [("r", FindingKind.SHADOWED)]
    assert found(rule("{group: admins}"), denial("staff")) == []
    assert found(rule("{group: admins}"), denial("Readers")) == [("r", FindingKind.SHADOWED)]
    (one, _) = findings(rule_set(denial("nobodys")), PEOPLE, NOW)
    assert one.sentence == "rule z: it denies nothing to anybody who was seen"
