# ruff: noqa: F811 - fixtures are named where they are asked for
"""A marked change waits for a second administrator, whose yes is for one text, over one version, and holds once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from mapping_factories import REGISTER_TEXT, rule, rules_text
from second_person_fixtures import MORE, ada, bob, changed, person, rules, texts, yes  # noqa: F401 - a fixture

from federation_bridge.administration import approvals
from federation_bridge.administration import rules as verbs
from federation_bridge.administration.approvals import Yes
from federation_bridge.administration.rules import Change
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.model import Author, Caller, ProposedVersion
from federation_bridge.rulebook.texts import Texts
from federation_bridge.store.rulebook_proposals import approve_in

FRIENDS = "{id: friends, as: administrator, connection: entra, when: {group: friends}}"


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


def test_authors_together_keep_no_other_ones_first_change_out(rules, clock, monkeypatch) -> None:
    monkeypatch.setattr(verbs, "_MOST_OF_ALL", 4)
    monkeypatch.setattr(verbs, "MOST_WAITING", 6)
    for group, subject in zip("bcde", ("ada", "bob", "ada", "bob"), strict=True):
        by = person(clock, subject, "identity-team")
        assert changed(rules, clock, group, author=approvals.author_of(by), caller=by).waits_as

    def proposes(group: str, caller: Caller | None) -> bool:
        author = Author("pipeline") if caller is None else approvals.author_of(caller)
        try:
            return bool(changed(rules, clock, group, author=author, caller=caller).waits_as)
        except BadRequest as refusal:
            assert "changes wait for a second person already" in str(refusal)
            return False

    eve, zoe, others = (person(clock, who, "identity-team") for who in ("eve", "zoe", "others"))
    assert not proposes("f", ada(clock))
    assert not proposes("f", None), "whoever has access to the machine can close some"
    assert proposes("f", eve)
    assert proposes("f", eve), "the same once more is the one that waits"
    assert not proposes("g", eve)
    assert proposes("g", zoe)
    assert not proposes("h", others), "however many authors there are"


def test_changes_over_an_older_version_wait_in_vain_and_keep_no_other_out(rules, clock, monkeypatch) -> None:
    monkeypatch.setattr(verbs, "_MOST_OF_ALL", 3)
    monkeypatch.setattr(verbs, "_MOST_OF_AUTHOR", 2)
    first = changed(rules, clock, "b")
    assert changed(rules, clock, "c").waits_as
    with pytest.raises(BadRequest, match="2 changes of entra/ada"):
        changed(rules, clock, "d")
    clock.advance(timedelta(seconds=1))
    approvals.approve(rules, first.waits_as, yes(rules, first, bob(clock)))

    assert changed(rules, clock, "d").waits_as and changed(rules, clock, "e").waits_as
    with pytest.raises(BadRequest, match="2 changes of entra/ada"):
        changed(rules, clock, "f")


def test_no_more_than_a_hundred_changes_wait(rules, clock) -> None:
    made = [changed(rules, clock, f"g{number}", author=Author("pipeline"), caller=None) for number in range(100)]
    assert all(one.waits_as for one in made)

    with pytest.raises(BadRequest, match="100 changes wait for a second person already"):
        changed(rules, clock, "c", author=Author("pipeline"), caller=None)


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
