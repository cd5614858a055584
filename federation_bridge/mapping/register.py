"""The account register: every account, role and provider that anything may ever be issued for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from federation_bridge.aws_limits import ACCOUNT_ID
from federation_bridge.aws_regions import (
    MOST_SIGN_IN_REGIONS,
    REGIONS,
    SIGN_IN_REGIONS,
    USUAL_REGION,
    region_mistake,
)
from federation_bridge.mapping.account_details import (
    DETAILS,
    LONGEST_NAME,
    parse_details,
)
from federation_bridge.mapping.console_links import parse_links, parse_links_of_all
from federation_bridge.mapping.document import Node, did_you_mean, items, read_document, refuse, text
from federation_bridge.mapping.entries import Entries, each_item
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.registered_roles import parse_registered_roles
from federation_bridge.model import Account, ConsoleLink, Role
from federation_bridge.sentence import Sentence

_Found = TypeVar("_Found")

_PROVIDER = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]{12}):"
    r"(?:saml-provider/[A-Za-z0-9_.-]{1,128}|oidc-provider/[a-z0-9.-]{1,253}(?:/[A-Za-z0-9_.~/-]{1,200})?)",
    re.ASCII,
)
_ACCOUNT_FIELDS = ("id", "name", "partition", "provider", "region", "sign_in_regions", "roles", "links", *DETAILS)
_ACCOUNT_NEEDS = ("id", "name", "provider", "roles")


@dataclass(frozen=True, slots=True)
class Register:
    """The registered accounts by id. `digest` changes whenever the file does."""

    accounts: Mapping[str, Account]
    digest: str
    role_names: frozenset[str] = field(repr=False)
    """Every role name that some account allows."""
    _found: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def role(self, account: str, name: str) -> tuple[Account, Role] | None:
        """The registered account and role, or None: then nothing is ever issued for them."""
        found = self.accounts.get(account)
        return (found, found.roles[name]) if found and name in found.roles else None

    def once(self, question: Hashable, find: Callable[[], _Found]) -> _Found:
        """What `find` finds in this register for the question; asked again, the same."""
        if question not in self._found:
            self._found[question] = find()
        found: _Found = self._found[question]
        return found


@dataclass(frozen=True, slots=True)
class RegisterRead:
    """What could be read of a register that may have mistakes."""

    register: Register
    """Whole only where there are no mistakes."""
    mistakes: Mistakes
    names_all: bool
    """Whether ids, providers and names of roles could all be read: then rules can be read against it, too."""


def load_register(written: str, issuer: str = "", reserved_role: str = "") -> Register:
    """The register in this YAML text; ConfigurationInvalid with place and reason of every mistake where it is not one.

    `issuer` is ours on the OIDC road: a provider of another issuer would never believe us, and the trust policy that
    we print for it could be met by nobody. "": not known, as where a register is only looked at. `reserved_role` is the
    bridge's own: with it sessions are ended, and nobody may be granted it.
    """
    read = read_register(written, issuer, reserved_role)
    read.mistakes.told()
    return read.register


def read_register(written: str, issuer: str = "", reserved_role: str = "") -> RegisterRead:
    """What this YAML text says as a register, and all its mistakes; raises as `document.read_document` alone."""
    mistakes = Mistakes()
    document = Entries.of(
        read_document(written, names_placed=True),
        "the register",
        ("version", "links", "accounts"),
        mistakes,
        ("accounts",),
    )
    document.read("version", _check_version, None)
    reading = _Reading(issuer, reserved_role, mistakes, parse_links_of_all(document))
    for node in each_item(document.values.get("accounts"), "`accounts`", mistakes):
        with mistakes.collected():
            reading.add(node)
    role_names = frozenset(name for account in reading.accounts.values() for name in account.roles)
    register = Register(reading.accounts, hashlib.sha256(written.encode()).hexdigest(), role_names)
    return RegisterRead(register, mistakes, reading.names_all and bool(reading.accounts))


def _check_version(node: Node) -> None:
    if text(node, "the version") != "1":
        refuse(node, "the register must say `version: 1`")


class _Reading:
    """The accounts of one register, as far as they are read."""

    def __init__(self, issuer: str, reserved_role: str, mistakes: Mistakes, links: Sequence[ConsoleLink]) -> None:
        self._issuer = issuer
        self._reserved_role = reserved_role
        self._mistakes = mistakes
        self._links = links
        self._names: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.names_all = True

    def add(self, node: Node) -> None:
        """Reads one account more; ConfigurationInvalid where it is no mapping."""
        known = self.names_all
        self.names_all = False
        entry = Entries.of(node, "an account", _ACCOUNT_FIELDS, self._mistakes, _ACCOUNT_NEEDS)
        account = self._account(entry)
        self.names_all = known and bool(account.id and account.provider_arn and account.roles and all(account.roles))
        self._check_names(account, entry)
        if account.id and account.id in self.accounts:
            refuse(entry.where("id"), "account %(id)s stands in the register twice", id=account.id)
        self.accounts[account.id] = account

    def _check_names(self, account: Account, entry: Entries) -> None:
        # People tell accounts apart by name alone, so names that differ in case only count as the same.
        whose = account.id or str(entry.node.position)
        for key, names in (("name", (account.name,)), ("aliases", account.aliases)):
            for name in filter(None, names):
                if self._names.setdefault(name.casefold(), whose) != whose:
                    with self._mistakes.collected():
                        refuse(entry.where(key), "two accounts are named %(name)s", name=repr(name))

    def _account(self, entry: Entries) -> Account:
        number = entry.read("id", parse_account_id, "")
        name = entry.read("name", parse_account_name, "")
        arn, partition = entry.read("provider", lambda node: _provider(node, number, self._issuer), ("", ""))
        said = entry.read("partition", parse_partition, partition)
        if partition and said != partition:
            with self._mistakes.collected():
                refuse(
                    entry.where("partition"),
                    "the provider of account %(number)s belongs to partition %(partition)s",
                    number=number,
                    partition=partition,
                )
        lies_in = partition or said or "aws"
        region = entry.read("region", lambda node: _region(node, lies_in), USUAL_REGION[lies_in])
        sign_in_regions: tuple[str, ...] = self._mistakes.read(lambda: _sign_in_regions(entry, lies_in), ())
        roles = parse_registered_roles(entry, arn, self._reserved_role)
        links = tuple(parse_links(entry, lies_in, region, self._links))
        details = parse_details(entry)
        return Account(number, name, partition, arn, region, roles, sign_in_regions, **details, links=links)


def parse_account_id(node: Node) -> str:
    """The id of an account."""
    number = text(node, "an account id")
    if not ACCOUNT_ID.fullmatch(number):
        refuse(node, "%(number)s is not an account id: it has 12 digits, 0 to 9", number=repr(number))
    return number


def parse_account_name(node: Node) -> str:
    """What people call an account."""
    name = text(node, "an account name")
    if len(name) > LONGEST_NAME:
        refuse(node, "an account name has at most %(most)s characters", most=str(LONGEST_NAME))
    return name


def parse_partition(node: Node) -> str:
    """One of AWS's partitions."""
    partition = text(node, "a partition")
    if partition not in REGIONS:
        refuse(
            node,
            "there is no partition %(partition)s%(near)s",
            partition=repr(partition),
            near=did_you_mean(partition, REGIONS),
        )
    return partition


