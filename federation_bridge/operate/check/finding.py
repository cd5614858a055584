"""What a look finds: what it is about, how bad it is, where it stands, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from federation_bridge.errors import BridgeError, ConfigurationInvalid, Mistake, mistakes_of


class Severity(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    NOTE = "note"
    """Nothing is wrong here, and something has to be done elsewhere, which nobody can look at from here."""
    DOUBTFUL = "warning"
    WRONG = "wrong"


class Kind(StrEnum):
    """What a finding is about."""

    SETTINGS = "settings"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    FILE = "file"
    PORT = "port"
    DATABASE = "database"
    KEY = "key"
    RULEBOOK = "rulebook"
    RULE = "rule"
    CONNECTION = "connection"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Location:
    """Where something stands; as much of it as is known."""

    file: str = ""
    line: int = 0
    """Line and column from 1; 0: not known."""
    column: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, in a sentence."""

    kind: Kind
    severity: Severity
    sentence: str
    place: Location = Location()

    def to_json(self) -> dict[str, Any]:
        """As a pipeline reads it: of the place only what is known, None where nothing is."""
        place = {name: value for name, value in asdict(self.place).items() if value}
        return {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "place": place or None,
            "sentence": self.sentence,
        }


def refused(kind: Kind, refusal: BridgeError, before: str = "") -> Iterator[Finding]:
    """Each mistake of a refusal as something wrong; `before` begins each sentence."""
    told = mistakes_of(refusal) if isinstance(refusal, ConfigurationInvalid) else (refusal.detail,)
    for sentence in told:
        yield Finding(kind, Severity.WRONG, f"{before}{sentence}", _place_of(sentence))


def _place_of(sentence: str) -> Location:
    return Location(sentence.file, sentence.line, sentence.column) if isinstance(sentence, Mistake) else Location()
