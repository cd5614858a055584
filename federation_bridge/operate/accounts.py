"""What the commands of the account register do and say."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import account_import
from federation_bridge.administration import rules as verbs
from federation_bridge.administration.account_import import ImportTerms, RegisterDifference
from federation_bridge.administration.accounts_given import read_accounts
from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.rules import Change, Outcome, Rules
from federation_bridge.audit import printable
from federation_bridge.errors import ConfigurationInvalid, NotFound, mistakes_within
from federation_bridge.line_difference import unified
from federation_bridge.mapping import load_register
from federation_bridge.model import Author
from federation_bridge.operate.opening import store_looked_at, store_of
from federation_bridge.operate.rulebook_versions import Wanted
from federation_bridge.rulebook import FilesSource, Known
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.source import text_of
from federation_bridge.rulebook.texts import Texts
from federation_bridge.settings import Settings
from federation_bridge.store import Store

_STDIN = Path("/dev/stdin")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Import:
    """A register beside the one that lists of accounts would make of it."""

    before: Texts
    after: Texts
    difference: RegisterDifference
    base_digest: str = ""
    """Of the version that it was looked at over; "" in files."""

    def lines(self) -> Iterator[str]:
        """The difference in words, then in the text."""
        yield from map(printable, account_import.lines_of(self.difference, load_register(self.before.accounts)))
        old, new = (one.accounts.splitlines() for one in (self.before, self.after))
        yield from map(printable, unified("accounts", old, new))


def looked_at(settings: Settings, files: Sequence[Path], form: str, terms: ImportTerms) -> Import:
    """What these lists would make of the register that stands; nothing is changed.

    Raises ConfigurationInvalid for every mistake of the lists, and where rules would not fit the new register.
    """
    given = read_accounts([(_name_of(one), text_of(_STDIN if str(one) == "-" else one)) for one in files], form)
    before, digest = _stands(settings)
    difference = account_import.difference(before.accounts, given, terms)
    after = replace(before, accounts=difference.written)
    try:
        parsed(after, _known(settings), ("rules", "accounts"))
    except ConfigurationInvalid as refusal:
        raise mistakes_within(refusal, "with the new register") from None
    return Import(before, after, difference, digest)


def put_in_force(settings: Settings, found: Import, wanted: Wanted) -> Outcome:
    """The new register comes into force as `rules apply` does it, or waits for a second person as there."""
    if settings.rulebook.source != "database":
        raise ConfigurationInvalid("the rulebook lies in files: --write changes the file, and the change is a version")
    change = Change(Author(wanted.author), wanted.reason, found.base_digest, is_emergency=wanted.is_emergency)
    with store_of(settings) as store:
        return verbs.apply(_verbs(settings, store), found.after, change, ("rules", "accounts"))


def write(settings: Settings, found: Import) -> Path:
    """The new register takes the place of the file in one step; ConfigurationInvalid where the file has changed."""
    if settings.rulebook.source == "database" or settings.accounts is None:
        raise ConfigurationInvalid("the rulebook lies in the database: --reason puts the new register in force")
    path = settings.accounts.resolve()
    try:
        with _alone(path):
            _replace(path, found.before.accounts, found.after.accounts)
    except OSError as problem:
        raise ConfigurationInvalid(f"{path}: cannot be written: {problem.strerror}") from None
    return path


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other one of ours is between its look at the file and its rename; ConfigurationInvalid where one is."""
    # The file itself is locked: nothing has to be left beside it, and the lock goes with its process.
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationInvalid(f"{path}: another command changes it now: look again") from None
        except OSError:
            pass  # this file system has no locks for readers: the look at the text is all there is
        if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            raise _changed(path)  # the lock is of a file that another one replaced
        yield


def _replace(path: Path, before: str, after: str) -> None:
    """So that nobody ever reads half of it; mode and owner stay."""
    status, mark = path.stat(), _MARK if path.read_bytes().startswith(_MARK) else b""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(mark + after.encode())
            file.flush()
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fsync(descriptor)
        # Last of all: editors take no lock, and writing to the disk may have taken long.
        _demand_unchanged(path, before)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _demand_unchanged(path: Path, before: str) -> None:
    if text_of(path) != before:
        raise _changed(path)


def _changed(path: Path) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"{path}: was changed meanwhile: look again")


def _name_of(path: Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


def _stands(settings: Settings) -> tuple[Texts, str]:
    if settings.rulebook.source != "database":
        return FilesSource(*settings.rules_files).read().texts, ""
    with store_looked_at(settings) as store:
        version = store.rulebook_versions.in_force()
    if version is None:
        raise NotFound("no version of the rulebook is in force: `federation-bridge rules apply` makes one")
    return Texts.from_kept(version.text), version.digest


def _known(settings: Settings) -> Known:
    return Known.of(settings)


def _verbs(settings: Settings, store: Store) -> Rules:
    return Rules(
        store.rulebook_versions,
        store.rulebook_proposals,
        _known(settings),
        system_clock.utc_now,
        allows_emergency=settings.rulebook.emergency,
        seen=lambda: identities_seen(store, system_clock.utc_now, settings.sessions.people_kept),
    )
