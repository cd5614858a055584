"""The person's roles: listed, found by part of their name, picked by hand, and checked before they reach any file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import RoleRefused, UsageWrong
from federation_bridge.cli.files import write_private
from federation_bridge.cli.i18n import printable, say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import Terminal

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}")
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_SHOWN = 20


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
    write_private(context.folder / "roles.json", json.dumps([asdict(role) for role in found]).encode())
    return found


def _role(entry: object) -> RoleOnOffer | None:
    if not isinstance(entry, dict):
        return None
    texts = {name: str(entry.get(name, "")) for name in ("account", "account_name", "partition", "role", "role_arn")}
    if not _ACCOUNT.fullmatch(texts["account"]) or not _ROLE.fullmatch(texts["role"]):
        return None
    shown = {name: str(printable(text)) for name, text in texts.items()}
    reasons = entry.get("because")
    because = tuple(str(printable(str(one))) for one in reasons) if isinstance(reasons, list) else ()
    region = str(entry.get("region", ""))
    return RoleOnOffer(
        **shown,
        max_duration=str(printable(str(entry.get("max_duration", "")))),
        because=because,
        region=region if _REGION.fullmatch(region) else "",
    )


def is_key(text: str) -> bool:
    """Whether the text is `account/role` by number: it needs no list to be looked up in."""
    account, _, role = text.partition("/")
    return bool(_ACCOUNT.fullmatch(account) and _ROLE.fullmatch(role))


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
        several = ", ".join(role.name for role in found)
        raise RoleRefused(say("Several roles are called {text}. Say which: {several}", text=text, several=several))
    if near := difflib.get_close_matches(text, [role.name for role in roles], 3, 0.5):
        names = ", ".join(near)
        raise RoleRefused(say("You have no role called {text}. Did you mean: {near}?", text=text, near=names))
    raise RoleRefused(say("You have no role called {text}. fedbridge roles lists yours.", text=text))


def matching(pattern: str, roles: Sequence[RoleOnOffer]) -> list[RoleOnOffer]:
    """The roles in whose names the pattern's letters appear in order, the closest together first; case is ignored."""
    scored = [(score, index, role) for index, role in enumerate(roles) if (score := _spread(pattern, role)) is not None]
    return [role for _, _, role in sorted(scored, key=lambda one: one[:2])]


def _spread(pattern: str, role: RoleOnOffer) -> int | None:
    """How far the pattern's letters lie apart, at best, in the name or the number; None where some are missing."""
    letters = [re.escape(char) for char in pattern.lower() if not char.isspace()]
    # Lazy and without nested repetition: at most the name's length squared, and names are short.
    expression = re.compile("(?=(" + ".*?".join(letters) + "))")
    texts = (f"{role.account_name}/{role.role}".lower(), f"{role.account}/{role.role}".lower())
    spans = [len(match[1]) for text in texts for match in expression.finditer(text)]
    return min(spans, default=None)


def pick(terminal: Terminal, roles: Sequence[RoleOnOffer]) -> RoleOnOffer:
    """The role that the person picks: part of a name narrows the list, a number takes a line of it.

    Raises:
        UsageWrong: nobody is there to ask, or they ended the list.
    """
    if len(roles) == 1:
        return roles[0]
    if not terminal.can_ask or not roles:
        raise UsageWrong(say("Name the role: --role ACCOUNT/ROLE. fedbridge roles lists yours."))
    shown = list(roles)
    while True:
        _show(terminal, shown)
        typed = terminal.ask(say("Number, or part of a name: "))
        if not typed:
            raise UsageWrong(say("No role was picked."))
        if typed.isascii() and typed.isdigit() and 0 < int(typed) <= min(len(shown), _SHOWN):
            return shown[int(typed) - 1]
        shown = matching(typed, roles) or list(roles)
        if len(shown) == 1:
            return shown[0]


def _show(terminal: Terminal, roles: Sequence[RoleOnOffer]) -> None:
    for number, role in enumerate(roles[:_SHOWN], 1):
        terminal.tell(f"{number:3}  {role.name}  ({role.account})")
    if len(roles) > _SHOWN:
        terminal.tell(say("     and {count} more", count=len(roles) - _SHOWN))
