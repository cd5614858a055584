"""`fedbridge doctor`: what is wrong on this computer, in words, and what to do about it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from federation_bridge.cli.aws_config.files import (
    Seen,
    config_path,
    names_in_credentials,
    read_config,
    seen_in_config,
    told_of,
)
from federation_bridge.cli.aws_config.neutral_profile import PREFIX
from federation_bridge.cli.aws_config.sso import session_name, what_is_wrong
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.commands.surroundings import (
    CHOICES,
    WITHOUT_A_BRIDGE,
    Finding,
    credentials_file,
    default,
    environment,
    keeping,
    named_nothing,
    release,
)
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import RoleOnOffer, is_key, my_roles
from federation_bridge.cli.failures import CommandFailed, SignInNeeded
from federation_bridge.cli.i18n import few, say
from federation_bridge.cli.session.authorization import discover
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import Terminal


def doctor(invocation: Invocation) -> int:
    """Says what is wrong."""
    invocation.asked.way = "never"
    try:
        context = invocation.context()
    except SignInNeeded:
        unknown = say("No bridge is known here yet. Please run: fedbridge login https://aws.example.com")
        found = [*(one for check in WITHOUT_A_BRIDGE for one in check(invocation)), (False, unknown)]
        return 0 if _told(invocation.terminal, found) else 1
    return 0 if examine(context) else 1


def examine(context: Context) -> bool:
    """Tells every finding; whether nothing was wrong."""
    it = _Examined(context)
    return _told(context.terminal, [finding for check in _CHECKS for finding in check(it)])


@dataclass(frozen=True)
class _Examined:
    """What several checks look at, asked for once."""

    context: Context

    def roles(self) -> list[RoleOnOffer]:
        """The person's roles; CommandFailed where they cannot be listed."""
        if isinstance(self._listed, CommandFailed):
            raise self._listed
        return self._listed

    @cached_property
    def _listed(self) -> list[RoleOnOffer] | CommandFailed:
        """A bridge that does not answer is waited for once; without a session nothing is made, and nobody asked."""
        try:
            if self.context.tokens().load() is None:
                return SignInNeeded("")
            return my_roles(self.context, LocalSession(self.context))
        except CommandFailed as failure:
            return failure

    @cached_property
    def seen(self) -> Seen:
        """~/.aws/config as AWS tools see it; LocalFailure where they cannot read it."""
        with told_of(config_path(self.context.environ)):
            return seen_in_config(read_config(config_path(self.context.environ)))


def _told(terminal: Terminal, findings: Iterable[Finding]) -> bool:
    # A bridge that does not answer is found by every check that asks it, and told once.
    different = dict.fromkeys(findings)
    for is_well, sentence in different:
        mark = terminal.styled("ok  ", "green") if is_well else terminal.styled("BAD ", "red")
        terminal.write(f"{mark} {sentence}\n")
    return all(is_well for is_well, _ in different)


def _bridge(it: _Examined) -> Iterator[Finding]:
    context = it.context
    if context.http.proxy is not None:
        yield True, say("The bridge is asked through the proxy {proxy}.", proxy=str(context.http.proxy))
    try:
        endpoints = discover(context)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield True, say("{address} answers.", address=context.address)
    if not endpoints.device:
        yield True, say("The bridge has switched off the sign-in by code.")
    offset = context.http.clock_offset.total_seconds()
    if offset:
        yield (
            False,
            say(
                "This computer's clock is {seconds} seconds off. Please turn on automatic time.",
                seconds=int(abs(offset)),
            ),
        )
    else:
        yield True, say("The clock is right.")


def _session(it: _Examined) -> Iterator[Finding]:
    context = it.context
    try:
        tokens = context.tokens()
        if tokens.load() is None:
            yield from keeping(context)
            yield False, say("Nobody is signed in. Please run: fedbridge login {address}", address=context.address)
            return
        yield True, say("Your session lies in: {place}", place=tokens.place)
        roles = it.roles()
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield bool(roles), say("Roles you may have now: {count}.", count=len(roles))


def _profiles(it: _Examined) -> Iterator[Finding]:
    context = it.context
    try:
        seen, path = it.seen, config_path(context.environ)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    ours = _ours(context, seen)
    yield True, say("Profiles of fedbridge in {path}: {count}.", path=str(path), count=len(ours))
    for name in CHOICES:
        if (chosen := context.environ.get(name)) and chosen not in ours and not chosen.startswith(PREFIX):
            yield False, _choice(name, chosen, seen)
    for name in sorted(set(ours) & names_in_credentials(context.environ)):
        yield False, say("~/.aws/credentials has a [{name}] too, and AWS tools take that one. Rename it.", name=name)
    for sentence in what_is_wrong(context, seen):
        yield False, sentence
    programs = [_first_word(command) for command in ours.values() if command]
    if not all(os.access(program, os.X_OK) for program in programs):
        yield False, say("The profiles point to a program that is gone. Please run: fedbridge configure")


def _lost_roles(it: _Examined) -> Iterator[Finding]:
    """Profiles that answer nothing any more. Only the bridge knows: where it does not tell, that was found already."""
    try:
        mine, named = {role.key for role in it.roles()}, _roles_of(it.context, it.seen)
    except CommandFailed:
        return
    lost = sorted(name for name, role in named.items() if role not in mine)
    if lost:
        yield (
            False,
            say(
                "Profiles that name roles that you do not have now: {count} ({names}). Please run: fedbridge configure",
                count=len(lost),
                names=few(lost),
            ),
        )


def _roles_of(context: Context, seen: Seen) -> dict[str, str]:
    """Our profiles of this bridge, each with the role that it names."""
    found: dict[str, str] = {}
    for name, command in _ours(context, seen).items():
        settings = seen.profiles[name]
        if not command:
            found[name] = f"{settings.get('sso_account_id')}/{settings.get('sso_role_name')}"
        elif str(context.folder) in (words := _words(command)):
            found[name] = next((word for word in words if is_key(word)), "")
    return found


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _ours(context: Context, seen: Seen) -> dict[str, str]:
    """The profiles that `configure` wrote, each with its command; empty for one that the token cache signs in."""
    commands = {name: settings.get("credential_process", "") for name, settings in seen.profiles.items()}
    ours = {name: command for name, command in commands.items() if "cached_answer.py" in command}
    by_token = [name for name, one in seen.profiles.items() if one.get("sso_session") == session_name(context)]
    return dict.fromkeys(by_token, "") | ours


def _choice(variable: str, chosen: str, seen: Seen) -> str:
    if chosen in seen.ignored and chosen not in seen.profiles:
        return say(
            "{name} is set to {profile}, but AWS tools do not see [{profile}] as a profile: its section has to begin "
            "with the word profile.",
            name=variable,
            profile=chosen,
        )
    return say("{name} is set to {profile}, which is not a profile of fedbridge.", name=variable, profile=chosen)


def _first_word(command: str) -> str:
    return command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]


_CHECKS: tuple[Callable[[_Examined], Iterator[Finding]], ...] = (
    lambda it: release(it.context),
    _bridge,
    _session,
    lambda it: environment(it.context),
    lambda it: named_nothing(it.context),
    lambda it: default(it.context),
    _profiles,
    _lost_roles,
    lambda it: credentials_file(it.context),
)
