"""One invocation of the program, and what several commands read from it: the bridge, the role, spans of time."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from federation_bridge.cli.address import checked_address
from federation_bridge.cli.context import Context, folder_of, known_address
from federation_bridge.cli.credentials.obtaining import Wanted
from federation_bridge.cli.credentials.picking import pick
from federation_bridge.cli.credentials.roles import is_key, is_region, my_roles, named_role
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.shells import SHELLS
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.durations import parse_duration
from federation_bridge.model import Clock


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation of the program: what was asked, and where."""

    asked: argparse.Namespace
    terminal: Terminal
    environ: Mapping[str, str]
    clock: Clock

    def context(self, terminal: Terminal | None = None) -> Context:
        """The bridge that it is about."""
        asked = self.asked
        address = (
            checked_address(asked.address) if asked.address else known_address(self.environ, asked.folder, asked.bridge)
        )
        folder = Path(asked.folder) if asked.folder else folder_of(address, self.environ)
        found = Context(address, folder, self.environ, self.clock, terminal or self.terminal, asked.way)
        return found.to_administer() if asked.administration else found


def wanted_of(invocation: Invocation, context: Context) -> Wanted:
    """The credentials that were asked for. UsageWrong, RoleRefused as `span` and `role_of` say."""
    asked = invocation.asked
    need = span(asked.min_remaining, "--min-remaining")
    if asked.duration:
        span(asked.duration, "--duration")
    return Wanted(role_of(invocation, context), need, asked.duration, asked.reason, asked.for_agent)


def role_of(invocation: Invocation, context: Context) -> str:
    """The role's key: as it was named, else found among the person's roles, else picked by hand.

    Where none is named, FEDBRIDGE_ROLE names it.

    Raises:
        RoleRefused: the name fits none, or several.
        UsageWrong: none was named, and nobody is there to pick.
    """
    text = invocation.asked.role or invocation.environ.get("FEDBRIDGE_ROLE", "")
    if text and is_key(text):
        return text
    offered = my_roles(context, LocalSession(context))
    return (named_role(text, offered) if text else pick(invocation.terminal, offered)).key


def region_of(invocation: Invocation, usual: str) -> str:
    """The region that was asked for, else `usual`, the account's own. UsageWrong for a text that is no region."""
    asked = str(invocation.asked.region)
    if asked and not is_region(asked):
        raise UsageWrong(say("{text} is not a region of AWS; write for example eu-central-1", text=asked[:80]))
    return asked or usual


def check_shell(invocation: Invocation) -> None:
    """UsageWrong where no shell is named: which one evaluates our text is not to be guessed."""
    if not invocation.asked.shell:
        shells = ", ".join(sorted(SHELLS))
        raise UsageWrong(say("For which shell? Name one of: {shells}", shells=shells))


def span(text: str, option: str) -> timedelta:
    """A span of time such as `30m`; none where the text is empty. UsageWrong for any other text."""
    try:
        return parse_duration(text) if text else timedelta()
    except ValueError:
        told = say(
            "{option}: {text} is not a length of time; write for example 30m, 1h or 1h30m", option=option, text=text
        )
        raise UsageWrong(told) from None
