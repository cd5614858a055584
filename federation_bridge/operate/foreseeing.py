"""`preview` and `explain` for a terminal: opens what they look at, and says it as lines or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import explaining, people, preview
from federation_bridge.administration.rule_ages import number_at
from federation_bridge.audit import printable
from federation_bridge.bridge import Parts
from federation_bridge.errors import NotFound
from federation_bridge.mapping import RuleSet, reasons_to_wait
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Groups, Identity
from federation_bridge.operate.given_files import part_of, texts_of
from federation_bridge.operate.opening import looking_at
from federation_bridge.rulebook.parsing import Known, Names, parsed
from federation_bridge.rulebook.rule_files import rule_files
from federation_bridge.rulebook.source import text_of
from federation_bridge.rulebook.texts import Texts
from federation_bridge.sentence import Sentence
from federation_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a preview is to be computed from."""

    files: Sequence[Path]
    people: Path | None = None
    span: timedelta | None = None
    """People who signed in within this; None: all who are remembered."""
    against: int | None = None
    """The version to compare with; None: the one in force."""


def previewed(
    settings: Settings, wanted: Wanted, progress: Callable[[int], None], *, as_json: bool
) -> tuple[bool, list[str]]:
    """Whether anything changes, and what; ConfigurationInvalid where the proposed files do not parse.

    A change that would wait for a second person changes something, even where nobody gains or loses.
    """
    with looking_at(settings) as parts:
        proposed = _proposed(parts, wanted.files)
        span = wanted.span or settings.sessions.people_kept
        given = people.identities_seen(parts.store, parts.clock, span)
        if wanted.people is not None:
            given += people.identities_in(text_of(wanted.people), settings.connections)
        found = preview.preview(_version(parts, wanted.against), proposed, given, parts.clock(), progress)
        because = _reasons_to_wait(parts, wanted, proposed)
    document = {**preview.document_of(found), "second_person": list(because)}
    told = (f"two people have to agree: {printable(reason)}" for reason in because)
    lines = [json.dumps(document, indent=2)] if as_json else [*preview.lines_of(found), *told]
    return bool(found.comparison.lines or because), lines


def _reasons_to_wait(parts: Parts, wanted: Wanted, proposed: RuleSet) -> tuple[Sentence, ...]:
    """Why the proposed rules would wait for a second person. Nobody waits for a change of files."""
    if parts.settings.rulebook.source != "database" or wanted.against is not None:
        return ()
    return reasons_to_wait(parts.rulebook.in_force, proposed)


def _proposed(parts: Parts, files: Sequence[Path]) -> RuleSet:
    """The rules in these files, and for what they do not hold, as it stands now."""
    settings = parts.settings
    if settings.rulebook.source == "database":
        return parsed(*_with_names(files, parts))
    rules, accounts = settings.rules_files
    held = {part_of(file, text_of(file)) for file in rule_files(tuple(files))}
    lying = (rules,) if isinstance(rules, Path) else rules
    rest = [*(() if "rules" in held else lying), *(() if "accounts" in held else (accounts,))]
    return parsed(*_with_names([*files, *rest], parts))


def _with_names(files: Sequence[Path], parts: Parts) -> tuple[Texts, Known, Names]:
    texts, names = texts_of(files, parts.store.rulebook_versions.in_force())
    return texts, _known(parts), names


def _known(parts: Parts) -> Known:
    return Known.of(parts.settings)


def _version(parts: Parts, number: int | None) -> RuleSet:
    """The rules of a version; without a number, those in force. NotFound."""
    if number is None:
        return parts.rulebook.in_force
    found = parts.store.rulebook_versions.version(number)
    if found is None:
        raise NotFound(f"the rulebook has no version {number}")
    return parsed(Texts.from_kept(found.text), _known(parts))


@dataclass(frozen=True, slots=True)
class Question:
    """Of whom and of what an explanation is asked."""

    person: str
    role: str = ""
    at: datetime | None = None
    groups: tuple[str, ...] | None = None
    """Instead of those that are known."""
    version: int | None = None
    """Of the rulebook; None: the one in force, or that of the time that is asked about."""


def explanation(settings: Settings, question: Question, *, as_json: bool) -> Iterator[str]:
    """The explanation, as lines or JSON; NotFound for somebody who was never seen and of whom no groups are given."""
    with looking_at(settings) as parts:
        identity, notes = _identity(parts, question)
        number = question.version
        if number is None and question.at is not None:
            number = number_at(parts.store.rulebook_versions, question.at)
            notes.append(f"the rules are those of version {number}" if number else "the rules are those in force now")
        rules = _version(parts, number)
        explaining.check_role(rules, question.role)
        found = explaining.explained(rules, identity, question.at or parts.clock(), question.role)
    if as_json:
        yield json.dumps({**explaining.document_of(found), "notes": notes}, indent=2)
        return
    yield from explaining.lines_of(found)
    yield from (f"note: {note}" for note in notes)


def _identity(parts: Parts, question: Question) -> tuple[Identity, list[str]]:
    if question.groups is None:
        then = None if question.at is None else people.person_at(parts.store, question.person, question.at)
        if then is not None:
            return then.identity, [people.groups_of_then(then)]
        seen = people.person_seen(
            parts.store, question.person, system_clock.utc_now, parts.settings.sessions.people_kept
        )
        return seen.identity, _notes(question, seen.last_seen_at)
    known = parts.store.people.one(question.person)
    connection, _, subject = question.person.partition("/")
    if connection not in parts.settings.connections or not subject:
        near = did_you_mean(connection, parts.settings.connections)
        raise NotFound(f"{question.person!r} is not connection/subject of a connection{near}")
    identity = known.identity if known else Identity(connection, subject, subject)
    notes = ["the groups are those that were given, not those of a sign-in"]
    if known is None:
        notes.append("nobody of that name was seen here: no claims are known")
    return replace(identity, groups=Groups(question.groups)), notes


def _notes(question: Question, seen: datetime) -> list[str]:
    notes = [f"groups and claims are those of the last sign-in, {seen:%Y-%m-%d %H:%M} UTC"]
    if question.at is not None:
        notes.append(people.UNKNOWN_THEN)
    return notes
