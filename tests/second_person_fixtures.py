"""A rulebook with marked rules, and two administrators; import these where they are needed."""

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
from federation_bridge.model import Author, Caller, RequestOrigin, Session
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts
from federation_bridge.store import Store

MORE = """\
administration:
  - {id: admins, as: administrator, connection: entra, when: {group: identity-team}}
  - {id: readers, as: auditor, connection: entra, when: {group: auditors}}
second_person: {accounts: "111111111111"}
"""


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
