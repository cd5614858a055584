"""`fedbridge doctor`: what is wrong on this computer, in words, and what to do about it."""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Iterator

from federation_bridge.cli.authorization import discover
from federation_bridge.cli.aws_config import config_path, credentials_path, read_config
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.neutral_profile import PREFIX, default_comes_first, sources_of_default
from federation_bridge.cli.place import Place
from federation_bridge.cli.roles import my_roles
from federation_bridge.cli.session import LocalSession
from federation_bridge.cli.texts import say

_SHADOWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
_CHOICES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_TOLD = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""What `serve` and `web-identity` tell a shell."""


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
    if place.wire.proxy is not None:
        yield True, say("The bridge is asked through the proxy {proxy}.", proxy=str(place.wire.proxy))
    try:
        endpoints = discover(place)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield True, say("{address} answers.", address=place.address)
    if not endpoints.device:
        yield True, say("The bridge has the sign-in by code switched off.")
    offset = place.wire.clock_offset.total_seconds()
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
        commands = _commands(read_config(path))
    except CommandFailed as failure:
        yield False, failure.detail
        return
    except configparser.Error as broken:
        yield False, say("{path} is broken: {reason}", path=str(path), reason=str(broken).split("\n", maxsplit=1)[0])
        return
    ours = {name for name, command in commands.items() if "cached_answer.py" in command}
    yield True, say("Profiles of fedbridge in {path}: {count}.", path=str(path), count=len(ours))
    for name in _CHOICES:
        if (chosen := place.environ.get(name)) and chosen not in ours and not chosen.startswith(PREFIX):
            yield False, say("{name} is set to {profile}, which is no profile of fedbridge.", name=name, profile=chosen)
    for name in sorted(ours & _shared(place)):
        yield False, say("~/.aws/credentials has a [{name}] too, and AWS tools take that one. Rename it.", name=name)
    if not all(os.access(_first_word(commands[name]), os.X_OK) for name in ours):
        yield False, say("The profiles point to a program that is gone. Please run: fedbridge configure")


def _commands(text: str) -> dict[str, str]:
    """The `credential_process` of each section, empty where it has none."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    found = {name: parser[name].get("credential_process", "") for name in parser.sections()}
    return {name.removeprefix("profile ").strip(): command for name, command in found.items()}


def _first_word(command: str) -> str:
    return command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]


def _shared(place: Place) -> set[str]:
    try:
        return set(_commands(read_config(credentials_path(place.environ))))
    except (CommandFailed, configparser.Error):
        return set()


_CHECKS: tuple[Callable[[Place], Iterator[Finding]], ...] = (_bridge, _session, _environment, _default, _profiles)
