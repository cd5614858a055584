"""Our blocks in `~/.aws/config`: a profile between two comment lines of ours, told apart from what a person wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BEGIN = "# fedbridge {address} {role}: written by `fedbridge configure`, which brings it up to date"
_END = "# fedbridge end"
BEGINS = re.compile(r"# fedbridge (\S+) ([0-9]{12}/\S+): ")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""A line as AWS tools count them: they know no other ends."""
_HEAD = re.compile(r"\[.+\]")
_MAYBE_HEAD = re.compile(r"\s*\[.+\]")
NO_ACCOUNT = "0" * 12
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


def named_blocks(text: str, address: str) -> dict[str, list[str]]:
    """Our blocks of profiles by the name of the profile."""
    found = {name_of(block): block for role, block in split(text, address)[1].items() if role[:12] != NO_ACCOUNT}
    return {name: block for name, block in found.items() if name}


def name_of(block: Sequence[str]) -> str:
    """The name of the profile, or of the section; empty where the block has lost its head."""
    heads = (line for line in block if _HEAD.match(line))
    return next(heads, "").strip("[]").removeprefix("profile ").strip()


def block_text(address: str, profile: Profile, extra: Sequence[str], newline: str) -> str:
    """The block of a profile; `extra`: the block that stood there, of which lines that are not ours are kept."""
    theirs = lines_of_theirs(extra)
    named = {key_of(line) for line in theirs}
    head = [_BEGIN.format(address=address, role=profile.role), head_of(profile.name)]
    ours = [line for line in profile.lines if key_of(line) not in named]
    return newline.join([*head, *ours, *theirs, _END]) + newline


def head_of(name: str) -> str:
    """The line that begins the section of this name."""
    return f"[{name}]" if name.startswith(("sso-session ", "services ")) else f"[profile {name}]"


def lines_of_theirs(block: Sequence[str]) -> list[str]:
    """The lines of a block of ours that somebody else added."""
    inner = [line for line in block if not BEGINS.match(line) and not _HEAD.match(line) and line != _END]
    return [line for line in inner if key_of(line) not in _OURS]


def key_of(line: str) -> str:
    """The name of the setting in this line."""
    return line.partition("=")[0].strip()


def split(text: str, address: str) -> tuple[str, dict[str, list[str]]]:
    """What is not ours, and our blocks of this bridge by role. A block without its end is the person's: left alone."""
    kept: list[str] = []
    blocks: dict[str, list[str]] = {}
    lines = _LINE.findall(text)
    place = 0
    while place < len(lines):
        begins = BEGINS.match(lines[place])
        end = _end_of(lines, place) if begins and begins[1] == address else None
        block = [line.rstrip("\r\n") for line in lines[place : end + 1]] if end is not None else []
        if begins is None or end is None or (begins[2] in blocks and lines_of_theirs(block)):
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
        if BEGINS.match(lines[place]) or (place > begin + 1 and _MAYBE_HEAD.match(lines[place])):
            return None
    return None


def _last_of_section(lines: Sequence[str], end: int) -> int:
    """The last line of the section: settings behind our end, before any other head, are its own to AWS tools."""
    last = end
    for place in range(end + 1, len(lines)):
        if BEGINS.match(lines[place]) or _HEAD.match(lines[place]):
            break
        if lines[place].strip() and lines[place].lstrip()[0] not in "#;":
            last = place
    return last
