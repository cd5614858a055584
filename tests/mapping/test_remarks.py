"""Description and owner are read by whom the rule gives or takes something; the note by readers of the rules alone."""

from __future__ import annotations

import pytest
from mapping_factories import NOW, identity, rule, rule_set

from federation_bridge.errors import ConfigurationInvalid

REMARKS = "  description: What it is for.\n  owner: Platform team\n  note: Between us.\n"
DENY = "- id: z\n  connection: entra\n  when: {group: leavers}\n  deny: {role: '*/*'}\n" + REMARKS


@pytest.mark.parametrize(("groups", "is_told"), [(("admins",), True), (("others",), False)])
def test_whoever_has_a_role_by_a_rule_reads_what_it_is_for_and_nobody_else(
    groups: tuple[str, ...], is_told: bool
) -> None:
    rules = rule_set(rule("{group: admins}") + REMARKS)
    (outcome,) = rules.explain(identity(groups), NOW).outcomes
    assert (outcome.description, outcome.owner) == (("What it is for.", "Platform team") if is_told else ("", ""))
    assert "Between us." not in repr(rules.explain(identity(groups), NOW))
    assert rules.rules[0].note == "Between us."


@pytest.mark.parametrize(("groups", "is_told"), [(("leavers",), True), ((), False)])
def test_whoever_is_denied_a_role_reads_whom_to_ask(groups: tuple[str, ...], is_told: bool) -> None:
    outcomes = rule_set(rule("{person: s-1}"), DENY).explain(identity(groups), NOW).outcomes
    assert [one.owner for one in outcomes] == ["", "Platform team" if is_told else ""]


@pytest.mark.parametrize("remark", ["owner: ''", "note: [a]", "onwer: a", "note: 'a\u200bb'"])
def test_a_remark_that_cannot_be_read_is_refused_with_its_line(remark: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^line 7: "):
        rule_set(rule("{person: s-1}") + f"  {remark}\n")
