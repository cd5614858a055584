"""`aws onboard`: the register's accounts planned, and written in the format of a tool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.administration.account_plans import additions, chosen, ours
from federation_bridge.aws.onboarding import files_of, planned
from federation_bridge.aws.onboarding.plan import OWN_TAGS, warnings
from federation_bridge.aws_limits import MOST_POLICY_ARNS, MOST_TAGS, tag_key_mistake, tag_value_mistake
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import Node, fields, read_document, refuse, texts
from federation_bridge.model import Account
from federation_bridge.operate.opening import looking_at
from federation_bridge.operate.written_files import write_below
from federation_bridge.settings import Settings

_ARN = re.compile(
    r"arn:(?:\{partition\}|aws|aws-cn|aws-us-gov|aws-eusc):iam::(?:aws|\{account\}|[0-9]{12}):"
    r"policy/[A-Za-z0-9_+=,.@/-]{1,512}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Onboarding:
    """The files by name, and what the operator has to know before using them."""

    files: Mapping[str, str]
    warnings: tuple[str, ...]

    def only_text(self) -> str:
        """The one file's text; ConfigurationInvalid where there are several."""
        if len(self.files) != 1:
            raise ConfigurationInvalid(f"this makes {len(self.files)} files: name a folder with --to")
        return next(iter(self.files.values()))


def ids_of(accounts: str) -> tuple[str, ...]:
    """The ids in a list with commas."""
    return tuple(dict.fromkeys(one.strip() for one in accounts.split(",") if one.strip()))


def onboard(
    settings: Settings, ids: tuple[str, ...], form: str, *, policies: Path | None = None, tags: Iterable[str] = ()
) -> Onboarding:
    """What the accounts with these ids need, or all registered ones, with the operator's managed policies and tags.

    Raises:
        ConfigurationInvalid: an account, a role or a format is not known, or AWS would refuse a policy or a tag.
    """
    own_tags = _tags(tags)
    with looking_at(settings) as parts:
        accounts = chosen(parts.rulebook.in_force.register.accounts, ids)
        told = ours(settings, parts.keys, accounts)
    added = additions(settings, own_tags, _policies(policies, accounts) if policies else {})
    plans = [planned(account, additions=added, **told) for account in accounts]
    return Onboarding(files_of(plans, form), tuple(one for plan in plans for one in warnings(plan)))


def write(made: Onboarding, folder: Path) -> tuple[Path, ...]:
    """The files, written below the folder; ConfigurationInvalid where one cannot be."""
    return tuple(write_below(folder, name, content.encode()) for name, content in made.files.items())


def _tags(written: Iterable[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for one in written:
        key, equals, value = one.partition("=")
        if not equals:
            raise ConfigurationInvalid(f"--tag {one!r} is not KEY=VALUE")
        if mistake := tag_key_mistake(key) or tag_value_mistake(value):
            raise ConfigurationInvalid(f"--tag {one!r} {mistake}")
        # IAM tells tag keys apart without regard to case.
        if key.lower() in {known.lower() for known in (*tags, *OWN_TAGS)}:
            raise ConfigurationInvalid(f"--tag {key!r} is given already")
        tags[key] = value
    if len(tags) + len(OWN_TAGS) > MOST_TAGS:
        raise ConfigurationInvalid(f"AWS takes {MOST_TAGS} tags at most, and {len(OWN_TAGS)} is ours")
    return tags


def _policies(path: Path, accounts: list[Account]) -> dict[str, tuple[str, ...]]:
    """Managed policies by ROLE or ACCOUNT/ROLE, as the file names them."""
    known = {name for account in accounts for role in account.roles for name in (role, f"{account.id}/{role}")}
    try:
        written = path.read_text(encoding="utf-8")
        node = read_document(written)
        return {name: _arns(listed) for name, listed in fields(node, "the file of policies", known).items()}
    except (OSError, UnicodeError) as problem:
        raise ConfigurationInvalid(f"{path} cannot be read: {problem}") from None
    except ConfigurationInvalid as mistake:
        raise ConfigurationInvalid(f"{path}: {mistake.detail}") from None


def _arns(node: Node) -> tuple[str, ...]:
    arns = texts(node, "the policies of a role")
    for arn in arns:
        if not _ARN.fullmatch(arn):
            refuse(node, "%(arn)s is not the ARN of a managed policy", arn=repr(arn))
    if len(arns) > MOST_POLICY_ARNS:
        refuse(node, "a role has at most %(most)s managed policies", most=str(MOST_POLICY_ARNS))
    return arns
