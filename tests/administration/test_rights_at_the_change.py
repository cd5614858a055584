"""Whoever changes the rulebook may do so by the very version that they change, whatever a door found before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import HeldClock
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, rule, rules_text

from federation_bridge.administration import rules as verbs
from federation_bridge.administration.approvals import author_of
from federation_bridge.administration.rules import Change, Rules
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import AdministrativeRights, AdministrativeRole
from federation_bridge.model import Author, Caller, RequestOrigin, Session
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts
from federation_bridge.store import Store

ENTRIES = """\
administration:
  - {id: admins, as: administrator, connection: entra, when: {group: identity-team}}
  - {id: writers, as: author, connection: entra, when: {group: writers}, accounts: ["111111111111"]}
  - {id: readers, as: auditor, connection: entra, when: {group: readers}}
"""
ALL = AdministrativeRights(AdministrativeRole.ADMINISTRATOR, frozenset(), ("admins",), ())


def texts(group: str, account: str = "111111111111") -> Texts:
    return Texts(
        rules_text(rule(f"{{group: {group}}}", f'{{role: "{account}/Administrator"}}')) + ENTRIES, REGISTER_TEXT
    )


@pytest.fixture
def rules(store: Store, clock: HeldClock) -> Rules:
    made = Rules(store.rulebook_versions, store.rulebook_proposals, Known(frozenset(CONNECTIONS)), clock)
    verbs.apply(made, texts("a"), Change(Author("ada"), "the first", ""))
    return made


def changed(rules: Rules, clock: HeldClock, group: str, to: Texts, rights: AdministrativeRights | None) -> int | None:
    now = clock()
    who = identity(groups=(group,), subject="eve", name="Eve")
    caller = Caller(Session("t", who, now, now, now + timedelta(hours=1)), RequestOrigin(reference="r-1"))
    stands = rules.versions.in_force()
    assert stands is not None
    return verbs.apply(rules, to, Change(author_of(caller), "why", stands.digest, caller, rights=rights)).number


@pytest.mark.parametrize("rights", [None, ALL], ids=["a door that asked nothing", "a door that asked before"])
@pytest.mark.parametrize("group", ["readers", "nobody"])
def test_rights_that_a_door_found_or_forgot_give_nothing_more(rules, clock, group, rights) -> None:
    with pytest.raises(NotFound):
        changed(rules, clock, group, texts("b"), rights)
    assert rules.versions.number_in_force() == 1


@pytest.mark.parametrize("rights", [None, ALL], ids=["a door that asked nothing", "a door that asked before"])
def test_an_author_stays_an_author_whatever_the_door_found(rules, clock, rights) -> None:
    with pytest.raises(BadRequest, match="222222222222, which is not yours"):
        changed(rules, clock, "writers", texts("a", "222222222222"), rights)

    assert changed(rules, clock, "writers", texts("b"), rights) == 2
    assert changed(rules, clock, "identity-team", texts("b", "222222222222"), None) == 3


def test_an_author_adds_no_name_for_a_group_and_asks_for_one_that_there_is(rules, clock) -> None:
    by_name = texts("{named: staff}")
    waits = f"groups: {{administrators: eves-own}}\n{texts('a').rules}"
    with pytest.raises(BadRequest, match=r"^line 1: only administrators .* here 'administrators' \(column"):
        changed(rules, clock, "writers", Texts(waits, REGISTER_TEXT), None)
    assert rules.versions.number_in_force() == 1

    named = Texts(f"groups: {{staff: s}}\n{texts('a').rules}", REGISTER_TEXT)
    assert changed(rules, clock, "identity-team", named, None) == 2
    used = Texts(f"groups: {{staff: s}}\n{by_name.rules}", REGISTER_TEXT)
    assert changed(rules, clock, "writers", used, None) == 3
