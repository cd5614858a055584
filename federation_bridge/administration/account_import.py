"""The register is brought up to a list of accounts: what differs, and the new text, in which the rest stays as it was.

A list knows ids, names and tags. What only the bridge needs of an account (provider, roles) comes from whoever imports:
nothing is guessed that could let somebody in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from federation_bridge.administration.accounts_given import GivenAccount, GivenAccounts
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import Register, load_register
from federation_bridge.mapping.document import refuse
from federation_bridge.mapping.item_editing import Item
from federation_bridge.mapping.look_alikes import drawn
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.positions import Position
from federation_bridge.mapping.register_editing import accounts_of, with_accounts
from federation_bridge.model import Account

_KINDS = ("saml-provider/", "oidc-provider/")


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """What whoever imports says."""

    roles: tuple[str, ...] = ()
    """Of new accounts; a list that names roles of an account goes before."""
    provider: str = ""
    """`saml-provider/NAME` or `oidc-provider/NAME` of new accounts; "": the one that all accounts have."""
    removes: bool = False
    """Accounts that are gone or have ended leave the register."""
    keeps_names: bool = False
    """Names of the register stay."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """An account whose name is another one in the list."""

    id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RegisterDifference:
    """How a list differs from the register; ids in order, and the new text."""

    written: str
    """The register as it would be."""
    new: tuple[GivenAccount, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    changed: tuple[str, ...] = ()
    """Accounts of which something else than the name changes."""
    gone: tuple[str, ...] = ()
    """In the register, and in no list."""
    ended: tuple[str, ...] = ()
    """In the register, and suspended or closed."""
    not_taken: tuple[str, ...] = ()
    """Not in the register, and suspended or closed."""
    removed: tuple[str, ...] = ()
    """Of those gone or ended, the ones that leave the register."""
    is_whole: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Ids of all that changes in the register."""
        renamed = (one.id for one in self.renamed)
        return frozenset((*(one.id for one in self.new), *renamed, *self.changed, *self.removed))


def difference(written: str, given: GivenAccounts, terms: ImportTerms) -> RegisterDifference:
    """How the register in this text differs from the list, and what it would say; nothing is changed.

    Raises ConfigurationInvalid with the place in the list: for names that only look alike, for new accounts of which
    something is missing, for `removes` where the list says itself that it is not whole.
    """
    register = load_register(written)
    old = accounts_of(written)
    active = {id_: one for id_, one in given.accounts.items() if not one.has_ended}
    new = tuple(one for id_, one in sorted(active.items()) if id_ not in old)
    known = {id_: one for id_, one in given.accounts.items() if id_ in old}
    wanted = {id_: _updated(old[id_], one, terms) for id_, one in known.items()}
    for id_, tags in given.tags.items():
        if id_ in old:
            wanted[id_] = _with_tags(wanted.get(id_, old[id_]), tags)
    gone = tuple(sorted(old.keys() - given.accounts.keys())) if given.accounts else ()
    ended = tuple(sorted(known.keys() - active.keys()))
    removed = _removed(gone, ended, given, terms)
    changes: dict[str, Item | None] = {**wanted, **dict.fromkeys(removed)}
    _check_names(register, known, new, removed, terms)
    added = [_added(one, given.tags.get(one.id, one.tags), register, terms) for one in new]
    renamed = [Renamed(id_, str(old[id_].get("name", "")), str(item.get("name", ""))) for id_, item in wanted.items()]
    text = with_accounts(written, changes, added)
    load_register(text)
    return RegisterDifference(
        text,
        new,
        tuple(one for one in sorted(renamed, key=lambda one: one.id) if one.before != one.after),
        tuple(sorted(id_ for id_, item in wanted.items() if item != old[id_] | {"name": item.get("name", "")})),
        gone,
        ended,
        tuple(sorted(given.accounts.keys() - active.keys() - old.keys())),
        removed,
        given.is_whole,
    )


def _removed(gone: Sequence[str], ended: Sequence[str], given: GivenAccounts, terms: ImportTerms) -> tuple[str, ...]:
    if not terms.removes:
        return ()
    if gone and not given.is_whole:
        raise ConfigurationInvalid(
            "the list says itself that more pages follow (NextToken), so nobody knows which accounts are gone: "
            "give all pages, or remove nothing"
        )
    return tuple(sorted((*gone, *ended)))


