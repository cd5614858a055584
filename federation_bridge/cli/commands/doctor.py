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
from federation_bridge.cli.credentials.roles import my_roles
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.i18n import say
from federation_bridge.cli.place import Place
from federation_bridge.cli.session.authorization import discover
from federation_bridge.cli.session.local_session import LocalSession

_SHADOWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
_CHOICES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_TOLD = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""What `serve` and `web-identity` tell a shell."""


def doctor(invocation: Invocation) -> int:
    """Says what is wrong."""
    invocation.asked.way = "never"
    return 0 if examine(invocation.place()) else 1


def examine(place: Place) -> bool:
    """Tells every finding; whether nothing was wrong."""
    # A bridge that does not answer is found by every check that asks it, and told once.
    findings = dict.fromkeys(finding for check in _CHECKS for finding in check(place))
    for is_well, sentence in findings:
        mark = place.terminal.styled("ok  ", "green") if is_well else place.terminal.styled("BAD ", "red")
        place.terminal.write(f"{mark} {sentence}\n")
    return all(is_well for is_well, _ in findings)


Finding = tuple[bool, str]


def _bridge(place: Place) -> Iterator[Finding]:
    if place.http.proxy is not None:
        yield True, say("The bridge is asked through the proxy {proxy}.", proxy=str(place.http.proxy))
    try:
        endpoints = discover(place)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield True, say("{address} answers.", address=place.address)
    if not endpoints.device:
        yield True, say("The bridge has the sign-in by code switched off.")
    offset = place.http.clock_offset.total_seconds()
    if offset:
        yield False, say("This computer's clock is {seconds} seconds off. Let it set itself.", seconds=int(abs(offset)))
    else:
        yield True, say("The clock is right.")


def _session(place: Place) -> Iterator[Finding]:
    try:
        tokens = place.tokens()
        if tokens.load() is None:
            yield False, say("Nobody is signed in. Please run: fedbridge login {address}", address=place.address)
            return
        yield True, say("Your session lies in: {place}", place=tokens.place)
        roles = my_roles(place, LocalSession(place))
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield bool(roles), say("Roles you may have now: {count}.", count=len(roles))


def _environment(place: Place) -> Iterator[Finding]:
    for name in _SHADOWS:
        if place.environ.get(name):
            yield (
                False,
                say("{name} is set: AWS tools take it instead of your profiles. Unset it.", name=name),
            )


def _default(place: Place) -> Iterator[Finding]:
    """A [default] with credentials is the person's to have: it is wrong where it comes before what a shell was told."""
    told = any(place.environ.get(name) for name in _TOLD) and not any(place.environ.get(name) for name in _CHOICES)
    try:
        for path in sources_of_default(place.environ):
            gives = say(
                "[default] of {path} gives credentials: AWS tools take them where no profile is named.", path=str(path)
            )
            yield not told, default_comes_first(path) if told else gives
    except CommandFailed as failure:
        yield False, failure.detail


def _profiles(place: Place) -> Iterator[Finding]:
    try:
        path = config_path(place.environ)
        with told_of(path):
            seen = seen_in_config(read_config(path))
    except CommandFailed as failure:
        yield False, failure.detail
        return
    ours = _ours(place, seen)
    yield True, say("Profiles of fedbridge in {path}: {count}.", path=str(path), count=len(ours))
    for name in _CHOICES:
        if (chosen := place.environ.get(name)) and chosen not in ours and not chosen.startswith(PREFIX):
            yield False, _choice(name, chosen, seen)
    for name in sorted(set(ours) & names_in_credentials(place.environ)):
        yield False, say("~/.aws/credentials has a [{name}] too, and AWS tools take that one. Rename it.", name=name)
    programs = [_first_word(command) for command in ours.values() if command]
    if not all(os.access(program, os.X_OK) for program in programs):
        yield False, say("The profiles point to a program that is gone. Please run: fedbridge configure")


def _ours(place: Place, seen: Seen) -> dict[str, str]:
    """The profiles that `configure` wrote, each with its command; empty for one that the token cache signs in."""
    commands = {name: settings.get("credential_process", "") for name, settings in seen.profiles.items()}
    ours = {name: command for name, command in commands.items() if "cached_answer.py" in command}
    by_token = [name for name, one in seen.profiles.items() if one.get("sso_session") == session_name(place)]
    return dict.fromkeys(by_token, "") | ours


def _choice(variable: str, chosen: str, seen: Seen) -> str:
    if chosen in seen.ignored and chosen not in seen.profiles:
        return say(
            "{name} is set to {profile}, but [{profile}] is no profile to AWS tools: its section has to begin with the "
            "word profile.",
            name=variable,
            profile=chosen,
        )
    return say("{name} is set to {profile}, which is no profile of fedbridge.", name=variable, profile=chosen)


def _credentials_file(place: Place) -> Iterator[Finding]:
    try:
        path = credentials_path(place.environ)
        with told_of(path):
            seen_in_credentials(read_config(path))
    except CommandFailed as failure:
        yield False, failure.detail


def _named_nothing(place: Place) -> Iterator[Finding]:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        if place.environ.get(name) == "":
            yield False, say("{name} is set to nothing: some AWS tools then read no file at all. Unset it.", name=name)


def _first_word(command: str) -> str:
    return command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]


_CHECKS: tuple[Callable[[Place], Iterator[Finding]], ...] = (
    _bridge,
    _session,
    _environment,
    _named_nothing,
    _default,
    _profiles,
    _credentials_file,
)
