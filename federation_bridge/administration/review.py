"""Who can reach what, by which rule, used when: the review of access, one line after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.third_person import about_them
from federation_bridge.audit import printable
from federation_bridge.errors import NotFound
from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.mapping.reach import Reach, Reached, Reaching
from federation_bridge.model import PersonSeen
from federation_bridge.sentence import Sentence

INCOMPLETE = "incomplete"
"""A line about a person whose groups are not all known: there may be more, and nothing of it is granted."""
NOBODY = "nobody"
"""A line about a role that rules can reach, and that nobody who was seen has."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is asked about; what is empty narrows nothing."""

    account: str = ""
    """Id or name."""
    role: str = ""
    """Name, or `account/role`."""
    group: str = ""
    """What people have because they are in this group."""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a review is made from."""

    rules: RuleSet
    people: Iterable[PersonSeen]
    last_uses: Mapping[tuple[str, str, str], datetime]
    """By person (printable), account and role."""
    rules_since: Mapping[str, datetime]
    """Since when each rule is as it is now."""


@dataclass(frozen=True, slots=True)
class Access:
    """One line of the review. Instants are of the present rulebook and of what is still remembered."""

    kind: str
    """`has`, `from-elsewhere`, `denied` (`reach.Reach`), `incomplete` or `nobody`."""
    account: str = ""
    account_name: str = ""
    role: str = ""
    person: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    """Those that the rule asks about."""
    rule: str = ""
    owner: str = ""
    """Whom to ask about the rule."""
    terms: str = ""
    because: str = ""
    rule_since: datetime | None = None
    """Since when the rule is as it is now, as far as versions are known."""
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    last_used: datetime | None = None
    """When a grant of it left the bridge last."""
    never_used: bool = False
    """As far back as the audit goes; false where there is nothing to use."""
    note: str = ""


def review(facts: Facts, narrowed: Narrowed, now: datetime) -> Iterator[Access]:
    """The lines, person after person, then roles that nobody has; NotFound for an unknown account or role.

    People are read once and forgotten: what stays in memory is what rules, roles and uses there are.
    """
    _check(facts.rules, narrowed)
    return _lines(facts, narrowed, now)


def _lines(facts: Facts, narrowed: Narrowed, now: datetime) -> Iterator[Access]:
    reaching = Reaching(facts.rules, now)
    telling = _Telling(facts)
    had: set[str] = set()
    for seen in facts.people:
        reached = reaching.of(seen.identity)
        had.update(one.role for one in reached if one.reach is not Reach.DENIED)
        wanted = [one for one in reached if _is_wanted(one, narrowed, facts.rules)]
        yield from (telling.access(seen, one) for one in wanted)
        if seen.identity.groups.why_incomplete is not None and _may_be_in(seen, narrowed):
            yield telling.incomplete(seen)
    if not narrowed.group and not narrowed.person:
        yield from _nobodys(facts.rules, narrowed, had)


def _check(rules: RuleSet, narrowed: Narrowed) -> None:
    register = rules.register
    accounts = {name for one in register.accounts.values() for name in (one.id, one.name)}
    if narrowed.account and narrowed.account not in accounts:
        raise NotFound(f"no account {narrowed.account!r} is registered{did_you_mean(narrowed.account, accounts)}")
    keys = {f"{one.id}/{role}" for one in register.accounts.values() for role in one.roles}
    known = keys | {key.partition("/")[2] for key in keys}
    if narrowed.role and narrowed.role not in known:
        raise NotFound(f"no role {narrowed.role!r} is registered{did_you_mean(narrowed.role, known)}")


def _is_wanted(one: Reached, narrowed: Narrowed, rules: RuleSet) -> bool:
    return _is_of(one.role, narrowed, rules) and (not narrowed.group or narrowed.group in one.groups)


def _is_of(key: str, narrowed: Narrowed, rules: RuleSet) -> bool:
    account, _, role = key.partition("/")
    is_there = narrowed.account in ("", account, rules.register.accounts[account].name)
    return is_there and narrowed.role in ("", role, key)


def _may_be_in(seen: PersonSeen, narrowed: Narrowed) -> bool:
    # In which groups they are is what is not known: so every question may be about them.
    return not narrowed.person or narrowed.person == seen.identity.person


def _nobodys(rules: RuleSet, narrowed: Narrowed, had: set[str]) -> Iterator[Access]:
    by_role: dict[str, list[str]] = {}
    for rule, keys in rules.reachable().items():
        for key in keys:
            by_role.setdefault(key, []).append(rule)
    for key in sorted(by_role.keys() - had):
        if _is_of(key, narrowed, rules):
            account, _, role = key.partition("/")
            name = rules.register.accounts[account].name
            yield Access(NOBODY, account, name, role, rule=", ".join(by_role[key]), note="nobody who was seen has it")


class _Telling:
    """Makes lines, with what is known of rules and uses."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._since = facts.rules_since
        self._owners = {rule.id: rule.owner for rule in facts.rules.rules}

    def access(self, seen: PersonSeen, one: Reached) -> Access:
        """One role of one person."""
        account, _, role = one.role.partition("/")
        used = self._facts.last_uses.get((printable(seen.identity.person), account, role))
        return Access(
            kind=one.reach.value,
            account=account,
            account_name=self._facts.rules.register.accounts[account].name,
            role=role,
            person=seen.identity.person,
            name=seen.identity.name,
            groups=one.groups,
            rule=one.rule,
            owner=self._owners[one.rule],
            terms=one.terms,
            because="; ".join(map(about_them, one.because)),
            rule_since=self._since.get(one.rule),
            first_seen=seen.first_seen_at,
            last_seen=seen.last_seen_at,
            last_used=used,
            never_used=used is None and one.reach is not Reach.DENIED,
            note=_note(one),
        )

    def incomplete(self, seen: PersonSeen) -> Access:
        """That more than the lines of this person may be theirs."""
        return Access(
            kind=INCOMPLETE,
            person=seen.identity.person,
            name=seen.identity.name,
            first_seen=seen.first_seen_at,
            last_seen=seen.last_seen_at,
            note=Sentence("the groups are incomplete: %(why)s", why=seen.identity.groups.why_incomplete or ""),
        )


def _note(one: Reached) -> str:
    if one.denied_by:
        return Sentence("denied by rule %(rule)s", rule=one.denied_by)
    if one.reach is Reach.FROM_ELSEWHERE:
        return Sentence("depends on the request, such as its network: not from every place, or not at every time")
    return ""
