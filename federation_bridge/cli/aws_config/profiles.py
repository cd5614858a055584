"""`~/.aws/config`: one profile per role, each between two comment lines of ours; all else stays byte for byte.

A block that we wrote may have been added to by hand: lines whose keys are not ours are kept, and a block that holds
such lines is not removed when its role is lost.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.cli import cached_answer
from federation_bridge.cli.aws_config.files import Seen, seen_in_config
from federation_bridge.cli.credentials.roles import RoleOnOffer
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say

TEMPLATE = "{account_name}-{role}"
_BEGIN = "# fedbridge {address} {role}: written by `fedbridge configure`, which brings it up to date"
_END = "# fedbridge end"
_BEGINS = re.compile(r"# fedbridge (\S+) ([0-9]{12}/\S+): ")
_NAME = re.compile(r"[A-Za-z0-9_.+=,@-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.+=,@]+(?:-+[A-Za-z0-9_.+=,@]+)*")
"""A name of an account that stands in the name of a profile as it is."""
_LIKE_A_NUMBER = re.compile(r"(?:.*-)?[0-9]{12}")
"""A name that ends as those do to which we put a number: it stands for no account but that one."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""A line as AWS tools count them: they know no other ends."""
_HEAD = re.compile(r"\[.+\]")
_MAYBE_HEAD = re.compile(r"\s*\[.+\]")
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
    written: tuple[str, ...]
    """The profiles of roles that AWS tools find there now, as they are wanted."""


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
    values = {"account": role.account, "account_name": _account_word(role), "role": role.role}
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


def _account_word(role: RoleOnOffer) -> str:
    """The account's name in what every shell and AWS tool takes, ASCII; never that of an account with another name.

    Where anything is lost by that, the account's number stands behind what is left: the profile's name then depends on
    this account alone, and never comes to mean another one that appears later.
    """
    name = role.account_name
    is_anothers = _LIKE_A_NUMBER.fullmatch(name) is not None and not name.endswith(role.account)
    if _PLAIN.fullmatch(name) and not is_anothers:
        return name
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    left = re.sub(r"[^A-Za-z0-9_.+=,@]+", "-", folded).strip("-")
    return f"{left}-{role.account}" if left else role.account


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
    """The file's text with our profiles of this bridge brought up to date. Pure; applied twice it changes nothing.

    Raises:
        Broken: AWS tools would see nothing of the file.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    kept, blocks = _split(text, address)
    foreign = seen_in_config(kept)
    notices: list[str] = []
    made: list[str] = []
    for profile in wanted:
        if profile.name in foreign.sections or profile.name in foreign.profiles:
            stays = say("The profile {name} was not written by fedbridge and stays as it is.", name=profile.name)
            notices.append(stays)
            continue
        if profile.name in foreign.ignored:
            means_nothing = say(
                "[{name}] means nothing to AWS tools: a profile's section begins with the word profile. It stays, and "
                "[profile {name}] is written beside it.",
                name=profile.name,
            )
            notices.append(means_nothing)
        made.append(_block(address, profile, blocks.pop(profile.role, []), newline))
    for role, extra in blocks.items():
        if [line for line in _foreign(extra) if _key(line) != "region"]:
            stays = say("You no longer have {role}, but its profile holds lines of yours, so it stays.", role=role)
            notices.append(stays)
            made.append(newline.join(extra) + newline)
    gap = newline if kept.strip() and made else ""
    body = kept.rstrip("\r\n") + newline if kept.strip() else ""
    after = body + gap + newline.join(made) if made else body or kept
    return Reconciled(after, tuple(notices), _found(wanted, seen_in_config(after), foreign))


def _found(wanted: Sequence[Profile], seen: Seen, foreign: Seen) -> tuple[str, ...]:
    ours = [profile.name for profile in wanted if profile.name in seen.profiles]
    return tuple(name for name in ours if name not in foreign.profiles)


def _block(address: str, profile: Profile, extra: Sequence[str], newline: str) -> str:
    theirs = _foreign(extra)
    named = {_key(line) for line in theirs}
    head = [_BEGIN.format(address=address, role=profile.role), _header(profile.name)]
    return newline.join([*head, *(line for line in profile.lines if _key(line) not in named), *theirs, _END]) + newline


def _header(name: str) -> str:
    return f"[{name}]" if name.startswith(("sso-session ", "services ")) else f"[profile {name}]"


def _foreign(block: Sequence[str]) -> list[str]:
    """The lines of a block of ours that somebody else added."""
    inner = [line for line in block if not _BEGINS.match(line) and not _HEAD.match(line) and line != _END]
    return [line for line in inner if _key(line) not in _OURS]


def _key(line: str) -> str:
    return line.partition("=")[0].strip()


def _split(text: str, address: str) -> tuple[str, dict[str, list[str]]]:
    """What is not ours, and our blocks of this bridge by role. A block without its end is the person's: left alone."""
    kept: list[str] = []
    blocks: dict[str, list[str]] = {}
    lines = _LINE.findall(text)
    place = 0
    while place < len(lines):
        begins = _BEGINS.match(lines[place])
        end = _end_of(lines, place) if begins and begins[1] == address else None
        block = [line.rstrip("\r\n") for line in lines[place : end + 1]] if end is not None else []
        if begins is None or end is None or (begins[2] in blocks and _foreign(block)):
            kept.append(lines[place])
            place += 1
            continue
        # A second block of a role, as a merge of two files leaves it, holds nothing new.
        blocks.setdefault(begins[2], block)
        place = end + 1
        if kept and not kept[-1].strip():
            kept.pop()
    return "".join(kept), blocks


def _end_of(lines: Sequence[str], begin: int) -> int | None:
    for place in range(begin + 1, len(lines)):
        if lines[place].rstrip("\r\n") == _END:
            return _last_of_section(lines, place)
        if _BEGINS.match(lines[place]) or (place > begin + 1 and _MAYBE_HEAD.match(lines[place])):
            return None
    return None


def _last_of_section(lines: Sequence[str], end: int) -> int:
    """The last line of the section: settings behind our end, before any other head, are its own to AWS tools."""
    last = end
    for place in range(end + 1, len(lines)):
        if _BEGINS.match(lines[place]) or _HEAD.match(lines[place]):
            break
        if lines[place].strip() and lines[place].lstrip()[0] not in "#;":
            last = place
    return last
