"""`aws check`: the accounts as they are, or exports of them, held against the register. Writes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from federation_bridge.app import utc_now
from federation_bridge.aws import issuer
from federation_bridge.aws.account_check import Difference, RealAccount, RealRole, differences
from federation_bridge.aws.account_reading import AccountReader
from federation_bridge.aws.onboarding import AccountPlan, Additions, planned
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.onboarding import chosen
from federation_bridge.operate.opening import looking_at
from federation_bridge.settings import Settings
from federation_bridge.shown_text import shown

_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):.+", re.ASCII)
_ROLE_NAME = re.compile(r"(?:[A-Za-z0-9_+=,.@-]{1,64}/){0,8}[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
_LARGEST = 100_000_000


def checked(settings: Settings, ids: tuple[str, ...], folder: Path) -> tuple[Difference, ...]:
    """Every difference of these exported accounts, or of all registered ones. Calls nobody.

    ConfigurationInvalid for an unknown account.
    """
    plans = _plans(settings, ids)
    real = accounts_in(folder)
    none = RealAccount({}, problem=f"{folder} has no export of this account")
    return tuple(one for plan in plans for one in differences(plan, real.get(plan.id, none)))


def checked_live(settings: Settings, ids: tuple[str, ...], role_name: str = "") -> tuple[Difference, ...]:
    """Every difference of these accounts as they are now, read with the operator's own credentials.

    In accounts of which they are not, the role with this name is assumed. ConfigurationInvalid for an unknown account
    or a name that no role can have.
    """
    if role_name and not _ROLE_NAME.fullmatch(role_name):
        raise ConfigurationInvalid(f"--role-name {role_name!r} is no name that a role can have")
    plans = _plans(settings, ids, with_keys=True)
    reader = AccountReader(settings.aws, settings.outgoing, utc_now, role_name)
    return tuple(one for plan in plans for one in differences(plan, reader.read(plan)))


def _plans(settings: Settings, ids: tuple[str, ...], *, with_keys: bool = False) -> list[AccountPlan]:
    document = b""
    with looking_at(settings) as parts:
        accounts = chosen(parts.rulebook.in_force.register.accounts, ids)
        if with_keys and any(account.road == "saml" for account in accounts):
            document = issuer.saml_metadata(parts.keys, settings.saml_entity_id, settings.base_url)
    ours = {"entity_id": settings.saml_entity_id, "issuer": settings.issuer, "metadata": document.decode()}
    return [planned(account, additions=Additions(), **ours) for account in accounts]


def lines(found: tuple[Difference, ...]) -> Iterator[str]:
    """The differences for a person, and once for each role the trust policy to paste."""
    if not found:
        yield "Everything is as the register needs it."
    for one in found:
        # What stands in an account was written by others, and must not steer the terminal.
        yield f"{one.kind:7} {one.subject}: {shown(one.sentence, '?')}"
    for subject, trust in {one.subject: one.trust for one in found if one.trust}.items():
        yield f"\nThe trust policy of {subject}:\n{json.dumps(trust, indent=2)}"


def accounts_in(folder: Path) -> dict[str, RealAccount]:
    """The accounts that the JSON files of this folder tell of, by id.

    The outputs of `aws iam get-account-authorization-details`, `list-roles`, `list-saml-providers` and
    `list-open-id-connect-providers`, in any number of files. ConfigurationInvalid for any other file.
    """
    roles: dict[str, dict[str, RealRole]] = {}
    providers: dict[str, set[str]] = {}
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ConfigurationInvalid(f"{folder} has no .json file: export the accounts first")
    for path in paths:
        document = _read(path)
        try:
            for name, account, role in _roles(document):
                known = roles.setdefault(account, {})
                known[name] = _joined(known.get(name), role)
            for kind in ("SAMLProviderList", "OpenIDConnectProviderList"):
                for one in document.get(kind, ()):
                    providers.setdefault(_account_of(one["Arn"]), set()).add(one["Arn"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ConfigurationInvalid(f"{path} is not an output of `aws iam` that this command knows") from None
    return {
        one: RealAccount(roles.get(one, {}), frozenset(providers[one]) if one in providers else None)
        for one in {*roles, *providers}
    }


def _roles(document: dict[str, Any]) -> Iterator[tuple[str, str, RealRole]]:
    for one in (*document.get("RoleDetailList", ()), *document.get("Roles", ())):
        trust = one["AssumeRolePolicyDocument"]
        # Some tools keep the document as IAM's API sends it.
        trust = json.loads(unquote(trust)) if isinstance(trust, str) else trust
        yield one["RoleName"], _account_of(one["Arn"]), RealRole(one["Path"], trust, one.get("MaxSessionDuration"))


def _joined(known: RealRole | None, role: RealRole) -> RealRole:
    """The same role from two exports: only one of them tells MaxSessionDuration."""
    return known if known and role.max_session_seconds is None else role


def _account_of(arn: str) -> str:
    found = _ARN.fullmatch(arn)
    if found is None:
        raise ValueError(arn)
    return found[1]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigurationInvalid(f"{path} has more than {_LARGEST} bytes")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ConfigurationInvalid(f"{path} cannot be read as JSON: {problem}") from None
    if not isinstance(document, dict):
        raise ConfigurationInvalid(f"{path} is not an output of `aws iam` that this command knows")
    return document
