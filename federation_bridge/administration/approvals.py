"""A second person says yes or no to a change of the rulebook that waits.

A yes is bound to the text that was looked at and to the version over which it was made, and holds once.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.administration.foreseen import both
from federation_bridge.administration.rules import Rules, changed_meanwhile, check_writable, entry
from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import Entry, RulebookChanged, RulebookProposalClosed
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import AdministrativeRole, RuleSet
from federation_bridge.model import Author, Caller, ChangeProposal, ProposedVersion, RulebookVersion
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.shown_text import shown
from federation_bridge.store.rulebook_proposals import WAITS, approve_in


@dataclass(frozen=True, slots=True)
class Yes:
    """Who says yes, to which text, and why."""

    caller: Caller
    digest: str
    """Of the text that they looked at."""
    reason: str


def approve(rules: Rules, asked: str, yes: Yes) -> int:
    """Puts a change in force that waits, and gives the number of the version; audited with both people.

    NotFound for an unknown change, and for whoever is no administrator by the version in force. BadRequest for the
    author's own yes, for one to another text, where the change does not wait any more, or where another version is in
    force by now. ConfigurationInvalid where the text does not fit the settings any more.
    """
    check_writable(rules)
    check_words("a reason", yes.reason)
    proposal = _waiting(rules, asked)
    if yes.digest != proposal.digest:
        raise BadRequest("the change that waits has another text than the one that was looked at")
    base = rules.versions.in_force()
    if base is None or (base.number, base.digest) != (proposal.base_number, proposal.base_digest):
        raise changed_meanwhile(base)
    texts = Texts.from_kept(proposal.text)
    after = parsed(texts, rules.known)
    before = parsed(Texts.from_kept(base.text), rules.known)
    _check_second_person(rules, before, proposal, yes.caller)
    shown = both(rules.foreseen(before, after), proposal.foreseen)
    number = _put(rules, proposal, base, yes, shown)
    if number is None:
        raise changed_meanwhile(rules.versions.in_force())
    return number


def _put(rules: Rules, proposal: ChangeProposal, base: RulebookVersion, yes: Yes, shown: str) -> int | None:
    approver = author_of(yes.caller).name

    def entries(number: int) -> list[Entry]:
        event = RulebookChanged(
            proposal.author.name,
            proposal.reason,
            number,
            proposal.digest,
            base.number,
            base.digest,
            approved_by=approver,
            proposal=proposal.id,
        )
        return [entry(rules, yes.caller, event)]

    reason = f"{proposal.reason} (approved by {approver}: {yes.reason})"
    proposed = ProposedVersion(proposal.text, proposal.author.name, reason, proposal.origin, shown)
    return rules.versions.put(
        proposed,
        entries,
        base.number,
        lambda writing: approve_in(writing, proposal.id, approver, yes.reason),
    )


def close(rules: Rules, asked: str, by: Author, reason: str, caller: Caller | None = None) -> None:
    """Ends the waiting of a change, as a no or as its author's second thought; audited.

    Doors let only administrators, and the author, come here. NotFound, and BadRequest where it does not wait any more.
    """
    check_words("a reason", reason)
    proposal = _waiting(rules, asked)
    event = RulebookProposalClosed(proposal.id, by.name, reason)
    if not rules.proposals.close(proposal.id, by.name, reason, entry(rules, caller, event)):
        raise _decided()


def author_of(caller: Caller) -> Author:
    """The signed-in person as the author of a change.

    The history names them by what their provider vouches for first: a name, or an address that nobody verified, can be
    chosen to look like somebody else's.
    """
    identity = caller.session.identity
    # Before the name, which can be chosen. A command line's session is called by its family, as where it was let in.
    by = f" by command line {caller.session.key[:8]}" if caller.is_command_line else ""
    return Author(shown(f"{identity.person}{by} ({identity.name})"), identity.connection, identity.subject)


def _waiting(rules: Rules, asked: str) -> ChangeProposal:
    proposal = rules.proposals.find(asked)
    if proposal is None:
        raise NotFound(f"no change {asked!r} is known")
    if proposal.state != WAITS:
        raise _decided()
    return proposal


def _decided() -> BadRequest:
    return BadRequest("the change does not wait any more: it was approved or closed")


def _check_second_person(rules: Rules, before: RuleSet, proposal: ChangeProposal, caller: Caller) -> None:
    identity = caller.session.identity
    rights = before.administrative_rights(identity, rules.clock(), caller)
    if rights is None or not rights.includes(AdministrativeRole.ADMINISTRATOR):
        raise NotFound("whoever approves a change is an administrator by the version in force")
    if (identity.connection, identity.subject) == (proposal.author.connection, proposal.author.subject):
        raise BadRequest("who proposed a change cannot approve it: another administrator has to")
