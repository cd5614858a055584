"""Where the texts of the rulebook come from: two files. Another place is another `Source`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from federation_bridge.errors import ConfigurationInvalid, Mistake
from federation_bridge.rulebook.texts import Texts
from federation_bridge.watched_file import Signature as FileSignature
from federation_bridge.watched_file import is_settled, signature_of

_MAX_BYTES = 40_000_000
"""Above what a text of rules may have in characters, so that the refusal names those."""
_READS = 5
"""So often are files read again that change while they are read."""

Signature = tuple[object, ...]
"""How the texts look from outside: another value whenever they may say something else."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The texts, and how they looked when they were read."""

    texts: Texts
    signature: Signature
    is_settled: bool
    """False where they were so young that another change could hide behind the same signature."""


class Source(Protocol):
    """Gives the texts, and says cheaply whether they may have changed."""

    names: tuple[str, str]
    """What people call the rules and the register: the places that a mistake names."""

    def signature(self) -> Signature:
        """How the texts look now, without reading them: asked for each decision."""

    def read(self) -> Reading:
        """Both texts as one set; ConfigurationInvalid where they cannot be had."""


class FilesSource:
    """The texts of two files."""

    def __init__(self, rules: Path, accounts: Path, *, wall: Callable[[], float] = time.time) -> None:
        """`wall` gives the seconds since 1970 by the clock that stamps the files."""
        self._paths = (rules, accounts)
        self._wall = wall
        self.names = (str(rules), str(accounts))

    def signature(self) -> tuple[FileSignature, ...]:
        """How both files look now."""
        return tuple(signature_of(path) for path in self._paths)

    def read(self) -> Reading:
        """Both files as one set: read again where one of them was changed meanwhile."""
        for _ in range(_READS):
            signature = self.signature()
            rules, accounts = (text_of(path) for path in self._paths)
            if self.signature() == signature:
                settled = all(is_settled(one, self._wall()) for one in signature)
                return Reading(Texts(rules, accounts), signature, settled)
        raise ConfigurationInvalid(f"{self._paths[0]}: the files change while they are read")


def text_of(path: Path) -> str:
    """The text of a file, byte for byte but for a byte order mark; ConfigurationInvalid."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ConfigurationInvalid(f"{path}: has more than {_MAX_BYTES} bytes")
        return content.decode("utf-8-sig")
    except OSError as problem:
        raise ConfigurationInvalid(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        column = len(content[content.rfind(b"\n", 0, problem.start) + 1 : problem.start].decode()) + 1
        raise ConfigurationInvalid(Mistake("is not UTF-8", line, column, str(path))) from None
