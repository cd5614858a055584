"""The files of rules and register: read whole, so that each mistake in them is told, whatever else is wrong."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import read_register
from federation_bridge.mapping.document import read_document
from federation_bridge.operate.check.finding import Finding, Kind, Location, Severity, refused
from federation_bridge.private_files import others_may_write
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.parsing import called, parsed
from federation_bridge.rulebook.rule_files import RulesPlace, folders, rule_files, skipped
from federation_bridge.rulebook.source import FilesSource, Reading, text_of
from federation_bridge.settings import Settings, read_settings


def look(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the files, where the rulebook lies in files."""
    if settings.rulebook.source == "files":
        rules, accounts = settings.rules_files
        yield from _mistakes(rules, accounts, Known.of(settings))
        yield from _writable(rules, accounts)


def _writable(rules: RulesPlace, accounts: Path) -> Iterator[Finding]:
    """What others can write to: a file, or a folder, where they can put another file or take one away."""
    try:
        files = rule_files(rules)
    except ConfigurationInvalid:
        return  # whoever reads it says so
    for path in dict.fromkeys((*folders(rules), *files, accounts)):
        yield from writable_by_others(path, "who may have what")


def of_broken_settings(path: Path) -> Iterator[Finding]:
    """The same for settings that are refused, as far as they say where the files lie."""
    try:
        document, _ = read_settings(path)
    except ConfigurationInvalid:
        return
    rules, accounts, connections = (document.get(name) for name in ("rules", "accounts", "connections"))
    folder = path.resolve().parent
    paths = rules if isinstance(rules, list) else [rules]
    if not (paths and all(isinstance(one, str) for one in paths) and isinstance(accounts, str)):
        return
    if isinstance(connections, dict):
        place = tuple(folder / str(one) for one in paths)
        known = Known(frozenset(map(str, connections)))
        yield from _mistakes(place[0] if isinstance(rules, str) else place, folder / accounts, known)


def writable_by_others(path: Path, what: str) -> Iterator[Finding]:
    """A warning where others than us and root can write to the file that says `what`."""
    try:
        status = path.stat()
    except OSError:
        return  # whoever reads it says so
    if others_may_write(status):
        told = f"{path}: others can write to it (mode {stat.S_IMODE(status.st_mode):04o}), and it says {what}: "
        yield Finding(Kind.FILE, Severity.DOUBTFUL, f"{told}chmod go-w {path}", Location(str(path)))


def _mistakes(rules: RulesPlace, accounts: Path, known: Known) -> Iterator[Finding]:
    yield from _left_lying(rules)
    found = list(_unreadable(rules, accounts))
    yield from found
    if found:
        return
    try:
        reading = FilesSource(rules, accounts).read()
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.RULEBOOK, refusal)
        return
    try:
        parsed(reading.texts, known, reading.names)
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.RULEBOOK, refusal)
        yield from _rules_by_themselves(reading, known)


def _left_lying(rules: RulesPlace) -> Iterator[Finding]:
    """What lies in a folder of rules and decides nothing, as somebody may believe that it does."""
    try:
        found = list(skipped(rules))
    except ConfigurationInvalid:
        return  # whoever reads it says so
    for one in found:
        told = f"{one.path}: is not read as rules: {one.reason}"
        yield Finding(
            Kind.RULEBOOK, Severity.DOUBTFUL if one.looks_like_rules else Severity.NOTE, told, Location(str(one.path))
        )


def _unreadable(rules: RulesPlace, accounts: Path) -> Iterator[Finding]:
    """Each file that cannot be read: all of them are told, not the first alone."""
    try:
        files = rule_files(rules)
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.RULEBOOK, refusal)
        files = ()
    for path in (*files, accounts):
        try:
            text_of(path)
        except ConfigurationInvalid as refusal:
            yield from refused(Kind.RULEBOOK, refusal)


def _rules_by_themselves(reading: Reading, known: Known) -> Iterator[Finding]:
    """Rules are read against the names of the register. Without those, it is seen at least whether they are YAML."""
    try:
        names_all = read_register(reading.texts.accounts, known.issuer, known.reserved_role).names_all
    except ConfigurationInvalid:
        names_all = False
    for name, written in () if names_all else reading.texts.documents:
        yield from _rules_as_yaml(called(name, reading.names), written)


def _rules_as_yaml(path: str, written: str) -> Iterator[Finding]:
    try:
        read_document(written, path)
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.RULEBOOK, refusal)
    else:
        told = f"{path}: is checked against the register, which has to be corrected first"
        yield Finding(Kind.RULEBOOK, Severity.NOTE, told, Location(path))
