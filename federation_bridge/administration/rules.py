"""The rulebook changes: a text that parses becomes the next version, for every node at once; pages come here too.

Whether a change waits for a second person is asked here, where no road to a change can forget it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from federation_bridge.administration.change_rights import check_rights
from federation_bridge.administration.foreseen import Seen, foreseen_at
from federation_bridge.administration.told_words import check_words
from federation_bridge.audit import Entry, Event, RulebookChanged, RulebookEmergency, RulebookProposed
from federation_bridge.errors import BadRequest, ChangedMeanwhile, ConfigurationInvalid, NotFound
from federation_bridge.mapping import AdministrativeRights, RuleSet, reasons_to_wait
from federation_bridge.mapping.document import read_document
from federation_bridge.model import (
    Author,
    Caller,
    ChangeProposal,
    Clock,
    ProposedVersion,
    RequestOrigin,
    RulebookVersion,
)
from federation_bridge.rulebook.parsing import Known, Names, parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.sentence import Sentence
from federation_bridge.store.rulebook_proposals import RulebookProposals
from federation_bridge.store.rulebook_versions import RulebookVersions

_OPERATOR = RequestOrigin(reference="operator")
MOST_WAITING = 200
"""Changes over the version in force; one over an older version can never be approved, and keeps no other out."""
_MOST_OF_ALL = 100
"""Beyond so many, only who signed in and has none that waits proposes one: however many of them work together, some
authors do not keep another's urgent change out. A command's author is nobody by name, and has access to the machine."""
_MOST_OF_AUTHOR = 20


@dataclass(frozen=True, slots=True)
class Rules:
    """What these verbs work with."""

    versions: RulebookVersions
    proposals: RulebookProposals
    known: Known
    clock: Clock
    origin: str = "command"
    """By which road changes come: kept with each version."""
    lies_in_files: bool = False
    """Whether files are the truth: then nothing is changed here, by whatever road it comes."""
    allows_emergency: bool = False
    """Whether somebody may do without the second person, loudly (`rulebook.emergency`)."""
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)
    seen: Seen | None = None
    """Over whom a change is foreseen, for the history; None: nothing of it is kept."""

    def foreseen(self, before: RuleSet | None, after: RuleSet) -> str:
        """What this change is shown as, to be kept with it; "" where nothing can be compared. Unavailable."""
        if self.seen is None or before is None:
            return ""
        return foreseen_at(before, after, self.seen(), self.clock())


@dataclass(frozen=True, slots=True)
class Change:
    """Who wants another text in force, why, and over which one: `base_digest`, "" where there is none."""

    author: Author
    reason: str
    base_digest: str
    caller: Caller | None = None
    """Who asks through a page or the API; None: a command on the machine."""
    is_emergency: bool = False
    rights: AdministrativeRights | None = None
    """What a door found that the caller may do: asked where the version in force fits the settings no more."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that may come into force, and the version that it would replace."""

    texts: Texts
    rules: RuleSet
    """What the text means."""
    base: RulebookVersion | None
    before: RuleSet | None = None
    """What the base means; None where there is none, or where it does not fit the settings any more."""
    because: tuple[Sentence, ...] = ()
    """Why it would wait for a second person; nothing where it would not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change: a version in force, or one that waits."""

    number: int | None
    """Of the version that is in force now; None: it waits."""
    waits_as: str = ""
    """The id of the change that waits for a second person."""
    because: tuple[Sentence, ...] = ()
    """Why two have to agree."""


def propose(rules: Rules, texts: Texts, base_digest: str, names: Names = ("", "")) -> Proposal:
    """Reads a text and changes nothing; for a preview.

    ConfigurationInvalid where it does not parse, with the place, and with `names` of rules and register. BadRequest
    where another version than the base is in force.
    """
    meaning = parsed(texts, rules.known, names)
    base = rules.versions.in_force()
    if base_digest != ("" if base is None else base.digest):
        raise changed_meanwhile(base)
    before = _meaning_of(rules, base)
    return Proposal(texts, meaning, base, before, _reasons_to_wait(base, before, meaning))


def foresee(rules: Rules, texts: Texts, change: Change, names: Names = ("", "")) -> Proposal:
    """As `propose`, and refuses what `apply` would refuse to this author, so that nobody looks in vain."""
    proposal = propose(rules, texts, change.base_digest, names)
    check_rights(rules, proposal, change)
    return proposal


def apply(rules: Rules, texts: Texts, change: Change, names: Names = ("", "")) -> Outcome:
    """Puts a text in force on every node, or lets it wait for a second person where it must; audited.

    Raises as `propose`, and BadRequest without a reason, where the text is in force already, or for an emergency that
    the settings do not allow. Of two who change the same base, the second is refused.
    """
    check_writable(rules)
    check_words("a reason", change.reason)
    check_words("an author", change.author.name)
    proposal = foresee(rules, texts, change, names)
    if proposal.base is not None and proposal.base.digest == texts.digest:
        raise BadRequest(f"nothing would change: version {proposal.base.number} says the same, and is in force")
    if proposal.because and not change.is_emergency:
        return _wait(rules, proposal, change)
    return _put(rules, proposal, change)


