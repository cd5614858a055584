"""A rule set: templates, the index, several rules for one role, explanations, and what holds for any rules at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_factories import CONNECTIONS, NOW, REGISTER_TEXT, identity, keys, register, rule, rule_set, rules_text, why

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import Rule, load_register, load_rules

BOTH = "{role: '{account}/{role}'}"


@pytest.mark.parametrize(
    ("template", "grant", "group", "expected"),
    [
        ("aws#{account}#{role}", BOTH, "aws#111111111111#ReadOnly", "111111111111/ReadOnly"),
        ("{account}-{role}", BOTH, "111111111111-ReadOnly", "111111111111/ReadOnly"),
        ("{role}{account}", BOTH, "ReadOnly111111111111", "111111111111/ReadOnly"),
        ("{role}@{account}.aws", BOTH, "ReadOnly@111111111111.aws", "111111111111/ReadOnly"),
        ("prod-{role}", "{role: '111111111111/{role}'}", "prod-ReadOnly", "111111111111/ReadOnly"),
        ("read-{account}", "{role: '{account}/ReadOnly'}", "read-333333333333", "333333333333/ReadOnly"),
    ],
)
def test_a_template_binds_account_and_role_from_the_whole_group_name(template, grant, group, expected) -> None:
    rules = rule_set(rule(f'{{group_template: "{template}"}}', grant))

    assert keys(rules, identity(groups=(group,))) == (expected,)
    assert why(rules, identity(groups=(group,))) == f"you are in group '{group}'"


@pytest.mark.parametrize("group", ["aws#11111111111x#ReadOnly", "aws#111111111111#Read/Only", "aws#111111111111#"])
def test_a_name_whose_parts_are_no_account_id_or_role_name_does_not_have_the_form_at_all(group) -> None:
    rules = rule_set(rule('{group_template: "aws#{account}#{role}"}', BOTH))

    assert why(rules, identity(groups=(group,))) == "none of your groups has the form 'aws#{account}#{role}'"


def test_conditions_beside_a_template_narrow_every_role_that_it_binds() -> None:
    rules = rule_set(rule('{all: [{group_template: "a#{account}"}, {group_template: "r#{role}"}, {group: x}]}', BOTH))
    groups = ("a#111111111111", "a#222222222222", "r#Administrator", "r#Developer")

    assert keys(rules, identity(groups=groups)) == ()
    assert keys(rules, identity(groups=(*groups, "x"))) == (
        "111111111111/Administrator",
        "222222222222/Administrator",
        "222222222222/Developer",
    )


def test_a_placeholder_that_only_one_branch_binds_is_not_bound() -> None:
    with pytest.raises(ConfigurationInvalid, match="not bound"):
        rule_set(rule('{any: [{group_template: "a#{account}#{role}"}, {group: x}]}', BOTH))


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("max_duration: 12h, policy_arns: ['arn:aws:iam::aws:policy/x']", "max_duration: 15m"),
        ("max_duration: 1h", "max_duration: 2h"),
        ("max_duration: 1h", "max_duration: 1h, tags: {a: b}"),
        ("agents: none", "agents: full"),
        ("agents: none, tags: {a: b}", "max_duration: 1h"),
        ("agents: read-only", "agents: full"),
        ("max_duration: 15m, agents: full", "max_duration: 1h, agents: none"),
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_several_rules_for_one_role_the_narrowest_stands_and_terms_are_not_mixed(narrow, wide, is_reversed) -> None:
    written = [
        rule("{group: g}", f"{{role: '111111111111/Administrator', {terms}}}", name=name)
        for name, terms in (("z-narrow", narrow), ("a-wide", wide))
    ]
    rules = rule_set(*(reversed(written) if is_reversed else written))
    who = identity(groups=("g",))

    (entitlement,) = rules.entitlements(who, NOW)

    assert entitlement.rule == "z-narrow"
    assert "tags" in narrow or not entitlement.tags
    assert "111111111111/Administrator is granted on the narrower terms of rule z-narrow" in why(rules, who, "a-wide")
    assert [outcome.granted for outcome in rules.explain(who, NOW).outcomes] == [(), ("111111111111/Administrator",)]


def test_between_equally_narrow_rules_the_id_decides() -> None:
    rules = rule_set(rule("{group: g}", name="b"), rule("{group: g}", name="a"))

    assert rules.entitlements(identity(groups=("g",)), NOW)[0].rule == "a"


def test_a_narrow_rule_that_cannot_be_filled_does_not_take_the_role_from_a_wide_one() -> None:
    short = "{role: '111111111111/Administrator', max_duration: 15m, tags: {a: '{attribute.x}'}}"
    rules = rule_set(rule("{group: g}", short, name="narrow"), rule("{group: g}", name="wide"))

    assert rules.entitlements(identity(groups=("g",)), NOW)[0].rule == "wide"


def test_a_rule_speaks_for_its_own_connection_only() -> None:
    rules = rule_set(rule("{group: g}"), rule("{group: g}", name="theirs", connection="okta"))
    explanation = rules.explain(identity(groups=("g",)), NOW)

    assert [outcome.rule for outcome in explanation.outcomes] == ["r"]
    assert keys(rules, identity(connection="okta", groups=("g",))) == ("111111111111/Administrator",)
    assert keys(rules, identity(connection="unheard-of", groups=("g",))) == ()
    assert rules.explain(identity(connection="unheard-of"), NOW).outcomes == ()


def test_reachable_names_every_role_that_a_rule_could_ever_grant() -> None:
    rules = rule_set(
        rule('{group_template: "a#{account}"}', "{role: '{account}/Administrator'}", name="template"),
        rule("{group: g}", name="literal"),
    )

    assert rules.reachable() == {
        "literal": ("111111111111/Administrator",),
        "template": ("111111111111/Administrator", "222222222222/Administrator"),
    }


@pytest.mark.parametrize(
    ("when", "caution"),
    [
        ("{not: {group: guests}}", "everybody at entra may meet it"),
        ('{group_template: "aws#{role}"}', "whoever may create or rename groups at entra can reach 2 role(s)"),
        ("{group: \u0430dmins}", "letters beyond ASCII"),
    ],
)
def test_what_is_allowed_but_risky_is_told_of(when, caution) -> None:
    role = "{role}" if "{role}" in when else "Administrator"

    (sentence,) = rule_set(rule(when, f"{{role: '111111111111/{role}'}}")).cautions()

    assert caution in sentence
    assert rule_set(rule("{group: admins}")).cautions() == ()


def test_the_version_follows_every_change_of_rules_or_register() -> None:
    text, other = rules_text(rule("{group: a}")), rules_text(rule("{group: b}"))
    bigger = load_register(REGISTER_TEXT.replace("Developer]", "Developer, Auditor]"))

    versions = {
        load_rules(text, register(), CONNECTIONS).version,
        load_rules(other, register(), CONNECTIONS).version,
        load_rules(text, bigger, CONNECTIONS).version,
    }

    assert len(versions) == 3
    assert load_rules(text, register(), CONNECTIONS).version in versions


# ------------------------------------------------------------------------------------------------------------ index


def test_a_decision_looks_at_the_rules_of_the_persons_facts_however_many_rules_there_are(monkeypatch) -> None:
    rules = rule_set(
        *(rule(f"{{all: [{{authentication_method: mfa}}, {{group: g{n}}}]}}", name=f"r{n}") for n in range(2000))
    )
    looked_at: list[str] = []
    evaluate = Rule.evaluate

    def noted(self, facts):
        looked_at.append(self.id)
        return evaluate(self, facts)

    monkeypatch.setattr(Rule, "evaluate", noted)

    found = keys(rules, identity(groups=("g7", "g1999", "h"), authn_methods=("mfa",)))

    assert found == ("111111111111/Administrator",)
    assert sorted(looked_at) == ["r1999", "r7"]


def test_templates_are_found_by_how_they_begin() -> None:
    rules = rule_set(
        *(
            rule(f'{{group_template: "t{n:03}#{{role}}"}}', "{role: '111111111111/{role}'}", name=f"r{n}")
            for n in range(500)
        )
    )

    assert [found.id for found in rules.candidates(identity(groups=("t042#ReadOnly", "t04")))] == ["r42"]


# --------------------------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rules: []", "line 1: the rules needs `version`"),
        ("version: 1\nrules: []", "line 2: `rules` must not be empty"),
        ("version: 2\nrules: []", "line 1: the rules must say `version: 1`"),
        ("version: 1\nrulez: []", "line 2: unknown key 'rulez' in the rules; did you mean 'rules'?"),
        (rules_text(rule("{group: a}"), rule("{group: b}")), "line 7: rule 'r' stands here twice, first in line 3"),
        (
            rules_text(rule("{group: a}", connection="oktaa")),
            "line 4: there is no connection 'oktaa'; did you mean 'okta'?",
        ),
        (rules_text(rule("{group: a}", name="'a/b'")), "line 3: 'a/b' is not a rule's id"),
        (rules_text(rule("{group: a}").replace("  when: {group: a}\n", "")), "line 3: a rule needs `when`"),
        (rules_text(rule("{group: a}").replace("connection", "conection")), "did you mean 'connection'?"),
        (rules_text(rule("{group: a, group: b}")), "line 5: 'group' stands here twice"),
        (rules_text(rule("&a {group: a}")), "line 5: anchors"),
        (rules_text(rule("!!set {group: a}")), "line 5: tags"),
        (rules_text(rule("{? [a] : b}")), "line 5: a key must be a word"),
        ("[" * 5000, "line 1: nested more than"),
        ("a: &a [*a]", "line 1: anchors"),
        ("x" * 32_000_001, "line 1: the file has more than"),
    ],
)
def test_a_mistaken_file_is_refused_with_its_line_and_reason(text, reason) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        load_rules(text, register(), CONNECTIONS)

    assert reason in refused.value.detail


@given(st.text())
def test_no_text_whatever_makes_anything_but_rules_or_a_refusal(text) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^line \d+: "):
        load_rules(text, register(), CONNECTIONS)
