"""The account register: every account, role and provider that anything may ever be issued for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from federation_bridge.aws_limits import ACCOUNT_ID, LEAST_MAX_SESSION, LONGEST_SESSION, ROLE_NAME, ROLE_PATH
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
    parse_description,
    parse_details,
)
from federation_bridge.mapping.document import Node, did_you_mean, items, read_document, refuse, text
from federation_bridge.mapping.duration import duration
from federation_bridge.mapping.entries import Entries, each_item
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.model import Account, Role

_Found = TypeVar("_Found")

_PROVIDER = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]{12}):"
    r"(?:saml-provider/[A-Za-z0-9_.-]{1,128}|oidc-provider/[a-z0-9.-]{1,253}(?:/[A-Za-z0-9_.~/-]{1,200})?)",
    re.ASCII,
)
_RESERVED_NAMES = ("awsreservedsso_",)
_RESERVED_PATHS = ("/aws-reserved/", "/aws-service-role/")
"""Roles that AWS makes for itself, in lower case: nobody can let the bridge into their trust policies."""
_ACCOUNT_FIELDS = ("id", "name", "partition", "provider", "region", "sign_in_regions", "roles", *DETAILS)
_ACCOUNT_NEEDS = ("id", "name", "provider", "roles")
_ROLE_FIELDS = ("name", "path", "max_session", "web_identity_file", "description")


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


def load_register(written: str, issuer: str = "") -> Register:
    """The register in this YAML text; ConfigurationInvalid with place and reason of every mistake where it is not one.

    `issuer` is ours on the OIDC road: a provider of another issuer would never believe us, and the trust policy that
    we print for it could be met by nobody. "": not known, as where a register is only looked at.
    """
    read = read_register(written, issuer)
    read.mistakes.told()
    return read.register


def read_register(written: str, issuer: str = "") -> RegisterRead:
    """What this YAML text says as a register, and all its mistakes; raises as `document.read_document` alone."""
    mistakes = Mistakes()
    document = Entries.of(
        read_document(written, names_placed=True), "the register", ("version", "accounts"), mistakes, ("accounts",)
    )
    document.read("version", _check_version, None)
    reading = _Reading(issuer, mistakes)
    for node in each_item(document.values.get("accounts"), "`accounts`", mistakes):
        with mistakes.collected():
            reading.add(node)
    role_names = frozenset(name for account in reading.accounts.values() for name in account.roles)
    register = Register(reading.accounts, hashlib.sha256(written.encode()).hexdigest(), role_names)
    return RegisterRead(register, mistakes, reading.names_all and bool(reading.accounts))


def _check_version(node: Node) -> None:
    if text(node, "the version") != "1":
        refuse(node, "this is not version 1 of the register")


class _Reading:
    """The accounts of one register, as far as they are read."""

    def __init__(self, issuer: str, mistakes: Mistakes) -> None:
        self._issuer = issuer
        self._mistakes = mistakes
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
            refuse(entry.where("id"), f"account {account.id} stands in the register twice")
        self.accounts[account.id] = account

    def _check_names(self, account: Account, entry: Entries) -> None:
        # People tell accounts apart by name alone, so names that differ in case only count as the same.
        whose = account.id or str(entry.node.place)
        for key, names in (("name", (account.name,)), ("aliases", account.aliases)):
            for name in filter(None, names):
                if self._names.setdefault(name.casefold(), whose) != whose:
                    with self._mistakes.collected():
                        refuse(entry.where(key), f"two accounts are named {name!r}")

    def _account(self, entry: Entries) -> Account:
        number = entry.read("id", parse_account_id, "")
        name = entry.read("name", parse_account_name, "")
        arn, partition = entry.read("provider", lambda node: _provider(node, number, self._issuer), ("", ""))
        said = entry.read("partition", parse_partition, partition)
        if partition and said != partition:
            with self._mistakes.collected():
                refuse(entry.where("partition"), f"the provider of account {number} belongs to partition {partition}")
        lies_in = partition or said or "aws"
        region = entry.read("region", lambda node: _region(node, lies_in), USUAL_REGION[lies_in])
        sign_in_regions: tuple[str, ...] = self._mistakes.read(lambda: _sign_in_regions(entry, lies_in), ())
        roles = _roles(entry, arn)
        return Account(number, name, partition, arn, region, roles, sign_in_regions, **parse_details(entry))


def parse_account_id(node: Node) -> str:
    """The id of an account."""
    number = text(node, "an account id")
    if not ACCOUNT_ID.fullmatch(number):
        refuse(node, f"{number!r} is not an account id: it has 12 digits, 0 to 9")
    return number


def parse_account_name(node: Node) -> str:
    """What people call an account."""
    name = text(node, "an account name")
    if len(name) > LONGEST_NAME:
        refuse(node, f"an account name has at most {LONGEST_NAME} characters")
    return name


def parse_partition(node: Node) -> str:
    """One of AWS's partitions."""
    partition = text(node, "a partition")
    if partition not in REGIONS:
        refuse(node, f"there is no partition {partition!r}{did_you_mean(partition, REGIONS)}")
    return partition


