"""`~/.aws/config`: one profile per role, each between two comment lines of ours; all else stays byte for byte.

A block that we wrote may have been added to by hand: lines whose keys are not ours are kept, and a block that holds
such lines is not removed when its role is lost.
"""

from __future__ import annotations

import os
import re
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.cli import cached_answer
from federation_bridge.cli.failures import ComputerRefused, UsageWrong
from federation_bridge.cli.files import computer_refused
from federation_bridge.cli.roles import RoleOnOffer
from federation_bridge.cli.texts import say

TEMPLATE = "{account_name}-{role}"
_BEGIN = "# fedbridge {address} {role}: written by `fedbridge configure`, which brings it up to date"
_END = "# fedbridge end"
_BEGINS = re.compile(r"# fedbridge (\S+) ([0-9]{12}/\S+): ")
_NAME = re.compile(r"[A-Za-z0-9_.+=,@-]+")
SECTION = re.compile(r"\s*\[\s*(?:profile\s+)?[\"']?([^\]\"']+?)[\"']?\s*\]")
"""The head of a section; its group is the profile's name, or the kind and the name of what is no profile."""
_UNQUOTABLE = frozenset("\"'`$\\%\n\r")
_OURS = (
    "credential_process",
    "services",
    "sso",
    "sso_oidc",
    "endpoint_url",
    "sso_session",
    "sso_account_id",
    "sso_role_name",
    "sso_start_url",
    "sso_region",
    "sso_registration_scopes",
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as it should stand in the file."""

    name: str
    role: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The new text of the file, and what the person should know about it."""

    text: str
    notices: tuple[str, ...]


def profiles(roles: Sequence[RoleOnOffer], template: str, command: Mapping[str, str]) -> list[Profile]:
    """A profile for each role, named by the template; `command` gives each role's `credential_process`.

    Raises:
        UsageWrong: a place of the template is unknown, or two roles would share a name.
    """
    made: dict[str, Profile] = {}
    for role in roles:
        name = _profile_name(role, template)
        if name in made:
            raise UsageWrong(
                say(
                    "{one} and {other} would both be called {name}. Use a template with {{account}}: "
                    "--template '{{account}}-{{role}}'",
                    one=made[name].role,
                    other=role.key,
                    name=name,
                )
            )
        made[name] = Profile(name, role.key, (f"credential_process = {command[role.key]}", *region_lines(role)))
    return list(made.values())


def region_lines(role: RoleOnOffer) -> tuple[str, ...]:
    """The profile's region, where the bridge knows one. A region that stands in the profile already stays."""
    return (f"region = {role.region}",) if role.region else ()


def _profile_name(role: RoleOnOffer, template: str) -> str:
    values = {"account": role.account, "account_name": role.account_name, "role": role.role}
    values["partition"] = role.partition
    try:
        # Plain places only: `{role.x}` and `{role[0]}` are other names, and so unknown.
        filled = "".join(
            text + (str(values[field]) if field is not None else "")
            for text, field, _, _ in string.Formatter().parse(template)
        )
    except (ValueError, KeyError):
        known = ", ".join(sorted(values))
        raise UsageWrong(say("A profile name is made of text and these, in braces: {known}", known=known)) from None
    name = "".join(char if _NAME.fullmatch(char) else "-" for char in filled).strip("-")
    if not name or name == "default":
        raise UsageWrong(say("The template gives no usable name for {role}.", role=role.key))
    return name


def process_command(folder: Path, role: str, need: int) -> str:
    """The quickest `credential_process` for the role: this interpreter, without site, reading the cached answer.

    Raises:
        UsageWrong: a path on this computer holds a character that AWS tools read in different ways (attack N10).
    """
    script = str(Path(cached_answer.__file__))
    words = [sys.executable, "-I", "-S", script, str(folder), role, *([str(need)] if need else [])]
    for word in words:
        if _UNQUOTABLE & set(word) and sys.platform != "win32":
            raise UsageWrong(say("The path {path} cannot be written into a profile; install elsewhere.", path=word))
    return " ".join(f'"{word}"' if re.search(r"[^A-Za-z0-9_./=+,@:~-]", word) else word for word in words)


def reconcile(text: str, address: str, wanted: Sequence[Profile]) -> Reconciled:
    """The file's text with our profiles of this bridge brought up to date. Pure; applied twice it changes nothing."""
    newline = "\r\n" if "\r\n" in text else "\n"
    kept, blocks = _split(text, address)
    notices: list[str] = []
    foreign = {match[1] for line in kept.splitlines() if (match := SECTION.match(line))}
    made: list[str] = []
    for profile in wanted:
        if profile.name in foreign:
            stays = say("The profile {name} is not of fedbridge and stays as it is.", name=profile.name)
            notices.append(stays)
            continue
        made.append(_block(address, profile, blocks.pop(profile.role, []), newline))
    for role, extra in blocks.items():
        if [line for line in _foreign(extra) if _key(line) != "region"]:
            stays = say("The profile of {role}, which you no longer have, holds lines of yours and stays.", role=role)
            notices.append(stays)
            made.append(newline.join(extra) + newline)
    gap = newline if kept.strip() and made else ""
    body = kept.rstrip("\r\n") + newline if kept.strip() else ""
    return Reconciled(body + gap + newline.join(made) if made else body or kept, tuple(notices))


def _block(address: str, profile: Profile, extra: Sequence[str], newline: str) -> str:
    theirs = _foreign(extra)
    named = {_key(line) for line in theirs}
    head = [_BEGIN.format(address=address, role=profile.role), _header(profile.name)]
    return newline.join([*head, *(line for line in profile.lines if _key(line) not in named), *theirs, _END]) + newline


def _header(name: str) -> str:
    return f"[{name}]" if name.startswith(("sso-session ", "services ")) else f"[profile {name}]"


def _foreign(block: Sequence[str]) -> list[str]:
    """The lines of a block of ours that somebody else added."""
    inner = [line for line in block if not _BEGINS.match(line) and not SECTION.match(line) and line != _END]
    return [line for line in inner if _key(line) not in _OURS]


def _key(line: str) -> str:
    return line.partition("=")[0].strip()


def _split(text: str, address: str) -> tuple[str, dict[str, list[str]]]:
    """What is not ours, and our blocks of this bridge by role. A block without its end is the person's: left alone."""
    kept: list[str] = []
    blocks: dict[str, list[str]] = {}
    lines = text.splitlines(keepends=True)
    place = 0
    while place < len(lines):
        begins = _BEGINS.match(lines[place])
        end = _end_of(lines, place) if begins and begins[1] == address else None
        if begins is None or end is None or begins[2] in blocks:
            kept.append(lines[place])
            place += 1
            continue
        blocks[begins[2]] = [line.rstrip("\r\n") for line in lines[place : end + 1]]
        place = end + 1
        if kept and not kept[-1].strip():
            kept.pop()
    return "".join(kept), blocks


def _end_of(lines: Sequence[str], begin: int) -> int | None:
    for place in range(begin + 1, len(lines)):
        if lines[place].rstrip("\r\n") == _END:
            return place
        if _BEGINS.match(lines[place]) or (place > begin + 1 and SECTION.match(lines[place])):
            return None
    return None


def config_path(environ: Mapping[str, str]) -> Path:
    """AWS_CONFIG_FILE, else ~/.aws/config; a link is followed, since people keep this file under version control.

    Raises:
        ComputerRefused: the path leads nowhere: a loop of links, a person who is unknown here.
    """
    return _chosen_path(environ, "AWS_CONFIG_FILE", "config")


def credentials_path(environ: Mapping[str, str]) -> Path:
    """AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials."""
    return _chosen_path(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")


def _chosen_path(environ: Mapping[str, str], variable: str, name: str) -> Path:
    chosen = environ.get(variable) or str(Path.home() / ".aws" / name)
    try:
        return Path(chosen).expanduser().resolve()
    except (OSError, ValueError, RuntimeError) as wrong:
        raise ComputerRefused(say("{path} cannot be read: {reason}", path=chosen, reason=str(wrong))) from None


def read_config(path: Path) -> str:
    """The file's text; empty where there is none. ComputerRefused where it cannot be read or is no text."""
    try:
        # A device has no end, or no place beside it for our draft.
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ComputerRefused(say("{path} is no file.", path=str(path)))
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as refused:
        raise computer_refused(path, refused) from None
    except UnicodeDecodeError as broken:
        raise ComputerRefused(say("{path} cannot be read: {reason}", path=str(path), reason=str(broken))) from None


def write_config(path: Path, text: str) -> None:
    """Puts the text in the place of the file, whole or not at all; its mode stays. ComputerRefused where it cannot."""
    draft = path.with_name(f".{path.name}.fedbridge-{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as refused:
        raise computer_refused(path, refused) from None
