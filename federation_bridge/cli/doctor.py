"""`fedbridge doctor`: what is wrong on this computer, in words, and what to do about it."""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from federation_bridge.cli.authorization import discover
from federation_bridge.cli.aws_config import config_path, read_config
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.place import Place
from federation_bridge.cli.roles import my_roles
from federation_bridge.cli.session import LocalSession
from federation_bridge.cli.texts import say

_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_SHADOWS = ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL")


def examine(place: Place) -> bool:
    """Tells every finding; whether nothing was wrong."""
    findings = [finding for check in _CHECKS for finding in check(place)]
    for is_well, sentence in findings:
        mark = place.terminal.styled("ok  ", "green") if is_well else place.terminal.styled("BAD ", "red")
        place.terminal.write(f"{mark} {sentence}\n")
    return all(is_well for is_well, _ in findings)


Finding = tuple[bool, str]


def _bridge(place: Place) -> Iterator[Finding]:
    proxy = next((name for name in _PROXIES if place.environ.get(name)), "")
    if proxy:
        yield True, say("A proxy is set by {name}.", name=proxy)
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


def _profiles(place: Place) -> Iterator[Finding]:
    path = config_path(place.environ)
    try:
        ours = _sections(read_config(path), of_config=True)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    except configparser.Error as broken:
        yield False, say("{path} is broken: {reason}", path=str(path), reason=str(broken).split("\n", maxsplit=1)[0])
        return
    yield True, say("Profiles of fedbridge in {path}: {count}.", path=str(path), count=len(ours))
    for name in sorted(ours & _shared(place)):
        yield False, say("~/.aws/credentials has a [{name}] too, and AWS tools take that one. Rename it.", name=name)
    if ours and not os.access(_first_word(path), os.X_OK):
        yield False, say("The profiles point to a program that is gone. Please run: fedbridge configure")


def _sections(text: str, *, of_config: bool) -> set[str]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    names = [name for name in parser.sections() if not of_config or _is_ours(parser[name])]
    return {name.removeprefix("profile ").strip() for name in names}


def _is_ours(section: configparser.SectionProxy) -> bool:
    return "cached_answer.py" in section.get("credential_process", "")


def _first_word(path: Path) -> str:
    command = next(line for line in read_config(path).splitlines() if "cached_answer.py" in line).partition("=")[2]
    command = command.strip()
    return command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]


def _shared(place: Place) -> set[str]:
    path = Path(place.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials").expanduser()
    try:
        return _sections(read_config(path), of_config=False)
    except (CommandFailed, configparser.Error):
        return set()


_CHECKS: tuple[Callable[[Place], Iterator[Finding]], ...] = (_bridge, _session, _environment, _profiles)
