"""`fedbridge doctor`: what is wrong on this computer, in words, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from federation_bridge.cli.aws_config.files import (
    Seen,
    config_path,
    credentials_path,
    names_in_credentials,
    read_config,
    seen_in_config,
    seen_in_credentials,
    told_of,
)
from federation_bridge.cli.aws_config.neutral_profile import PREFIX, default_comes_first, sources_of_default
from federation_bridge.cli.aws_config.sso import session_name
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import my_roles
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.authorization import discover
from federation_bridge.cli.session.local_session import LocalSession

_SHADOWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
_CHOICES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_TOLD = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""What `serve` and `web-identity` tell a shell."""


def doctor(invocation: Invocation) -> int:
    """Says what is wrong."""
    invocation.asked.way = "never"
    return 0 if examine(invocation.context()) else 1


def examine(context: Context) -> bool:
    """Tells every finding; whether nothing was wrong."""
    # A bridge that does not answer is found by every check that asks it, and told once.
    findings = dict.fromkeys(finding for check in _CHECKS for finding in check(context))
    for is_well, sentence in findings:
        mark = context.terminal.styled("ok  ", "green") if is_well else context.terminal.styled("BAD ", "red")
        context.terminal.write(f"{mark} {sentence}\n")
    return all(is_well for is_well, _ in findings)


Finding = tuple[bool, str]


def _bridge(context: Context) -> Iterator[Finding]:
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
        yield False, say("This computer's clock is {seconds} seconds off. Let it set itself.", seconds=int(abs(offset)))
    else:
        yield True, say("The clock is right.")


def _session(context: Context) -> Iterator[Finding]:
    try:
        tokens = context.tokens()
        if tokens.load() is None:
            yield False, say("Nobody is signed in. Please run: fedbridge login {address}", address=context.address)
            return
        yield True, say("Your session lies in: {place}", place=tokens.place)
        roles = my_roles(context, LocalSession(context))
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield bool(roles), say("Roles you may have now: {count}.", count=len(roles))


def _environment(context: Context) -> Iterator[Finding]:
    for name in _SHADOWS:
        if context.environ.get(name):
            yield (
                False,
                say("{name} is set: AWS tools take it instead of your profiles. Unset it.", name=name),
            )


def _default(context: Context) -> Iterator[Finding]:
    """A [default] with credentials is the person's to have: it is wrong where it comes before what a shell was told."""
    told = any(context.environ.get(name) for name in _TOLD) and not any(context.environ.get(name) for name in _CHOICES)
    try:
        for path in sources_of_default(context.environ):
            gives = say(
                "[default] of {path} gives credentials: AWS tools take them where no profile is named.", path=str(path)
            )
            yield not told, default_comes_first(path) if told else gives
    except CommandFailed as failure:
        yield False, failure.detail


def _profiles(context: Context) -> Iterator[Finding]:
    try:
        path = config_path(context.environ)
        with told_of(path):
            seen = seen_in_config(read_config(path))
    except CommandFailed as failure:
        yield False, failure.detail
        return
    ours = _ours(context, seen)
    yield True, say("Profiles of fedbridge in {path}: {count}.", path=str(path), count=len(ours))
    for name in _CHOICES:
        if (chosen := context.environ.get(name)) and chosen not in ours and not chosen.startswith(PREFIX):
            yield False, _choice(name, chosen, seen)
    for name in sorted(set(ours) & names_in_credentials(context.environ)):
        yield False, say("~/.aws/credentials has a [{name}] too, and AWS tools take that one. Rename it.", name=name)
    programs = [_first_word(command) for command in ours.values() if command]
    if not all(os.access(program, os.X_OK) for program in programs):
        yield False, say("The profiles point to a program that is gone. Please run: fedbridge configure")


def _ours(context: Context, seen: Seen) -> dict[str, str]:
    """The profiles that `configure` wrote, each with its command; empty for one that the token cache signs in."""
    commands = {name: settings.get("credential_process", "") for name, settings in seen.profiles.items()}
    ours = {name: command for name, command in commands.items() if "cached_answer.py" in command}
    by_token = [name for name, one in seen.profiles.items() if one.get("sso_session") == session_name(context)]
    return dict.fromkeys(by_token, "") | ours


def _choice(variable: str, chosen: str, seen: Seen) -> str:
    if chosen in seen.ignored and chosen not in seen.profiles:
        return say(
            "{name} is set to {profile}, but [{profile}] is no profile to AWS tools: its section has to begin with the "
            "word profile.",
            name=variable,
            profile=chosen,
        )
    return say("{name} is set to {profile}, which is not a profile of fedbridge.", name=variable, profile=chosen)


def _credentials_file(context: Context) -> Iterator[Finding]:
    try:
        path = credentials_path(context.environ)
        with told_of(path):
            seen_in_credentials(read_config(path))
    except CommandFailed as failure:
        yield False, failure.detail


def _named_nothing(context: Context) -> Iterator[Finding]:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        if context.environ.get(name) == "":
            yield False, say("{name} is set to nothing: some AWS tools then read no file at all. Unset it.", name=name)


def _first_word(command: str) -> str:
    return command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]


_CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    _bridge,
    _session,
    _environment,
    _named_nothing,
    _default,
    _profiles,
    _credentials_file,
)
