"""The role that a person picks by hand: from a list that is searched as they type, else from a numbered one."""

from __future__ import annotations

from collections.abc import Sequence

from federation_bridge.cli.credentials.roles import RoleOnOffer, matching, nearest_first
from federation_bridge.cli.failures import ListLeft, UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.role_search import found

_SHOWN = 20


def pick(terminal: Terminal, roles: Sequence[RoleOnOffer]) -> RoleOnOffer:
    """The role that the person picks, favourites and what they use first; the only one where there is one.

    Raises:
        UsageWrong: nobody is there to ask.
        ListLeft: they left the list.
    """
    if len(roles) == 1:
        return roles[0]
    if not terminal.can_ask or not roles:
        raise UsageWrong(say("Name the role: ACCOUNT/ROLE. fedbridge roles lists yours."))
    ordered = nearest_first(roles)
    return _drawn(terminal, ordered) if terminal.can_draw else _numbered(terminal, ordered)


def _drawn(terminal: Terminal, roles: Sequence[RoleOnOffer]) -> RoleOnOffer:
    from federation_bridge.cli.terminal.picker import Row, picked  # noqa: PLC0415 - it takes a tenth of a second

    rows = [Row(role.name, _about(role), "*" if role.is_favourite else " ") for role in roles]
    searchable = [(role.searchable, place) for place, role in enumerate(roles)]
    return roles[picked(rows, lambda typed: found(typed, searchable), colours=terminal.has_colours)]


def _about(role: RoleOnOffer) -> str:
    return "  ".join(text for text in (role.account, role.description) if text)


def _numbered(terminal: Terminal, roles: Sequence[RoleOnOffer]) -> RoleOnOffer:
    """For a terminal that cannot be drawn on: part of a name narrows the list, a number takes a line of it."""
    shown = list(roles)
    while True:
        _show(terminal, shown)
        typed = terminal.ask(say("Number, or part of a name: "))
        if not typed:
            raise ListLeft(say("No role was picked."))
        if typed.isascii() and typed.isdigit() and 0 < int(typed) <= min(len(shown), _SHOWN):
            return shown[int(typed) - 1]
        fit = matching(typed, roles)
        if not fit:
            terminal.tell(say("  Nothing matches."))
        shown = fit or list(roles)
        if len(shown) == 1:
            return shown[0]


def _show(terminal: Terminal, roles: Sequence[RoleOnOffer]) -> None:
    for number, role in enumerate(roles[:_SHOWN], 1):
        terminal.tell(f"{number:3}  {role.name}  ({role.account})")
    if len(roles) > _SHOWN:
        terminal.tell(say("     and {count} more", count=len(roles) - _SHOWN))