def _provider(node: Node, number: str, issuer: str) -> tuple[str, str]:
    arn = text(node, "a provider")
    match = _PROVIDER.fullmatch(arn)
    if match is None or match["partition"] not in REGIONS:
        refuse(node, "%(arn)s is not the ARN of an IAM SAML or OIDC provider", arn=repr(arn))
    if number and match["account"] != number:
        refuse(
            node,
            "the provider belongs to account %(account)s, not to %(number)s",
            account=match["account"],
            number=number,
        )
    name = arn.partition(":oidc-provider/")[2]
    if issuer and name and f"https://{name}" != issuer:
        ours = arn.removesuffix(name) + issuer.removeprefix("https://")
        meant = Sentence(", for which AWS has no providers")
        if _PROVIDER.fullmatch(ours):
            meant = Sentence("; did you mean %(near)s?", near=repr(ours))
        refuse(
            node,
            "the provider is that of https://%(name)s, and the bridge's issuer is %(issuer)s%(meant)s",
            name=name,
            issuer=issuer,
            meant=meant,
        )
    return arn, match["partition"]


def _region(node: Node, partition: str) -> str:
    region = text(node, "a region")
    if mistake := region_mistake(region, partition):
        refuse(node, mistake)
    return region


def _sign_in_regions(entry: Entries, partition: str) -> tuple[str, ...]:
    if "sign_in_regions" not in entry:
        return ()
    node, known = entry.where("sign_in_regions"), SIGN_IN_REGIONS[partition]
    if not known:
        refuse(
            node,
            "partition %(partition)s has one sign-in endpoint for all regions: leave `sign_in_regions` out",
            partition=partition,
        )
    found: list[str] = []
    for item in items(node, "`sign_in_regions`"):
        with entry.mistakes.collected():
            region = text(item, "a region")
            if region not in known:
                refuse(
                    item,
                    "%(region)s is not a region of partition %(partition)s with a sign-in endpoint%(near)s",
                    region=repr(region),
                    partition=partition,
                    near=did_you_mean(region, known),
                )
            if region in found:
                refuse(item, "region %(region)s stands here twice", region=repr(region))
            found.append(region)
    if len(found) > MOST_SIGN_IN_REGIONS:
        refuse(
            node,
            "`sign_in_regions` names at most %(most)s: a trust policy lists them all",
            most=str(MOST_SIGN_IN_REGIONS),
        )
    return tuple(found)
