"""The rulebook changes: a text that parses becomes the next version, for every node at once; pages come here too."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.audit import Entry, RulebookChanged
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Clock, ProposedVersion, RequestOrigin, RulebookVersion
from federation_bridge.rulebook.parsing import Known, parsed
from federation_bridge.rulebook.texts import Texts
from federation_bridge.store.rulebook_versions import RulebookVersions

_OPERATOR = RequestOrigin(reference="operator")
_MOST_CHARACTERS = 1_000
"""Of a reason or an author's name."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What these verbs work with."""

    versions: RulebookVersions
    known: Known
    clock: Clock
    origin: str = "command"
    """By which road changes come: kept with each version."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who wants another text in force, why, and over which one: `base_digest`, "" where there is none."""

    author: str
    reason: str
    base_digest: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that may come into force, and the version that it would replace."""

    texts: Texts
    rules: RuleSet
    """What the text means."""
    base: RulebookVersion | None


def propose(rules: Rules, texts: Texts, base_digest: str, names: tuple[str, str] = ("", "")) -> Proposal:
    """Reads a text and changes nothing; for a preview.

    ConfigurationInvalid where it does not parse, with the place, and with `names` of rules and register. BadRequest
    where another version than the base is in force.
    """
    meaning = parsed(texts, rules.known, names)
    base = rules.versions.in_force()
    if base_digest != ("" if base is None else base.digest):
        raise _changed_meanwhile(base)
    return Proposal(texts, meaning, base)


def apply(rules: Rules, texts: Texts, change: Change, names: tuple[str, str] = ("", "")) -> int:
    """Puts a text in force on every node, audited, and gives its number.

    Raises as `propose`, and BadRequest without a reason or where the text is in force already. Of two who change the
    same base, the second is refused.
    """
    _check_words("a reason", change.reason)
    _check_words("an author", change.author)
    base = propose(rules, texts, change.base_digest, names).base
    if base is not None and base.digest == texts.digest:
        raise BadRequest(f"nothing would change: version {base.number} says the same, and is in force")
    before = (0, "") if base is None else (base.number, base.digest)

    def entries(number: int) -> list[Entry]:
        event = RulebookChanged(change.author, change.reason, number, texts.digest, *before)
        return [Entry(rules.clock(), _OPERATOR, event)]

    proposed = ProposedVersion(texts.to_kept(), change.author, change.reason, rules.origin)
    # Where the version in force is not there any more (lost, forged), its number is all that can be compared.
    stands = rules.versions.number_in_force() if base is None else base.number
    number = rules.versions.put(proposed, entries, stands)
    if number is None:
        raise _changed_meanwhile(rules.versions.in_force())
    return number


def return_to(rules: Rules, number: int, change: Change) -> int:
    """Puts the text of an earlier version in force, as a new version; raises as `apply`, and NotFound.

    It is read again: it may not fit any more what the settings know now.
    """
    found = rules.versions.version(number)
    if found is None:
        raise NotFound(f"the rulebook has no version {number}")
    return apply(rules, Texts.from_kept(found.text), change)


def _changed_meanwhile(stands: RulebookVersion | None) -> BadRequest:
    if stands is None:
        return BadRequest("the change was made over a version that is not in force: none is")
    return BadRequest(
        f"another version is in force by now: {stands.number} ({stands.digest[:12]}), by {stands.author}: look at what "
        "it changed, and change that"
    )


def _check_words(what: str, words: str) -> None:
    if not words.strip() or len(words) > _MOST_CHARACTERS:
        raise BadRequest(f"{what} is needed, of at most {_MOST_CHARACTERS} characters")
