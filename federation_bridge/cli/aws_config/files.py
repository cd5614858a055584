"""The person's files of profiles: where they lie, and what AWS tools see there, read as botocore and the AWS CLI do.

Both use this very parser of Python's library, and its rules with it (botocore/configloader.py): a section or a setting
that stands there twice, or a byte order mark, spoils the whole file; `[name]` is no profile in `config`, and the only
form of one in `credentials`; [DEFAULT] in capitals gives its settings to every section.
"""

from __future__ import annotations

import configparser
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.cli.failures import LocalFailure
from federation_bridge.cli.files import drafted, local_failure
from federation_bridge.cli.i18n import say

Settings = Mapping[str, str]
_KINDS = ("sso-session", "services")
_BOM = "\ufeff"


class Broken(ValueError):
    """AWS tools refuse the file as a whole; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A `config` file, as AWS tools see it."""

    profiles: Mapping[str, Settings]
    sections: frozenset[str]
    """What is no profile and means something: `sso-session NAME` and `services NAME`."""
    ignored: frozenset[str]
    """Heads of sections that mean nothing to AWS tools, a profile without the word `profile` above all."""


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Makes of a file that AWS tools refuse a sentence for the person (LocalFailure)."""
    try:
        yield
    except Broken as broken:
        raise LocalFailure(
            say(
                "AWS tools cannot read {path}, and no profile in it works: {why}. Correct this first.",
                path=str(path),
                why=str(broken),
            )
        ) from None


def seen_in_config(text: str) -> Seen:
    """What AWS tools see in a `config` file with this text. Broken where they see nothing."""
    profiles: dict[str, Settings] = {}
    sections, ignored = set(), set()
    for head, settings in _parsed(text).items():
        kind = next((kind for kind in ("profile", *_KINDS) if head.startswith(kind)), "")
        name = _name(head) if kind else ""
        if head == "default":
            profiles[head] = settings
        elif not name:
            ignored.add(head)
        elif kind == "profile":
            # Of `[default]` and `[profile default]`, or a name with and without quotes, the last is taken.
            profiles[name] = settings
        else:
            sections.add(f"{kind} {name}")
    return Seen(profiles, frozenset(sections), frozenset(ignored))


def seen_in_credentials(text: str) -> Mapping[str, Settings]:
    """The profiles of a `credentials` file: heads are names as they stand. Broken where AWS tools see nothing."""
    return _parsed(text)


def _name(head: str) -> str:
    """The name behind the kind; empty where there is not exactly one word, as a shell counts words."""
    try:
        words = shlex.split(head)
    except ValueError:
        return ""
    return words[1] if len(words) == 2 else ""  # noqa: PLR2004 - a kind and a name


def _parsed(text: str) -> dict[str, Settings]:
    parser = configparser.RawConfigParser()
    try:
        # A file that is opened as text has no other line ends either.
        parser.read_string(text.replace("\r\n", "\n").replace("\r", "\n"))
    except configparser.Error as refused:
        raise Broken(_words(refused, text)) from None
    found: dict[str, Settings] = {name: dict(parser.items(name)) for name in parser.sections()}
    for name, settings in found.items():
        for option, value in settings.items():
            if value.startswith("\n") and any("=" not in line for line in value.splitlines() if line.strip()):
                raise Broken(
                    say("what stands below {option} in [{name}] is not NAME = VALUE", option=option, name=name)
                )
    return found


def _words(refused: configparser.Error, text: str) -> str:
    if text.startswith(_BOM):
        return say("it begins with a byte order mark; save it as UTF-8 without one")
    if isinstance(refused, configparser.DuplicateSectionError):
        return say("line {line}: [{name}] stands there twice", line=refused.lineno, name=refused.section)
    if isinstance(refused, configparser.DuplicateOptionError):
        return say(
            "line {line}: {option} stands twice in [{name}]",
            line=refused.lineno,
            option=refused.option,
            name=refused.section,
        )
    if isinstance(refused, configparser.MissingSectionHeaderError):
        return say("line {line} stands before the first [section]", line=refused.lineno)
    errors = getattr(refused, "errors", [])
    return say("line {line} is not NAME = VALUE", line=errors[0][0] if errors else 0)


# ------------------------------------------------------------------------------------------------------------ the files


def config_path(environ: Mapping[str, str]) -> Path:
    """AWS_CONFIG_FILE, else ~/.aws/config; a link is followed, since people keep this file under version control.

    As for AWS tools, `~` and variables stand for what they name.

    Raises:
        LocalFailure: the path leads nowhere: a loop of links, a person who is unknown here.
    """
    return _chosen_path(environ, "AWS_CONFIG_FILE", "config")


def credentials_path(environ: Mapping[str, str]) -> Path:
    """AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials."""
    return _chosen_path(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")


def _chosen_path(environ: Mapping[str, str], variable: str, name: str) -> Path:
    chosen = environ.get(variable) or str(Path.home() / ".aws" / name)
    try:
        return Path(os.path.expandvars(chosen)).expanduser().resolve()
    except (OSError, ValueError, RuntimeError) as wrong:
        raise LocalFailure(say("{path} cannot be read: {reason}", path=chosen, reason=str(wrong))) from None


def read_config(path: Path) -> str:
    """The file's text; empty where there is none. LocalFailure where it cannot be read or is no text."""
    try:
        # A device has no end, or no place beside it for our draft.
        if path.exists() and not path.is_file() and not path.is_dir():
            raise LocalFailure(say("{path} is not a file.", path=str(path)))
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as refused:
        raise local_failure(path, refused) from None
    except UnicodeDecodeError as broken:
        raise LocalFailure(say("{path} cannot be read: {reason}", path=str(path), reason=str(broken))) from None


@contextmanager
def drafted_config(path: Path, before: str, after: str) -> Iterator[Callable[[], None]]:
    """The new text beside the file, until what it gives puts it there, whole or not at all; the file's mode stays.

    Raises:
        LocalFailure: it cannot be written; or, when it is to be put there, the file is no longer as it was `before`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    except OSError as refused:
        raise local_failure(path, refused) from None
    with drafted(path, after.encode(), mode) as put:

        def put_if_unchanged() -> None:
            if read_config(path) != before:
                raise LocalFailure(
                    say("{path} was changed by another program meanwhile. Run it again.", path=str(path))
                )
            put()

        yield put_if_unchanged


def names_in_credentials(environ: Mapping[str, str]) -> frozenset[str]:
    """The profiles of the credentials file, which AWS tools take before those of `config`; none where it is broken."""
    with suppress(LocalFailure, Broken):
        return frozenset(seen_in_credentials(read_config(credentials_path(environ))))
    return frozenset()
