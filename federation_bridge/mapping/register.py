"""The account register: every account, role and provider that anything may ever be issued for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from federation_bridge.aws_limits import ACCOUNT_ID, LEAST_MAX_SESSION, LONGEST_SESSION, ROLE_NAME, ROLE_PATH
from federation_bridge.aws_regions import (
    MOST_SIGN_IN_REGIONS,
    REGIONS,
    SIGN_IN_REGIONS,
    USUAL_REGION,
    region_mistake,
)
from federation_bridge.durations import format_duration, parse_duration
from federation_bridge.mapping.account_details import (
    DETAILS,
    LONGEST_NAME,
    description_schema,
    details_schema,
    parse_description,
    parse_details,
)
from federation_bridge.mapping.document import Node, did_you_mean, fields, items, read_document, refuse, text
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


def load_register(written: str, issuer: str = "") -> Register:
    """The register in this YAML text; ConfigurationInvalid with place and reason where it is not one.

    `issuer` is ours on the OIDC road: a provider of another issuer would never believe us, and the trust policy that
    we print for it could be met by nobody. "": not known, as where a register is only looked at.
    """
    document = fields(read_document(written), "the register", ("version", "accounts"), ("accounts",))
    if "version" in document and text(document["version"], "the version") != "1":
        refuse(document["version"], "this is not version 1 of the register")
    accounts: dict[str, Account] = {}
    names: dict[str, str] = {}
    mistakes = Mistakes()
    for node in items(document["accounts"], "`accounts`"):
        with mistakes.collected():
            account = _account(node, issuer)
            if account.id in accounts:
                refuse(node, f"account {account.id} stands in the register twice")
            # People tell accounts apart by name alone, so names that differ in case only count as the same.
            for name in (account.name, *account.aliases):
                if names.setdefault(name.casefold(), account.id) != account.id:
                    refuse(node, f"two accounts are named {name!r}")
            accounts[account.id] = account
    mistakes.told()
    role_names = frozenset(name for account in accounts.values() for name in account.roles)
    return Register(accounts, hashlib.sha256(written.encode()).hexdigest(), role_names)


def _account(node: Node, issuer: str) -> Account:
    entry = fields(node, "an account", _ACCOUNT_FIELDS, ("id", "name", "provider", "roles"))
    number = text(entry["id"], "an account id")
    if not ACCOUNT_ID.fullmatch(number):
        refuse(entry["id"], f"{number!r} is not an account id: it has 12 digits, 0 to 9")
    name = text(entry["name"], "an account name")
    if len(name) > LONGEST_NAME:
        refuse(entry["name"], "an account name has at most 64 characters")
    arn, partition = _provider(entry["provider"], number, issuer)
    if "partition" in entry and _partition(entry["partition"]) != partition:
        refuse(entry["partition"], f"the provider of account {number} belongs to partition {partition}")
    region = _region(entry.get("region"), partition)
    sign_in_regions = _sign_in_regions(entry["sign_in_regions"], partition) if "sign_in_regions" in entry else ()
    roles = _roles(entry["roles"], arn)
    return Account(number, name, partition, arn, region, roles, sign_in_regions, **parse_details(entry))


def _partition(node: Node) -> str:
    partition = text(node, "a partition")
    if partition not in REGIONS:
        refuse(node, f"there is no partition {partition!r}{did_you_mean(partition, REGIONS)}")
    return partition


def _provider(node: Node, number: str, issuer: str) -> tuple[str, str]:
    arn = text(node, "a provider")
    match = _PROVIDER.fullmatch(arn)
    if match is None or match["partition"] not in REGIONS:
        refuse(node, f"{arn!r} is not the ARN of an IAM SAML or OIDC provider")
    if match["account"] != number:
        refuse(node, f"the provider belongs to account {match['account']}, not to {number}")
    name = arn.partition(":oidc-provider/")[2]
    if issuer and name and f"https://{name}" != issuer:
        ours = arn.removesuffix(name) + issuer.removeprefix("https://")
        meant = f"; did you mean {ours!r}?" if _PROVIDER.fullmatch(ours) else ", for which AWS has no providers"
        refuse(node, f"the provider is that of https://{name}, and the bridge's issuer is {issuer}{meant}")
    return arn, match["partition"]


def _region(node: Node | None, partition: str) -> str:
    if node is None:
        return USUAL_REGION[partition]
    region = text(node, "a region")
    if mistake := region_mistake(region, partition):
        refuse(node, mistake)
    return region


def _sign_in_regions(node: Node, partition: str) -> tuple[str, ...]:
    known = SIGN_IN_REGIONS[partition]
    if not known:
        refuse(node, f"partition {partition} has one sign-in endpoint for all regions: leave `sign_in_regions` out")
    found: list[str] = []
    for item in items(node, "`sign_in_regions`"):
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


def _roles(node: Node, provider: str) -> Mapping[str, Role]:
    roles: dict[str, Role] = {}
    for item in items(node, "`roles`"):
        role = _role(item)
        if role.web_identity_file and ":oidc-provider/" not in provider:
            refuse(item, "`web_identity_file` needs an account whose provider is an OIDC provider")
        _check_road(role, provider, item)
        # IAM tells role names apart without regard to case.
        if role.name.lower() in {name.lower() for name in roles}:
            refuse(item, f"role {role.name!r} stands here twice")
        roles[role.name] = role
    return roles


def _check_road(role: Role, provider: str, node: Node) -> None:
    # The assertion names role and provider as one text, joined by a comma, and AWS takes it apart at the first one.
    if "," in f"{role.path}{role.name}" and ":saml-provider/" in provider:
        refuse(node, f"role {role.path}{role.name} has a comma, which AWS cannot read with a SAML provider")
    if role.name.lower().startswith(_RESERVED_NAMES) or role.path.lower().startswith(_RESERVED_PATHS):
        refuse(node, f"role {role.path}{role.name} is one that AWS keeps for itself: nobody but AWS can assume it")


def _role(node: Node) -> Role:
    if isinstance(node.value, str):
        return Role(_role_name(node))
    entry = fields(node, "a role", _ROLE_FIELDS, ("name",))
    path = text(entry["path"], "a path") if "path" in entry else "/"
    if not ROLE_PATH.fullmatch(path):
        refuse(entry["path"], f"{path!r} is not a path: at most 512 characters that begin and end with /, as /teams/")
    longest = LONGEST_SESSION
    if "max_session" in entry:
        longest = duration(entry["max_session"], "max_session", LEAST_MAX_SESSION)
    description = parse_description(entry["description"]) if "description" in entry else ""
    return Role(_role_name(entry["name"]), path, longest, _web_identity_file(entry), description)


def _web_identity_file(entry: Mapping[str, Node]) -> bool:
    if "web_identity_file" not in entry:
        return False
    node = entry["web_identity_file"]
    written = text(node, "`web_identity_file`")
    if written not in ("true", "false"):
        refuse(node, "`web_identity_file` is true or false")
    if written == "true" and "max_session" not in entry:
        refuse(node, "a role with `web_identity_file` names its `max_session`: what AWS sells for it at most")
    return written == "true"


def _role_name(node: Node) -> str:
    name = text(node, "a role name")
    if not ROLE_NAME.fullmatch(name):
        refuse(node, f"{name!r} is not a role name: at most 64 of A-Z a-z 0-9 and _+=,.@-")
    return name


def duration(node: Node, what: str, shortest: timedelta) -> timedelta:
    """A span between `shortest` and AWS's longest, 12 hours (aws: MaxSessionDuration, DurationSeconds)."""
    try:
        span = parse_duration(text(node, what))
    except ValueError as problem:
        refuse(node, str(problem))
    if not shortest <= span <= LONGEST_SESSION:
        refuse(node, f"`{what}` lies between {format_duration(shortest)} and 12h")
    return span


