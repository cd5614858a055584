"""The roles of an account in the register, each with what AWS and the bridge let nobody have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from federation_bridge.aws_limits import LEAST_MAX_SESSION, LONGEST_SESSION, ROLE_NAME, ROLE_PATH
from federation_bridge.mapping.account_details import parse_description
from federation_bridge.mapping.document import Node, refuse, text
from federation_bridge.mapping.duration import duration
from federation_bridge.mapping.entries import Entries, each_item
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.model import Role

_RESERVED_NAMES = ("awsreservedsso_",)
_RESERVED_PATHS = ("/aws-reserved/", "/aws-service-role/")
"""Roles that AWS makes for itself, in lower case: nobody can let the bridge into their trust policies."""
_ROLE_FIELDS = ("name", "path", "max_session", "web_identity_file", "description")


def parse_registered_roles(entry: Entries, provider: str, reserved: str) -> Mapping[str, Role]:
    """The roles of this account by name; every mistake is kept among those of the entry."""
    roles: dict[str, Role] = {}
    for item in each_item(entry.values.get("roles"), "`roles`", entry.mistakes):
        role = entry.mistakes.read(partial(_role, item, entry.mistakes), Role(""))
        with entry.mistakes.collected():
            if role.web_identity_file and provider and ":oidc-provider/" not in provider:
                refuse(item, "`web_identity_file` needs an account whose provider is an OIDC provider")
            _check_road(role, provider, item)
            # IAM tells role names apart without regard to case.
            if reserved and role.name.lower() == reserved.lower():
                refuse(
                    item,
                    "role %(name)s is the bridge's own: it ends sessions, and nobody is granted it",
                    name=repr(role.name),
                )
            if role.name and role.name.lower() in {name.lower() for name in roles}:
                refuse(item, "role %(name)s stands here twice", name=repr(role.name))
        roles.setdefault(role.name, role)
    return roles


def _check_road(role: Role, provider: str, node: Node) -> None:
    # The assertion names role and provider as one text, joined by a comma, and AWS takes it apart at the first one.
    if "," in f"{role.path}{role.name}" and ":saml-provider/" in provider:
        refuse(
            node,
            "role %(path)s%(name)s has a comma, which AWS cannot read with a SAML provider",
            path=role.path,
            name=role.name,
        )
    if role.name.lower().startswith(_RESERVED_NAMES) or role.path.lower().startswith(_RESERVED_PATHS):
        refuse(
            node,
            "role %(path)s%(name)s is one that AWS keeps for itself: nobody but AWS can assume it",
            path=role.path,
            name=role.name,
        )


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
        refuse(
            node,
            "%(path)s is not a path: write at most 512 characters, with / at the beginning and the end, such as "
            "/teams/",
            path=repr(path),
        )
    return path


def _max_session(node: Node) -> timedelta:
    return duration(node, "max_session", LEAST_MAX_SESSION)


def _web_identity_file(node: Node, entry: Entries) -> bool:
    written = text(node, "`web_identity_file`")
    if written not in ("true", "false"):
        refuse(node, "`web_identity_file` is true or false")
    if written == "true" and "max_session" not in entry:
        refuse(node, "a role with `web_identity_file` names its `max_session`: what AWS issues for it at most")
    return written == "true"


def parse_role_name(node: Node) -> str:
    """The name of a role in IAM."""
    name = text(node, "a role name")
    if not ROLE_NAME.fullmatch(name):
        refuse(node, "%(name)s is not a role name: at most 64 of A-Z a-z 0-9 and _+=,.@-", name=repr(name))
    return name
