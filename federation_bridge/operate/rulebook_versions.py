"""What the commands of the rulebook's versions do and say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import approvals
from federation_bridge.administration import rules as verbs
from federation_bridge.administration.emergencies import Open, SeenTo, acknowledge
from federation_bridge.administration.emergencies import emergencies as open_emergencies
from federation_bridge.administration.foreseen import all_foreseen
from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.rules import MOST_WAITING, Change, Outcome, Rules
from federation_bridge.audit import printable
from federation_bridge.errors import ConfigurationInvalid, NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Author, RulebookVersion
from federation_bridge.operate.given_files import texts_of
from federation_bridge.operate.opening import store_looked_at, store_of
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.difference import difference
from federation_bridge.rulebook.texts import Texts
from federation_bridge.settings import Settings
from federation_bridge.store import Store

_LEAST_DIGITS = 8
"""Of a digest that names a version."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody at a terminal wants of the rulebook: who, why, and whether it cannot wait for a second person."""

    author: str
    reason: str
    is_emergency: bool = False


def apply(settings: Settings, files: Sequence[Path], wanted: Wanted, base: str | None) -> Outcome:
    """Puts these files in force as `administration.rules.apply` does, or lets them wait as it does.

    A part that none of the files is about stays as it is. `base`: the digest of the version over which the change was
    made, or its beginning; None: over what is in force now.
    """
    _check_source(settings)
    with store_of(settings) as store:
        stands = store.rulebook_versions.in_force()
        texts, names = texts_of(files, stands)
        change = _change(wanted, _base(stands, base))
        return verbs.apply(_verbs(settings, store), texts, change, names)


def return_to(settings: Settings, number: int, wanted: Wanted) -> Outcome:
    """Puts an earlier version's text in force as a new version, or lets it wait."""
    _check_source(settings)
    with store_of(settings) as store:
        change = _change(wanted, _base(store.rulebook_versions.in_force(), None))
        return verbs.return_to(_verbs(settings, store), number, change)


def proposals(settings: Settings) -> Iterator[str]:
    """One line for each change that waits for a second person, newest first: id, time, author, digest, base, reason."""
    with store_looked_at(settings) as store:
        for one in store.rulebook_proposals.waiting(MOST_WAITING):
            time = one.made_at.isoformat(timespec="seconds")
            over = f"over version {one.base_number}"
            yield printable(f"{one.id}  {time}  {one.digest[:12]}  {over}  {one.author.name}  {one.reason}")


def close(settings: Settings, asked: str, wanted: Wanted) -> None:
    """Ends the waiting of a change."""
    with store_of(settings) as store:
        approvals.close(_verbs(settings, store), asked, Author(wanted.author), wanted.reason)


def emergencies(settings: Settings) -> Iterator[str]:
    """One line for each change in an emergency that nobody has seen to: version, time, author, reason."""
    with store_looked_at(settings) as store:
        for one in open_emergencies(store, system_clock.utc_now(), settings.rulebook.emergency_shown):
            yield printable(f"{one.number:>5}  {one.at.isoformat(timespec='seconds')}  {one.author}  {one.reason}")


def see_to_emergency(settings: Settings, number: int, wanted: Wanted) -> None:
    """Ends the notice of the emergency that made this version, with `wanted.reason` as the note."""
    with store_of(settings) as store:
        where = Open(store, system_clock.utc_now, settings.rulebook.emergency_shown)
        acknowledge(where, number, SeenTo(Author(wanted.author), wanted.reason))


def _change(wanted: Wanted, base: str) -> Change:
    return Change(Author(wanted.author), wanted.reason, base, is_emergency=wanted.is_emergency)


def history(settings: Settings, most: int) -> Iterator[str]:
    """One line for each version, newest first: number, time, author, road, digest, reason."""
    with store_looked_at(settings) as store:
        in_force = store.rulebook_versions.number_in_force()
        for one in store.rulebook_versions.history(most):
            mark = "*" if one.number == in_force else " "
            time = one.made_at.isoformat(timespec="seconds")
            words = f"{one.author} ({one.origin})" if one.author != one.origin else one.author
            yield printable(f"{mark} {one.number:>5}  {time}  {one.digest[:12]}  {words}  {one.reason}".rstrip())


def told_whole(settings: Settings, number: int) -> Iterator[str]:
    """One version: its line, and what was shown of it then; NotFound."""
    with store_looked_at(settings) as store:
        one = store.rulebook_versions.version(number)
    if one is None:
        raise NotFound(f"the rulebook has no version {number}")
    words = f"{one.author} ({one.origin})  {one.reason}"
    yield printable(f"{one.number}  {one.made_at.isoformat(timespec='seconds')}  {one.digest[:12]}  {words}".rstrip())
    found = all_foreseen(one.foreseen)
    for place, shown in enumerate(found):
        yield f"foreseen when it {'was proposed' if place else 'came into force'}, {shown.at:%Y-%m-%d %H:%M} UTC:"
        yield from (f"  {printable(line)}" for line in shown.lines)
        if shown.left:
            yield f"  and {shown.left} lines more, which were not kept"
    if not found:
        yield "no prediction was kept"


def show(settings: Settings, number: int | None, part: str, file: str = "") -> str:
    """The text of one part (`rules` or `accounts`) of a version, byte for byte; no number: of the one in force.

    Rules of several files: the text of `file`; without, all, each behind a remark with its name.
    """
    with store_looked_at(settings) as store:
        found = store.rulebook_versions.in_force() if number is None else store.rulebook_versions.version(number)
        if found is None:
            raise NotFound("no version is in force" if number is None else f"the rulebook has no version {number}")
    texts = Texts.from_kept(found.text)
    if part == "accounts":
        return texts.accounts
    if file:
        if file not in dict(texts.documents):
            raise NotFound(f"version {found.number} has no text {file!r}{did_you_mean(file, dict(texts.documents))}")
        return texts.document(file)
    return texts.joined


def diff(settings: Settings, before: int, after: int) -> Iterator[str]:
    """What changed between two versions, as a unified diff of each text."""
    with store_looked_at(settings) as store:
        versions = _two(store, before, after)
    old, new = (Texts.from_kept(one.text) for one in versions)
    yield from difference(old, new, str(before), str(after))


def _two(store: Store, before: int, after: int) -> tuple[RulebookVersion, RulebookVersion]:
    """Two versions, whole; NotFound names the one that is not there."""
    old, new = (store.rulebook_versions.version(number) for number in (before, after))
    if old is None or new is None:
        raise NotFound(f"the rulebook has no version {before if old is None else after}")
    return old, new


def _verbs(settings: Settings, store: Store) -> Rules:
    return Rules(
        store.rulebook_versions,
        store.rulebook_proposals,
        Known.of(settings),
        system_clock.utc_now,
        lies_in_files=settings.rulebook.source != "database",
        allows_emergency=settings.rulebook.emergency,
        seen=lambda: identities_seen(store, system_clock.utc_now, settings.sessions.people_kept),
    )


def _check_source(settings: Settings) -> None:
    if settings.rulebook.source != "database":
        raise ConfigurationInvalid("rulebook.source is `files`: change the files; each change is a version by itself")


def _base(stands: RulebookVersion | None, asked: str | None) -> str:
    """The digest in full where the beginning of the one in force was given; else as given, to be refused."""
    digest = "" if stands is None else stands.digest
    if asked is None or (len(asked) >= _LEAST_DIGITS and digest.startswith(asked)):
        return digest
    return asked