DURATION_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^(?=.)([0-9]{1,3}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?$",
    "description": "A span of time such as 30m, 1h or 1h30m.",
}


_NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "pattern": f"^{ROLE_NAME.pattern}$"}


def _role_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": _NAME_SCHEMA,
            "path": {"type": "string", "pattern": f"^{ROLE_PATH.pattern}$"},
            "max_session": DURATION_SCHEMA,
            "web_identity_file": {
                "enum": [True, False, "true", "false"],
                "description": "The trust policy pins the session name; MaxSessionDuration is `max_session`.",
            },
            "description": description_schema(),
        },
        "if": {"required": ["web_identity_file"], "properties": {"web_identity_file": {"enum": [True, "true"]}}},
        "then": {"required": ["max_session"]},
    }


def register_schema() -> dict[str, Any]:
    """The published JSON schema of the register (draft 2020-12)."""
    account = {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "name", "provider", "roles"],
        "properties": {
            "id": {"type": "string", "pattern": f"^{ACCOUNT_ID.pattern}$"},
            "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "partition": {"enum": list(REGIONS)},
            "provider": {"type": "string", "pattern": "^arn:", "description": "ARN of the IAM provider of the bridge."},
            "region": {"enum": [region for regions in REGIONS.values() for region in regions]},
            "sign_in_regions": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_SIGN_IN_REGIONS,
                "uniqueItems": True,
                "items": {"enum": sorted({one for known in SIGN_IN_REGIONS.values() for one in known})},
                "description": "Where people sign in to the console, the first before the others.",
            },
            "roles": {"type": "array", "minItems": 1, "items": {"anyOf": [_NAME_SCHEMA, _role_schema()]}},
            **details_schema(),
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Account register of the federation bridge",
        "type": "object",
        "additionalProperties": False,
        "required": ["accounts"],
        "properties": {
            "version": {"enum": [1, "1"]},
            "accounts": {"type": "array", "minItems": 1, "items": account},
        },
    }