def _updated(old: Item, given: GivenAccount, terms: ImportTerms) -> Item:
    """What the list says over what stands there; what it says nothing of stays."""
    name: Item = {"name": given.name} if given.name and not terms.keeps_names else {}
    return _with_tags(old | name | _details(given), given.tags)


def _details(given: GivenAccount) -> Item:
    said = {"description": given.description, "environment": given.environment, "color": given.color}
    return {key: value for key, value in said.items() if value}


def _with_tags(item: Item, tags: Mapping[str, str]) -> Item:
    """Tags that only stand in the register stay: somebody wrote them by hand."""
    if not tags:
        return item
    before = item.get("tags")
    return item | {"tags": (before if isinstance(before, dict) else {}) | dict(tags)}


def _added(given: GivenAccount, tags: Mapping[str, str], register: Register, terms: ImportTerms) -> Item:
    roles = given.roles or terms.roles
    if not roles:
        refuse(given.where, "account %(id)s is new: say which roles it has (--role, or a column `roles`)", id=given.id)
    if not given.name:
        refuse(given.where, "account %(id)s is new, and has no name", id=given.id)
    partition = given.partition or "aws"
    provider = terms.provider or _common_provider(register, given)
    item: Item = {"id": given.id, "name": given.name, **_details(given)}
    item = _with_tags(item, tags)
    # Which partition it is stands in the provider's ARN.
    return item | {"provider": f"arn:{partition}:iam::{given.id}:{provider}", "roles": list(roles)}


def _common_provider(register: Register, given: GivenAccount) -> str:
    """What the providers of all accounts are called, where that is one name."""
    names = {one.provider_arn.split(":", 5)[5] for one in register.accounts.values()}
    if len(names) != 1:
        refuse(
            given.where, "account %(id)s is new: say which provider it has (--provider saml-provider/NAME)", id=given.id
        )
    return names.pop()


def _check_names(
    register: Register,
    known: Mapping[str, GivenAccount],
    new: Sequence[GivenAccount],
    removed: Sequence[str],
    terms: ImportTerms,
) -> None:
    """Refuses a name from the list that people could take for that of another account."""
    mistakes = Mistakes()
    named = {} if terms.keeps_names else {id_: one.name for id_, one in known.items() if one.name}
    seen: dict[str, tuple[str, str]] = {}
    for account in register.accounts.values():
        if account.id not in removed:
            for name in _names(account, named):
                seen.setdefault(drawn(name), (account.id, name))
    for one in (*known.values(), *new):
        if not one.name or one.id in removed or (one.id in known and terms.keeps_names):
            continue
        whose, name = seen.setdefault(drawn(one.name), (one.id, one.name))
        if whose != one.id:
            with mistakes.collected():
                _refuse_twin(one, whose, name)
    mistakes.told()


def _names(account: Account, named: Mapping[str, str]) -> Iterator[str]:
    yield named.get(account.id, account.name)
    yield from account.aliases


def _refuse_twin(one: GivenAccount, whose: str, name: str) -> None:
    where: Position = one.where
    if one.name == name:
        refuse(
            where,
            "%(name)s is also the name of account %(whose)s: people tell accounts apart by name alone",
            name=ascii(one.name),
            whose=whose,
        )
    refuse(
        where,
        "%(name)s only looks like %(other)s, the name of account %(whose)s: people tell accounts apart by name alone",
        name=ascii(one.name),
        other=ascii(name),
        whose=whose,
    )


def lines_of(found: RegisterDifference, register: Register) -> Iterator[str]:
    """The difference in words, one line for each account."""
    yield from (f"new        {one.id}  {one.name}" for one in found.new)
    yield from (f"renamed    {one.id}  {one.before} -> {one.after}" for one in found.renamed)
    yield from (f"changed    {_named(id_, register)}" for id_ in found.changed)
    for word, ids in (("gone", found.gone), ("suspended", found.ended)):
        for id_ in ids:
            ends = "removed" if id_ in found.removed else "stays; --remove takes it out"
            yield f"{word:10} {_named(id_, register)}: {ends}"
    yield from (f"not taken  {id_}: suspended or closed" for id_ in found.not_taken)
    if not found.is_whole:
        yield "the list says itself that more pages follow (NextToken): what seems gone may stand on one of them"
    if not found.names:
        yield "nothing would change in the register"


def _named(id_: str, register: Register) -> str:
    account = register.accounts.get(id_)
    return f"{id_}  {account.name}" if account else id_