def _provider(node: Node, number: str, issuer: str) -> tuple[str, str]:
    arn = text(node, "a provider")
    match = _PROVIDER.fullmatch(arn)
    if match is None or match["partition"] not in REGIONS:
        refuse(node, f"{arn!r} is not the ARN of an IAM SAML or OIDC provider")
    if number and match["account"] != number:
        refuse(node, f"the provider belongs to account {match['account']}, not to {number}")
    name = arn.partition(":oidc-provider/")[2]
    if issuer and name and f"https://{name}" != issuer:
        ours = arn.removesuffix(name) + issuer.removeprefix("https://")
        meant = f"; did you mean {ours!r}?" if _PROVIDER.fullmatch(ours) else ", for which AWS has no providers"
        refuse(node, f"the provider is that of https://{name}, and the bridge's issuer is {issuer}{meant}")
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
        refuse(node, f"partition {partition} has one sign-in endpoint for all regions: leave `sign_in_regions` out")
    found: list[str] = []
    for item in items(node, "`sign_in_regions`"):
        with entry.mistakes.collected():
            region = text(item, "a region")
            if region not in known:
                what = f"{region!r} is not a region of partition {partition} with a sign-in endpoint"
                refuse(item, f"{what}{did_you_mean(region, known)}")
            if region in found:
                refuse(item, f"region {region!r} stands here twice")
            found.append(region)
    if len(found) > MOST_SIGN_IN_REGIONS:
        refuse(node, f"`sign_in_regions` names at most {MOST_SIGN_IN_REGIONS}: a trust policy lists them all")
    return tuple(found)


def _roles(entry: Entries, provider: str) -> Mapping[str, Role]:
    roles: dict[str, Role] = {}
    for item in each_item(entry.values.get("roles"), "`roles`", entry.mistakes):
        role = entry.mistakes.read(partial(_role, item, entry.mistakes), Role(""))
        with entry.mistakes.collected():
            if role.web_identity_file and provider and ":oidc-provider/" not in provider:
                refuse(item, "`web_identity_file` needs an account whose provider is an OIDC provider")
            _check_road(role, provider, item)
            # IAM tells role names apart without regard to case.
            if role.name and role.name.lower() in {name.lower() for name in roles}:
                refuse(item, f"role {role.name!r} stands here twice")
        roles.setdefault(role.name, role)
    return roles


def _check_road(role: Role, provider: str, node: Node) -> None:
    # The assertion names role and provider as one text, joined by a comma, and AWS takes it apart at the first one.
    if "," in f"{role.path}{role.name}" and ":saml-provider/" in provider:
        refuse(node, f"role {role.path}{role.name} has a comma, which AWS cannot read with a SAML provider")
    if role.name.lower().startswith(_RESERVED_NAMES) or role.path.lower().startswith(_RESERVED_PATHS):
        refuse(node, f"role {role.path}{role.name} is one that AWS keeps for itself: nobody but AWS can assume it")


def _role(node: Node, mistakes: Mistakes) -> Role:
    if isinstance(node.value, str):
        return Role(parse_role_name(node))
    entry = Entries.of(node, "a role", _ROLE_FIELDS, mistakes, ("name",))
    return Role(
        entry.read("name", parse_role_name, ""),
        entry.read("path", _path, "/"),
        entry.read("max_session", _max_session, LONGEST_SESSION),
        entry.read("web_identity_file", lambda value: _web_identity_file(value, entry), instead=False),
        entry.read("description", parse_description, ""),
    )


def _path(node: Node) -> str:
    path = text(node, "a path")
    if not ROLE_PATH.fullmatch(path):
        refuse(node, f"{path!r} is not a path: at most 512 characters that begin and end with /, as /teams/")
    return path


def _max_session(node: Node) -> timedelta:
    return duration(node, "max_session", LEAST_MAX_SESSION)


def _web_identity_file(node: Node, entry: Entries) -> bool:
    written = text(node, "`web_identity_file`")
    if written not in ("true", "false"):
        refuse(node, "`web_identity_file` is true or false")
    if written == "true" and "max_session" not in entry:
        refuse(node, "a role with `web_identity_file` names its `max_session`: what AWS sells for it at most")
    return written == "true"


def parse_role_name(node: Node) -> str:
    """The name of a role in IAM."""
    name = text(node, "a role name")
    if not ROLE_NAME.fullmatch(name):
        refuse(node, f"{name!r} is not a role name: at most 64 of A-Z a-z 0-9 and _+=,.@-")
    return name
