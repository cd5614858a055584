"""The files of rules and register: read whole, so that each mistake in them is told, whatever else is wrong."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import read_register
from federation_bridge.mapping.document import read_document
from federation_bridge.operate.check.finding import Finding, Kind, Place, Severity, refused
from federation_bridge.private_files import others_may_write
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.parsing import parsed
from federation_bridge.rulebook.source import text_of
from federation_bridge.rulebook.texts import Texts
from federation_bridge.settings import Settings, read_settings


def look(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the files, where the rulebook lies in files."""
    if settings.rulebook.source == "files":
        yield from _mistakes(*settings.rules_files, Known(frozenset(settings.connections), settings.issuer))
        for path in settings.rules_files:
            yield from writable_by_others(path, "who may have what")


def of_broken_settings(path: Path) -> Iterator[Finding]:
    """The same for settings that are refused, as far as they say where the files lie."""
    try:
        document, _ = read_settings(path)
    except ConfigurationInvalid:
        return
    rules, accounts, connections = (document.get(name) for name in ("rules", "accounts", "connections"))
    if isinstance(rules, str) and isinstance(accounts, str) and isinstance(connections, dict):
        folder = path.resolve().parent
        yield from _mistakes(folder / rules, folder / accounts, Known(frozenset(map(str, connections))))


def writable_by_others(path: Path, what: str) -> Iterator[Finding]:
    """A warning where others than us and root can write to the file that says `what`."""
    try:
        status = path.stat()
    except OSError:
        return  # whoever reads it says so
    if others_may_write(status):
        told = f"{path}: others can write to it (mode {stat.S_IMODE(status.st_mode):04o}), and it says {what}: "
        yield Finding(Kind.FILE, Severity.DOUBTFUL, f"{told}chmod go-w {path}", Place(str(path)))


def _mistakes(rules: Path, accounts: Path, known: Known) -> Iterator[Finding]:
    texts: list[str] = []
    for path in (rules, accounts):
        try:
            texts.append(text_of(path))
        except ConfigurationInvalid as refusal:
            yield from refused(Kind.RULEBOOK, refusal)
    if len(texts) < len((rules, accounts)):
        return
    try:
        parsed(Texts(*texts), known, (str(rules), str(accounts)))
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.RULEBOOK, refusal)
        yield from _rules_by_themselves(rules, texts, known)


def _rules_by_themselves(path: Path, texts: list[str], known: Known) -> Iterator[Finding]:
    """Rules are read against the names of the register. Without those, it is seen at least whether they are YAML."""
    try:
        names_all = read_register(texts[1], known.issuer).names_all
    except ConfigurationInvalid:
        names_all = False
    if names_all:
        return
    try:
        read_document(texts[0], str(path))
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.RULEBOOK, refusal)
    else:
        told = f"{path}: is read against the register, which has to be mended first"
        yield Finding(Kind.RULEBOOK, Severity.NOTE, told, Place(str(path)))
