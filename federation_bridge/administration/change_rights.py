"""Whether whoever asks may make a change of the rulebook: by the version that it changes, and by what it would say."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import (
    AdministrativeRights,
    AdministrativeRole,
    RuleSet,
    Written,
    foreign_changes,
    foreign_text,
)
from federation_bridge.mapping.findings import end_of
from federation_bridge.rulebook.texts import Texts
from federation_bridge.sentence import Sentence

if TYPE_CHECKING:
    from federation_bridge.administration.rules import Change, Proposal, Rules


def check_rights(rules: Rules, proposal: Proposal, change: Change) -> None:
    """Refuses what whoever asks may not change; a command may change everything that leaves an administrator.

    NotFound for somebody without a right, BadRequest for what is beyond it, for an emergency that the settings do not
    allow, and where nobody would administer any more, or not whoever makes the change.
    """
    rights = _rights(rules, proposal, change)
    _check_emergency(rules, change, rights)
    _check_reach(proposal, rights)
    _check_not_locked_out(rules, proposal, change, rights)


def _rights(rules: Rules, proposal: Proposal, change: Change) -> AdministrativeRights | None:
    """What whoever asks may do by the very version that they change; None: a command.

    Those that a door found may be of the version before, by which somebody was an author whom this one took out.
    """
    if change.caller is None:
        return None
    found = change.rights
    if proposal.before is not None:
        identity = change.caller.session.identity
        found = proposal.before.administrative_rights(identity, rules.clock(), change.caller)
    if found is None or not found.includes(AdministrativeRole.AUTHOR):
        raise NotFound("whoever changes the rules is an administrator or an author")
    return found


def _check_reach(proposal: Proposal, rights: AdministrativeRights | None) -> None:
    if rights is None or rights.includes(AdministrativeRole.ADMINISTRATOR):
        return
    if proposal.before is None:
        raise BadRequest("the version in force does not fit the settings: an administrator has to change it")
    foreign = foreign_changes(proposal.before, proposal.rules, rights.accounts)
    if not foreign and proposal.base is not None:
        # What means the same is looked at as text: remarks are read by people, and believed.
        before = _written(proposal.before, Texts.from_kept(proposal.base.text))
        foreign = foreign_text(before, _written(proposal.rules, proposal.texts), rights.accounts)
    if foreign:
        raise BadRequest(reduce(lambda this, that: Sentence("%(this)s; %(that)s", this=this, that=that), foreign))


def _written(rules: RuleSet, texts: Texts) -> Written:
    return Written(rules, texts.documents, texts.accounts)


def _check_emergency(rules: Rules, change: Change, rights: AdministrativeRights | None) -> None:
    if not change.is_emergency:
        return
    if not rules.allows_emergency:
        raise BadRequest("the settings allow no emergency change: `rulebook.emergency` says so")
    if rights is not None and not rights.includes(AdministrativeRole.ADMINISTRATOR):
        raise BadRequest("only an administrator may do without the second person")


def _check_not_locked_out(rules: Rules, proposal: Proposal, change: Change, had: AdministrativeRights | None) -> None:
    """Refuses a change after which nobody administers any more, or not whoever makes it."""
    now = rules.clock()
    if proposal.before is None or not _names_administrators(proposal.before, now):
        return
    if not _names_administrators(proposal.rules, now):
        raise BadRequest("nobody would be administrator any more: `administration` has to name one")
    if change.caller is None or had is None:
        return
    rights = proposal.rules.administrative_rights(change.caller.session.identity, now, change.caller)
    if rights is None or not rights.includes(had.role):
        raise BadRequest(f"you would be {had.role} no more: let somebody who stays make this change")


def _names_administrators(rules: RuleSet, now: datetime) -> bool:
    """Whether an entry does so whose dates are not over."""
    named = (one.when for one in rules.administration if one.role is AdministrativeRole.ADMINISTRATOR)
    return any((end := end_of(when)) is None or end > now for when in named)
