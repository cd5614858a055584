# ruff: noqa: F811 - fixtures are named where they are asked for
"""Where a marked change does without a second person, and what no second person can be made of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mapping_factories import REGISTER_TEXT, rule, rules_text
from second_person_fixtures import MORE, bob, changed, rules, texts, yes  # noqa: F401 - a fixture

from federation_bridge.administration import approvals
from federation_bridge.administration import rules as verbs
from federation_bridge.administration.rules import Change
from federation_bridge.errors import BadRequest, ConfigurationInvalid
from federation_bridge.model import Author
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts


def test_an_emergency_is_refused_unless_the_settings_allow_it_and_is_told_loudly(rules, clock, store) -> None:
    with pytest.raises(BadRequest, match=r"rulebook\.emergency"):
        changed(rules, clock, is_emergency=True)

    outcome = changed(replace(rules, allows_emergency=True), clock, is_emergency=True)

    assert outcome.number == 2
    told, changed_event = store.audit.entries(limit=2)
    assert (told.event, changed_event.event) == ("rulebook.emergency", "rulebook.changed")
    assert "111111111111" in told.details["because"]


def test_an_emergency_leaves_an_administrator_too(rules, clock) -> None:
    stands = rules.versions.in_force()
    without = texts("b", more=MORE.replace("as: administrator", "as: auditor"))
    change = Change(Author("ada"), "now", stands.digest, is_emergency=True)

    with pytest.raises(BadRequest, match="nobody would be administrator any more"):
        verbs.apply(replace(rules, allows_emergency=True), without, change)


@pytest.mark.parametrize(("day", "is_taken"), [("2026-03-03", False), ("2026-03-04", True)])
def test_an_administrator_whose_dates_are_over_is_none(rules, clock, day: str, is_taken: bool) -> None:
    stands = rules.versions.in_force()
    dated = f"when: {{all: [{{group: identity-team}}, {{dates: {{not_after: {day}}}}}]}}"
    ended = texts("b", more=MORE.replace("when: {group: identity-team}", dated))
    change = Change(Author("ada"), "now", stands.digest, is_emergency=True)

    if is_taken:
        assert verbs.apply(replace(rules, allows_emergency=True), ended, change).number == 2
    else:
        with pytest.raises(BadRequest, match="nobody would be administrator any more"):
            verbs.apply(replace(rules, allows_emergency=True), ended, change)


@pytest.mark.parametrize(
    "reason",
    [
        "x (approved by entra/bob: ok)",
        "x (Approved  by bob)",
        "x \uff08approved by bob\uff09",
        "x (\u0430pproved by b)",
    ],
)
def test_a_reason_invents_no_second_person(rules, clock, reason: str) -> None:
    stands = rules.versions.in_force()
    with pytest.raises(BadRequest, match="the history says that of changes that were approved"):
        verbs.apply(rules, texts(role="222222222222/ReadOnly"), Change(Author("ada"), reason, stands.digest))


def test_where_the_version_in_force_fits_no_more_marks_still_hold(rules, clock, store) -> None:
    stands = rules.versions.in_force()
    narrower = replace(rules, known=Known(frozenset({"okta"})))
    text = Texts(rules_text(rule("{group: a}", connection="okta")), REGISTER_TEXT)

    outcome = verbs.apply(narrower, text, Change(Author("ada"), "entra is gone", stands.digest))
    assert (outcome.number, len(outcome.because)) == (None, 1)


def test_a_text_that_fits_the_settings_no_more_cannot_be_approved(rules, clock) -> None:
    outcome = changed(rules, clock)

    with pytest.raises(ConfigurationInvalid):
        narrower = replace(rules, known=Known(frozenset({"okta"})))
        approvals.approve(narrower, outcome.waits_as, yes(rules, outcome, bob(clock)))
    assert rules.versions.number_in_force() == 1
