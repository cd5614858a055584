"""The person's roles: listed, found by part of their name, picked by hand, and checked before they reach any file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import CommandFailed, LocalFailure, RoleNotHeld, RoleRefused
from federation_bridge.cli.files import read_private, write_private
from federation_bridge.cli.i18n import few, printable, say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.model import JsonObject
from federation_bridge.role_search import Searchable, found

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_ABOUT = ("description", "account_description", "environment")
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):role/(?:.*/)?([^/]+)")
_NEAR = 3


@dataclass(frozen=True, slots=True)
class RoleOnOffer:
    """A role that the person may have right now, as the bridge lists it."""

    account: str
    account_name: str
    partition: str
    role: str
    role_arn: str
    max_duration: str
    because: tuple[str, ...] = ()
    region: str = ""
    """The account's usual region; without one AWS tools ask for it at every call."""
    description: str = ""
    """What the operator wrote about it."""
    account_description: str = ""
    environment: str = ""
    aliases: tuple[str, ...] = ()
    """Other names of the account."""
    tags: tuple[str, ...] = ()
    """Of the account, `name=value`."""
    is_favourite: bool = False
    recent: int = 0
    """Its place among those that the person uses, 1 for the one used most and latest; 0: never used."""

    @property
    def searchable(self) -> Searchable:
        """What it is found by."""
        names = (self.account_name, *self.aliases, self.account)
        texts = (self.description, self.account_description, self.environment, *self.tags)
        return Searchable.of(self.role, names, texts)

    @property
    def key(self) -> str:
        """`account/role`, by number."""
        return f"{self.account}/{self.role}"

    @property
    def name(self) -> str:
        """`account name/role`, as people say it."""
        return f"{self.account_name}/{self.role}"


def my_roles(context: Context, session: LocalSession) -> list[RoleOnOffer]:
    """What the bridge offers now; remembered for completion. A name with characters that no role has is left out."""
    listed = session.get("/roles").get("roles")
    offered = listed if isinstance(listed, list) else []
    found = [role for entry in offered if (role := _role(entry)) is not None]
    if strange := len(offered) - len(found):
        context.terminal.tell(say("Left out: {count} roles whose names are not valid in AWS.", count=strange))
    with suppress(LocalFailure):
        # It serves completion and names: on a full disk the list is shown all the same.
        write_private(context.folder / "roles.json", json.dumps([asdict(role) for role in found]).encode())
    return found


def called(context: Context, key: str) -> str:
    """The role as people call it, from the list that was seen last; by number where it is not in it."""
    with suppress(LocalFailure, ValueError, TypeError, KeyError):
        for one in json.loads(read_private(context.folder / "roles.json") or b"[]"):
            if f"{one['account']}/{one['role']}" == key:
                return f"{one['account_name']}/{one['role']}"
    return key


def _role(entry: object) -> RoleOnOffer | None:
    if not isinstance(entry, dict):
        return None
    texts = {name: str(entry.get(name, "")) for name in ("account", "account_name", "partition", "role", "role_arn")}
    if not _ACCOUNT.fullmatch(texts["account"]) or not _ROLE.fullmatch(texts["role"]):
        return None
    shown = {name: str(printable(text)) for name, text in texts.items()}
    region, tags = str(entry.get("region", "")), entry.get("tags")
    return RoleOnOffer(
        **shown,
        max_duration=str(printable(str(entry.get("max_duration", "")))),
        because=_texts(entry.get("because")),
        region=region if _REGION.fullmatch(region) else "",
        **{name: str(printable(str(entry.get(name) or ""))) for name in _ABOUT},
        aliases=_texts(entry.get("aliases")),
        is_favourite=entry.get("is_favourite") is True,
        recent=recent if type(recent := entry.get("recent")) is int and recent > 0 else 0,
        tags=_texts([f"{name}={value}" for name, value in tags.items()] if isinstance(tags, dict) else []),
    )


def _texts(told: object) -> tuple[str, ...]:
    return tuple(str(printable(str(one))) for one in told) if isinstance(told, list) else ()


def is_key(text: str) -> bool:
    """Whether the text is `account/role` by number: it needs no list to be looked up in."""
    account, _, role = text.partition("/")
    return bool(_ACCOUNT.fullmatch(account) and _ROLE.fullmatch(role))


def is_region(text: str) -> bool:
    """Whether the text is written as AWS's regions are."""
    return bool(_REGION.fullmatch(text))


def named_role(text: str, roles: Sequence[RoleOnOffer]) -> RoleOnOffer:
    """The one role that the text names: `account/role` by number or name, an ARN, or a role name that is unique.

    Raises:
        RoleRefused: none, or several. A near one is suggested and never taken.
    """
    exact = [role for role in roles if text in {role.key, role.name, role.role_arn}]
    found = exact or [role for role in roles if role.role == text]
    if len(found) == 1:
        return found[0]
    if found:
        several = few([role.name for role in found])
        raise RoleRefused(say("Several roles are called {text}. Say which: {several}", text=text, several=several))
    raise RoleRefused(_with_near(say("You have no role called {text}.", text=text), text, roles))


def asked_for_role(context: Context, session: LocalSession, path: str, body: JsonObject) -> JsonObject:
    """What the bridge answers to a POST below `/roles`. The refusal of a role that was named by number names near ones.

    Raises:
        CommandFailed: the refusal.
    """
    try:
        return session.post(f"/roles/{path}", body)
    except RoleNotHeld as refused:
        what = refused.detail
    near: list[RoleOnOffer] = []
    with suppress(CommandFailed):
        near = my_roles(context, session)
    raise RoleRefused(_with_near(what, path.rpartition("/")[0], near))


def _with_near(what: str, text: str, roles: Sequence[RoleOnOffer]) -> str:
    near = _near(text, roles)
    if not near:
        return say("{what} fedbridge roles lists yours.", what=what)
    return say("{what} Did you mean: {near}? fedbridge roles lists yours.", what=what, near=", ".join(near))


def _near(text: str, roles: Sequence[RoleOnOffer]) -> list[str]:
    """The names that `text` may have meant. In an account that is named by number: its roles first, the likest one
    before the others; then the same role elsewhere.
    """
    arn = _ARN.fullmatch(text)
    account, _, wanted = (arn.expand(r"\1/\2") if arn else text).partition("/")
    if not _ACCOUNT.fullmatch(account):
        return difflib.get_close_matches(text, [role.name for role in roles], _NEAR, 0.5)
    here = [role for role in roles if role.account == account]
    here.sort(key=lambda role: difflib.SequenceMatcher(None, wanted, role.role).ratio(), reverse=True)
    return [role.name for role in here or [role for role in roles if role.role == wanted]][:_NEAR]


def nearest_first(roles: Sequence[RoleOnOffer]) -> list[RoleOnOffer]:
    """Favourites, then what is used often and lately, then as the bridge lists them."""
    return sorted(roles, key=lambda role: (not role.is_favourite, role.recent or len(roles) + 1))


def fitting(pattern: str, roles: Sequence[RoleOnOffer]) -> list[RoleOnOffer]:
    """What `--filter` takes: all where it is empty. CommandFailed where nothing matches."""
    fit = matching(pattern, roles) if pattern else list(roles)
    if pattern and not fit:
        raise CommandFailed(say("None of your {count} roles matches {text}.", count=len(roles), text=pattern[:80]))
    return fit


def matching(pattern: str, roles: Sequence[RoleOnOffer]) -> list[RoleOnOffer]:
    """The roles that the pattern finds, the nearest first: by the same rule as on the bridge's pages."""
    return found(pattern, [(role.searchable, role) for role in roles])
