"""Where the texts of the rulebook come from: files. Another place is another `Source`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from federation_bridge.errors import ConfigurationInvalid, Mistake
from federation_bridge.rulebook.parsing import Names
from federation_bridge.rulebook.rule_files import RulesPlace, is_one_file, rule_files
from federation_bridge.rulebook.texts import Texts, named_texts
from federation_bridge.watched_file import Signature as FileSignature
from federation_bridge.watched_file import is_settled, signature_of

_MAX_BYTES = 40_000_000
"""Above what a text of rules may have in characters, so that the refusal names those."""
_READS = 5
"""So often are files read again that change while they are read."""

_NO_LOOK: FileSignature = (0,)

Signature = tuple[object, ...]
"""How the texts look from outside: another value whenever they may say something else."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The texts, and how they looked when they were read."""

    texts: Texts
    signature: Signature
    is_settled: bool
    """False where they were so young that another change could hide behind the same signature."""
    names: Names = ("", "")
    """What people call the texts: the places that a mistake names."""


class Source(Protocol):
    """Gives the texts, and says cheaply whether they may have changed."""

    def signature(self) -> Signature:
        """How the texts look now, without reading them: asked for each decision."""

    def read(self) -> Reading:
        """All texts as one set; ConfigurationInvalid where they cannot be had."""


class FilesSource:
    """The texts of files: of the rules one, several or a folder; of the register one."""

    def __init__(self, rules: RulesPlace, accounts: Path, *, wall: Callable[[], float] = time.time) -> None:
        """`wall` gives the seconds since 1970 by the clock that stamps the files."""
        self._rules, self._accounts = rules, accounts
        self._wall = wall

    def signature(self) -> tuple[tuple[str, FileSignature], ...]:
        """How all files look now, and which they are."""
        try:
            files = rule_files(self._rules)
        except ConfigurationInvalid as problem:
            return ((problem.detail, _NO_LOOK),)
        # A name that comes or goes is seen by the name; a folder that is swapped for another, by its files.
        paths = (*files, self._accounts)
        return tuple((str(path), signature_of(path)) for path in paths)

    def read(self) -> Reading:
        """All files as one set: read again where one of them was changed, came or went meanwhile."""
        for _ in range(_READS):
            signature = self.signature()
            try:
                texts, names = self._texts()
            except ConfigurationInvalid:
                # Half a set is none. What went away while it was read is no mistake: the set that is there now counts.
                if self.signature() != signature:
                    continue
                raise
            if self.signature() == signature:
                settled = all(is_settled(look, self._wall()) for _, look in signature)
                return Reading(texts, signature, settled, names)
        place = self._rules if isinstance(self._rules, Path) else self._rules[0]
        raise ConfigurationInvalid(f"{place}: the files change while they are read")

    def _texts(self) -> tuple[Texts, Names]:
        accounts = str(self._accounts)
        if isinstance(self._rules, Path) and is_one_file(self._rules):
            return Texts(text_of(self._rules), text_of(self._accounts)), (str(self._rules), accounts)
        rules = texts_of_files(rule_files(self._rules))
        return Texts(named_texts((path.name, text) for path, text in rules), text_of(self._accounts)), (
            {path.name: str(path) for path, _ in rules},
            accounts,
        )


def texts_of_files(paths: Sequence[Path]) -> tuple[tuple[Path, str], ...]:
    """Each path with its text; ConfigurationInvalid, also where all together are larger than one file may be."""
    left, found = _MAX_BYTES, []
    for path in paths:
        text = text_of(path, left)
        left -= len(text.encode())
        found.append((path, text))
    return tuple(found)


def text_of(path: Path, most: int | None = None) -> str:
    """The text of a file, byte for byte but for a byte order mark; ConfigurationInvalid.

    `most`: how many bytes are left for it, where several files share what one may have.
    """
    left = _MAX_BYTES if most is None else most
    try:
        with path.open("rb") as file:
            content = file.read(left + 1)
        if len(content) > left:
            told = "has" if left == _MAX_BYTES else "has, with the files before it,"
            raise ConfigurationInvalid(f"{path}: {told} more than {_MAX_BYTES} bytes")
        return content.decode("utf-8-sig")
    except OSError as problem:
        raise ConfigurationInvalid(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        column = len(content[content.rfind(b"\n", 0, problem.start) + 1 : problem.start].decode()) + 1
        raise ConfigurationInvalid(Mistake("is not UTF-8", line, column, str(path))) from None
