"""Two rule sets side by side: who has more with the one than with the other, who has less, and on which terms.

People who change alike are one line, so that what thousands of them gain reads as few lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from federation_bridge.durations import format_duration
from federation_bridge.mapping.administration import Appointment
from federation_bridge.mapping.equal_facts import facts_of, is_personal
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet
from federation_bridge.model import Entitlement, Identity
from federation_bridge.sentence import Sentence


class Kind(StrEnum):
    """What happens to a role of somebody."""

    GAINS = "gains"
    LOSES = "loses"
    CHANGES = "changes"
    """The role stays, on other terms."""


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What happens to one role of one person."""

    kind: Kind
    rule: str
    """The rule that grants it, or granted it."""
    role: str
    """`account/role`."""
    terms: str
    """How long and how much; for other terms, both."""
    because: tuple[str, ...]
    """The sentences of the rule that grants it, or granted it."""


@dataclass(slots=True)
class Line:
    """All changes of one kind by one rule on the same terms."""

    kind: Kind
    rule: str
    terms: str
    people: dict[str, None] = field(default_factory=dict)
    """Whom it reaches (`connection/subject`), in the order in which they were given."""
    roles: set[str] = field(default_factory=set)
    causes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How many people by which sentences."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a proposed rule set changes for these people."""

    people: int
    """Over how many people it was decided."""
    changed_people: int
    lines: tuple[Line, ...]
    """Those that reach most people first."""
    not_foreseen: tuple[str, ...] = ()
    """Changed rules that ask about the request, such as its network: what they give hangs on more than the person."""


def compare(
    before: RuleSet,
    after: RuleSet,
    people: Iterable[Identity],
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """What `after` changes for these people at this instant; `progress` hears how many are done.

    People of whom no changed rule knows a fact are not decided about at all, and those with equal facts once.
    """
    decide = _Deciding(before, after, now)
    lines: dict[tuple[Kind, str, str], Line] = {}
    count = changed = 0
    for identity in people:
        changes = decide.changes(identity)
        count, changed = count + 1, changed + bool(changes)
        _add(lines, identity.person, changes)
        progress(count)
    ordered = sorted(lines.values(), key=lambda line: (-len(line.people), line.kind, line.rule, line.terms))
    return Comparison(count, changed, tuple(ordered), decide.not_foreseen)


def _add(lines: dict[tuple[Kind, str, str], Line], person: str, changes: Iterable[RoleChange]) -> None:
    causes: set[tuple[tuple[Kind, str, str], tuple[str, ...]]] = set()
    for change in changes:
        key = (change.kind, change.rule, change.terms)
        line = lines.setdefault(key, Line(*key))
        line.people[person] = None
        line.roles.add(change.role)
        causes.add((key, change.because))
    for key, because in causes:
        lines[key].causes[because] += 1


class _Deciding:
    """Decides for one person after the other, and remembers what it decided."""

    def __init__(self, before: RuleSet, after: RuleSet, now: datetime) -> None:
        self._before, self._after, self._now = before, after, now
        one, other = ({rule.id: content_of(rule) for rule in rules.rules} for rules in (before, after))
        self._changed = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
        self._is_same_register = replace(before.register, digest="") == replace(after.register, digest="")
        self._personal = {rule.id for rules in (before, after) for rule in rules.rules if is_personal(rule)}
        self._administration_changed = _entries(before) != _entries(after)
        self.not_foreseen = tuple(
            sorted(
                {
                    rule.id
                    for rules in (before, after)
                    for rule in rules.rules
                    if rule.id in self._changed and rule.when.depends_on_request()
                }
            )
        )
        self._known: dict[tuple[object, ...], tuple[RoleChange, ...]] = {}

    def changes(self, identity: Identity) -> tuple[RoleChange, ...]:
        """What changes for this person: roles in AWS, and what they may administer here."""
        rights = tuple(self._changed_rights(identity)) if self._administration_changed else ()
        return (*self._changed_roles(identity), *rights)

    def _changed_rights(self, identity: Identity) -> Iterator[RoleChange]:
        had, has = (rules.administrative_rights(identity, self._now) for rules in (self._before, self._after))
        if had and has and (had.role, had.accounts) == (has.role, has.accounts):
            return
        for kind, rights in ((Kind.LOSES, had), (Kind.GAINS, has)):
            if rights is not None:
                where = f"accounts {', '.join(sorted(rights.accounts))}" if rights.accounts else "the bridge"
                yield RoleChange(kind, ", ".join(rights.appointments), rights.role.value, where, rights.because)

    def _changed_roles(self, identity: Identity) -> tuple[RoleChange, ...]:
        looked_at = {rule.id for rules in (self._before, self._after) for rule in rules.candidates(identity)}
        if self._is_same_register and looked_at.isdisjoint(self._changed):
            return ()
        key = facts_of(identity, is_personal=not looked_at.isdisjoint(self._personal))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(self._decided(identity))
        return found

    def _decided(self, identity: Identity) -> Iterator[RoleChange]:
        had, has = (
            {one.key: one for one in rules.entitlements(identity, self._now)} for rules in (self._before, self._after)
        )
        for key in sorted(had.keys() | has.keys()):
            if change := _change(key, had.get(key), has.get(key)):
                yield change


def content_of(rule: Rule) -> Rule:
    """The rule without what decides nothing."""
    return replace(rule, line=0, document="", description="", owner="", note="")


def _entries(rules: RuleSet) -> tuple[Appointment, ...]:
    return tuple(replace(one, line=0, document="", description="") for one in rules.administration)


def _change(key: str, had: Entitlement | None, has: Entitlement | None) -> RoleChange | None:
    if had is None or has is None:
        kind = Kind.GAINS if had is None else Kind.LOSES
        one = has or had
        return None if one is None else RoleChange(kind, one.rule, key, terms_of(one), one.because)
    if _terms(had) == _terms(has):
        return None
    return RoleChange(Kind.CHANGES, has.rule, key, _both(had, has), has.because)


def terms_of(one: Entitlement) -> str:
    """How long, until when and how much, in a few words."""
    words = format_duration(one.max_duration)
    if one.ends_at is not None:
        words = Sentence("%(terms)s, until %(instant)s", terms=words, instant=f"{one.ends_at:%Y-%m-%d %H:%M} UTC")
    if one.policy is not None or one.policy_arns:
        words = Sentence("%(terms)s, with a session policy", terms=words)
    return words


def _both(had: Entitlement, has: Entitlement) -> str:
    one, other = terms_of(had), terms_of(has)
    if one != other:
        return Sentence("%(before)s -> %(after)s", before=one, after=other)
    return Sentence("%(terms)s, other %(what)s", terms=one, what=_what_differs(had, has))


def _what_differs(had: Entitlement, has: Entitlement) -> str:
    policy, tags = Sentence("session policy"), Sentence("tags")
    names = {"policy": policy, "policy_arns": policy, "tags": tags, "transitive_tags": tags}
    names |= {"source_identity": Sentence("source identity"), "agents": Sentence("what agents may have")}
    found = dict.fromkeys(words for name, words in names.items() if getattr(had, name) != getattr(has, name))
    told = ""
    for words in found:
        told = Sentence("%(this)s and %(that)s", this=told, that=words) if told else words
    return told or Sentence("account")


def _terms(one: Entitlement) -> Mapping[str, object]:
    names = ("account", "max_duration", "tags", "transitive_tags", "source_identity", "policy_arns", "policy", "agents")
    return {name: getattr(one, name) for name in (*names, "ends_at", "role_arn")}