def _put(rules: Rules, proposal: Proposal, change: Change) -> Outcome:
    base, texts = proposal.base, proposal.texts
    before = (0, "") if base is None else (base.number, base.digest)

    def entries(number: int) -> list[Entry]:
        changed = RulebookChanged(change.author.name, change.reason, number, texts.digest, *before)
        told: list[Event] = [changed]
        if proposal.because:
            because = "; ".join(proposal.because)
            told.append(RulebookEmergency(change.author.name, change.reason, number, texts.digest, because))
        return [entry(rules, change.caller, event) for event in told]

    shown = rules.foreseen(proposal.before, proposal.rules)
    proposed = ProposedVersion(texts.to_kept(), change.author.name, change.reason, rules.origin, shown)
    # Where the version in force is not there any more (lost, forged), its number is all that can be compared.
    stands = rules.versions.number_in_force() if base is None else base.number
    number = rules.versions.put(proposed, entries, stands)
    if number is None:
        raise changed_meanwhile(rules.versions.in_force())
    return Outcome(number, because=proposal.because)


def _wait(rules: Rules, proposal: Proposal, change: Change) -> Outcome:
    base = proposal.base
    before = (0, "") if base is None else (base.number, base.digest)
    # The newest come first: none over the version in force stands behind older ones.
    found = rules.proposals.waiting(MOST_WAITING)
    others = [one for one in found if (one.base_number, one.base_digest) == before]
    asked = (proposal.texts.digest, change.author, change.reason)
    for other in others:
        # A pipeline that runs again asks for nothing new.
        if (other.digest, other.author, other.reason) == asked:
            return Outcome(None, other.id, proposal.because)
    _demand_room(others, change.author)
    waiting = ChangeProposal(
        id=rules.new_id(),
        digest=proposal.texts.digest,
        text=proposal.texts.to_kept(),
        base_number=before[0],
        base_digest=before[1],
        author=change.author,
        reason=change.reason,
        origin=rules.origin,
        made_at=rules.clock(),
        foreseen=rules.foreseen(proposal.before, proposal.rules),
    )
    because = "; ".join(proposal.because)
    event = RulebookProposed(change.author.name, change.reason, waiting.id, waiting.digest, *before, because)
    rules.proposals.add(waiting, entry(rules, change.caller, event))
    return Outcome(None, waiting.id, proposal.because)


def _demand_room(others: Sequence[ChangeProposal], author: Author) -> None:
    theirs = [one for one in others if replace(one.author, name=author.name) == author]
    if author.connection and len(theirs) >= _MOST_OF_AUTHOR:
        raise BadRequest(f"{len(theirs)} changes of {author.name} wait for a second person already: close some first")
    is_their_first = author.connection and not theirs
    if len(others) >= (MOST_WAITING if is_their_first else _MOST_OF_ALL):
        raise BadRequest(f"{len(others)} changes wait for a second person already: close some first")


def return_to(rules: Rules, number: int, change: Change) -> Outcome:
    """Puts the text of an earlier version in force, as a new version; raises as `apply`, and NotFound.

    It is read again: it may not fit any more what the settings know now.
    """
    found = rules.versions.version(number)
    if found is None:
        raise NotFound(f"the rulebook has no version {number}")
    return apply(rules, Texts.from_kept(found.text), change)


def _meaning_of(rules: Rules, base: RulebookVersion | None) -> RuleSet | None:
    try:
        return None if base is None else parsed(Texts.from_kept(base.text), rules.known)
    except ConfigurationInvalid:
        return None


def _reasons_to_wait(base: RulebookVersion | None, before: RuleSet | None, after: RuleSet) -> tuple[Sentence, ...]:
    if before is not None:
        return reasons_to_wait(before, after)
    # Settings have changed, so that nothing shows what the change is about. Without marks nobody has to wait.
    if base is None or not _has_marks(Texts.from_kept(base.text)):
        return ()
    return (Sentence("the version in force does not fit the settings, so nobody can tell what changes"),)


def _has_marks(texts: Texts) -> bool:
    documents = (read_document(written).value for _, written in texts.documents)
    return any(isinstance(document, dict) and "second_person" in document for document in documents)


def changed_meanwhile(stands: RulebookVersion | None) -> ChangedMeanwhile:
    """The refusal of a change over a version that is not in force any more; it names the one that is."""
    if stands is None:
        return ChangedMeanwhile("the change was made over a version that is not in force: none is")
    return ChangedMeanwhile(
        f"another version is in force by now: {stands.number} ({stands.digest[:12]}), by {stands.author}: look at what "
        "it changed, and change that"
    )


def check_writable(rules: Rules) -> None:
    """BadRequest where the rulebook lies in files: a version that is written here would stand against them."""
    if rules.lies_in_files:
        raise BadRequest("the rulebook lies in files: change the files; each change is a version by itself")


def entry(rules: Rules, caller: Caller | None, event: Event) -> Entry:
    """An audit entry at this instant about whoever asks."""
    if caller is None:
        return Entry(rules.clock(), _OPERATOR, event)
    identity = caller.session.identity
    return Entry(rules.clock(), caller.origin, event, person=identity.person, connection=identity.connection)
