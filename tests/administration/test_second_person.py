"""A marked change waits for a second administrator, whose yes is for one text, over one version, and holds once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from databases import HeldClock
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, rule, rules_text

from federation_bridge.administration import approvals
from federation_bridge.administration import rules as verbs
from federation_bridge.administration.approvals import Yes
from federation_bridge.administration.rules import Change, Outcome, Rules
from federation_bridge.errors import BadRequest, ConfigurationInvalid, NotFound
from federation_bridge.model import Author, Caller, ProposedVersion, RequestOrigin, Session
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts
from federation_bridge.store import Store
from federation_bridge.store.rulebook_proposals import approve_in

MORE = """\
administration:
  - {id: admins, as: administrator, connection: entra, when: {group: identity-team}}
  - {id: readers, as: auditor, connection: entra, when: {group: auditors}}
second_person: {accounts: "111111111111"}
"""
FRIENDS = "{id: friends, as: administrator, connection: entra, when: {group: friends}}"


def texts(group: str = "a", role: str = "111111111111/Administrator", more: str = MORE) -> Texts:
    return Texts(rules_text(rule(f"{{group: {group}}}", f'{{role: "{role}"}}')) + more, REGISTER_TEXT)


@pytest.fixture
def rules(store: Store, clock: HeldClock) -> Rules:
    made = Rules(store.rulebook_versions, store.rulebook_proposals, Known(frozenset(CONNECTIONS)), clock)
    verbs.apply(made, texts(), Change(Author("ada"), "the first", ""))
    return made


def person(clock: HeldClock, subject: str, *groups: str) -> Caller:
    now = clock()
    who = identity(groups=groups, subject=subject, name=subject.title())
    return Caller(Session("t", who, now, now, now + timedelta(hours=1)), RequestOrigin(reference="r-1"))


def ada(clock: HeldClock) -> Caller:
    return person(clock, "ada", "identity-team")


def bob(clock: HeldClock) -> Caller:
    return person(clock, "bob", "identity-team")


def changed(rules: Rules, clock: HeldClock, group: str = "b", **more: object) -> Outcome:
    stands = rules.versions.in_force()
    assert stands is not None
    change = Change(approvals.author_of(ada(clock)), "a ticket", stands.digest, ada(clock))
    return verbs.apply(rules, texts(group), replace(change, **more))  # type: ignore[arg-type]


def yes(rules: Rules, outcome: Outcome, caller: Caller) -> Yes:
    found = rules.proposals.find(outcome.waits_as)
    assert found is not None
    return Yes(caller, found.digest, "looked at it")


def test_a_marked_change_waits_and_a_second_administrator_puts_it_in_force(rules, clock, store) -> None:
    outcome = changed(rules, clock)
    assert (outcome.number, rules.versions.number_in_force()) == (None, 1)

    assert approvals.approve(rules, outcome.waits_as, yes(rules, outcome, bob(clock))) == 2

    in_force = rules.versions.in_force()
    assert in_force is not None
    assert in_force.text == texts("b").to_kept()
    assert (in_force.author, in_force.reason) == (
        "entra/ada (Ada)",
        "a ticket (approved by entra/bob (Bob): looked at it)",
    )
    newest, proposed = store.audit.entries(limit=2)
    assert (newest.event, newest.person) == ("rulebook.changed", "entra/bob")
    assert (newest.details["approved_by"], newest.details["author"]) == ("entra/bob (Bob)", "entra/ada (Ada)")
    assert (proposed.event, proposed.person) == ("rulebook.proposed", "entra/ada")
    assert rules.proposals.waiting(9) == ()


def test_who_proposed_cannot_approve(rules, clock) -> None:
    outcome = changed(rules, clock)

    with pytest.raises(BadRequest, match="who proposed a change cannot approve it"):
        approvals.approve(rules, outcome.waits_as, yes(rules, outcome, ada(clock)))
    assert rules.versions.number_in_force() == 1


@pytest.mark.parametrize("groups", [(), ("auditors",), ("Identity-Team",)], ids=["nobody", "auditor", "look-alike"])
def test_who_is_no_administrator_by_the_version_in_force_cannot_approve(rules, clock, groups) -> None:
    outcome = changed(rules, clock)

    with pytest.raises(NotFound):
        approvals.approve(rules, outcome.waits_as, yes(rules, outcome, person(clock, "eve", *groups)))
    assert rules.versions.number_in_force() == 1


def test_a_change_cannot_make_its_own_second_administrator(rules, clock) -> None:
    stands = rules.versions.in_force()
    change = Change(approvals.author_of(ada(clock)), "a ticket", stands.digest, ada(clock))
    more = MORE.replace("second_person", f"  - {FRIENDS}\nsecond_person")
    outcome = verbs.apply(rules, texts("b", more=more), change)

    with pytest.raises(NotFound):
        approvals.approve(rules, outcome.waits_as, yes(rules, outcome, person(clock, "eve", "friends")))
    assert approvals.approve(rules, outcome.waits_as, yes(rules, outcome, bob(clock))) == 2


def test_a_yes_is_for_the_text_that_was_looked_at(rules, clock) -> None:
    first, second = changed(rules, clock, "b"), changed(rules, clock, "c")

    with pytest.raises(BadRequest, match="another text"):
        approvals.approve(rules, second.waits_as, yes(rules, first, bob(clock)))
    assert approvals.approve(rules, second.waits_as, yes(rules, second, bob(clock))) == 2


def test_a_yes_holds_once_and_over_the_version_that_it_was_made_for(rules, clock) -> None:
    first, second = changed(rules, clock, "b"), changed(rules, clock, "c")
    said = yes(rules, first, bob(clock))
    approvals.approve(rules, first.waits_as, said)

    with pytest.raises(BadRequest, match="does not wait any more"):
        approvals.approve(rules, first.waits_as, said)
    with pytest.raises(BadRequest, match="another version is in force by now: 2"):
        approvals.approve(rules, second.waits_as, yes(rules, second, bob(clock)))
    assert rules.versions.number_in_force() == 2


def test_of_two_who_say_yes_at_once_one_puts_it_in_force(rules, clock, monkeypatch) -> None:
    outcome = changed(rules, clock)
    said = yes(rules, outcome, bob(clock))
    looked = rules.proposals.find(outcome.waits_as)
    approvals.approve(rules, outcome.waits_as, said)
    number = rules.versions.number_in_force()

    # The other one looked before the first yes stood, and comes to the transaction after it.
    assert looked is not None
    monkeypatch.setattr(type(rules.proposals), "find", lambda *_: looked)
    with pytest.raises(BadRequest):
        approvals.approve(rules, outcome.waits_as, said)
    put = rules.versions.put
    proposed = ProposedVersion("{}", "x", "y", "z")
    assert put(proposed, lambda _: (), number, lambda w: approve_in(w, looked.id, "x", "y")) is None
    assert rules.versions.number_in_force() == number


def test_a_closed_change_comes_into_force_no_more(rules, clock, store) -> None:
    outcome = changed(rules, clock)
    approvals.close(rules, outcome.waits_as, approvals.author_of(bob(clock)), "too wide", bob(clock))

    with pytest.raises(BadRequest, match="does not wait any more"):
        approvals.approve(rules, outcome.waits_as, yes(rules, outcome, bob(clock)))
    with pytest.raises(BadRequest, match="does not wait any more"):
        approvals.close(rules, outcome.waits_as, Author("ada"), "again")
    assert store.audit.entries(limit=1)[0].event == "rulebook.proposal_closed"


def test_a_command_waits_as_a_page_does(rules, clock) -> None:
    outcome = changed(rules, clock, author=Author("pipeline"), caller=None)

    assert outcome.number is None
    assert approvals.approve(rules, outcome.waits_as, yes(rules, outcome, ada(clock))) == 2


def test_a_return_to_an_older_text_waits_too(rules, clock) -> None:
    outcome = changed(rules, clock)
    approvals.approve(rules, outcome.waits_as, yes(rules, outcome, bob(clock)))
    stands = rules.versions.in_force()

    returned = verbs.return_to(rules, 1, Change(Author("ada"), "back", stands.digest))
    assert (returned.number, rules.versions.number_in_force()) == (None, 2)


def test_what_is_not_marked_comes_into_force_at_once(rules, clock) -> None:
    stands = rules.versions.in_force()
    more = rules_text(rule("{group: a}"), rule("{group: d}", '{role: "222222222222/Developer"}', name="d")) + MORE

    outcome = verbs.apply(rules, Texts(more, REGISTER_TEXT), Change(Author("ada"), "a ticket", stands.digest))
    assert (outcome.number, outcome.because) == (2, ())


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


@pytest.mark.parametrize("reason", ["", " ", "x" * 1_001])
def test_a_yes_and_a_no_need_a_reason(rules, clock, reason) -> None:
    outcome = changed(rules, clock)

    with pytest.raises(BadRequest, match="a reason is needed"):
        approvals.approve(rules, outcome.waits_as, replace(yes(rules, outcome, bob(clock)), reason=reason))
    with pytest.raises(BadRequest, match="a reason is needed"):
        approvals.close(rules, outcome.waits_as, Author("bob"), reason)


def test_an_unknown_change_is_not_found(rules, clock) -> None:
    with pytest.raises(NotFound):
        approvals.approve(rules, "0123", Yes(bob(clock), "d", "r"))


def test_no_more_than_a_hundred_changes_wait(rules, clock, monkeypatch) -> None:
    monkeypatch.setattr(verbs, "_MOST_WAITING", 1)
    changed(rules, clock, "b")

    with pytest.raises(BadRequest, match="wait for a second person already"):
        changed(rules, clock, "c")


def test_an_author_who_has_proposed_very_much_waits_and_another_one_does_not(rules, clock, monkeypatch) -> None:
    monkeypatch.setattr(verbs, "_MOST_OF_AUTHOR", 2)
    first, _ = changed(rules, clock, "b"), changed(rules, clock, "c")

    with pytest.raises(BadRequest, match="2 changes of entra/ada"):
        changed(rules, clock, "d")
    # Whatever they are called by now: it is the person who is counted.
    with pytest.raises(BadRequest, match="2 changes of Countess"):
        changed(rules, clock, "d", author=replace(approvals.author_of(ada(clock)), name="Countess"))
    assert changed(rules, clock, "d", author=approvals.author_of(bob(clock)), caller=bob(clock)).waits_as
    assert all(changed(rules, clock, group, author=Author("pipeline"), caller=None).waits_as for group in "efg")
    approvals.close(rules, first.waits_as, Author("ada"), "not needed any more")
    assert changed(rules, clock, "d").waits_as


def test_whoever_asks_twice_for_the_same_has_one_change_that_waits(rules, clock, store) -> None:
    first = changed(rules, clock)
    assert changed(rules, clock).waits_as == first.waits_as
    assert len(store.rulebook_proposals.waiting(9)) == 1
    assert [one.event for one in store.audit.entries()].count("rulebook.proposed") == 1


@pytest.mark.parametrize("other", [{"reason": "another ticket"}, {"author": Author("bob")}])
def test_the_same_text_for_another_reason_or_by_another_person_waits_by_itself(rules, clock, other) -> None:
    # Else whoever proposes what waits already could say yes to it as a second person.
    assert changed(rules, clock).waits_as != changed(rules, clock, **other).waits_as


def test_what_was_closed_is_asked_for_anew(rules, clock) -> None:
    first = changed(rules, clock)
    approvals.close(rules, first.waits_as, Author("bob"), "not yet")
    assert changed(rules, clock).waits_as != first.waits_as
