"""`~/.aws/config`: one profile per role, each in a block of ours (`blocks.py`); all else stays byte for byte.

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
from federation_bridge.cli.aws_config.blocks import (
    BEGINS,
    NO_ACCOUNT,
    Profile,
    block_text,
    head_of,
    key_of,
    lines_of_theirs,
    name_of,
    named_blocks,
    split,
)
from federation_bridge.cli.aws_config.files import Seen, seen_in_config
from federation_bridge.cli.credentials.roles import RoleOnOffer
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say

TEMPLATE = "{account_name}-{role}"
TEMPLATE_OF_NAMED = "{bridge}-{account_name}-{role}"
"""For a bridge that was given a name: who has several has the same accounts' names at both, or will."""
_NAME = re.compile(r"[A-Za-z0-9_.+=,@-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.+=,@]+(?:-+[A-Za-z0-9_.+=,@]+)*")
"""A name of an account that stands in the name of a profile as it is."""
_LIKE_A_NUMBER = re.compile(r"(?:.*-)?[0-9]{12}")
"""A name that ends as those do to which we put a number: it stands for no account but that one."""
_UNQUOTABLE = frozenset("\"'`$\\%\n\r")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The new text of the file, and what the person should know about it."""

    text: str
    notices: tuple[str, ...]
    written: tuple[str, ...]
    """The profiles of roles that AWS tools find there now, as they are wanted."""
    added: frozenset[str] = frozenset()
    """The names of profiles that were not there before."""
    removed: tuple[str, ...] = ()
    """Those that were there and are not any more."""
    changed: int = 0
    stay: int = 0
    """How many are left as they are, though nobody asked for them now."""


def profiles(
    roles: Sequence[RoleOnOffer], template: str, command: Mapping[str, str], bridge: str = ""
) -> list[Profile]:
    """A profile for each role, named by the template; `command` gives each role's `credential_process`.

    `bridge`: what stands for {bridge} in the template.

    Raises:
        UsageWrong: a place of the template is unknown, or two roles would share a name.
    """
    made: dict[str, Profile] = {}
    for role in roles:
        name = _profile_name(role, template, bridge)
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


def _profile_name(role: RoleOnOffer, template: str, bridge: str) -> str:
    values = {"account": role.account, "account_name": _account_word(role), "role": role.role}
    values |= {"partition": role.partition, "bridge": bridge}
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


def reconcile(text: str, address: str, wanted: Sequence[Profile], left_out: frozenset[str] = frozenset()) -> Reconciled:
    """The file's text with our profiles of this bridge brought up to date. Pure; applied twice it changes nothing.

    `left_out`: roles that the person has and does not ask for now; their profiles stay as they are. A profile of any
    other role that is not wanted goes.

    Raises:
        Broken: AWS tools would see nothing of the file.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    theirs, blocks = split(text, address)
    staying, notices = _staying(blocks, wanted, left_out)
    foreign = seen_in_config(theirs)
    taken = {name_of(block): role for role, block in staying.items()}
    made = {role: newline.join(block) + newline for role, block in staying.items()}
    for profile in wanted:
        if profile.name in foreign.sections or profile.name in foreign.profiles:
            notices.append(_stays(profile.name, theirs))
            continue
        if profile.name in taken:
            notices.append(_is_taken(profile, taken[profile.name]))
            continue
        if profile.name in foreign.ignored:
            notices.append(_means_nothing(profile.name))
        made[profile.role] = block_text(address, profile, blocks.get(profile.role, []), newline)
    # What stood there keeps its place: people have this file under version control.
    ordered = [made[role] for role in dict.fromkeys([*blocks, *made]) if role in made]
    gap = newline if theirs.strip() and ordered else ""
    body = theirs.rstrip("\r\n") + newline if theirs.strip() else ""
    after = body + gap + newline.join(ordered) if ordered else body or theirs
    found = _found(wanted, seen_in_config(after), foreign)
    stay = sum(role in left_out for role in staying)
    return Reconciled(
        after, tuple(notices), found, *_counted(named_blocks(text, address), named_blocks(after, address)), stay
    )


def _staying(
    blocks: Mapping[str, list[str]], wanted: Sequence[Profile], left_out: frozenset[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """The blocks that stay as they are though nobody wants them now, and what to say of them."""
    roles = {profile.role for profile in wanted}
    others = {role: block for role, block in blocks.items() if role not in roles}
    staying = {role: block for role, block in others.items() if role in left_out}
    by_token = any(key_of(line) == "sso_session" for block in staying.values() for line in block)
    notices = []
    for role, block in others.items():
        if role[:12] == NO_ACCOUNT and by_token:
            staying[role] = block
        elif role not in staying and [line for line in lines_of_theirs(block) if key_of(line) != "region"]:
            staying[role] = block
            told = say(
                "The profile of {role} should be removed, but it holds lines of your own. It stays until you remove "
                "it yourself.",
                role=role,
            )
            notices.append(told)
    return staying, notices


def _counted(
    before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> tuple[frozenset[str], tuple[str, ...], int]:
    """What was added, what was removed, and how many were changed."""
    changed = sum(before[name] != block for name, block in after.items() if name in before)
    return frozenset(after.keys() - before.keys()), tuple(name for name in before if name not in after), changed


def _means_nothing(name: str) -> str:
    return say(
        "AWS tools ignore [{name}]: the section of a profile must begin with the word profile. It stays, and [profile "
        "{name}] is written beside it.",
        name=name,
    )


def _is_taken(profile: Profile, role: str) -> str:
    return say(
        "The profile {name} belongs to {role} and stays, so {other} gets no profile. Choose other names with "
        "--template.",
        name=profile.name,
        role=role,
        other=profile.role,
    )


def _stays(name: str, kept: str) -> str:
    """Why a profile of this name is not written: it is the person's own, or that of another bridge."""
    lines = kept.splitlines()
    for place, line in enumerate(lines[:-1]):
        if (begins := BEGINS.match(line)) and lines[place + 1] == head_of(name):
            return say(
                "The profile {name} is one of {address} and stays. Give this bridge a name (fedbridge login --name "
                "NAME), or use --template '{{bridge}}-{{account_name}}-{{role}}'.",
                name=name,
                address=begins[1],
            )
    return say("The profile {name} was not written by fedbridge and stays as it is.", name=name)


def _found(wanted: Sequence[Profile], seen: Seen, foreign: Seen) -> tuple[str, ...]:
    ours = [profile.name for profile in wanted if profile.name in seen.profiles]
    return tuple(name for name in ours if name not in foreign.profiles)
