"""What many rules cost: counted in rules that are evaluated and conditions that are asked, never in time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mapping_factories import CONNECTIONS, NOW, identity, register, rule, rule_set, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import RuleSet, document, documents, load_rules
from federation_bridge.mapping.group_conditions import InGroup
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.verdicts import Facts, Verdict
from federation_bridge.rulebook import source

_ROLE = "111111111111/Administrator"
WHO = identity(groups=("team-0", "team-1"))
DENIAL = "- id: deny-{0}\n  connection: entra\n  when: {{group: banned-{0}}}\n  deny: {{role: '*/Administrator'}}\n"


class Counts:
    """How often rules are evaluated and groups asked for."""

    rules = conditions = 0


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counts]:
    found = Counts()
    evaluate, check = Rule.evaluate, InGroup.check

    def evaluated(self: Rule, facts: Facts) -> object:
        found.rules += 1
        return evaluate(self, facts)

    def asked(self: InGroup, facts: Facts) -> Verdict:
        found.conditions += 1
        return check(self, facts)

    monkeypatch.setattr(Rule, "evaluate", evaluated)
    monkeypatch.setattr(InGroup, "check", asked)
    yield found


def many(rules: int) -> RuleSet:
    """Five rules for each group, and a rule in ten that denies."""
    granting = (rule(f"{{group: team-{n // 5}}}", name=f"r-{n:05}") for n in range(rules))
    return rule_set(*granting, *(DENIAL.format(n) for n in range(rules // 10)))


@pytest.mark.parametrize("size", [20, 400])
def test_a_decision_evaluates_the_rules_of_the_persons_groups_alone(counts: Counts, size: int) -> None:
    rules = many(size)

    assert [one.rule for one in rules.entitlements(WHO, NOW)] == ["r-00000"]
    assert counts.rules == 10
    rules.may_have_a_role(WHO, NOW)
    rules.withheld(WHO, NOW, "111111111111/Administrator")
    assert counts.rules == 30


@pytest.mark.parametrize("size", [20, 400])
def test_an_explanation_evaluates_no_rule_that_is_bound_to_say_no(counts: Counts, size: int) -> None:
    outcomes = many(size).explain(WHO, NOW).outcomes

    assert counts.rules == 10
    # Ten rules are evaluated; each other group is asked for once, whatever number of rules names it.
    assert counts.conditions == 10 + (size // 5 - 2) + size // 10
    assert len(outcomes) == size + size // 10
    missed = {one.rule: one.reasons for one in outcomes if not one.granted}
    assert missed["r-00011"] == missed["r-00012"] == ("you are not in group 'team-2'",)
    assert missed["deny-1"] == ("you are not in group 'banned-1'",)


def test_one_group_with_and_without_its_label_is_told_as_each_rule_writes_it() -> None:
    head = "version: 1\ngroups: {one: g}\nrules:\n"
    body = rule("{group: {named: one}}", name="a") + rule("{group: g}", name="b")
    outcomes = load_rules(head + body, register(), CONNECTIONS).explain(WHO, NOW).outcomes

    assert [one.reasons for one in outcomes] == [
        ("you are not in group one ('g')",),
        ("you are not in group 'g'",),
    ]


def test_a_gap_in_the_groups_still_meets_every_denial(counts: Counts) -> None:
    rules = many(20)
    who = identity(groups=("team-0",), groups_left_out="a name with a line break")

    assert rules.entitlements(who, NOW) == rules.explain(who, NOW).entitlements == ()
    assert rules.entitlements(identity(groups=("team-0",)), NOW)


def test_no_cycles_are_looked_for_while_rules_are_read_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[bool] = []
    evaluate, check = Rule.evaluate, InGroup.check

    def evaluated(self: Rule, facts: Facts) -> object:
        states.append(gc.isenabled())
        return evaluate(self, facts)

    def asked(self: InGroup, facts: Facts) -> Verdict:
        states.append(gc.isenabled())
        return check(self, facts)

    def read(written: str, name: str = "", *, names_placed: bool = False) -> document.Node:
        states.append(gc.isenabled())
        return document.read_document(written, name, names_placed=names_placed)

    monkeypatch.setattr(Rule, "evaluate", evaluated)
    monkeypatch.setattr(InGroup, "check", asked)
    monkeypatch.setattr(documents, "read_document", read)
    assert gc.isenabled()

    many(20).explain(WHO, NOW)
    assert states
    assert not any(states)
    assert gc.isenabled()
    with pytest.raises(ConfigurationInvalid):
        rule_set(rule("{group: a}"), rule("{group: a}"))
    assert gc.isenabled()


def test_a_pause_leaves_a_collector_that_was_off_as_it_was() -> None:
    gc.disable()
    try:
        many(20)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_text_with_more_values_than_memory_is_meant_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text, accounts = rules_text(rule("{group: a}")), register()
    monkeypatch.setattr(document, "MAX_EVENTS", 27)
    assert load_rules(text, accounts, CONNECTIONS).rules
    monkeypatch.setattr(document, "MAX_EVENTS", 12)
    with pytest.raises(ConfigurationInvalid, match=r"^line 5: the file has more than 12 values \(column 5\)"):
        load_rules(text, accounts, CONNECTIONS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\n&x b: 2\n", "line 2: anchors and aliases (& and *) are not used here; write the value out (column 1)"),
        (
            "a: &x 1\n*x : 2\n",
            "line 1: anchors and aliases (& and *) are not used here; write the value out (column 4)",
        ),
        ("a: 1\n*x : 2\n", "line 2: anchors and aliases (& and *) are not used here; write the value out (column 1)"),
        ("a: 1\n!!str b: 2\n", "line 2: tags (tag:yaml.org,2002:str) are not used here (column 1)"),
        ("a: 1\n? {b: 2}\n: 3\n", "line 2: a key must be a word (column 3)"),
        ("a: 1\n  \n'a': 2\n", "line 3: 'a' stands here twice (column 1)"),
        ("{a: " * 24 + "1" + "}" * 24, "line 1: nested more than 24 deep (column 94)"),
        ("a: 1\n---\nb: 2\n", "line 3: the file holds a second document (column 1)"),
        ("# nothing\n", "line 1: the file is empty (column 1)"),
    ],
)
def test_keys_are_refused_as_exactly_as_values_are(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        document.read_document(text)

    assert refused.value.detail == reason


def test_places_of_values_are_exact() -> None:
    root = document.read_document("a:\n  - b: 'x'\n    c: [y, \"z\"]\n").value
    assert isinstance(root, dict)
    (entry,) = root["a"].value
    y, z = entry.value["c"].value

    assert [tuple(node.position)[:2] for node in (root["a"], entry, entry.value["b"], y, z)] == [
        (2, 3),
        (2, 5),
        (2, 8),
        (3, 9),
        (3, 12),
    ]
    assert [node.is_plain for node in (entry.value["b"], y, z)] == [False, True, False]


def test_a_file_of_50_megabytes_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(ConfigurationInvalid, match=r"rules\.yaml: has more than 40000000 bytes"):
        source.text_of(path)


def test_grants_that_are_written_alike_are_one_and_those_that_differ_are_not() -> None:
    """Ten thousand rules that give the same role hold it once."""
    one, same, longer, other = (
        rule(f"{{group: {name}}}", grant, name=name)
        for name, grant in (
            ("a", f"{{role: {_ROLE}, max_duration: 1h}}"),
            ("b", f"{{role: {_ROLE}, max_duration: 1h}}"),
            ("c", f"{{role: {_ROLE}, max_duration: 2h}}"),
            ("d", f"{{role: {_ROLE}}}"),
        )
    )
    rules = rule_set(one, same, longer, other).rules
    assert rules[0].grant is rules[1].grant
    assert [each.grant.max_duration for each in rules] == [timedelta(hours=n) for n in (1, 1, 2, 1)]


def test_a_mistake_is_told_at_each_rule_that_makes_it_and_a_template_is_bound_by_its_own_rule() -> None:
    bound = rule("{group_template: 'aws#{account}#{role}'}", "{role: '{account}/{role}'}", name="a")
    unbound = rule("{group: g}", "{role: '{account}/{role}'}", name="b")
    wrong = [rule("{group: g}", "{role: 111111111111/None}", name=name) for name in "cd"]
    with pytest.raises(ConfigurationInvalid) as refused:
        rule_set(bound, unbound, *wrong)
    told = str(refused.value.detail)
    assert told.count("is not bound") == 1
    assert told.count("no role 'None'") == 2
